"""Files in which values stand in many forms (`forms.txt`), several of them alike, and what people call each value.

A form is a head, an entry and a foot; a file repeats the entry for names that share words, so only the request says
which one is meant. `sights.txt` is the table of what can be asked for: noun, kinds of value, other words, questions.
"""

from __future__ import annotations

import random
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from . import configs, names, rich, wild
from .configs import Planned

_SLOT = re.compile("«(\\w)»")
_NUMERIC = ("number", "port", "small", "two", "three", "four", "float", "money", "negative")
_USUAL = (
    "upload download request session backup login search image server client worker cache queue report invoice order"
    " release staging production preview night morning summer winter office kitchen garden meeting workshop launch"
    " conference newsletter website shop warehouse printer camera sensor pump engine ticket payment refund account"
    " profile player enemy level door window table chart header footer sidebar button menu blog forum library archive"
    " import export mail chat bot api database parser crawler proxy gateway broker scheduler logger"
).split()


@dataclass(frozen=True)
class Form:
    ending: str
    case: str
    spelling: str
    head: tuple[str, ...]
    entry: tuple[str, ...]
    foot: tuple[str, ...]


@dataclass(frozen=True)
class Noun:
    word: str
    kinds: tuple[str, ...]
    others: tuple[str, ...]
    questions: tuple[str, ...]


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


@cache
def _forms() -> list[Form]:
    text = Path(__file__).with_name("forms.txt").read_text(encoding="utf-8")
    out = []
    for part in text.split("=== ")[1:]:
        title, _, body = part.partition("\n")
        head, _, rest = body.partition("<<\n")
        entry, _, foot = rest.partition(">>\n")
        pieces = [tuple(x.split("\n")[:-1]) for x in (head, entry, foot)]
        ending, case, spelling = title.split()
        out.append(Form(ending, case, spelling, *pieces))
    return out


def _split(cell: str) -> tuple[str, ...]:
    """Comma-separated, but the choices after `choice:` belong together."""
    plain, mark, choices = cell.strip().partition("choice:")
    found = [x.strip() for x in plain.split(",") if x.strip()]
    return tuple(found + ([mark + choices] if mark else []))


@cache
def _nouns() -> list[Noun]:
    lines = Path(__file__).with_name("sights.txt").read_text(encoding="utf-8").splitlines()
    rows = [line.split("|") for line in lines]
    return [Noun(r[0].strip(), _split(r[1]), _split(r[2]), _split(r[3])) for r in rows]


def _literal(value: str, kind: str, spelling: str) -> str | None:
    """The value as the form writes it; None where that needs an escape."""
    if kind in _NUMERIC and spelling not in ("sql", "sh"):
        return value
    if kind == "flag" and value in ("true", "false") and spelling not in ("sql", "sh"):
        return value.title() if spelling.startswith("py") else value
    if "\\" in value:
        return None
    if spelling == "sh":
        return (
            value
            if re.fullmatch(r"[\w.:/@-]+", value)
            else None
            if re.search('["$`!]', value)
            else f'"{value}"'
        )
    if spelling == "yaml":
        return value if re.fullmatch(r"[A-Za-z][\w ./-]*", value) else None if '"' in value else f'"{value}"'
    marks = {"py": "\"'", "py1": "'\"", "js": "'\"", "sql": "'"}.get(spelling, '"')
    mark = next((m for m in marks if m not in value), None)
    return f"{mark}{value}{mark}" if mark else None


def _fits(value: str, form: Form, literal: str | None) -> bool:
    forbidden = {
        "xml": '<>&"',
        "html": '<>&"',
        "csv": ',;"',
        "tsv": "\t",
        "css": '"\\',
        "md": "|*`",
        "sh": '"`$;',
    }
    if form.spelling != "bare":
        return literal is not None
    return not set(value) & set(forbidden.get(form.ending, "")) and (form.ending != "md" or "#" not in value)


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
        literal = _literal(value, kind, form.spelling)
        if value.strip() == value and _fits(value, form, literal):
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
        if "." in value and kind in _NUMERIC
        else "int"
        if kind in _NUMERIC
        else "bool"
        if kind == "flag"
        else "str"
    )


def sighted(rng: random.Random, split: str) -> Planned:
    """A file of one form with two to nine entries."""
    form = rng.choice(_forms())
    owners = _owners(rng, split)
    nouns = rng.sample(_nouns(), rng.randint(1, 4))
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
