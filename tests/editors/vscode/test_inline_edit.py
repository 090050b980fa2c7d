"""Edits by instruction in real VS Code: a diff, decided change by change, taken back step by step."""

from __future__ import annotations

import re
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.editors.vscode.conftest import Shoot
from tests.editors.vscode.engines import COUNTED, COUNTER, LONG, RECOUNT, RETURNED, reciter, url
from tests.editors.vscode.workbench import Workbench
from tests.engine_fixtures import EngineProcess

pytestmark = pytest.mark.slow
FIRST = COUNTER.replace(*COUNTED)
SECOND = COUNTER.replace(*RETURNED)
BOTH = FIRST.replace(*RETURNED)
DIFF = ".monaco-diff-editor:visible"
INSTRUCTION = "Count each word once"


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EngineProcess]:
    with reciter(tmp_path_factory.mktemp("counting"), [], RECOUNT) as found:
        yield found


@pytest.fixture
def file(it: Workbench, tmp_path: Path, engine: EngineProcess) -> Path:
    return opened(it, tmp_path, engine)


def opened(it: Workbench, folder: Path, engine: EngineProcess) -> Path:
    found = folder / "project" / "count.py"
    found.parent.mkdir()
    found.write_text(COUNTER)
    it.server.configure(ds4agent__engine=url(engine), ds4agent__lsp__completion="off")
    it.open(found.parent, found)
    it.go(7)
    return found


def ask(it: Workbench) -> None:
    it.key("Control+i")
    it.answer(INSTRUCTION)


def proposed(it: Workbench, *texts: str) -> None:
    """Until the diff shows what is not decided about."""
    diff = it.page.locator(DIFF)
    for text in (COUNTED[1], RETURNED[1].strip()):
        shown = expect(diff.locator(".editor.modified .view-lines"))
        if text in texts:
            shown.to_contain_text(nbsp(text))
        else:
            shown.not_to_contain_text(nbsp(text))
    # The palette lists the commands only once VS Code knows that a proposal is in front, as the buttons do.
    it.page.get_by_role("button", name="Accept All Changes").first.wait_for()


def nbsp(text: str) -> re.Pattern[str]:
    return re.compile(re.escape(text).replace(r"\ ", r"\s"))


def decided(it: Workbench) -> None:
    """Until nothing is left to be decided about, and the file is in front."""
    it.page.wait_for_selector(DIFF, state="hidden")
    it.page.wait_for_selector('.tab.active[data-resource-name="count.py"]')


def test_one_change_is_accepted_and_one_rejected(it: Workbench, file: Path, shoot: Shoot) -> None:
    ask(it)
    proposed(it, COUNTED[1], RETURNED[1].strip())
    it.page.wait_for_selector(".notification-list-item", state="detached")
    shoot(it, "inline-edit.png")
    assert file.read_text() == COUNTER
    it.key("Control+Enter")
    it.page.wait_for_selector(".tab.dirty")
    it.key("Control+Backspace")
    decided(it)
    it.save(file, FIRST)
    it.key("Control+z")
    it.wait_line(COUNTED[0])
    it.save(file, COUNTER)


def test_the_buttons_decide_about_the_change_at_the_cursor(it: Workbench, file: Path) -> None:
    ask(it)
    proposed(it, COUNTED[1], RETURNED[1].strip())
    it.page.get_by_role("button", name="Reject This Change").click()
    proposed(it, RETURNED[1].strip())
    it.page.get_by_role("button", name="Accept This Change").click()
    decided(it)
    it.save(file, SECOND)


def test_each_accepted_change_is_taken_back_in_one_step(it: Workbench, file: Path) -> None:
    ask(it)
    proposed(it, COUNTED[1], RETURNED[1].strip())
    it.key("Control+Enter")
    it.page.wait_for_selector(".tab.dirty")
    it.key("Control+Enter")
    decided(it)
    it.wait_line(RETURNED[1].strip())
    it.save(file, BOTH)
    it.key("Control+z")
    it.wait_line(RETURNED[0].strip() + "\n")
    it.save(file, FIRST)
    it.key("Control+z")
    it.wait_line(COUNTED[0])
    it.save(file, COUNTER)


