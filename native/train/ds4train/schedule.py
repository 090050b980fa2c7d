"""Learning-rate schedule over wall-clock time: a lent machine has a deadline, not a number of steps."""

from __future__ import annotations

from dataclasses import dataclass

_MOMENTUM_WARMUP = 300


@dataclass(frozen=True)
class Schedule:
    """Warm up by steps, hold, then fall linearly to `floor` at `end` (`start` and `end` are clock times)."""

    start: float
    end: float
    decay_from: float = 0.5
    warmup_steps: int = 100
    floor: float = 0.02

    def progress(self, now: float) -> float:
        return min(1.0, max(0.0, (now - self.start) / (self.end - self.start)))

    def factor(self, progress: float, step: int) -> float:
        """Multiplier of the peak rates; `step` counts from this run's first one."""
        warm = min(1.0, (step + 1) / self.warmup_steps)
        if progress <= self.decay_from:
            return warm
        left = (1 - progress) / (1 - self.decay_from)
        return warm * max(self.floor, left)

    def momentum(self, step: int, peak: float) -> float:
        """Muon's momentum: rises from 0.85 while the first steps point every way."""
        share = min(1.0, step / _MOMENTUM_WARMUP)
        return 0.85 + share * (peak - 0.85)
