"""`make run` where something is missing: a sentence that can be acted on, no traceback, no usage of git."""

import os
import subprocess
import sys
from pathlib import Path

DEMO = Path(__file__).parents[2] / "scripts" / "demo.py"


def _demo(*words: str | Path, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, DEMO, *words],
        env=os.environ | environment,
        capture_output=True,
        text=True,
        timeout=60,
    )


def test_without_git_the_example_says_what_to_install(tmp_path: Path) -> None:
    ran = _demo(PATH=str(tmp_path))
    assert (ran.returncode, ran.stdout) == (2, "")
    assert (
        ran.stderr == "make: no git here, which the example needs: install it (Debian: apt-get install git)\n"
    )


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    ran = _demo("--dir", tmp_path / "none", "--task", "x")
    assert (ran.returncode, ran.stdout) == (2, "")
    assert ran.stderr == f"make: {tmp_path / 'none'} is not a folder; DIR has to be one\n"


def test_a_folder_without_a_task_says_how_to_give_one(tmp_path: Path) -> None:
    ran = _demo("--dir", tmp_path)
    assert ran.returncode == 2
    assert ran.stderr == "make: with a folder of yours, say what to do there: make run DIR=... TASK='...'\n"


def test_a_folder_outside_of_git_shows_no_usage_of_git(tmp_path: Path) -> None:
    # The turn itself is refused at once, so that only what is shown after it is looked at.
    ran = _demo("--dir", tmp_path, "--task", "x", DS4AGENT_ENGINE=str(tmp_path / "none"))
    assert ran.returncode != 0
    assert "usage" not in ran.stderr
    assert "git diff" not in ran.stdout
