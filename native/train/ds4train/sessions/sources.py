"""What the first part of a chained task finds: a setting, a count, a file, a line, a command's output."""

from __future__ import annotations

import re

from .findings import Source, command
from .lines import safe_line
from .tree import status
from .world import World


def _setting(world: World) -> Source | None:
    rng, tree, v = world.rng, world.tree, world.voice()
    pool = [
        (p, x) for p, x in world.settings()
        if sum(x.key in line for line in tree.lines(p.path)) == 1 and "\n" not in x.value.text
    ]  # fmt: skip
    if not pool:
        return None
    plan, setting = rng.choice(pool)
    value, path, key = setting.value.text, plan.path, setting.key
    if not safe_line(value) or value not in setting.line:
        return None

    def act(lead: str) -> str:
        return world.s.bash(f"{lead}Find {key} in {path}.", *tree.grep(key, path, "-nF"))

    slots = {"k": v.name(key), "F": v.path(path)}
    seen = rng.choice(
        (
            f"The line is `{setting.line}`, so the value is `{value}`.",
            f"`{setting.line}`: the value is `{value}`.",
        )
    )
    return Source(
        "setting", slots, value, act, seen, f"`{key}` in {path} is {value}.", path, setting.value.kind
    )


def _fact(world: World) -> Source | None:
    """Something that people call by plain words, in a file that is short enough to be read."""
    rng, tree, v = world.rng, world.tree, world.voice()
    pool = [
        (p.path, x, say)
        for p, x in world.facts()
        for say in x.says
        if say[:1].islower() and len(tree.files[p.path]) < 700
    ]
    if not pool:
        return None
    path, fact, say = rng.choice(pool)
    value = fact.value.text
    if not safe_line(value) or value not in fact.line or "`" in fact.line:
        return None

    def act(lead: str) -> str:
        return world.s.bash(f"{lead}Read {path} to find the {say}.", *tree.cat(path))

    slots = {"k": f"the {say}", "F": v.path(path)}
    seen = f"The line is `{fact.line}`, so the {say} is `{value}`."
    return Source("fact", slots, value, act, seen, f"The {say} in {path} is {value}.", path)


def _lines(world: World) -> Source | None:
    plans = [p for p in world.alive() if world.tree.files[p.path].endswith("\n")]
    if not plans:
        return None
    path, v = world.rng.choice(plans).path, world.voice()
    count = str(world.tree.files[path].count("\n"))

    def act(lead: str) -> str:
        return world.s.bash(f"{lead}Count the lines of {path}.", f"wc -l < {path}", count)

    return Source(
        "lines",
        {"F": v.path(path)},
        count,
        act,
        f"{path} has {count} lines.",
        f"{path} has {count} lines.",
        path,
    )


def _a_word(world: World, path: str) -> str:
    """A word of the file that is found in lines as it stands, or nothing."""
    found = re.findall(r"[A-Za-z][A-Za-z_]{4,18}", world.tree.files[path])
    return world.rng.choice(found) if found else ""


def _holder(world: World) -> Source | None:
    rng, tree, v = world.rng, world.tree, world.voice()
    plans = [p.path for p in world.alive() if not any(x.startswith(".") for x in p.path.split("/")[:-1])]
    if not plans:
        return None
    path = rng.choice(plans)
    word = _a_word(world, path)
    if not word or sum(word.lower() in text.lower() for text in tree.files.values()) != 1:
        return None

    def act(lead: str) -> str:
        return world.s.bash(f"{lead}Which file has `{word}`?", *tree.grep_all(word, "-rlIF"))

    return Source("holder", {"w": v.quoted(word)}, path, act, f"Only ./{path} has it, that is {path}.",
                  f"`{word}` is in {path}.")  # fmt: skip


def _line(world: World) -> Source | None:
    rng, tree, v = world.rng, world.tree, world.voice()
    kind, tool, at = rng.choice((("first", "head", 0), ("last", "tail", -1)))
    plans = [p.path for p in world.alive() if tree.files[p.path].endswith("\n") and tree.lines(p.path)]
    if not plans:
        return None
    path = rng.choice(plans)
    line = tree.lines(path)[at]
    if not safe_line(line) or not line.strip() or "`" in line:
        return None

    def act(lead: str) -> str:
        return world.s.bash(f"{lead}Get the {kind} line of {path}.", f"{tool} -n 1 {path}", status(line, 0))

    return Source(
        kind,
        {"F": v.path(path)},
        line,
        act,
        f"It is `{line}`.",
        f"The {kind} line of {path} is `{line}`.",
        path,
    )


def _count(world: World) -> Source | None:
    rng, tree, v = world.rng, world.tree, world.voice()
    plans = [p.path for p in world.alive() if tree.lines(p.path)]
    if not plans:
        return None
    path = rng.choice(plans)
    word = _a_word(world, path)
    if not word:
        return None
    command, count = tree.grep(word, path, "-cF")

    def act(lead: str) -> str:
        return world.s.bash(f"{lead}Count the lines with `{word}`.", command, count)

    said = (
        f"{count} line{'s' if count != '1' else ''} of {path} contain{'' if count != '1' else 's'} `{word}`."
    )
    return Source(
        "count", {"F": v.path(path), "w": v.quoted(word)}, count, act, f"The count is {count}.", said, path
    )


__all__ = ["Source", "pick"]

_MAKERS = (
    _fact,
    _fact,
    _fact,
    _fact,
    _setting,
    _setting,
    _setting,
    _lines,
    _holder,
    _holder,
    command,
    command,
    _line,
    _line,
    _count,
)


def pick(world: World) -> Source | None:
    return world.rng.choice(_MAKERS)(world)
