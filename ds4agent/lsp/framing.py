"""Messages in a stream of bytes, as LSP has them: header fields, an empty line, a body of the stated length.

Pure: bytes in, bodies and complaints out. What is no message is dropped up to the next thing that may be the
beginning of one, with one complaint for all of it.
"""

import re
from collections.abc import Iterator

# A header that is longer is none, nor is a longer body a message.
MOST_HEADER = 8192
MOST_BODY = 1 << 30
_NAME = b"content-length:"
_START = re.compile(rb"(?i)content-length:")
_END = re.compile(rb"\r?\n\r?\n")
_LINE = re.compile(rb"([!-9;-~]+):[ \t]*([^\r\n]*?)[ \t]*\r?\n")


class Malformed(ValueError):
    """What came is no message; the text says why."""


class Framer:
    """Feed it what arrives."""

    def __init__(self) -> None:
        self._held = bytearray()
        self._length: int | None = None
        self._lost = False

    def feed(self, data: bytes) -> Iterator[bytes | Malformed]:
        self._held += data
        while True:
            if self._length is None:
                try:
                    if not self._take_header():
                        return
                except Malformed as problem:
                    self._skip()
                    if not self._lost:
                        self._lost = True
                        yield problem
                    continue
            assert self._length is not None
            if len(self._held) < self._length:
                return
            body = bytes(self._held[: self._length])
            del self._held[: self._length]
            self._length = None
            yield body

    def _take_header(self) -> bool:
        """False: there is not enough of it yet. Raises Malformed."""
        end = _END.search(self._held, 0, MOST_HEADER)
        if end is None:
            if len(self._held) >= MOST_HEADER:
                raise Malformed("a header without an end")
            return False
        length = _length(bytes(self._held[: end.end()]))
        del self._held[: end.end()]
        self._length, self._lost = length, False
        return True

    def _skip(self) -> None:
        """To the next thing that looks like a header, of which only the beginning may be here."""
        start = _START.search(self._held, 1)
        del self._held[: start.start() if start else max(1, len(self._held) - len(_NAME))]


def _length(header: bytes) -> int:
    """Raises Malformed."""
    lines = header.rstrip(b"\r\n").splitlines(keepends=True)
    fields = [_LINE.fullmatch(line.rstrip(b"\r\n") + b"\n") for line in lines]
    lengths = [field[2] for field in fields if field and field[1].lower() == _NAME[:-1]]
    if None in fields or len(lengths) != 1 or not lengths[0].isdigit() or len(lengths[0]) > 12:
        raise Malformed(f"not a header with one Content-Length: {header[:80]!r}")
    if int(lengths[0]) > MOST_BODY:
        raise Malformed(f"a message of {int(lengths[0])} bytes, more than {MOST_BODY}")
    return int(lengths[0])
