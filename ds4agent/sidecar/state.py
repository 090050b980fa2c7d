"""What `status` shows: a value that events change, and its JSON.

`reduce(status, event, now)` is pure. Events are those of the engine's log, what the sidecar's parts tell
(EngineChanged, Serves, Queue), a Usage for every request that is over, and a Memory. An engine that was
adopted or attached has no log here: then there is a phase "busy", but no percent.

The JSON of GET /ds4agent/status is a contract; members are added, none is renamed. Times are Unix seconds or
durations, sizes bytes, an unknown value is null.
"""

from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from typing import Any

from ds4agent.sidecar.counters import Usage
from ds4agent.sidecar.memory import Memory
from ds4agent.wire import logevents as ev

FORMAT = 1
_GIB, _MIB = 1 << 30, 1 << 20


@dataclass(frozen=True, slots=True)
class EngineChanged:
    """`state`: stopped, loading, ready, stopping, waiting, broken; `why` it came to that."""

    state: str
    why: str = ""
    pid: int | None = None
    port: int = 0
    restarts: int = 0
    last_words: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Serves:
    """The engine's model: `context` in tokens, `size` of its file in bytes; 0: not known."""

    model: str
    context: int = 0
    size: int = 0


@dataclass(frozen=True, slots=True)
class Waiting:
    """`position`: how many come before it; `since`: Unix time; `seconds`: estimated time to its turn."""

    client: str
    lane: str
    position: int
    since: float
    seconds: float


@dataclass(frozen=True, slots=True)
class Queue:
    waiting: tuple[Waiting, ...]
    running: int


@dataclass(frozen=True, slots=True)
class Work:
    """What the engine does. `done` of `total` uncached tokens are read, `base` with the last whole chunk."""

    kind: str
    phase: str
    cached: int
    prompt: int
    total: int
    base: int = 0
    done: float = 0
    generated: int = 0
    rate: float = 0.0


@dataclass(frozen=True, slots=True)
class Kv:
    """Counts of the disk cache since the sidecar's start, and of prompts that left the live cache."""

    hits: int = 0
    hit_tokens: int = 0
    stored: int = 0
    evicted: int = 0
    failed: int = 0
    misses: int = 0
    folder: str = ""


@dataclass(frozen=True, slots=True)
class Sums:
    """Of requests that are over."""

    requests: int = 0
    prompt: int = 0
    cached: int = 0
    output: int = 0


@dataclass(frozen=True, slots=True)
class Trouble:
    text: str
    at: float


@dataclass(frozen=True, slots=True)
class Status:
    engine: EngineChanged = EngineChanged("stopped")
    serves: Serves = Serves("")
    used: int = 0  # tokens in the live context
    buffers: int | None = None  # bytes of context buffers
    chunk: int = 0  # of prefill, in tokens; 0: the whole prompt
    loaded: float = 0.0  # bytes
    persisting: bool = False
    work: Work | None = None
    kv: Kv = Kv()
    experts: ev.ExpertCache | None = None
    sums: Sums = Sums()
    queue: Queue = Queue((), 0)
    memory: Memory | None = None
    error: Trouble | None = None

    @property
    def phase(self) -> str:
        """The engine's state; of a ready one idle, prefill, rebuild, decode, busy; saving before it stops."""
        if self.engine.state == "stopping" and self.persisting:
            return "saving"
        if self.engine.state != "ready":
            return self.engine.state
        if self.work is not None:
            return self.work.phase
        return "busy" if self.queue.running else "idle"

    @property
    def percent(self) -> float | None:
        """Of the load or of the prefill."""
        if self.phase == "loading" and self.serves.size and self.loaded:
            return min(100.0, 100 * self.loaded / self.serves.size)
        if self.work is not None and self.work.phase in ("prefill", "rebuild") and self.work.total:
            return min(100.0, 100 * self.work.done / self.work.total)
        return None


Event = ev.Event | EngineChanged | Serves | Queue | Usage | Memory
_Step = Callable[[Status, Any, float], Status]


def _engine(s: Status, e: EngineChanged, now: float) -> Status:
    if e.state != "ready":
        s = replace(s, work=None)
    if e.state != s.engine.state and e.state == "loading":
        s = replace(s, loaded=0.0, used=0, buffers=None, persisting=False)
    if e.why and (e.restarts > s.engine.restarts or e.state == "broken"):
        s = replace(s, error=Trouble(e.why, now))
    return replace(s, engine=e)


def _ended(s: Status, _e: ev.RequestEvent, _now: float) -> Status:
    return replace(s, work=None)


def _prompt(s: Status, e: ev.PromptStart, _now: float) -> Status:
    return replace(s, work=Work(e.kind, "prefill", e.cached, e.prompt, e.prompt - e.cached), used=e.cached)


def _prefill(s: Status, e: ev.Prefill, _now: float) -> Status:
    phase = "prefill" if e.phase == "prefill" else "rebuild"
    rate = e.chunk_rate or e.rate
    work = Work(e.kind, phase, e.cached, e.prompt, e.total, e.done, e.done, rate=rate)
    return replace(s, work=work, used=e.cached + e.done)


