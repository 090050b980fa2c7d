"""A real sidecar process, an engine whose every byte the test writes, and clients with plain sockets."""

from __future__ import annotations

import os
import re
import signal
import socket
import struct
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

from ds4agent.sidecar import runtime
from ds4agent.sidecar.settings import ALLOCATOR, EngineSettings, SidecarSettings
from tests.e2e.recitals import ANSWER, REASONING
from tests.engine_fixtures import reciting_engine, write_reciting_model
from tests.standins import free_port, write_binary, write_model

SECONDS = 30.0
PROGRAM = ("-m", "ds4agent.sidecar")
STREAM_HEAD = (
    b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
    b"Cache-Control: no-cache\r\nConnection: close\r\n\r\n"
)


@dataclass
class Sidecar:
    process: subprocess.Popen[bytes]
    port: int
    token: str
    log: Path
    settings: SidecarSettings

    @property
    def lines(self) -> list[str]:
        return self.log.read_text(errors="replace").splitlines()

    def own(self, path: str, method: str = "GET") -> bytes:
        """The body of a reply to one who has the token."""
        raw = request(method, f"/ds4agent/{path}", b"", f"Authorization: Bearer {self.token}")
        return read_all(connect(self.port, raw)).partition(b"\r\n\r\n")[2]

    def stop(self) -> int:
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(SECONDS)


def start_sidecar(
    settings: SidecarSettings, log: Path, program: Sequence[str] = PROGRAM
) -> subprocess.Popen[bytes]:
    with log.open("ab") as out:
        return subprocess.Popen(
            [sys.executable, *program],
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=out,
            env={**os.environ, **ALLOCATOR, "DS4AGENT_SIDECAR": settings.to_json()},
        )


def wait_for(path: Path, process: subprocess.Popen[bytes]) -> runtime.Runtime:
    """The runtime file of this process."""
    deadline = time.monotonic() + SECONDS
    while (found := runtime.read(path)) is None or found.pid != process.pid:
        assert process.poll() is None, "the sidecar ended"
        assert time.monotonic() < deadline, "the sidecar did not start"
        time.sleep(0.005)
    return found


@contextmanager
def running_sidecar(
    folder: Path, engine: EngineSettings, program: Sequence[str] = PROGRAM, **settings: Any
) -> Iterator[Sidecar]:
    file, log = folder / "run" / "sidecar.json", folder / "sidecar.log"
    value = SidecarSettings(engine, str(file), str(folder), port=0, **settings)
    process = start_sidecar(value, log, program)
    try:
        found = wait_for(file, process)
        sidecar = Sidecar(process, found.port, found.token, log, value)
        yield sidecar
        if process.poll() is None:
            assert sidecar.stop() == 0
        assert "Traceback" not in log.read_text(errors="replace")
    finally:
        process.kill()
        process.wait()


def request(method: str, target: str, body: bytes = b"", *fields: str) -> bytes:
    lines = [f"{method} {target} HTTP/1.1", "Host: localhost", *fields]
    if body:
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def post(path: str, body: bytes = b'{"stream":true}', *fields: str) -> bytes:
    return request("POST", path, body, *fields)


def connect(port: int, raw: bytes = b"") -> socket.socket:
    sock = socket.create_connection(("127.0.0.1", port), timeout=SECONDS)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    sock.sendall(raw)
    return sock


def read_until(sock: socket.socket, end: bytes) -> bytes:
    """Up to and with these bytes, none more."""
    data = bytearray()
    while not data.endswith(end):
        byte = sock.recv(1)
        assert byte, f"the connection ended after {bytes(data)!r}"
        data += byte
    return bytes(data)


def read_all(sock: socket.socket) -> bytes:
    with sock:
        return b"".join(iter(lambda: sock.recv(1 << 16), b""))


def is_gone(pid: int) -> bool:
    """Waits for the end of a process that is not our child."""
    deadline = time.monotonic() + SECONDS
    while time.monotonic() < deadline:
        try:
            state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        except OSError:
            return True
        if state == "Z":
            return True
        time.sleep(0.01)
    return False


