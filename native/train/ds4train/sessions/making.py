"""Families that make text: new files, appended, inserted and removed lines, files moved, copied, deleted."""

from __future__ import annotations

import re

from . import asks_append, phrasings, phrasings_more
from .asking import Voice
from .asks_style import write
from .grammar import Phrases
from .lines import a_line, fenced, said_line
from .tree import NO_OUTPUT, quote, status
from .world import World

_APPEND = Phrases("""
Append `{l}` to {f} and look at the end.
Add `{l}` at the end of {f}.
{f} gets the new last line `{l}`.
The line `{l}` goes to the end of {f}.
""")
_APPENDED = Phrases("""
I appended `{l}` to {f}.
`{l}` is now the last line of {f}.
Done: {f} ends with `{l}`.
I added the line `{l}` at the end of {f}.
""")


_CLOSED = (
    ".json",
    ".html",
    ".sql",
    ".css",
    ".tf",
    "nginx.conf",
)  # an added line would fall out of their structure


def append(world: World) -> bool:
    rng, s, v = world.rng, world.s, world.voice()
    plans = [
        p
        for p in world.alive()
        if p.kind not in ("json", "html", "go", "css") and not p.path.endswith(_CLOSED)
    ]
    if not plans:
        return False
    plan, line = rng.choice(plans), a_line(world)
    if line in world.tree.lines(plan.path):
        return False
    said = world.said_path(plan.path)
    _ask_append(world, v, said, line)
    facts = {"f": said, "l": line}
    s.bash(_APPEND(rng, facts), *world.tree.append(said, line))
    if said != plan.path:
        s.bash(world.recover(said, plan.path, f"Append `{line}` there."), *world.tree.append(plan.path, line))
    facts["f"] = plan.path
    s.answer(f"The last line of {plan.path} is `{line}`.", _APPENDED(rng, facts), plan.path)
    return True


def _ask_append(world: World, v: Voice, path: str, line: str) -> None:
    rng = world.rng
    if world.s.joining or rng.random() < 0.25:
        slots = {"F": v.path(path), "f": v.quoted(path, v.path_mark), "l": v.value(line), "L": line}
        world.ask("append", phrasings.APPEND(rng, world.split, slots))
        return
    keep = [asks_append.KEEP] if rng.random() < 0.1 else []
    slots = {"F": v.path(path), "L": said_line(rng, v, line)}
    if rng.random() < 0.3:
        text = write(rng, world.split, [*keep, asks_append.BELOW], slots, then=fenced(rng, line))
    else:
        text = write(rng, world.split, [asks_append.DO, *keep], slots)
    world.say("append", text)


def prepend(world: World) -> bool:
    rng, s, v = world.rng, world.s, world.voice()
    plans = [p for p in world.alive() if p.prose and p.kind == "text"]
    if not plans:
        return False
    plan, line = rng.choice(plans), a_line(world)
    wording = phrasings_more.PREPEND(
        rng, world.split, {"F": v.path(plan.path), "f": v.quoted(plan.path, v.path_mark), "l": v.value(line)}
    )
    world.ask("insert", wording)
    s.edit(
        f"Insert `{line}` at the top of {plan.path}.",
        command="insert",
        path=plan.path,
        insert_line=0,
        new_str=line,
    )
    s.answer(
        f"{plan.path} now starts with it.",
        rng.choice(
            (
                f"I inserted `{line}` as the first line of {plan.path}.",
                f"{plan.path} now starts with `{line}`.",
            )
        ),
        plan.path,
    )
    return True


def insert_after(world: World) -> bool:
    rng, s, v = world.rng, world.s, world.voice()
    plans = [p for p in world.alive() if p.prose and p.kind in ("text", "csv")]
    if not plans:
        return False
    plan, line = rng.choice(plans), a_line(world)
    lines = world.tree.lines(plan.path)
    anchor = rng.choice(lines)
    if not anchor.strip() or sum(anchor in x for x in lines) != 1 or "`" in anchor:
        return False
    wording = phrasings_more.INSERT_AFTER(
        rng,
        world.split,
        {
            "F": v.path(plan.path),
            "f": v.quoted(plan.path, v.path_mark),
            "l": v.value(line),
            "a": v.quoted(anchor, v.mark or '"'),
        },
    )
    world.ask("insert", wording)
    s.bash(
        f"Insert `{line}` after `{anchor}` in {plan.path}. Find that line.",
        *world.tree.grep(anchor, plan.path, "-nF"),
    )
    at = lines.index(anchor) + 1
    s.edit(
        f"`{anchor}` is line {at}. Insert `{line}` after line {at}.",
        command="insert",
        path=plan.path,
        insert_line=at,
        new_str=line,
    )
    s.answer(
        f"The new line follows line {at}.",
        rng.choice(
            (
                f"I inserted `{line}` after line {at} of {plan.path}.",
                f"{plan.path} now has `{line}` after `{anchor}`.",
            )
        ),
        plan.path,
    )
    return True


