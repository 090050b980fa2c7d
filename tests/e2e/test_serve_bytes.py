"""What `ds4agent serve` does to bytes on their way: nothing, and without delay.

One line is added for an engine of somebody else's, which may not close its connections by itself.
"""

from __future__ import annotations

import select
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.e2e.test_serve import COMMAND, START_SECONDS, Sidecar, running

BODY = b'{"model" : "x\\u0041", "stream":true,\n "unknown": 1e5, "temperature":0.10, "messages":[] } '
HEAD = (
    b"POST /v1/messages HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Own:  two  blanks\r\ncontent-LENGTH: %d\r\n"
    b"Accept-Encoding: gzip\r\n\r\n"
)
REPLY_HEAD = (
    b"HTTP/1.1 200 Fine\r\nX-Theirs: 1\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n"
)
EVENTS = [b'event: a\ndata: {"n":%d}\n\n' % i for i in range(3)]


@dataclass
class Setting:
    """A sidecar in front of an engine that is this test."""

    sidecar: Sidecar
    engine: socket.socket
    open: list[socket.socket] = field(default_factory=list)

    def client(self, data: bytes) -> socket.socket:
        sock = socket.create_connection(("127.0.0.1", self.sidecar.found.port), START_SECONDS)
        self.open.append(sock)
        sock.sendall(data)
        return sock

    def accept(self) -> socket.socket:
        sock, _ = self.engine.accept()
        sock.settimeout(START_SECONDS)
        self.open.append(sock)
        return sock


@contextmanager
def relayed(tmp_path: Path, *words: str, sessions: int = 1, **more: str) -> Iterator[Setting]:
    with socket.create_server(("127.0.0.1", 0)) as engine:
        engine.settimeout(START_SECONDS)
        address = f"http://127.0.0.1:{engine.getsockname()[1]}"
        argv = ["--engine", address, "--sessions", str(sessions), *words]
        with running(tmp_path, [*COMMAND, "serve", "--port", "0", *argv], **more) as sidecar:
            setting = Setting(sidecar, engine)
            try:
                yield setting
            finally:
                for sock in setting.open:
                    sock.close()


def read(sock: socket.socket, n: int) -> bytes:
    data = b""
    while len(data) < n and (more := sock.recv(n - len(data))):
        data += more
    return data


def request() -> bytes:
    return HEAD % len(BODY) + BODY


def carried() -> bytes:
    """As the engine gets it."""
    return request().replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n", 1)


def test_a_request_and_its_reply_are_the_bytes_that_were_sent(tmp_path: Path) -> None:
    with relayed(tmp_path, HTTP_PROXY="http://127.0.0.1:1", http_proxy="http://127.0.0.1:1") as setting:
        client = setting.client(request())
        engine = setting.accept()
        assert read(engine, len(carried())) == carried()
        reply = REPLY_HEAD + b"".join(EVENTS)
        engine.sendall(reply)
        engine.close()
        assert read(client, len(reply) + 1) == reply


def test_an_event_is_there_before_the_next_is_made(tmp_path: Path) -> None:
    with relayed(tmp_path) as setting:
        client = setting.client(request())
        engine = setting.accept()
        read(engine, len(carried()))
        for piece in (REPLY_HEAD, *EVENTS, b"ev", b"ent: half"):
            engine.sendall(piece)
            assert read(client, len(piece)) == piece


def test_a_client_that_leaves_ends_the_engines_work_and_frees_its_place(tmp_path: Path) -> None:
    with relayed(tmp_path) as setting:
        leaves, waits = setting.client(request()), setting.client(request())
        engine = setting.accept()
        assert read(engine, len(carried())) == carried()
        leaves.close()
        assert engine.recv(1) == b""
        assert read(setting.accept(), len(carried())) == carried()
        waits.close()


def test_a_silent_engine_is_bridged_in_the_form_of_the_api(tmp_path: Path) -> None:
    with relayed(tmp_path, "--keepalive", "0.05") as setting:
        client = setting.client(request())
        engine = setting.accept()
        signs = b'event: ping\ndata: {"type":"ping"}\n\n'
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            head += read(client, 1)
        assert b"text/event-stream" in head
        assert read(client, 2 * len(signs)) == signs * 2
        engine.sendall(REPLY_HEAD + EVENTS[0])
        rest = b""
        while EVENTS[0] not in rest:
            rest += read(client, 1)
        assert rest.replace(signs, b"") == EVENTS[0]


def test_more_than_may_wait_is_refused_with_a_time(tmp_path: Path) -> None:
    with relayed(tmp_path, "--max-queue", "1") as setting:
        setting.client(request())
        setting.accept()
        setting.client(request())
        while setting.sidecar.status()["waiting"] == []:
            pass  # the second is on its way
        refused = read(setting.client(request()), 4096)
        assert refused.startswith(b"HTTP/1.1 429 ")
        assert b"\r\nRetry-After: 1\r\n" in refused
        assert b'"type":"rate_limit_error"' in refused


def test_a_waiting_request_has_a_position(tmp_path: Path) -> None:
    with relayed(tmp_path) as setting:
        setting.client(request())
        setting.accept()
        for _ in range(2):
            setting.client(request())
        while len(waiting := setting.sidecar.status()["waiting"]) < 2:
            pass  # they are on their way
        assert [place["position"] for place in waiting] == [0, 1]


def test_a_slow_reader_holds_nobody_up(tmp_path: Path) -> None:
    with relayed(tmp_path, sessions=2) as setting:
        setting.client(request())  # and reads nothing
        flooding = setting.accept()
        read(flooding, len(request()))
        flooding.setblocking(False)
        flood = REPLY_HEAD + EVENTS[0] * 1000
        while select.select([], [flooding], [], 0.2)[1]:  # until all buffers on the way are full
            flooding.send(flood)
        reads = setting.client(request())
        engine = setting.accept()
        assert read(engine, len(carried())) == carried()
        engine.sendall(REPLY_HEAD + EVENTS[0])
        assert read(reads, len(REPLY_HEAD + EVENTS[0])) == REPLY_HEAD + EVENTS[0]
