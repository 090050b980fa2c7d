"""What is over is shown to be over: by the server's death, or behind a closed buffer."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from tests.editors.nvim import ATTACHED, Neovim
from tests.editors.test_neovim_agent import AGENT, SLOW, opened
from tests.editors.test_neovim_chat import _editor, until_asked
from tests.editors.test_neovim_faults import MESSAGES, SERVER, server_pid
from tests.engine_fixtures import reciting_engine

# So long that a test is through before it ends.
LONG = [f"word{n} " for n in range(30_000)]
# Fences of both signs, one in the other.
BLOCKS = "~~~text\n```\nfirst\n```\n~~~\n\n```python\nsecond = 2\n```\n"
NOTHING = "nothing is under way"


def kill_server(it: Neovim) -> None:
    """Until there is another one."""
    before = it.ask(f"{SERVER}.id")
    os.kill(server_pid(it), signal.SIGKILL)
    it.wait("Press ENTER")  # Neovim's own message
    it.type("\r")
    it.until(f"{SERVER} ~= nil and {SERVER}.id > {before}")


def test_a_chat_goes_on_when_its_server_has_died(nvim: Path, tmp_path: Path) -> None:
    (tmp_path / "engine").mkdir()
    with (
        reciting_engine(tmp_path / "engine", ["hm"], LONG, "--ctx", "16384") as engine,
        _editor(nvim, tmp_path, f"http://127.0.0.1:{engine.port}") as it,
    ):
        it.until(ATTACHED)
        it.command("Ds4 chat one")
        it.wait("word0 ")
        kill_server(it)
        until_asked(it, 2)
        assert it.buffer().count("*no reply*") == 1
        it.type("GAtwo\x1b\r")
        it.until("#vim.tbl_filter(function(l) return l:find('^word0 ') end, vim.fn.getline(1, '$'))", 2)


@pytest.mark.slow
def test_the_agent_is_not_at_work_when_its_server_has_died(
    nvim: Path, tmp_path: Path, engine_url: str
) -> None:
    with opened(nvim, tmp_path, engine_url) as it:
        it.until(ATTACHED)
        it.command(f"Ds4 agent {SLOW}")
        it.wait("at work · ")
        kill_server(it)
        it.until(f"vim.tbl_contains({AGENT}, '*the language server ended*')")
        it.command("Ds4 stop")
        it.wait(NOTHING)


@pytest.mark.slow
def test_the_agent_ends_behind_a_closed_buffer(nvim: Path, tmp_path: Path, engine_url: str) -> None:
    with opened(nvim, tmp_path, engine_url) as it:
        it.until(ATTACHED)
        it.command(f"Ds4 agent {SLOW}")
        it.wait("at work · ")
        it.command("Ds4 new")
        it.type("\x03")  # stops the reply, of which there is none, and not the agent
        it.wait("no reply is under way")
        it.command("bdelete ds4agent://agent/1")
        it.command("Ds4 agent")  # another buffer for it
        it.until("vim.api.nvim_buf_get_name(0):match('agent/2$') ~= nil")
        it.command("bdelete")
        it.command("Ds4 stop")
        it.until("require('ds4agent').statusline()", "ds4")
        it.command("Ds4 stop")
        it.wait(NOTHING)
        assert "Error" not in it.ask(MESSAGES)


def test_a_block_is_that_at_the_cursor(nvim: Path, tmp_path: Path) -> None:
    """Whatever its fence is, and whatever turn had no reply before."""
    (tmp_path / "engine").mkdir()
    with (
        reciting_engine(tmp_path / "engine", ["hm"], [BLOCKS], "--ctx", "16384") as engine,
        _editor(nvim, tmp_path, f"http://127.0.0.1:{engine.port}") as it,
    ):
        it.until(ATTACHED)
        it.type("3G")
        it.command("Ds4 chat @symbol here is none")
        until_asked(it, 2)
        it.type("\r")  # what the server said about it
        it.command("Ds4 chat and now?")
        until_asked(it, 3)
        for line in ("first", "second = 2"):
            it.command(f"call search('^{line}$')")
            it.type("gi")
        it.until(
            "vim.fn.getbufline('sum.py', 1, '$')",
            [
                *("def add(first, second):", "    return second - first", ""),
                *("second = 2", "```", "first", "```"),
                *("", "print(add(1, 2))"),
            ],
        )
