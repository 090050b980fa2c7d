"""What the shell's terminal brings while no call reads it.

A terminal holds some kilobytes; whoever prints more waits. Between two calls, while the model reads and
writes for a minute or more, a server in the background or a build over the time limit would stand still. So a
thread reads on, as it came: only the next call says what of it is whose, and whether a command has ended.
"""

import os
import signal
import threading
from contextlib import suppress

from ds4agent.client.cancel import Cancel, Cancelled

# Who prints more than this between two calls does wait: somebody who never stops would fill the memory.
MOST_BYTES = 4 << 20


class Drain:
    """Reads `fd`, which must not block, from now until `stop`."""

    def __init__(self, fd: int) -> None:
        self._fd = fd
        self._pieces: list[bytes] = []
        self._stop = Cancel()
        self._thread = threading.Thread(target=self._read, name="terminal", daemon=True)
        self._thread.start()

    def stop(self) -> bytes:
        """What has been read. The end of the terminal is seen by whoever reads next."""
        self._stop.set()
        self._thread.join()
        self._stop.close()
        return b"".join(self._pieces)

    def _read(self) -> None:
        # Ctrl-C is to wake the thread that waits for an engine.
        signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
        room, data = MOST_BYTES, b"-"
        with suppress(Cancelled, OSError):
            while room > 0 and data:
                self._stop.wait_readable(self._fd, None)
                data = os.read(self._fd, min(65536, room))
                self._pieces.append(data)
                room -= len(data)
