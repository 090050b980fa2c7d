"""What the lean process loads must stay small: some modules of the standard library cost megabytes."""

import subprocess
import sys

import pytest

HEAVY = {"ssl", "_hashlib", "http.client", "urllib.request", "email", "click", "cffi", "rich", "pydantic"}


@pytest.mark.parametrize("name", ["capabilities", "engine_choice", "fit", "kv_folder", "launch", "manifest"])
def test_a_module_of_the_lean_process_loads_nothing_heavy(name: str) -> None:
    program = f"import sys, ds4agent.sidecar.{name}; print(*sys.modules)"
    loaded = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    ).stdout
    assert HEAVY & set(loaded.split()) <= _loaded_anyway()


def _loaded_anyway() -> set[str]:
    """What the interpreter of this environment loads before any program."""
    bare = subprocess.run(
        [sys.executable, "-c", "import sys; print(*sys.modules)"], capture_output=True, text=True
    )
    return set(bare.stdout.split())
