"""One VS Code server for the tests of a worker, a browser for each test, and where screenshots go."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.editors.vscode import code_server
from tests.editors.vscode.code_server import CodeServer
from tests.editors.vscode.workbench import Workbench, browser, window

Shoot = Callable[[Workbench, str], None]
Windows = Callable[[], Workbench]
OPEN = pytest.StashKey[list[Workbench]]()
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


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None]:
    """A failure comes with a picture of each window."""
    try:
        yield
    except Exception as error:
        shown: list[Workbench] = item.stash.get(OPEN, [])
        for number, one in enumerate(shown):
            picture = one.server.home / f"{item.name}-{number}.png"
            one.screenshot(picture)
            error.add_note(f"what was to be seen then: {picture}")
        raise


@pytest.fixture
def windows(request: pytest.FixtureRequest, server: CodeServer) -> Iterator[Windows]:
    """As many windows as a test asks for, in one browser."""
    opened: list[Workbench] = []
    request.node.stash[OPEN] = opened
    with ExitStack() as stack:
        inside = stack.enter_context(browser())

        def another() -> Workbench:
            opened.append(stack.enter_context(window(inside, server)))
            return opened[-1]

        yield another


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
