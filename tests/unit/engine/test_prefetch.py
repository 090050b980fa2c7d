"""Reading ahead: it waits for everybody, gives way to everybody, and what it did is kept."""

from __future__ import annotations

import json
import threading
from collections.abc import Sequence

from ds4agent.engine.job import Finished, Job
from ds4agent.engine.turn import PREFILL_STEP
from ds4agent.wire import prefetch
from ds4agent.wire.dialect import ReplyIds
from ds4agent.wire.reply import Reply
from tests.engine_fixtures import exchange, request
from tests.unit.engine.engine_parts import Parts, engine_parts
from tests.unit.engine.test_server import USER, listening

LONG = [{"role": "user", "content": "x" * 3 * PREFILL_STEP}]


def fetch(parts: Parts, messages: object = LONG) -> Job:
    return parts.job_of(prefetch.DIALECT, json.dumps({"messages": messages}).encode())


def said(reply: Reply) -> dict[str, object]:
    writer = prefetch.DIALECT.writer(None, "m", ReplyIds(1, lambda: ""))  # type: ignore[arg-type]
    found: dict[str, object] = json.loads(writer.whole(0, reply))
    return found


def test_a_prompt_is_read_and_nothing_is_written() -> None:
    with engine_parts("</think>a") as parts:
        _, message = parts.last_message(job := fetch(parts))
        assert isinstance(message, Finished)
        n = len(job.prompt.tokens)
        assert said(message.reply) == {
            "prompt_tokens": n, "cached_tokens": 0, "read_tokens": n, "complete": True
        }  # fmt: skip
        assert parts.live.tokens == job.prompt.tokens
        assert parts.ask(messages=LONG).usage.cached == n


def test_it_gives_way_at_the_next_step_and_goes_on_from_there() -> None:
    with engine_parts("</think>a", max_sessions=2) as parts:
        first = parts.job(messages=[USER])

        def before(_tokens: Sequence[int]) -> None:
            parts.session.before_eval = lambda _tokens: None
            parts.worker.submit(first)

        parts.session.before_eval = before
        job = fetch(parts)
        _, message = parts.last_message(job)
        assert isinstance(message, Finished)
        assert said(message.reply) == {
            "prompt_tokens": len(job.prompt.tokens), "cached_tokens": 0, "read_tokens": PREFILL_STEP,
            "complete": False,
        }  # fmt: skip
        while not isinstance(parts.messages.get(timeout=30), Finished):
            pass
        _, message = parts.last_message(fetch(parts))
        assert isinstance(message, Finished)
        assert said(message.reply)["cached_tokens"] == PREFILL_STEP
        assert said(message.reply)["complete"]


def test_it_waits_behind_requests_that_came_later() -> None:
    entered, go_on = threading.Event(), threading.Event()

    def before(_tokens: Sequence[int]) -> None:
        entered.set()
        assert go_on.wait(30)

    with engine_parts("</think>a", "</think>b", max_sessions=2) as parts:
        parts.session.before_eval = before
        ends: list[str] = []
        jobs = {"a": parts.job(messages=[USER]), "ahead": fetch(parts), "b": parts.job(messages=[USER])}
        for name, job in jobs.items():
            job.sink = lambda m, name=name: ends.append(name) if isinstance(m, Finished) else None  # type: ignore[misc]
        parts.worker.submit(jobs["a"])
        assert entered.wait(30)
        parts.worker.submit(jobs["ahead"])
        parts.worker.submit(jobs["b"])
        assert parts.worker.queue_depth == 2
        parts.session.before_eval = lambda _tokens: None
        go_on.set()
        _, message = parts.last_message(fetch(parts))
        assert isinstance(message, Finished)
        assert ends == ["a", "b", "ahead"]


def test_the_endpoint() -> None:
    with engine_parts("</think>a") as parts, listening(parts.server.connection) as port:
        body = json.dumps({"messages": [USER], "stream": True}).encode()
        head, reply = exchange(port, request("POST", "/ds4/prefetch", body))
        assert head.startswith("HTTP/1.1 200 OK\r\n")
        assert json.loads(reply)["complete"] is True
        bad = exchange(port, request("POST", "/ds4/prefetch", b'{"messages": 3}'))
        assert bad[0].startswith("HTTP/1.1 400 ")
