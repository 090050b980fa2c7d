"""Clients that mean no good, or have more to say than there is room for: real processes, real clocks."""

from __future__ import annotations

import json
import select
import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ds4agent.sidecar.connections import HELD_BODIES
from tests.engine_fixtures import resident
from tests.sidecar_fixtures import (
    SECONDS,
    STREAM_HEAD,
    Pair,
    Sidecar,
    connect,
    is_over,
    pair_of,
    post,
    read_all,
    read_until,
    request,
    reset,
)

CHAT = "/v1/chat/completions"
SMALL = b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nConnection: close\r\n\r\n{}\n"
CHUNKED = request("POST", CHAT, b"", "Transfer-Encoding: chunked")
MIB = 1 << 20


def fill(sock: socket.socket, data: bytes, quiet: float = 0.3) -> int:
    """Send until nothing has been taken for so many seconds; returns how much was."""
    view, sent = memoryview(data), 0
    while sent < len(data) and select.select([], [sock], [], quiet)[1]:
        sent += sock.send(view[sent : sent + MIB], socket.MSG_DONTWAIT)
    return sent


def status(sidecar: Sidecar) -> dict[str, list[object]]:
    value: dict[str, list[object]] = json.loads(sidecar.own("status"))
    return value


def is_alone(pair: Pair) -> bool:
    return bool(json.loads(pair.sidecar.own("status"))["connections"] == 1)


def until(what: Callable[[], bool]) -> None:
    deadline = time.monotonic() + SECONDS
    while not what():
        assert time.monotonic() < deadline


@pytest.fixture
def narrow(tmp_path: Path) -> Iterator[Pair]:
    """One at a time, and one waits."""
    yield from pair_of(tmp_path, 1, keepalive=600.0, max_queue=1)


# -- who leaves behind a body that is not read
# ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("how", ["close", "reset", "half"])
@pytest.mark.parametrize("size", [6 * MIB, 60 * MIB])
def test_one_that_leaves_the_queue_with_a_large_body(narrow: Pair, how: str, size: int) -> None:
    """The kernels hold all of the smaller body, the larger one is stopped; in both the end may be stuck."""
    leave: dict[str, Callable[[socket.socket], None]] = {
        "close": socket.socket.close, "reset": reset, "half": lambda s: s.shutdown(socket.SHUT_WR)
    }  # fmt: skip
    running, first = narrow.carry(post(CHAT, b"1"))
    gone = connect(narrow.port, request("POST", CHAT, b"", f"Content-Length: {size}"))
    assert (fill(gone, bytes(size)) == size) == (size == 6 * MIB)
    until(lambda: len(status(narrow.sidecar)["waiting"]) == 1)
    leave[how](gone)
    until(lambda: not status(narrow.sidecar)["waiting"])
    waiting = connect(narrow.port, post(CHAT, b"3"))
    first.reply(SMALL)
    assert read_all(running) == SMALL
    call = narrow.engine.take()
    assert call.request.endswith(b"\r\n\r\n3")
    call.reply(SMALL)
    assert read_all(waiting) == SMALL
    gone.close()


def test_one_that_leaves_while_the_engine_does_not_read(narrow: Pair) -> None:
    client = connect(narrow.port, request("POST", CHAT, b"", f"Content-Length: {60 * MIB}"))
    assert fill(client, bytes(60 * MIB)) < 60 * MIB
    engine = narrow.engine.accept()
    client.close()
    until(lambda: is_alone(narrow))
    assert is_over(engine)
    _, call = narrow.carry(post(CHAT))  # its place is free
    call.reply(SMALL)


