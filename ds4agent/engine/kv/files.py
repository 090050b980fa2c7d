"""The directory of the disk store: our names in it, and writing a file so that it is whole or not there.

A file is written under a temporary name, fsynced, renamed, and the directory is fsynced. A process that is
killed at any call leaves at most one temporary file, which the next one to open the directory removes.
Files whose names are not ours are never read, counted, renamed or removed.
"""

import os
import re
import stat
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from pathlib import Path

from ds4agent.engine.lock import take_lock

ROWS, POINT, TOOLS = ".rows", ".point", ".tools"
DAMAGED = ".damaged"
_TEMPORARY = ".tmp"
_OURS = re.compile(r"[0-9a-f]{32}(\.rows|\.point|\.tools)(\.damaged|\.tmp)?")


def file_name(file_id: bytes, suffix: str) -> str:
    return file_id.hex() + suffix


class Folder:
    """Made with mode 0700 if it is not there; locked for this process until `close`.

    All methods raise OSError, the constructor LockError too. `bytes_written` counts all that was written.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.bytes_written = 0
        path.parent.mkdir(parents=True, exist_ok=True)
        path.mkdir(mode=0o700, exist_ok=True)
        self._lock = take_lock(path / "lock", f"KV directory {path} is in use by another process")
        try:
            self._fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        except OSError:
            os.close(self._lock)
            raise

    def close(self) -> None:
        os.close(self._fd)
        os.close(self._lock)

    def files(self) -> dict[str, int]:
        """Our files and their sizes; temporary ones are removed."""
        found = dict(self._ours())
        for name in [name for name in found if name.endswith(_TEMPORARY)]:
            (self.path / name).unlink()
            del found[name]
        return found

    def _ours(self) -> Iterator[tuple[str, int]]:
        with os.scandir(self._fd) as entries:
            for entry in entries:
                if not _OURS.fullmatch(entry.name):
                    continue
                status = entry.stat(follow_symlinks=False)
                if stat.S_ISREG(status.st_mode):
                    yield entry.name, status.st_size

    def write(self, name: str, parts: Iterable[bytes | memoryview]) -> int:
        """Returns the number of bytes. Whatever ends it early, the temporary file is removed."""
        temporary = self.path / (name + _TEMPORARY)
        fd = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        try:
            try:
                size = sum(self._write_all(fd, part) for part in parts)
                os.fsync(fd)
            finally:
                os.close(fd)
            temporary.rename(self.path / name)
        except BaseException:
            with suppress(OSError):
                temporary.unlink()
            raise
        os.fsync(self._fd)
        return size

    def _write_all(self, fd: int, part: bytes | memoryview) -> int:
        left = memoryview(part).cast("B")
        n_bytes = left.nbytes
        while left:
            n = os.write(fd, left)
            self.bytes_written += n
            left = left[n:]
        return n_bytes

    def patch(self, name: str, at: int, data: bytes) -> None:
        """Changes bytes of a file in place."""
        fd = os.open(self.path / name, os.O_WRONLY | os.O_CLOEXEC)
        try:
            self.bytes_written += os.pwrite(fd, data, at)
        finally:
            os.close(fd)

    def reader(self, name: str) -> "Reader":
        return Reader(self.path / name)

    def remove(self, name: str) -> None:
        (self.path / name).unlink(missing_ok=True)

    def set_aside(self, name: str) -> str:
        """Returns the new name."""
        (self.path / name).replace(self.path / (name + DAMAGED))
        return name + DAMAGED


class Reader:
    """An open file. A short answer to `read` means that the file is cut off."""

    def __init__(self, path: Path) -> None:
        self._fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
        self.size = os.fstat(self._fd).st_size

    def __enter__(self) -> "Reader":
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self._fd)

    def read(self, at: int, n_bytes: int) -> bytes:
        return os.pread(self._fd, n_bytes, at)

    def start(self, header_bytes: int, end: Callable[[bytes, int], int]) -> bytes:
        """The file up to `end(the first header_bytes, size)`."""
        return self.read(0, end(self.read(0, header_bytes), self.size))
