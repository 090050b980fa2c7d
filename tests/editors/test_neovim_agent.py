"""The agent in real Neovim: real turns on the bundled model, and files put back."""

from __future__ import annotations

import re
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from tests.e2e.task_runner import make_repository
from tests.editors.nvim import ATTACHED, Neovim, neovim

pytestmark = pytest.mark.slow
FILES = {"CHANGES.md": "# Changes\n\n- first release\n", "README.md": "# Kitchen\n"}
APPEND = 'Append the line "- faster start" to CHANGES.md'
SLOW = "Run sleep 60 and tell me what it prints."
AGENT = "vim.fn.getbufline('ds4agent://agent/1', 1, '$')"


def opened(program: Path, tmp_path: Path, engine: str, **settings: object) -> AbstractContextManager[Neovim]:
    folder = tmp_path / "project"
    make_repository(folder, FILES, "Start")
    (tmp_path / "home").mkdir()
    options = {"settings": {"engine": engine, "lsp": {"completion": "off"}, **settings}}
    return neovim(program, tmp_path / "home", folder, "CHANGES.md", engine=engine, options=options)


def ended(it: Neovim, status: str = "completed") -> str:
    """The text of the agent's buffer, when a turn is over."""
    it.until(f"vim.tbl_contains({AGENT}, '*{status}*')")
    found: list[str] = it.ask(AGENT)
    return "\n".join(found)


def test_a_turn_is_shown_and_put_back(each_nvim: Path, tmp_path: Path, engine_url: str) -> None:
    with opened(each_nvim, tmp_path, engine_url) as it:
        it.until(ATTACHED)
        it.command(f"Ds4 agent {APPEND}")
        ended(it)
        it.until(f"vim.tbl_contains({AGENT}, '# Changes')")
        text = "\n".join(it.ask(AGENT))
        assert text.startswith(f"# {APPEND}\n")
        assert re.search(r"^\*\d+ tokens read, \d+ of them cached; \d+ written; \d+ s\*$", text, re.MULTILINE)
        changes = text.partition("\n# Changes\n")[2]
        assert "+- faster start" in changes
        # The file's window shows what is on the disk now.
        it.until("vim.fn.getbufline('CHANGES.md', 1, '$')[4]", "- faster start")

        it.command("Ds4 putback")
        text = it.wait("Take these changes back (1 files)?")
        assert "+- faster start" in text
        it.type("y")
        it.wait("1 files put back")
        assert (it.folder / "CHANGES.md").read_text() == FILES["CHANGES.md"]
        it.until("vim.fn.getbufline('CHANGES.md', 1, '$')", FILES["CHANGES.md"].splitlines())


def test_the_next_task_goes_on_in_the_same_session(nvim: Path, tmp_path: Path, engine_url: str) -> None:
    with opened(nvim, tmp_path, engine_url) as it:
        it.until(ATTACHED)
        it.command(f"Ds4 agent {APPEND}")
        ended(it)
        it.command('Ds4 agent Append the line "- better tests" to CHANGES.md')
        it.until(f"#vim.tbl_filter(function(line) return line == '*completed*' end, {AGENT})", 2)
        assert (it.folder / "CHANGES.md").read_text().endswith("- faster start\n- better tests\n")
        it.until("#vim.fn.getcompletion('ds4agent://agent/', 'buffer')", 1)


def test_it_is_interrupted(nvim: Path, tmp_path: Path, engine_url: str) -> None:
    with opened(nvim, tmp_path, engine_url) as it:
        it.until(ATTACHED)
        it.command("set statusline=%{v:lua.require'ds4agent'.statusline()}")
        it.command(f"Ds4 agent {SLOW}")
        # Above the window: what it does and has cost, while the command runs.
        it.wait(re.compile(r"at work · \d+ s · \d+ tokens read"))
        it.command("Ds4 stop")
        ended(it, "interrupted")
        it.until("vim.wo.winbar", "")
        it.wait(re.compile(r"^ds4 +ds4 *$", re.MULTILINE))


def test_a_file_that_the_user_changed_is_left_alone(nvim: Path, tmp_path: Path, engine_url: str) -> None:
    with opened(nvim, tmp_path, engine_url) as it:
        it.until(ATTACHED)
        it.command(f"Ds4 agent {APPEND}")
        ended(it)
        it.until("vim.fn.getbufline('CHANGES.md', 1, '$')[4]", "- faster start")
        it.command("wincmd p")
        it.type("Gomine\x1b")
        it.command("Ds4 putback")
        it.wait("Take these changes back (1 files)?")
        it.type("y")
        it.wait("unsaved changes in the editor")
        assert (it.folder / "CHANGES.md").read_text().endswith("- faster start\n")


def test_a_step_is_approved(nvim: Path, tmp_path: Path, engine_url: str) -> None:
    with opened(nvim, tmp_path, engine_url, approve="ask") as it:
        it.until(ATTACHED)
        it.command(f"Ds4 agent {APPEND}")
        asked = 0

        def over(text: str) -> bool:
            nonlocal asked
            if "Allow this step?" in text:
                asked += 1
                it.type("y")
            return "completed" in text and "tokens read" in text

        it.wait(over)
        assert asked
        assert (it.folder / "CHANGES.md").read_text().endswith("- faster start\n")