def _layer(s: Status, e: ev.Layer, _now: float) -> Status:
    """Within a chunk, whose size is known from the start of the server."""
    work = s.work
    if work is None or work.phase == "decode" or not e.layers:
        return s
    chunk = min(s.chunk or work.total, work.total - work.base)
    done = work.base + chunk * min(e.layer / e.layers, 1.0)
    return replace(s, work=replace(work, done=max(work.done, done)))


def _decode(s: Status, e: ev.Decode, _now: float) -> Status:
    work = s.work or Work(e.kind, "decode", 0, e.prompt - e.generated, 0)
    rate = e.chunk_rate or e.rate
    work = replace(work, phase="decode", generated=e.generated, rate=rate)
    return replace(s, work=work, used=e.prompt)


def _decodes(s: Status, _e: ev.PromptDone, _now: float) -> Status:
    return s if s.work is None else replace(s, work=replace(s.work, phase="decode", rate=0.0))


def _usage(s: Status, e: Usage, _now: float) -> Status:
    sums = s.sums
    return replace(
        s,
        sums=Sums(
            sums.requests + 1, sums.prompt + e.prompt, sums.cached + e.cached, sums.output + e.output
        ),
    )  # fmt: skip


def _buffers(s: Status, e: ev.ContextBuffers, _now: float) -> Status:
    serves = replace(s.serves, context=e.ctx)
    return replace(s, serves=serves, buffers=round(e.mib * _MIB), chunk=e.prefill_chunk)


def _failed(s: Status, e: ev.StartFailed | ev.Trouble, now: float) -> Status:
    return replace(s, error=Trouble(e.text, now))


def _kv(**more: int) -> _Step:
    def step(s: Status, _e: Any, _now: float) -> Status:
        return replace(s, kv=replace(s.kv, **{k: getattr(s.kv, k) + n for k, n in more.items()}))

    return step


def _hit(s: Status, e: ev.CacheHit, _now: float) -> Status:
    return replace(s, kv=replace(s.kv, hits=s.kv.hits + 1, hit_tokens=s.kv.hit_tokens + e.tokens))


_STEPS: dict[type, _Step] = {
    EngineChanged: _engine,
    Serves: lambda s, e, _: replace(s, serves=e),
    Queue: lambda s, e, _: replace(s, queue=e),
    Memory: lambda s, e, _: replace(s, memory=e),
    Usage: _usage,
    ev.ContextBuffers: _buffers,
    ev.DiskCache: lambda s, e, _: replace(s, kv=replace(s.kv, folder=e.folder)),
    ev.Loading: lambda s, e, _: replace(s, loaded=e.gib * _GIB),
    ev.Persisting: lambda s, _e, _: replace(s, persisting=True),
    ev.StartFailed: _failed,
    ev.Trouble: _failed,
    ev.PromptStart: _prompt,
    ev.Prefill: _prefill,
    ev.Layer: _layer,
    ev.PromptDone: _decodes,
    ev.Decode: _decode,
    ev.Finish: _ended,
    ev.Broken: _ended,
    ev.Miss: _kv(misses=1),
    ev.CacheHit: _hit,
    ev.CacheStored: _kv(stored=1),
    ev.CacheEvicted: _kv(evicted=1),
    ev.CacheFailed: _kv(failed=1),
    ev.ExpertCache: lambda s, e, _: replace(s, experts=e),
}


def reduce(status: Status, event: Event, now: float) -> Status:
    """`now`: Unix time. An event that changes nothing gives the same value."""
    step = _STEPS.get(type(event))
    return status if step is None else step(status, event, now)


def to_json(s: Status, now: float) -> dict[str, Any]:
    """The body of GET /ds4agent/status."""
    work, left = s.work, None
    if work is not None and work.phase != "decode" and work.rate:
        left = (work.total - work.done) / work.rate
    return {
        "format": FORMAT,
        "at": now,
        "phase": s.phase,
        "percent": _rounded(s.percent),
        "tokens_per_second": _rounded(work.rate if work else None),
        "seconds_left": _rounded(left),
        "engine": {**asdict(s.engine), "last_words": list(s.engine.last_words)},
        "model": {**asdict(s.serves), "used": s.used, "buffers": s.buffers},
        "request": _request(work),
        "kv": asdict(s.kv),
        "experts": {"hits": s.experts.hits, "misses": s.experts.misses} if s.experts else None,
        "totals": asdict(s.sums),
        "running": s.queue.running,
        "waiting": [_waiting(w, now) for w in s.queue.waiting],
        "memory": asdict(s.memory) if s.memory else None,
        "error": asdict(s.error) if s.error else None,
    }


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 1)


def _request(work: Work | None) -> dict[str, Any] | None:
    if work is None:
        return None
    names = ("kind", "cached", "prompt", "total", "generated")
    return {**{name: getattr(work, name) for name in names}, "done": int(work.done)}


def _waiting(w: Waiting, now: float) -> dict[str, Any]:
    return {
        "client": w.client,
        "lane": w.lane,
        "position": w.position,
        "waited": round(max(now - w.since, 0.0), 1),
        "seconds": round(w.seconds, 1),
    }
