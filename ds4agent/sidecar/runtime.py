"""The file by which front ends find the sidecar: pid, port and token, mode 0600, locked while it is true.

The lock is what counts: a file that nobody holds is left over from a process that is gone.
"""

import errno
import fcntl
import json
import os
import secrets
import time
from dataclasses import asdict, dataclass
from pathlib import Path

from ds4agent.engine.lock import read_held

_TRIES = 20
_TRY_SECONDS = 0.01


class AlreadyRunning(Exception):
    """Another sidecar of this user holds the file."""

    def __init__(self, found: "Runtime | None") -> None:
        where = f" (pid {found.pid}, port {found.port})" if found else ""
        super().__init__(f"a sidecar is running already{where}")
        self.found = found


@dataclass(frozen=True, slots=True)
class Runtime:
    """`host`: where it is reached from this machine."""

    pid: int
    port: int
    token: str
    host: str = "127.0.0.1"

    @property
    def url(self) -> str:
        """Without a slash at its end."""
        return f"http://{self.host}:{self.port}"


def new_token() -> str:
    return secrets.token_urlsafe(24)


def read(path: Path) -> Runtime | None:
    """What the file says, if somebody holds it."""
    held = read_held(path)
    return None if held is None else _parsed(held)


def is_held(path: Path) -> bool:
    """Whether a sidecar is there, be it one that only starts or stops."""
    return read_held(path) is not None


def _parsed(data: bytes) -> Runtime | None:
    try:
        value = json.loads(data)
        return Runtime(int(value["pid"]), int(value["port"]), str(value["token"]), str(value["host"]))
    except (ValueError, KeyError, TypeError):
        return None


class Held:
    """The file, held until `release` or the end of the process."""

    def __init__(self, path: Path) -> None:
        """Raises AlreadyRunning, OSError."""
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        os.fchmod(self._fd, 0o600)  # whoever made it
        if not self._locked():
            found = _parsed(os.pread(self._fd, 4096, 0))
            os.close(self._fd)
            raise AlreadyRunning(found)

    def _locked(self) -> bool:
        """One who reads holds it, too, for a moment."""
        for _ in range(_TRIES):
            try:
                fcntl.flock(self._fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                time.sleep(_TRY_SECONDS)
            else:
                return True
        return False

    def write(self, runtime: Runtime) -> None:
        """Raises OSError."""
        data = json.dumps(asdict(runtime)).encode() + b"\n"
        os.ftruncate(self._fd, 0)
        if os.pwrite(self._fd, data, 0) < len(data):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    def release(self) -> None:
        os.ftruncate(self._fd, 0)
        os.close(self._fd)
