"""JSON text kept as the text it was.

Tool schemas enter the prompt byte for byte as the client sent them, and arguments keep the order, the
duplicates and the number spelling of their author: one changed byte costs a prefill. A parser that builds
values loses all of that, so these functions find the raw spans of members and elements in text that
`json.loads` has already accepted.
"""

import json
import re
from collections.abc import Iterator

# One token of valid JSON, or a run of white space.
_TOKEN = re.compile(r'"[^"\\]*+(?:\\.[^"\\]*+)*+"|[{}\[\],:]|[^\s{}\[\],:"]+|\s+', re.DOTALL)
_ESCAPED = re.compile(r'["\\\x00-\x1f]')
_SHORT = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t"}
_OPEN = frozenset("{[")
_CLOSE = frozenset("}]")


class InvalidJson(ValueError):
    """The text is not one JSON value."""


def _no_constant(name: str) -> object:
    raise ValueError(f"{name} is not JSON")


def loads(text: str) -> object:
    """Parse strictly in structure and leniently in strings (raw control characters pass, as upstream
    allows).
    """
    try:
        return json.loads(text, strict=False, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        raise InvalidJson(str(error)) from error


def minify(text: str) -> str:
    """The same valid JSON without white space between tokens."""
    return "".join(t for t in _TOKEN.findall(text) if not t.isspace())


def _items(text: str) -> Iterator[str]:
    """Raw texts of the comma-separated parts inside the outermost brackets of valid JSON."""
    depth = start = 0
    for match in _TOKEN.finditer(text):
        token = match.group()
        if token in _CLOSE:
            depth -= 1
        if (depth == 1 and token == ",") or (depth == 0 and token in _CLOSE):
            item = text[start : match.start()].strip()
            if item:
                yield item
            start = match.end()
        if token in _OPEN:
            depth += 1
            if depth == 1:
                start = match.end()


def elements(text: str) -> list[str]:
    """Raw element texts of a JSON array that `loads` accepted."""
    return list(_items(text))


def members(text: str) -> list[tuple[str, str]]:
    """(decoded key, raw value text) of a JSON object that `loads` accepted, in order, duplicates kept."""
    pairs = []
    for item in _items(text):
        key = _TOKEN.match(item)
        assert key is not None
        value = item[key.end() :].lstrip()[1:].lstrip()
        pairs.append((str(json.loads(key.group(), strict=False)), value))
    return pairs


def member(text: str, name: str) -> str | None:
    """Raw value of the last member called `name`, as a parser would keep it."""
    found = None
    for key, value in members(text):
        if key == name:
            found = value
    return found


def _escape(match: re.Match[str]) -> str:
    char = match.group()
    return _SHORT.get(char) or f"\\u{ord(char):04x}"


def escape(text: str) -> str:
    """The inside of a JSON string as ds4-server writes it: five short escapes, \\u00xx for other controls,
    else raw.
    """
    return _ESCAPED.sub(_escape, text)


def quote(text: str) -> str:
    """A whole JSON string in that spelling."""
    return f'"{escape(text)}"'


def depth(text: str) -> int:
    """The deepest nesting of brackets outside strings; `text` need not be valid."""
    deepest = level = 0
    for match in _TOKEN.finditer(text):
        token = match.group()
        if token in _OPEN:
            level += 1
            deepest = max(deepest, level)
        elif token in _CLOSE:
            level -= 1
    return deepest
