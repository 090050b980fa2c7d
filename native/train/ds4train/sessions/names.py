"""Identifiers, paths and values: composed, so that almost every one is new to the model.

Copying an unseen name exactly is the core skill, so real words, invented words, digits, abbreviations and
all casing styles mix.
"""

from __future__ import annotations

import random
import sys

from . import glue, wild, words

_ONSETS = [
    "",
    *("b c d f g h j k l m n p r s t v w z br cl dr fl gr kr pl qu sh sk sl sn st th tr x y zh ch").split(),
]
_NUCLEI = "a e i o u ai ea io oo ou y".split()
_CODAS = ["", "", "", *"n r l s t k m x nd rn st ck ng lt p b d g z".split()]
_ABBREVIATIONS = (
    "cfg ctx idx tmp num max min url id db api ttl src dst msg req cnt ptr"
    " len pos avg env fmt lib ui io os ip cpu gpu ssl sql xml csv pdf"
).split()
RESERVED = frozenset(
    [
        "and",
        "as",
        "assert",
        "async",
        "await",
        "break",
        "class",
        "continue",
        "def",
        "del",
        "elif",
        "else",
        "except",
        "finally",
        "for",
        "from",
        "global",
        "if",
        "import",
        "in",
        "is",
        "lambda",
        "nonlocal",
        "not",
        "or",
        "pass",
        "raise",
        "return",
        "try",
        "while",
        "with",
        "yield",
        "none",
        "true",
        "false",
        "print",
        "list",
        "dict",
        "set",
        "str",
        "int",
        "float",
        "len",
        "sum",
        "min",
        "max",
        "map",
        "filter",
        "id",
        "type",
        "input",
        "open",
        "range",
        "round",
        "sorted",
        "abs",
        "all",
        "any",
        "next",
        "iter",
        "object",
        "test",
        "self",
        "cls",
        "main",
        "super",
        "repr",
        "format",
        "hash",
        "dir",
        "vars",
        "zip",
        "case",
        "match",
        "case",
        "auto",
        "const",
        "var",
        "let",
        "new",
        "delete",
        "this",
        "void",
        "static",
        "switch",
        "default",
        "do",
        "enum",
        "export",
        "extends",
        "function",
        "func",
        "package",
        "struct",
        "interface",
        "fn",
        "mod",
        "use",
        "pub",
        "mut",
        "impl",
        "trait",
        "where",
        "loop",
        "move",
        "ref",
        "box",
        "char",
        "double",
        "long",
        "short",
        "signed",
        "unsigned",
        "union",
        "volatile",
        "register",
        "goto",
        "extern",
        "sizeof",
        "typedef",
        "inline",
        "string",
        "bool",
        "byte",
        "error",
        "true",
        "false",
        "null",
        "undefined",
        "order",
        "sort",
        "index",
        "json",
        "time",
        "math",
        "random",
        "sys",
        "os",
        "re",
        "string",
        "copy",
        "code",
        "calendar",
        "queue",
        "select",
        "signal",
        "stat",
        "token",
        "types",
        "profile",
        "platform",
        "site",
        "test",
        "tests",
        "statistics",
        "struct",
        "symbol",
        "trace",
        "array",
        "email",
        "html",
        "http",
        "io",
        "logging",
        "locale",
        "operator",
        "pipes",
        "numbers",
        "resource",
        "sched",
        "secrets",
        "shelve",
        "socket",
        "tabnanny",
        "this",
        "turtle",
        "uu",
        "uuid",
        "wave",
        "zipfile",
        "zipimport",
        "cmd",
        "chunk",
        "binary",
        "colorsys",
        "crypt",
        "curses",
        "decimal",
        "graphlib",
        "keyword",
        "linecache",
        "mailbox",
        "parser",
        "pdb",
        "pickle",
        "pprint",
        "pty",
        "queue",
        "quopri",
        "reprlib",
        "runpy",
        "shlex",
        "ssl",
        "tty",
        "audioop",
        "bisect",
        "builtins",
        "bz2",
        "abc",
        "ast",
        "asyncio",
        "antigravity",
        "contextlib",
        "copyreg",
        "csv",
        "ctypes",
        "dis",
        "gc",
        "glob",
        "grp",
        "gzip",
        "heapq",
        "imp",
        "inspect",
    ]
)
# A module of such a name would hide one that Python or pytest needs.
RESERVED |= {x.lower() for x in sys.stdlib_module_names} | {
    "pytest",
    "pluggy",
    "iniconfig",
    "pygments",
    "packaging",
    "py",
}


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
    if r > 0.84:
        return glue.glued(rng) if r < 0.95 else glue.everyday(rng)
    r /= 0.84
    if r < 0.22:
        return invented(rng)
    if r < 0.62:
        return wild.english(rng, split)
    if r < 0.82:
        return rng.choice(words.NOUNS[split])
    if r < 0.9:
        return rng.choice(words.ADJECTIVES[split])
    if r < 0.95:
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
    if rng.random() < 0.3:
        usual = style(rng.choice(words.KEYS[split]).split("_"), how)
        if how != "dot" or "." in usual:
            return usual
    return ident(rng, split, how, low, high)


