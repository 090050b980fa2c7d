"""Families that make text: new files, appended, inserted and removed lines, files moved, copied, deleted."""

from __future__ import annotations

import re

from . import names, phrasings, phrasings_more, programs
from .grammar import Phrases
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


def safe_line(line: str) -> bool:
    """Whether echo with our quoting keeps the line whole in an interactive shell."""
    return (
        bool(line)
        and "\t" not in line
        and not line.startswith("-n")
        and not ("'" in line and "!" in line)
        and line == line.strip()
    )


def a_line(world: World) -> str:
    """A line someone may want in a file: a word, a sentence, a setting, code, with odd characters now and then."""
    rng, split = world.rng, world.split
    n = lambda how="snake": names.ident(rng, split, how, 1, 2)  # noqa: E731
    value = names.value(rng, split).text
    while True:
        line = rng.choice((
            lambda: names.sentence(rng, split), lambda: names.sentence(rng, split), lambda: names.sentence(rng, split), lambda: names.invented(rng),
            lambda: f"{n()} = {value}", lambda: f"{n('upper')}={value}", lambda: f"{n()}: {value}", lambda: f"- {names.sentence(rng, split)}", lambda: value,
            lambda: f"# {names.sentence(rng, split)}", lambda: f"import {n()}", lambda: f"{n('kebab')}=={names.value(rng, split, 'version').text}", lambda: f"*.{names.invented(rng)}",
            lambda: f"export {n('upper')}={value}", lambda: f"It's {names.sentence(rng, split).lower()}", lambda: f"say \"{names.invented(rng)}\" to {rng.choice(names.words.PEOPLE[split])}",
            lambda: f"cost: ${rng.randint(1, 999)}", lambda: f"{n()},{value},{rng.randint(0, 99)}", lambda: f"print('{names.invented(rng)}')", lambda: f"<p>{names.sentence(rng, split)}</p>",
            lambda: f"{names.invented(rng)} {names.invented(rng)} {names.invented(rng)}", lambda: f"path\\to\\{n()}", lambda: f"{rng.randint(1, 99)}. {names.sentence(rng, split)}",
            lambda: f"{names.sentence(rng, split)} ({names.invented(rng)})", lambda: f"TODO: {names.sentence(rng, split)}", lambda: f"{names.invented(rng)}@{names.host(rng, split)}",
            lambda: "".join(rng.choice("abcdefghijklmnopqrstuvwxyzABCDEFGHIJ0123456789_") for _ in range(rng.randint(6, 20))),
            lambda: " ".join(str(rng.randint(0, 999)) for _ in range(rng.randint(2, 6))),
        ))()  # fmt: skip
        if safe_line(line):
            return line


def append(world: World) -> bool:
    rng, s, v = world.rng, world.s, world.voice()
    plans = [p for p in world.alive() if p.kind not in ("json", "html", "go", "css")]
    if not plans:
        return False
    plan, line = rng.choice(plans), a_line(world)
    if line in world.tree.lines(plan.path):
        return False
    said = world.said_path(plan.path)
    wording = phrasings.APPEND(
        rng, world.split, {"F": v.path(said), "f": v.quoted(said, v.path_mark), "l": v.value(line), "L": line}
    )
    world.ask("append", wording)
    facts = {"f": said, "l": line}
    s.bash(_APPEND(rng, facts), *world.tree.append(said, line))
    if said != plan.path:
        s.bash(world.recover(said, plan.path, f"Append `{line}` there."), *world.tree.append(plan.path, line))
    facts["f"] = plan.path
    s.answer(f"The last line of {plan.path} is `{line}`.", _APPENDED(rng, facts), plan.path)
    return True


