"""An engine process for end-to-end tests: the bundled model, a free port, stopped by its own pid."""

from __future__ import annotations

import http.client
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

START_S = 30.0


@dataclass(frozen=True)
class Engine:
    url: str
    pid: int
    log: Path


def free_port() -> int:
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _answers(port: int) -> bool:
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=5)) as connection:
        try:
            connection.request("GET", "/v1/models")
            return connection.getresponse().status == 200
        except OSError:
            return False


@contextmanager
def running_engine(folder: Path, *flags: str) -> Iterator[Engine]:
    """`python -m ds4agent.engine FLAGS`, with its log and instance lock in `folder`."""
    port, log = free_port(), folder / "engine.log"
    env = os.environ | {"DS4_LOCK_FILE": str(folder / "lock")}
    with log.open("wb") as out:
        command = [sys.executable, "-m", "ds4agent.engine", "--port", str(port), *flags]
        process = subprocess.Popen(command, stdout=out, stderr=subprocess.STDOUT, env=env)
    try:
        deadline = time.monotonic() + START_S
        while not _answers(port):
            if process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"the engine did not start: {log.read_text(errors='replace')[-2000:]}")
            time.sleep(0.02)
        yield Engine(f"http://127.0.0.1:{port}", process.pid, log)
    finally:
        process.terminate()
        process.wait(timeout=10)
