"""Ghost text in real Neovim, with the real server and engine; what the model writes is known beforehand."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from tests.editors.nvim import ATTACHED, Neovim, neovim
from tests.engine_fixtures import reciting_engine

# As the model writes it: the rest of a line, or two lines of a block.
WRITTEN = ["first", " + sec", "ond *", " thi", "rd\n", "    ret", "urn res", "ult"]
LINE, NEXT = "first + second * third", "    return result"
HEAD = "def total(first, second, third):"
# What may stand for the first piece of it, in the order in which it is drawn.
INSTEAD = ["fourth", "fifth"]
OTHERS = [LINE.replace("first", other) for other in INSTEAD]
ALL, BY_LINE, BY_WORD, DISMISS, COMPLETE = "\x19", "\x0c", "\x06", "\x05", "\x02"
ANOTHER, BEFORE = "\x0e", "\x10"
ROW = 2  # of the screen, below the two lines that are there


@pytest.fixture(scope="module")
def writing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("writing")
    with reciting_engine(folder, ["hm"], WRITTEN, "--ctx", "16384") as engine:
        yield f"http://127.0.0.1:{engine.port}"


def opened(
    program: Path,
    tmp_path: Path,
    engine: str,
    text: str = HEAD + "\n    # é💡\n",
    cmd: list[str] | None = None,
    **lsp: object,
) -> AbstractContextManager[Neovim]:
    """A file of that text, the cursor in its last line."""
    folder = tmp_path / "project"
    folder.mkdir()
    (folder / "sum.py").write_text(text)
    (tmp_path / "home").mkdir()
    settings = {"engine": engine, "lsp": {"completion_engine": engine, "debounce": 0.01, **lsp}}
    options = {"settings": settings, **({"cmd": cmd} if cmd else {})}
    return neovim(program, tmp_path / "home", folder, "+", "sum.py", engine=engine, options=options)


@pytest.fixture(scope="module")
def unsure(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("unsure")
    with reciting_engine(folder, ["hm"], WRITTEN, "--ctx", "16384", instead=INSTEAD) as engine:
        yield f"http://127.0.0.1:{engine.port}"


@pytest.fixture
def editor(nvim: Path, tmp_path: Path, writing: str) -> Iterator[Neovim]:
    with opened(nvim, tmp_path, writing) as it:
        yield it


def typed(it: Neovim) -> str:
    found: str = it.ask("vim.api.nvim_get_current_line()")
    return found


def shows(it: Neovim, line: str, row: int = ROW) -> None:
    """Wait until that is what the screen shows there."""
    it.wait(lambda text: text.split("\n")[row].rstrip() == line)


def test_it_appears_and_is_accepted(each_nvim: Path, tmp_path: Path, writing: str) -> None:
    with opened(each_nvim, tmp_path, writing) as it:
        it.type("oresult = ")
        shows(it, f"    result = {LINE}")
        assert typed(it) == "    result = "
        it.type(ALL + " # done")
        it.until("vim.api.nvim_get_current_line()", f"    result = {LINE} # done")


def test_a_word_is_accepted_and_the_rest_stays(each_nvim: Path, tmp_path: Path, writing: str) -> None:
    with opened(each_nvim, tmp_path, writing) as it:
        it.type("oresult = ")
        shows(it, f"    result = {LINE}")
        for taken in ("first", "first +", "first + second"):
            it.type(BY_WORD)
            it.until("vim.api.nvim_get_current_line()", f"    result = {taken}")
            shows(it, f"    result = {LINE}")


def test_lines_are_accepted_one_by_one(each_nvim: Path, tmp_path: Path, writing: str) -> None:
    with opened(each_nvim, tmp_path, writing, HEAD + "\n") as it:
        it.type("o")
        shows(it, f"    {LINE}", 1)
        shows(it, NEXT, 2)
        it.type(BY_LINE)
        it.until("vim.api.nvim_get_current_line()", f"    {LINE}")
        shows(it, NEXT, 2)
        assert it.buffer() == [HEAD, f"    {LINE}"]
        it.type(BY_LINE)
        it.until("vim.api.nvim_buf_get_lines(0, 0, -1, false)", [HEAD, f"    {LINE}", NEXT])


def test_it_follows_what_is_typed(each_nvim: Path, tmp_path: Path, writing: str) -> None:
    with opened(each_nvim, tmp_path, writing) as it:
        it.type("oresult = ")
        shows(it, f"    result = {LINE}")
        for count in range(1, 8):
            it.type(LINE[count - 1])
            it.until("vim.api.nvim_get_current_line()", f"    result = {LINE[:count]}")
            assert it.lines[ROW] == f"    result = {LINE}", "it lags behind the keys"
        it.type("\x7f")  # a character is taken back
        shows(it, f"    result = {LINE}")
        it.type("\x7f" * 6 + LINE[:4] + ALL)  # and keys that come faster than the screen
        it.until("vim.api.nvim_get_current_line()", f"    result = {LINE}")


def test_what_was_accepted_is_undone_by_itself(editor: Neovim) -> None:
    editor.type("oresult = ")
    shows(editor, f"    result = {LINE}")
    editor.type(BY_WORD + ALL)
    editor.until("vim.api.nvim_get_current_line()", f"    result = {LINE}")
    editor.type("\x1bu")
    editor.until("vim.api.nvim_get_current_line()", "    result = first")
    editor.type("u")
    editor.until("vim.api.nvim_get_current_line()", "    result = ")


def test_it_is_dismissed_until_something_else_is_typed(editor: Neovim) -> None:
    editor.type("oresult = ")
    shows(editor, f"    result = {LINE}")
    editor.type(DISMISS)
    shows(editor, "    result =")
    editor.type("(")
    shows(editor, f"    result = ({LINE}")


def test_other_text_ends_it_and_so_does_leaving_insert_mode(editor: Neovim) -> None:
    editor.type("oresult = ")
    shows(editor, f"    result = {LINE}")
    editor.type("9\x1b")
    shows(editor, "    result = 9")
    editor.type("A")
    editor.wait("first + second")
    editor.type("\x1b")
    shows(editor, "    result = 9")


def test_text_behind_the_cursor_stays_behind_it(editor: Neovim) -> None:
    editor.type("oresult = (9)\x1bhi")
    shows(editor, f"    result = ({LINE}9)")
    editor.type(ALL)
    editor.until("vim.api.nvim_get_current_line()", f"    result = ({LINE}9)")


def test_it_can_be_asked_for(nvim: Path, tmp_path: Path, writing: str) -> None:
    with opened(nvim, tmp_path, writing, completion="invoked") as it:
        it.until(ATTACHED)
        it.type("oresult = ")
        it.until("vim.api.nvim_get_current_line()", "    result = ")
        it.type(COMPLETE)
        shows(it, f"    result = {LINE}")


def test_others_are_looked_at_in_turn_and_accepted(each_nvim: Path, tmp_path: Path, unsure: str) -> None:
    with opened(each_nvim, tmp_path, unsure) as it:
        it.type("oresult = ")
        for line in (LINE, *OTHERS, LINE):
            shows(it, f"    result = {line}")
            it.type(ANOTHER)
        shows(it, f"    result = {OTHERS[0]}")
        it.type(BEFORE)
        shows(it, f"    result = {LINE}")
        it.type(BEFORE)
        shows(it, f"    result = {OTHERS[1]}")
        it.type(BY_WORD)
        it.until("vim.api.nvim_get_current_line()", "    result = fifth")
        shows(it, f"    result = {OTHERS[1]}")
        it.type(ALL)
        it.until("vim.api.nvim_get_current_line()", f"    result = {OTHERS[1]}")
        # Two that were looked at, the one that was taken, and what then comes by itself.
        wanted = {"shown": 4, "accepted": 1, "dismissed": 2, "characters": len(OTHERS[1])}
        asked = "vim.lsp.get_clients()[1]:request_sync('ds4/status/get', vim.empty_dict()).result"
        it.until(f"({asked}.acceptance or {{}}).python or 0", wanted)


def test_there_is_no_other_where_the_model_is_sure(editor: Neovim) -> None:
    editor.type("oresult = ")
    shows(editor, f"    result = {LINE}")
    editor.type(ANOTHER + "f")
    editor.until("vim.api.nvim_get_current_line()", "    result = f")
    editor.type(ANOTHER + ANOTHER + ALL)
    editor.until("vim.api.nvim_get_current_line()", f"    result = {LINE}")


def test_what_is_asked_for_comes_with_others(nvim: Path, tmp_path: Path, unsure: str) -> None:
    with opened(nvim, tmp_path, unsure, completion="invoked") as it:
        it.until(ATTACHED)
        it.type("oresult = ")
        it.until("vim.api.nvim_get_current_line()", "    result = ")
        it.type(COMPLETE)
        shows(it, f"    result = {LINE}")
        it.type(ANOTHER)
        shows(it, f"    result = {OTHERS[0]}")
        it.type("fo" + ALL)
        it.until("vim.api.nvim_get_current_line()", f"    result = {OTHERS[0]}")


def test_pause_and_statusline(nvim: Path, tmp_path: Path, writing: str) -> None:
    with opened(nvim, tmp_path, writing) as it:
        it.command("set statusline=%{v:lua.require'ds4agent'.statusline()}")
        it.wait(re.compile(r"^ds4 *$", re.MULTILINE))
        it.command("Ds4 pause")
        it.wait(re.compile(r"^ds4 paused", re.MULTILINE))
        it.type("oresult = \x1b")
        it.command("Ds4 resume")
        it.wait(re.compile(r"^ds4 *$", re.MULTILINE))
        assert LINE not in it.text
        it.type("A")
        shows(it, f"    result = {LINE}")


def test_the_server_hears_what_became_of_it(editor: Neovim) -> None:
    editor.type("oresult = ")
    shows(editor, f"    result = {LINE}")
    editor.type(BY_WORD + ALL)
    editor.until("vim.api.nvim_get_current_line()", f"    result = {LINE}")
    editor.type("\x1boother = ")
    shows(editor, f"    other = {LINE}", 3)
    editor.type(DISMISS)
    editor.type("\x1b")
    wanted = {"shown": 3, "accepted": 1, "dismissed": 2, "characters": len(LINE)}
    asked = "vim.lsp.get_clients()[1]:request_sync('ds4/status/get', vim.empty_dict()).result"
    editor.until(f"({asked}.acceptance or {{}}).python or 0", wanted)


def test_the_bundled_model_fills_a_hole(nvim: Path, tmp_path: Path, engine_url: str) -> None:
    text = (
        'def add(left, right):\n    """The sum."""\n\n\n\ndef double(value):\n    return add(value, value)\n'
    )
    with opened(nvim, tmp_path, engine_url, text, completion_engine=engine_url) as it:
        it.type("ggjoreturn left + ri")
        it.wait(re.compile(r"^    return left \+ ri\S", re.MULTILINE))
        assert typed(it) == "    return left + ri"
        shown = it.lines[ROW]
        it.type(ALL)
        it.until("vim.api.nvim_get_current_line()", shown)
