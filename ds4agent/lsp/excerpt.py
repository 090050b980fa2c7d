"""Files and parts of them as a model reads them.

What changes least comes first: the file, then what is asked about it. Requests about one file so begin with
the same bytes and the engine reads it once. A file that is too long is shown in pages, those around the place
in question: page ends are counted from the file's beginning, so places near each other see the same pages.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePath

from lsprotocol import types
from pygls.uris import to_fs_path

from ds4agent.lsp.document import Document
from ds4agent.lsp.protocol import Server
from ds4agent.resources import prompt

# Bytes of a file that one request shows, some 16,000 tokens: what a person waits for when it is read anew.
SHOWN = 48_000
PAGE = SHOWN // 3
_HOLE = re.compile(r"\{(\w+)\}")
_TICKS = re.compile(r"`{3,}")


def fill(name: str, /, **values: object) -> str:
    """The text of prompts/lsp/NAME.txt with these in its holes. Braces in what is put in mean nothing."""
    return _HOLE.sub(lambda hole: str(values[hole[1]]), prompt(f"lsp/{name}.txt"))


@dataclass(frozen=True, slots=True)
class Excerpt:
    """A document as it is now. `lines` are without their ends, an empty one behind the last end left out."""

    uri: str
    path: str
    language: str
    version: int | None
    lines: tuple[str, ...]

    def file(self, line: int = 0) -> str:
        """The whole file, or so much of it around a line as is shown of a file."""
        first, last = _pages(self.lines, line)
        about = "" if last - first == len(self.lines) else f' lines="{first + 1}-{last} of {len(self.lines)}"'
        text = "\n".join(_cut(text) for text in self.lines[first:last])
        return fill("file", path=self.path, about=about, text=text)

    def part(self, first: int, last: int, name: str = "selection", **more: object) -> str:
        """Lines [first, last), fenced."""
        code = "\n".join(_cut(text) for text in self.lines[first:last])
        return fill(
            name,
            where=where(first, last),
            path=self.path,
            language=self.language,
            code=code,
            fence=fence(code),
            **more,
        )


def excerpt(server: Server, document: Document) -> Excerpt:
    lines = [line.rstrip("\r\n") for line in document.lines]
    if lines[-1] == "":
        lines.pop()
    language = document.language_id or ""
    return Excerpt(document.uri, path_of(server, document.uri), language, document.version, tuple(lines))


def path_of(server: Server, uri: str) -> str:
    """Below its workspace folder, with that one's name in front if there are several; else its last part."""
    path = to_fs_path(uri)
    if path is None:
        return uri
    folders = server.workspace.folders
    for folder in folders.values():
        root = to_fs_path(folder.uri)
        if root and PurePath(path).is_relative_to(root):
            inside = str(PurePath(path).relative_to(root))
            return f"{folder.name}/{inside}" if len(folders) > 1 else inside
    return PurePath(path).name


def where(first: int, last: int) -> str:
    return f"Line {first + 1}" if last - first == 1 else f"Lines {first + 1} to {last}"


def fence(text: str) -> str:
    """Longer than any in the text."""
    return "`" * max([3, *(len(found) + 1 for found in _TICKS.findall(text))])


def whole_lines(document: Document, found: types.Range) -> tuple[int, int]:
    """The lines [first, last) that a range touches; an end at a line's beginning does not touch it."""
    (first, _), (last, column) = sorted((document.point(found.start), document.point(found.end)))
    return first, last + (1 if column or last == first else 0)


def _pages(lines: Sequence[str], line: int) -> tuple[int, int]:
    sizes = [min(len(text), PAGE) + 1 if text.isascii() else len(_cut(text).encode()) + 1 for text in lines]
    if sum(sizes) <= SHOWN:
        return 0, len(lines)
    ends, size = [], 0
    for n, more in enumerate(sizes):
        if size and size + more > PAGE:
            ends.append(n)
            size = 0
        size += more
    ends.append(len(lines))
    here = next(page for page, end in enumerate(ends) if line < end or end == len(lines))
    first = max(0, min(here - 1, len(ends) - 3))
    return ends[first - 1] if first else 0, ends[min(first + 2, len(ends) - 1)]


def _cut(line: str) -> str:
    """A line that is not longer than a page."""
    return line if len(line) <= PAGE else f"{line[:PAGE]} [... {len(line) - PAGE} characters left out]"
