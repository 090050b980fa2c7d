"""When a sidecar that was started on demand ends: as soon as nobody has come for a while.

A request is somebody, from its head until its end; one that only looks after the sidecar's health or its
counters is not, since such come by the clock for ever.
"""

from asyncio import AbstractEventLoop
from collections.abc import Callable

from ds4agent.sidecar.guard import OPEN

WATCHERS = frozenset((*OPEN, "/metrics"))


class Leave:
    """`seconds` 0: never. `busy`: whether somebody is connected now. `end` is called once."""

    def __init__(
        self, loop: AbstractEventLoop, seconds: float, busy: Callable[[], bool], end: Callable[[], None]
    ) -> None:
        self._loop, self._seconds, self._busy, self._end = loop, seconds, busy, end
        self._last = loop.time()
        if seconds:
            loop.call_later(seconds, self._due)

    def came(self, path: str) -> None:
        """A request has begun or has ended."""
        if path not in WATCHERS:
            self._last = self._loop.time()

    def _due(self) -> None:
        quiet = 0.0 if self._busy() else self._loop.time() - self._last
        if quiet >= self._seconds:
            self._end()
        else:
            self._loop.call_later(self._seconds - quiet, self._due)
