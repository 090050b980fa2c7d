"""Plain questions answered from tables: two things compared, terms, how to do something."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from . import asktalk, manner
from .talk import FACTS, THINK
from .world import World

_FRAME = (asktalk.BEFORE, asktalk.AFTER)


@cache
def _rows(name: str, columns: int) -> list[list[str]]:
    text = Path(__file__).with_name(name).read_text(encoding="utf-8")
    return [line.split(" | ", columns - 1) for line in text.splitlines() if line.strip()]


@cache
def _groups() -> list[list[list[str]]]:
    """Terms with definitions, those of one subject together."""
    text = Path(__file__).with_name("know.txt").read_text(encoding="utf-8")
    found = [[line.split(" | ") for line in part.splitlines()] for part in text.strip().split("\n\n")]
    return [group for group in found if len(group) > 1]


def _ask(world: World, text: str, think: str, answer: str) -> bool:
    world.say("question", text)
    world.s.answer(think if world.rng.random() < 0.5 else world.rng.choice(THINK), answer)
    return True


def compare(world: World) -> bool:
    """The difference between two things; the answer names both."""
    rng = world.rng
    if rng.random() < 0.6:
        a, b, answer = rng.choice(_rows("compare.txt", 3))
    else:
        (a, of_a), (b, of_b) = rng.sample(rng.choice(_groups()), 2)
        answer = f"{of_a} {of_b}"
    if rng.random() < 0.3:
        a, b = b, a
    if rng.random() < 0.3:
        a, b = (x.removeprefix("a ").removeprefix("an ").removeprefix("the ") for x in (a, b))
    text = manner.written(rng, world.split, asktalk.DIFFERENCE, {"a": a, "b": b}, frame=_FRAME)
    return _ask(world, text, f"Compare {a} and {b}; no tool is needed.", answer)


def define(world: World) -> bool:
    rng = world.rng
    term, answer = rng.choice(FACTS if rng.random() < 0.25 else _rows("know.txt", 2))
    said = term if rng.random() < 0.75 else term.removeprefix("a ").removeprefix("an ").removeprefix("the ")
    text = manner.written(rng, world.split, asktalk.DEFINE, {"x": said}, frame=_FRAME)
    return _ask(world, text, f"The user asks what {term} is.", answer)


def how_to(world: World) -> bool:
    rng = world.rng
    task, answer = rng.choice(_rows("howtos.txt", 2))
    text = manner.written(rng, world.split, asktalk.HOW, {"t": task}, frame=_FRAME)
    return _ask(world, text, f"How to {task}: I know that.", answer)
