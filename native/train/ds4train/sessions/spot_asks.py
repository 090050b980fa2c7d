"""How a user asks for another value in a place of spots.txt."""

from __future__ import annotations

import random
import re
from collections.abc import Sequence

from . import asks_change as ask
from . import asks_switch
from .asking import Voice
from .asks_style import Asked, write
from .configs import Planned, Spot
from .grammar import Wordings
from .spots import spoken
from .world import World

_ON = frozenset("true yes on 1 enabled True TRUE".split())
_OFF = frozenset("false no off 0 disabled False FALSE".split())


def thing(world: World, v: Voice, plan: Planned, spot: Spot) -> tuple[str, str, str]:
    """(as the user says it, as the assistant says it, the exact name that was said or nothing)."""
    rng = world.rng
    plain = spot.plain
    alone = [spoken(x.key) for x in plan.spots].count(plain) == 1 and len(plan.spots) < 12
    if spot.says == ("⟪K⟫",) and alone and " " in plain and rng.random() < 0.25:
        said = rng.choice((f"the {plain}", f"the {plain} setting", plain))
        return said, f"the {plain}", ""
    says = rng.choice(spot.says)
    mark = rng.choice(("", "", "`", "'", '"')) if " " not in spot.key else rng.choice(('"', "'", "`"))
    call = "()" if re.search("return|result|what |def", spot.says[0]) and rng.random() < 0.25 else ""
    said = says.replace("⟪K⟫", f"{mark}{spot.key}{call}{mark}")
    if says == "⟪K⟫":
        said = v.setting(spot.key)
    exact = spot.key if "⟪K⟫" in says or (spot.key and spot.key in says) else ""
    return said, says.replace("⟪K⟫", spot.key), exact


def _said_value(rng: random.Random, v: Voice, text: str) -> str:
    """Quoted, or plain where it reads plainly."""
    if (
        text == text.strip()
        and re.fullmatch(r"[\w .:%€$£/@+-]+", text)
        and text[-1] not in ".:"
        and rng.random() < 0.55
    ):
        return text
    return v.value(text)


def _plan(rng: random.Random, named: bool) -> Asked:
    """The sentences of the request."""
    keep: list[Wordings] = (
        [ask.KEEP] if rng.random() < 0.14 else [ask.KEEP_D] if named and rng.random() < 0.08 else []
    )
    main: list[Wordings] = rng.choices(
        (
            [ask.DO],
            [ask.DO_FROM],
            [ask.WHERE_T, ask.DO_IT],
            [ask.DO_HERE, ask.WHERE_IT],
            [ask.STATE_TF, ask.DO_IT],
            [ask.STATE_T, ask.DO_IT, ask.WHERE_IT],
            [ask.STATE_T, ask.WHERE_IT, ask.DO_IT],
            [ask.DO_HERE, ask.WHERE_IT, ask.STATE_IT],
            [ask.DO, ask.STATE_IT],
            [ask.WHERE_T, ask.STATE_IT, ask.DO_IT],
        ),
        (34, 22, 8, 8, 8, 4, 4, 4, 5, 3),
    )[0]
    return main + keep


def _switch(said: str, old: str, new: str) -> tuple[Wordings, str, str] | None:
    """Wordings and the words for both states, where the change turns something on or off."""
    if said.startswith(("what ", "the return")):
        return None
    if new in _ON and old in _OFF:
        return asks_switch.ON, "on", "off"
    return (asks_switch.OFF, "off", "on") if new in _OFF and old in _ON else None


def ask_for(
    world: World, v: Voice, said: str, old: str, new: str, path: str, others: Sequence[str] = ()
) -> None:
    """Ask for the new value of a thing; without a place where `path` is empty.

    `others` are names in the same file.
    """
    rng = world.rng
    slots = {"T": said, "F": v.path(path), "V": _said_value(rng, v, new), "O": _said_value(rng, v, old)}
    if others:
        slots["D"] = v.name(rng.choice(others))
    sentences = _plan(rng, bool(others))
    switch = _switch(said, old, new)
    if switch and rng.random() < 0.65:
        slots |= {"S": switch[1], "R": switch[2]}
        sentences = [switch[0], *(x for x in sentences if x in (ask.KEEP, ask.KEEP_D))]
    if not path:
        sentences = rng.choice(([ask.DO_HERE], [ask.DO_HERE, ask.STATE_IT], [ask.STATE_T, ask.DO_IT]))
    elif world.s.joining:
        sentences = [ask.DO if sentences[0] is not ask.DO_FROM else ask.DO_FROM]
    if old == new:
        sentences = [ask.DO]
    world.say("change", write(rng, world.split, sentences, slots, world.s.joining))
