"""The tags of a tool block in their three spellings, and reading one tag from the front of a growing text."""

import re
from dataclasses import dataclass
from enum import Enum
from functools import cached_property

from ds4agent.wire.dsml_render import MARK
from ds4agent.wire.dsml_values import clean, unescape

WHITESPACE = " \t\r\n\v\f"
_ATTRIBUTES = re.compile(r'(?:\s+[A-Za-z_]+\s*=\s*"[^"]*")*\s*')
_TAG_END = re.compile(r'(?:[^">]++|"[^"]*+")*+>')
_ATTRIBUTE = re.compile(r'([A-Za-z_]+)\s*=\s*"([^"]*)"')


class Wait(Enum):
    """Why no tag was read: more text is needed, or no expected tag can start here."""

    MORE = 1
    NEVER = 2


@dataclass(frozen=True)
class Spelling:
    """All tags of a block use the spelling of its opening tag."""

    prefix: str

    @cached_property
    def block_open(self) -> str:
        return f"<{self.prefix}tool_calls>"

    def opener(self, name: str) -> str:
        return f"<{self.prefix}{name}"

    def closer(self, name: str) -> str:
        return f"</{self.prefix}{name}>"


CANONICAL = Spelling(MARK)
SHORT = Spelling(MARK[1:])
PLAIN = Spelling("")
SPELLINGS = (CANONICAL, SHORT, PLAIN)
# Closing tags that nobody writes about: the plain spelling is left out, it is ordinary XML.
ORPHANS = tuple(
    spelling.closer(name) for spelling in (CANONICAL, SHORT) for name in ("parameter", "invoke", "tool_calls")
)


@dataclass(frozen=True, slots=True)
class Tag:
    """A whole tag; `attributes` is None for a closing one. `length` is what it took of the text."""

    name: str
    attributes: dict[str, str] | None
    length: int


def _tag_end(text: str, start: int) -> int:
    """Where the first `>` outside quotes stands; -1: there is none yet, so this is asked at every token."""
    found = _TAG_END.match(text, start)
    return -1 if found is None else found.end() - 1


def _read_open(spelling: Spelling, text: str, name: str) -> Tag | Wait:
    opener = spelling.opener(name)
    if not text.startswith(opener):
        return Wait.MORE if opener.startswith(text) else Wait.NEVER
    end = _tag_end(text, len(opener))
    if end < 0:
        return Wait.MORE
    inside = text[len(opener) : end]
    if not _ATTRIBUTES.fullmatch(inside):
        return Wait.NEVER
    attributes = {key: clean(unescape(value)) for key, value in _ATTRIBUTE.findall(inside)}
    return Tag(name, attributes, end + 1) if "name" in attributes else Wait.NEVER


def _read_close(spelling: Spelling, text: str, name: str) -> Tag | Wait:
    closer = spelling.closer(name)
    if text.startswith(closer):
        return Tag(name, None, len(closer))
    return Wait.MORE if closer.startswith(text) else Wait.NEVER


def read_tag(spelling: Spelling, text: str, opens: str, *closes: str) -> Tag | Wait:
    """The tag at the start of `text`: `<opens ...>` or one of `</closes>`."""
    results = [_read_open(spelling, text, opens)]
    results += [_read_close(spelling, text, name) for name in closes]
    for result in results:
        if isinstance(result, Tag):
            return result
    return Wait.MORE if Wait.MORE in results else Wait.NEVER
