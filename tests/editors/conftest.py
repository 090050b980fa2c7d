"""One engine with the bundled model for the editors' tests of a worker, and the versions of Neovim."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.editors import install_nvim
from tests.engine_fixtures import running_engine


@pytest.fixture(scope="session")
def engine_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with running_engine(tmp_path_factory.mktemp("engine"), "--threads", "2") as engine:
        yield f"http://127.0.0.1:{engine.port}"


@pytest.fixture(scope="session")
def nvim() -> Path:
    """The newest."""
    return install_nvim.current()


@pytest.fixture(scope="session", params=["current", "oldest"])
def each_nvim(request: pytest.FixtureRequest) -> Path:
    """The newest, and the oldest that the plugin is for."""
    return install_nvim.current() if request.param == "current" else install_nvim.oldest()
