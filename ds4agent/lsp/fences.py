"""Fenced code blocks in what a model wrote, by CommonMark's rules.

A fence is three or more backticks or tildes, indented by less than four columns; it ends at one of the same
sign that is at least as long, or with the text. Code of a block loses as much indentation as its opening
fence had. A fence inside of a list item is indented by as much as the item's text, which is why list
markers are followed as far as they matter: "indented by four columns" is counted from the text of the item,
and why it is known which lines only go on with a paragraph: those do not end an item. Quoted blocks (`>`)
are not looked into.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

_OPEN = re.compile(r"(`{3,}(?=[^`]*$)|~{3,})(.*)")
_MARKER = re.compile(r"([-+*]|\d{1,9}[.)])( +|$)")
_INTERRUPTS = re.compile(r"#{1,6}( |$)|>|([-*_] *){3,}$|[-+*]( |$)|\d{1,9}[.)]( |$)|<[A-Za-z/!?]")
_ENDS = re.compile(r"\r\n|\n|\r")
TAB = 4


@dataclass(frozen=True, slots=True)
class Block:
    """A fenced block. `text`: its lines, each with \\n; `closed`: whether its fence was."""

    language: str
    text: str
    closed: bool = True


@dataclass(frozen=True, slots=True)
class _Opening:
    sign: str
    length: int
    indent: int
    item: int
    language: str

    def closes(self, line: str) -> bool:
        body = line.strip(" \t")
        inside = _indent(line) - self.item
        return inside < 4 and len(body) >= self.length and set(body) == {self.sign}


def blocks(text: str) -> list[Block]:
    """All of them, in order."""
    return list(_blocks(_ENDS.split(text)))


def _blocks(lines: list[str]) -> Iterator[Block]:
    items: list[int] = []
    text = False
    opening: _Opening | None = None
    code: list[str] = []
    for line in lines:
        left = (
            opening is not None and opening.item > 0 and bool(line.strip()) and _indent(line) < opening.item
        )
        if opening and not left:
            if opening.closes(line):
                yield Block(opening.language, "".join(code))
                opening, text = None, False
            else:
                code.append(_without(line, opening.indent) + "\n")
            continue
        if opening:  # the list item ended, and what was open in it
            yield Block(opening.language, "".join(code))
        opening = None if text and _continues(line) else _opening(line, items)
        text, code = opening is None and _is_text(line), []
    if opening:
        if code and not lines[-1]:
            code.pop()  # what lies behind the last line's end is no line
        yield Block(opening.language, "".join(code), closed=False)


def _continues(line: str) -> bool:
    """Whether it goes on with a paragraph, however it is indented, so that no list item ends here."""
    body = line.strip()
    return bool(body) and not _INTERRUPTS.match(body) and not _OPEN.match(body)


def _is_text(line: str) -> bool:
    """Whether a paragraph can go on behind it."""
    body = line.strip()
    while marker := _MARKER.match(body):
        body = body[marker.end() :]
    return bool(body) and not re.match(r"#{1,6}( |$)|([-*_] *){3,}$", body)


def _opening(line: str, items: list[int]) -> _Opening | None:
    """The fence that begins in this line. `items`: columns at which the text of open list items begins."""
    body, at = line.lstrip(" \t"), _indent(line)
    if not body:
        return None
    while items and at < items[-1]:
        items.pop()
    base = items[-1] if items else 0
    while at - base < 4 and (marker := _MARKER.match(body)):
        at += len(marker[1]) + (len(marker[2]) if 1 <= len(marker[2]) <= 4 else 1)
        body = body[marker.end() :] if len(marker[2]) <= 4 else body[len(marker[1]) + 1 :]
        items.append(at)
        base = at
        if len(marker[2]) > 4:
            return None  # indented code inside of the item
    found = _OPEN.match(body) if at - base < 4 else None
    if not found:
        return None
    words = found[2].split()
    return _Opening(found[1][0], len(found[1]), at, base, words[0] if words else "")


def _indent(line: str) -> int:
    """Columns of white space in front."""
    at = 0
    for sign in line:
        if sign == "\t":
            at += TAB - at % TAB
        elif sign == " ":
            at += 1
        else:
            break
    return at


def _without(line: str, columns: int) -> str:
    """The line less that many columns of white space, or all that it has."""
    at = 0
    for n, sign in enumerate(line):
        if at >= columns or sign not in " \t":
            return " " * (at - columns) + line[n:]
        at += TAB - at % TAB if sign == "\t" else 1
    return " " * max(0, at - columns)
