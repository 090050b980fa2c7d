"""The agent in real VS Code: a real turn on the bundled model, its change as a diff, and put back."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.sync_api import Locator, expect

from tests.e2e.task_runner import make_repository
from tests.editors.vscode.conftest import Shoot
from tests.editors.vscode.engines import LONG, reciter, url
from tests.editors.vscode.workbench import Workbench

pytestmark = pytest.mark.slow
FILES = {"CHANGES.md": "# Changes\n\n- first release\n", "README.md": "# Kitchen\n"}
APPEND = 'Append the line "- faster start" to CHANGES.md'
FIGURES = re.compile(r"writing · (\d+) s · (\d+) tokens written")
DIFF = ".monaco-diff-editor:visible"


def at_work(it: Workbench, folder: Path, engine: str) -> Locator:
    """The agent has its task; the rows of its view."""
    make_repository(folder, FILES, "Start")
    it.server.configure(ds4agent__engine=engine, ds4agent__lsp__completion="off")
    it.open(folder, folder / "CHANGES.md")
    it.command("ds4agent: Give the Agent a Task...")
    it.answer(APPEND)
    return it.page.locator(".pane", has_text="Agent").locator(".monaco-list-row")


def test_a_turn_is_shown_and_put_back(it: Workbench, tmp_path: Path, engine_url: str, shoot: Shoot) -> None:
    folder = tmp_path / "project"
    rows = at_work(it, folder, engine_url)
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


def test_without_a_server_only_one_says_so(it: Workbench, tmp_path: Path, engine_url: str) -> None:
    rows = at_work(it, tmp_path / "project", engine_url)
    expect(rows.filter(has_text=APPEND).filter(has_text="completed")).to_be_visible()
    expect(rows.filter(has_text="changed")).to_be_visible()
    it.server.configure(ds4agent__path=str(tmp_path / "absent"))
    it.notification("which is no program").wait_for()
    expect(rows.filter(has_text="changed")).to_have_count(0)
    expect(it.page.locator(".notification-list-item")).to_have_count(1)


def figures(pane: Locator) -> tuple[int, int]:
    """Seconds and tokens written, as the view has them while the model writes."""
    expect(pane).to_contain_text(FIGURES)
    found = FIGURES.search(pane.inner_text())
    assert found
    return int(found[1]), int(found[2])


def test_tokens_and_seconds_are_seen_while_it_works(it: Workbench, tmp_path: Path) -> None:
    folder = tmp_path / "project"
    make_repository(folder, FILES, "Start")
    with reciter(tmp_path / "engine", [], LONG) as engine:
        it.server.configure(ds4agent__engine=url(engine), ds4agent__lsp__completion="off")
        it.open(folder, folder / "CHANGES.md")
        it.command("ds4agent: Give the Agent a Task...")
        it.answer(APPEND)
        pane = it.page.locator(".pane", has_text="Agent").filter(has_text="tokens written")
        first = figures(pane)
        expect(pane).not_to_contain_text(f"{first[1]} tokens written")
        expect(pane).not_to_contain_text(f"{first[0]} s ·")
        assert figures(pane) > first
        row = pane.locator(".monaco-list-row", has_text=APPEND)
        row.hover()
        row.get_by_role("button", name="Stop").click()
        expect(pane).to_contain_text("interrupted · ")
