"""Identifiers, paths and values: composed, so that almost every one is new to the model.

Copying an unseen name exactly is the core skill, so real words, invented words, digits, abbreviations and all casing styles mix.
"""

from __future__ import annotations

import random
from dataclasses import dataclass

from . import words

_ONSETS = ["b", "c", "d", "f", "g", "h", "j", "k", "l", "m", "n", "p", "r", "s", "t", "v", "w", "z", "br", "cl", "dr", "fl", "gr", "kr",
           "pl", "qu", "sh", "sk", "sl", "sn", "st", "th", "tr", "x", "y", "zh", "ch", ""]  # fmt: skip
_NUCLEI = ["a", "e", "i", "o", "u", "ai", "ea", "io", "oo", "ou", "y"]
_CODAS = [
    "",
    "",
    "",
    "n",
    "r",
    "l",
    "s",
    "t",
    "k",
    "m",
    "x",
    "nd",
    "rn",
    "st",
    "ck",
    "ng",
    "lt",
    "p",
    "b",
    "d",
    "g",
    "z",
]
_ABBREVIATIONS = ["cfg", "ctx", "idx", "tmp", "num", "max", "min", "url", "id", "db", "api", "ttl", "src", "dst", "msg", "req", "cnt", "ptr",
                  "len", "pos", "avg", "env", "fmt", "lib", "ui", "io", "os", "ip", "cpu", "gpu", "ssl", "sql", "xml", "csv", "pdf"]  # fmt: skip
RESERVED = frozenset(
    ["and", "as", "assert", "async", "await", "break", "class", "continue", "def", "del", "elif", "else", "except", "finally", "for", "from", "global", "if", "import", "in", "is", "lambda", "nonlocal", "not", "or", "pass", "raise", "return", "try", "while", "with", "yield", "none", "true", "false", "print", "list", "dict", "set", "str", "int", "float", "len", "sum", "min", "max", "map", "filter", "id", "type", "input", "open", "range", "round", "sorted", "abs", "all", "any", "next", "iter", "object", "test", "self", "cls", "main", "super", "repr", "format", "hash", "dir", "vars", "zip", "case", "match", "case", "auto", "const", "var", "let", "new", "delete", "this", "void", "static", "switch", "default", "do", "enum", "export", "extends", "function", "func", "package", "struct", "interface", "fn", "mod", "use", "pub", "mut", "impl", "trait", "where", "loop", "move", "ref", "box", "char", "double", "long", "short", "signed", "unsigned", "union", "volatile", "register", "goto", "extern", "sizeof", "typedef", "inline", "string", "bool", "byte", "error", "true", "false", "null", "undefined", "order", "sort", "index", "json", "time", "math", "random", "sys", "os", "re", "string", "copy", "code", "calendar", "queue", "select", "signal", "stat", "token", "types", "profile", "platform", "site", "test", "tests", "statistics", "struct", "symbol", "trace", "array", "email", "html", "http", "io", "logging", "locale", "operator", "pipes", "numbers", "resource", "sched", "secrets", "shelve", "socket", "tabnanny", "this", "turtle", "uu", "uuid", "wave", "zipfile", "zipimport", "cmd", "chunk", "binary", "colorsys", "crypt", "curses", "decimal", "graphlib", "keyword", "linecache", "mailbox", "parser", "pdb", "pickle", "pprint", "pty", "queue", "quopri", "reprlib", "runpy", "shlex", "ssl", "tty", "audioop", "bisect", "builtins", "bz2", "abc", "ast", "asyncio", "antigravity", "contextlib", "copyreg", "csv", "ctypes", "dis", "gc", "glob", "grp", "gzip", "heapq", "imp", "inspect"]
)


@dataclass(frozen=True)
class Value:
    """A configuration value: `text` is how people say it, `kind` decides how a file spells it."""

    text: str
    kind: str  # int, float, bool, str, bare (never quoted when bare spelling is possible)


def invented(rng: random.Random) -> str:
    """A pronounceable word that is (nearly) surely in no dictionary."""
    parts = [
        rng.choice(_ONSETS) + rng.choice(_NUCLEI) + rng.choice(_CODAS)
        for _ in range(rng.choice((1, 2, 2, 2, 3)))
    ]
    word = "".join(parts)
    return word if len(word) > 2 else word + rng.choice("abdeklmnorst") + rng.choice("aeiou")


def word(rng: random.Random, split: str) -> str:
    r = rng.random()
    if r < 0.30:
        return invented(rng)
    if r < 0.75:
        return rng.choice(words.NOUNS[split])
    if r < 0.9:
        return rng.choice(words.ADJECTIVES[split])
    if r < 0.96:
        return rng.choice(words.VERBS[split])
    return rng.choice(_ABBREVIATIONS)


