"""What `ds4agent exec` weighs once it has become the server: nothing, if it has.

The stand-in of ds4-server is started by `ds4agent exec`, and directly with the command that `exec` shows, by
turns; once it listens, the memory (PSS) and the descriptors of the process are read.
"""

from __future__ import annotations

import os
import shlex
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from bench.proxy_targets import Target
from tests.standins import free_port, write_binary, write_model


def _weigh(argv: Sequence[str], environment: dict[str, str]) -> tuple[float, int]:
    """(MB, descriptors) of what this process is when it listens."""
    process = subprocess.Popen(argv, env=environment, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL)
    assert process.stderr is not None
    try:
        while b"listening on" not in (line := process.stderr.readline()):
            assert line, "the server ended"
        target = Target("exec", 0, process.pid)
        return target.pss(), len(list(Path(f"/proc/{process.pid}/fd").iterdir()))
    finally:
        process.kill()
        process.wait()
        process.stderr.close()


def measure(rounds: int) -> str:
    """A line for people."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        environment = {
            **os.environ,
            "XDG_CACHE_HOME": name,
            "XDG_DATA_HOME": name,
            "DS4_LOCK_FILE": f"{name}/lock",
        }
        words = ["--engine", str(write_binary(folder / "ds4-server")), "--port", str(free_port()), "--no-kv"]
        program = [sys.executable, "-m", "ds4agent", "exec"]
        ours = [*program, *words, str(write_model(folder / "m.gguf"))]
        shown = subprocess.run(
            [*ours, "--print"], env=environment, check=True, capture_output=True, text=True
        )
        commands = (shlex.split(shown.stdout), ours)
        found = [[_weigh(argv, environment) for argv in commands] for _ in range(rounds)]
    directly, through = (statistics.median(pair[i][0] for pair in found) for i in (0, 1))
    more = statistics.median(pair[1][0] - pair[0][0] for pair in found)
    files = max(pair[1][1] - pair[0][1] for pair in found)
    return (
        f"ds4agent exec: {through:.3f} MB (PSS) once it is the server, {directly:.3f} MB started directly;"
        f" {more:+.3f} MB, {files:+d} descriptors (goal 0)"
    )


if __name__ == "__main__":
    print(measure(9))
