"""Files in which values stand in many forms (`forms.txt`), several of them alike, and what people call each value.

A form is a head, an entry and a foot; a file repeats the entry for names that share words, so only the request says
which one is meant. `sights.txt` is the table of what can be asked for: noun, kinds of value, other words, questions.
"""

from __future__ import annotations

import random
import re
from dataclasses import dataclass

from . import configs, names, rich, spelled, wild
from .configs import Planned
from .spelled import NUMERIC, Form, Noun

_SLOT = re.compile("«(\\w)»")
_USUAL = (
    "upload download request session backup login search image server client worker cache queue report invoice order"
    " release staging production preview night morning summer winter office kitchen garden meeting workshop launch"
    " conference newsletter website shop warehouse printer camera sensor pump engine ticket payment refund account"
    " profile player enemy level door window table chart header footer sidebar button menu blog forum library archive"
    " import export mail chat bot api database parser crawler proxy gateway broker scheduler logger"
).split()


@dataclass(frozen=True)
class Sight:
    """One value in a file: its name there, what people call it, and the lines with the name and with the value."""

    key: str
    says: tuple[str, ...]
    questions: tuple[str, ...]
    owner: str
    kind: str
    value: str
    line: str
    key_line: str
    plain: bool  # whether the name is written as words
    via: str = ""  # the name that stands for the value
    direct: bool = True  # whether the value belongs to the key alone


def _value(rng: random.Random, split: str, noun: Noun, form: Form) -> tuple[str, str, str]:
    """(kind, value, literal) that the form can write."""
    while True:
        r = rng.random()
        kind = (
            rng.choice(noun.kinds)
            if r < 0.85
            else rng.choice(("words", "odd", "quoted", "foreign", "glue", "amount"))
        )
        value = rich.text(rng, split, kind)
        literal = spelled.literal(value, kind, form.spelling)
        if value.strip() == value and spelled.fits(value, form, literal):
            return kind, value, literal or value


def _key(rng: random.Random, form: Form, bits: list[str]) -> str:
    if form.case != "words":
        return names.style([b for x in bits for b in x.split(" ")], form.case)
    return " ".join(bits)


def _owners(rng: random.Random, split: str) -> list[str]:
    def one() -> str:
        r = rng.random()
        return (
            rng.choice(_USUAL)
            if r < 0.45
            else wild.english(rng, split)
            if r < 0.85
            else names.word(rng, split)
        )

    found = dict.fromkeys(
        one() if rng.random() < 0.85 else f"{one()} {one()}" for _ in range(rng.randint(1, 4))
    )
    return [x for x in found if x.replace(" ", "").isalpha() and x.islower() and len(x) > 2] or ["server"]


def _filled(rng: random.Random, split: str, line: str, slots: dict[str, str]) -> str:
    def fill(match: re.Match[str]) -> str:
        what = match[1]
        if what in slots:
            return slots[what]
        if what == "d":
            return names.sentence(rng, split).replace('"', "").replace("|", "")
        if what == "n":
            return str(rng.randint(1, 999))
        if what == "i":
            return str(rng.randint(1, 9))
        word = wild.english(rng, split)
        return word.title() if what == "W" else word

    return _SLOT.sub(fill, line) if "«" in line else line


def _path(rng: random.Random, split: str, form: Form) -> str:
    under = configs.folder(rng, split) if rng.random() < 0.45 else ""
    if form.ending in ("Dockerfile", "env"):
        return under + {"env": rng.choice((".env", "prod.env", ".env.local"))}.get(form.ending, form.ending)
    usual = (
        "settings",
        "config",
        "notes",
        "info",
        "defaults",
        "values",
        "main",
        "data",
        "plan",
        "team",
        "options",
        "README",
    )
    stem = rng.choice(usual) if rng.random() < 0.3 else names.file_stem(rng, split)
    return f"{under}{stem}.{form.ending}"


def _type(kind: str, value: str) -> str:
    return (
        "float"
        if "." in value and kind in NUMERIC
        else "int"
        if kind in NUMERIC
        else "bool"
        if kind == "flag"
        else "str"
    )


def sighted(rng: random.Random, split: str) -> Planned:
    """A file of one form with two to nine entries."""
    form = rng.choice(spelled.forms())
    owners = _owners(rng, split)
    nouns = rng.sample(spelled.nouns(), rng.randint(1, 4))
    pairs = [(a, n) for a in owners for n in nouns]
    rng.shuffle(pairs)
    outer = {"o": wild.english(rng, split)}
    rows: list[str] = [_filled(rng, split, x, outer) for x in form.head]
    sights = []
    upper = form.case == "words" and rng.random() < 0.5
    for owner, noun in pairs[: rng.randint(2, 9)]:
        kind, value, literal = _value(rng, split, noun, form)
        bits = [noun.word, owner] if rng.random() < 0.1 else [owner, noun.word]
        key = _key(rng, form, bits)
        key = key[:1].upper() + key[1:] if upper else key
        bare = literal if kind == "flag" and literal.lower() == value else value
        slots = {
            "k": key,
            "v": literal,
            "b": value,
            "t": _type(kind, value),
            "q": literal if '"' in literal else f'"{value}"',
        }
        made = [_filled(rng, split, x, slots) for x in form.entry]
        at = [
            next((i for i, x in enumerate(form.entry) if any(f"«{c}»" in x for c in cs)), 0)
            for cs in ("k", "vbq")
        ]
        rows += made
        says = [f"{owner} {noun.word}", f"{noun.word} of the {owner}", f"{noun.word} for the {owner}"]
        says += [f"{owner} {other}" for other in noun.others]
        says += [f"{other} of the {owner}" for other in noun.others]
        questions = tuple(q.format(a=owner) for q in noun.questions)
        sights.append(
            Sight(
                key,
                tuple(says),
                questions,
                owner,
                kind,
                bare,
                made[at[1]].strip(),
                made[at[0]].strip(),
                form.case == "words",
            )
        )
    rows += [_filled(rng, split, x, outer) for x in form.foot]
    text = "\n".join(rows).strip("\n") + "\n"
    good = [s for s in sights if text.count(s.line) == 1 or s.line != s.key_line]
    return Planned(_path(rng, split, form), text, "scene", sights=tuple(good) if "\r" not in text else ())
