"""Code actions and edits in real Neovim: the diff is seen, the question asked, one undo takes it back."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from tests.editors.nvim import ATTACHED, Neovim, neovim
from tests.engine_fixtures import reciting_engine

ANSWER = ["```python\n", "def area(width, height):\n", "    return width * ", "height\n", "```"]
SOURCE = "def area(width, height):\n    return width + height\n\n\nprint(area(2, 3))\n"
FIXED = SOURCE.replace("width + height", "width * height").splitlines()
QUESTION = "Apply these changes?"
DIAGNOSTIC = """lua vim.diagnostic.set(vim.api.nvim_create_namespace("test"), 0, {{
    lnum = 1, col = 4, message = "area is a product", severity = 1, source = "test" }})""".replace("\n", " ")


@pytest.fixture(scope="module")
def editing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("editing")
    with reciting_engine(folder, ["hm"], ANSWER, "--ctx", "16384") as engine:
        yield f"http://127.0.0.1:{engine.port}"


def opened(program: Path, tmp_path: Path, engine: str, text: str = SOURCE) -> AbstractContextManager[Neovim]:
    folder = tmp_path / "project"
    folder.mkdir()
    (folder / "area.py").write_text(text)
    (tmp_path / "home").mkdir()
    options = {"settings": {"engine": engine, "lsp": {"completion": "off"}}}
    return neovim(program, tmp_path / "home", folder, "area.py", engine=engine, options=options)


def agree_to(it: Neovim) -> None:
    """Look at the diff, say yes, and take it back again."""
    text = it.wait(QUESTION)
    assert "-    return width + height" in text
    assert "+    return width * height" in text
    assert "-def area" not in text
    it.type("y")
    it.until("vim.api.nvim_buf_get_lines(0, 0, -1, false)", FIXED)
    it.wait(lambda text: "+    return" not in text and QUESTION not in text)
    it.type("u")
    it.until("vim.api.nvim_buf_get_lines(0, 0, -1, false)", SOURCE.splitlines())


def test_neovims_own_list_of_code_actions(each_nvim: Path, tmp_path: Path, editing: str) -> None:
    with opened(each_nvim, tmp_path, editing) as it:
        it.until(ATTACHED)
        it.type("jgra")
        text = it.wait("Simplify area")
        number = next(line for line in text.splitlines() if "Simplify area" in line).split(":")[0].strip()
        it.type(f"{number}\r")
        agree_to(it)


def test_no_changes_nothing(each_nvim: Path, tmp_path: Path, editing: str) -> None:
    with opened(each_nvim, tmp_path, editing) as it:
        it.until(ATTACHED)
        it.command("1,2Ds4 edit multiply")
        it.wait(QUESTION)
        it.type("n")
        it.wait(lambda text: QUESTION not in text)
        assert it.buffer() == SOURCE.splitlines()


def test_an_instruction(each_nvim: Path, tmp_path: Path, editing: str) -> None:
    with opened(each_nvim, tmp_path, editing) as it:
        it.until(ATTACHED)
        it.command("1,2Ds4 edit")
        it.wait("Edit:")
        it.type("it is a product\r")
        agree_to(it)


def test_what_another_server_found_is_fixed(nvim: Path, tmp_path: Path, editing: str) -> None:
    with opened(nvim, tmp_path, editing) as it:
        it.until(ATTACHED)
        it.command(DIAGNOSTIC)
        it.type("j")
        it.command("Ds4 fix")
        it.wait("Fix: area is a product")
        agree_to(it)


def test_lines_that_nobody_complains_about_are_fixed_too(nvim: Path, tmp_path: Path, editing: str) -> None:
    with opened(nvim, tmp_path, editing) as it:
        it.until(ATTACHED)
        it.command("1,2Ds4 fix")
        agree_to(it)


def test_a_test_is_written_into_a_file_of_its_own(nvim: Path, tmp_path: Path, editing: str) -> None:
    with opened(nvim, tmp_path, editing) as it:
        it.until(ATTACHED)
        it.command("Ds4 test")
        text = it.wait(QUESTION)
        assert "create " in text
        assert "+def area(width, height):" in text
        it.type("n")
        it.wait(lambda text: QUESTION not in text)
        assert [path.name for path in it.folder.iterdir()] == ["area.py"]
        it.command("Ds4 test")
        it.wait(QUESTION)
        it.type("y")
        it.until("#vim.fn.getcompletion('test_area.py', 'buffer')", 1)
        assert it.ask("vim.fn.getbufline('test_area.py', 1)")[0] == "def area(width, height):"


def test_a_file_that_changes_meanwhile_is_left_alone(nvim: Path, tmp_path: Path, editing: str) -> None:
    with opened(nvim, tmp_path, editing) as it:
        it.until(ATTACHED)
        it.command("lua vim.cmd('1,2Ds4 edit multiply') vim.fn.setline(5, 'changed')")
        it.wait("changed meanwhile")
        assert QUESTION not in it.text
        assert it.buffer() == [*SOURCE.splitlines()[:4], "changed"]


def test_a_long_diff_is_leafed_through(nvim: Path, tmp_path: Path, editing: str) -> None:
    lines = "".join(f"    value_{n} = {n}\n" for n in range(40))
    with opened(nvim, tmp_path, editing, f"def area(width, height):\n{lines}    return 0\n") as it:
        it.until(ATTACHED)
        it.command("%Ds4 edit shorten")
        assert "+    return width * height" not in it.wait("(F)urther")
        for last in ("value_27", "value_38", "+    return width * height"):
            it.type("f")
            it.wait(last)
        it.type("y")
        it.until("vim.api.nvim_buf_get_lines(0, 0, -1, false)", FIXED[:2])


def test_the_diff_is_that_of_the_file_and_not_of_one_with_a_longer_name(
    nvim: Path, tmp_path: Path, editing: str
) -> None:
    with opened(nvim, tmp_path, editing) as it:
        (it.folder / "area.p").write_text("other\n")
        where = "{ start = { line = 0, character = 0 }, ['end'] = { line = 0, character = 5 } }"
        change = f"{{ range = {where}, newText = 'new' }}"
        edit = f"{{ changes = {{ ['{(it.folder / 'area.p').as_uri()}'] = {{ {change} }} }} }}"
        found = it.ask(f"require('ds4agent.preview').diff({edit}, 'utf-16')")
        assert found == ["--- area.p", "+++ area.p", "@@ -1 +1 @@", "-other", "+new"]
