"""What the engine counts, in Prometheus' text format.

The worker and the event loop write, a scrape reads. Every update is a few additions under one lock, once a
request or a step of prefill: nothing is counted per token.
"""

import threading
from collections.abc import Sequence

from ds4agent.wire.prometheus import RATES, SECONDS, Counter, Histogram, head
from ds4agent.wire.reply import Usage

# The weight of the newest job in the running average of durations.
_NEWEST = 0.2

# name -> what it counts
_COUNTERS = {
    "ds4_prompt_tokens_total": "Prompt tokens of answered requests, cached ones included.",
    "ds4_cached_tokens_total": "Prompt tokens that were not read again.",
    "ds4_read_tokens_total": "Prompt tokens that were read, for requests that were broken off too.",
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
        self._counters = {name: Counter(name, what) for name, what in _COUNTERS.items()}
        self._requests = Counter(
            "ds4_requests_total", "Requests by endpoint and status.", ("endpoint", "status")
        )
        self._first = Histogram(
            "ds4_time_to_first_token_seconds", "From the request to the end of its prefill.", SECONDS
        )
        self._prefill = Histogram("ds4_prefill_tokens_per_second", "Rate of one prefill.", RATES)
        self._decode = Histogram("ds4_decode_tokens_per_second", "Rate of one decode.", RATES)
        self.average_seconds = 0.0

    def answered(self, endpoint: str, status: int) -> None:
        """`endpoint` comes from a fixed set: each new one is a new series."""
        with self._lock:
            self._requests.add(1, endpoint, str(status))

    def rejected(self) -> None:
        self._add("ds4_queue_rejected_total", 1)

    def dropped(self) -> None:
        self._add("ds4_queue_dropped_total", 1)

    def read(self, n_tokens: int) -> None:
        """A step of a prefill."""
        self._add("ds4_read_tokens_total", n_tokens)

    def _add(self, name: str, n: int) -> None:
        with self._lock:
            self._counters[name].add(n)

    def prefilled(self, n_tokens: int, seconds: float, since_request: float) -> None:
        with self._lock:
            self._first.observe(since_request)
            if n_tokens:
                self._prefill.observe(n_tokens / max(seconds, 1e-9))

    def finished(self, usage: Usage, decode_seconds: float) -> None:
        with self._lock:
            self._counters["ds4_prompt_tokens_total"].add(usage.prompt)
            self._counters["ds4_cached_tokens_total"].add(usage.cached)
            self._counters["ds4_generated_tokens_total"].add(usage.completion)
            if usage.completion:
                self._decode.observe(usage.completion / max(decode_seconds, 1e-9))

    def job_took(self, seconds: float) -> None:
        with self._lock:
            share = _NEWEST if self.average_seconds else 1.0
            self.average_seconds += share * (seconds - self.average_seconds)

    def render(self, gauges: Sequence[int]) -> bytes:
        """`gauges`: queue depth, busy, live tokens, context size."""
        with self._lock:
            lines = [*self._requests.lines()]
            for counter in self._counters.values():
                lines += counter.lines()
            for (name, what), value in zip(_GAUGES.items(), gauges, strict=True):
                lines += [*head(name, "gauge", what), f"{name} {value}"]
            for histogram in (self._first, self._prefill, self._decode):
                lines += histogram.lines()
        return ("\n".join(lines) + "\n").encode()
