"""A build that is ended at the worst moment: when its program is there and nobody knows of it yet."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

# Popen has begun the program, and before it says so the signal comes.
SCRIPT = """
import os, signal, subprocess, sys
from pathlib import Path
from ds4agent.sidecar import build_steps

class Popen(subprocess.Popen):
    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        print(self.pid, flush=True)
        os.kill(os.getpid(), int(sys.argv[1]))

subprocess.Popen = Popen
build_steps.stop_builds_with_us()
folder = Path(sys.argv[2])
build_steps.Steps(folder, folder / "log").run("make", ["sleep", "600"], 600.0)
"""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_program_that_has_just_been_started_is_ended_with_us(
    tmp_path: Path, number: signal.Signals
) -> None:
    command = [sys.executable, "-c", SCRIPT, str(int(number)), str(tmp_path)]
    build = subprocess.run(command, check=False, timeout=60, stdout=subprocess.PIPE)
    assert build.returncode == 128 + number
    with pytest.raises(ProcessLookupError):
        os.kill(int(build.stdout), signal.SIGKILL)
