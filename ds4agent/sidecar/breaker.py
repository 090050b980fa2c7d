"""How often an engine may crash, and for how long it is left alone after each time.

Pauses double, with jitter, so that what brings it down has time to pass and many sidecars do not come back at
once. After MOST_CRASHES within CRASH_WINDOW the breaker is open until that window has passed: what always
fails is not tried for ever. Starts can take longer than that window, and then it is open as well: after more
than one in a row that came to nothing, if they took as long as the window together.
"""

from collections import deque
from collections.abc import Callable

MOST_CRASHES = 5
CRASH_WINDOW = 300.0
FIRST_PAUSE = 1.0
LONGEST_PAUSE = 60.0


class Breaker:
    """`jitter`: from 0 to 1."""

    def __init__(self, clock: Callable[[], float], jitter: Callable[[], float]) -> None:
        self._clock = clock
        self._jitter = jitter
        self._crashes: deque[float] = deque(maxlen=MOST_CRASHES)
        self._vain: list[float] = []  # seconds of starts since the last one that came to something
        self._closes = 0.0

    def started(self) -> None:
        """A start came to something."""
        self._vain.clear()

    def crashed(self, start: float | None = None) -> float | None:
        """Seconds to pause; None: it is open now. `start`: seconds of one that came to nothing."""
        now = self._clock()
        self._crashes.append(now)
        recent = [at for at in self._crashes if at > now - CRASH_WINDOW]
        if start is not None:
            self._vain.append(start)
        if len(recent) >= MOST_CRASHES:
            self._closes = recent[0] + CRASH_WINDOW
            return None
        if len(self._vain) > 1 and sum(self._vain) >= CRASH_WINDOW:
            self._closes = now + CRASH_WINDOW
            return None
        return min(LONGEST_PAUSE, FIRST_PAUSE * 2.0 ** (len(recent) - 1)) * (0.5 + self._jitter())

    @property
    def left(self) -> float:
        """Of one that is open: seconds until it closes; below 0 it has."""
        return self._closes - self._clock()

    def close(self) -> None:
        self._crashes.clear()
        self._vain.clear()
