"""Ghost text in real VS Code, with the real server and engine; what the model writes is known beforehand."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.editors.vscode.conftest import Shoot
from tests.editors.vscode.engines import INSTEAD, LINE, NEXT, OTHERS, TOTAL, WRITTEN, reciter, url
from tests.editors.vscode.workbench import Workbench

pytestmark = pytest.mark.slow
ASKED, RESTED = "Sending request 'textDocument/inlineCompletion", "Sending notification 'ds4/cursor"


@pytest.fixture(scope="module")
def writing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with reciter(tmp_path_factory.mktemp("writing"), ["hm"], WRITTEN) as engine:
        yield url(engine)


def opened(it: Workbench, folder: Path, engine: str, text: str = TOTAL, **settings: Any) -> Path:
    """A file of two lines, the cursor behind them."""
    file = folder / "project" / "sum.py"
    file.parent.mkdir()
    file.write_text(text)
    it.server.configure(ds4agent__engine=engine, ds4agent__lsp__completion_engine=engine, **settings)
    it.open(file.parent, file)
    it.go(2)
    it.key("End")
    it.wait_cursor("Ln 2, Col 9")
    return file


def begin(it: Workbench) -> None:
    """In a line of its own."""
    it.key("Enter")
    it.wait_cursor("Ln 3, Col 5")
    it.type("result = ")


def saved(it: Workbench, file: Path, *lines: str) -> None:
    """Until these are the lines that are really there: ghost text is not saved."""
    it.save(file, lambda text: [line.rstrip(" ") for line in text.splitlines()[2:]] == list(lines))


def test_it_appears_and_is_accepted(it: Workbench, tmp_path: Path, writing: str, shoot: Shoot) -> None:
    file = opened(it, tmp_path, writing)
    begin(it)
    it.wait_ghost(LINE)
    shoot(it, "ghost-text.png")
    saved(it, file, "    result =")
    it.key("Tab")
    it.type(" # done")
    it.wait_line(f"result = {LINE} # done")
    saved(it, file, f"    result = {LINE} # done")
    assert it.dialogs == []


def test_a_word_is_accepted_and_the_rest_stays(it: Workbench, tmp_path: Path, writing: str) -> None:
    file = opened(it, tmp_path, writing)
    begin(it)
    it.wait_ghost(LINE)
    it.key("Control+ArrowRight")
    it.wait_cursor("Ln 3, Col 19")
    it.wait_ghost(" + second * third")
    saved(it, file, "    result = first")
    it.key("Tab")
    it.wait_cursor("Ln 3, Col 36")
    saved(it, file, f"    result = {LINE}")


def test_a_line_is_accepted_and_the_next_one_stays(it: Workbench, tmp_path: Path, writing: str) -> None:
    file = opened(it, tmp_path, writing)
    it.key("Enter")
    it.wait_ghost(NEXT.strip())
    it.key("Control+Alt+ArrowRight")
    it.wait_cursor("Ln 4")
    it.wait_ghost(NEXT.strip())
    it.wait_line(LINE)
    saved(it, file, f"    {LINE}", "")
    it.key("Control+Alt+ArrowRight")
    it.wait_cursor("Ln 4, Col 18")
    saved(it, file, f"    {LINE}", NEXT)


def test_none_where_the_language_has_it_off(it: Workbench, tmp_path: Path, writing: str) -> None:
    """Invoked by hand it would be there: the engine works, and it is the setting that keeps it away."""
    off: dict[str, Any] = {"[python]": {"ds4agent.lsp.completion": "invoked"}}
    opened(it, tmp_path, writing, **off)
    begin(it)
    it.command("ds4agent: Suggest Here")
    it.wait_ghost(LINE)


def test_others_are_looked_at_in_turn_and_accepted(it: Workbench, tmp_path: Path) -> None:
    with reciter(tmp_path / "engine", ["hm"], WRITTEN, INSTEAD) as engine:
        file = opened(it, tmp_path, url(engine))
        begin(it)
        for line in (LINE, *OTHERS, LINE):
            it.wait_ghost(line)
            it.key("Alt+]")
        it.wait_ghost(OTHERS[0])
        it.key("Alt+[")
        it.wait_ghost(LINE)
        it.key("Alt+[")
        it.wait_ghost(OTHERS[1])
        it.key("Control+ArrowRight")
        it.wait_cursor("Ln 3, Col 19")
        it.wait_ghost(OTHERS[1].removeprefix("fifth"))
        it.key("Tab")
        saved(it, file, f"    result = {OTHERS[1]}")


def test_nothing_is_asked_while_an_entry_of_the_list_says_something_else(
    it: Workbench, tmp_path: Path, writing: str
) -> None:
    text = TOTAL.replace("third", "third, firmament")
    listed: dict[str, Any] = {
        "editor__wordBasedSuggestions": "currentDocument",
        "ds4agent__trace__server": "messages",
    }
    opened(it, tmp_path, writing, text, **listed)
    it.command("Developer: Set Log Level...")
    for choice in ("ds4agent", "Trace"):
        it.page.locator(".quick-input-list .monaco-list-row").filter(has_text=choice).first.click()
    it.page.wait_for_selector(".quick-input-widget", state="hidden")
    it.go(2)
    it.key("End")
    begin(it)
    it.wait_ghost(LINE)
    it.type("fi")
    it.wait_ghost(LINE.removeprefix("fi"))
    it.key("Control+Space")
    row = it.page.locator(".suggest-widget.visible .monaco-list-row.focused")
    disagrees, agrees = row.filter(has_text="firmament"), row.filter(has_text="first")
    expect(row).to_be_visible()
    if not agrees.is_visible():
        it.key("ArrowDown")
    expect(agrees).to_be_visible()
    it.wait_ghost(LINE.removeprefix("first"))
    since = datetime.now()
    it.key("ArrowDown")
    expect(disagrees).to_be_visible()
    it.wait_no_ghost()
    it.type("r")
    expect(disagrees).to_be_visible()
    # Where the cursor rests is told later than a request would be sent.
    it.server.wait_logged(RESTED, since)
    assert it.server.logged(ASKED, since) == 0
    it.key("Escape")
    it.wait_ghost(LINE.removeprefix("fir"))
    it.server.wait_logged(ASKED, since)


def test_a_file_that_is_paused_is_still_paused_when_it_is_opened_again(
    it: Workbench, tmp_path: Path, writing: str
) -> None:
    file = opened(it, tmp_path, writing)
    it.command("ds4agent: Pause or Resume Completion in This File")
    it.status("paused here").wait_for()
    it.command("View: Close Editor")
    it.page.wait_for_selector(".tab", state="detached")
    it.status("paused here").wait_for(state="detached")
    it.file(file.name)
    it.status("paused here").wait_for()
    # What the server does is what is shown.
    it.command("ds4agent: Pause or Resume Completion in This File")
    it.status("paused here").wait_for(state="detached")
    it.go(2)
    it.key("End")
    begin(it)
    it.wait_ghost(LINE)