def parts(rng: random.Random, split: str, low: int = 1, high: int = 3) -> list[str]:
    out = [word(rng, split) for _ in range(rng.randint(low, high))]
    r = rng.random()
    if r < 0.07:
        out[-1] += str(rng.randint(0, 99))
    elif r < 0.1 and len(out) > 1:
        out.append(str(rng.randint(0, 9)))
    return out


def style(bits: list[str], how: str) -> str:
    if how == "snake":
        return "_".join(bits)
    if how == "upper":
        return "_".join(bits).upper()
    if how == "kebab":
        return "-".join(bits)
    if how == "dot":
        return ".".join(bits)
    caps = "".join(b[:1].upper() + b[1:] for b in bits)
    return caps if how == "pascal" else caps[:1].lower() + caps[1:]


def ident(rng: random.Random, split: str, how: str = "snake", low: int = 1, high: int = 3) -> str:
    while True:
        name = style(parts(rng, split, low, high), how)
        if len(name) > 2 and name.lower() not in RESERVED:
            return name


def function_name(rng: random.Random, split: str, how: str = "snake") -> str:
    while True:
        if rng.random() < 0.15:
            bits = rng.choice(words.FUNCTIONS[split]).split("_")
        elif rng.random() < 0.7:
            bits = [rng.choice(words.VERBS[split]), *parts(rng, split, 1, 2)]
        else:
            bits = parts(rng, split, 2, 2)
        if (name := style(bits, how)) not in RESERVED and not name.startswith("test"):
            return name


def key(rng: random.Random, split: str, how: str, low: int, high: int) -> str:
    """A setting's name: now and then one of the usual ones."""
    if rng.random() < 0.2:
        usual = style(rng.choice(words.KEYS[split]).split("_"), how)
        if how != "dot" or "." in usual:
            return usual
    return ident(rng, split, how, low, high)


def module_stem(rng: random.Random, split: str) -> str:
    return rng.choice(words.MODULES[split]) if rng.random() < 0.2 else ident(rng, split, "snake", 1, 2)


def file_stem(rng: random.Random, split: str) -> str:
    how = rng.choice(("snake", "snake", "snake", "kebab", "camel", "snake"))
    return ident(rng, split, how, 1, 2)


def sentence(rng: random.Random, split: str, low: int = 3, high: int = 9) -> str:
    """Prose that says little but reads as English; used for comments, notes and messages."""
    n, a, v = words.NOUNS[split], words.ADJECTIVES[split], words.VERBS[split]
    c = rng.choice
    frames = (
        lambda: f"the {c(a)} {c(n)} must {c(v)} every {c(n)}",
        lambda: f"{c(v)} the {c(n)} before the {c(n)} is {c(a)}",
        lambda: f"ask {c(words.PEOPLE[split])} about the {c(a)} {c(n)}",
        lambda: f"{c(n)} and {c(n)} share one {c(n)}",
        lambda: f"a {c(a)} {c(n)} near the {c(n)}",
        lambda: (
            f"meet {c(words.PEOPLE[split])} in {c(words.PLACES[split])} at {rng.randint(7, 19)}:{rng.choice(('00', '15', '30', '45'))}"
        ),
        lambda: f"{c(v)} {rng.randint(2, 60)} {c(n)}s from the {c(n)}",
        lambda: f"the {c(n)} in {c(words.PLACES[split])} is {c(a)}",
        lambda: f"{c(a)} {c(n)}, {c(a)} {c(n)}",
        lambda: f"do not {c(v)} the {c(n)} twice",
        lambda: f"{invented(rng)} needs a {c(a)} {c(n)}",
        lambda: f"{c(v)} {c(n)} {c(n)}",
        lambda: f"call the {c(n)} {invented(rng)}",
    )
    text = c(frames)()
    r = rng.random()
    return text if r < 0.4 else text[:1].upper() + text[1:] + ("." if r < 0.7 else "")


_TLDS = ("com", "org", "net", "io", "dev", "example.com", "test", "local", "internal")


def host(rng: random.Random, split: str) -> str:
    return f"{rng.choice(('', '', 'api.', 'www.', 'db.', 'cdn.'))}{word(rng, split)}.{rng.choice(_TLDS)}"


def value(rng: random.Random, split: str, kind: str | None = None) -> Value:
    """A setting's value. `kind` fixes the family so that a change keeps the type."""
    kind = kind or rng.choice(("int", "int", "int", "int", "float", "bool", "str", "str", "str", "version", "url", "path", "duration",
                               "size", "host", "level", "date", "hex", "phrase", "email", "negative", "word", "ip", "time", "percent", "color", "tag", "list", "caps"))  # fmt: skip
    r = rng.random
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
        if new.text != old.text and old.text not in new.text:
            return new
