"""`ds4agent status` against a real server that tells recorded states, on a terminal and into a pipe."""

from __future__ import annotations

import json
import os
import shlex
import signal
import socketserver
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pexpect
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ds4agent.cli.status_view import fit, render
from ds4agent.sidecar.memory import Amount, Memory
from ds4agent.sidecar.runtime import Held, Runtime
from ds4agent.sidecar.status import EngineChanged, Queue, Serves, Status, Waiting
from ds4agent.sidecar.status_events import Event, reduce
from ds4agent.sidecar.status_json import to_json
from ds4agent.wire.logparse import parse

COMMAND = [sys.executable, "-m", "ds4agent", "status"]
TOKEN = "a-token"
LOG = """
ds4-server: context buffers 812.50 MiB (ctx=32768, backend=metal, prefill_chunk=2048, raw_kv_rows=1, compressed_kv_rows=1)
ds4-server: kv cache hit text tokens=2048 text=40211 quant=2 key=token-text load=212.4 ms file=/kv/a.kv
ds4-server: chat ctx=2048..9000:6952 TOOLS prompt start
ds4-server: chat ctx=2048..9000:6952 TOOLS prefill chunk 3476/6952 (50.0%) chunk=310.20 t/s avg=305.11 t/s 13.425s
"""  # noqa: E501


def prefilling() -> dict[str, Any]:
    status = Status()
    events: list[Event] = [
        EngineChanged("ready", pid=4711, port=8000, restarts=2),
        Serves("deepseek-v4-flash"),
        *map(parse, LOG.strip().splitlines()),
        Queue((Waiting("codex", "agent", 0, 990.0, 41.0),), 1),
        Memory(80 << 30, Amount(70 << 30, 80 << 30), 128 << 30, 12 << 30),
    ]
    for event in events:
        status = reduce(status, event, 1000.0)
    return to_json(status, 1000.0)


@dataclass
class Sidecar:
    """`bodies` are answered in turn, the last one for ever."""

    home: Path
    bodies: list[bytes] = field(default_factory=list)
    status: int = 200

    @property
    def environment(self) -> dict[str, str]:
        return {**os.environ, "XDG_STATE_HOME": str(self.home), "TERM": "xterm", "COLUMNS": "80"}

    @contextmanager
    def running(self) -> Iterator[None]:
        sidecar = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                right = (self.path, self.headers["Authorization"]) == ("/ds4agent/status", f"Bearer {TOKEN}")
                body = sidecar.bodies.pop(0) if len(sidecar.bodies) > 1 else sidecar.bodies[0]
                self.send_response(sidecar.status if right else 401)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                pass

        with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
            held = self.hold(server)
            threading.Thread(target=server.serve_forever, daemon=True).start()
            try:
                yield
            finally:
                server.shutdown()
                held.release()

    def hold(self, server: socketserver.TCPServer) -> Held:
        held = Held(self.home / "ds4agent" / "sidecar.json")
        held.write(Runtime(os.getpid(), server.server_address[1], TOKEN))
        return held

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*COMMAND, *arguments], env=self.environment, capture_output=True, text=True, check=False
        )


@pytest.fixture
def sidecar(tmp_path: Path) -> Sidecar:
    return Sidecar(tmp_path, [json.dumps(prefilling()).encode()])


SHOWN = """\
deepseek-v4-flash  prefill  50% [##########..........]  310.2 tokens/s  11 s left
request   chat of 9000 tokens, 2048 cached  read 3476/6952
context   5524/32768 tokens [###.................] 17%
kv cache  1 hits (2048 tokens)  0 stored  0 evicted  0 live misses
queue     1 running, 1 waiting
            1. codex        agent        waited 10 s, about 41 s to go
memory    engine 80.0 GiB  device 70.0/80.0 GiB  free 12.0/128.0 GiB
engine    pid 4711  port 8000  2 restarts
"""


def test_a_snapshot_into_a_pipe(sidecar: Sidecar) -> None:
    with sidecar.running():
        done = sidecar.run()
        watched = sidecar.run("--watch")
    assert (done.returncode, done.stdout) == (0, SHOWN)
    assert (watched.returncode, watched.stdout) == (0, SHOWN)


def test_json_is_what_the_sidecar_says(sidecar: Sidecar) -> None:
    with sidecar.running():
        done = sidecar.run("--json")
    assert (done.returncode, json.loads(done.stdout)) == (0, prefilling())


def test_without_a_sidecar_it_says_so(sidecar: Sidecar) -> None:
    for arguments in ((), ("--json",), ("--watch",)):
        done = sidecar.run(*arguments)
        assert (done.returncode, done.stdout) == (1, "")
        assert done.stderr == "Error: no sidecar is running; `ds4agent serve` starts one\n"


