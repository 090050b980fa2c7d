"""The chat view in real VS Code, with the real server and engine; what the model writes is known."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Frame, expect

from tests.editors.vscode import install
from tests.editors.vscode.conftest import Shoot
from tests.editors.vscode.engines import ANSWER, GREETER, LONG, NEW, OLD, THOUGHTS, hostile, reciter, url
from tests.editors.vscode.injections import FLAG, INJECTIONS
from tests.editors.vscode.workbench import Workbench

pytestmark = pytest.mark.slow
FORBIDDEN = "script, img, iframe, object, embed, svg, video, form, input, base, style, link, meta"
SERIOUS = ("serious", "critical")


@pytest.fixture(scope="module")
def talking(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with reciter(tmp_path_factory.mktemp("talking"), THOUGHTS, ANSWER) as engine:
        yield url(engine)


def opened(it: Workbench, folder: Path, engine: str) -> tuple[Path, Frame]:
    """A window with one file and the chat beside it."""
    file = folder / "project" / "greet.py"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(GREETER)
    it.server.configure(ds4agent__engine=engine, ds4agent__lsp__completion="off")
    it.open(file.parent, file)
    return file, it.chat()


def ask(chat: Frame, text: str) -> None:
    """Until it is shown as asked: an answer that it replaces is gone then."""
    chat.fill("#question", text)
    chat.press("#question", "Enter")
    expect(chat.locator("#turns .asked").last).to_have_text(text)


def answered(chat: Frame, turns: int = 1) -> None:
    expect(chat.locator("#turns article .foot")).to_have_count(turns)
    expect(chat.locator("#turns article .foot").last).to_contain_text("written")


def faults(chat: Frame) -> list[str]:
    """What axe-core finds in the page that is serious."""
    chat.evaluate(install.axe() + "\n;undefined")
    found = chat.evaluate("() => axe.run(document)")
    return [
        f"{one['id']}: {one['help']}: {json.dumps([node['html'] for node in one['nodes']])}"
        for one in found["violations"]
        if one["impact"] in SERIOUS
    ]


def test_a_reply_is_shown_applied_and_kept(it: Workbench, tmp_path: Path, talking: str, shoot: Shoot) -> None:
    file, chat = opened(it, tmp_path, talking)
    ask(chat, "Greet otherwise <b>please</b>")
    answered(chat)
    article = chat.locator("#turns article")
    expect(article.locator(".asked")).to_have_text("Greet otherwise <b>please</b>")
    expect(article.locator(".reply strong")).to_have_text("hello")
    expect(article.locator("figure.code pre")).to_contain_text(NEW)
    expect(article.locator("figure.code .keyword").first).to_have_text("def")
    # Reasoning is folded, and there for who opens it.
    expect(article.locator(".thoughts")).to_be_hidden()
    article.locator("summary").click()
    expect(article.locator(".thoughts")).to_have_text("".join(THOUGHTS))
    assert faults(chat) == []

    article.get_by_role("button", name="Apply").click()
    it.preview()
    shoot(it, "chat-apply.png")
    assert file.read_text() == GREETER
    it.confirm()
    it.wait_line(NEW)
    it.save(file, GREETER.replace(OLD, NEW))

    # The window that is opened again goes on with the conversation.
    it.open(file.parent, file)
    chat = it.chat()
    expect(chat.locator(".asked")).to_have_text("Greet otherwise <b>please</b>")
    ask(chat, "And again")
    answered(chat, 2)


def test_it_is_stopped_and_asked_again(it: Workbench, tmp_path: Path) -> None:
    with reciter(tmp_path / "engine", ["Hm", "mm."], LONG) as engine:
        _, chat = opened(it, tmp_path, url(engine))
        ask(chat, "Tell me everything")
        expect(chat.locator(".reply")).to_contain_text("word9 ")
        chat.click("#stop")
        expect(chat.locator(".foot")).to_contain_text("Stopped")
        chat.get_by_role("button", name="Edit and ask again").click()
        expect(chat.locator("#question")).to_have_value("Tell me everything")
        ask(chat, "Tell me less")
        expect(chat.locator(".asked")).to_have_text(["Tell me less"])
        expect(chat.locator(".reply")).to_contain_text("word9 ")
        chat.press("#question", "Escape")
        expect(chat.locator(".foot")).to_contain_text("Stopped")


def test_nothing_that_a_model_writes_is_executed(it: Workbench, tmp_path: Path) -> None:
    assert len(INJECTIONS) >= 20
    with reciter(tmp_path / "engine", ["<img src=x onerror=alert(1)>", "thought"], hostile()) as engine:
        file, chat = opened(it, tmp_path, url(engine))
        before = len(it.page.context.pages)
        ask(chat, INJECTIONS[0])
        answered(chat)
        text = chat.locator(".reply").inner_text()
        for number in range(len(INJECTIONS)):
            assert f"begin{number}\n" in text
            assert f"end{number}\n" in f"{text}\n"
        # Whatever can be pressed in the answer is pressed, but for our own buttons.
        for link in chat.locator(".reply a").all():
            link.click()
        assert chat.locator(f".reply :is({FORBIDDEN})").count() == 0
        # The page is alive, and can still be used.
        ask(chat, "Still there?")
        answered(chat, 2)
        for frame in it.page.frames:
            assert frame.evaluate(f"() => window.{FLAG}") is None
        assert not [said for said in it.console if FLAG in said and "Content Security Policy" not in said]
        assert it.dialogs == []
        assert it.strangers == []
        assert len(it.page.context.pages) == before
        assert faults(chat) == []
        assert file.read_text() == GREETER
