"""The sidecar as front ends start and find it: real processes, the embedded engine, the bundled model."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from ds4agent import paths
from ds4agent.client.sidecar import SidecarError, ensure_sidecar, find_sidecar
from ds4agent.sidecar import runtime
from ds4agent.sidecar.runtime import Runtime
from tests.e2e.task_runner import private_environment

LIMIT_S = 60.0
ENSURE = """
import asyncio
from ds4agent.client.sidecar import ensure_sidecar
print(asyncio.run(ensure_sidecar()).pid)
"""


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A user whose sidecar, if there is one in the end, is ended."""
    env = private_environment(tmp_path) | {
        "DS4_LOCK_FILE": str(tmp_path / "lock"),
        "DS4AGENT_SERVE_PORT": "0",
    }
    for name in os.environ.keys() - env.keys():
        monkeypatch.delenv(name)
    for name, value in env.items():
        monkeypatch.setenv(name, value)
    yield tmp_path
    file = paths.runtime_file()
    if (found := runtime.read(file)) is not None:
        os.kill(found.pid, signal.SIGTERM)
        _until_gone(file)
    log = paths.sidecar_log()
    assert not log.exists() or "Traceback" not in log.read_text()


def _until_gone(file: Path) -> None:
    deadline = time.monotonic() + LIMIT_S
    while runtime.is_held(file):
        assert time.monotonic() < deadline, "the sidecar did not end"
        time.sleep(0.01)


def _ensure() -> Runtime:
    return asyncio.run(ensure_sidecar())


def _find() -> Runtime | None:
    return asyncio.run(find_sidecar())


def _ask(found: Runtime, path: str, body: Any = None) -> Any:
    data = None if body is None else json.dumps(body).encode()
    asked = urllib.request.Request(found.url + path, data, {"Authorization": f"Bearer {found.token}"})
    with urllib.request.urlopen(asked, timeout=LIMIT_S) as reply:
        return json.loads(reply.read())


def _chat(found: Runtime) -> Any:
    messages = [{"role": "user", "content": "Hello"}]
    return _ask(found, "/v1/chat/completions", {"messages": messages, "max_tokens": 2})


def test_it_is_started_once_and_stays(home: Path) -> None:
    assert _find() is None
    found = _ensure()
    assert _ensure() == found == _find()
    assert os.getsid(found.pid) == found.pid  # no terminal ends it
    assert paths.runtime_file().stat().st_mode & 0o777 == 0o600
    assert paths.sidecar_log().stat().st_mode & 0o777 == 0o600
    assert _chat(found)["usage"]["completion_tokens"] == 2


def test_it_outlives_who_started_it(home: Path) -> None:
    started = subprocess.run([sys.executable, "-c", ENSURE], capture_output=True, text=True, cwd=Path.cwd())
    found = _find()
    assert found is not None
    assert started.stdout == f"{found.pid}\n"


def test_callers_that_come_at_once_get_the_same_one(home: Path) -> None:
    callers = [
        subprocess.Popen([sys.executable, "-c", ENSURE], stdout=subprocess.PIPE, text=True, cwd=Path.cwd())
        for _ in range(4)
    ]

    async def two() -> tuple[Runtime, Runtime]:
        return await asyncio.gather(ensure_sidecar(), ensure_sidecar())

    pids = {found.pid for found in asyncio.run(two())}
    pids |= {int(caller.communicate(timeout=LIMIT_S)[0]) for caller in callers}
    assert len(pids) == 1
    assert "already" not in paths.sidecar_log().read_text()


def test_a_stale_file_is_nobodys(home: Path) -> None:
    """Left over, with the pid of a process that lives and a port at which somebody else listens."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        file = paths.runtime_file()
        file.parent.mkdir(parents=True)
        left = {"pid": os.getpid(), "port": other.getsockname()[1], "token": "x", "host": "127.0.0.1"}
        file.write_text(json.dumps(left))
        assert _find() is None
        assert _ensure().pid != os.getpid()


def test_one_that_was_killed_is_replaced(home: Path) -> None:
    first = _ensure()
    engine = _pid_of_engine(first)
    os.kill(first.pid, signal.SIGKILL)
    second = _ensure()
    assert second.pid != first.pid
    assert second.token != first.token
    assert _chat(second)["usage"]["completion_tokens"] == 2
    assert engine != _pid_of_engine(second)


def _pid_of_engine(found: Runtime) -> int:
    _chat(found)
    return int(_ask(found, "/ds4agent/status")["engine"]["pid"])


def test_the_users_own_sidecar_is_used(home: Path) -> None:
    own = subprocess.Popen(
        [sys.executable, "-m", "ds4agent", "serve"], stderr=subprocess.DEVNULL, cwd=Path.cwd()
    )
    try:
        while not runtime.is_held(paths.runtime_file()):
            assert own.poll() is None
            time.sleep(0.005)
        assert _ensure().pid == own.pid
        assert not paths.sidecar_log().exists()
    finally:
        own.terminate()
        assert own.wait(LIMIT_S) == 0


def test_one_that_stops_is_waited_for(home: Path) -> None:
    first = _ensure()
    _chat(first)
    os.kill(first.pid, signal.SIGTERM)
    while _find() == first:
        pass  # it does not know yet
    second = _ensure()
    assert second.pid != first.pid
    assert _chat(second)["usage"]["completion_tokens"] == 2


def test_a_taken_port_is_no_hindrance(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        monkeypatch.setenv("DS4AGENT_SERVE_PORT", str(port))
        assert _ensure().port != port


def test_a_start_that_fails_says_why(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DS4AGENT_ENGINE", "/nowhere/ds4-server")
    with pytest.raises(
        SidecarError, match=r"there is no file /nowhere/ds4-server \(exit code 1; .*sidecar.log"
    ):
        _ensure()
    monkeypatch.setenv("DS4AGENT_SERVE_LEAVE", "soon")
    with pytest.raises(SidecarError, match="DS4AGENT_SERVE_LEAVE is 'soon'"):
        _ensure()
    monkeypatch.setenv("XDG_STATE_HOME", "/proc/nowhere")
    with pytest.raises(SidecarError, match="/proc/nowhere"):
        _ensure()


def test_a_start_that_is_given_up_is_ended(home: Path) -> None:
    with pytest.raises(SidecarError, match=r"no sidecar answered within 0\.02 seconds"):
        asyncio.run(ensure_sidecar(within=0.02))
    deadline = time.monotonic() + LIMIT_S
    while _at_work_in(paths.state_home()):
        assert time.monotonic() < deadline
    assert _find() is None
    assert _chat(_ensure())["usage"]["completion_tokens"] == 2


def _at_work_in(folder: Path) -> list[str]:
    """Processes, but those that have ended."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if (process / "cwd").readlink() == folder:
                found.append(process.name)
    return found


def test_one_that_does_not_answer_is_named_in_time(home: Path) -> None:
    found = _ensure()
    os.kill(found.pid, signal.SIGSTOP)
    try:
        with pytest.raises(SidecarError, match=f"the one with pid {found.pid} is there, but does not answer"):
            asyncio.run(ensure_sidecar(within=0.5))
    finally:
        os.kill(found.pid, signal.SIGCONT)
    assert _ensure() == found


def test_it_leaves_with_its_engine_when_nobody_comes(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DS4AGENT_SERVE_LEAVE", "1")
    found = _ensure()
    engine = _pid_of_engine(found)
    _until_gone(paths.runtime_file())
    assert not Path(f"/proc/{engine}").exists()
    assert "nobody has come for 1 seconds" in paths.sidecar_log().read_text()
    assert _ensure().pid != found.pid
