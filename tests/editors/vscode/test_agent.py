"""The agent in real VS Code: a real turn on the bundled model, its change as a diff, and put back."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.e2e.task_runner import make_repository
from tests.editors.vscode.conftest import Shoot
from tests.editors.vscode.workbench import Workbench

pytestmark = pytest.mark.slow
FILES = {"CHANGES.md": "# Changes\n\n- first release\n", "README.md": "# Kitchen\n"}
APPEND = 'Append the line "- faster start" to CHANGES.md'
DIFF = ".monaco-diff-editor:visible"


def test_a_turn_is_shown_and_put_back(it: Workbench, tmp_path: Path, engine_url: str, shoot: Shoot) -> None:
    folder = tmp_path / "project"
    make_repository(folder, FILES, "Start")
    it.server.configure(ds4agent__engine=engine_url, ds4agent__lsp__completion="off")
    it.open(folder, folder / "CHANGES.md")
    it.command("ds4agent: Give the Agent a Task...")
    it.answer(APPEND)
    rows = it.page.locator(".pane", has_text="Agent").locator(".monaco-list-row")
    change = rows.filter(has_text="CHANGES.md").last
    expect(rows.filter(has_text=APPEND).filter(has_text="completed")).to_be_visible()
    assert (folder / "CHANGES.md").read_text() == FILES["CHANGES.md"] + "- faster start\n"
    change.click()
    expect(it.page.locator(DIFF)).to_contain_text("- faster")
    shoot(it, "agent.png")

    rows.filter(has_text=APPEND).hover()
    rows.filter(has_text=APPEND).get_by_role("button", name="Put Back All Files").click()
    it.page.get_by_role("button", name="Put Back", exact=True).click()
    it.notification("1 file was put back.").wait_for()
    assert (folder / "CHANGES.md").read_text() == FILES["CHANGES.md"]
