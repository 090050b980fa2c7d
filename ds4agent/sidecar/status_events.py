"""How an event changes the status.

`reduce(status, event, now)` is pure. Events are those of the engine's log, what the sidecar's parts tell
(EngineChanged, Serves, Queue), a Usage for every request that is over, and a Memory. An engine that was
adopted or attached has no log here: then there is a phase "busy", but no percent.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from ds4agent.sidecar.counters import Usage
from ds4agent.sidecar.memory import Memory
from ds4agent.sidecar.status import EngineChanged, Queue, Serves, Status, Sums, Trouble, Work
from ds4agent.wire import logevents as ev

_GIB, _MIB = 1 << 30, 1 << 20
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
