"""Status and progress while the engine works, the sidecar on demand, and engines that die."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import urllib.request
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from lsprotocol import types

from ds4agent.sidecar import runtime
from ds4agent.sidecar.runtime import Runtime
from tests.e2e.task_runner import private_environment
from tests.editors.agent_events import Watch
from tests.lsp_client import Editor, editor

pytestmark = [pytest.mark.asyncio, pytest.mark.slow]
TASK = "Hello!"
# Some seconds of prefill.
LONG = "".join(f"Rule {n}: the value of setting {n * 7} is never above {n * 13}.\n" for n in range(700))


def _state(home: Path) -> Path:
    return home / ".local/state/ds4agent/sidecar.json"


def _sidecar(home: Path) -> Runtime:
    found = runtime.read(_state(home))
    assert found is not None
    return found


@asynccontextmanager
async def at_work(home: Path, *flags: str) -> AsyncIterator[tuple[Editor, Watch]]:
    """An editor whose project has much to read. A sidecar that it started is ended after it."""
    project = home / "project"
    project.mkdir(exist_ok=True)
    (project / "AGENTS.md").write_text(LONG[:32_000])
    env = {"DS4AGENT_SERVE_PORT": "0", "DS4_LOCK_FILE": str(home / "lock")}
    try:
        async with editor(home, *flags, folders=(project,), env=env) as it:
            yield it, Watch(it)
    finally:
        if found := runtime.read(_state(home)):
            os.kill(found.pid, signal.SIGTERM)
            while runtime.is_held(_state(home)):
                await asyncio.sleep(0.02)


def _statuses(it: Editor) -> list[dict[str, Any]]:
    return [params for method, params in it.said if method == "ds4/status"]


def _bars(it: Editor) -> list[list[Any]]:
    return list(it.client.progress_reports.values())


async def _until_prefill(it: Editor) -> dict[str, Any]:
    """A status with all figures of a prefill."""

    def found(_: Any) -> Any:
        return [s for s in _statuses(it) if s["phase"] == "prefill" and s.get("secondsLeft")]

    status: dict[str, Any] = (await it.until(found))[0]
    return status


@pytest.mark.parametrize("flags", [(), ("--engine", "embedded")])
async def test_a_prefill_is_shown_with_its_figures(tmp_path: Path, flags: tuple[str, ...]) -> None:
    async with at_work(tmp_path, *flags) as (it, watch):
        session = (await it.ask("ds4/agent/start", {"task": TASK}))["session"]
        status = await _until_prefill(it)
        assert status["what"] == "agent"
        assert 0 <= status["percent"] <= 100
        assert status["tokensPerSecond"] > 0
        assert (await watch.ended(session))["status"] == "completed"
        last = await it.ask("ds4/status/get", {})
        assert last["phase"] == "idle"
        assert last["cachedTokens"] == last["rereadTokens"] == 0
        assert last["model"]
        assert last["context"] > 0
        _check_bars(it)
        seen = [s["percent"] for s in _statuses(it) if s["phase"] == "prefill" and "percent" in s]
        assert seen == sorted(seen)
        assert len(seen) < 200
        phases = [s["phase"] for s in _statuses(it)]
        assert phases[0] == "loading"
        assert {"prefill", "decode", "idle"} <= set(phases)
    assert runtime.read(_state(tmp_path)) is None


def _check_bars(it: Editor) -> None:
    """Each bar has one beginning, one end, and in between it only grows."""
    assert _bars(it)
    for bar in _bars(it):
        kinds = [value.kind for value in bar]
        assert (kinds[0], kinds[-1], kinds.count("begin"), kinds.count("end")) == ("begin", "end", 1, 1)
        assert bar[0].cancellable
    reports = [value for bar in _bars(it) for value in bar if value.kind == "report"]
    assert any("tokens/s" in value.message and "s left" in value.message for value in reports)
    shares = [
        value.percentage for value in reports if value.message.startswith("reading") and value.percentage
    ]
    assert all(a <= b for a, b in pairwise(shares))


async def test_cancelling_the_bar_stops_the_work(tmp_path: Path) -> None:
    async with at_work(tmp_path, "--engine", "embedded") as (it, watch):
        session = (await it.ask("ds4/agent/start", {"task": TASK}))["session"]
        await _until_prefill(it)
        await it.until(lambda _: any(bar and bar[-1].kind == "report" for bar in _bars(it)))
        bars: dict[Any, Any] = it.client.progress_reports
        token = next(token for token, bar in bars.items() if bar[-1].kind != "end")
        it.client.window_work_done_progress_cancel(types.WorkDoneProgressCancelParams(token=token))
        assert (await watch.ended(session))["status"] == "interrupted"
        assert (await it.ask("ds4/status/get", {}))["phase"] == "idle"
        assert [bar for bar in _bars(it) if bar[-1].kind != "end"] == []


async def test_two_editors_and_run_share_one_sidecar(tmp_path: Path) -> None:
    async with at_work(tmp_path) as (it, watch):
        session = (await it.ask("ds4/agent/start", {"task": TASK}))["session"]
        await watch.ended(session)
        first = _sidecar(tmp_path)
        async with editor(tmp_path, folders=(tmp_path / "project",)) as two:
            again = (await two.ask("ds4/agent/resume", {"session": session, "task": "Thanks!"}))["session"]
            other = Watch(two)
            assert (await other.ended(again))["status"] == "completed"
            (cache,) = [event for event in other.events(again) if event["type"] == "cache"]
            assert (cache["reread_tokens"], cache["cached_tokens"] > 5000) == (0, True)
        done = await asyncio.to_thread(_run, tmp_path)
        assert done.returncode == 0
        assert _sidecar(tmp_path) == first
        assert _engine(first)["restarts"] == 0


def _run(home: Path) -> subprocess.CompletedProcess[bytes]:
    command = [sys.executable, "-m", "ds4agent", "run", "--cwd", str(home / "project"), "--continue", "Bye!"]
    return subprocess.run(
        command, env=private_environment(home), capture_output=True, timeout=120, check=False
    )


def _engine(found: Runtime) -> dict[str, Any]:
    asked = urllib.request.Request(
        f"{found.url}/ds4agent/status", headers={"Authorization": f"Bearer {found.token}"}
    )
    with urllib.request.urlopen(asked, timeout=30) as reply:
        engine: dict[str, Any] = json.loads(reply.read())["engine"]
    return engine


@pytest.mark.parametrize("victim", ["sidecar", "engine", "own"])
async def test_what_is_killed_is_said_once_and_the_next_request_brings_it_back(
    tmp_path: Path, victim: str
) -> None:
    flags = ("--engine", "embedded") if victim == "own" else ()
    async with at_work(tmp_path, *flags) as (it, watch):
        session = (await it.ask("ds4/agent/start", {"task": TASK}))["session"]
        await _until_prefill(it)
        os.kill(await _pid(it, tmp_path, victim), signal.SIGKILL)
        assert (await watch.ended(session))["status"] == "engine_lost"
        errors = [event for event in watch.events(session) if event["type"] == "error"]
        assert len(errors) == 1
        lost = await it.until(lambda _: [s for s in _statuses(it) if s["phase"] == "lost"])
        assert lost[0]["message"]
        assert await it.ask("ds4/agent/resume", {"session": session}) == {"session": session}
        assert (await watch.ended(session, 2))["status"] == "completed"
        assert (await it.ask("ds4/status/get", {}))["phase"] == "idle"


async def _pid(it: Editor, home: Path, victim: str) -> int:
    if victim == "sidecar":
        return _sidecar(home).pid
    if victim == "engine":
        return int((await asyncio.to_thread(_engine, _sidecar(home)))["pid"])
    server = it.client._server
    assert server is not None
    threads = Path(f"/proc/{server.pid}/task").iterdir()
    children = [int(pid) for thread in threads for pid in (thread / "children").read_text().split()]
    return next(pid for pid in children if b"ds4agent.engine" in Path(f"/proc/{pid}/cmdline").read_bytes())


async def test_an_engine_that_is_not_there_is_said_and_not_stormed(tmp_path: Path) -> None:
    async with at_work(tmp_path, "--engine", "http://127.0.0.1:9") as (it, watch):
        session = (await it.ask("ds4/agent/start", {"task": TASK}))["session"]
        assert (await watch.ended(session))["status"] == "engine_lost"
        status = await it.ask("ds4/status/get", {})
        assert status["phase"] == "lost"
        assert "no engine answers at http://127.0.0.1:9" in status["message"]
        for turn in range(2, 6):
            await it.ask("ds4/agent/resume", {"session": session})
            assert (await watch.ended(session, turn))["status"] == "engine_lost"
    log = (tmp_path / ".local/state/ds4agent/lsp.log").read_text()
    assert "Traceback" not in log
