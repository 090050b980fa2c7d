"""The family of tasks written by hand: their files are planted when a project is made, and played when their turn comes.

Every action is carried out on a copy of the project first. If the drawn values get in its way (an edit that fits
two places, a word that other files hold as well) the task is left out this time, before anything was said.
"""

from __future__ import annotations

import copy
import random
import re
import zlib
from typing import TYPE_CHECKING

from ..asking import IMPERATIVE
from ..grammar import Phrases
from ..otherwise import otherwise
from ..tree import Tree
from .acts import Call, Unplayable, calls, replacement
from .form import Action, Entry, choose, fill
from .planted import Planted
from .thoughts import thoughts

if TYPE_CHECKING:
    from ..world import World

_HELD_OUT = 10
_OPENERS = IMPERATIVE | frozenset(
    "the a an can could would will please i we it in what which where who how my our".split()
)
_OVER = Phrases("That is done.\nAll is done.\nEverything asked for is done.\nNothing is left to do.")


def _wording(entry: Entry, rng: random.Random, split: str) -> tuple[str, bool]:
    """One of the wordings; a tenth of them is kept for evaluation."""
    held = [a for a in entry.asks if zlib.crc32(a[0].encode()) % _HELD_OUT == 0]
    rest = [a for a in entry.asks if a not in held]
    return rng.choice((held or rest) if split == "heldout" else (rest or held))


def _other_quotes(text: str, rng: random.Random) -> str:
    """Quotes of another kind in place of backticks, where nothing clashes."""
    quoted = re.findall("`([^`]+)`", text)
    if (
        "\n" in text
        or text.count("`") != 2 * len(quoted)
        or any(set(x) & set("'\"") or " " in x for x in quoted)
    ):
        return text
    return text.replace("`", rng.choice(("`", "`", "'", '"', "")))


def _request(planted: Planted, world: World) -> tuple[str, bool]:
    rng = world.rng
    wording, named = _wording(planted.entry, rng, world.split)
    said = otherwise(rng, choose(wording, rng), planted.entry.fixed_words)
    text = fill(_other_quotes(said, rng).replace("\\n", "\n"), planted.slots)
    plain = text.partition(" ")[0].lower() in _OPENERS  # a name at the front keeps its case
    if plain and rng.random() < 0.15:
        text = text[0].lower() + text[1:]
    if rng.random() < 0.12 and re.search("[a-z]{3}[.]$", text):
        text = text[:-1]
    verb = text.partition(" ")[0].lower() in IMPERATIVE and "\n" not in text
    return (world.framed(text) if verb and rng.random() < 0.25 else text), named


def _try(actions: list[Action], planted: Planted, tree: Tree) -> None:
    """Carry the actions out on a copy of the project."""
    for action in actions:
        for _ in calls(action, planted, tree):
            pass


def _changed(made: list[Call]) -> str:
    """The files that a rename's search showed."""
    command = next((str(c[1]["command"]) for c in made if "sed -i" in str(c[1].get("command"))), "")
    return command.rpartition("/g' ")[2]


def handwritten(world: World) -> bool:
    """Play one of the planted tasks."""
    rng, tree = world.rng, world.tree
    ready = [p for p in world.tales if p.intact(tree)]
    if not ready:
        return False
    planted = rng.choice(ready)
    text, named = _request(planted, world)
    actions = [a for a in planted.entry.actions if not (a.optional and named)]
    try:
        _try(actions, planted, copy.deepcopy(tree))
    except (Unplayable, KeyError):
        return False
    world.tales.remove(planted)
    world.say(planted.entry.family, text)
    for action in actions:
        _act(action, planted, world)
    _answer(planted, world)
    return True


def _act(action: Action, planted: Planted, world: World) -> None:
    s = world.s
    if action.verb == "edit":
        (think,) = thoughts(action, planted, world.rng, "")
        s.edit(think, **replacement(action, planted, world.tree))
        return
    made = list(calls(action, planted, world.tree))
    thinks = thoughts(action, planted, world.rng, _changed(made))
    # What is renamed is gone already when its first search is told, so that no other search may be made up before it.
    tell = s.record if action.verb == "rename" else s.call
    for think, (tool, arguments, result) in zip(thinks, made, strict=True):
        tell(think, tool, arguments, result)


def _answer(planted: Planted, world: World) -> None:
    from ..fixing import report

    entry, rng = planted.entry, world.rng
    if not entry.says:
        last = world.s.steps[-1]
        report(world, str(last.arguments["command"]), last.result)
        return
    think = fill(choose(entry.see, rng), planted.slots) or _OVER(rng, {})
    said = fill(choose(rng.choice(entry.says), rng).replace("\\n", "\n"), planted.slots)
    world.s.answer(think, said, *(fill(x, planted.slots) for x in entry.answers))
