"""Code actions and edits in real VS Code: shown before they are made."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.editors.vscode.conftest import Shoot
from tests.editors.vscode.engines import ANSWER, GREETER, NEW, OLD, reciter, url
from tests.editors.vscode.workbench import Workbench

pytestmark = pytest.mark.slow
AFTER = GREETER.replace(OLD, NEW)


@pytest.fixture(scope="module")
def editing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with reciter(tmp_path_factory.mktemp("editing"), [], ANSWER) as engine:
        yield url(engine)


@pytest.fixture
def file(it: Workbench, tmp_path: Path, editing: str) -> Path:
    found = tmp_path / "project" / "greet.py"
    found.parent.mkdir()
    found.write_text(GREETER)
    it.server.configure(ds4agent__engine=editing, ds4agent__lsp__completion="off")
    it.open(found.parent, found)
    return found


def test_a_code_action_is_previewed(it: Workbench, file: Path, shoot: Shoot) -> None:
    it.go(6)
    it.key("Control+Shift+r")
    it.choose("Simplify")
    it.preview()
    shoot(it, "refactor-preview.png")
    assert file.read_text() == GREETER
    it.confirm()
    it.wait_line(NEW)
    it.save(file, AFTER)


def test_a_code_action_is_discarded(it: Workbench, file: Path) -> None:
    it.go(6)
    it.key("Control+Shift+r")
    it.choose("Simplify")
    it.preview()
    it.discard()
    it.wait_line(OLD)
    it.go(1)
    it.type("#")
    it.save(file, "#" + GREETER)
