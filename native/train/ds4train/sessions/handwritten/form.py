"""Whole tasks written by hand, with slots: how their files are read and how a slot gets its value.

The generated families compose a request from patterns, so request and file tend to use the same words. People
do not: "the base image" is a FROM line, "how many workers" is `procs = 4`. These tasks are written as a person
would ask them, one by one; only names and values are drawn anew for every session.

An entry (see any of the *.txt files here):

    === FAMILY
    ask: wording with [[choices|of words]] and ⟪slot:kind⟫     at least one; `ask?:` names no file
    file PATH ... end          the project before the task
    aim: thought               before the next action
    do VERB ...                an action; `do?` only for wordings that name no file
    see: thought               before the answer
    say: answer                one of them is given
    answer: text               what every right answer holds
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cache, cached_property
from pathlib import Path

from .. import names, values, wild
from ..otherwise import words_of

_SLOT = re.compile("⟪([^⟫]*)⟫")
_DECLARED = re.compile(r"⟪(\w+):([^⟫]+)⟫")
_LET = re.compile(r"^let (\w+) = (.+)$", re.MULTILINE)
_CHOICE = re.compile(r"\[\[(.*?)\]\]")
_BUILTINS = {f.__name__: f for f in (int, len, max, min, sum, sorted, round, str, abs)}
VERBS = frozenset(
    "read view grep search which files find edit create append insert rename run remove move".split()
)


class FormatError(ValueError):
    """An entry that cannot be read: says the file, the line and what is wrong there."""


@dataclass
class Action:
    verb: str
    argument: str
    optional: bool = False  # only where the request names no file
    aim: str = ""
    old: list[str] = field(default_factory=list)
    new: list[str] = field(default_factory=list)
    text: str = ""
    code: int = 0


# Commands whose output depends on every file of the project.
_WIDE = re.compile(
    r"discover|unittest( -[a-z]+)*$|\*|\bls\b|\bfind\b|grep -\w*r|\bdu\b|\bgit\b|pytest( -\w+)*$|compileall|\btree\b"
)


@dataclass
class Entry:
    family: str
    where: str
    asks: list[tuple[str, bool]] = field(default_factory=list)  # wording, whether it names the file
    files: list[tuple[str, str]] = field(default_factory=list)
    actions: list[Action] = field(default_factory=list)
    see: str = ""
    says: list[str] = field(default_factory=list)
    answers: list[str] = field(default_factory=list)
    kinds: dict[str, str] = field(default_factory=dict)

    @cached_property
    def fixed_words(self) -> frozenset[str]:
        """The words, in lower case, that the agent has to copy from the request or to recognise in a file."""
        acts = (text for a in self.actions for text in (a.argument, a.text, *a.old, *a.new))
        files = (part for file in self.files for part in file)
        return words_of(*files, *acts, *self.answers, *self.kinds.values())

    @property
    def alone(self) -> bool:
        """Whether it must have a project to itself."""
        makes = any(a.verb == "run" and a.argument.startswith("make") for a in self.actions)
        recipes = [text for path, text in self.files if path.endswith("Makefile")] if makes else []
        return any(a.verb == "run" and _WIDE.search(a.argument) for a in self.actions) or any(
            _WIDE.search(line) for text in recipes for line in text.split("\n")
        )


def _block(lines: Iterator[tuple[int, str]], where: str) -> str:
    out: list[str] = []
    for _, line in lines:
        if line == "end":
            return "".join(f"{x}\n" for x in out)
        out.append(line)
    raise FormatError(f"{where}: a block has no `end`")


def _action(rest: str, optional: bool, aim: str, where: str) -> Action:
    verb, _, argument = rest.partition(" ")
    if verb not in VERBS:
        raise FormatError(f"{where}: unknown action {verb!r}")
    return Action(verb, argument.strip(), optional, aim)


def _entry(family: str, where: str, body: str, first: int) -> Entry:
    entry = Entry(family, where)
    lines = iter(enumerate(body.split("\n"), first))
    aim = ""
    for number, line in lines:
        word, _, rest = line.partition(" ")
        last = entry.actions[-1] if entry.actions else None
        if word in ("ask:", "ask?:"):
            entry.asks.append((rest.strip(), word == "ask:"))
        elif word == "file":
            entry.files.append((rest.strip(), _block(lines, where)))
        elif word in ("do", "do?"):
            entry.actions.append(_action(rest, word == "do?", aim, where))
            aim = ""
            if entry.actions[-1].verb == "create":
                entry.actions[-1].text = _block(lines, where)
        elif word == "aim:":
            aim = rest.strip()
        elif word == "see:":
            entry.see = rest.strip()
        elif word == "say:":
            entry.says.append(rest.strip())
        elif word == "answer:":
            entry.answers.append(rest.strip())
        elif last and line[:1] in "+-" and line:
            (last.old if line[0] == "-" else last.new).append(line[2:])
        elif last and line == "out":
            last.text = _block(lines, where)
        elif last and word == "code":
            last.code = int(rest)
        elif line.strip() and word != "let" and not line.startswith("#"):
            raise FormatError(f"{where.partition(':')[0]}:{number}: what is {line!r}?")
    entry.kinds = dict(_LET.findall(body)) | dict(_DECLARED.findall(body))
    _check(entry, body)
    return entry


def _check(entry: Entry, body: str) -> None:
    used = {m.partition(".")[0] for m in _SLOT.findall(body) if ":" not in m and not m.startswith("=")}
    missing = used - set(entry.kinds) - {"cwd"}
    if missing:
        raise FormatError(f"{entry.where}: no kind for {', '.join(sorted(missing))}")
    if not entry.asks or not entry.actions or (not entry.says and entry.family != "run"):
        raise FormatError(f"{entry.where}: needs ask, do and say")
    for action in entry.actions:
        if action.verb == "edit" and not (action.old and action.new):
            raise FormatError(f"{entry.where}: an edit needs - and + lines")
        if action.verb == "append" and len(action.new) != 1:
            raise FormatError(f"{entry.where}: an append needs one + line")


def parse(path: Path) -> Iterator[Entry]:
    """The entries of one file. Raises FormatError."""
    text = path.read_text(encoding="utf-8")
    number = text.partition("=== ")[0].count("\n") + 1
    for part in re.split(r"^=== ", text, flags=re.MULTILINE)[1:]:
        head, _, body = part.partition("\n")
        yield _entry(head.split()[0], f"{path.name}:{number}", body, number + 1)
        number += part.count("\n")


@cache
def entries() -> list[Entry]:
    """All entries of this folder."""
    return [entry for path in sorted(Path(__file__).parent.glob("*.txt")) for entry in parse(path)]


_IDENT: dict[str, Callable[[random.Random, str], str]] = {
    "english": wild.english,
    "stem": names.file_stem,
    "camel": lambda rng, split: names.ident(rng, split, "camel", 2, 2),
    "pascal": lambda rng, split: names.ident(rng, split, "pascal", 1, 2),
    "upper": lambda rng, split: names.ident(rng, split, "upper", 1, 2),
}


def draw(entry: Entry, rng: random.Random, split: str) -> dict[str, str]:
    """A value for every slot; no two are equal."""
    found: dict[str, str] = {}
    for name, kind in entry.kinds.items():
        for _ in range(40):
            made = _IDENT[kind](rng, split) if kind in _IDENT else values.value(rng, split, kind).text
            if made not in found.values():
                break
        found[name] = made
    return found


_FILTERS: dict[str, Callable[[str], str]] = {
    "upper": str.upper,
    "lower": str.lower,
    "title": str.title,
    "cap": lambda text: text[:1].upper() + text[1:],
    "len": lambda text: str(len(text)),
}


def fill(text: str, slots: dict[str, str]) -> str:
    """The text with its slots filled and its `~~` lines turned into carets."""

    def one(match: re.Match[str]) -> str:
        inner = match[1]
        if inner.startswith("="):
            return str(eval(inner[1:], {"__builtins__": _BUILTINS}, dict(slots)))
        name, _, how = inner.partition(":")[0].partition(".")
        return _FILTERS[how](slots[name]) if how else slots[name]

    return re.sub(r"^~~( *)(.*)$", lambda m: m[1] + "^" * len(m[2]), _SLOT.sub(one, text), flags=re.MULTILINE)


def choose(text: str, rng: random.Random) -> str:
    """The text with one of each `[[a|b]]`."""
    return _CHOICE.sub(lambda m: rng.choice(m[1].split("|")), text)
