"""A child's output, bytes -> lines, as they come."""

# More than any line that means something. What is longer is handed on in pieces, so that a program that never
# ends a line costs no more than this.
LONGEST = 16384


class Records:
    """Splits at LF, CR and CR LF: progress records end with CR alone, and a line may follow at once.

    Empty lines are left out. Bytes that are not UTF-8 become U+FFFD.
    """

    def __init__(self) -> None:
        self._rest = bytearray()

    def feed(self, data: bytes) -> list[str]:
        """The lines that are complete now."""
        *whole, rest = (self._rest + data).replace(b"\r", b"\n").split(b"\n")
        self._rest = rest
        lines = [piece for line in whole for piece in _pieces(line)]
        if len(rest) >= LONGEST:
            *full, self._rest = _pieces(rest)
            lines += full
        return [line.decode("utf-8", "replace") for line in lines]

    def end(self) -> list[str]:
        """What is left when the stream has ended."""
        rest, self._rest = self._rest, bytearray()
        return [rest.decode("utf-8", "replace")] if rest else []


def _pieces(line: bytearray) -> list[bytearray]:
    return [line[start : start + LONGEST] for start in range(0, len(line), LONGEST)]