def reset(sock: socket.socket) -> None:
    """Gone without a farewell."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    sock.close()


def is_over(sock: socket.socket) -> bool:
    """Waits until the other side has ended the connection; what it sent is dropped."""
    try:
        while sock.recv(1 << 16):
            pass
    except ConnectionResetError:
        pass
    return True


def embedded(
    folder: Path, reasoning: Sequence[str] = REASONING, answer: Sequence[str] = ANSWER, **values: Any
) -> EngineSettings:
    """The embedded engine with a model that says this in each turn, for a sidecar to start."""
    model = folder / "model.gguf"
    write_reciting_model(model, reasoning, answer)
    argv = (sys.executable, "-m", "ds4agent.engine", "--model", str(model), "--port", "0", "--threads", "1")
    environment: dict[str, str | None] = {"DS4_LOCK_FILE": str(folder / "lock")}
    return EngineSettings(argv=(*argv, "--ctx", "8192"), environment=environment, **values)


WAYS = ("engine", "sidecar")


@contextmanager
def answering(through: str, folder: Path, reasoning: Sequence[str], answer: Sequence[str]) -> Iterator[int]:
    """The port of the embedded engine that recites, or of a sidecar that starts it."""
    if through == "sidecar":
        with running_sidecar(folder, embedded(folder, reasoning, answer)) as sidecar:
            yield sidecar.port
    else:
        with reciting_engine(folder, reasoning, answer, "--ctx", "8192") as engine:
            yield engine.port


def standin(folder: Path, generation: str = "june", knobs: dict[str, Any] | None = None) -> EngineSettings:
    binary, model = (
        write_binary(folder / "ds4-server", generation),
        write_model(folder / "m.gguf", **(knobs or {})),
    )
    port = free_port()
    argv = (str(binary), "--model", str(model), "--port", str(port))
    environment: dict[str, str | None] = {"DS4_LOCK_FILE": str(folder / "lock")}
    return EngineSettings(argv=argv, environment=environment, port=port, grace=5.0)


@dataclass
class Call:
    """A request as it has come to the engine."""

    sock: socket.socket
    request: bytes

    def send(self, data: bytes) -> None:
        self.sock.sendall(data)

    def reply(self, data: bytes) -> None:
        self.send(data)
        self.sock.close()


class Engine:
    """What answers in place of an engine is the test."""

    def __init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._listener.settimeout(SECONDS)
        self.port: int = self._listener.getsockname()[1]

    def __enter__(self) -> Engine:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._listener.close()

    def settings(self, **values: Any) -> EngineSettings:
        return EngineSettings(url=f"127.0.0.1:{self.port}", **values)

    def accept(self) -> socket.socket:
        sock, _ = self._listener.accept()
        sock.settimeout(SECONDS)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return sock

    def take(self) -> Call:
        """The next request, with all of its body."""
        sock = self.accept()
        head = read_until(sock, b"\r\n\r\n")
        stated = re.search(rb"(?i)\r\ncontent-length: *(\d+)", head)
        left = int(stated[1]) if stated else 0
        body = bytearray()
        while len(body) < left:
            piece = sock.recv(min(1 << 20, left - len(body)))
            assert piece, f"the connection ended {left - len(body)} bytes before the end of the body"
            body += piece
        return Call(sock, head + bytes(body))


@dataclass
class Pair:
    """An engine that the test plays, and the sidecar in front of it."""

    engine: Engine
    sidecar: Sidecar

    @property
    def port(self) -> int:
        return self.sidecar.port

    def carry(self, raw: bytes) -> tuple[socket.socket, Call]:
        client = connect(self.port, raw)
        return client, self.engine.take()


def pair_of(folder: Path, width: int = 16, **values: Any) -> Iterator[Pair]:
    with Engine() as engine, running_sidecar(folder, engine.settings(width=width), **values) as sidecar:
        yield Pair(engine, sidecar)
