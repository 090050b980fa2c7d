"""One engine with the bundled model for the editors' tests of a worker."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.engine_fixtures import running_engine


@pytest.fixture(scope="session")
def engine_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with running_engine(tmp_path_factory.mktemp("engine"), "--threads", "2") as engine:
        yield f"http://127.0.0.1:{engine.port}"
