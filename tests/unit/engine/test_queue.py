"""The bounded queue, by itself and in front of a worker that is held."""

from __future__ import annotations

import json
import threading
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from ds4agent.engine.job import Job
from ds4agent.engine.queue import JobQueue, QueueFull
from tests.engine_fixtures import chat, exchange, post_chat, request
from tests.unit.engine.engine_parts import Parts, engine_parts
from tests.unit.engine.test_server import USER, listening


def jobs(n: int) -> list[Job]:
    parts = Parts([])
    return [parts.job(messages=[USER]) for _ in range(n)]


def test_first_in_first_out_up_to_the_limit() -> None:
    queue = JobQueue(2)
    a, b, c = jobs(3)
    queue.put(a)
    queue.put(b)
    with pytest.raises(QueueFull):
        queue.put(c)
    assert queue.take() is a
    queue.put(c)
    assert queue.remove(b)
    assert not queue.remove(b)
    queue.close()
    assert (queue.take(), queue.take()) == (c, None)


def test_reading_ahead_takes_no_place_from_requests() -> None:
    queue = JobQueue(1)
    a, b, *ahead = jobs(4)
    ahead = [replace(job, prefetch=True) for job in ahead]
    queue.put(ahead[0])
    queue.put(a)
    for job in (b, ahead[1]):
        with pytest.raises(QueueFull):
            queue.put(job)
    queue.close()
    assert (queue.take(), queue.take(), queue.take()) == (a, ahead[0], None)


def test_without_a_limit() -> None:
    queue = JobQueue()
    for job in jobs(100):
        queue.put(job)
    assert len(queue) == 100


def test_a_job_for_an_idle_worker_does_not_wait() -> None:
    queue = JobQueue(1)
    taken: list[Job | None] = []
    thread = threading.Thread(target=lambda: taken.append(queue.take()))
    thread.start()
    while not queue._taking:
        pass
    a, b, c = jobs(3)
    with queue._changed:  # both are there before the worker wakes up
        queue.put(a)
        queue.put(b)
        with pytest.raises(QueueFull):
            queue.put(c)
    thread.join()
    assert taken == [a]


def test_a_full_queue_is_a_429_with_a_hint() -> None:
    entered, go_on = threading.Event(), threading.Event()

    def before(_tokens: Sequence[int]) -> None:
        entered.set()
        assert go_on.wait(30)

    with (
        engine_parts("</think>a", "</think>b", max_queue=1) as parts,
        listening(parts.server.connection) as port,
    ):
        parts.session.before_eval = before
        replies: list[Any] = []
        clients = [threading.Thread(target=lambda: replies.append(chat(port, messages=[USER])))]
        clients[0].start()
        assert entered.wait(30)
        clients.append(threading.Thread(target=lambda: replies.append(chat(port, messages=[USER]))))
        clients[1].start()
        while parts.worker.queue_depth < 1:
            pass
        health = json.loads(exchange(port, request("GET", "/health"))[1])
        assert (health["busy"], health["queue_depth"]) == (True, 1)
        head, body = post_chat(port, messages=[USER], stream=True)
        assert head.startswith("HTTP/1.1 429 Too Many Requests\r\n")
        assert "\r\nRetry-After: 1\r\n" in head
        assert json.loads(body)["error"]["message"]
        parts.session.before_eval = lambda _tokens: None
        go_on.set()
        for client in clients:
            client.join()
        assert len(replies) == 2
        metrics = exchange(port, request("GET", "/metrics"))[1].decode()
    assert "\nds4_queue_rejected_total 1\n" in metrics
    assert '\nds4_requests_total{endpoint="/v1/chat/completions",status="429"} 1\n' in metrics


def test_the_hint_is_what_jobs_took_lately() -> None:
    metrics = Parts([]).worker.metrics
    metrics.job_took(10.0)
    assert metrics.average_seconds == 10.0
    metrics.job_took(5.0)
    assert metrics.average_seconds == 9.0
