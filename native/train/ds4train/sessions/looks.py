"""Families that only look: a value, the file that holds a word, counts, contents, folders."""

from __future__ import annotations

import re

from . import names, phrasings, phrasings_more
from .edits import SPELLED_OTHERWISE, pick_setting, said_value, spoken
from .grammar import Phrases, Wordings
from .kinds import KINDS
from .world import World

_LOOK = Phrases("""
I look up {k} in {f}.
Find {k} in {f}.
Search {f} for {k}.
The value of {k} is in {f}. Look.
""")
_LOOK_ALL = Phrases("""
No file is named. I search the project for {k}.
Where is {k}? Search.
I look for {k} in all files.
""")
_SEEN = Phrases("""
The line is `{line}`, so the value is {v}.
`{line}`: {k} is {v}.
{k} has the value {v}.
It says `{line}`. The answer is {v}.
""")
_VALUE = Phrases("""
`{k}` in {f} is {v}.
The value of `{k}` in {f} is {v}.
In {f}, `{k}` is set to {v}.
`{k}` is {v} (in {f}).
{f} sets `{k}` to {v}.
""")


def only_value(text: str) -> bool:
    """Whether the request asks for the bare value."""
    low = text.lower()
    return any(
        x in low
        for x in (
            "value only",
            "only the value",
            "just the value",
            "only the number",
            "number only",
            "just the number",
            "just a number",
            "just number",
        )
    )


def lookup(world: World) -> bool:
    found = pick_setting(world)
    if found is None:
        return False
    plan, setting = found
    rng, s, v = world.rng, world.s, world.voice()
    holders = [p for p, text in world.tree.files.items() if setting.key in text]
    nowhere = rng.random() < 0.15 and len(holders) == 1
    said = plan.path if nowhere else world.said_path(plan.path)
    slots = {
        "k": v.name(setting.key),
        "K": v.setting(setting.key),
        "f": v.quoted(said, v.path_mark),
        "F": v.path(said),
    }
    key, missing = setting.key, not nowhere and said == plan.path and rng.random() < 0.04
    if missing:
        key = names.ident(rng, world.split, rng.choice(KINDS[plan.kind].case), 1, 3)
        if key in world.tree.files[plan.path]:
            return False
        slots["k"], slots["K"] = v.name(key), v.setting(key)
    text = world.framed(
        (phrasings.LOOKUP_NOFILE if nowhere else phrasings.LOOKUP)(rng, world.split, slots), edits=False
    )
    world.say("lookup", text)
    value = (
        said_value(world, plan, setting.value)
        if plan.kind == "py" and setting.value.kind == "bool"
        else setting.value.text
    )
    value = setting.literal if setting.value.kind == "bool" else value
    facts = {"k": key, "f": said, "v": value, "line": setting.line}
    if nowhere:
        s.bash(_LOOK_ALL(rng, facts), *world.tree.grep_all(key, "-rnIF"))
    else:
        s.bash(_LOOK(rng, facts), *world.tree.grep(key, said, "-nF"))
        if said != plan.path:
            s.bash(
                world.recover(said, plan.path, f"Now find {key} in it."),
                *world.tree.grep(key, plan.path, "-nF"),
            )
    if missing:
        s.bash(rng.choice(SPELLED_OTHERWISE).format(w=key, f=said), *world.tree.cat(said))
        s.answer(
            f"There is no {key} in {said}.",
            rng.choice(
                (
                    f"There is no `{key}` in {said}.",
                    f"{said} has no `{key}`.",
                    f"I did not find `{key}` in {said}.",
                )
            ),
            key,
        )
        return True
    facts["f"] = plan.path
    s.answer(_SEEN(rng, facts), value if only_value(text) else _VALUE(rng, facts), value)
    return True


