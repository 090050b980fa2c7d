"""Sockets in front of a scripted model: what needs a failure or a delay at one exact moment."""

from __future__ import annotations

import asyncio
import json
import socket
import struct
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import pytest

from ds4agent.engine import http, replies
from ds4agent.engine.binding import Ds4Error
from ds4agent.engine.http import Connection
from ds4agent.engine.http_reader import Request
from ds4agent.engine.job import Job
from ds4agent.engine.vocab import Prompt
from ds4agent.wire.dialect import Dialect
from ds4agent.wire.errors import RequestError
from ds4agent.wire.template import Rendered
from tests.engine_fixtures import chat, exchange, post_chat, request
from tests.unit.engine.engine_parts import Parts, engine_parts

USER = {"role": "user", "content": "x" * 1500}


@contextmanager
def listening(factory: Callable[[], Connection]) -> Iterator[int]:
    """An event loop in a thread of its own; its port."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()

    async def listen() -> asyncio.Server:
        return await loop.create_server(factory, "127.0.0.1", 0)

    listener = asyncio.run_coroutine_threadsafe(listen(), loop).result()
    try:
        yield listener.sockets[0].getsockname()[1]
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.run_until_complete(_settle(listener))
        loop.close()


async def _settle(listener: asyncio.Server) -> None:
    listener.close()
    rest = asyncio.all_tasks() - {asyncio.current_task()}
    for task in rest:
        task.cancel()
    await asyncio.gather(*rest, return_exceptions=True)


@contextmanager
def serving(*replies: str) -> Iterator[tuple[Parts, int]]:
    with engine_parts(*replies) as parts, listening(parts.server.connection) as port:
        yield parts, port


def fail_in_eval(parts: Parts, when: int, error: Exception) -> None:
    """Raise in the `when`-th evaluation, and never again."""
    count = 0

    def before(_tokens: Sequence[int]) -> None:
        nonlocal count
        count += 1
        if count == when:
            raise error

    parts.session.before_eval = before


def test_keepalives_while_a_long_prompt_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(replies, "KEEPALIVE_SECONDS", 0.0)
    with serving("</think>a") as (_, port):
        head, body = post_chat(port, messages=[USER], stream=True)
    assert head.startswith("HTTP/1.1 200 OK")
    assert body.startswith(b": prefill\n\ndata: ")
    assert body.count(b": prefill") == 1
    assert body.endswith(b"data: [DONE]\n\n")


def test_no_keepalive_within_five_seconds() -> None:
    with serving("</think>a") as (_, port):
        assert b": prefill" not in post_chat(port, messages=[USER], stream=True)[1]


@pytest.mark.parametrize("stream", [True, False])
def test_a_prefill_that_fails_at_once_is_a_500(stream: bool) -> None:
    with serving("</think>a") as (parts, port):
        fail_in_eval(parts, 1, Ds4Error("MEMORY", "no memory left"))
        head, body = post_chat(port, messages=[USER], stream=stream)
    assert head.startswith("HTTP/1.1 500 Internal Server Error\r\n")
    assert body == b'{"error":{"message":"no memory left","type":"invalid_request_error"}}\n'


def test_a_prefill_that_fails_behind_the_head_is_a_record() -> None:
    with serving("</think>a") as (parts, port):
        fail_in_eval(parts, 2, Ds4Error("MEMORY", "no memory left"))
        head, body = post_chat(port, messages=[USER], stream=True)
    assert head.startswith("HTTP/1.1 200 OK\r\n")
    assert body == b'event: error\ndata: {"error":{"message":"no memory left","type":"server_error"}}\n\n'


def test_a_decode_that_fails_is_a_finish_reason() -> None:
    with serving("</think>abcdef", "</think>a") as (parts, port):
        fail_in_eval(parts, 3 + 3, Ds4Error("MEMORY", "no memory left"))
        reply = chat(port, messages=[USER])
        assert reply["choices"][0]["finish_reason"] == "error"
        assert any('finish=error error="no memory left"' in line for line in parts.lines)
        assert chat(port, messages=[USER])["choices"][0]["finish_reason"] == "stop"


def test_a_defect_of_ours_is_a_500_and_the_worker_goes_on(capfd: pytest.CaptureFixture[str]) -> None:
    with serving("</think>a") as (parts, port):
        fail_in_eval(parts, 1, ZeroDivisionError())
        head, body = post_chat(port, messages=[USER])
        assert head.startswith("HTTP/1.1 500 ")
        assert b"internal error" in body
        assert chat(port, messages=[USER])["choices"][0]["finish_reason"] == "stop"
    assert "ZeroDivisionError" in capfd.readouterr().err


@pytest.mark.parametrize("stream", [True, False])
def test_a_client_that_leaves_while_it_waits_is_never_served(stream: bool) -> None:
    entered, go_on = threading.Event(), threading.Event()

    def before(_tokens: Sequence[int]) -> None:
        entered.set()
        assert go_on.wait(30)

    with serving("</think>a", "</think>b") as (parts, port):
        parts.session.before_eval = before
        dropped = threading.Event()
        real = parts.worker.drop

        def drop(job: Any) -> None:
            real(job)
            dropped.set()

        parts.worker.drop = drop  # type: ignore[method-assign]
        first: list[Any] = []
        client = threading.Thread(target=lambda: first.append(chat(port, messages=[USER])))
        client.start()
        assert entered.wait(30)
        body = json.dumps({"messages": [{"role": "user", "content": "never"}], "stream": stream}).encode()
        with socket.create_connection(("127.0.0.1", port)) as sock:
            sock.sendall(request("POST", "/v1/chat/completions", body))
            while parts.worker.queue_depth < 1:
                pass
        assert dropped.wait(30)
        parts.session.before_eval = lambda _tokens: None
        go_on.set()
        client.join()
        assert first[0]["choices"][0]["message"]["content"] == "a"
        assert chat(port, messages=[USER])["choices"][0]["message"]["content"] == "b"
    assert sum("prompt start" in line for line in parts.lines) == 2


@contextmanager
def handling(handler: http.Handler, connections: set[Connection]) -> Iterator[int]:
    with listening(lambda: Connection(handler, False, connections)) as port:
        yield port


async def unreached(_connection: Connection, _request: Request) -> None:
    raise AssertionError


@pytest.mark.parametrize("sent", [b"", b"GET /", b"POST / HTTP/1.1\r\nContent-Length: 5\r\n\r\nab"])
def test_a_silent_client_is_refused(monkeypatch: pytest.MonkeyPatch, sent: bytes) -> None:
    monkeypatch.setattr(http, "READ_SECONDS", 0.05)
    with handling(unreached, set()) as port:
        head, body = exchange(port, sent)
    assert head.startswith("HTTP/1.1 400 Bad Request")
    assert b"bad HTTP request" in body


def test_a_client_that_does_not_read_counts_as_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http, "STALL_SECONDS", 0.05)
    gone = threading.Event()

    async def pour(connection: Connection, _request: Request) -> None:
        connection.when_gone(gone.set)
        threading.Thread(target=connection.send, args=(b"x" * (64 << 20),)).start()

    with handling(pour, set()) as port, socket.create_connection(("127.0.0.1", port)) as sock:
        sock.sendall(request("GET", "/"))
        assert gone.wait(30)


def test_small_writes_are_not_held_back() -> None:
    options: list[int] = []

    async def look(connection: Connection, _request: Request) -> None:
        assert connection._transport is not None
        sock = connection._transport.get_extra_info("socket")
        options.append(sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))
        connection.reply(200, b"{}\n")

    with handling(look, set()) as port:
        exchange(port, request("GET", "/"))
    assert options == [1]


def test_a_client_that_reads_slowly_gets_everything(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http, "LINGER_SECONDS", 0.0)

    async def pour(connection: Connection, _request: Request) -> None:
        connection.reply(200, b"x" * (16 << 20))

    with handling(pour, set()) as port, socket.create_connection(("127.0.0.1", port)) as sock:
        sock.sendall(request("GET", "/") + b"more that nobody reads" * 1000)
        got = sum(map(len, iter(lambda: sock.recv(10_000), b"")))
    assert got > 16 << 20


def test_closed_connections_are_forgotten() -> None:
    connections: set[Connection] = set()

    async def answer(connection: Connection, _request: Request) -> None:
        connection.reply(200, b"{}\n")

    with handling(answer, connections) as port:
        for _ in range(3):
            assert exchange(port, request("GET", "/"))[1] == b"{}\n"
    assert connections == set()


def test_a_client_may_reset_its_connection_at_the_end_of_a_reply(caplog: pytest.LogCaptureFixture) -> None:
    """The handler keeps the loop, so that it closes before the loop has heard of the reset."""
    asked, reset, closed = threading.Event(), threading.Event(), threading.Event()

    async def end(connection: Connection, _request: Request) -> None:
        asked.set()
        assert reset.wait(30)
        connection.close()
        closed.set()

    with handling(end, set()) as port:
        with socket.create_connection(("127.0.0.1", port)) as sock:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            sock.sendall(request("GET", "/"))
            assert asked.wait(30)
        reset.set()
        assert closed.wait(30)
    assert caplog.records == []


def test_a_stream_stays_in_order_when_the_kernel_takes_no_more() -> None:
    """A thread sends more than any socket buffer holds, while the client reads late and slowly."""
    data = bytes(range(256)) * (1 << 16)

    async def pour(connection: Connection, _request: Request) -> None:
        def send() -> None:
            for at in range(0, len(data), 65521):
                connection.send(data[at : at + 65521])
            connection.from_thread(connection.close)

        threading.Thread(target=send).start()

    with handling(pour, set()) as port, socket.create_connection(("127.0.0.1", port)) as sock:
        sock.sendall(request("GET", "/"))
        assert b"".join(iter(lambda: sock.recv(8191), b"")) == data


def test_a_prompt_whose_client_left_while_it_waited_is_not_split_into_tokens() -> None:
    """It would hold up the prompts of those who are there."""
    entered, go_on = threading.Event(), threading.Event()
    split: list[int] = []
    with serving("</think>a") as (parts, port), pytest.MonkeyPatch.context() as patch:
        vocab, pool = parts.server._vocab, parts.server._pool
        real = vocab.prompt

        def prompt(rendered: Rendered) -> Prompt:
            split.append(1)
            entered.set()
            assert go_on.wait(30)
            return real(rendered)

        patch.setattr(vocab, "prompt", prompt)
        replies: list[Any] = []
        first = threading.Thread(target=lambda: replies.append(chat(port, messages=[USER])))
        first.start()
        assert entered.wait(30)
        body = json.dumps({"messages": [USER]}).encode()
        with socket.create_connection(("127.0.0.1", port), timeout=30) as client:
            client.sendall(request("POST", "/v1/chat/completions", body))
            while not pool._work_queue.qsize():
                pass
        while not any(connection.gone for connection in list(parts.server._connections)):
            pass
        go_on.set()
        first.join()
        assert len(replies) == 1
        while parts.server._connections:
            pass
        assert len(split) == 1
        metrics = exchange(port, request("GET", "/metrics"))[1].decode()
    assert "\nds4_queue_dropped_total 1\n" in metrics


def test_requests_that_wait_to_be_prepared_do_not_hold_up_the_end() -> None:
    """Long prompts take long to split into tokens, and nobody will answer these."""
    entered, go_on, ended = threading.Event(), threading.Event(), threading.Event()
    prepared: list[bytes] = []

    def job(_dialect: Dialect, body: bytes, _gone: Callable[[], bool]) -> Job:
        prepared.append(body)
        entered.set()
        assert go_on.wait(30)
        raise RequestError(400, "too late")

    with serving("</think>a") as (parts, port), pytest.MonkeyPatch.context() as patch:
        patch.setattr(parts.server, "job", job)
        pool = parts.server._pool
        clients = [socket.create_connection(("127.0.0.1", port), timeout=30) for _ in range(3)]
        for client in clients:
            client.sendall(request("POST", "/v1/chat/completions", b"{}"))
        assert entered.wait(30)
        while pool._work_queue.qsize() < 2:
            pass
        loop = next(iter(parts.server._connections))._loop
        loop.call_soon_threadsafe(parts.server.close)
        while not pool._shutdown:
            pass
        with pool._shutdown_lock:
            go_on.set()
        loop.call_soon_threadsafe(ended.set)
        assert ended.wait(30)
        assert len(prepared) == 1
        for client in clients:
            client.close()
