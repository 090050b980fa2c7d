"""A client on standard input and output.

Each has a thread: a client that does not read what it is sent must not keep the server from hearing it, and
a read that waits must not keep the process from ending. The process ends with `exit`, with the end of its
input, with the client's process, and with SIGTERM; in each case what it had started is ended first.
"""

import asyncio
import os
import queue
import signal
import threading
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from ds4agent.lsp.connection import Connection
from ds4agent.lsp.framing import Framer, Malformed

CHUNK = 1 << 16
FLUSH_SECONDS = 2.0
SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


class Output:
    """Writes in the order given, in a thread of its own."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._queue: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="output", daemon=True)
        self._thread.start()

    def write(self, data: bytes) -> None:
        self._queue.put(data)

    def close(self) -> None:
        """What was given is written, if somebody reads it."""
        self._queue.put(None)
        self._thread.join(FLUSH_SECONDS)

    def _run(self) -> None:
        # A client that reads no more is noticed by the end of the input.
        with suppress(OSError):
            while (data := self._queue.get()) is not None:
                view = memoryview(data)
                while view:
                    view = view[os.write(self._descriptor, view) :]


async def serve(flags: Mapping[str, Any]) -> int:
    """The exit code. Raises ConfigError."""
    loop = asyncio.get_running_loop()
    output = Output(1)
    connection = Connection(flags, output, headers=True)
    for number in SIGNALS:
        loop.add_signal_handler(number, connection.end, signal.Signals(number).name)
    threading.Thread(target=_read, args=(loop, connection), name="input", daemon=True).start()
    code = await connection.over
    await connection.close()
    output.close()
    return code


def _read(loop: asyncio.AbstractEventLoop, connection: Connection) -> None:
    framer = Framer()
    with suppress(RuntimeError):  # the loop is closed: nobody listens any more
        while data := _some():
            for found in framer.feed(data):
                if isinstance(found, Malformed):
                    loop.call_soon_threadsafe(connection.complain, found)
                else:
                    loop.call_soon_threadsafe(connection.take, found)
        loop.call_soon_threadsafe(connection.finish, "the end of the input")


def _some() -> bytes:
    try:
        return os.read(0, CHUNK)
    except OSError:
        return b""
