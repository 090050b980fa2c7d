"""The short form of `make soak`, and how it knows a process again."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.e2e.soak import born, soak

LINUX = pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="what is left over is counted in /proc")


@pytest.mark.first
@pytest.mark.slow
@LINUX
def test_many_clients_and_an_engine_that_dies(
    tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    record_property("figures", soak(tmp_path, 180.0, 20.0))


@LINUX
def test_a_process_is_known_by_its_birth_not_by_its_number() -> None:
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    when = born(child.pid)
    assert when
    assert when == born(child.pid)
    assert when != born(os.getpid())
    child.communicate()
    assert born(child.pid) != when
