"""From the lines that are there and those that are wanted to an edit of only the lines that differ.

Lines are compared without their ends: one that stays keeps its own, one that comes gets the end that most of
the document's lines have. So a file that mixes line ends changes only where its text does.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher

from lsprotocol import types

from ds4agent.lsp.document import Document, split_lines

# Beyond this, difflib's quadratic worst case is felt; what lies between the first and the last difference is
# then replaced as a whole.
MOST_PRODUCT = 4_000_000


@dataclass(frozen=True, slots=True)
class Change:
    """Lines [first, last) become `new`, which are without ends."""

    first: int
    last: int
    new: tuple[str, ...]


def bare(line: str) -> str:
    return line.rstrip("\r\n")


def line_end(document: Document) -> str:
    """The line end that most lines have; \\n for a document of one line."""
    ends = Counter(line[len(bare(line)) :] for line in document.lines[:-1])
    return ends.most_common(1)[0][0] if ends else "\n"


def changes(old: Sequence[str], new: Sequence[str], first: int = 0) -> list[Change]:
    """What differs. `old` begins at line `first` of the document; both are without line ends."""
    start, most = 0, min(len(old), len(new))
    while start < most and old[start] == new[start]:
        start += 1
    tail = 0
    while tail < most - start and old[-1 - tail] == new[-1 - tail]:
        tail += 1
    was, now = old[start : len(old) - tail], new[start : len(new) - tail]
    if not was and not now:
        return []
    if len(was) * len(now) > MOST_PRODUCT:
        return [Change(first + start, first + len(old) - tail, tuple(now))]
    matcher = SequenceMatcher(None, was, now, autojunk=False)
    at = first + start
    return [
        Change(at + i, at + j, tuple(now[k:m])) for tag, i, j, k, m in matcher.get_opcodes() if tag != "equal"
    ]


def text_edits(document: Document, found: Sequence[Change]) -> list[types.TextEdit]:
    """As the protocol has them, in the document's encoding, none overlapping."""
    end = line_end(document)
    return [_text_edit(document, change, end) for change in found]


def _text_edit(document: Document, change: Change, end: str) -> types.TextEdit:
    lines, first, last = document.lines, change.first, change.last
    before = lines[first - 1][-1] if first else ""
    if last < len(lines):
        text = _ended(before, change.new, end, lines[last][:1])
        if not text and before == "\r" and lines[last].startswith("\n"):
            # What is left would become one line end: the line in front gets another one.
            return types.TextEdit(document.range((first - 1, 0), (last, 0)), bare(lines[first - 1]) + "\r\n")
        return types.TextEdit(document.range((first, 0), (last, 0)), text)
    # The last line has no end of its own: the one before it has to come or go.
    close = (len(lines) - 1, len(lines[-1]))
    if first == len(lines):
        return types.TextEdit(document.range(close, close), "".join(end + line for line in change.new))
    if not change.new and first:
        return types.TextEdit(document.range((first - 1, len(bare(lines[first - 1]))), close), "")
    *whole, rest = change.new or ("",)
    text = _ended(before, whole, end, rest[:1]) + rest
    return types.TextEdit(document.range((first, 0), close), text)


def _ended(before: str, new: Sequence[str], end: str, after: str) -> str:
    """Lines with this end, or with one that does not become a CRLF together with what stands beside them."""
    text = "".join(line + end for line in new)
    if (before == "\r" and text.startswith("\n")) or (text.endswith("\r") and after == "\n"):
        return "".join(line + "\r\n" for line in new)
    return text


def as_lines(text: str) -> list[str]:
    """Lines of a text without ends; a last line end begins no line of its own."""
    lines = [bare(line) for line in split_lines(text)]
    return lines[:-1] if lines[-1] == "" else lines
