"""`scripts/locked`, behind which make builds: two at once take turns."""

import os
import subprocess
from pathlib import Path

LOCKED = Path(__file__).parents[2] / "scripts" / "locked"


def test_the_second_waits_for_the_first(tmp_path: Path) -> None:
    lock, gate = tmp_path / "cache" / "lock", tmp_path / "gate"
    os.mkfifo(gate)
    pipe = subprocess.PIPE
    held = f"echo begun; read x < '{gate}'"
    with subprocess.Popen([LOCKED, lock, "sh", "-c", held], stdout=pipe, text=True) as first:
        assert first.stdout
        assert first.stdout.readline() == "begun\n"
        with subprocess.Popen([LOCKED, lock, "echo", "built"], stdout=pipe, stderr=pipe, text=True) as second:
            assert second.stderr
            assert second.stderr.readline() == "waiting for another make in this checkout\n"
            assert first.poll() is None
            gate.write_text("go\n")
            assert second.communicate(timeout=60) == ("built\n", "")
    assert (first.returncode, second.returncode) == (0, 0)


def test_without_python_the_command_says_what_is_missing(tmp_path: Path) -> None:
    environment = os.environ | {"PYTHON": str(tmp_path / "none")}
    command = [str(LOCKED), str(tmp_path / "lock"), "sh", "-c", "exit 3"]
    assert subprocess.run(command, env=environment, timeout=60).returncode == 3
