"""An open document: lines, edits by range, and columns in the units that the client counts in.

Lines end where the protocol says (LF, CRLF, CR), not where Python's splitlines() would end them: a form feed
or U+2028 inside a line must not move all that follows by one line. The text is kept as lines, so an edit
costs what it changes. Inside of the server a place is a point (line, column), the column in characters; the
client's positions count UTF-8 bytes, UTF-16 units or characters.
"""

import re
from collections.abc import Callable
from urllib.parse import unquote

from lsprotocol import types
from pygls.workspace import TextDocument, Workspace

Point = tuple[int, int]
_LINE = re.compile(r"[^\r\n]*(?:\r\n|\n|\r)|[^\r\n]+")


def split_lines(text: str) -> list[str]:
    """Lines with their ends; the last one has none and may be empty."""
    lines: list[str] = _LINE.findall(text)
    if not lines or lines[-1][-1] in "\r\n":
        lines.append("")
    return lines


def _utf8(text: str) -> int:
    return len(text.encode("utf-8", "surrogatepass"))


def _utf16(text: str) -> int:
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


UNITS: dict[str, Callable[[str], int]] = {"utf-8": _utf8, "utf-16": _utf16, "utf-32": len}
_WIDTHS: dict[str, tuple[str, int]] = {"utf-8": ("utf-8", 1), "utf-16": ("utf-16-le", 2)}


def units(text: str, encoding: str) -> int:
    """How long `text` is in the units of `encoding`."""
    return len(text) if text.isascii() else UNITS[encoding](text)


def column(line: str, count: int, encoding: str) -> int:
    """The character at which `count` units of `line` have passed; inside of one, that one's beginning."""
    if encoding == "utf-32" or line.isascii():
        return min(count, len(line))
    codec, width = _WIDTHS[encoding]
    passed = line.encode(codec, "surrogatepass")[: count * width]
    # A cut character cannot be decoded; it has not been passed.
    while True:
        try:
            return len(passed.decode(codec, "surrogatepass"))
        except UnicodeDecodeError:
            passed = passed[:-width]


class Document(TextDocument):
    """What the client says a file holds. `version` is None for one that is not open; `size`: characters."""

    def __init__(
        self, uri: str, source: str | None, version: int | None, language_id: str | None, encoding: str
    ) -> None:
        super().__init__(uri, source, version, language_id)
        self.encoding = encoding
        self._held = split_lines(source or "")
        self.size = len(source or "")

    @property
    def line_end(self) -> str:
        """The first line's; an end of its own for each line is what nobody means."""
        first = self._held[0]
        return first[len(first.rstrip("\r\n")) :] or "\n"

    @property
    def lines(self) -> list[str]:
        """With their ends; the last has none. Not to be changed."""
        return self._held

    @property
    def source(self) -> str:
        return "".join(self._held)

    def text(self, line: int) -> str:
        """A line without its end; empty beyond the last one."""
        return self._held[line].rstrip("\r\n") if 0 <= line < len(self._held) else ""

    def point(self, position: types.Position) -> Point:
        """The nearest point there is: columns end before the line's end, lines with the last one."""
        if position.line >= len(self._held):
            last = len(self._held) - 1
            return last, len(self._held[last])
        line = max(0, position.line)
        return line, column(self.text(line), max(0, position.character), self.encoding)

    def position(self, point: Point) -> types.Position:
        line, at = point
        return types.Position(line, units(self._held[line][:at], self.encoding))

    def range(self, start: Point, end: Point) -> types.Range:
        return types.Range(self.position(start), self.position(end))

    def between(self, start: Point, end: Point) -> str:
        """The text from one point to a later one."""
        (first, begin), (last, stop) = start, end
        if first == last:
            return self._held[first][begin:stop]
        return "".join([self._held[first][begin:], *self._held[first + 1 : last], self._held[last][:stop]])

    def text_of(self, found: types.Range) -> str:
        """The text of a range of the client's."""
        return self.between(self.point(found.start), self.point(found.end))

    def apply_change(self, change: types.TextDocumentContentChangeEvent) -> None:
        if isinstance(change, types.TextDocumentContentChangePartial):
            self._splice(self.point(change.range.start), self.point(change.range.end), change.text)
        else:
            self._held = split_lines(change.text)
            self.size = len(change.text)

    def _splice(self, start: Point, end: Point, text: str) -> None:
        (first, begin), (last, stop) = min(start, end), max(start, end)
        text = self._held[first][:begin] + text + self._held[last][stop:]
        # Halves of a CRLF may have come together at either side.
        if first and self._held[first - 1].endswith("\r") and text.startswith("\n"):
            first -= 1
            text = self._held[first] + text
        lines = split_lines(text)
        if last + 1 < len(self._held):
            lines.pop()  # the empty one behind the end that the last of them still has
        self.size += len(text) - sum(map(len, self._held[first : last + 1]))
        self._held[first : last + 1] = lines


class Files(Workspace):
    """pygls' workspace, with documents of ours."""

    def _create_text_document(
        self,
        doc_uri: str,
        source: str | None = None,
        version: int | None = None,
        language_id: str | None = None,
    ) -> Document:
        return Document(doc_uri, source, version, language_id, str(self.position_encoding or "utf-16"))

    def closed(self, uri: str, text: str) -> Document:
        """One that the client does not have open."""
        return self._create_text_document(uri, text)

    def open(self, uri: str) -> Document | None:
        """A document that the client has open."""
        found = self.text_documents.get(uri) or self.text_documents.get(unquote(uri))
        return found if isinstance(found, Document) else None
