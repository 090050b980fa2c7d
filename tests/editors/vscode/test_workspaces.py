"""Folders in real VS Code: several at once, one in two windows, one that is renamed under the editor."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.e2e.task_runner import make_repository
from tests.editors.vscode.conftest import Windows
from tests.editors.vscode.engines import LINE, TOTAL, WRITTEN, reciter, url
from tests.editors.vscode.test_agent import APPEND, FILES
from tests.editors.vscode.workbench import Workbench

pytestmark = pytest.mark.slow
APPENDED = FILES["CHANGES.md"] + "- faster start\n"


@pytest.fixture(scope="module")
def writing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with reciter(tmp_path_factory.mktemp("writing"), ["hm"], WRITTEN) as engine:
        yield url(engine)


def several(folder: Path, *names: str) -> Path:
    """A workspace of folders by these names."""
    found = folder / "all.code-workspace"
    found.write_text(json.dumps({"folders": [{"path": name} for name in names]}))
    return found


def begin(it: Workbench) -> None:
    """A line of its own, and a beginning in it."""
    it.go(2)
    it.key("End", "Enter")
    it.wait_cursor("Ln 3, Col 5")
    it.type("result = ")
    it.wait_line("result = ")


def test_a_folder_has_settings_of_its_own(it: Workbench, tmp_path: Path, writing: str) -> None:
    files = [tmp_path / name / f"{name}.py" for name in ("one", "two")]
    for file in files:
        file.parent.mkdir()
        file.write_text(TOTAL)
    own = files[1].parent / ".vscode" / "settings.json"
    own.parent.mkdir()
    own.write_text(json.dumps({"ds4agent.lsp.completion": "invoked"}))
    it.server.configure(ds4agent__engine=writing, ds4agent__lsp__completion_engine=writing)
    it.open(several(tmp_path, "one", "two"), files[1])
    begin(it)
    # In the other folder it comes by itself, so here it would have by now, too.
    it.file("one.py")
    begin(it)
    it.wait_ghost(LINE)
    it.file("two.py")
    it.wait_no_ghost()
    it.go(3)
    it.key("End")
    it.key("Space")
    it.command("ds4agent: Suggest Here")
    it.wait_ghost(LINE)


def test_the_agent_works_in_the_folder_of_the_file_in_front(
    it: Workbench, tmp_path: Path, engine_url: str
) -> None:
    for name in ("one", "two"):
        make_repository(tmp_path / name, FILES, "Start")
    it.server.configure(ds4agent__engine=engine_url, ds4agent__lsp__completion="off")
    it.open(several(tmp_path, "one", "two"), tmp_path / "two" / "CHANGES.md")
    it.command("ds4agent: Give the Agent a Task...")
    expect(it.page.locator(".quick-input-title")).to_have_text("Agent in two")
    it.answer(APPEND)
    rows = it.page.locator(".pane", has_text="Agent").locator(".monaco-list-row")
    expect(rows.filter(has_text=APPEND).filter(has_text="completed")).to_be_visible()
    assert (tmp_path / "two" / "CHANGES.md").read_text() == APPENDED
    assert (tmp_path / "one" / "CHANGES.md").read_text() == FILES["CHANGES.md"]


def test_two_windows_complete_in_the_same_file(windows: Windows, tmp_path: Path, writing: str) -> None:
    file = tmp_path / "project" / "sum.py"
    file.parent.mkdir()
    file.write_text(TOTAL)
    both = [windows(), windows()]
    for it in both:
        it.server.configure(ds4agent__engine=writing, ds4agent__lsp__completion_engine=writing)
        it.open(file.parent, file)
    for it in both:
        begin(it)
    for it in both:
        it.wait_ghost(LINE)
    # One saves; the other one has unsaved text, goes on working and loses nothing.
    both[0].key("Tab")
    both[0].save(file, TOTAL.rstrip("\n") + f"\n    result = {LINE}\n")
    both[1].key("Control+ArrowRight")
    both[1].wait_line("result = first")
    both[1].wait_ghost(LINE.removeprefix("first"))
    both[1].page.close()
    both[0].key("Enter")
    both[0].wait_ghost(LINE)


def test_the_folder_is_renamed_under_the_editor(it: Workbench, tmp_path: Path, writing: str) -> None:
    folder, elsewhere = tmp_path / "project", tmp_path / "renamed"
    file = folder / "sum.py"
    folder.mkdir()
    file.write_text(TOTAL)
    it.server.configure(ds4agent__engine=writing, ds4agent__lsp__completion_engine=writing)
    it.open(folder, file)
    begin(it)
    it.wait_ghost(LINE)
    folder.rename(elsewhere)
    it.page.wait_for_selector(
        '.tab.active [class*="deleted"], .tab.active.deleted, .tab.active .strikethrough'
    )
    # What was typed is there, and what is in the editor is still completed.
    it.key("Tab")
    it.wait_line(f"result = {LINE}")
    it.key("Enter")
    it.wait_ghost(LINE)
    # What needs the folder says what is wrong, and the chat does not need it.
    it.command("ds4agent: Give the Agent a Task...")
    it.answer("Do something")
    it.notification(f"{folder} is not a folder").wait_for()
    chat = it.frame()
    chat.fill("#question", "Still there?")
    chat.press("#question", "Enter")
    expect(chat.locator("#turns article .reply")).to_contain_text(LINE)
    # It comes back, and all is as before.
    elsewhere.rename(folder)
    it.page.locator('.tab[data-resource-name="sum.py"]').click()
    it.go(3)
    it.key("End")
    it.type(" # kept")
    it.save(file, lambda text: f"    result = {LINE} # kept\n" in text)
    it.ready()
