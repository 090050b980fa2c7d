"""Values of every kind that settings, constants and assertions hold."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass

from . import glue, naturals, wild, words
from .names import ident, invented, word


@dataclass(frozen=True)
class Value:
    """A configuration value: `text` is how people say it, `kind` decides how a file spells it."""

    text: str
    kind: str  # int, float, bool, str, bare (never quoted when bare spelling is possible)


def _person(rng: random.Random, split: str) -> str:
    last = rng.choice((invented(rng), glue.glued(rng), glue.everyday(rng))).title()
    return f"{rng.choice((rng.choice(words.PEOPLE[split]), glue.everyday(rng).title()))} {last}"


def _odd(rng: random.Random, split: str) -> str:
    r = rng.random()
    if r < 0.35:
        return glue.a_word(rng)
    if r < 0.6:
        return f"{glue.a_word(rng)} {glue.a_word(rng)}"
    return (
        glue.jumble(rng)
        if r < 0.75
        else glue.mixed(rng)
        if r < 0.9
        else f"{glue.a_word(rng)}.{glue.extension(rng)}"
    )


def _title(rng: random.Random, split: str) -> str:
    a, b = wild.english(rng, split), wild.english(rng, split)
    return rng.choice(
        (f"{a} {b}".title(), f"The {a} {b}".title(), f"{a} {b}".capitalize(), f"{a.title()} and {b.title()}")
    )


# Values as people have them in real files, by what they are.
_NATURAL: dict[str, Callable[[random.Random, str], str]] = {
    "glue": _odd,
    "person": _person,
    "first": lambda rng, split: rng.choice(words.PEOPLE[split]),
    "place": lambda rng, split: rng.choice((rng.choice(words.PLACES[split]), glue.everyday(rng).title())),
    "title": _title,
    "kebab": lambda rng, split: ident(rng, split, "kebab", 1, 2),
    "snake": lambda rng, split: ident(rng, split, "snake", 1, 2),
    "aword": lambda rng, split: word(rng, split),
    "port": lambda rng, split: str(
        rng.choice((80, 443, 3000, 5000, 5432, 6379, 8000, 8080, 9000, rng.randint(1024, 9999)))
    ),
    "small": lambda rng, split: str(rng.randint(1, 12)),
    "two": lambda rng, split: str(rng.randint(10, 99)),
    "three": lambda rng, split: str(rng.randint(100, 999)),
    "four": lambda rng, split: str(rng.randint(1000, 9999)),
    "money": lambda rng, split: f"{rng.randint(1, 999)}.{rng.randint(0, 99):02d}",
    "month": lambda rng, split: rng.choice(
        "January February March April May June July August September October November December".split()
    ),
    "weekday": lambda rng, split: rng.choice(
        "Monday Tuesday Wednesday Thursday Friday Saturday Sunday".split()
    ),
    "room": lambda rng, split: rng.choice(
        (f"room {rng.randint(1, 499)}", f"the {wild.english(rng, split)} room")
    ),
    "py": lambda rng, split: f"3.{rng.randint(7, 14)}",
    "phone": lambda rng, split: f"{rng.randint(100, 999)}-{rng.randint(1000, 9999)}",
    **naturals.KINDS,
}


_TLDS = ("com", "org", "net", "io", "dev", "example.com", "test", "local", "internal")


def host(rng: random.Random, split: str) -> str:
    return f"{rng.choice(('', '', 'api.', 'www.', 'db.', 'cdn.'))}{word(rng, split)}.{rng.choice(_TLDS)}"


def value(rng: random.Random, split: str, kind: str | None = None) -> Value:
    """A setting's value. `kind` fixes the family so that a change keeps the type."""
    kind = kind or rng.choice(("int", "int", "int", "int", "float", "bool", "str", "str", "str", "version", "url", "path", "duration",
                               "size", "host", "level", "date", "hex", "phrase", "email", "negative", "word", "ip", "time", "percent", "color", "tag", "list", "caps", "glue", "glue", "glue"))  # fmt: skip
    r = rng.random
    if kind.startswith("choice:"):
        return Value(rng.choice(kind.removeprefix("choice:").split(",")), kind)
    if kind in _NATURAL:
        return Value(_NATURAL[kind](rng, split), kind)
    if kind == "int":
        pick = (
            rng.randint(0, 9) if r() < 0.25 else rng.randint(10, 99) if r() < 0.4 else rng.randint(100, 99999)
        )
        pick = (
            rng.choice(
                (
                    8,
                    16,
                    32,
                    64,
                    128,
                    256,
                    512,
                    1024,
                    2048,
                    4096,
                    80,
                    443,
                    8080,
                    5432,
                    3000,
                    100,
                    1000,
                    500,
                    30,
                    60,
                )
            )
            if r() < 0.2
            else pick
        )
        return Value(str(pick), kind)
    if kind == "negative":
        return Value(str(-rng.randint(1, 500)), kind)
    if kind == "float":
        return Value(f"{rng.uniform(0, rng.choice((1, 1, 10, 200))):.{rng.randint(1, 3)}f}", kind)
    if kind == "bool":
        return Value(rng.choice(("true", "false")), kind)
    if kind == "version":
        return Value(".".join(str(rng.randint(0, 20)) for _ in range(rng.choice((2, 3, 3, 3)))), kind)
    if kind == "url":
        port = f":{rng.randint(80, 9999)}" if r() < 0.3 else ""
        tail = f"/{word(rng, split)}" if r() < 0.6 else ""
        return Value(f"{rng.choice(('http', 'https', 'https'))}://{host(rng, split)}{port}{tail}", kind)
    if kind == "path":
        return Value("/" + "/".join(rng.choice(("var", "opt", "srv", "tmp", "data", "etc", word(rng, split))) if i == 0 else word(rng, split)
                                    for i in range(rng.randint(2, 3))), kind)  # fmt: skip
    if kind == "duration":
        return Value(f"{rng.randint(1, 120)}{rng.choice(('s', 'ms', 'm', 'h', 'd'))}", kind)
    if kind == "size":
        return Value(
            f"{rng.choice((1, 2, 4, 5, 8, 10, 16, 20, 32, 50, 64, 100, 128, 250, 256, 512))}{rng.choice(('MB', 'GB', 'KB', 'M', 'G', 'k', 'MiB'))}",
            kind,
        )
    if kind == "host":
        return Value(host(rng, split), kind)
    if kind == "ip":
        return Value(".".join(str(rng.randint(0, 255)) for _ in range(4)), kind)
    if kind == "level":
        return Value(
            rng.choice(
                ("debug", "info", "warning", "error", "DEBUG", "INFO", "WARN", "ERROR", "trace", "critical")
            ),
            kind,
        )
    if kind == "date":
        return Value(f"20{rng.randint(18, 31)}-{rng.randint(1, 12):02d}-{rng.randint(1, 28):02d}", kind)
    if kind == "hex":
        return Value(
            "".join(rng.choice("0123456789abcdef") for _ in range(rng.choice((6, 7, 8, 12)))) + "f", kind
        )
    if kind == "phrase":
        n, a = words.NOUNS[split], words.ADJECTIVES[split]
        if r() < 0.6:
            n, a = (tuple(wild.english(rng, split) for _ in range(3)) for _ in range(2))
        return Value(rng.choice((
            lambda: f"{rng.choice(a)} {rng.choice(n)}", lambda: f"Hello, {rng.choice(words.PEOPLE[split])}!",
            lambda: f"{rng.choice(n).title()} {rng.choice(n).title()}", lambda: f"{rng.choice(words.PEOPLE[split])} {invented(rng).title()}",
            lambda: f"Welcome to {rng.choice(words.PLACES[split])}", lambda: f"{rng.choice(a)} {rng.choice(a)} {rng.choice(n)}",
            lambda: f"{rng.choice(n)} of {rng.choice(words.PLACES[split])}"))(), kind)  # fmt: skip
    if kind == "time":
        return Value(f"{rng.randint(0, 23):02d}:{rng.randint(0, 59):02d}", kind)
    if kind == "percent":
        return Value(f"{rng.randint(1, 100)}%", kind)
    if kind == "color":
        return Value("#" + "".join(rng.choice("0123456789abcdef") for _ in range(6)), kind)
    if kind == "tag":
        return Value("v" + ".".join(str(rng.randint(0, 20)) for _ in range(rng.choice((1, 2, 3)))), kind)
    if kind == "list":
        if r() < 0.5:
            return Value(f"[{', '.join(str(rng.randint(0, 99)) for _ in range(rng.randint(1, 4)))}]", kind)
        return Value("[" + ", ".join(f'"{word(rng, split)}"' for _ in range(rng.randint(1, 3))) + "]", kind)
    if kind == "caps":
        return Value(ident(rng, split, "upper", 1, 2), kind)
    if kind == "email":
        return Value(f"{word(rng, split)}@{host(rng, split)}", kind)
    if kind == "word":
        return Value(
            rng.choice(
                (rng.choice(words.PLACES[split]), rng.choice(words.PEOPLE[split]), invented(rng).title())
            ),
            kind,
        )
    return Value(ident(rng, split, rng.choice(("snake", "kebab", "camel", "snake")), 1, 2), "str")


def other_value(rng: random.Random, split: str, old: Value) -> Value:
    """A different value of the same kind."""
    if old.kind == "bool":
        return Value({"true": "false", "false": "true"}[old.text], "bool")
    while True:
        if old.kind == "int" and rng.random() < 0.3:
            new = Value(
                str(max(0, int(old.text) + rng.choice((-10, -5, -2, -1, 1, 2, 5, 10, 15, 20, 100)))), "int"
            )
        else:
            new = value(rng, split, old.kind)
        # One of a few choices may well hold another ("python" and "python3"); every text holds the empty one.
        free = not old.text or old.kind.startswith("choice:")
        if new.text != old.text and (free or old.text not in new.text):
            return new
