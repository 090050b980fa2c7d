"""What ds4agent's engine does with its KV cache, as rules over lengths, to be set beside bench.kv_upstream.

The rules are those of ds4agent.engine.slots (which session a prompt goes to), checkpoints (when one is
written) and kvevict (which one goes), for requests that come one after the other.

* A prompt goes on from the longest session that it continues; or, where that spares more, a fork is made of
  the one it shares most with, into an empty session, else in place of the one used longest ago; a session
  that loses little is cut back instead. All multiples of 128 tokens are points while a session has at most
  16,384 tokens; of a longer one up to a twentieth of the way back is read again.
* On disk a block of rows is written once, whoever needs it, and a checkpoint adds one frontier. One that
  holds more of a prompt than memory does is loaded.
* Checkpoints: cold, continued (not within half an interval of another), evict and shutdown; `idle`, as soon
  as nothing waits, where the new rows weigh four frontiers, and after five minutes in any case.
* Rows are counted block by block; the engine frees whole runs of them, a little later.
* A client that leaves stops the work, and what was read stays.
"""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass, field

from bench.kv_trace import Request, Text, shared
from bench.kv_upstream import DECODE, FIXED_BYTES, PREFILL, ROW_BYTES, Limits, Served, continued_step
from ds4agent.engine.checkpoints import MIN_GAIN, PAID, Moments
from ds4agent.engine.kv.evict import HALF_LIFE_S
from ds4agent.engine.slots import LITTLE
from ds4agent.engine.worker import SETTLED_SECONDS

BLOCK = 128
HISTORY = 16_384
SPARSE = 0.05  # the largest gap between points of a longer session, for its distance from the end


@dataclass(slots=True)
class Point:
    text: Text
    reason: str
    last_used: float
    hits: int = 0

    def uses(self, now: float) -> float:
        return (self.hits + 1) * math.pow(0.5, (now - self.last_used) / HALF_LIFE_S)


@dataclass(slots=True)
class Store:
    """The folder. Only what points reach is kept, so rows are counted from the points' texts."""

    budget: int
    points: dict[tuple[int, int], Point] = field(default_factory=dict)
    written: Counter[str] = field(default_factory=Counter)
    size: int = 0
    _shared: dict[tuple[tuple[int, int], tuple[int, int]], int] = field(default_factory=dict)

    def save(self, text: Text, reason: str, now: float) -> bool:
        """Whether it is on disk afterwards."""
        if text.key in self.points:
            self.points[text.key].last_used = now
            return True
        new = self._added(text)
        if self.budget and new > self.budget:
            return False
        # The rows of the new text that are on disk stay there while room is made.
        self.points[text.key] = Point(text, reason, now)
        self.size += new
        self._make_room(text.key, now)
        self.written[reason] += FIXED_BYTES
        self.written["rows"] += new - FIXED_BYTES
        return True

    def longest(self, prompt: Text) -> Point | None:
        fitting = (p for p in self.points.values() if shared(p.text, prompt) == p.text.n)
        return max(fitting, key=lambda p: p.text.n, default=None)

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
        return (point.text.n - before) * point.uses(now) / self._added(point.text)

    def _common(self, a: Text, b: Text) -> int:
        pair = (a.key, b.key) if a.key < b.key else (b.key, a.key)
        if pair not in self._shared:
            self._shared[pair] = shared(a, b)
        return self._shared[pair]


@dataclass(slots=True, eq=False)
class Session:
    """`saved`: tokens of its last checkpoint."""

    text: Text = field(default_factory=Text)
    saved: int = 0


