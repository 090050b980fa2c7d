"""The family that renames an identifier everywhere."""

from __future__ import annotations

import re

from . import names, phrasings
from .configs import Planned
from .grammar import Phrases
from .world import World

_RENAME_LOOK = Phrases("""
Rename {k} to {v}. First find every use of {k}.
{k} becomes {v}. Where is {k} used?
I look for all uses of {k}; the new name is {v}.
Find {k} in the project, then rename it to {v}.
""")
_RENAME_DO = Phrases("""
{k} is in {fs}. Replace it with {v} there.
Uses of {k}: {fs}. Rename to {v} with sed.
Files with {k}: {fs}. The new name is {v}.
""")
_RENAME_CHECK = Phrases("""
Check that {k} is gone.
Now make sure no {k} is left.
Is any {k} left? Search again.
""")
_RENAMED = Phrases("""
I renamed `{k}` to `{v}` in {fs}.
`{k}` is now `{v}` in {fs}; no use of the old name is left.
Done: `{k}` is called `{v}` now. I changed {fs}.
I replaced every `{k}` with `{v}` in {fs}.
""")


def uses(world: World, name: str) -> list[str]:
    pattern = re.compile(rf"(?<!\w){re.escape(name)}(?!\w)")
    return [p for p in world.tree.walk() if pattern.search(world.tree.files[p])]


def _rename_target(world: World) -> tuple[Planned, str, str, str] | None:
    """(file, old name, what it is called, new name)."""
    rng = world.rng
    pool: list[tuple[Planned, str, str]] = []
    for plan in world.alive():
        pool += [
            (
                plan,
                x,
                rng.choice(
                    ("the class", "the type", "class")
                    if x[0].isupper()
                    else ("the function", "function", "the method", "the helper")
                ),
            )
            for x in plan.symbols
        ]
        if plan.kind not in ("css", "conf", "docker"):
            pool += [
                (
                    plan,
                    x.key,
                    rng.choice(
                        ("the setting", "the key", "the variable", "the constant", "the option", "the field")
                    ),
                )
                for x in plan.settings
                if re.fullmatch(r"\w+", x.key)
            ]
    pool = [c for c in pool if c[1] in world.tree.files[c[0].path]]
    if not pool:
        return None
    plan, old, what = rng.choice(pool)
    how = (
        "upper"
        if old.isupper()
        else "pascal"
        if old[0].isupper()
        else "snake"
        if old == old.lower()
        else "camel"
    )
    new = names.ident(rng, world.split, how, 1, 3)
    if any(new in text for text in world.tree.files.values()) or old in new:
        return None
    return plan, old, what, new


def rename(world: World) -> bool:
    target = _rename_target(world)
    if target is None:
        return False
    plan, old, what, new = target
    rng, s, v = world.rng, world.s, world.voice()
    paths = uses(world, old)
    if len(paths) > 5:
        return False
    slots = {
        "k": v.name(old),
        "v": v.name(new),
        "what": what,
        "f": v.quoted(plan.path, v.path_mark),
        "F": v.path(plan.path),
    }
    text = world.framed(phrasings.RENAME(rng, world.split, slots))
    if plan.path in text and len(paths) > 1 and "caller" not in text and "uses" not in text:
        return False
    world.say("rename", text)
    facts = {"k": old, "v": new, "fs": " ".join(paths)}
    s.bash(_RENAME_LOOK(rng, facts), *world.tree.grep_all(old, "-rnIw"))
    s.bash(_RENAME_DO(rng, facts), *world.tree.rename_word(old, new, paths))
    s.bash(_RENAME_CHECK(rng, facts), *world.tree.grep_all(old, "-rnIw"))
    for p in world.alive():
        _renamed_facts(world, p, old, new)
    facts["fs"] = ", ".join(paths[:-1]) + (" and " if len(paths) > 1 else "") + paths[-1]
    s.answer(f"No {old} is left; it is {new} everywhere.", _RENAMED(rng, facts), new)
    return True


def _renamed_facts(world: World, plan: Planned, old: str, new: str) -> None:
    pattern = re.compile(rf"\b{re.escape(old)}\b")
    plan.symbols = [new if x == old else x for x in plan.symbols]
    for setting in plan.settings:
        setting.key = pattern.sub(new, setting.key)
        setting.line = pattern.sub(new, setting.line)
        if pattern.search(setting.literal):
            setting.line = "\0"  # the value itself changed: no longer a known setting
