"""How a user asks for another value in a place of spots.txt."""

from __future__ import annotations

import random
import re

from . import asks_change as ask
from . import asks_switch
from .asking import Voice
from .asks_style import Asked, write
from .configs import Planned, Spot
from .grammar import Wordings
from .spots import spoken
from .values import Value
from .world import World

_ON = frozenset("true yes on 1 enabled True".split())
_OFF = frozenset("false no off 0 disabled False".split())


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


def ask_for(world: World, v: Voice, plan: Planned, spot: Spot, said: str, value: Value, path: str) -> None:
    rng = world.rng
    others = [x.key for x in plan.spots if x.key and x.key != spot.key]
    slots = {
        "T": said,
        "F": v.path(path),
        "V": _said_value(rng, v, value.text),
        "O": _said_value(rng, v, spot.value.text),
    }
    if others:
        slots["D"] = v.name(rng.choice(others))
    on, off = value.text in _ON and spot.value.text in _OFF, value.text in _OFF and spot.value.text in _ON
    sentences = _plan(rng, bool(others))
    if (on or off) and rng.random() < 0.65:
        slots |= {"S": "on" if on else "off", "R": "off" if on else "on"}
        sentences = [asks_switch.ON if on else asks_switch.OFF, *sentences[1:][-1:]]
        sentences = [x for x in sentences if x not in (ask.DO_IT, ask.WHERE_IT, ask.STATE_IT)]
    if world.s.joining:
        sentences = [ask.DO if sentences[0] is not ask.DO_FROM else ask.DO_FROM]
    text = write(rng, world.split, sentences, slots, world.s.joining)
    world.say("change", text)
