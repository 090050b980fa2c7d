"""An engine that somebody else started: found by the lock that all ds4 programs share, and left running.

The lock's holder writes its pid into the file; the address is in its command line. It may still be loading:
then its port is closed, and opens when it is ready.
"""

import asyncio
import os
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from ds4agent.engine.lock import read_held

DEFAULT_PORT = 8000
LOOK_SECONDS = 1.0
OTHER_PROGRAMS = frozenset(("ds4", "ds4-agent", "ds4-bench", "ds4-eval"))


@dataclass(frozen=True, slots=True)
class Found:
    pid: int
    host: str
    port: int


def find(lock: Path) -> Found | None:
    """The engine that holds the lock; None if nobody does, or if its holder serves nothing."""
    digits = (read_held(lock) or b"").strip()
    pid = int(digits) if digits.isdigit() else None
    argv = _command_line(pid) if pid is not None else ()
    if pid is None or not argv or not _is_server(argv):
        return None
    host = _value(argv, "--host") or "127.0.0.1"
    port = _value(argv, "--port") or str(DEFAULT_PORT)
    return Found(pid, "127.0.0.1" if host in ("0.0.0.0", "localhost") else host, int(port))


def _command_line(pid: int) -> Sequence[str]:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().decode("utf-8", "replace").rstrip("\0").split("\0")
    except OSError:
        pass
    try:  # a system without /proc: blanks in arguments cannot be told from those between them
        done = subprocess.run(
            ["ps", "-o", "command=", "-p", str(pid)], capture_output=True, text=True, timeout=2, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return ()
    return done.stdout.split()


def _is_server(argv: Sequence[str]) -> bool:
    """Other ds4 programs take the lock too, and a worker of a distributed run opens no port. A server may
    bear any name: people build their own.
    """
    port = _value(argv, "--port")
    if Path(argv[0]).name in OTHER_PROGRAMS or _value(argv, "--role") == "worker":
        return False
    return port is None or (port.isdigit() and port != "0")


def _value(argv: Sequence[str], name: str) -> str | None:
    return argv[argv.index(name) + 1] if name in argv[:-1] else None


class Adopted:
    """Stands where an EngineProcess does. Its log is not ours to read, its end not ours to bring about."""

    def __init__(self, found: Found, ended: Callable[[int], None]) -> None:
        self.pid = found.pid
        self._ended = ended
        self._loop = asyncio.get_running_loop()
        self.last_line = self._loop.time()
        self.running = True
        self._timer = self._loop.call_later(LOOK_SECONDS, self._look)

    def _look(self) -> None:
        if not _lives(self.pid):
            self.running = False
            self._ended(0)
            return
        self._timer = self._loop.call_later(LOOK_SECONDS, self._look)

    async def stop(self, _grace: float) -> int:
        """Let it be."""
        self._timer.cancel()
        self.running = False
        return 0


def _lives(pid: int) -> bool:
    """One that has ended can be signalled until its parent asks for it, which some never do."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass  # it is there, and another user's
    try:
        return Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()[0] != b"Z"
    except OSError:
        return True