def test_a_large_body_that_waits_comes_whole(narrow: Pair) -> None:
    """Stopped in the middle for a while, watched, and then carried."""
    size = 20 * MIB
    running, first = narrow.carry(post(CHAT, b"1"))
    body = bytes(range(256)) * (size // 256)
    large = connect(narrow.port, request("POST", CHAT, b"", f"Content-Length: {size}"))
    sent = fill(large, body)
    assert sent < size
    sender = threading.Thread(target=large.sendall, args=(body[sent:],))
    sender.start()
    first.reply(SMALL)
    assert read_all(running) == SMALL
    call = narrow.engine.take()
    sender.join()
    assert call.request.partition(b"\r\n\r\n")[2] == body
    call.reply(SMALL)
    assert read_all(large) == SMALL


# -- bodies of many
# ------------------------------------------------------------------------------------------------------------


def chunk(n: int) -> bytes:
    return b"%x\r\n" % n + bytes(n) + b"\r\n"


def refusal(sock: socket.socket) -> bytes:
    """Of a client that may still be sending."""
    head, _, body = read_all(sock).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 503 ")
    assert "take all the memory" in json.loads(body)["error"]["message"]
    return head


@pytest.fixture
def roomy(tmp_path: Path) -> Iterator[Pair]:
    """One at a time, and any number waits."""
    yield from pair_of(tmp_path, 1, keepalive=600.0, max_queue=0)


def many_chunks(pair: Pair) -> None:
    clients = [connect(pair.port, CHUNKED) for _ in range(8)]
    piece, before = chunk(MIB), resident(pair.sidecar.process.pid)
    for _ in range(HELD_BODIES // MIB // len(clients)):
        for client in clients:
            client.sendall(piece)
    # All of them are held, to the last byte that may be; whoever comes with one more is refused.
    clients[0].sendall(piece)
    (refused,), _, _ = select.select(clients, [], [], SECONDS)
    assert b"\r\nRetry-After: " in refusal(refused)
    clients[0].close()
    clients = [client for client in clients[1:] if client is not refused]
    small, call = pair.carry(post(CHAT))  # what is small comes through
    assert resident(pair.sidecar.process.pid) - before < HELD_BODIES * 1.3
    call.reply(SMALL)
    assert read_all(small) == SMALL
    clients[0].sendall(piece + b"0\r\n\r\n")  # there is room for what the refused one had
    call = pair.engine.take()
    assert len(call.request.partition(b"\r\n\r\n")[2]) == HELD_BODIES // 8 + MIB
    call.reply(SMALL)
    assert read_all(clients[0]) == SMALL
    for client in clients[1:]:
        client.close()
    until(lambda: is_alone(pair))


@pytest.mark.slow
def test_bodies_in_chunks_of_many_have_one_bound(roomy: Pair) -> None:
    many_chunks(roomy)  # what is made with the first of its kind does not count
    before = resident(roomy.sidecar.process.pid)
    many_chunks(roomy)
    assert resident(roomy.sidecar.process.pid) - before < 4 * MIB


def test_bodies_with_a_length_have_the_same_bound(roomy: Pair) -> None:
    head = request("POST", CHAT, b"", f"Content-Length: {8 * MIB}")
    clients = [connect(roomy.port, head) for _ in range(HELD_BODIES // (4 * MIB) + 1)]
    for client in clients:
        client.sendall(bytes(4 * MIB - 100))
    ended, _, _ = select.select(clients, [], [], SECONDS)
    refusal(ended[0])
    for client in clients:
        client.close()
    until(lambda: is_alone(roomy))


# -- slow ones
# ------------------------------------------------------------------------------------------------------------

# The sidecar as it is, but for its patience.
IMPATIENT = """
import sys
import ds4agent.sidecar.__main__ as program
from ds4agent.sidecar import incoming, stream
incoming.HEAD_SECONDS, incoming.BODY_SECONDS, stream.STALL_SECONDS = 0.5, 1.0, 1.0
sys.exit(program.main())
"""


@pytest.fixture
def impatient(tmp_path: Path) -> Iterator[Pair]:
    yield from pair_of(tmp_path, 1, program=("-c", IMPATIENT), keepalive=600.0)


def trickle(clients: list[socket.socket], data: bytes) -> list[bytes]:
    """A byte of each, a little later the next, until they are answered."""
    replies = [b""] * len(clients)
    for i in range(len(data)):
        if all(replies):
            break
        for n, client in enumerate(clients):
            if not replies[n] and select.select([client], [], [], 0)[0]:
                replies[n] = read_all(client)
            elif not replies[n]:
                client.send(data[i : i + 1])
        time.sleep(0.05)
    return replies


@pytest.mark.parametrize("begun", [b"", post(CHAT, b"x" * 200)[:-200]], ids=["head", "body"])
def test_requests_that_trickle_are_ended_and_keep_nobody_out(impatient: Pair, begun: bytes) -> None:
    clients = [connect(impatient.port, begun) for _ in range(50)]
    honest, call = impatient.carry(post(CHAT))
    replies = trickle(clients, post(CHAT, b"x" * 200)[len(begun) :])
    assert all(reply.startswith(b"HTTP/1.1 408 ") for reply in replies)
    call.reply(SMALL)
    assert read_all(honest) == SMALL
    assert is_alone(impatient)


def test_one_that_never_reads_gives_its_place_back(impatient: Pair) -> None:
    reader, call = impatient.carry(post(CHAT))
    waiting = connect(impatient.port, post(CHAT, b"next"))
    flood = STREAM_HEAD + bytes(64 * MIB)
    assert fill(call.sock, flood) < len(flood)
    assert is_over(call.sock)
    following = impatient.engine.take()
    assert following.request.endswith(b"next")
    following.reply(SMALL)
    assert read_all(waiting) == SMALL
    reader.close()


def test_one_that_reads_slowly_gets_all(impatient: Pair) -> None:
    """The patience is for progress: this takes longer than it, in pieces."""
    reader, call = impatient.carry(post(CHAT))
    size = 12 * MIB
    writer = threading.Thread(target=call.reply, args=(STREAM_HEAD + bytes(size),))
    writer.start()
    assert read_until(reader, b"\r\n\r\n") == STREAM_HEAD
    got, began = 0, time.monotonic()
    while data := reader.recv(MIB):
        got += len(data)
        if time.monotonic() - began < 3.0:
            time.sleep(0.2)
    writer.join()
    assert got == size