def test_a_runtime_file_that_nobody_holds_is_no_sidecar(sidecar: Sidecar) -> None:
    with sidecar.running():
        path = sidecar.home / "ds4agent" / "sidecar.json"
        text = path.read_text()
    path.write_text(text)
    assert "no sidecar is running" in sidecar.run().stderr


def test_a_sidecar_that_has_just_died_is_named(sidecar: Sidecar) -> None:
    with socketserver.TCPServer(("127.0.0.1", 0), socketserver.BaseRequestHandler, False) as server:
        server.server_bind()  # nobody listens
        held = sidecar.hold(server)
        done = sidecar.run()
        held.release()
    assert done.returncode == 1
    assert "does not answer: " in done.stderr


@pytest.mark.parametrize(
    ("status", "body"), [(200, b"<html>"), (200, b"[]"), (500, b"{}"), (200, b"[" * 99999)]
)
def test_an_answer_that_is_no_status(sidecar: Sidecar, status: int, body: bytes) -> None:
    sidecar.bodies, sidecar.status = [body], status
    with sidecar.running():
        done = sidecar.run()
    assert done.returncode == 1
    assert f"status {status} and no status" in done.stderr
    assert "Traceback" not in done.stderr


def test_the_live_view_moves_and_gives_the_terminal_back(sidecar: Sidecar) -> None:
    idle = json.dumps(to_json(Status(engine=EngineChanged("ready")), 0.0)).encode()
    sidecar.bodies.append(idle)
    with sidecar.running():
        child = pexpect.spawn(
            COMMAND[0], [*COMMAND[1:], "--watch", "--interval", "0.1"], env=sidecar.environment,
            encoding="utf-8", timeout=60, dimensions=(24, 80),
        )  # fmt: skip
        child.expect_exact("\x1b[?1049h\x1b[?25l\x1b[H\x1b[1mdeepseek-v4-flash  prefill  50%")
        child.expect_exact("no model  idle")
    child.expect_exact("no sidecar is running")
    with sidecar.running():
        child.expect_exact("no model  idle")
        child.sendintr()
        child.expect_exact("\x1b[?25h\x1b[?1049l")
        child.expect(pexpect.EOF)
    child.close()
    assert child.exitstatus == 0


def test_the_terminal_comes_back_when_the_live_view_is_stopped_or_ended(sidecar: Sidecar) -> None:
    shown, left = "\x1b[?1049h\x1b[?25l\x1b[H", "\x1b[?25h\x1b[?1049l"
    script = f"{shlex.join(COMMAND)} --watch & fg; echo back; fg; echo ended $?"
    child = pexpect.spawn("sh", ["-mc", script], env=sidecar.environment, encoding="utf-8", timeout=60)
    child.expect_exact(shown)
    child.expect_exact("\x1b[J")
    child.send("\x1a")
    child.expect_exact(left)
    child.expect_exact("back")
    child.expect_exact(shown.removesuffix("\x1b[H"))
    child.expect_exact("\x1b[J")
    os.kill(os.tcgetpgrp(child.fileno()), signal.SIGTERM)
    child.expect_exact(left)
    child.expect_exact(f"ended {128 + signal.SIGTERM}")
    child.expect_exact(pexpect.EOF)
    child.close()


def test_a_terminal_without_colours(sidecar: Sidecar) -> None:
    for name, value in (("NO_COLOR", "1"), ("TERM", "dumb")):
        with sidecar.running():
            child = pexpect.spawn(
                COMMAND[0], COMMAND[1:], env={**sidecar.environment, name: value}, encoding="utf-8",
                timeout=60, dimensions=(24, 80),
            )  # fmt: skip
            child.expect(pexpect.EOF)
        assert "\x1b" not in child.before
        assert "prefill  50%" in child.before


values: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)


@given(st.data(), st.integers(20, 120), st.booleans())
def test_no_answer_breaks_the_view(data: st.DataObject, columns: int, colour: bool) -> None:
    answer = prefilling()
    for _ in range(data.draw(st.integers(0, 4))):
        place = answer
        while inner := [v for v in place.values() if isinstance(v, dict) and v]:
            if data.draw(st.booleans()):
                break
            place = data.draw(st.sampled_from(inner))
        place[data.draw(st.sampled_from(sorted(place)))] = data.draw(values)
    for line in render(answer, columns, colour):
        plain = line.replace("\x1b[1m", "").replace("\x1b[31m", "").replace("\x1b[0m", "")
        assert fit(plain, columns) == plain
        assert plain.isprintable()
