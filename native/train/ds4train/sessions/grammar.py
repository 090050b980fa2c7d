"""Wording grammars: one pattern a line, `[a|b|]` chooses, `{slot}` is filled in by the caller, groups nest.

Every eighth line of a set is never used for training: those wordings are what the held-out split is asked
in.
"""

from __future__ import annotations

import random
from collections.abc import Mapping

Node = str | tuple[str, "list[Pattern] | str"]
Pattern = list["Node"]

# Marks a text that begins with a name or value, which must keep its case. Gone when the message is done.
GIVEN = "\x01"
_FREE = frozenset("tTaAbB")  # slots that hold whole requests

_HELD_EVERY = 8
_HELD_OFFSET = 5


def _parse(text: str, at: int, depth: int) -> tuple[list[Pattern], int]:
    """Alternatives up to the closing bracket (or the end at depth 0)."""
    alternatives: list[Pattern] = [[]]
    literal: list[str] = []

    def flush() -> None:
        if literal:
            alternatives[-1].append("".join(literal))
            literal.clear()

    while at < len(text):
        ch = text[at]
        if ch == "[":
            flush()
            inner, at = _parse(text, at + 1, depth + 1)
            alternatives[-1].append(("choice", inner))
            continue
        if ch == "]" and depth:
            flush()
            return alternatives, at + 1
        if ch == "|" and depth:
            flush()
            alternatives.append([])
        elif ch == "{":
            flush()
            end = text.index("}", at)
            alternatives[-1].append(("slot", text[at + 1 : end]))
            at = end
        else:
            literal.append(ch)
        at += 1
    if depth:
        raise ValueError(f"unclosed bracket in wording: {text!r}")
    flush()
    return alternatives, at


def parse(text: str) -> Pattern:
    return _parse(text, 0, 0)[0][0]


def _expand(pattern: Pattern, rng: random.Random, slots: Mapping[str, str], out: list[str]) -> None:
    for node in pattern:
        if isinstance(node, str):
            out.append(node)
        elif node[0] == "slot":
            name = str(node[1])
            if name not in _FREE and not any(out):
                out.append(GIVEN)
            out.append(slots[name])
        else:
            choices = node[1]
            assert isinstance(choices, list)
            _expand(choices[int(rng.random() * len(choices))], rng, slots, out)


def _ways(pattern: Pattern) -> int:
    total = 1
    for node in pattern:
        if not isinstance(node, str) and isinstance(node[1], list):
            total *= sum(_ways(p) for p in node[1])
    return total


class Wordings:
    """A family's phrasings, divided into the training and the held-out lines."""

    def __init__(self, text: str) -> None:
        self.train: list[Pattern] = []
        self.heldout: list[Pattern] = []
        self.extend(text)
        self.heldout = self.heldout or self.train

    def extend(self, text: str) -> None:
        """Add lines, again every eighth of them held out."""
        lines = [line for line in text.strip().split("\n") if line.strip()]
        for i, line in enumerate(lines):
            pool = self.heldout if i % _HELD_EVERY == _HELD_OFFSET else self.train
            pool.append(parse(line.replace("\\n", "\n")))

    def __call__(self, rng: random.Random, split: str, slots: Mapping[str, str]) -> str:
        pool = self.heldout if split == "heldout" else self.train
        out: list[str] = []
        _expand(pool[int(rng.random() * len(pool))], rng, slots, out)
        return "".join(out)

    def count(self) -> tuple[int, int]:
        """Lines, and distinct texts before slots are filled."""
        both = self.train + (self.heldout if self.heldout is not self.train else [])
        return len(both), sum(_ways(p) for p in both)


class Phrases:
    """Small pools without a held-out part: what the assistant says."""

    def __init__(self, text: str) -> None:
        self.patterns = [
            parse(line.replace("\\n", "\n")) for line in text.strip().split("\n") if line.strip()
        ]

    def __call__(self, rng: random.Random, slots: Mapping[str, str]) -> str:
        out: list[str] = []
        _expand(self.patterns[int(rng.random() * len(self.patterns))], rng, slots, out)
        return "".join(out).replace(GIVEN, "")