def lookup_spoken(world: World) -> bool:
    """Look up a setting that the user names in plain words."""
    rng, s, v = world.rng, world.s, world.voice()
    found = pick_setting(world)
    if found is None:
        return False
    plan, setting = found
    words = spoken(setting.key)
    section = spoken(setting.section) if rng.random() < 0.5 else ""
    if (
        (words == setting.key and not section)
        or len(world.tree.files[plan.path]) > 900
        or [spoken(x.key) for x in plan.settings].count(words) != 1
    ):
        return False
    words = f"{section} {words}".strip()
    slots = {
        "k": f"the {words}",
        "K": f"the {words}",
        "f": v.quoted(plan.path, v.path_mark),
        "F": v.path(plan.path),
    }
    text = world.framed(phrasings.LOOKUP(rng, world.split, slots).replace("the the ", "the "), edits=False)
    world.say("lookup", text)
    value = setting.literal if setting.value.kind == "bool" else setting.value.text
    if " " in words:
        s.bash(
            rng.choice(
                (
                    f"What is the {words} in {plan.path}? Read the file.",
                    f"Read {plan.path} to find the {words}.",
                )
            ),
            *world.tree.cat(plan.path),
        )
    else:
        result = s.bash(_LOOK(rng, {"k": words, "f": plan.path}), *world.tree.grep(words, plan.path, "-nF"))
        if setting.line not in result:
            s.bash(rng.choice(SPELLED_OTHERWISE).format(w=words, f=plan.path), *world.tree.cat(plan.path))
    facts = {"k": setting.key, "f": plan.path, "v": value, "line": setting.line}
    s.answer(_SEEN(rng, facts), value if only_value(text) else _VALUE(rng, facts), value)
    return True


_FIND = Phrases("""
I search all files for {w}.
Which file has {w}? Search the project.
Look for {w} in the whole project.
Find the files with {w}.
""")


def _phrase(world: World, line: str) -> str:
    """A word, or sometimes a few neighbouring ones, of a line."""
    words = [m.group() for m in re.finditer(r"[A-Za-z0-9_]{4,}(?:-\w+)*", line)]
    if world.rng.random() < 0.25:
        pairs = re.findall(r"[A-Za-z]{2,}(?: [A-Za-z]{2,}){1,2}", line)
        if pairs:
            return str(world.rng.choice(pairs))
    return world.rng.choice(words) if words else ""


def find(world: World) -> bool:
    rng, s, v = world.rng, world.s, world.voice()
    plans = world.alive()
    if not plans:
        return False
    plan = rng.choice(plans)
    lines = [x for x in world.tree.lines(plan.path) if x.strip()]
    word = _phrase(world, rng.choice(lines)) if lines else ""
    r = rng.random()
    if r < 0.08:
        word = names.invented(rng) + names.invented(rng)
    if len(word) < 3 or word.lower() in ("the", "and", "file", "word", "text", "which", "this", "that"):
        return False
    hits = [p for p in world.tree.walk() if word in world.tree.files[p]]
    if len(hits) > 6 or (len(hits) > 1 and rng.random() < 0.5):
        return False
    slots = {"w": v.quoted(word, v.mark if " " not in word else v.mark or '"')}
    text = world.framed(phrasings.FIND(rng, world.split, slots), edits=False)
    world.say("find", text)
    s.bash(_FIND(rng, {"w": word}), *world.tree.grep_all(word, "-rlIF"))
    low = text.lower()
    bare = any(
        x in low
        for x in (
            "just the path",
            "just path",
            "path only",
            "only the path",
            "just with the path",
            "with just",
            "with only",
        )
    )
    if not hits:
        s.answer(
            f"No file has {word}.",
            rng.choice(
                (
                    f"No file in this project contains `{word}`.",
                    f"I found no file with `{word}`.",
                    f"None: `{word}` does not occur in any file here.",
                )
            ),
            word,
        )
    elif len(hits) == 1:
        path = hits[0]
        full = rng.choice(
            (
                f"{path} contains `{word}`.",
                f"`{word}` is in {path}.",
                f"The file is {path}.",
                f"It is in {path}.",
                f"Only {path} contains `{word}`.",
            )
        )
        s.answer(f"The file is {path}.", path if bare else full, path)
    else:
        shown = ", ".join(hits[:-1]) + " and " + hits[-1]
        full = rng.choice(
            (
                f"Several files contain `{word}`: {shown}.",
                f"`{word}` is in {shown}.",
                f"These files contain `{word}`: {shown}.",
            )
        )
        s.answer(f"Several files have {word}.", "\n".join(hits) if bare else full, *hits)
    return True


def count_lines(world: World) -> bool:
    return _counted(world, phrasings_more.COUNT_LINES, lines=True)


def count_word(world: World) -> bool:
    return _counted(world, phrasings_more.COUNT_WORD, lines=False)


