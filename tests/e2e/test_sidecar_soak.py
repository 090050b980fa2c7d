"""The short form of `make soak`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.e2e.soak import soak


@pytest.mark.first
@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="what is left over is counted in /proc")
def test_many_clients_and_an_engine_that_dies(
    tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    record_property("figures", soak(tmp_path, 180.0, 20.0))
