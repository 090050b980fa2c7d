"""The family that replaces a text the user gives by another: a whole line, or a value that is not named."""

from __future__ import annotations

import random

from . import asks_line, glue
from .asking import Voice
from .asks_style import write
from .configs import Planned
from .grammar import Phrases
from .lines import a_line
from .naturals import KINDS
from .spots import fits
from .spotting import spots
from .values import other_value
from .world import World

_FIND = Phrases("""
In {f}, `{o}` must become `{v}`. Look for it.
Replace `{o}` with `{v}` in {f}. First I find it.
Find `{o}` in {f}; the new text is `{v}`.
Where is `{o}` in {f}? It becomes `{v}`.
""")
_EDIT = Phrases("""
The line is `{a}`. It becomes `{b}`.
In {f} the line is `{a}`. The new line is `{b}`.
Found `{a}`. The new line: `{b}`.
""")
_DONE = Phrases("""
I replaced `{o}` with `{v}` in {f}.
{f} now has `{v}` instead of `{o}`.
Done: in {f}, `{o}` is now `{v}`.
In {f} I changed `{o}` to `{v}`.
""")


def _other_line(rng: random.Random, world: World, line: str) -> str:
    """A line that differs in a word or two, or is quite another."""
    bits = line.split(" ")
    if len(bits) > 1 and rng.random() < 0.7:
        n = rng.randrange(len(bits))
        word = rng.choice(
            (glue.a_word(rng), glue.mixed(rng), str(rng.randint(0, 999)), KINDS["expr"](rng, world.split))
        )
        bits[n] = word if rng.random() < 0.7 else f"{bits[n]} {word}"
        return " ".join(bits)
    return a_line(world)


def _replace(world: World, plan: Planned, number: int, old: str, new: str, text: str) -> None:
    """Ask with this text, find the old one, put the new one in its place."""
    s, rng = world.s, world.rng
    line = world.tree.lines(plan.path)[number - 1]
    before, after = line.strip(), line.replace(old, new).strip()
    world.say("change", text)
    facts = {"f": plan.path, "o": old, "v": new, "a": before, "b": after}
    s.bash(_FIND(rng, facts), *world.tree.grep(old, plan.path, "-nF"))
    s.edit(_EDIT(rng, facts), command="str_replace", path=plan.path, old_str=before, new_str=after)
    for setting in plan.settings:
        setting.line = "\0" if setting.line == before else setting.line
    s.answer(f"The line is now `{after}`.", _DONE(rng, facts), new)


def change_line(world: World) -> bool:
    """Replace a line that the user gives."""
    rng, plans = world.rng, world.alive()
    if not plans:
        return False
    plan = rng.choice(plans)
    lines = world.tree.lines(plan.path)
    if not lines:
        return False
    number = rng.randrange(len(lines)) + 1
    old = lines[number - 1].strip()
    if len(old) < 6 or len(old) > 90 or "\t" in old or world.tree.files[plan.path].count(old) != 1:
        return False
    new = _other_line(rng, world, old)
    if new == old or new != new.strip() or "\t" in new:
        return False
    v = world.voice()
    slots = {"F": v.path(plan.path), "O": _quoted(rng, v, old), "V": _quoted(rng, v, new)}
    _replace(world, plan, number, old, new, write(rng, world.split, [asks_line.LINE], slots, world.s.joining))
    return True


def _quoted(rng: random.Random, v: Voice, text: str) -> str:
    return v.quoted(text, v.mark or rng.choice(("`", "`", '"', "'")))


def change_known(world: World) -> bool:
    """Replace a value of which the user gives the old and the new text but no name."""
    rng, found = world.rng, spots(world)
    if not found:
        return False
    plan, spot = rng.choice(found)
    old, before, after = spot.value.text, spot.line[: spot.at], spot.line[spot.at + len(spot.value.text) :]
    if len(old) < 3 or world.tree.files[plan.path].count(old) != 1 or old.lower() in ("true", "false"):
        return False
    value = other_value(rng, world.split, spot.value)
    if not fits(value, before, after) or world.tree.files[plan.path].count(spot.line.strip()) != 1:
        return False
    v = world.voice()
    slots = {"F": v.path(plan.path), "O": v.value(old), "V": v.value(value.text)}
    text = write(rng, world.split, [asks_line.BARE], slots, world.s.joining)
    _replace(world, plan, spot.number, old, value.text, text)
    spot.line, spot.value = before + value.text + after, value
    return True
