"""The sidecar between a client and an engine, each byte of which is the test's."""

from __future__ import annotations

import json
import select
import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ds4agent.sidecar.head import MAX_BODY, BadHead, parse_head
from tests.e2e.recorded import FOLDER, Exchange, exchanges, wire_request
from tests.engine_fixtures import resident
from tests.examples import examples
from tests.sidecar_fixtures import (
    STREAM_HEAD,
    Engine,
    Pair,
    connect,
    is_over,
    pair_of,
    post,
    read_all,
    read_until,
    request,
    reset,
    running_sidecar,
)

CHAT, MESSAGES, RESPONSES, COMPLETIONS = (
    "/v1/chat/completions", "/v1/messages", "/v1/responses", "/v1/completions",
)  # fmt: skip
COMMENT = b": keepalive\n\n"
PING = b'event: ping\ndata: {"type":"ping"}\n\n'
KEEPALIVES = {CHAT: COMMENT, COMPLETIONS: COMMENT, RESPONSES: COMMENT, MESSAGES: PING}
EVENT = b'data: {"choices":[]}\n\n'
SMALL = b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nConnection: close\r\n\r\n{}\n"
SOON = 0.1  # seconds between signs of life where a test waits for some


@pytest.fixture(scope="module")
def wide(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    """Room for all, and no sign of life within the time of a test."""
    yield from pair_of(tmp_path_factory.mktemp("wide"), keepalive=600.0)


@pytest.fixture(scope="module")
def lively(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    yield from pair_of(tmp_path_factory.mktemp("lively"), keepalive=SOON)


@pytest.fixture
def narrow(tmp_path: Path) -> Iterator[Pair]:
    """One at a time, and one waits."""
    yield from pair_of(tmp_path, 1, keepalive=600.0, max_queue=1)


# -- bytes
# ------------------------------------------------------------------------------------------------------------


RECORDED = [exchange for path in sorted(FOLDER.glob("*.txt")) for exchange in exchanges(path)]


def recorded_reply(exchange: Exchange) -> bytes:
    head = f"{exchange.head}\n\n".replace("\n", "\r\n").encode()
    return head + exchange.body.encode("utf-8", "surrogateescape")


def told_to_close(raw: bytes) -> bytes:
    """What an engine at an address gets: the bytes of the client, which says nothing of its connection, and
    one field more.
    """
    return raw.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n", 1)


def is_carried(raw: bytes) -> bool:
    try:
        head = parse_head(raw[: raw.index(b"\r\n\r\n") + 4])
    except BadHead:
        return False
    return (
        head.length is not None
        and head.length <= MAX_BODY
        and head.method != "OPTIONS"
        and head.path != "/health"
    )


@pytest.mark.parametrize(
    "exchange", [e for e in RECORDED if is_carried(wire_request(e.request))], ids=lambda e: e.name
)
def test_recorded_exchanges_pass_unchanged(wide: Pair, exchange: Exchange) -> None:
    raw, reply = wire_request(exchange.request), recorded_reply(exchange)
    client, call = wide.carry(raw)
    assert call.request == told_to_close(raw)
    call.reply(reply)
    assert read_all(client) == reply


def test_recorded_exchanges_are_of_every_kind() -> None:
    lines = [e.request.split(" HTTP", 1)[0] for e in RECORDED if is_carried(wire_request(e.request))]
    assert len(lines) > 60
    assert {f"POST {path}" for path in KEEPALIVES} | {"GET /v1/models", "HEAD /v1/models"} <= set(lines)


BAD = [
    e for e in RECORDED if "HTTP/1.1 400" in e.head and "bad HTTP" in e.body
    and not is_carried(wire_request(e.request)) and "chunked" not in e.request
]  # fmt: skip


@pytest.mark.parametrize("exchange", BAD, ids=lambda e: e.name)
def test_what_was_bad_stays_bad(wide: Pair, exchange: Exchange) -> None:
    reply = read_all(connect(wide.port, wire_request(exchange.request)))
    head, _, body = reply.partition(b"\r\n\r\n")
    assert head.split(b" ")[1] in (b"400", b"413")
    assert json.loads(body)["error"]["type"] == "invalid_request_error"


@settings(max_examples=examples(25))
@given(st.data())
def test_pieces_do_not_matter(wide: Pair, data: st.DataObject) -> None:
    raw = post(MESSAGES, b'{"a":"' + b"\xc3\xa9" * 40 + b'"}')
    reply = STREAM_HEAD + 3 * EVENT
    cuts = sorted(data.draw(st.sets(st.integers(1, len(raw) - 1), max_size=6)))
    replied = sorted(data.draw(st.sets(st.integers(1, len(reply) - 1), max_size=6)))
    client = connect(wide.port)
    for start, end in zip([0, *cuts], [*cuts, len(raw)], strict=True):
        client.sendall(raw[start:end])
    call = wide.engine.take()
    assert call.request == told_to_close(raw)
    for start, end in zip([0, *replied], [*replied, len(reply)], strict=True):
        call.send(reply[start:end])
    call.sock.close()
    assert read_all(client) == reply


def test_bytes_go_at_once(wide: Pair) -> None:
    """Each is read before the next is written, in both directions."""
    raw = post(CHAT, b"x" * 20)
    client = connect(wide.port, raw[:-20])
    client.sendall(raw[-20:])
    call = wide.engine.take()
    call.send(STREAM_HEAD)
    assert read_until(client, b"\r\n\r\n") == STREAM_HEAD
    for byte in EVENT:
        call.send(bytes([byte]))
        assert client.recv(2) == bytes([byte])
    call.sock.close()
    assert client.recv(1) == b""


def test_what_follows_a_request_is_nobodys(wide: Pair) -> None:
    raw = post(CHAT, b"{}")
    client, call = wide.carry(raw + request("GET", "/ds4agent/status"))
    client.sendall(b"and more")
    assert call.request == told_to_close(raw)
    call.send(SMALL)
    assert not select.select([call.sock], [], [], 0)[0]
    call.sock.close()
    assert client.recv(1 << 16) == SMALL


def test_a_body_in_chunks_is_put_together(wide: Pair) -> None:
    body = b"0123456789" * 1000
    chunks = b"".join(b"%x\r\n%b\r\n" % (3333, body[i : i + 3333]) for i in range(0, 9999, 3333))
    head = request("POST", CHAT, b"", "Transfer-Encoding: chunked", "X-Kept: yes")
    client = connect(wide.port, head + chunks[:5000])
    client.sendall(chunks[5000:] + b"1\r\n9\r\n0\r\n\r\n")
    call = wide.engine.take()
    head, _, got = call.request.partition(b"\r\n\r\n")
    assert got == body
    assert b"chunked" not in head
    assert b"\r\nx-kept: yes\r\ncontent-length: 10000" in head
    call.reply(SMALL)
    assert read_all(client) == SMALL


def test_an_expectation_is_met(wide: Pair) -> None:
    raw = post(CHAT, b'{"a":1}', "Expect: 100-continue")
    client = connect(wide.port, raw[:-7])
    assert read_until(client, b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
    client.sendall(raw[-7:])
    call = wide.engine.take()
    assert call.request.endswith(b'\r\n\r\n{"a":1}')
    assert b"100-continue" not in call.request
    call.reply(SMALL)
    assert read_all(client) == SMALL


def test_an_expectation_of_what_is_refused_is_not_met(wide: Pair) -> None:
    raw = request("POST", CHAT, b"", f"Content-Length: {MAX_BODY + 1}", "Expect: 100-continue")
    assert read_all(connect(wide.port, raw)).startswith(b"HTTP/1.1 413 ")


@pytest.mark.slow
@pytest.mark.parametrize("chunked", [False, True])
def test_the_largest_body(wide: Pair, chunked: bool) -> None:
    block = bytes(range(256)) * 4096
    client = connect(wide.port)

    def send() -> None:
        if chunked:
            client.sendall(request("POST", CHAT, b"", "Transfer-Encoding: chunked"))
        else:
            client.sendall(request("POST", CHAT, b"", f"Content-Length: {MAX_BODY}"))
        for _ in range(MAX_BODY // len(block)):
            client.sendall((b"%x\r\n" % len(block) + block + b"\r\n") if chunked else block)
        if chunked:
            client.sendall(b"0\r\n\r\n")

    sender = threading.Thread(target=send)
    sender.start()
    call = wide.engine.take()
    sender.join()
    body = call.request.partition(b"\r\n\r\n")[2]
    assert len(body) == MAX_BODY
    assert all(body[i : i + len(block)] == block for i in range(0, MAX_BODY, len(block)))
    call.reply(SMALL)
    assert read_all(client) == SMALL


def test_a_body_that_is_too_large(wide: Pair) -> None:
    client = connect(
        wide.port, request("POST", MESSAGES, b"", f"Content-Length: {MAX_BODY + 1}") + bytes(1 << 16)
    )
    head, _, body = read_all(client).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 413 ")
    assert json.loads(body)["type"] == "error"


@pytest.mark.slow
def test_chunks_that_are_too_many(wide: Pair) -> None:
    """The client, which is still sending, gets to see why."""
    client = connect(wide.port, request("POST", CHAT, b"", "Transfer-Encoding: chunked"))
    block = b"100000\r\n" + bytes(1 << 20) + b"\r\n"
    for _ in range((MAX_BODY >> 20) + 1):
        client.sendall(block)
    assert read_all(client).startswith(b"HTTP/1.1 413 ")


@pytest.mark.parametrize(
    "bad",
    [b"GET / HTTP/1.1\r\nHost: localhost\r\nA: " + b"x" * (64 << 10) + b"\r\n\r\n",
     b"GET / HTTP/1.1\r\n" + b"A: b\r\n" * 20000],
)  # fmt: skip
def test_a_head_that_is_a_bomb(wide: Pair, bad: bytes) -> None:
    assert read_all(connect(wide.port, bad)).startswith(b"HTTP/1.1 431 ")


@pytest.mark.parametrize(
    "bad", [b"\x16\x03\x01\x02\x00\x01\x00\r\n\r\n", b"GET / HTTP/1.1\n\n\r\n\r\n", b"\r\n\r\n",
            request("POST", CHAT, b"x", "Transfer-Encoding: chunked")]
)  # fmt: skip
def test_what_is_no_request(wide: Pair, bad: bytes) -> None:
    assert read_all(connect(wide.port, bad)).startswith(b"HTTP/1.1 400 ")


def test_foreign_names_are_refused(wide: Pair) -> None:
    raw = post(MESSAGES).replace(b"Host: localhost", b"Host: evil.example")
    head, _, body = read_all(connect(wide.port, raw)).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 403 ")
    assert json.loads(body)["error"]["type"] == "permission_error"
    raw = request("OPTIONS", CHAT, b"", "Origin: http://localhost:3000")
    assert b"\r\nAccess-Control-Allow-Origin: http://localhost:3000\r\n" in read_all(connect(wide.port, raw))


PAGE = "http://localhost:3000"
READABLE = f"Access-Control-Allow-Origin: {PAGE}\r\nVary: Origin\r\n".encode()


def with_readable(reply: bytes) -> bytes:
    first, line_end, rest = reply.partition(b"\r\n")
    return first + line_end + READABLE + rest


@pytest.mark.parametrize("cut", [0, 3, len(STREAM_HEAD) - 1])
@pytest.mark.parametrize("reply", [SMALL, STREAM_HEAD + EVENT])
def test_a_page_that_may_ask_may_read(wide: Pair, reply: bytes, cut: int) -> None:
    client, call = wide.carry(post(CHAT, b"{}", f"Origin: {PAGE}"))
    call.send(reply[:cut])
    call.reply(reply[cut:])
    assert read_all(client) == with_readable(reply)


def test_what_an_engine_says_to_a_page_is_said_once(wide: Pair) -> None:
    reply = SMALL.replace(b"\r\n", b"\r\naccess-control-allow-origin: *\r\n", 1)
    client, call = wide.carry(post(CHAT, b"{}", f"Origin: {PAGE}"))
    call.reply(reply)
    assert read_all(client) == reply


def test_a_page_reads_what_the_sidecar_says_itself(lively: Pair) -> None:
    origin = f"Origin: {PAGE}"
    for raw in (request("GET", "/health", b"", origin), request("GET", "/ds4agent/status", b"", origin)):
        assert READABLE in read_all(connect(lively.port, raw))
    client, call = lively.carry(post(CHAT, b'{"stream":true}', origin))
    assert read_until(client, COMMENT) == with_readable(STREAM_HEAD) + COMMENT
    call.reply(STREAM_HEAD + EVENT)
    assert read_all(client).endswith(EVENT)
    allowed = read_all(connect(lively.port, request("OPTIONS", CHAT, b"", origin)))
    assert b"\r\nAccess-Control-Allow-Headers: *, Authorization\r\n" in allowed


def test_a_page_that_may_not_ask_may_not_read(wide: Pair) -> None:
    for method in ("GET", "OPTIONS"):
        raw = request(method, "/v1/models", b"", "Origin: https://evil.example")
        reply = read_all(connect(wide.port, raw))
        assert reply.startswith(b"HTTP/1.1 403 ")
        assert b"Access-Control" not in reply


def test_health_is_there_whatever_the_engine_does(wide: Pair) -> None:
    reply = read_all(connect(wide.port, request("GET", "/health")))
    assert json.loads(reply.partition(b"\r\n\r\n")[2])["status"] == "ok"
    head = read_all(connect(wide.port, request("HEAD", "/health")))
    assert head.startswith(b"HTTP/1.1 200 OK\r\n")
    assert head.endswith(b"\r\n\r\n")


# -- ends
# ------------------------------------------------------------------------------------------------------------


LEAVE: dict[str, Callable[[socket.socket], None]] = {
    "close": socket.socket.close,
    "reset": reset,
    "half": lambda sock: sock.shutdown(socket.SHUT_WR),
}


@pytest.mark.parametrize("how", sorted(LEAVE))
@pytest.mark.parametrize(
    "sent", [b"", b"HTTP/1.1 2", STREAM_HEAD, STREAM_HEAD + EVENT, STREAM_HEAD + EVENT[:9]]
)
def test_a_client_that_is_gone_ends_its_work(wide: Pair, how: str, sent: bytes) -> None:
    client, call = wide.carry(post(CHAT))
    call.send(sent)
    read_until(client, sent)
    LEAVE[how](client)
    assert is_over(call.sock)
    if how == "half":
        assert client.recv(1) == b""
    client.close()


@pytest.mark.parametrize("how", sorted(LEAVE))
@pytest.mark.parametrize("size", [10, 1 << 20])
def test_a_client_that_leaves_the_queue(narrow: Pair, how: str, size: int) -> None:
    """The next one in the queue comes to the engine, the one that left never does."""
    running, first = narrow.carry(post(CHAT, b"1"))
    gone = connect(narrow.port, post(CHAT, b"2" * size))
    while b'"waiting": []' in narrow.sidecar.own("status"):
        pass
    LEAVE[how](gone)
    while b'"waiting": []' not in narrow.sidecar.own("status"):
        pass
    waiting = connect(narrow.port, post(CHAT, b"3"))
    first.reply(SMALL)
    assert read_all(running) == SMALL
    call = narrow.engine.take()
    assert call.request.endswith(b"\r\n\r\n3")
    call.reply(SMALL)
    assert read_all(waiting) == SMALL
    gone.close()


def test_one_that_is_slow_to_ask_takes_nobodys_place(narrow: Pair) -> None:
    slow = [connect(narrow.port, post(CHAT, b"x" * 10)[:-cut]) for cut in (1, 10, 15)]
    client, call = narrow.carry(post(CHAT, b"quick"))
    call.reply(SMALL)
    assert read_all(client) == SMALL
    slow[0].sendall(b"x")
    call = narrow.engine.take()
    call.reply(SMALL)
    assert read_all(slow[0]) == SMALL
    for sock in slow:
        sock.close()


@pytest.mark.parametrize(
    "sent",
    [
        b"HTTP/1.1 200 OK\r\nConte",
        STREAM_HEAD,
        STREAM_HEAD + EVENT + EVENT[:11],
        b"garbage",
        b"\x00\xff\r\n\r\n\r\n",
    ],
)
def test_an_engine_that_ends_early_is_passed_on_as_it_is(wide: Pair, sent: bytes) -> None:
    client, call = wide.carry(post(CHAT))
    call.reply(sent)
    assert read_all(client) == sent


@pytest.mark.parametrize("path", sorted(KEEPALIVES))
@pytest.mark.parametrize("how", [socket.socket.close, reset])
def test_an_engine_that_ends_without_a_word(wide: Pair, path: str, how: object) -> None:
    client, call = wide.carry(post(path))
    assert callable(how)
    how(call.sock)
    head, _, body = read_all(client).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 502 ")
    error = json.loads(body)
    assert error["error"]["message"].startswith("the engine ")
    assert ("type" in error) == (path == MESSAGES)


def test_an_engine_that_is_not_there(tmp_path: Path) -> None:
    with Engine() as engine:
        url = engine.settings()
    with running_sidecar(tmp_path, url) as sidecar:
        replies = [read_all(connect(sidecar.port, post(CHAT))) for _ in range(20)]
    assert all(b"HTTP/1.1 502 " in r and b"Connection refused" in r for r in replies)


def test_an_engine_that_is_gone_under_a_long_queue(tmp_path: Path) -> None:
    """All are refused, one after the other, however many wait."""
    engine = Engine()
    with running_sidecar(tmp_path, engine.settings(width=1), max_queue=0, keepalive=600.0) as sidecar:
        running = connect(sidecar.port, post(CHAT))
        call = engine.take()
        clients = [connect(sidecar.port, post(CHAT)) for _ in range(400)]
        while sidecar.own("status").count(b'"lane"') < 400:
            pass
        engine.__exit__(None, None, None)
        call.sock.close()
        assert all(read_all(c).startswith(b"HTTP/1.1 502 ") for c in [running, *clients])


def test_a_reader_that_stalls_costs_no_memory_and_loses_nothing(wide: Pair) -> None:
    client, call = wide.carry(post(CHAT))
    before, sent = resident(wide.sidecar.process.pid), 0
    block = bytes(range(256)) * 1024
    while select.select([], [call.sock], [], 1.0)[1]:
        sent += call.sock.send(block[sent % len(block) :][: 16 << 10])
    assert 0 < sent < 64 << 20
    assert resident(wide.sidecar.process.pid) - before < 2 << 20
    got = bytearray()
    while len(got) < sent:
        got += client.recv(1 << 20)
    assert got == (block * (sent // len(block) + 1))[:sent]
    call.sock.close()
    assert client.recv(1) == b""


def test_an_engine_that_does_not_read_stops_its_client(wide: Pair) -> None:
    client = connect(wide.port, request("POST", CHAT, b"", f"Content-Length: {MAX_BODY}"))
    before, sent = resident(wide.sidecar.process.pid), 0
    while select.select([], [client], [], 1.0)[1]:
        sent += client.send(bytes(16 << 10))
    assert sent < MAX_BODY
    assert resident(wide.sidecar.process.pid) - before < 16 << 20
    engine = wide.engine.accept()
    client.close()
    assert is_over(engine)


def test_too_many(narrow: Pair) -> None:
    running, first = narrow.carry(post(CHAT))
    waiting = connect(narrow.port, post(CHAT))
    while b'"waiting": []' in narrow.sidecar.own("status"):
        pass
    for path in KEEPALIVES:
        head, _, body = read_all(connect(narrow.port, post(path))).partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 429 ")
        assert b"\r\nRetry-After: " in head
        error = json.loads(body)
        assert error["error"]["type"] == ("rate_limit_error" if path == MESSAGES else "invalid_request_error")
    for sock in (running, waiting, first.sock):
        sock.close()


def test_a_sidecar_that_stops_says_so(tmp_path: Path) -> None:
    with Engine() as engine, running_sidecar(tmp_path, engine.settings(width=3)) as sidecar:
        replies = (b"", STREAM_HEAD + EVENT, STREAM_HEAD + EVENT[:7], SMALL[:-1])
        clients, calls = [], []
        for reply in replies:
            clients.append(connect(sidecar.port, post(MESSAGES)))
            if len(clients) <= 3:
                calls.append(engine.take())
                calls[-1].send(reply)
                read_until(clients[-1], reply)
        clients.append(connect(sidecar.port, b"POST / HT"))
        while b'"waiting": []' in sidecar.own("status"):
            pass
        assert sidecar.stop() == 0
        silent, between, inside, queued, asking = (read_all(client) for client in clients)
    assert silent.startswith(b"HTTP/1.1 503 ")
    assert queued.startswith(b"HTTP/1.1 503 ")
    assert asking.startswith(b"HTTP/1.1 503 ")
    assert between.startswith(b"event: error\ndata: ")
    assert inside == b""


# -- signs of life
# ------------------------------------------------------------------------------------------------------------


def wait_for_signs(pair: Pair, count: int) -> None:
    """The clock: one that is silent for so long that it had as many signs of life."""
    client, call = pair.carry(post(CHAT))
    for _ in range(count):
        read_until(client, COMMENT)
    client.close()
    call.sock.close()


@pytest.mark.parametrize("path", sorted(KEEPALIVES))
def test_silent_prefill(lively: Pair, path: str) -> None:
    """Ours comes before the engine's head, which is then left out."""
    sign = KEEPALIVES[path]
    client, call = lively.carry(post(path))
    assert read_until(client, 3 * sign) == STREAM_HEAD + 3 * sign
    for piece in (STREAM_HEAD[:20], STREAM_HEAD[20:] + EVENT[:5], EVENT[5:]):
        call.send(piece)
    call.sock.close()
    rest = read_all(client)
    assert rest.replace(sign, b"") == EVENT
    assert EVENT in rest


def test_a_silent_prefill_of_an_engine_that_sends_chunks(lively: Pair) -> None:
    """As vLLM and llama-server do, and they keep the connection. Signs come between two events only."""
    client, call = lively.carry(post(CHAT))
    assert read_until(client, COMMENT) == STREAM_HEAD + COMMENT
    call.send(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n")
    for piece in (EVENT[:5], EVENT[5:], EVENT + EVENT):
        call.send(b"%x\r\n%s\r\n" % (len(piece), piece))
        if piece.startswith(EVENT[:5]):
            wait_for_signs(lively, 2)
    call.send(b"0\r\n\r\n")
    got = read_all(client).replace(COMMENT, b"")
    assert got == 3 * EVENT
    call.sock.close()


@pytest.mark.parametrize("path", sorted(KEEPALIVES))
def test_silence_behind_the_engines_head(lively: Pair, path: str) -> None:
    sign = KEEPALIVES[path]
    client, call = lively.carry(post(path))
    call.send(STREAM_HEAD)
    assert read_until(client, 2 * sign) == STREAM_HEAD + 2 * sign
    call.send(EVENT)
    assert read_until(client, EVENT + sign).replace(sign, b"") == EVENT
    client.close()
    assert is_over(call.sock)


def test_one_that_waits_its_turn(tmp_path: Path) -> None:
    for pair in pair_of(tmp_path, 1, keepalive=SOON):
        running, first = pair.carry(post(CHAT))
        waiting = connect(pair.port, post(MESSAGES))
        assert read_until(waiting, 2 * PING) == STREAM_HEAD + 2 * PING
        running.close()
        call = pair.engine.take()
        call.reply(STREAM_HEAD + EVENT)
        assert read_all(waiting).replace(PING, b"") == EVENT
        first.sock.close()


@pytest.mark.parametrize("sent", [STREAM_HEAD[:-1], STREAM_HEAD + EVENT[:-1], STREAM_HEAD + EVENT[:1]])
def test_never_inside_a_head_or_an_event(lively: Pair, sent: bytes) -> None:
    client, call = lively.carry(post(CHAT))
    call.send(sent)
    assert read_until(client, sent) == sent
    wait_for_signs(lively, 3)
    whole = STREAM_HEAD + EVENT
    call.reply(whole[len(sent) :])
    assert sent + read_all(client) == whole


@pytest.mark.parametrize(
    ("path", "body"),
    [(CHAT, b"{}"), (CHAT, b'{"stream":false}'), (CHAT, b'{"messages":[{"content":"\\"stream\\":true"}]}'),
     (MESSAGES, b'{"messages":[{"input":{"stream":true}}]}'), (CHAT, b'{"stream":true'),
     (CHAT, b'["stream",true]'), (CHAT, b'{"a":' + b"[" * 5000 + b'"stream":true'),
     ("/v1/models", b'{"stream":true}')],
)  # fmt: skip
def test_never_where_no_stream_was_asked_for(lively: Pair, path: str, body: bytes) -> None:
    client, call = lively.carry(post(path, body))
    wait_for_signs(lively, 3)
    call.reply(SMALL)
    assert read_all(client) == SMALL


def test_never_into_a_reply_that_is_no_stream(lively: Pair) -> None:
    client, call = lively.carry(post(CHAT))
    call.send(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc\n\n")
    wait_for_signs(lively, 3)
    call.reply(b"defg")
    assert read_all(client).endswith(b"abc\n\ndefg")


REFUSED = b'{"error":{"message":"Prompt has 9 tokens","type":"invalid_request_error"}}\n'


@pytest.mark.parametrize("path", sorted(KEEPALIVES))
@pytest.mark.parametrize(
    ("reply", "message"),
    [(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 75\r\n\r\n" + REFUSED, "Prompt has 9 tokens"),
     (b"HTTP/1.1 500 Internal\r\n\r\n\xff{", "the engine refused the request"),
     (b"", "the engine ended the connection without an answer"),
     (b"HTTP/1.1 200 OK\r\nContent", "the engine ended the connection without an answer")],
)  # fmt: skip
def test_a_refusal_behind_a_sign_of_life_is_an_event(
    lively: Pair, path: str, reply: bytes, message: str
) -> None:
    client, call = lively.carry(post(path))
    read_until(client, KEEPALIVES[path])
    call.reply(reply)
    last = read_all(client).replace(KEEPALIVES[path], b"")
    event, _, data = last.partition(b"data: ")
    assert event == (b"event: error\n" if path == MESSAGES else b"")
    assert json.loads(data)["error"]["message"] == message


def test_a_client_that_is_gone_during_signs_of_life(lively: Pair) -> None:
    client, call = lively.carry(post(CHAT))
    read_until(client, COMMENT)
    client.close()
    assert is_over(call.sock)
