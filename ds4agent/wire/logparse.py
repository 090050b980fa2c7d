"""ds4-server's log lines of every generation, line -> event, by one table.

A form is written as the line is, with {field} for a field of the event, {field*} where its value may hold
spaces, {field?} for a word that is there or not, and [..] for a part that may be missing; \\[ is a bracket of
the line. What a field looks like follows from its type. A form whose line goes on with more name=value pairs
still matches: that is how new generations have extended their lines. Whatever matches nothing is Unknown; no
line raises.

Only the forms that start with a line's first word are tried, and a form is compiled when it is first tried,
so that a process that never sees a line does not pay for it.
"""

import math
import re
from collections.abc import Callable, Iterable
from dataclasses import fields
from functools import cached_property
from typing import Any

from ds4agent.wire import logevents as ev
from ds4agent.wire.logforms import ENGINE, FATAL, REQUEST, SERVER, Form

_COLOUR = re.compile(r"\x1b\[[0-9;]*m")
_LINE = re.compile(r"(?:\d{4} \d\d:\d\d:\d\d )?(ds4-server|ds4-kvstore|ds4): ?(.*)", re.DOTALL)
_HEAD = re.compile(
    r"(?P<kind>chat|completion|infill) ctx=(?P<cached>\d{1,15})\.\.(?P<prompt>\d{1,15}):-?\d{1,15}"
    r"(?: gen=(?P<generated>\d{1,15}))?(?P<flags>(?: [A-Z][A-Z_]+)*) (?P<rest>.*)",
    re.DOTALL,
)
_MORE = r"(?: [a-z_]+=\S+)*"


def _number(text: str) -> float:
    value = float(text)
    return value if math.isfinite(value) else 0.0


def _maybe(convert: Callable[[str], Any]) -> Callable[[str | None], Any]:
    return lambda text: None if text is None else convert(text)


_INTEGER, _DECIMAL = r"-?\d{1,15}", r"-?(?:\d{1,300}(?:\.\d{1,20})?|inf|nan)"
# type of a field -> how it is printed, and how it is read
_TYPES: dict[Any, tuple[str, Callable[[Any], Any]]] = {
    int: (_INTEGER, int),
    int | None: (_INTEGER, _maybe(int)),
    float: (_DECIMAL, _number),
    float | None: (_DECIMAL, _maybe(_number)),
    str: (r"\S+", str),
    str | None: (r"\S+", lambda text: text),
    bool: (r"\S+", lambda text: text not in (None, "0")),
    ev.Flags: (r"[A-Z_ ]*", lambda text: frozenset(text.split())),
    ev.Names: (r"[^\]]*", lambda text: tuple(text.split(",")) if text else ()),
}


class _Rule:
    """One form, ready to be tried."""

    def __init__(self, form: Form) -> None:
        self._form = form
        self._constants = dict(form.constants)
        self._readers = [(f.name, _TYPES[f.type][1]) for f in fields(form.event)]

    @cached_property
    def _pattern(self) -> re.Pattern[str]:
        types = {f.name: _TYPES[f.type][0] for f in fields(self._form.event)}

        def piece(found: re.Match[str]) -> str:
            token = found[0]
            if token in "[]":
                return "(?:" if token == "[" else ")?"
            if token.startswith("{"):
                name, said = token[1:-1].rstrip("*?"), token[-2]
                shape = {"*": ".*", "?": " [A-Za-z]+"}.get(said) or types.get(name, r"\S+")
                return f"(?P<{name}>{shape}){'?' if said == '?' else ''}"
            return re.escape(token.removeprefix("\\"))

        body = re.sub(r"\{\w+[*?]?\}|\\.|.", piece, self._form.text)
        return re.compile(body + _MORE, re.DOTALL)

    def event(self, text: str, known: dict[str, str | None]) -> ev.Event | None:
        found = self._pattern.fullmatch(text)
        if found is None:
            return None
        values = {"text": text, **known, **self._constants, **found.groupdict()}
        return self._form.event(**{name: read(values.get(name)) for name, read in self._readers})


def _by_first_word(forms: Iterable[Form]) -> dict[str, list[_Rule]]:
    table: dict[str, list[_Rule]] = {}
    for form in forms:
        table.setdefault(re.split(r"[ \[]", form.text, maxsplit=1)[0], []).append(_Rule(form))
    # What begins with a value is tried last, under every word.
    anything = [rule for word in list(table) if "{" in word for rule in table.pop(word)]
    return {word: rules + anything for word, rules in table.items()} | {"": anything}


_TABLES = {
    "ds4-server": _by_first_word(SERVER),
    "ds4-kvstore": _by_first_word(FATAL),
    "ds4": _by_first_word(ENGINE),
}
_REQUEST = _by_first_word(REQUEST)


def parse(line: str) -> ev.Event:
    """The event of one line, without its line end. Time stamp and colours are passed over."""
    plain = _COLOUR.sub("", line) if "\x1b" in line else line
    found = _LINE.fullmatch(plain)
    if found is None:
        return ev.Unknown(line)
    program, text = found[1], found[2]
    head = _HEAD.fullmatch(text)
    if head is not None:
        known = head.groupdict()
        event = _first(_REQUEST, known["rest"] or "", known)
    else:
        event = _first(_TABLES[program], text, {})
    return event or ev.Unknown(line)


def _first(table: dict[str, list[_Rule]], text: str, known: dict[str, str | None]) -> ev.Event | None:
    text = text.strip()
    for rule in table.get(text.split(" ", 1)[0], table[""]):
        if (event := rule.event(text, known)) is not None:
            return event
    return None
