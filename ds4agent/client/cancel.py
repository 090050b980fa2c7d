"""One flag that stops whatever the agent waits for.

A signal handler (or another thread) sets it; every blocking wait of the client and of the tools has its file
descriptor in its select(). Nothing is interrupted in the middle of a statement, so a transcript record is
either written whole or not begun: that is why Ctrl-C is not left to raise KeyboardInterrupt.
"""

import os
import select
from contextlib import suppress


class Cancelled(Exception):
    """The user asked to stop while something was waited for."""


class NotSent(Cancelled):
    """As Cancelled, before an engine had the whole request: it knows nothing of it."""


class Cancel:
    def __init__(self) -> None:
        self._read, self._write = os.pipe()
        os.set_blocking(self._read, False)
        os.set_blocking(self._write, False)
        self._set = False

    def set(self) -> None:
        """Async-signal safe: a flag and one byte."""
        self._set = True
        with suppress(OSError):
            os.write(self._write, b"x")

    def clear(self) -> None:
        self._set = False
        with suppress(BlockingIOError):
            while os.read(self._read, 64):
                pass

    def is_set(self) -> bool:
        return self._set

    def check(self) -> None:
        if self._set:
            raise Cancelled

    def fileno(self) -> int:
        return self._read

    def wait_readable(self, fd: int, timeout: float | None) -> bool:
        """Wait until fd can be read; False after timeout seconds. Raises Cancelled when the flag is set."""
        self.check()
        ready, _, _ = select.select([fd, self._read], [], [], timeout)
        self.check()
        return fd in ready

    def wait_writable(self, fd: int, timeout: float | None) -> bool:
        """As wait_readable, for writing."""
        self.check()
        _, ready, _ = select.select([self._read], [fd], [], timeout)
        self.check()
        return fd in ready

    def close(self) -> None:
        os.close(self._read)
        os.close(self._write)
