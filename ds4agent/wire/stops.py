"""Stop strings, looked for in the whole sampled text while it is being sampled."""


def _held(data: bytes, stop: bytes) -> int:
    """Length of the longest end of `data` that may be the beginning of `stop`."""
    for n in range(min(len(data), len(stop) - 1), 0, -1):
        if data.endswith(stop[:n]):
            return n
    return 0


class StopFilter:
    """Passes bytes on once they cannot be part of a stop string any more; cuts before the earliest match."""

    def __init__(self, stops: tuple[str, ...]) -> None:
        self._stops = [s.encode() for s in stops]
        self._buf = b""
        self.found: str | None = None

    @property
    def hit(self) -> bool:
        return self.found is not None

    def feed(self, data: bytes) -> bytes:
        if not self._stops or self.hit:
            return b"" if self.hit else data
        self._buf += data
        found = [(at, s) for s in self._stops if (at := self._buf.find(s)) >= 0]
        if found:
            at, stop = min(found, key=lambda item: item[0])
            self.found = stop.decode()
            return self._release(at)
        return self._release(len(self._buf) - max(_held(self._buf, s) for s in self._stops))

    def skip(self, data: bytes) -> bytes:
        """Pass text in which nothing is looked for, behind what is held."""
        return self.finish() + data

    def finish(self) -> bytes:
        """What was held back when the turn ended for another reason."""
        return b"" if self.hit else self._release(len(self._buf))

    def _release(self, n: int) -> bytes:
        out, self._buf = self._buf[:n], self._buf[n:]
        return out
