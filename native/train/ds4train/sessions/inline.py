"""Commands that stand in a sentence without quotes, followed by a full stop, a comma or more words."""

from __future__ import annotations

from . import phrasings
from . import phrasings_combos as ask
from .grammar import GIVEN
from .world import World


def inline(world: World, command: str) -> str:
    """A request to run a command that stands in the sentence without quotes."""
    rng = world.rng
    text = ask.INLINE(rng, world.split, {"c": command}).strip()
    if rng.random() < 0.75:
        text = text[:1].upper() + text[1:]
    if text.endswith(command) and command[-1].isalnum() and rng.random() < 0.5:
        text += "."
    if rng.random() < 0.15:
        text = rng.choice(("Hi! ", "Hello. ", "Quick one: ", "ok, ", "@agent ", "Morning! ", "Hey, ")) + text
    return text.replace(GIVEN, "")


def wording_for(world: World, command: str, quoted: str) -> tuple[str, bool]:
    """(request, whether it is already a whole message) for a command that is to be run."""
    if world.rng.random() < 0.35 and not world.s.joining and "\n" not in command:
        return inline(world, command), True
    return phrasings.RUN(world.rng, world.split, {"c": quoted, "C": command}), False