def _counted(world: World, wording: Wordings, lines: bool) -> bool:
    rng, s, v, plans = world.rng, world.s, world.voice(), world.alive()
    if not plans:
        return False
    plan = rng.choice(plans)
    text = world.tree.files[plan.path]
    word = _phrase(world, rng.choice(world.tree.lines(plan.path) or [""]))
    if (not lines and not word) or not text.endswith("\n"):
        return False
    slots = {"F": v.path(plan.path), "f": v.quoted(plan.path, v.path_mark), "w": v.quoted(word or "x")}
    asked = world.ask("count", wording(rng, world.split, slots), edits=False)
    if lines:
        number = str(text.count("\n"))
        s.bash(
            rng.choice((f"Count the lines of {plan.path}.", f"wc gives the line count of {plan.path}.")),
            f"wc -l < {plan.path}",
            number,
        )
        full = rng.choice(
            (
                f"{plan.path} has {number} line{'' if number == '1' else 's'}.",
                f"There are {number} lines in {plan.path}."
                if number != "1"
                else f"There is 1 line in {plan.path}.",
            )
        )
    else:
        command, number = world.tree.grep(word, plan.path, "-cF")
        number = number.split("\n")[0]
        s.bash(f"Count the lines of {plan.path} with {word}.", command, number)
        full = rng.choice(
            (
                f"{number} line of {plan.path} contains `{word}`."
                if number == "1"
                else f"{number} lines of {plan.path} contain `{word}`.",
                f"`{word}` occurs on {number} line{'' if number == '1' else 's'} of {plan.path}.",
            )
        )
    s.answer(f"The count is {number}.", number if only_value(asked) else full, number)
    return True


def contains(world: World) -> bool:
    rng, s, v, plans = world.rng, world.s, world.voice(), world.alive()
    if not plans:
        return False
    plan, other = rng.choice(plans), rng.choice(plans)
    word = _phrase(world, rng.choice(world.tree.lines(other.path) or [""]))
    if not word:
        return False
    slots = {"F": v.path(plan.path), "f": v.quoted(plan.path, v.path_mark), "w": v.quoted(word)}
    world.ask("contains", phrasings_more.CONTAINS(rng, world.split, slots), edits=False)
    command, result = world.tree.grep(word, plan.path, "-nF")
    s.bash(f"Search {plan.path} for {word}.", command, result)
    if result.startswith("[exit"):
        s.answer(
            f"No match: {plan.path} does not have {word}.",
            rng.choice(
                (f"No, {plan.path} does not contain `{word}`.", f"No. `{word}` is not in {plan.path}.")
            ),
            "No",
        )
    else:
        line = result.split(":", 1)[0]
        s.answer(
            f"It is there, on line {line}.",
            rng.choice(
                (
                    f"Yes, {plan.path} contains `{word}` on line {line}.",
                    f"Yes. `{word}` is in {plan.path}, line {line}.",
                )
            ),
            "Yes",
        )
    return True


def show(world: World) -> bool:
    rng, s, v, plans = world.rng, world.s, world.voice(), world.alive()
    small = [p for p in plans if len(world.tree.files[p.path]) < 350]
    if not small:
        return False
    plan = rng.choice(small)
    said = world.said_path(plan.path)
    slots = {"F": v.path(said), "f": v.quoted(said, v.path_mark)}
    world.ask("show", phrasings_more.SHOW(rng, world.split, slots), edits=False)
    s.bash(rng.choice((f"Read {said}.", f"I print {said}.", f"Look at {said}.")), *world.tree.cat(said))
    if said != plan.path:
        s.bash(world.recover(said, plan.path, "Read it."), *world.tree.cat(plan.path))
    body = world.tree.files[plan.path].rstrip()
    if "\n" in body:
        s.answer(f"That is the content of {plan.path}.", f"{plan.path} contains:\n\n```\n{body}\n```", body)
    else:
        s.answer(
            f"{plan.path} has one line.",
            rng.choice((f"{plan.path} contains: {body}", f"{plan.path} says: {body}")),
            body,
        )
    return True


def list_folder(world: World) -> bool:
    rng, s, v = world.rng, world.s, world.voice()
    if not world.tree.folders:
        return False
    target = rng.choice(sorted(world.tree.folders))
    command, result = world.tree.ls(target)
    if result == "(no output)":
        return False
    slots = {"d": rng.choice((v.quoted(target), v.quoted(target + "/"), f"the folder {v.quoted(target)}"))}
    world.ask(
        "list",
        phrasings_more.LIST(rng, world.split, slots).replace("the folder the folder", "the folder"),
        edits=False,
    )
    s.bash(f"List {target}.", command, result)
    shown = result.split("\n")
    s.answer(f"These are the entries of {target}.", f"{target} contains: {', '.join(shown)}.", *shown)
    return True
