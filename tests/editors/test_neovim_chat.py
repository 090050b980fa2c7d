"""Chat in real Neovim, with the real server and engine; the model's words are known beforehand."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from tests.editors.nvim import Neovim, neovim
from tests.engine_fixtures import reciting_engine

REASONING = ["They ask about ", "a name.\nIt is in ", "the file."]
ANSWER = [
    "It adds ", "two numbers", ":\n\n", "```python\n", "def add(first, second):\n", "    return first ",
    "+ second\n", "```\n", "That ", "is all.",
]  # fmt: skip
SOURCE = "def add(first, second):\n    return second - first\n\n\nprint(add(1, 2))\n"
FOLD = "┆ 2 lines: They ask about a name."


@pytest.fixture(scope="module")
def reciting(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with reciting_engine(tmp_path_factory.mktemp("reciting"), REASONING, ANSWER, "--ctx", "16384") as engine:
        yield f"http://127.0.0.1:{engine.port}"


@pytest.fixture
def editor(nvim: Path, tmp_path: Path, reciting: str) -> Iterator[Neovim]:
    with _editor(nvim, tmp_path, reciting) as it:
        yield it


def _editor(program: Path, tmp_path: Path, engine: str) -> AbstractContextManager[Neovim]:
    folder = tmp_path / "project"
    folder.mkdir()
    (folder / "sum.py").write_text(SOURCE)
    (tmp_path / "home").mkdir()
    settings = {"engine": engine, "lsp": {"completion": "off", "thinking": True}}
    return neovim(program, tmp_path / "home", folder, "sum.py", engine=engine, options={"settings": settings})


def until_asked(it: Neovim, times: int) -> None:
    """Wait until the chat in the current window waits for a message, having got `times` - 1 replies."""
    lines = "vim.api.nvim_buf_get_lines(0, 0, -1, false)"
    it.until(f"#vim.tbl_filter(function(line) return line == '# You' end, {lines})", times)


def test_a_reply_is_streamed_with_its_reasoning_folded(
    each_nvim: Path, tmp_path: Path, reciting: str
) -> None:
    with _editor(each_nvim, tmp_path, reciting) as it:
        it.wait("def add")
        it.command("Ds4 chat what does add do? @file")
        it.wait("That is all.")
        until_asked(it, 2)
        text = it.wait("That is all.")
        assert "what does add do? @file" in text
        assert FOLD in text
        assert "It is in the file" not in text
        lines = it.buffer()
        assert "┆ It is in the file." in lines
        assert lines[lines.index("It adds two numbers:") :][2:5] == [
            "```python",
            "def add(first, second):",
            "    return first + second",
        ]
        highlighted = it.ask("vim.treesitter.highlighter.active[vim.api.nvim_get_current_buf()] ~= nil")
        assert highlighted == it.ask("pcall(vim.treesitter.language.inspect, 'markdown')")


def test_the_conversation_goes_on_below(editor: Neovim) -> None:
    editor.command("Ds4 chat first")
    until_asked(editor, 2)
    editor.type("isecond\x1b\r")
    until_asked(editor, 3)
    buffer = editor.buffer()
    assert [n for n in ("first", "second") if n in buffer] == ["first", "second"]
    assert buffer.count("# ds4agent") == 2
    editor.command("quit")
    editor.command("Ds4 chats")  # one conversation, with its first question for a title
    editor.wait("1: first")
    editor.type("1\r")
    until_asked(editor, 3)
    assert [line for line in editor.buffer() if line] == [line for line in buffer if line]


def test_what_is_selected_is_what_it_is_about(editor: Neovim) -> None:
    editor.command("1,2Ds4 chat why?")
    until_asked(editor, 2)
    (kept,) = (editor.folder.parent / "home").rglob("chats/*/*.jsonl")
    assert "return second - first" in kept.read_text()


def test_a_block_is_put_into_the_file(editor: Neovim) -> None:
    editor.command("Ds4 chat show me")
    until_asked(editor, 2)
    editor.type("?return\rgi")
    editor.command("wincmd p")
    editor.until("vim.api.nvim_buf_line_count(0)", 7)
    assert editor.buffer()[:4] == [
        "def add(first, second):",
        "def add(first, second):",
        "    return first + second",
        "    return second - first",
    ]


def test_a_block_takes_the_place_of_what_it_resembles_when_the_diff_is_agreed_to(editor: Neovim) -> None:
    editor.command("Ds4 chat show me")
    until_asked(editor, 2)
    editor.type("?return\rga")
    text = editor.wait("Apply these changes?")
    assert "-    return second - first" in text
    assert "+    return first + second" in text
    editor.type("n")
    editor.command("wincmd p")
    editor.wait(lambda text: "Apply these" not in text)
    assert editor.buffer() == SOURCE.splitlines()
    editor.command("wincmd p")
    editor.type("ga")
    editor.wait("Apply these changes?")
    editor.type("y")
    editor.command("wincmd p")
    editor.until("vim.api.nvim_buf_get_lines(0, 1, 2, false)[1]", "    return first + second")
    editor.type("u")  # one step
    editor.until("vim.api.nvim_buf_get_lines(0, 1, 2, false)[1]", "    return second - first")
    assert editor.buffer() == SOURCE.splitlines()


def test_lines_are_explained_in_a_conversation_of_their_own(editor: Neovim) -> None:
    editor.command("Ds4 explain")
    text = editor.wait("That is all.")
    assert "Explain sum.py, line 1." in text
    editor.command("wincmd p")
    editor.command("1,2Ds4 explain")
    editor.wait("Explain sum.py, lines 1 to 2.")
    editor.until("#vim.fn.getcompletion('ds4agent://chat/', 'buffer')", 2)


def test_two_conversations_do_not_mix(editor: Neovim) -> None:
    editor.command("Ds4 chat first")
    editor.command("Ds4 new")
    editor.type("iother\x1b\r")
    editor.wait(lambda text: text.count("That is all.") == 2)
    first, second = (editor.ask(f"vim.fn.getbufline('ds4agent://chat/{n}', 1, '$')") for n in (1, 2))
    assert first[2] == "first"
    assert second[2] == "other"
    assert first[3:] == second[3:]
