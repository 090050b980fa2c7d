"""An agent that others wrote, on the engine process with the bundled model: it calls its tool, and ends."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.e2e.npm_agent import run_agent
from tests.engine_fixtures import running_engine


@pytest.mark.slow
def test_an_agent_from_npm_does_a_task_and_reads_its_prompt_once(tmp_path: Path) -> None:
    home, folder = tmp_path / "home", tmp_path / "project"
    folder.mkdir()
    (folder / "notes.txt").write_text("port = 8080\nhost = sun\n")
    with running_engine(tmp_path / "engine", "--threads", "2") as engine:
        task = "Run `sort notes.txt` and tell me what it printed."
        code, events = run_agent(home, folder, engine.port, task)
    assert code == 0
    replies: list[Any] = [e["message"] for e in events if e["type"] == "message_end"]
    replies = [message for message in replies if message["role"] == "assistant"]
    assert [reply["stopReason"] for reply in replies] == ["toolUse", "stop"]
    assert replies[0]["content"][-1]["name"] == "bash"
    assert "host = sun\nport = 8080" in replies[1]["content"][-1]["text"]
    first, second = (reply["usage"] for reply in replies)
    # All that the first turn read and wrote was there in the second; this agent counts the written ones off.
    assert second["cacheRead"] + second["cacheWrite"] == first["cacheWrite"] + first["output"]
    assert second["cacheWrite"] < 60
    assert not any("DSML" in part.get("text", "") for reply in replies for part in reply["content"])