def prepend(world: World) -> bool:
    rng, s, v = world.rng, world.s, world.voice()
    plans = [p for p in world.alive() if p.prose and p.kind == "text"]
    if not plans:
        return False
    plan, line = rng.choice(plans), a_line(world)
    wording = phrasings.PREPEND(
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


_CREATE = Phrases("""
Create {f} with the content from the task.
Write the given text to {f}.
The new file is {f}. I write its content exactly as given.
{f} is a new file; copy the given text.
""")
_CREATE_ONE = Phrases("""
Create {f} with `{l}`.
The new file {f} holds `{l}`.
Write `{l}` to {f}.
{f} is new; its content is `{l}`.
""")
_CREATED_ONE = Phrases("""
I created {f} with the content `{l}`.
{f} now exists and contains `{l}`.
Done: {f} holds `{l}`.
I wrote `{l}` to {f}.
""")


def create_line(world: World) -> bool:
    rng, s, v = world.rng, world.s, world.voice()
    path, line = world.new_path(), a_line(world)
    if rng.random() < 0.25:
        line = names.value(rng, world.split, rng.choice(("phrase", "word", "version", "str", "int"))).text
    wording = phrasings_more.CREATE_LINE(
        rng,
        world.split,
        {
            "F": v.path(path),
            "p": v.quoted(path, v.path_mark),
            "f": v.quoted(path, v.path_mark),
            "l": v.value(line),
            "L": line,
        },
    )
    world.ask("create", wording)
    s.edit(_CREATE_ONE(rng, {"f": path, "l": line}), command="create", path=path, file_text=line + "\n")
    s.answer(f"{path} is there.", _CREATED_ONE(rng, {"f": path, "l": line}), path)
    return True


def block(world: World, path: str) -> str:
    """Several lines fit for the path's kind."""
    rng, split = world.rng, world.split
    ext = path.rsplit(".", 1)[-1]
    if ext in ("py", "sh"):
        return programs.small_script(rng, split, ext)
    from . import configs, prose

    kind = {"yml": "yaml", "md": "list", "html": ""}.get(ext, ext)
    if kind in configs.KINDS and rng.random() < 0.7:
        return configs.config(rng, split, kind, rng.randint(2, 5)).text
    if ext == "html":
        return prose.page(rng, split).text
    if ext == "csv":
        return prose.table(rng, split).text
    return "\n".join(a_line(world) for _ in range(rng.randint(2, 7))) + "\n"


def create_block(world: World) -> bool:
    rng, s, v = world.rng, world.s, world.voice()
    path = world.new_path()
    text = block(world, path)
    if "```" in text or "\t" in text:
        return False
    shown = text.rstrip("\n")
    fence = rng.random() < 0.5
    lang = path.rsplit(".", 1)[-1] if rng.random() < 0.5 else ""
    body = f"```{lang}\n{shown}\n```" if fence else shown
    mark = "@@BLOCK@@"
    wording = phrasings_more.CREATE_BLOCK(
        rng, world.split, {"F": v.path(path), "p": v.quoted(path, v.path_mark), "B": mark}
    )
    world.say("create", world.framed(wording).replace(mark, body))
    s.edit(_CREATE(rng, {"f": path}), command="create", path=path, file_text=text)
    s.answer(
        f"{path} is written.",
        rng.choice(
            (
                f"I created {path} with the content you gave.",
                f"{path} now exists with the given content.",
                f"Done: I wrote the given text to {path}.",
            )
        ),
        path,
    )
    return True


def create_lines(world: World) -> bool:
    """One line per listed item."""
    rng, s, v = world.rng, world.s, world.voice()
    path = world.new_path(rng.choice(("txt", "md", "list", "csv", "log")))
    make = rng.choice((lambda: names.word(rng, world.split), lambda: names.invented(rng), lambda: str(rng.randint(0, 999)), lambda: rng.choice(names.words.PEOPLE[world.split]),
                       lambda: rng.choice(names.words.PLACES[world.split]), lambda: names.ident(rng, world.split, "snake", 1, 2)))  # fmt: skip
    items = list(dict.fromkeys(make() for _ in range(rng.randint(2, 6))))
    if len(items) < 2:
        return False
    shown = [v.name(x) for x in items]
    listed = rng.choice(
        (
            ", ".join(shown),
            ", ".join(shown[:-1]) + " and " + shown[-1],
            ", ".join(shown[:-1]) + " and " + shown[-1],
        )
    )
    wording = phrasings_more.CREATE_LINES(
        rng,
        world.split,
        {
            "F": v.path(path),
            "p": v.quoted(path, v.path_mark),
            "n": rng.choice((str(len(items)), ("two", "three", "four", "five", "six")[len(items) - 2])),
            "m": listed,
        },
    )
    world.ask("create", wording)
    s.edit(
        f"Create {path} with the lines {', '.join(items)}.",
        command="create",
        path=path,
        file_text="\n".join(items) + "\n",
    )
    s.answer(
        f"{path} has the lines.",
        rng.choice(
            (
                f"I created {path} with the lines {', '.join(items)}.",
                f"{path} now has the lines {', '.join(items)}.",
            )
        ),
        path,
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
