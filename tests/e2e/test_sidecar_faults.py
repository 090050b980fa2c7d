"""A disk that is full, a clock that jumps, an engine that floods or hangs, under a sidecar that runs."""

from __future__ import annotations

import json
import resource
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ds4agent.sidecar.settings import EngineSettings, SidecarSettings
from tests.engine_fixtures import resident
from tests.sidecar_fixtures import (
    SECONDS,
    STREAM_HEAD,
    Pair,
    connect,
    pair_of,
    post,
    read_all,
    read_until,
    request,
    running_sidecar,
    standin,
)

CHAT = "/v1/chat/completions"
HELLO = [{"role": "user", "content": "Hello"}]
OK = b"HTTP/1.1 200 OK\r\n"
# The sidecar as it is, but for how often it saves.
OFTEN = """
import sys
import ds4agent.sidecar.__main__ as program
program.SAVE_SECONDS = 0.02
sys.exit(program.main())
"""
# The sidecar on a full disk: no file of it can grow.
FULL = """
import resource, sys
import ds4agent.sidecar.__main__ as program
resource.setrlimit(resource.RLIMIT_FSIZE, (0, resource.getrlimit(resource.RLIMIT_FSIZE)[1]))
sys.exit(program.main())
"""
# The sidecar with a clock on the wall that can be turned.
TURNED = """
import sys, time
from pathlib import Path
real, offset = time.time, Path(sys.argv[1])
time.time = lambda: real() + float(offset.read_text())
import ds4agent.sidecar.__main__ as program
sys.exit(program.main())
"""


def until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + SECONDS
    while not true():
        assert time.monotonic() < deadline


# -- a full disk
# ------------------------------------------------------------------------------------------------------------


def ask(port: int) -> bytes:
    return read_all(connect(port, post(CHAT, b'{"messages":[{"role":"user","content":"Hello"}]}')))


def counted(folder: Path) -> float:
    """Requests in the file of counters."""
    families = json.loads((folder / "counters.json").read_text())["families"]
    return float(sum(series["value"] for series in families["ds4agent_requests_total"]))


@pytest.mark.skipif(not hasattr(resource, "prlimit"), reason="limits of another process are Linux's")
def test_a_full_disk_is_lived_through(tmp_path: Path) -> None:
    """Requests go on, counting too, and all is written when there is room again."""
    with running_sidecar(tmp_path, standin(tmp_path), ("-c", OFTEN)) as sidecar:
        assert ask(sidecar.port).startswith(OK)
        until(lambda: (tmp_path / "counters.json").exists() and counted(tmp_path) == 1)
        pid = sidecar.process.pid
        _, most = resource.prlimit(pid, resource.RLIMIT_FSIZE, (0, resource.RLIM_INFINITY))
        log = (tmp_path / "engine.log").stat().st_size
        for _ in range(3):
            assert ask(sidecar.port).startswith(OK)
        assert sidecar.own("status")
        assert b"requests_total" in read_all(connect(sidecar.port, request("GET", "/metrics")))
        assert counted(tmp_path) == 1, "what is there is not damaged"
        assert (tmp_path / "engine.log").stat().st_size == log
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (most, most))
        until(lambda: counted(tmp_path) == 4)
        assert ask(sidecar.port).startswith(OK)
        until(lambda: "lines lost here" in (tmp_path / "engine.log").read_text())
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (0, most))
        assert sidecar.stop() == 0


def test_a_start_on_a_full_disk_says_so(tmp_path: Path) -> None:
    file = tmp_path / "run.json"
    settings = SidecarSettings(EngineSettings(url="127.0.0.1:1"), str(file), str(tmp_path), port=0)
    run = subprocess.run(
        [sys.executable, "-c", FULL],
        env={"DS4AGENT_SIDECAR": settings.to_json()},
        stderr=subprocess.PIPE,
        text=True,
        timeout=SECONDS,
    )
    assert run.returncode == 1
    assert f"ds4agent: cannot write {file}: " in run.stderr
    assert "the counters could not be saved: " in run.stderr
    assert "Traceback" not in run.stderr


# -- a clock that jumps
# ------------------------------------------------------------------------------------------------------------


def status(pair: Pair) -> dict[str, Any]:
    value: dict[str, Any] = json.loads(pair.sidecar.own("status"))
    return value


@pytest.mark.parametrize("jump", [-40e6, -3600.0, 3600.0, 40e6])
def test_a_clock_that_jumps_changes_no_time_that_passes(tmp_path: Path, jump: float) -> None:
    """An hour or a year, back or ahead, while one runs, one waits, and signs of life are due."""
    offset = tmp_path / "offset"
    offset.write_text("0")
    program = ("-c", TURNED, str(offset))
    for pair in pair_of(tmp_path, 1, program=program, keepalive=0.05):
        running, call = pair.carry(post(CHAT))
        waiting = connect(pair.port, post(CHAT, b'{"stream":true} '))
        read_until(waiting, b": keepalive\n\n")
        offset.write_text(str(jump))
        sees_signs(waiting)
        found = status(pair)
        assert abs(found["at"] - time.time() - jump) < SECONDS
        assert 0 <= found["waiting"][0]["waited"] < SECONDS
        call.reply(STREAM_HEAD + b"data: [DONE]\n\n")
        assert read_all(running).endswith(b"data: [DONE]\n\n")
        following = pair.engine.take()
        following.reply(STREAM_HEAD + b"data: [DONE]\n\n")
        assert read_all(waiting).endswith(b"data: [DONE]\n\n")
        metrics = read_all(connect(pair.port, request("GET", "/metrics"))).decode()
        sums = [float(line.split()[-1]) for line in metrics.splitlines() if "_seconds_sum" in line]
        assert sums
        assert all(0 <= value < SECONDS for value in sums)


def sees_signs(client: socket.socket) -> None:
    for _ in range(3):
        read_until(client, b": keepalive\n\n")


# -- an engine that does too much, or nothing any more
# ------------------------------------------------------------------------------------------------------------


def test_an_engine_that_floods_costs_nothing(tmp_path: Path) -> None:
    size = 64 << 20
    with running_sidecar(tmp_path, standin(tmp_path)) as sidecar:
        assert ask(sidecar.port).startswith(OK)
        before, got, most = resident(sidecar.process.pid), 0, 0
        body = {"messages": HELLO, "stream": True, "standin": {"flood": size}}
        client = connect(sidecar.port, post(CHAT, json.dumps(body).encode()))
        while data := client.recv(1 << 20):
            got += len(data)
            most = max(most, resident(sidecar.process.pid) - before)
        assert got >= size
        assert most < 4 << 20


def test_an_engine_that_hangs_after_its_head(tmp_path: Path) -> None:
    """What it had is ended with an event; the next request has an engine again."""
    with running_sidecar(tmp_path, replace(standin(tmp_path), hang=2.0)) as sidecar:
        body = {"messages": HELLO, "stream": True, "standin": {"hang": "decode"}}
        reply = read_all(connect(sidecar.port, post(CHAT, json.dumps(body).encode())))
        assert b"the engine hangs; the request was broken off" in reply
        assert reply.startswith(OK)
        assert ask(sidecar.port).startswith(OK)
        assert json.loads(sidecar.own("status"))["engine"]["restarts"] == 1
