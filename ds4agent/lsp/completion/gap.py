"""What surrounds the cursor, as the model reads it, and from where to where.

The prompt is extra files, then the text behind the cursor, then the text before it (see wire/infill.py), and
a cache of prefixes keeps what stays at its beginning. So the window around the cursor does not move along
with it: it keeps its first line until the cursor has come half a window nearer or further, and its last line
likewise, counted from the document's end, so that lines typed before it do not move it. What is typed then
leaves all in front of it as it was, byte for byte. A line that is far too long bounds it on either side.
"""

from collections import OrderedDict
from dataclasses import dataclass, replace
from string import ascii_letters

from ds4agent.lsp.document import Document, Point

# Documents whose windows are remembered.
MOST = 64
# How far the first line is looked for when lines came or went before it.
NEAR = 100
# Characters of a line that a person may have written. Data and minified code would be a prompt of their own.
LONGEST = 4_000


@dataclass(frozen=True, slots=True)
class Gap:
    """Texts with LF line ends: `before` the cursor, `tail`, the rest of its line, and `after`, from that
    line's end on.
    """

    before: str
    tail: str
    after: str

    @property
    def head(self) -> str:
        """The cursor's line, up to it."""
        return self.before.rpartition("\n")[2]

    @property
    def above(self) -> str:
        """The last line that is not blank before the cursor's; empty: there is none."""
        lines = self.before.split("\n")[:-1]
        return next((line for line in reversed(lines) if line.strip()), "")

    @property
    def below(self) -> list[str]:
        """The lines behind the cursor's."""
        return self.after.split("\n")[1:]

    @property
    def is_text(self) -> bool:
        """Whether a person may be writing here."""
        return "\0" not in self.before and len(self.head) + len(self.tail) <= LONGEST

    @property
    def before_word(self) -> "Gap":
        """Without the letters before the cursor, which an engine that heals words does not read."""
        return replace(self, before=self.before.rstrip(ascii_letters))

    def with_text(self, text: str) -> "Gap":
        """As if this had been typed."""
        return replace(self, before=self.before + text)


@dataclass(frozen=True, slots=True)
class _Window:
    first: int
    text: str  # of the first line
    below: int  # lines of the document behind the last one


def _joined(lines: list[str]) -> str:
    return "".join(lines).replace("\r\n", "\n").replace("\r", "\n")


class Windows:
    """The windows of all documents. `before`, `after`: lines that they have on either side when new."""

    def __init__(self, before: int, after: int) -> None:
        self._before, self._after = before, after
        self._held: OrderedDict[str, _Window] = OrderedDict()

    def gap(self, document: Document, point: Point) -> Gap:
        line, at = point
        window = self._window(document, line)
        self._held[document.uri] = window
        self._held.move_to_end(document.uri)
        while len(self._held) > MOST:
            self._held.popitem(last=False)
        here, lines = document.text(line), document.lines
        first, end = _bounds(lines, window.first, line, len(lines) - window.below)
        after = _joined(lines[line:end])[len(here) :]
        return Gap(_joined(lines[first:line]) + here[:at], here[at:], after)

    def _window(self, document: Document, line: int) -> _Window:
        held = self._held.get(document.uri)
        count = len(document.lines)
        first = None if held is None else self._first(document, held)
        if held is None or first is None or not self._reaches_back(first, line):
            first = max(0, line - self._before)
        below = held.below if held is not None else count
        if not self._reaches_on(count - below - line, below):
            below = max(0, count - line - 1 - self._after)
        return _Window(first, document.text(first), below)

    def _reaches_back(self, first: int, line: int) -> bool:
        lines = line - first
        return lines <= self._before * 3 // 2 and (lines >= self._before // 2 or (not first and lines >= 0))

    def _reaches_on(self, lines: int, below: int) -> bool:
        """`lines`: of the window from the cursor's own on."""
        return 0 < lines <= self._after * 2 + 1 and (lines > self._after // 2 or not below)

    def _first(self, document: Document, held: _Window) -> int | None:
        """Where the window's first line is now."""
        near = sorted(range(-NEAR, NEAR + 1), key=abs)
        return next(
            (held.first + by for by in near if by + held.first >= 0 and _is(document, held, by)), None
        )


def _bounds(lines: list[str], first: int, line: int, end: int) -> tuple[int, int]:
    """As much of [first, end) as lies around `line` without a line that is too long."""
    first = next((n + 1 for n in reversed(range(first, line)) if len(lines[n]) > LONGEST), first)
    return first, next((n for n in range(line + 1, end) if len(lines[n]) > LONGEST), end)


def _is(document: Document, held: _Window, by: int) -> bool:
    return held.first + by < len(document.lines) and document.text(held.first + by) == held.text
