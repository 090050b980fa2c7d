"""Parameter values: DSML text in, JSON text out, piece by piece.

Each value is seen twice by clients: as fragments while it is decoded, and as a whole when the call is done.
A string is the same both ways. A raw JSON value streams as the model spelled it and ends minified; only the
whole can tell whether it is JSON at all.
"""

import re

from ds4agent.wire import json_spans

_ENTITIES = {"&amp;": "&", "&lt;": "<", "&gt;": ">", "&quot;": '"', "&apos;": "'"}
_ENTITY = re.compile("|".join(_ENTITIES))
# A lone surrogate stands for a byte that was not UTF-8 (see dsml.py); clients get the replacement character.
_SURROGATE = re.compile("[\ud800-\udfff]")


def clean(text: str) -> str:
    """Text that every JSON reader accepts."""
    return _SURROGATE.sub("\ufffd", text)


def unescape(text: str) -> str:
    """The five XML entities, each replaced once."""
    return _ENTITY.sub(lambda m: _ENTITIES[m.group()], text)


def overlap(text: str, tag: str) -> int:
    """Length of the longest end of `text` that is a proper beginning of `tag`."""
    if text.rfind(tag[0], -len(tag)) < 0:
        return 0
    for n in range(min(len(text), len(tag) - 1), 0, -1):
        if text.endswith(tag[:n]):
            return n
    return 0


class StringValue:
    """A `string="true"` value. Holds back an entity that has not ended."""

    opening = '"'
    closing = '"'
    in_payload = True

    def __init__(self) -> None:
        self._held = ""
        self._parts: list[str] = []

    def feed(self, text: str) -> str:
        text = self._held + text
        keep = max(overlap(text, entity) for entity in _ENTITIES) if "&" in text[-6:] else 0
        self._held = text[len(text) - keep :]
        return self._emit(unescape(text[: len(text) - keep]))

    def finish(self) -> str:
        held, self._held = self._held, ""
        return self._emit(held)

    def _emit(self, text: str) -> str:
        fragment = json_spans.escape(clean(text))
        self._parts.append(fragment)
        return fragment

    def json(self) -> str:
        return f'"{"".join(self._parts)}"'


class JsonValue:
    """A raw JSON value, streamed as it is spelled. Empty means null."""

    opening = ""
    closing = ""

    def __init__(self) -> None:
        self._parts: list[str] = []
        self._escaped = False
        self.in_payload = False

    def feed(self, text: str) -> str:
        for char in text:
            if self._escaped:
                self._escaped = False
            elif char == '"':
                self.in_payload = not self.in_payload
            elif char == "\\" and self.in_payload:
                self._escaped = True
        text = clean(text)
        self._parts.append(text)
        return text

    def finish(self) -> str:
        if "".join(self._parts).strip():
            return ""
        self._parts.append("null")
        return "null"

    def json(self) -> str:
        """Minified; text that is not JSON is returned as it is, and spoils the object it goes into."""
        text = "".join(self._parts)
        try:
            json_spans.loads(text)
        except json_spans.InvalidJson:
            return text
        return json_spans.minify(text)


def join_object(members: list[tuple[str, str]]) -> str:
    """A compact object in generation order, duplicates kept."""
    return "{" + ",".join(f"{json_spans.quote(key)}:{value}" for key, value in members) + "}"


def arguments(members: list[tuple[str, str]]) -> str:
    """The arguments of a finished call; `{}` if a raw value was not JSON."""
    text = join_object(members)
    try:
        json_spans.loads(text)
    except json_spans.InvalidJson:
        return "{}"
    return text
