"""The extension's own tests, run by vitest: what of it needs no editor."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).parents[3]
EXTENSION = CHECKOUT / "editors" / "vscode"


@pytest.mark.slow
def test_the_extensions_own_tests() -> None:
    subprocess.run(["make", "-s", "editors/vscode/node_modules/.installed"], cwd=CHECKOUT, check=True)
    done = subprocess.run(
        ["npx", "--no-install", "vitest", "run"], cwd=EXTENSION, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
