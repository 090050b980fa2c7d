"""Requests as people type them: small letters, slips of the finger, no full stop, a greeting, a reason before.

The given names and values keep their spelling: they are set in after the rest has been roughened.
"""

from __future__ import annotations

import random
from collections.abc import Mapping

from . import phrasings_loose as ask
from . import words
from .grammar import GIVEN, Wordings

_FIRST = 0xE000  # private characters stand for the slots


def _slip(rng: random.Random, text: str) -> str:
    """One letter swapped, lost or doubled in one of the longer words."""
    bits = text.split(" ")
    able = [i for i, w in enumerate(bits) if len(w) > 4 and w.isalpha() and w.isascii()]
    if not able:
        return text
    i = rng.choice(able)
    w, at = bits[i], rng.randint(1, len(bits[i]) - 2)
    bits[i] = rng.choice(
        (w[:at] + w[at + 1] + w[at] + w[at + 2 :], w[:at] + w[at + 1 :], w[:at] + w[at] + w[at:])
    )
    return " ".join(bits)


def _rough(rng: random.Random, text: str) -> str:
    r = rng.random()
    if r < 0.25:
        text = text.lower()
    elif r < 0.33:
        text = text.lower().replace("'", "").replace(",", "")
    elif r < 0.45:
        text = text[:1].lower() + text[1:]
    if rng.random() < 0.4 and text[-1:] == "." and text.count(".") == 1:
        text = text[:-1]
    if rng.random() < 0.08:
        text = _slip(rng, text)
    if rng.random() < 0.04:
        text = text.replace("please", "pls").replace("you", "u")
    if rng.random() < 0.03 and text[-1:] in ".!":
        text = text.rstrip(".!") + rng.choice(("!", "!!", " :)", " ...", " thx", " asap."))
    return text


def _upper(text: str) -> str:
    """Sentences begin with capitals, unless one begins with something given."""
    out = text[:1].upper() + text[1:]
    for mark in (". ", "? ", "! ", ".\n", "?\n", "\n"):
        out = mark.join(x[:1].upper() + x[1:] for x in out.split(mark))
    return out


def person(rng: random.Random, split: str) -> dict[str, str]:
    pool = words.PEOPLE[split]
    return {
        "P": pool[int(rng.random() * len(pool))],
        "N": rng.choice(words.NOUNS[split]),
        "D": str(rng.randint(2, 9999)),
    }


def core(rng: random.Random, split: str, pool: Wordings, slots: Mapping[str, str]) -> str:
    """A wording with its slots, roughened; no greeting or reason around it."""
    stand = {name: chr(_FIRST + i) for i, name in enumerate(slots)}
    text = pool(rng, split, stand)
    given = GIVEN if text.startswith(GIVEN) else ""
    text = text.replace(GIVEN, "")
    return given + _fill(_rough(rng, _upper(text) if rng.random() < 0.7 else text), stand, slots)


def _fill(text: str, stand: Mapping[str, str], slots: Mapping[str, str]) -> str:
    for name, mark in stand.items():
        text = text.replace(mark, slots[name])
    return text


def message(rng: random.Random, split: str, text: str, before: Wordings, after: Wordings) -> str:
    """A whole message: a greeting or a reason, the request, something that need not be done."""
    slots = person(rng, split)
    if rng.random() < 0.16:
        text = (
            _rough(rng, ask.GREETING(rng, split, slots).replace(GIVEN, ""))
            + rng.choice((" ", " ", "\n", "\n\n"))
            + text
        )
    if rng.random() < 0.28:
        story = before(rng, split, slots).replace(GIVEN, "")
        text = _rough(rng, _upper(story)) + rng.choice((" ", " ", " ", "\n", "\n\n")) + text
        text = text if text[:1] != " " else text[1:]
    if rng.random() < 0.24:
        end = "" if text[-1:] in ".?!:)`" else "."
        text += (
            end
            + rng.choice((" ", " ", "\n"))
            + _rough(rng, _upper(after(rng, split, slots).replace(GIVEN, "")))
        )
    return text
