"""What ds4agent's engine does with its KV cache, as rules over lengths, to be set beside bench.kv_upstream.

* Some sessions stay in memory. A prompt goes to the one it shares most with: on from its end, or, where
  they part, as a new session that shares the blocks up to there; the session used longest ago makes room. A
  session can be left at every multiple of 128 tokens within its last 16,384, and at its end.
* On disk a block of rows is written once, whoever needs it. A checkpoint adds one frontier; a prompt that
  begins with its text can go on from there.
* Checkpoints: cold, continued, evict and shutdown as ds4-server's; after a turn (`idle`) while the
  frontiers written come to at most a quarter of the rows written.
* Room is made before a write. The checkpoint goes that saves the least reading for the bytes its removal
  frees; cold ones go last.
* A client that leaves stops the work, and what was read stays.
"""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass, field

from bench.kv_trace import Request, Text, shared
from bench.kv_upstream import (
    DECODE,
    FIXED_BYTES,
    HALF_LIFE,
    PREFILL,
    ROW_BYTES,
    Limits,
    Served,
    cold_length,
    continued_step,
)

BLOCK = 128
WINDOW = 16_384
IDLE_SHARE = 0.25


@dataclass(slots=True)
class Point:
    text: Text
    reason: str
    last_used: float
    hits: int = 0

    def decayed(self, now: float) -> float:
        return self.hits * math.pow(0.5, (now - self.last_used) / HALF_LIFE)


@dataclass(slots=True)
class Store:
    """The folder. Only what points reach is kept, so rows are counted from the points' texts."""

    budget: int
    points: dict[tuple[int, int], Point] = field(default_factory=dict)
    written: Counter[str] = field(default_factory=Counter)
    size: int = 0
    _shared: dict[tuple[tuple[int, int], tuple[int, int]], int] = field(default_factory=dict)

    def save(self, text: Text, reason: str, now: float) -> None:
        if text.key in self.points:
            return
        new = self._added(text)
        if self.budget and new > self.budget:
            return
        # The rows of the new text that are on disk stay there while room is made.
        self.points[text.key] = Point(text, reason, now)
        self.size += new
        self._make_room(text.key, now)
        self.written[reason] += FIXED_BYTES
        self.written["rows"] += new - FIXED_BYTES

    def longest(self, prompt: Text) -> Point | None:
        fitting = (p for p in self.points.values() if shared(p.text, prompt) == p.text.n)
        return max(fitting, key=lambda p: p.text.n, default=None)

    def idle_allowed(self, text: Text) -> bool:
        rows = self.written["rows"] + self._added(text) - FIXED_BYTES
        frontiers = sum(self.written.values()) - self.written["rows"] + FIXED_BYTES
        return frontiers <= IDLE_SHARE * rows

    def _added(self, text: Text) -> int:
        """Bytes in the folder for a point of this text alone: a frontier and its own blocks."""
        others = (self._common(p.text, text) for key, p in self.points.items() if key != text.key)
        blocks = text.n // BLOCK - max(others, default=0) // BLOCK
        return FIXED_BYTES + blocks * BLOCK * ROW_BYTES

    def _make_room(self, new: tuple[int, int], now: float) -> None:
        while self.budget and self.size > self.budget:
            others = (p for key, p in self.points.items() if key != new)
            victim = min(others, key=lambda p: (p.reason == "cold", self._worth(p, now)))
            self.size -= self._added(victim.text)
            del self.points[victim.text.key]

    def _worth(self, point: Point, now: float) -> float:
        """Tokens that would be read again without it, for each byte that it holds alone."""
        others = (p.text for p in self.points.values() if p.text.n < point.text.n)
        before = max((t.n for t in others if self._common(t, point.text) == t.n), default=0)
        return (point.text.n - before) * (point.decayed(now) + 1) / self._added(point.text)

    def _common(self, a: Text, b: Text) -> int:
        pair = (a.key, b.key) if a.key < b.key else (b.key, a.key)
        if pair not in self._shared:
            self._shared[pair] = shared(a, b)
        return self._shared[pair]


@dataclass(slots=True)
class Ours:
    n_sessions: int = 4
    limits: Limits = field(default_factory=Limits)
    name: str = "ds4agent"
    sessions: list[Text] = field(default_factory=list)  # the one used last is the last
    store: Store = field(init=False)

    def __post_init__(self) -> None:
        self.store = Store(self.limits.budget)

    @property
    def written(self) -> Counter[str]:
        return self.store.written

    def serve(self, request: Request) -> Served:
        """One prompt and its answer."""
        prompt, now = request.prompt, request.at
        live = self.sessions[-1] if self.sessions else Text()
        common = shared(live, prompt)
        cached = self._start(prompt, now)
        read = int(min(prompt.n - cached, request.patience * PREFILL))
        wait = read / PREFILL + (0 if request.streams else request.reply / DECODE)
        answered = cached + read == prompt.n and wait <= request.patience
        text = request.text if answered else prompt.cut(cached + read)
        self._points(request, cached, text)
        self.sessions.append(text)
        if text.n >= self.limits.min_tokens and self.store.idle_allowed(text):
            self.store.save(text, "idle", now)
        return Served(cached, read, answered, live.n, common)

    def shutdown(self, now: float) -> None:
        for text in self.sessions:
            self._save(text, "shutdown", now)
        self.sessions = []

    def _start(self, prompt: Text, now: float) -> int:
        """Make the session that goes on with this prompt; gives the tokens it has."""
        best = max(self.sessions, key=lambda text: _usable(text, prompt), default=Text())
        cached = _usable(best, prompt)
        point = self.store.longest(prompt)
        if cached and cached == best.n:
            self.sessions.remove(best)
        elif len(self.sessions) >= self.n_sessions:
            self._save(self.sessions.pop(0), "evict", now)
        if point is None or point.text.n <= cached:
            return cached
        point.hits, point.last_used = point.hits + 1, now
        return point.text.n

    def _points(self, request: Request, cached: int, text: Text) -> None:
        """The checkpoints on the way from `cached` to the end of `text`."""
        limits, n = self.limits, request.prompt.n
        if not cached and limits.min_tokens <= n <= limits.cold_max:
            self._save(text.cut(min(text.n, cold_length(n, request.anchor, limits))), "cold", request.at)
        step = continued_step(limits)
        for at in range(cached - cached % step + step, text.n + 1, step):
            self._save(text.cut(at), "continued", request.at)

    def _save(self, text: Text, reason: str, now: float) -> None:
        if text.n >= self.limits.min_tokens:
            self.store.save(text, reason, now)


def _usable(session: Text, prompt: Text) -> int:
    """Tokens of a session that a prompt can go on from."""
    common = shared(session, prompt)
    if common == session.n:
        return common
    block = common - common % BLOCK
    return block if session.n - block <= WINDOW else 0
