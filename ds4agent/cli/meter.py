"""A line on a terminal that shows how far something is; nothing where there is no terminal."""

import time
from typing import IO

from ds4agent.cli.models_view import size_text

_WIDTH = 24
_EVERY = 0.1


class Meter:
    """A context: the line is taken away at the end."""

    def __init__(self, out: IO[str]) -> None:
        self._out = out if out.isatty() else None
        self._stage = ""
        self._began = self._shown = 0.0
        self._first = 0

    def __enter__(self) -> "Meter":
        return self

    def __exit__(self, *about: object) -> None:
        if self._out and self._stage:
            self._out.write("\r\x1b[K")
            self._out.flush()

    def report(self, stage: str, done: int, total: int | None) -> None:
        """`done` of `total` bytes; `total` None: nobody knows."""
        now = time.monotonic()
        if not self._out or (stage == self._stage and now - self._shown < _EVERY and done != total):
            return
        if stage != self._stage:
            self._stage, self._began, self._first = stage, now, done
        self._shown = now
        rate = (done - self._first) / max(now - self._began, 1e-3)
        self._out.write(f"\r{line(stage, done, total, rate)}\x1b[K")
        self._out.flush()


def line(stage: str, done: int, total: int | None, rate: float) -> str:
    """`loading [####....] 12.3 GB of 81.0 GB, 45.6 MB/s, 25:03 left`."""
    speed = f", {size_text(int(rate))}/s" if rate else ""
    if not total:
        return f"{stage} {size_text(done)}{speed}"
    filled = _WIDTH * done // total
    left = f", {_clock((total - done) / rate)} left" if rate and done < total else ""
    bar = "#" * filled + "." * (_WIDTH - filled)
    return f"{stage} [{bar}] {size_text(done)} of {size_text(total)}{speed}{left}"


def _clock(seconds: float) -> str:
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