def test_decisions_are_taken_back_in_the_diff(it: Workbench, file: Path) -> None:
    ask(it)
    proposed(it, COUNTED[1], RETURNED[1].strip())
    it.key("Control+Enter")
    it.page.wait_for_selector(".tab.dirty")
    it.key("Control+z")
    it.page.wait_for_selector('.tab[data-resource-name="count.py"]:not(.dirty)')
    it.key("Control+Backspace")
    proposed(it, RETURNED[1].strip())
    it.key("Control+z")
    proposed(it, COUNTED[1], RETURNED[1].strip())
    # By now VS Code has seen each command once and keeps their order, however fast they come.
    it.key(
        "Control+Enter", "Control+z", "Control+Backspace", "Control+z", "Control+Enter", "Control+Backspace"
    )
    decided(it)
    it.save(file, FIRST)


def test_all_at_once_is_one_step(it: Workbench, file: Path) -> None:
    ask(it)
    proposed(it, COUNTED[1], RETURNED[1].strip())
    it.command("ds4agent: Accept All Changes")
    decided(it)
    it.save(file, BOTH)
    it.key("Control+z")
    it.wait_line(COUNTED[0])
    it.save(file, COUNTER)


def test_what_is_typed_meanwhile_stays_and_moves_the_rest(it: Workbench, file: Path) -> None:
    ask(it)
    proposed(it, COUNTED[1], RETURNED[1].strip())
    it.page.locator('.tab[data-resource-name="count.py"]').first.click()
    it.page.wait_for_selector(DIFF, state="hidden")
    it.go(1)
    it.type("# mine\n")
    it.go(9, 5)
    it.type("# and mine: ")
    it.wait_line("# and mine: found = max")
    it.page.locator(".tab", has_text=INSTRUCTION).click()
    it.page.wait_for_selector(DIFF)
    it.page.get_by_role("button", name="Accept All Changes").first.wait_for()
    it.command("ds4agent: Accept All Changes")
    decided(it)
    it.save(file, "# mine\n" + BOTH.replace("found = max", "# and mine: found = max"))


def test_a_change_of_lines_that_were_edited_meanwhile_is_dropped(it: Workbench, file: Path) -> None:
    ask(it)
    proposed(it, COUNTED[1], RETURNED[1].strip())
    it.page.locator('.tab[data-resource-name="count.py"]').first.click()
    it.page.wait_for_selector(DIFF, state="hidden")
    it.go(7, 13)
    it.type("1 + ")
    it.notification("A proposed change is gone: you have changed the same lines.").wait_for()
    it.page.locator(".tab", has_text=INSTRUCTION).click()
    proposed(it, RETURNED[1].strip())
    it.command("ds4agent: Accept All Changes")
    decided(it)
    it.save(file, SECOND.replace("= len", "= 1 + len"))


def test_a_document_that_changed_before_the_answer_is_left_alone(
    it: Workbench, file: Path, engine: EngineProcess
) -> None:
    engine.process.send_signal(signal.SIGSTOP)
    try:
        ask(it)
        it.notification(INSTRUCTION).wait_for()
        it.go(7, 13)
        it.type("1 + ")
        it.wait_line("found = 1 + len")
    finally:
        engine.process.send_signal(signal.SIGCONT)
    it.notification("count.py has changed meanwhile, so nothing was changed; ask again").wait_for()
    expect(it.page.locator(DIFF)).to_have_count(0)
    it.save(file, COUNTER.replace("= len", "= 1 + len"))
    # The instruction is still there for the second attempt.
    it.key("Control+i")
    expect(it.page.locator(".quick-input-widget input")).to_have_value(INSTRUCTION)
    it.key("Enter")
    proposed(it, COUNTED[1], RETURNED[1].strip())


def test_it_is_cancelled(it: Workbench, tmp_path: Path) -> None:
    with reciter(tmp_path / "engine", [], LONG) as engine:
        file = opened(it, tmp_path, engine)
        it.key("Control+i")
        it.page.locator(".quick-input-widget input").wait_for()
        it.type("Never")
        it.key("Escape")
        it.page.wait_for_selector(".quick-input-widget", state="hidden")
        ask(it)
        asked = it.notification(INSTRUCTION)
        asked.get_by_role("button", name="Cancel").click()
        asked.wait_for(state="hidden")
        it.ready()
        expect(it.page.locator(DIFF)).to_have_count(0)
        expect(it.page.locator(".notification-list-item")).to_have_count(0)
        # Where the cursor was, and nothing else.
        it.type("#")
        it.save(file, COUNTER.replace("    found = len", "#    found = len"))
