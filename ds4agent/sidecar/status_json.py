"""The JSON of GET /ds4agent/status.

It is a contract; members are added, none is renamed. Times are Unix seconds or durations, sizes bytes, an
unknown value is null.
"""

from dataclasses import asdict
from typing import Any

from ds4agent.sidecar.status import Status, Waiting, Work

FORMAT = 1


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