def remove_line(world: World) -> bool:
    rng, s, v = world.rng, world.s, world.voice()
    plans = [p for p in world.alive() if p.prose and p.kind in ("text", "csv")]
    if not plans:
        return False
    plan = rng.choice(plans)
    lines = world.tree.lines(plan.path)
    line = rng.choice(lines)
    if len(lines) < 2 or not line.strip() or sum(line in x for x in lines) != 1:
        return False
    wording = phrasings_more.REMOVE_LINE(
        rng,
        world.split,
        {"F": v.path(plan.path), "f": v.quoted(plan.path, v.path_mark), "l": v.quoted(line, v.mark or '"')},
    )
    world.ask("remove_line", wording)
    s.bash(f"Remove `{line}` from {plan.path}. Find its number.", *world.tree.grep(line, plan.path, "-nF"))
    at = lines.index(line) + 1
    end = "\n" if world.tree.files[plan.path].endswith("\n") and len(lines) > 1 else ""
    if not end and at == len(lines):
        end = "\n"  # the line before keeps its own end
    del lines[at - 1]
    world.tree.files[plan.path] = "\n".join(lines) + end
    s.bash(
        f"`{line}` is line {at} of {plan.path}. Delete line {at}.", f"sed -i '{at}d' {plan.path}", NO_OUTPUT
    )
    s.answer(
        f"Line {at} is gone.",
        rng.choice(
            (
                f"I removed the line `{line}` from {plan.path}.",
                f"Line {at} of {plan.path}, `{line}`, is removed.",
            )
        ),
        plan.path,
    )
    return True


def move(world: World) -> bool:
    return _relocate(world, "mv")


def copy(world: World) -> bool:
    return _relocate(world, "cp")


def _relocate(world: World, tool: str) -> bool:
    rng, s, v, plans = world.rng, world.s, world.voice(), world.alive()
    if not plans:
        return False
    plan = rng.choice(plans)
    ext = plan.path.rsplit(".", 1)[-1] if "." in plan.path.rsplit("/", 1)[-1] else "txt"
    new = world.new_path(ext)
    slots = {"F": v.path(plan.path), "p": v.quoted(plan.path, v.path_mark), "v": v.quoted(new, v.path_mark)}
    world.ask("move", (phrasings_more.MOVE if tool == "mv" else phrasings_more.COPY)(rng, world.split, slots))
    parent = new.rsplit("/", 1)[0] if "/" in new else ""
    made = f"mkdir -p {parent} && " if parent and parent not in world.tree.folders else ""
    text = world.tree.files[plan.path]
    if tool == "mv":
        world.tree.remove(plan.path)
    world.tree.add(new, text)
    verb, done = ("Move", "moved") if tool == "mv" else ("Copy", "copied")
    s.bash(f"{verb} {plan.path} to {new}.", f"{made}{tool} {plan.path} {new}", NO_OUTPUT)
    s.answer(
        f"{new} is in place.",
        rng.choice((f"I {done} {plan.path} to {new}.", f"Done: {plan.path} is {done} to {new}.")),
        new,
    )
    if tool == "mv":
        plan.path = new
    return True


def delete(world: World) -> bool:
    rng, s, v, plans = world.rng, world.s, world.voice(), world.alive()
    if len(plans) < 2:
        return False
    plan = rng.choice(plans)
    world.ask(
        "delete",
        phrasings_more.DELETE(
            rng, world.split, {"F": v.path(plan.path), "p": v.quoted(plan.path, v.path_mark)}
        ),
        edits=False,
    )
    world.tree.remove(plan.path)
    s.bash(f"Delete {plan.path}.", f"rm {plan.path}", NO_OUTPUT)
    s.answer(
        f"{plan.path} is gone.",
        rng.choice((f"I deleted {plan.path}.", f"{plan.path} is deleted.")),
        plan.path,
    )
    return True


def echo(world: World) -> bool:
    """Copying in its purest form: print a given text."""
    rng, s, v = world.rng, world.s, world.voice()
    line = a_line(world)
    command = f"echo {quote(line)}"
    if re.search(r"^-[neE]", line):
        return False
    wording = phrasings.RUN(
        rng, world.split, {"c": v.quoted(command, rng.choice(("`", "`", ""))), "C": command}
    )
    world.ask("run", wording, edits=False)
    s.bash(rng.choice((f"Run `{command}`.", "Run the given command.")), command, status(line, 0))
    s.answer(
        f"It printed `{line}`.",
        rng.choice((f"It printed `{line}`.", f"The output is `{line}`.", f"`{line}`")),
        line,
    )
    return True
