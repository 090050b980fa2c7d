"""What ds4-server does with its KV cache, as rules over lengths: one live session that cannot be cut back,
and a folder of whole checkpoints. The rules and defaults are those of its May 2026 version.

* Reuse: all of the live tokens, if the prompt begins with them. Else the live session is saved (`evict`)
  and the longest file that the prompt begins with is loaded; a file of more than `cold_max` tokens is
  deleted with that.
* `cold`: of a prompt read from nothing, at the anchor or at an aligned length. `continued`: at multiples of
  the interval, wherever a chunk of the prefill ends and before each decoded token outside a tool call.
  `shutdown`.
* Chunks of the prefill end at absolute multiples of 2,048, but a rest of at most that is one chunk.
* After each write the files of the least (hits + 1) * tokens / bytes go until the budget is kept; hits
  decay.
* A client that leaves during the prefill does not stop it; one that does not stream is answered to the end.
"""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass, field

from bench.kv_trace import Request, Text, shared

ROW_BYTES = 13_760  # a token, all layers of V4 Flash in f32
FIXED_BYTES = 24_000_000  # windows and compressor states of a checkpoint
PREFILL = 300.0  # tokens/s
DECODE = 24.0
CHUNK = 2_048
HALF_LIFE = 6 * 3_600.0


@dataclass(frozen=True, slots=True)
class Limits:
    """ds4-server's flags and their defaults; `budget` in bytes."""

    min_tokens: int = 512
    cold_max: int = 30_000
    interval: int = 10_000
    trim: int = 32
    align: int = 2_048
    budget: int = 4_096 << 20


@dataclass(frozen=True, slots=True)
class Served:
    """`cached` tokens of the prompt were there, `read` more were evaluated; `answered`: the client waited.

    `live`: tokens of the session used last, of which the prompt began with `common`.
    """

    cached: int
    read: int
    answered: bool
    live: int
    common: int


def cold_length(n: int, anchor: int, limits: Limits) -> int:
    """Where a prompt of `n` tokens that is read from nothing is saved."""
    if anchor >= limits.min_tokens:
        return anchor
    if n <= limits.min_tokens + limits.trim:
        return n
    length = n - limits.trim
    if limits.align:
        length -= length % limits.align
    return length if length >= limits.min_tokens else n


def continued_step(limits: Limits) -> int:
    align = limits.align or 1
    return -(-limits.interval // align) * align


def is_continued(n: int, last: int, limits: Limits) -> bool:
    return n % continued_step(limits) == 0 and n >= limits.min_tokens and n > last


def chunk_ends(start: int, end: int) -> list[int]:
    if end - start <= CHUNK:
        return [end]
    first = start - start % CHUNK + CHUNK
    return [*range(first, end, CHUNK), end]


@dataclass(slots=True)
class File:
    text: Text
    size: int
    reason: str
    last_used: float
    hits: int = 0

    def score(self, now: float) -> float:
        hits = self.hits * math.pow(0.5, (now - self.last_used) / HALF_LIFE)
        return ((hits if hits >= 0.01 else 0.0) + 1) * self.text.n / self.size


@dataclass(slots=True)
class Upstream:
    limits: Limits = field(default_factory=Limits)
    name: str = "ds4-server"
    live: Text = field(default_factory=Text)
    last_frontier: int = 0
    files: dict[tuple[int, int], File] = field(default_factory=dict)
    written: Counter[str] = field(default_factory=Counter)

    def serve(self, request: Request) -> Served:
        """One prompt and its answer."""
        now, prompt, live = request.at, request.prompt, self.live.n
        common = shared(self.live, prompt)
        cached = live if common == live else 0
        if not cached:
            cached = self._rebuild(prompt, now)
        self._prefill(request, cached)
        read = prompt.n - cached
        seconds = read / PREFILL + (0 if request.streams else request.reply / DECODE)
        answered = seconds <= request.patience
        self.live = prompt
        if answered or not request.streams:
            self._decode(request)
        return Served(cached, read, answered, live, common)

    def shutdown(self, now: float) -> None:
        self.save(self.live, "shutdown", now)
        self.live, self.last_frontier = Text(), 0

    def _rebuild(self, prompt: Text, now: float) -> int:
        """Nothing in memory fits: keep the live session, take the best file. Gives the tokens loaded."""
        self.save(self.live, "evict", now)
        self.live, self.last_frontier = Text(), 0
        file = self.lookup(prompt)
        if file is None:
            return 0
        self.last_frontier = file.text.n
        if 0 < self.limits.cold_max < file.text.n:
            del self.files[file.text.key]
        else:
            file.hits, file.last_used = file.hits + 1, now
        return file.text.n

    def lookup(self, prompt: Text) -> File | None:
        fitting = (f for f in self.files.values() if shared(f.text, prompt) == f.text.n)
        return max(fitting, key=lambda f: f.text.n, default=None)

    def _prefill(self, request: Request, cached: int) -> None:
        prompt, now = request.prompt, request.at
        cold = 0
        if not cached and self.limits.min_tokens <= prompt.n <= self.limits.cold_max:
            cold = min(prompt.n, cold_length(prompt.n, request.anchor, self.limits))
            if self.save(prompt.cut(cold), "cold", now):
                self.last_frontier = cold
        for start, end in ((cached, cold), (max(cached, cold), prompt.n)):
            if start < end:
                for n in chunk_ends(start, end):
                    self._continue(prompt.cut(n), now)

    def _decode(self, request: Request) -> None:
        step = continued_step(self.limits)
        first = request.prompt.n - request.prompt.n % step + step
        for n in range(first, request.text.n - request.call, step):
            self._continue(request.text.cut(n), request.at)
        self.live = request.text

    def _continue(self, text: Text, now: float) -> None:
        if is_continued(text.n, self.last_frontier, self.limits) and self.save(text, "continued", now):
            self.last_frontier = text.n

    def save(self, text: Text, reason: str, now: float) -> bool:
        """Whether the text is on disk afterwards. A file that is there is not written again."""
        size = FIXED_BYTES + ROW_BYTES * text.n
        if text.n < self.limits.min_tokens or size + -(-size // 100) > self.limits.budget:
            return False
        if text.key not in self.files:
            self.written[reason] += size
            self.files[text.key] = File(text, size, reason, now)
            self.evict(now, text.key)
        return True

    def evict(self, now: float, protected: tuple[int, int]) -> None:
        """Delete until the budget is kept, never the file that has just been written."""
        total = sum(f.size for f in self.files.values())
        while total > self.limits.budget:
            others = [f for key, f in self.files.items() if key != protected]
            victim = min(others, key=lambda f: (f.score(now), f.last_used))
            total -= victim.size
            del self.files[victim.text.key]
