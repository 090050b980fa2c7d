"""What the wrong spots of faults.py hold: literals, keys, and neighbours that look like them."""

from __future__ import annotations

import random
from dataclasses import dataclass, field

from . import glue, names, values, words
from .kinds import KINDS
from .values import Value

_TEXTS = (
    "phrase word str version host date time url email path percent color tag duration size caps glue glue title person"
    " place kebab aword month weekday room"
).split()
_FOREIGN = (
    "Müller Straße über façade déjà señor niño jalapeño crème brûlée Åse smörgåsbord naïve Zürich Kraków"
    " Łódź São mañana grün Käse bonjour merci danke grazie pomodoro zucchero fromage vendredi Dienstag"
).split()


@dataclass
class Piece:
    lines: list[str]  # in the module that the check imports
    target: str  # the name it imports
    call: str  # what the check looks at
    expected: str  # the source of the value wanted
    wrong: str
    right: str
    head: list[str] = field(default_factory=list)  # import lines
    other: str = ""  # the file with the wrong spot, if it is not this one
    other_text: str = ""
    clue: str = ""  # what names the other file, in this one


def text_value(rng: random.Random, split: str) -> Value:
    """A text that Python can hold between double quotes."""
    r = rng.random()
    while True:
        if r < 0.6:
            text = values.value(rng, split, rng.choice(_TEXTS)).text
        elif r < 0.7:
            text = f"{rng.choice(_FOREIGN)} {rng.choice(_FOREIGN)}"
        elif r < 0.8:
            text = f"{rng.randint(1, 28)} {values.value(rng, split, 'month').text}"
        elif r < 0.88:
            text = f"{glue.a_word(rng)}'s {glue.a_word(rng)}"
        else:
            text = names.sentence(rng, split)
        if text and not set(text) & set('"\\{}`%') and len(text) < 45:
            return Value(text, "phrase")
        r = rng.random()


def a_value(rng: random.Random, split: str) -> Value:
    r = rng.random()
    if r < 0.45:
        return text_value(rng, split)
    return values.value(rng, split, rng.choice(("int", "int", "int", "float", "negative", "bool", "list")))


def two(rng: random.Random, split: str) -> tuple[str, str]:
    """(wrong, right) literals of one type, sometimes close to each other."""
    old = a_value(rng, split)
    new = old
    while new.text == old.text:
        if old.kind == "phrase":
            new = text_value(rng, split)
            if rng.random() < 0.25 and " " in old.text:
                head = old.text.rsplit(" ", 1)[0]
                new = Value(f"{head} {glue.a_word(rng)}", "phrase")
        elif old.kind == "int" and rng.random() < 0.4:
            new = Value(str(int(old.text) + rng.choice((-1, 1, 10, 100))), "int")
        else:
            new = values.other_value(rng, split, old)
    py = KINDS["py"].literal
    return py(old), py(new)


def a_key(rng: random.Random, split: str) -> str:
    return rng.choice(
        (
            lambda: names.ident(rng, split, "snake", 1, 2),
            lambda: glue.a_word(rng),
            lambda: rng.choice(words.NOUNS[split]),
            lambda: rng.choice(words.PLACES[split]),
        )
    )()


def keys(rng: random.Random, split: str, count: int) -> list[str]:
    found = list(dict.fromkeys(a_key(rng, split) for _ in range(count + 6)))
    return found[:count]


def a_literal_like(rng: random.Random, split: str, literal: str) -> str:
    """Another literal of the same type: a neighbour that must not be taken."""
    if literal[0] == '"':
        return KINDS["py"].literal(text_value(rng, split))
    if literal in ("True", "False"):
        return rng.choice(("True", "False"))
    if literal[0] == "[":
        return f"[{rng.randint(0, 99)}]"
    return str(rng.randint(0, 999)) if "." not in literal else f"{rng.uniform(0, 99):.2f}"
