"""How a message looks when it is typed: sentences in an order, with capitals or without, with typos, terse or polite.

Given names, values and paths go through as they are: they stand for one private character each until the end.
"""

from __future__ import annotations

import random
import re
from collections.abc import Mapping, Sequence

from . import words
from .asks_change import CLOSE, OPEN, WHY
from .grammar import GIVEN, Wordings

Asked = Sequence[Wordings]
_FIRST = 0xE000
_THING = chr(
    _FIRST
)  # the first slot, the only one that may be a phrase: it takes a capital as a sentence does
_ENDS = ".?!:,;)\n"


def _typo(rng: random.Random, text: str) -> str:
    """One slip in one of the longer words that are the user's own."""
    bits = text.split(" ")
    long = [n for n, b in enumerate(bits) if len(b) > 4 and b.isascii() and b.isalpha()]
    if not long:
        return text
    n = rng.choice(long)
    word = bits[n]
    at = rng.randint(1, len(word) - 3)
    bits[n] = rng.choice(
        (
            word[:at] + word[at + 1] + word[at] + word[at + 2 :],
            word[:at] + word[at + 1 :],
            word[:at] + word[at] + word[at:],
        )
    )
    return " ".join(bits)


def _sentence(text: str, formal: bool, slots: Mapping[str, str]) -> str:
    if not formal:
        return text
    first = slots.get(text[0], "") if text[0] == _THING else ""
    if first[:4] in ("the ", "what", "how ") and " " in first:
        return first[0].upper() + first[1:] + text[1:]
    return text[0].upper() + text[1:]


def _join(rng: random.Random, parts: list[str], formal: bool, slots: Mapping[str, str]) -> str:
    """Sentences after each other; careless people use commas, dashes, new lines or nothing."""
    gap = (
        rng.choice((". ", ". ", ". ", ".\n"))
        if formal
        else rng.choice((". ", ", ", "\n", " - ", ". ", "; ", "... "))
    )
    out = ""
    for part in parts:
        part = part.strip()
        bracket = part.startswith("(")
        if out:
            ended = out[-1] in _ENDS
            out += " " if bracket or (ended and "\n" not in gap) else gap.lstrip(".,;") if ended else gap
        out += _sentence(part, formal and not bracket, slots)
    out = re.sub(r" +(?=[ ,.;)]|$)", "", out)
    if formal and out[-1] not in _ENDS and rng.random() < 0.8:
        out += "."
    return out


def write(
    rng: random.Random,
    split: str,
    plan: Asked,
    slots: Mapping[str, str],
    joining: bool = False,
    then: str = "",
) -> str:
    """The message of these sentences, in order; WHY and greetings join them when it is a message of its own.

    The text `then` follows, as it is.
    """
    marks = {name: chr(_FIRST + n) for n, name in enumerate(slots)}
    given = {marks[name]: text for name, text in slots.items()}
    people, nouns = words.PEOPLE[split], words.NOUNS[split]
    extra = {"P": rng.choice(people), "N": rng.choice(nouns)}
    parts = [wording(rng, split, {**extra, **marks}).replace(GIVEN, "") for wording in plan]
    if joining:
        return _filled(". ".join(parts), given)
    if rng.random() < 0.22:
        why = WHY(rng, split, extra)
        parts.insert(0 if then or rng.random() < 0.8 else len(parts), why)
    formal = rng.random() < 0.55
    text = _careless(rng, _framed(rng, _join(rng, parts, formal, given), formal, not then), formal)
    if then:
        text = text.rstrip(".") + rng.choice((":\n", ":\n", ":\n\n", "\n\n", "\n"))
    return _filled(text, given) + then


def _framed(rng: random.Random, text: str, formal: bool, closes: bool) -> str:
    """With a greeting before and thanks after it, now and then."""
    if rng.random() < 0.16:
        opening = rng.choice(OPEN)
        text = (
            (opening.capitalize() if formal else opening)
            + rng.choice((", ", ", ", " ", "! ", ": ", "\n"))
            + text
        )
    if closes and rng.random() < 0.14:
        closing = rng.choice(CLOSE)
        gap = " " if text[-1] in _ENDS else ". " if formal else ", "
        text += gap + (closing.capitalize() if formal else closing)
    return text


def _careless(rng: random.Random, text: str, formal: bool) -> str:
    if not formal and rng.random() < 0.5:
        text = text.replace("'", "") if rng.random() < 0.5 else text
        text = text.lower()
        if rng.random() < 0.3:
            text = text.replace("please", "pls").replace(" you ", " u ").replace(" and ", " & ")
    elif not formal and rng.random() < 0.05:
        text = text.upper()
    if rng.random() < (0.05 if formal else 0.15):
        text = _typo(rng, text)
    return text


def _filled(text: str, given: Mapping[str, str]) -> str:
    return "".join(given.get(ch, ch) for ch in text)
