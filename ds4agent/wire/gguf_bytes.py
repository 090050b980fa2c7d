"""A file that comes in pieces, read forwards within a budget.

A generator of this module asks for bytes by yielding a `Piece` and is sent what could be read there, which
may be less; nothing at all means that the file ended. It asks for a block at a time, skips what nobody wants
without reading it, and gives up when it has read `BUDGET` bytes: whatever a header claims, the time and
the memory that it costs are bounded.
"""

import struct
from collections.abc import Generator
from dataclasses import dataclass
from typing import NoReturn

BLOCK = 65_536
# Of the models that are about, the largest header (250,000 tokens and as many merges) has 12 MB.
BUDGET = 32 << 20
MAX_STRING = 1 << 20

_LENGTH = struct.Struct("<Q")


class BadHeader(ValueError):
    """What is wrong with a header, and at which byte."""


@dataclass(frozen=True, slots=True)
class Piece:
    """A request for at most `n` bytes at `offset`."""

    offset: int
    n: int


Reading = Generator[Piece, bytes, None]


class Cursor:
    """Where the reading is. `size`: bytes of the whole file."""

    def __init__(self, size: int) -> None:
        self.size = size
        self.at = 0
        self._window = b""
        self._start = 0
        self._read = 0

    def need(self, n: int, what: str) -> Reading:
        """Have `n` bytes from here on in the window, for `take`."""
        if n > self.size - self.at:
            self.fail(f"{what} reaches past the end of the file, which has {self.size} bytes")
        while (held := self._held()) < n:
            yield from self._more(held, n)

    def take(self, n: int) -> bytes:
        """The next `n` bytes; they have to be there."""
        first = self.at - self._start
        self.at += n
        return self._window[first : first + n]

    def skip(self, n: int, what: str) -> None:
        """Go on `n` bytes later; they are read only when somebody needs what follows in their block."""
        if n > self.size - self.at:
            self.fail(f"{what} reaches past the end of the file, which has {self.size} bytes")
        self.at += n

    def skip_strings(self, n: int, what: str) -> Reading:
        """Pass an array of `n` strings, of which only the lengths are looked at."""
        while n:
            yield from self.need(8, what)
            n = self._skip_held(n, what)

    def fail(self, problem: str) -> NoReturn:
        raise BadHeader(f"at byte {self.at}: {problem}")

    def _skip_held(self, n: int, what: str) -> int:
        """Pass the strings whose lengths are in the window; how many are left."""
        window, last = self._window, len(self._window) - 8
        first = self.at - self._start
        while n and first <= last:
            (length,) = _LENGTH.unpack_from(window, first)
            if length > MAX_STRING or first + 8 + length > self.size - self._start:
                self.at = self._start + first
                self.fail(f"a string in {what} has {length} bytes; {too_long(length)}")
            first += 8 + length
            n -= 1
        self.at = self._start + first
        return n

    def _held(self) -> int:
        return max(0, self._start + len(self._window) - self.at)

    def _more(self, held: int, n: int) -> Reading:
        asked = min(max(BLOCK if self._read else n, n - held), self.size - self.at - held)
        if self._read > BUDGET:
            self.fail(f"the header is not at its end after {BUDGET >> 20} MiB")
        data = yield Piece(self.at + held, asked)
        if not data:
            self.fail("the file ended while it was read; it had more bytes before")
        self._read += len(data)
        self._window = self._window[len(self._window) - held :] + data if held else data
        self._start = self.at


def too_long(length: int) -> str:
    """Which limit a string breaks."""
    if length > MAX_STRING:
        return f"the limit is {MAX_STRING >> 20} MiB"
    return "that is past the end of the file"


def shown(key: str) -> str:
    """A name of the file in a message: short, and without what would steer a terminal."""
    return repr(key if len(key) <= 60 else key[:57] + "...")
