"""Two windows, engines that die and come back, folders that are renamed: in real VS Code."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Frame, expect

from tests.editors.vscode.conftest import Windows
from tests.editors.vscode.engines import ANSWER, GREETER, THOUGHTS, reciter, url
from tests.editors.vscode.test_chat import answered, ask, opened
from tests.editors.vscode.workbench import Workbench
from tests.engine_fixtures import running_engine

pytestmark = pytest.mark.slow
# An engine that was not there is not looked for again before a moment has passed.
ATTEMPTS = 50


def attempt(chat: Frame, text: str) -> str:
    """What became of a question."""
    ask(chat, text)
    article = chat.locator("#turns article").filter(has_text=text)
    expect(article.locator(".foot")).not_to_be_empty()
    return article.locator(".foot").inner_text()


def test_two_windows_have_conversations_of_their_own(windows: Windows, tmp_path: Path) -> None:
    with reciter(tmp_path / "engine", THOUGHTS, ANSWER) as engine:
        _, one = opened(windows(), tmp_path / "a", url(engine))
        _, two = opened(windows(), tmp_path / "b", url(engine))
        ask(one, "In the first")
        ask(two, "In the second")
        for chat, text in ((one, "In the first"), (two, "In the second")):
            answered(chat)
            expect(chat.locator(".asked")).to_have_text([text])


def test_an_engine_is_killed_and_comes_back(it: Workbench, tmp_path: Path) -> None:
    with reciter(tmp_path / "engine", THOUGHTS, ANSWER) as engine:
        _, chat = opened(it, tmp_path, url(engine))
        ask(chat, "Before")
        answered(chat)
        engine.process.kill()
        engine.process.wait()
        ask(chat, "While it is dead")
        expect(chat.locator("#turns .foot.failed")).to_be_visible()
        model = str(tmp_path / "engine" / "model.gguf")
        with running_engine(tmp_path / "again", "--model", model, "--port", str(engine.port)):
            assert any("written" in attempt(chat, f"After {n}") for n in range(ATTEMPTS))
    assert GREETER in (tmp_path / "project" / "greet.py").read_text()