@dataclass(slots=True)
class Ours:
    n_sessions: int = 4
    limits: Limits = field(default_factory=Limits)
    name: str = "ds4agent"
    sessions: list[Session] = field(default_factory=list)  # the one used last is the last
    store: Store = field(init=False)
    free_at: float = 0.0

    def __post_init__(self) -> None:
        self.store = Store(self.limits.budget)

    @property
    def written(self) -> Counter[str]:
        return self.store.written

    def serve(self, request: Request) -> Served:
        """One prompt and its answer."""
        prompt, now = request.prompt, request.at
        self._idle(now)
        last = self.sessions[-1].text if self.sessions else Text()
        session = self._placed(prompt, now)
        cached = session.text.n
        read = int(min(prompt.n - cached, request.patience * PREFILL))
        wait = read / PREFILL + (0 if request.streams else request.reply / DECODE)
        answered = cached + read == prompt.n and wait <= request.patience
        text = request.text if answered else prompt.cut(cached + read)
        for at, reason in sorted(self._stops(request, cached).items()):
            near = at - session.saved < continued_step(self.limits) // 2
            if at <= text.n and not (near and reason == "continued"):
                self._save(session, text.cut(at), reason, now)
        session.text = text
        self.free_at = max(now, self.free_at) + read / PREFILL + (text.n - cached - read) / DECODE
        return Served(cached, read, answered, last.n, shared(last, prompt))

    def shutdown(self, now: float) -> None:
        self._idle(now)
        for session in self.sessions:
            if session.saved < session.text.n:
                self._save(session, session.text, "shutdown", now)
        self.sessions = []

    def _idle(self, now: float) -> None:
        """What has been written by now since the last turn ended."""
        rested = now - self.free_at
        for session in reversed(self.sessions) if rested > 0 else ():
            new = (session.text.n // BLOCK - session.saved // BLOCK) * BLOCK * ROW_BYTES
            unsaved = session.saved < session.text.n
            if unsaved and (new >= PAID * FIXED_BYTES or rested > SETTLED_SECONDS):
                self._save(session, session.text, "idle", self.free_at)

    # -- the place of a prompt
    # ------------------------------------------------------------------------------------------------

    def _placed(self, prompt: Text, now: float) -> Session:
        """The session that goes on with this prompt, as it is before the rest is read."""
        place, text, origin = self._place(prompt)
        saved = min(origin.saved, text.n) if origin else 0
        point = self.store.longest(prompt)
        if point is not None and point.text.n >= text.n + MIN_GAIN:
            if place.text.n and place.text.n == text.n:
                place = self._vacant()
            text, saved, origin = point.text, point.text.n, None
            point.hits, point.last_used = point.hits + 1, now
        if place.text.n - (text.n if place is origin else 0) >= self.limits.min_tokens:
            self._save(place, place.text, "evict", now)
        place.text, place.saved = text, saved
        self.sessions.remove(place)
        self.sessions.append(place)
        return place

    def _place(self, prompt: Text) -> tuple[Session, Text, Session | None]:
        """Of the resident ones: which is taken, what it will hold, and whose that is."""
        held = [s for s in self.sessions if s.text.n]
        ahead = [s for s in held if shared(s.text, prompt) == s.text.n]
        best = max(held, key=lambda s: _point(s.text, prompt), default=Session())
        if ahead:
            longest = max(ahead, key=lambda s: s.text.n)
            if longest.text.n >= _point(best.text, prompt):
                return longest, longest.text, longest
        text = prompt.cut(_point(best.text, prompt))
        if not text.n:
            return self._vacant(), Text(), None
        full = len(self.sessions) >= self.n_sessions
        little = full and best.text.n - text.n <= LITTLE
        return best if little else self._vacant(), text, best

    def _vacant(self) -> Session:
        """A new one if there may be one, else the one used longest ago."""
        if len(self.sessions) < self.n_sessions:
            self.sessions.append(Session())
            return self.sessions[-1]
        return self.sessions[0]

    # -- checkpoints
    # ------------------------------------------------------------------------------------------------

    def _stops(self, request: Request, cached: int) -> dict[int, str]:
        """The positions behind `cached` at which there is a checkpoint."""
        limits, n, step = self.limits, request.prompt.n, continued_step(self.limits)
        ends = range(cached - cached % step + step, request.text.n + 1, step)
        stops = {at: "continued" for at in ends if at <= n or at <= request.text.n - request.call}
        if limits.min_tokens <= n <= limits.cold_max:
            anchored = request.anchor >= limits.min_tokens
            whole = (
                0 if cached else Moments(limits.min_tokens, trim=limits.trim, align=limits.align).trimmed(n)
            )
            cold = request.anchor if anchored else whole
            if cold > cached:
                stops[cold] = "cold"
        return stops

    def _save(self, session: Session, text: Text, reason: str, now: float) -> None:
        if text.n >= self.limits.min_tokens and self.store.save(text, reason, now):
            session.saved = text.n


def _point(text: Text, prompt: Text) -> int:
    """Where a session of this text can be left to go on with a prompt that parts from it."""
    common = min(shared(text, prompt), prompt.n - 1)
    back = SPARSE * (text.n - common) if text.n > HISTORY else 0.0
    return max(0, int(common - back)) // BLOCK * BLOCK
