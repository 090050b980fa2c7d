"""SIGKILL of the engine and of the sidecar at each step. (A client that is killed just leaves.)"""

from __future__ import annotations

import json
import os
import signal
import socket
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from ds4agent.sidecar.settings import EngineSettings
from tests.sidecar_fixtures import (
    SECONDS,
    Sidecar,
    connect,
    embedded,
    is_gone,
    is_over,
    post,
    read_all,
    running_sidecar,
    standin,
)

CHAT = "/v1/chat/completions"
LONG = {"messages": [{"role": "user", "content": "Hello " * 2000}]}
STEPS = ("load", "idle", "prefill", "decode", "persist")


def chat(port: int, **fields: Any) -> socket.socket:
    return connect(port, post(CHAT, json.dumps({**LONG, **fields}).encode()))


def answered(port: int) -> bool:
    return read_all(chat(port)).startswith(b"HTTP/1.1 200 OK\r\n")


def engine_of(sidecar: Sidecar) -> dict[str, Any]:
    value: dict[str, Any] = json.loads(sidecar.own("status"))["engine"]
    return value


def until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + SECONDS
    while not true():
        assert time.monotonic() < deadline


def kill(pid: int) -> None:
    os.kill(pid, signal.SIGKILL)


@dataclass
class Stage:
    """A stand-in that stays in a step until `go` is there. `client`: of the request that is in that step."""

    folder: Path
    step: str
    client: socket.socket | None = None

    @property
    def go(self) -> Path:
        return self.folder / "go"

    @property
    def settings(self) -> EngineSettings:
        waits = {self.step: str(self.go)} if self.step in ("load", "persist") else {}
        engine = standin(self.folder, knobs=waits)
        return replace(engine, argv=(*engine.argv, "--kv-disk-dir", str(self.folder / "kv")))

    def reach(self, sidecar: Sidecar) -> int:
        """Returns the engine's pid, once the step is there."""
        knobs: dict[str, dict[str, Any]] = {
            "prefill": {"prefill": str(self.go)},
            "decode": {"tokens": 100_000, "interval": 0.01},
        }
        if self.step != "load":
            assert answered(sidecar.port)
        if self.step in ("load", "prefill", "decode"):
            self.client = chat(sidecar.port, stream=True, standin=knobs.get(self.step, {}))
        if self.step == "decode":
            assert self.client is not None
            assert b"200 OK" in self.client.recv(100)
        elif self.step == "persist":
            sidecar.own("unload", "POST")
        signs = {"load": "ds4: CUDA loading", "prefill": "prompt start", "persist": "shutdown requested"}
        until(lambda: signs.get(self.step, "") in sidecar.own("log").decode())
        pid = engine_of(sidecar)["pid"]
        assert isinstance(pid, int)
        return pid


@pytest.mark.parametrize("step", STEPS)
def test_an_engine_that_is_killed(tmp_path: Path, step: str) -> None:
    """What it had ends with bytes, what it had not begun is carried by the next one."""
    stage = Stage(tmp_path, step)
    with running_sidecar(tmp_path, stage.settings) as sidecar:
        pid = stage.reach(sidecar)
        kill(pid)
        until(
            lambda: engine_of(sidecar)["pid"] != pid
        )  # before all its threads have ended it may take one more
        stage.go.touch()
        if stage.client is not None:
            reply = read_all(stage.client)
            assert (b"HTTP/1.1 200 OK" in reply) == (step == "load")
            assert reply.startswith(b"HTTP/1.1 502 ") or step in ("load", "decode")
        assert answered(sidecar.port)
        assert engine_of(sidecar)["pid"] != pid


@pytest.mark.parametrize("step", STEPS)
def test_a_sidecar_that_is_killed_before_a_ds4_server(tmp_path: Path, step: str) -> None:
    """The server lives on, and the next sidecar finds it by its lock; one that was ending is followed by
    another.
    """
    stage = Stage(tmp_path, step)
    settings = replace(stage.settings, adopt=str(tmp_path / "lock"))
    with running_sidecar(tmp_path, settings) as sidecar:
        pid = stage.reach(sidecar)
        kill(sidecar.process.pid)
        sidecar.process.wait()
    try:
        if stage.client is not None:
            assert is_over(stage.client)
        with running_sidecar(tmp_path, settings) as again:
            waiting = chat(again.port)
            stage.go.touch()
            assert read_all(waiting).startswith(b"HTTP/1.1 200 OK\r\n")
            assert (engine_of(again)["pid"] == pid) == (step != "persist")
    finally:
        with suppress(ProcessLookupError):
            kill(pid)


@pytest.mark.parametrize("step", ["idle", "prefill", "decode"])
def test_a_sidecar_that_is_killed_before_the_embedded_engine(tmp_path: Path, step: str) -> None:
    """The engine ends with it, and the next sidecar has one of its own."""
    talk = [f" {i}" for i in range(20_000)]
    settings = embedded(tmp_path, [" hm"], ["Hello"] if step == "idle" else talk)
    prompt: list[Any] = [{"role": "user", "content": "word " * (1500 if step == "prefill" else 10)}]
    with running_sidecar(tmp_path, settings) as sidecar:
        client = chat(sidecar.port, stream=True, max_tokens=4000, messages=prompt)
        if step == "idle":
            read_all(client)
        elif step == "decode":
            assert b"200 OK" in client.recv(100)
        until(lambda: "prompt start" in sidecar.own("log").decode())
        pid = engine_of(sidecar)["pid"]
        kill(sidecar.process.pid)
        sidecar.process.wait()
        assert is_gone(pid)
        if step != "idle":
            assert is_over(client)
    with running_sidecar(tmp_path, settings) as again:
        assert read_all(chat(again.port, max_tokens=5, messages=prompt)).startswith(b"HTTP/1.1 200 OK\r\n")


def test_a_sidecar_that_is_killed_while_it_stops(tmp_path: Path) -> None:
    stage = Stage(tmp_path, "persist")
    settings = replace(stage.settings, adopt=str(tmp_path / "lock"))
    with running_sidecar(tmp_path, settings) as sidecar:
        assert answered(sidecar.port)
        pid = engine_of(sidecar)["pid"]
        sidecar.process.send_signal(signal.SIGTERM)
        until(lambda: "shutdown requested" in (tmp_path / "engine.log").read_text())
        kill(sidecar.process.pid)
        sidecar.process.wait()
    with running_sidecar(tmp_path, settings) as again:
        waiting = chat(again.port)
        stage.go.touch()
        assert read_all(waiting).startswith(b"HTTP/1.1 200 OK\r\n")
        assert is_gone(pid)
        assert list((tmp_path / "kv").iterdir())
