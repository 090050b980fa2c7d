"""The family that renames an identifier everywhere."""

from __future__ import annotations

import random
import re

from . import asks_rename, names, phrasings
from .asking import Voice
from .asks_style import write
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


_CODE = frozenset("py js mjs ts tsx go rs c h java kt cs php rb sh".split())
_SETTINGS = ("the setting", "the key", "the variable", "the constant", "the option", "the field", "the name")
_NOUNS = {
    "sql": ("the table", "the name"),
    "css": ("the class", "the name"),
    "html": ("the id", "the name", "the class"),
    "json": ("the key", "the field", "the property", "the entry"),
    "xml": ("the element", "the name", "the property"),
    "env": ("the variable", "the environment variable"),
    "md": ("the name", "the word", "the term"),
    "txt": ("the name", "the word", "the term"),
    "csv": ("the name", "the word"),
}


def _noun(rng: random.Random, plan: Planned, name: str, symbol: bool = False) -> str:
    """What people call this name: by its file, for functions and classes by its case."""
    ext = plan.path.rpartition(".")[2]
    if symbol and ext in _CODE:
        return rng.choice(("the class", "the type", "class") if name[0].isupper() else ("the function", "function", "the method", "the helper"))  # fmt: skip
    return rng.choice(_NOUNS.get(ext, _SETTINGS))


def _rename_target(world: World) -> tuple[Planned, str, str, str] | None:
    """(file, old name, what it is called, new name)."""
    rng = world.rng
    pool: list[tuple[Planned, str, str]] = []
    for plan in world.alive():
        pool += [(plan, x, _noun(rng, plan, x, symbol=True)) for x in plan.symbols]
        if plan.kind not in ("css", "conf", "docker"):
            keys = {x.key for x in plan.settings} | {x.key for x in plan.spots} - set(plan.symbols)
            pool += [(plan, k, _noun(rng, plan, k)) for k in sorted(keys) if re.fullmatch(r"\w+", k)]
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
    if any("/." in f"/{p}" and "/" in p for p in paths):
        return False  # a search skips hidden folders
    text = _asked(world, v, plan, old, what, new, len(paths) > 1)
    if not text:
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


def _asked(world: World, v: Voice, plan: Planned, old: str, what: str, new: str, many: bool) -> str:
    """The request; nothing where it would name one of many files without saying that all are meant."""
    rng = world.rng
    if world.s.joining or rng.random() < 0.3:
        slots = {
            "k": v.name(old),
            "v": v.name(new),
            "what": what,
            "f": v.quoted(plan.path, v.path_mark),
            "F": v.path(plan.path),
        }
        text = world.framed(phrasings.RENAME(rng, world.split, slots))
        whole = "caller" in text or "uses" in text
        return "" if plan.path in text and many and not whole else text
    slots = {"W": what, "K": v.name(old), "V": v.name(new), "F": v.path(plan.path)}
    inside = rng.random() < 0.4
    sentences = [asks_rename.DO_IN if inside else asks_rename.DO]
    if (inside and many) or rng.random() < 0.4:
        sentences.append(asks_rename.EVERYWHERE)
    if rng.random() < 0.12:
        sentences.append(asks_rename.KEEP)
    return write(rng, world.split, sentences, slots)


def _renamed_facts(world: World, plan: Planned, old: str, new: str) -> None:
    pattern = re.compile(rf"\b{re.escape(old)}\b")
    plan.symbols = [new if x == old else x for x in plan.symbols]
    plan.spots = [x for x in plan.spots if not pattern.search(f"{x.key} {x.line} {' '.join(x.says)}")]
    for setting in plan.settings:
        setting.key = pattern.sub(new, setting.key)
        setting.line = pattern.sub(new, setting.line)
        if pattern.search(setting.literal):
            setting.line = "\0"  # the value itself changed: no longer a known setting
