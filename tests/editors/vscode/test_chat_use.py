"""The chat in use in real VS Code: what a question is about, what becomes of code, coming back later."""

from __future__ import annotations

import json
import os
import shutil
import signal
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Frame, TimeoutError, expect

from tests.editors.vscode.engines import ANSWER, GREETER, LONG, NEW, OLD, THOUGHTS, reciter, url
from tests.editors.vscode.test_chat import answered, ask, opened
from tests.editors.vscode.workbench import STATUS, Workbench

pytestmark = pytest.mark.slow
CODE = f"def greet(name):\n    {NEW}\n    return text\n"
SENT = f"""Line 7 of greet.py:

```python
    {OLD}
```

Reported in broken.json:

- line 1 (`{{"a": 1,}}`): error: Trailing comma

What is wrong?"""
BROKEN = '{"a": 1,}\n'


@pytest.fixture(scope="module")
def talking(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with reciter(tmp_path_factory.mktemp("talking"), THOUGHTS, ANSWER) as engine:
        yield url(engine)


def said(it: Workbench) -> list[dict[str, Any]]:
    """What the server has sent for the questions of all conversations, and what it notes of them."""
    found = []
    for file in sorted(it.server.home.glob(".local/share/ds4agent/chats/*/transcript.jsonl")):
        records = [json.loads(line) for line in file.read_text().splitlines()]
        found += [record for record in records if record.get("role") == "user"]
    return found


def language_servers(it: Workbench) -> list[int]:
    """Their process ids."""
    found, home = [], f"HOME={it.server.home}".encode()
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            ours = home in (folder / "environ").read_bytes().split(b"\0")
            if ours and (folder / "cmdline").read_bytes().endswith(b"\0lsp\0--stdio\0"):
                found.append(int(folder.name))
    return found


def chips(chat: Frame, *labels: str) -> None:
    """Until the next question is about these."""
    expect(chat.locator("#chips li")).to_have_text([f"{label}×" for label in labels])


def source_action(it: Workbench, title: str) -> bool:
    """Whether it was there to be chosen: the menu closes by itself if the editor gets the focus after it."""
    it.command("Source Action...")
    try:
        it.page.locator(".action-widget").get_by_text(title).first.click(timeout=5000)
    except TimeoutError:
        return False
    return True


def test_code_is_inserted_and_copied(it: Workbench, tmp_path: Path, talking: str) -> None:
    file, chat = opened(it, tmp_path, talking)
    it.go(4)
    ask(chat, "Greet otherwise")
    answered(chat)
    figure = chat.locator("figure.code")
    figure.get_by_role("button", name="Copy").click()
    expect(chat.locator("#working")).to_have_text("Copied.")
    assert it.page.evaluate("() => navigator.clipboard.readText()") == CODE
    figure.get_by_role("button", name="Insert").click()
    expect(chat.locator("#working")).to_have_text("Inserted.")
    it.wait_line(NEW)
    # The editor has the focus now: one key takes it back.
    it.save(file, GREETER.replace('𝔸"\n', f'𝔸"\n{CODE}', 1))
    it.key("Control+z")
    it.save(file, GREETER)
    it.go(7)
    it.key("Home", "Shift+End")
    figure.get_by_role("button", name="Insert").click()
    it.wait_line(NEW)
    it.save(file, GREETER.replace(OLD, CODE))


def test_without_a_file_code_has_nowhere_to_go(it: Workbench, tmp_path: Path, talking: str) -> None:
    file, chat = opened(it, tmp_path, talking)
    ask(chat, "Greet otherwise")
    answered(chat)
    it.go(1)
    it.command("View: Close Editor")
    it.page.wait_for_selector(".tab", state="detached")
    figure = chat.locator("figure.code")
    figure.get_by_role("button", name="Insert").click()
    expect(chat.locator("#working")).to_have_text("No file is open to insert the code into.")
    figure.get_by_role("button", name="Apply").click()
    expect(chat.locator("#working")).to_have_text("No file is open to apply the code to.")
    chat.get_by_role("button", name="+ File").click()
    expect(chat.locator("#working")).to_have_text("No file is open.")
    other = file.with_name("other.py")
    other.write_text("NOTHING = 0\n")
    it.open(file.parent, other)
    chat = it.chat()
    chat.locator("figure.code").get_by_role("button", name="Apply").click()
    expect(chat.locator("#working")).to_contain_text("other.py")
    assert other.read_text() == "NOTHING = 0\n"


def test_what_a_question_is_about_is_sent(it: Workbench, tmp_path: Path, talking: str) -> None:
    file, chat = opened(it, tmp_path, talking)
    broken = file.with_name("broken.json")
    broken.write_text(BROKEN)
    chat.get_by_role("button", name="+ Selection").click()
    expect(chat.locator("#working")).to_have_text("Nothing is selected.")
    chat.get_by_role("button", name="+ Problems").click()
    expect(chat.locator("#working")).to_have_text("There are no problems in greet.py.")
    it.go(7)
    it.key("Shift+ArrowDown")
    chat.get_by_role("button", name="+ Selection").click()
    chips(chat, "selection of greet.py:7")
    chat.get_by_role("button", name="+ File").click()
    chips(chat, "selection of greet.py:7", "greet.py")
    chat.get_by_role("button", name="+ File").click()
    chips(chat, "selection of greet.py:7", "greet.py")
    chat.get_by_role("button", name="Remove greet.py").click()
    chips(chat, "selection of greet.py:7")
    it.open(file.parent, broken)
    chat = it.chat()
    # The extension is a new one: what was attached is gone with the window.
    chips(chat)
    expect(it.page.locator('[id="status.problems"]')).not_to_have_text("00")
    chat.get_by_role("button", name="+ Problems").click()
    chips(chat, "problems of broken.json")
    it.front(file)
    it.go(7)
    it.key("Shift+ArrowDown")
    chat.get_by_role("button", name="+ Selection").click()
    chips(chat, "problems of broken.json", "selection of greet.py:7")
    ask(chat, "What is wrong?")
    answered(chat)
    chips(chat)
    expect(chat.locator("#turns .chips li")).to_have_text(
        ["problems of broken.json", "selection of greet.py:7"]
    )
    (sent,) = said(it)
    assert [one["kind"] for one in sent["context"]] == ["diagnostics", "selection"]
    # The very message that went to the engine.
    (message,) = sent["raw"]
    assert message["content"] == SENT

    # Asked again, it is about the same, as far as nobody takes it away.
    chat.get_by_role("button", name="Edit and ask again").click()
    chips(chat, "problems of broken.json", "selection of greet.py:7")
    chat.get_by_role("button", name="Keep as it was").click()
    chips(chat)
    chat.get_by_role("button", name="Edit and ask again").click()
    chat.get_by_role("button", name="Remove problems of broken.json").click()
    ask(chat, "What is that?")
    answered(chat)
    expect(chat.locator("#turns .chips li")).to_have_text(["selection of greet.py:7"])
    assert [one["context"][-1]["kind"] for one in said(it)] == ["selection", "selection"]
    assert sorted(len(one["context"]) for one in said(it)) == [1, 2]


def test_conversations_are_kept(it: Workbench, tmp_path: Path, talking: str) -> None:
    _, chat = opened(it, tmp_path, talking)
    ask(chat, "The first")
    answered(chat)
    chat.get_by_role("button", name="New").click()
    ask(chat, "The second")
    answered(chat)
    expect(chat.locator("#conversations option:checked")).to_have_text("The second")
    it.remembered(chat.locator("#conversations").input_value())
    it.page.reload()
    it.ready()
    chat = it.frame()
    expect(chat.locator(".asked")).to_have_text(["The second"])
    expect(chat.locator("#conversations option")).to_have_text(
        ["New conversation", "The second", "The first"]
    )
    chat.select_option("#conversations", label="The first")
    expect(chat.locator(".asked")).to_have_text(["The first"])
    expect(chat.locator("figure.code").get_by_role("button", name="Insert")).to_be_visible()
    ask(chat, "The third")
    answered(chat, 2)
    chat.get_by_role("button", name="Delete").click()
    it.page.locator(".monaco-dialog-box").get_by_role("button", name="Delete").click()
    expect(chat.locator(".asked")).to_have_count(0)
    expect(chat.locator("#conversations option")).to_have_text(["New conversation", "The second"])


def test_an_answer_goes_on_while_another_conversation_is_shown(it: Workbench, tmp_path: Path) -> None:
    with reciter(tmp_path / "engine", [], LONG) as engine:
        _, chat = opened(it, tmp_path, url(engine))
        ask(chat, "Tell me everything")
        expect(chat.locator(".reply")).to_contain_text("word9 ")
        chat.get_by_role("button", name="New").click()
        expect(chat.locator(".asked")).to_have_count(0)
        expect(chat.locator("#stop")).to_be_hidden()
        chat.select_option("#conversations", label="Tell me everything")
        expect(chat.locator(".reply")).to_contain_text("word9 ")
        length = len(chat.locator(".reply").inner_text())
        chat.wait_for_function("n => document.querySelector('.reply').textContent.length > n", arg=length)
        chat.click("#stop")
        expect(chat.locator(".foot")).to_contain_text("Stopped")
        text = chat.locator(".reply").inner_text()
        assert text.startswith("word0 word1 word2 ")


def test_an_answer_that_a_reload_cuts_short_is_kept(it: Workbench, tmp_path: Path) -> None:
    with reciter(tmp_path / "engine", [], LONG) as engine:
        _, chat = opened(it, tmp_path, url(engine))
        ask(chat, "Tell me everything")
        expect(chat.locator(".reply")).to_contain_text("word9 ")
        it.page.reload()
        it.ready()
        chat = it.frame()
        expect(chat.locator("#conversations option")).to_have_count(2)

        # Until the server of the window that is gone has put it away, the conversation is taken.
        def stopped() -> bool:
            chat.select_option("#conversations", label="New conversation")
            expect(chat.locator(".foot")).to_have_count(0)
            chat.select_option("#conversations", label="Tell me everything")
            expect(chat.locator(".foot")).not_to_be_empty()
            return "Stopped" in chat.locator(".foot").inner_text()

        it.until(stopped, "the answer was not put away")
        expect(chat.locator(".reply")).to_contain_text("word9 ")


def test_an_explanation_is_seen_coming(it: Workbench, tmp_path: Path) -> None:
    with reciter(tmp_path / "engine", [], LONG) as engine:
        _, chat = opened(it, tmp_path, url(engine))
        it.go(7)
        it.until(lambda: source_action(it, "Explain greet"), "there is no such source action")
        expect(chat.locator(".reply")).to_contain_text("word9 ")
        expect(chat.locator("#stop")).to_be_visible()
        chat.click("#stop")
        expect(chat.locator(".foot")).to_contain_text("Stopped")
        expect(chat.locator(".asked")).to_contain_text("what would surprise somebody")
        expect(chat.locator("#conversations option:checked")).to_contain_text("Explain")

        it.go(6)
        it.key("Shift+ArrowDown", "Shift+ArrowDown")
        it.command("ds4agent: Explain the Selection, Function or Class Here")
        expect(chat.locator("#turns .chips li")).to_have_text(["selection of greet.py:6-7"])
        expect(chat.locator(".reply")).to_contain_text("word9 ")
        chat.press("#question", "Escape")
        expect(chat.locator(".foot")).to_contain_text("Stopped")
        expect(chat.locator("#conversations option")).to_have_count(3)


def test_a_draft_outlives_its_view(it: Workbench, tmp_path: Path, talking: str) -> None:
    _, chat = opened(it, tmp_path, talking)
    chat.fill("#question", "half a questi")
    it.page.locator(".activitybar").get_by_role("tab", name="Explorer").click()
    it.page.wait_for_selector(".explorer-folders-view")
    expect(it.chat().locator("#question")).to_have_value("half a questi")


def test_a_conversation_is_left_and_found_again_while_its_question_is_read(
    it: Workbench, tmp_path: Path
) -> None:
    with reciter(tmp_path / "engine", THOUGHTS, ANSWER) as engine:
        _, chat = opened(it, tmp_path, url(engine))
        ask(chat, "The first")
        answered(chat)
        for question, title, turns in (("The second", "The first", 2), ("A new one", "A new one", 1)):
            if question == title:
                chat.get_by_role("button", name="New").click()
                expect(chat.locator(".asked")).to_have_count(0)
            # An engine that reads for minutes, as it does with a large model.
            engine.process.send_signal(signal.SIGSTOP)
            try:
                ask(chat, question)
                it.until(lambda asked=question: asked in [one["text"] for one in said(it)], "not asked")  # type: ignore[misc]
                chat.get_by_role("button", name="New").click()
                expect(chat.locator(".asked")).to_have_count(0)
                chat.select_option("#conversations", label=title)
                expect(chat.locator(".asked").last).to_have_text(question)
                expect(chat.locator("#stop")).to_be_visible()
            finally:
                engine.process.send_signal(signal.SIGCONT)
            answered(chat, turns)


def test_a_question_that_is_edited_outlives_its_view(it: Workbench, tmp_path: Path, talking: str) -> None:
    _, chat = opened(it, tmp_path, talking)
    ask(chat, "Greet otherwise")
    answered(chat)
    chat.get_by_role("button", name="Edit and ask again").click()
    it.page.locator(".activitybar").get_by_role("tab", name="Explorer").click()
    it.page.wait_for_selector(".explorer-folders-view")
    chat = it.chat()
    expect(chat.locator("#question")).to_have_value("Greet otherwise")
    expect(chat.locator("#editing")).to_be_visible()
    ask(chat, "Greet better")
    answered(chat)
    expect(chat.locator(".asked")).to_have_text(["Greet better"])


def test_a_new_conversation_stays_when_the_server_is_started_again(
    it: Workbench, tmp_path: Path, talking: str
) -> None:
    file, chat = opened(it, tmp_path, talking)
    ask(chat, "The first")
    answered(chat)
    it.remembered(chat.locator("#conversations").input_value())
    it.open(file.parent, file)
    chat = it.chat()
    expect(chat.locator(".asked")).to_have_text(["The first"])
    chat.get_by_role("button", name="New").click()
    expect(chat.locator(".asked")).to_have_count(0)
    it.command("ds4agent: Restart the Language Server")
    it.page.wait_for_selector(f"{STATUS} .codicon-sparkle", state="detached")
    it.ready()
    ask(chat, "The second")
    answered(chat)
    expect(chat.locator(".asked")).to_have_text(["The second"])


def test_code_is_not_inserted_where_nothing_can_be_written(
    it: Workbench, tmp_path: Path, talking: str
) -> None:
    it.server.configure(
        ds4agent__engine=talking, ds4agent__lsp__completion="off", files__readonlyInclude={"**/*.py": True}
    )
    file = tmp_path / "project" / "greet.py"
    file.parent.mkdir()
    file.write_text(GREETER)
    it.open(file.parent, file)
    chat = it.chat()
    ask(chat, "Greet otherwise")
    answered(chat)
    chat.locator("figure.code").get_by_role("button", name="Insert").click()
    expect(chat.locator("#working")).to_have_text("greet.py cannot be changed.")


def test_who_adds_nothing_from_the_editor_is_told_so(it: Workbench, tmp_path: Path, talking: str) -> None:
    file = tmp_path / "project" / "greet.py"
    file.parent.mkdir()
    file.write_text(GREETER)
    it.server.configure(ds4agent__engine=talking, ds4agent__lsp__completion="off")
    it.open(file.parent, file)
    it.command("ds4agent: Add Problems to Chat")
    expect(it.frame().locator("#working")).to_have_text("There are no problems in greet.py.")


def test_who_has_gone_on_is_not_taken_back_by_a_slow_server(
    it: Workbench, tmp_path: Path, talking: str
) -> None:
    _, chat = opened(it, tmp_path, talking)
    ask(chat, "The first")
    answered(chat)
    chat.get_by_role("button", name="New").click()
    expect(chat.locator(".asked")).to_have_count(0)
    servers = language_servers(it)
    assert servers
    for server in servers:
        os.kill(server, signal.SIGSTOP)
    try:
        chat.select_option("#conversations", label="The first")
        chat.get_by_role("button", name="New").click()
        ask(chat, "The second")
    finally:
        for server in servers:
            os.kill(server, signal.SIGCONT)
    answered(chat)
    expect(chat.locator(".asked")).to_have_text(["The second"])


def test_an_answer_that_its_server_does_not_live_to_see_says_so(it: Workbench, tmp_path: Path) -> None:
    with reciter(tmp_path / "engine", [], LONG) as engine:
        _, chat = opened(it, tmp_path, url(engine))
        ask(chat, "Tell me everything")
        expect(chat.locator(".reply")).to_contain_text("word9 ")
        for server in language_servers(it):
            os.kill(server, signal.SIGKILL)
        ended = "ds4agent's language server ended before it had answered."
        expect(chat.locator(".foot")).to_have_text(ended)
        expect(chat.locator(".reply")).to_contain_text("word9 ")


def test_a_conversation_that_somebody_else_deleted_is_not_shown_as_chosen(
    it: Workbench, tmp_path: Path, talking: str
) -> None:
    _, chat = opened(it, tmp_path, talking)
    ask(chat, "The first")
    answered(chat)
    chat.get_by_role("button", name="New").click()
    expect(chat.locator(".asked")).to_have_count(0)
    shutil.rmtree(it.server.home / ".local/share/ds4agent/chats")
    chat.select_option("#conversations", label="The first")
    expect(chat.locator("#working")).to_contain_text("there is no conversation")
    expect(chat.locator("#conversations option")).to_have_text(["New conversation"])
    expect(chat.locator("#conversations option:checked")).to_have_text("New conversation")