def module_stem(rng: random.Random, split: str) -> str:
    return rng.choice(words.MODULES[split]) if rng.random() < 0.2 else ident(rng, split, "snake", 1, 2)


def file_stem(rng: random.Random, split: str) -> str:
    if rng.random() < 0.08:
        return glue.everyday(rng)
    how = rng.choice(("snake", "snake", "snake", "kebab", "camel", "snake"))
    return ident(rng, split, how, 1, 2)


_MINUTES = ("00", "15", "30", "45")


def sentence(rng: random.Random, split: str, low: int = 3, high: int = 9) -> str:
    """Prose that says little but reads as English; used for comments, notes and messages."""
    if rng.random() < 0.2:
        return wild.line(rng, split)
    if rng.random() < 0.2:
        found = " ".join(wild.english(rng, split) for _ in range(rng.randint(2, 6)))
        return rng.choice((found, found, found.capitalize(), found.title()))
    n, a, v = words.NOUNS[split], words.ADJECTIVES[split], words.VERBS[split]
    if rng.random() < 0.5:
        n, a = (tuple(wild.english(rng, split) for _ in range(3)) for _ in range(2))
    c = rng.choice
    frames = (
        lambda: f"the {c(a)} {c(n)} must {c(v)} every {c(n)}",
        lambda: f"{c(v)} the {c(n)} before the {c(n)} is {c(a)}",
        lambda: f"ask {c(words.PEOPLE[split])} about the {c(a)} {c(n)}",
        lambda: f"{c(n)} and {c(n)} share one {c(n)}",
        lambda: f"a {c(a)} {c(n)} near the {c(n)}",
        lambda: (
            f"meet {c(words.PEOPLE[split])} in {c(words.PLACES[split])} at {rng.randint(7, 19)}:{c(_MINUTES)}"
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
    if rng.random() < 0.15:
        bits = text.split(" ")
        bits[int(rng.random() * len(bits))] = glue.a_word(rng)
        text = " ".join(bits)
    r = rng.random()
    return text if r < 0.4 else text[:1].upper() + text[1:] + ("." if r < 0.7 else "")


def beside(rng: random.Random, split: str, case: str, neighbour: str) -> str:
    """A name in the style; sometimes one that only adds a part to the name of its neighbour."""
    if neighbour and rng.random() < 0.3:
        more = ident(rng, split, "snake", 1, 1)
        if case in ("camel", "pascal", "func2"):
            return neighbour + more.title().replace("_", "")
        if case == "title":
            return f"{neighbour} {more}"
        joint = {"kebab": "-", "dot": "."}.get(case, "_")
        return f"{neighbour}{joint}{more.upper() if case == 'upper' else more}"
    if case == "func":
        return function_name(rng, split)
    if case == "func2":
        return function_name(rng, split, "camel")
    if case == "title":
        text = " ".join(
            rng.choice((wild.english(rng, split), glue.everyday(rng))) for _ in range(rng.choice((1, 1, 2)))
        )
        return text.capitalize()
    return key(rng, split, case, 2 if case == "dot" else 1, 3)
