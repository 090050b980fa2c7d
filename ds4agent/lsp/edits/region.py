"""Which lines a model is asked about: as few as the work allows, since it has to write all of them again."""

from collections.abc import Sequence

from ds4agent.lsp.edits.comments import comment_at
from ds4agent.lsp.edits.symbols import Symbol, enclosing, width

# Lines of a function that is rewritten as a whole.
MOST_LINES = 120
AROUND = 5
_DOCUMENTATION = ('"""', "'''", 'r"""', '"', "'")

Region = tuple[int, int]


def chosen(lines: Sequence[str], first: int, last: int, empty: bool) -> Region:
    """The selected lines; without a selection the function or class that the cursor is in, else the
    paragraph, and on an empty line that line.
    """
    if not empty or first >= len(lines) or not lines[first].strip():
        return first, min(max(last, first), len(lines))
    symbol = enclosing(lines, first)
    if symbol and symbol.last - symbol.first <= MOST_LINES:
        return symbol.first, symbol.last
    return paragraph(lines, first)


def around(lines: Sequence[str], first: int, last: int) -> Region:
    """What has to be seen to correct these lines: the function they are in, else a few lines more."""
    symbol = enclosing(lines, first)
    if symbol and symbol.last >= last and symbol.last - symbol.first <= MOST_LINES:
        return symbol.first, symbol.last
    return max(0, first - AROUND), min(len(lines), last + AROUND)


def heading(lines: Sequence[str], symbol: Symbol, language: str) -> Region:
    """A symbol's head with the documentation that it has, above it or as its first statement."""
    first, last = symbol.first, symbol.body
    # Python's documentation is never above: a comment there is about something else.
    above = comment_at(lines, first - 1, language) if first and language != "python" else None
    if above and width(lines[above[0]]) == width(lines[symbol.head]):
        first = above[0]
    if last < symbol.last and (quotes := _quotes(lines[last])):
        text = lines[last].strip().removeprefix("r")[len(quotes) :]
        while quotes not in text and last + 1 < symbol.last:
            last += 1
            text = lines[last]
        last += 1
    return first, last


def told(lines: Sequence[str], comment: Region) -> Region:
    """What a comment is about: what is defined behind it, else the paragraph that it is part of."""
    first, last = comment
    following = enclosing(lines, last) if last < len(lines) and lines[last].strip() else None
    if following and following.first == last and following.last - first <= MOST_LINES:
        return first, following.last
    depth = width(lines[first])
    while last < len(lines) and lines[last].strip() and width(lines[last]) >= depth:
        last += 1
    return first, last


def paragraph(lines: Sequence[str], line: int) -> Region:
    """Lines without an empty one among them."""
    first, last = line, line + 1
    while first and lines[first - 1].strip() and line - first < MOST_LINES:
        first -= 1
    while last < len(lines) and lines[last].strip() and last - line < MOST_LINES:
        last += 1
    return first, last


def _quotes(line: str) -> str:
    text = line.strip()
    return next((q.removeprefix("r") for q in _DOCUMENTATION if text.startswith(q)), "")
