"""One ds4 process at a time: two of them would share a machine's memory to nobody's good.

The lock is an flock on a file that all ds4 programs agree on (a KV directory has one of its own); its
content, the owner's pid, is only for the message.
"""

import errno
import fcntl
import os
from contextlib import suppress
from pathlib import Path


class LockError(Exception):
    """The lock is held, or its file cannot be used; the message is what ds4 programs print."""


def lock_path() -> Path:
    return Path(os.environ.get("DS4_LOCK_FILE") or "/tmp/ds4.lock")


def _owner(fd: int) -> str:
    try:
        digits = os.pread(fd, 32, 0).strip()
    except OSError:
        return ""
    return f" (pid {digits.decode()})" if digits.isdigit() else ""


def read_held(path: Path) -> bytes | None:
    """The first 4 KiB of what the holder of a lock wrote; None: nobody holds it.

    Looking takes the lock, shared, for a moment: who takes it meanwhile has to try twice.
    """
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        fcntl.flock(fd, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError:
        return os.pread(fd, 4096, 0)
    finally:
        os.close(fd)
    return None


def take_lock(path: Path, held: str = "another ds4 process is already running") -> int:
    """Returns the descriptor that holds the lock; it is let go when that is closed or the process ends.

    `held` is what the error says when somebody else has it.
    """
    try:
        fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise LockError(f"failed to open lock file {path}: {error.strerror}") from error
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        owner = _owner(fd)
        os.close(fd)
        if error.errno not in (errno.EWOULDBLOCK, errno.EACCES):
            raise LockError(f"failed to lock {path}: {error.strerror}") from error
        raise LockError(f"{held}{owner}; refusing to start") from error
    try:
        os.ftruncate(fd, 0)
    except OSError as error:
        os.close(fd)
        raise LockError(f"failed to truncate lock file {path}: {error.strerror}") from error
    with suppress(OSError):
        os.pwrite(fd, f"{os.getpid()}\n".encode(), 0)
    return fd
