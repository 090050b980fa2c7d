"""The same request in other words: words are exchanged, and the tone, the spelling and the case change.

A task that is written by hand has a handful of wordings and is met thousands of times. Without this a model
learns those wordings by heart, and not what their words mean. What the agent has to copy or to recognise stays as
it is: slots, quoted text, and all words that stand in the task's files, actions or answers.
"""

from __future__ import annotations

import random
import re
from functools import cache
from pathlib import Path

from .manner import roughened

_MARK = 0xE000  # private-use characters stand for what stays
_MOST_MARKS = 0x1800
_EXCHANGED = 0.55  # of the requests
_A_WORD = 0.35  # of their words that have another
_ROUGH = 0.3  # of the requests
# Slots, code, quoted text, and anything that is no plain word.
_KEPT = re.compile(
    r"⟪[^⟫]*⟫|`[^`]*`|\"[^\"]*\"|(?<!\w)'[^']*'(?!\w)|\S*[\d_/\\.:@#$%^&*+=<>{}()\[\]|~-]\S*\w\S*"
)
_WORD = re.compile(r"[A-Za-z]+")


@cache
def table() -> dict[str, tuple[str, ...]]:
    """Word -> what may stand in its place."""
    lines = Path(__file__).with_name("otherwise.txt").read_text(encoding="utf-8").splitlines()
    pairs = (line.partition(": ") for line in lines if line and not line.startswith("#"))
    return {word: tuple(others.split(" | ")) for word, _, others in pairs}


def words_of(*texts: str) -> frozenset[str]:
    """All words of some texts, in lower case."""
    return frozenset(word.lower() for text in texts for word in _WORD.findall(text))


def _exchanged(rng: random.Random, text: str, kept: frozenset[str]) -> str:
    def one(match: re.Match[str]) -> str:
        word = match[0]
        others = table().get(word.lower(), ())
        if not others or word.lower() in kept or rng.random() >= _A_WORD:
            return word
        other = rng.choice(others)
        return other[0].upper() + other[1:] if word[0].isupper() else other

    return _WORD.sub(one, text)


def otherwise(rng: random.Random, text: str, kept: frozenset[str]) -> str:
    """The request, perhaps in other words; `kept` are the words (lower case) that must stay."""
    if any(_MARK <= ord(c) < _MARK + _MOST_MARKS for c in text):
        return text
    stays: list[str] = []

    def hide(match: re.Match[str]) -> str:
        stays.append(match[0])
        return chr(_MARK + len(stays) - 1)

    hidden = _KEPT.sub(hide, text)
    if len(stays) > _MOST_MARKS:
        return text
    if rng.random() < _EXCHANGED:
        hidden = _exchanged(rng, hidden, kept)
    if rng.random() < _ROUGH:
        # Words that must stay are hidden too, or a slip of the fingers could hit them.
        hidden = _WORD.sub(lambda m: hide(m) if m[0].lower() in kept else m[0], hidden)
        hidden = roughened(rng, hidden)
    return "".join(stays[ord(c) - _MARK] if 0 <= ord(c) - _MARK < len(stays) else c for c in hidden)
