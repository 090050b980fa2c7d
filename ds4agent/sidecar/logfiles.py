"""The engine's output: kept in memory for a look, kept in files for later, and never in the engine's way.

A program that writes to a full pipe stands still, so nothing between the pipe and memory may wait. The event
loop reads the pipe and hands lines on; a thread writes the files. It may wait for a disk as long as it must:
what then exceeds the bound of its queue is counted, not kept, and the count is written when the disk is back.
The same holds for a full disk. A folder that somebody removed is made again with the next line.
"""

import errno
import os
import stat
import threading
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

_PRIVATE = 0o600


class Ring:
    """The last lines, numbered from the first line ever: `total` counts those that fell out, too."""

    def __init__(self, size: int) -> None:
        self._lines: deque[str] = deque(maxlen=size)
        self.total = 0

    def add(self, line: str) -> None:
        self._lines.append(line)
        self.total += 1

    def since(self, number: int = 0) -> list[str]:
        """Lines from this number on, as far as they are still here."""
        first = self.total - len(self._lines)
        return list(self._lines)[max(number - first, 0) :]

    def last(self, n: int) -> list[str]:
        return self.since(self.total - n)


class RotatingLog:
    """A file of lines and its predecessors PATH.1 (the newest), PATH.2, ..., `count` files in all.

    No file exceeds `size` bytes by more than a line. Only the owner can read them. Never raises after
    construction, which does not touch the disk.
    """

    def __init__(self, path: Path, size: int = 10 << 20, count: int = 5) -> None:
        self._path, self._limit, self._count = path, size, count
        self._fd = -1
        self._size = 0
        self._torn = False
        self._lost = 0
        self._why = ""

    def write(self, lines: Sequence[str]) -> None:
        done = 0
        try:
            self._open()
            if self._lost:
                self._write(f"ds4agent: {self._lost} lines lost here: {self._why}")
                self._lost = 0
            for line in lines:
                self._write(line)
                done += 1
        except OSError as error:
            self.lost(len(lines) - done, error.strerror or str(error))

    def lost(self, n: int, why: str) -> None:
        """Note lines that never came here."""
        self._lost, self._why = self._lost + n, why

    def _write(self, line: str) -> None:
        data = line.encode("utf-8", "replace") + b"\n"
        if self._size and self._size + len(data) > self._limit:
            self._rotate()
        if self._torn:
            data = b"\n" + data
        written = os.write(self._fd, data)
        self._size += written
        self._torn = written < len(data)
        if self._torn:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    def _open(self) -> None:
        """The file that stands under our name now: somebody may have moved or removed it."""
        if self._fd >= 0:
            with suppress(OSError):
                if os.path.samestat(self._path.stat(), os.fstat(self._fd)):
                    return
            self.close()
        self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._fd = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, _PRIVATE)
        facts = os.fstat(self._fd)
        self._size = facts.st_size
        if stat.S_ISREG(facts.st_mode) and stat.S_IMODE(facts.st_mode) != _PRIVATE:
            os.fchmod(self._fd, _PRIVATE)

    def _rotate(self) -> None:
        for n in range(self._count - 1, 0, -1):
            with suppress(OSError):
                self._name(n - 1).replace(self._name(n))
        # Nothing was moved away: old lines are worth less than a disk that does not fill up.
        if self._path.exists():
            os.ftruncate(self._fd, 0)
        self.close()
        self._open()

    def _name(self, n: int) -> Path:
        return self._path.with_name(f"{self._path.name}.{n}") if n else self._path

    def close(self) -> None:
        if self._fd >= 0:
            os.close(self._fd)
            self._fd, self._torn = -1, False


class LogWriter:
    """A RotatingLog behind a thread: `write` takes a moment, whatever the disk does."""

    def __init__(self, log: RotatingLog, waiting: int = 10_000) -> None:
        self._log, self._limit = log, waiting
        self._lines: list[str] = []
        self._lost = 0
        self._closing = False
        self._changed = threading.Condition()
        self._thread = threading.Thread(target=self._run, name="log", daemon=True)
        self._thread.start()

    def write(self, line: str) -> None:
        with self._changed:
            if len(self._lines) < self._limit:
                self._lines.append(line)
            else:
                self._lost += 1
            self._changed.notify()

    def close(self, seconds: float = 5.0) -> bool:
        """Whether everything was handed to the file in this time."""
        with self._changed:
            self._closing = True
            self._changed.notify()
        self._thread.join(seconds)
        return not self._thread.is_alive()

    def _run(self) -> None:
        closing = False
        while not closing:
            with self._changed:
                self._changed.wait_for(lambda: self._lines or self._lost or self._closing)
                lines, self._lines = self._lines, []
                lost, self._lost = self._lost, 0
                closing = self._closing
            self._log.write(lines)
            if lost:
                self._log.lost(lost, "the disk was too slow")
        self._log.write([])
        self._log.close()
