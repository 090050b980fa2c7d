"""How often an engine may crash, and for how long it is left alone after each time.

Pauses double, with jitter, so that what brings it down has time to pass and many sidecars do not come back at
once. After MOST_CRASHES within CRASH_WINDOW the breaker is open until that window has passed: what always
fails is not tried for ever.
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

    def crashed(self) -> float | None:
        """Seconds to pause; None: it is open now."""
        now = self._clock()
        self._crashes.append(now)
        recent = [at for at in self._crashes if at > now - CRASH_WINDOW]
        if len(recent) >= MOST_CRASHES:
            return None
        return min(LONGEST_PAUSE, FIRST_PAUSE * 2.0 ** (len(recent) - 1)) * (0.5 + self._jitter())

    @property
    def left(self) -> float:
        """Of one that is open: seconds until it closes; below 0 it has."""
        return self._crashes[0] + CRASH_WINDOW - self._clock()

    def close(self) -> None:
        self._crashes.clear()
