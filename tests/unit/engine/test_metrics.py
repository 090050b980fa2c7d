"""The counters, and their text as a scraper reads it."""

from __future__ import annotations

import re

from ds4agent.engine.metrics import Metrics
from ds4agent.wire.prometheus import Histogram
from ds4agent.wire.reply import Usage
from tests.engine_fixtures import exchange, post_chat, request
from tests.unit.engine.engine_parts import engine_parts
from tests.unit.engine.test_server import USER, listening

_LINE = re.compile(
    r"# (HELP [a-z0-9_]+ .+|TYPE [a-z0-9_]+ (counter|gauge|histogram))|[a-z0-9_]+(\{[^{}]+\})? [0-9.e+-]+"
)


def series(text: str) -> dict[str, float]:
    lines = text.splitlines()
    assert all(_LINE.fullmatch(line) for line in lines)
    pairs = [line.rsplit(" ", 1) for line in lines if not line.startswith("#")]
    assert len({name for name, _ in pairs}) == len(pairs)
    return {name: float(value) for name, value in pairs}


def test_buckets_are_cumulative_and_bounds_belong_to_them() -> None:
    histogram = Histogram("h", "what", (1.0, 2.0))
    for value in (0.5, 1.0, 1.5, 9.0):
        histogram.observe(value)
    assert list(histogram.lines()) == [
        "# HELP h what", "# TYPE h histogram",
        'h_bucket{le="1.0"} 2', 'h_bucket{le="2.0"} 3', 'h_bucket{le="+Inf"} 4', "h_sum 12.0", "h_count 4",
    ]  # fmt: skip


def test_counters_and_gauges() -> None:
    metrics = Metrics()
    metrics.answered("/v1/models", 200)
    metrics.answered("/v1/models", 200)
    metrics.finished(Usage(10, 4, 3), 0.5)
    metrics.finished(Usage(5, 0, 0), 0.0)
    metrics.prefilled(6, 2.0, 3.0)
    metrics.prefilled(0, 0.0, 0.1)
    metrics.dropped()
    got = series(metrics.render((1, 0, 17, 100)).decode())
    assert got['ds4_requests_total{endpoint="/v1/models",status="200"}'] == 2
    assert [got[f"ds4_{n}_tokens_total"] for n in ("prompt", "cached", "generated")] == [15, 4, 3]
    assert (got["ds4_queue_dropped_total"], got["ds4_queue_rejected_total"]) == (1, 0)
    assert [got[f"ds4_{n}"] for n in ("queue_depth", "busy", "live_tokens", "ctx_tokens")] == [1, 0, 17, 100]
    assert got["ds4_time_to_first_token_seconds_count"] == 2
    assert got["ds4_prefill_tokens_per_second_sum"] == 3.0
    assert got["ds4_decode_tokens_per_second_sum"] == 6.0


def test_a_server_counts_what_it_answers() -> None:
    with engine_parts("</think>ab") as parts, listening(parts.server.connection) as port:
        post_chat(port, messages=[USER])
        post_chat(port, messages={})
        exchange(port, request("GET", "/made/up"))
        exchange(port, request("GET", "/openapi.json"))
        head, body = exchange(port, request("GET", "/metrics"))
    assert "Content-Type: text/plain; version=0.0.4" in head
    got = series(body.decode())
    chat = '{endpoint="/v1/chat/completions",status='
    assert got[f'ds4_requests_total{chat}"200"}}'] == 1
    assert got[f'ds4_requests_total{chat}"400"}}'] == 1
    assert got['ds4_requests_total{endpoint="other",status="404"}'] == 1
    assert got['ds4_requests_total{endpoint="/openapi.json",status="200"}'] == 1
    assert got["ds4_generated_tokens_total"] == 3
    assert got["ds4_live_tokens"] == got["ds4_prompt_tokens_total"] + 3
