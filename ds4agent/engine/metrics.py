"""What the engine counts, in Prometheus' text format.

The worker and the event loop write, a scrape reads. Every update is a few additions under one lock, once a
request: nothing is counted per token.
"""

import threading
from bisect import bisect_left
from collections.abc import Iterable, Sequence

from ds4agent.wire.reply import Usage

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_SECONDS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0)
_RATES = (1.0, 2.5, 5.0, 10.0, 20.0, 35.0, 50.0, 100.0, 250.0, 500.0, 1000.0, 2500.0, 5000.0)
# The weight of the newest job in the running average of durations.
_NEWEST = 0.2


class Histogram:
    """Counts of observations up to each bound."""

    def __init__(self, name: str, what: str, bounds: Sequence[float]) -> None:
        self._name, self._what, self._bounds = name, what, bounds
        self._counts = [0] * (len(bounds) + 1)
        self._sum = 0.0

    def observe(self, value: float) -> None:
        self._counts[bisect_left(self._bounds, value)] += 1
        self._sum += value

    def lines(self) -> Iterable[str]:
        yield from _head(self._name, "histogram", self._what)
        total = 0
        for bound, count in zip((*self._bounds, "+Inf"), self._counts, strict=True):
            total += count
            yield f'{self._name}_bucket{{le="{bound}"}} {total}'
        yield f"{self._name}_sum {self._sum}"
        yield f"{self._name}_count {total}"


def _head(name: str, kind: str, what: str) -> tuple[str, str]:
    return f"# HELP {name} {what}", f"# TYPE {name} {kind}"


# name -> what it counts
_COUNTERS = {
    "ds4_prompt_tokens_total": "Prompt tokens of answered requests, cached ones included.",
    "ds4_cached_tokens_total": "Prompt tokens that were not read again.",
    "ds4_generated_tokens_total": "Sampled tokens.",
    "ds4_queue_rejected_total": "Requests refused because the queue was full.",
    "ds4_queue_dropped_total": "Requests whose client left while they waited.",
}
_GAUGES = {
    "ds4_queue_depth": "Requests that wait for the worker.",
    "ds4_busy": "1 while a request is carried out.",
    "ds4_live_tokens": "Tokens in the resident session.",
    "ds4_ctx_tokens": "Tokens that the session can hold.",
}


class Metrics:
    """`average_seconds`: a running average of how long a job keeps the worker; 0 before the first."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counters = dict.fromkeys(_COUNTERS, 0)
        self._requests: dict[tuple[str, int], int] = {}
        self._first = Histogram(
            "ds4_time_to_first_token_seconds", "From the request to the end of its prefill.", _SECONDS
        )
        self._prefill = Histogram("ds4_prefill_tokens_per_second", "Rate of one prefill.", _RATES)
        self._decode = Histogram("ds4_decode_tokens_per_second", "Rate of one decode.", _RATES)
        self.average_seconds = 0.0

    def answered(self, endpoint: str, status: int) -> None:
        """`endpoint` comes from a fixed set: each new one is a new series."""
        with self._lock:
            key = endpoint, status
            self._requests[key] = self._requests.get(key, 0) + 1

    def rejected(self) -> None:
        self._add("ds4_queue_rejected_total", 1)

    def dropped(self) -> None:
        self._add("ds4_queue_dropped_total", 1)

    def _add(self, name: str, n: int) -> None:
        with self._lock:
            self._counters[name] += n

    def prefilled(self, n_tokens: int, seconds: float, since_request: float) -> None:
        with self._lock:
            self._first.observe(since_request)
            if n_tokens:
                self._prefill.observe(n_tokens / max(seconds, 1e-9))

    def finished(self, usage: Usage, decode_seconds: float) -> None:
        with self._lock:
            self._counters["ds4_prompt_tokens_total"] += usage.prompt
            self._counters["ds4_cached_tokens_total"] += usage.cached
            self._counters["ds4_generated_tokens_total"] += usage.completion
            if usage.completion:
                self._decode.observe(usage.completion / max(decode_seconds, 1e-9))

    def job_took(self, seconds: float) -> None:
        with self._lock:
            share = _NEWEST if self.average_seconds else 1.0
            self.average_seconds += share * (seconds - self.average_seconds)

    def render(self, gauges: Sequence[int]) -> bytes:
        """`gauges`: queue depth, busy, live tokens, context size."""
        with self._lock:
            lines = [*_head("ds4_requests_total", "counter", "Requests by endpoint and status.")]
            for (endpoint, status), n in sorted(self._requests.items()):
                lines.append(f'ds4_requests_total{{endpoint="{endpoint}",status="{status}"}} {n}')
            for name, what in _COUNTERS.items():
                lines += [*_head(name, "counter", what), f"{name} {self._counters[name]}"]
            for (name, what), value in zip(_GAUGES.items(), gauges, strict=True):
                lines += [*_head(name, "gauge", what), f"{name} {value}"]
            for histogram in (self._first, self._prefill, self._decode):
                lines += histogram.lines()
        return ("\n".join(lines) + "\n").encode()
