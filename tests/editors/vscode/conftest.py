"""One VS Code server for the tests of a worker, a browser for each test, and where screenshots go."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.editors.vscode import code_server
from tests.editors.vscode.code_server import CodeServer
from tests.editors.vscode.workbench import Workbench, browser, window

Shoot = Callable[[Workbench, str], None]
Windows = Callable[[], Workbench]
SCREENSHOTS = Path(__file__).parents[3] / "editors" / "vscode" / "images"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """All in one worker if tests are handed out by groups."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.xdist_group("vscode"))


@pytest.fixture(scope="session")
def shared_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CodeServer]:
    with code_server.running(tmp_path_factory.mktemp("vscode")) as server:
        yield server


@pytest.fixture
def server(shared_server: CodeServer) -> CodeServer:
    shared_server.forget()
    return shared_server


@pytest.fixture
def windows(server: CodeServer) -> Iterator[Windows]:
    """As many windows as a test asks for, in one browser."""
    with ExitStack() as stack:
        inside = stack.enter_context(browser())
        yield lambda: stack.enter_context(window(inside, server))


@pytest.fixture
def it(windows: Windows) -> Workbench:
    return windows()


@pytest.fixture
def shoot(request: pytest.FixtureRequest) -> Shoot:
    """Keeps a picture for the README, if that was asked for: --screenshots."""

    def keep(it: Workbench, name: str) -> None:
        if request.config.getoption("--screenshots"):
            it.screenshot(SCREENSHOTS / name)

    return keep
