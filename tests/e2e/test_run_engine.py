"""`ds4agent run` and the engine process it starts. What the model says does not matter here."""

from __future__ import annotations

import os
import re
import signal
import time
from pathlib import Path

import pytest

from tests.e2e.run_process import Home

pytestmark = pytest.mark.slow
# Several requests, so that there is time to interfere.
TASK = "Create a file called notes.txt with the line: hello. Then run cat notes.txt and say what it prints."


def _engines(home: Home) -> list[int]:
    """Engine processes started by runs of this home."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            words = (folder / "cmdline").read_bytes().split(b"\0")
            variables = (folder / "environ").read_bytes().split(b"\0")
        except OSError:
            continue
        if b"ds4agent.engine" in words and f"HOME={home.root}".encode() in variables:
            found.append(int(folder.name))
    return found


def _all_gone(home: Home) -> bool:
    deadline = time.monotonic() + 30
    while _engines(home) and time.monotonic() < deadline:
        time.sleep(0.02)
    return not _engines(home)


def test_an_engine_is_started_for_a_run_and_stopped_after_it(tmp_path: Path) -> None:
    home = Home(tmp_path, "embedded")
    ended = home.run("Hello!")
    assert (ended.code, _engines(home)) == (0, [])
    assert ended.out.strip()
    assert re.search(r"^prefill 100% \((\d+)/\1 tokens, \d+ t/s\)$", ended.err, re.MULTILINE)


def test_ctrl_c_while_the_engine_starts(tmp_path: Path) -> None:
    home = Home(tmp_path, "embedded")
    with home.started("Hello!") as run:
        run.until("session.started")
        assert len(_engines(home)) == 1
        run.signal(signal.SIGINT)
        assert run.end().code == 130
    assert _engines(home) == []


@pytest.mark.parametrize("moment", ["session.started", "item.started"])
def test_killing_the_agent_stops_its_engine(tmp_path: Path, moment: str) -> None:
    home = Home(tmp_path, "embedded")
    with home.started(TASK) as run:
        run.until(moment)
        run.signal(signal.SIGKILL)
        run.process.wait()
        assert _all_gone(home)


def test_a_lost_engine_leaves_the_session(tmp_path: Path) -> None:
    home = Home(tmp_path, "embedded")
    with home.started(TASK) as run:
        run.until("session.started")
        (engine,) = _engines(home)
        run.until("item.started")
        os.kill(engine, signal.SIGKILL)
        ended = run.end()
    assert ended.code == 5
    assert (ended.events[-1]["status"], ended.events[-1]["exit_code"]) == ("engine_lost", 5)
    assert "broke" in ended.complaint
    again = home.run("--json", "--continue")
    assert (again.code, again.events[0]["resumed"]) == (0, True)


def test_runs_side_by_side_have_an_engine_each(tmp_path: Path) -> None:
    home = Home(tmp_path, "embedded")
    with home.started(TASK) as one, home.started(TASK) as two:
        one.until("session.started")
        one.signal(signal.SIGSTOP)
        two.until("item.started")
        assert len(_engines(home)) == 2
        one.signal(signal.SIGCONT)
        for run in (one, two):
            run.signal(signal.SIGTERM)
        assert {one.end().code, two.end().code} == {130}
    assert _all_gone(home)


@pytest.mark.parametrize(
    ("content", "code", "said"),
    [
        (b"", 1, "the engine did not start: "),
        (b"GGUF" + b"\xff" * 64, 1, "the engine did not start: "),
        (b"#!/bin/sh\n" * 100, 1, "the engine did not start: "),
    ],
)
def test_a_broken_model(tmp_path: Path, content: bytes, code: int, said: str) -> None:
    model = tmp_path / "broken.gguf"
    model.write_bytes(content)
    ended = Home(tmp_path, "embedded").run("--model", str(model), "Hello!")
    assert (ended.code, ended.out) == (code, "")
    assert ended.complaint.startswith(said)
    assert ended.complaint.endswith("(exit code 1)")
