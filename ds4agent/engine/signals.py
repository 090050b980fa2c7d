"""SIGINT and SIGTERM: the first ends the process in order, the second at once.

While the engine starts there is nothing to end in order, so the first one ends it there and then. Handlers
of our own stay in place until the process is gone: the event loop's are taken away with the loop, and a
second signal between that and the end would be an end by signal.
"""

import os
import signal
import sys
from collections.abc import Callable
from types import FrameType

EXIT_AT_ONCE = 130


class Signals:
    """`on_first` runs in the main thread, between two of its instructions."""

    def __init__(self) -> None:
        self._stopping = False
        self.on_first: Callable[[], object] = lambda: sys.exit(0)
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self._handle)

    def _handle(self, _number: int, _frame: FrameType | None) -> None:
        if self._stopping:
            os._exit(EXIT_AT_ONCE)
        self._stopping = True
        self.on_first()
