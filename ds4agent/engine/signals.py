"""SIGINT, SIGTERM and SIGHUP: the first ends the process in order, the second at once.

SIGHUP comes when a terminal is closed or an SSH connection is lost, from the kernel and from the shell, so a
second one hurries nothing; under nohup it is ignored as before.

While the engine starts there is nothing to end in order, so the first one ends it there and then. Handlers
of our own stay in place until the end is decided: the event loop's are taken away with the loop, and a
second signal between that and the end would be an end by signal. Then signals are ignored, because the
interpreter takes its handlers away before the process is gone: a front end that lets go of the engine's
standard input and sends a signal too would see it killed by that, when everything is saved.

A handler runs between two instructions of the interpreter. A signal that comes behind the last of them and
before the event loop sleeps would be seen when the next client comes, so each one writes a byte to a socket
that the loop listens to.
"""

import asyncio
import os
import signal
import socket
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

EXIT_AT_ONCE = 130
_NUMBERS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Signals:
    """`on_first` runs in the main thread, between two of its instructions."""

    def __init__(self) -> None:
        self._stopping = False
        self.on_first: Callable[[], object] = lambda: sys.exit(0)
        for number in _NUMBERS:
            if number != signal.SIGHUP or signal.getsignal(number) != signal.SIG_IGN:
                signal.signal(number, self._handle)

    def _handle(self, number: int, _frame: FrameType | None) -> None:
        if self._stopping:
            if number != signal.SIGHUP:
                os._exit(EXIT_AT_ONCE)
            return
        self._stopping = True
        self.on_first()


@contextmanager
def waking(loop: asyncio.AbstractEventLoop) -> Iterator[None]:
    """Meanwhile every signal ends the sleep of this loop, which is that of the main thread."""
    reader, writer = socket.socketpair()
    with reader, writer:
        reader.setblocking(False)
        writer.setblocking(False)
        loop.add_reader(reader, reader.recv, 4096)
        signal.set_wakeup_fd(writer.fileno(), warn_on_full_buffer=False)
        try:
            yield
        finally:
            signal.set_wakeup_fd(-1)
            loop.remove_reader(reader)


def ignore_signals() -> None:
    """The exit code is decided, and nothing is left that a signal could end sooner."""
    for number in _NUMBERS:
        signal.signal(number, signal.SIG_IGN)
