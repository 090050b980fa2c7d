"""An engine process of ours: started, listened to, ended.

Ready means that its port takes connections: ds4-server opens it last. The end is asked for with SIGTERM,
which lets it write its cache; how long that may take follows its log: as long as lines come, it is at work.
It is sent once, whoever asks: a second one tells ds4-server to drop what it is writing.
"""

import asyncio
import os
import signal
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ds4agent.wire.logrecords import Records

PROBE_SECONDS = 0.1
QUIET_SECONDS = 15.0


@dataclass(frozen=True, slots=True)
class Launch:
    """How to start an engine. `port` 0: its log says which it took."""

    argv: Sequence[str]
    environment: Mapping[str, str]
    host: str = "127.0.0.1"
    port: int = 0


class LaunchError(Exception):
    """The engine cannot be started as things are; the message says what to do."""


class EngineProcess(asyncio.SubprocessProtocol):
    """`line` is given each line of output; `ended`, once, the exit status (negative: a signal)."""

    def __init__(self, line: Callable[[str], None], ended: Callable[[int], None]) -> None:
        self._line = line
        self._ended = ended
        self._records = Records()
        self._loop = asyncio.get_running_loop()
        self._over = self._loop.create_future()
        self._transport: asyncio.SubprocessTransport
        self._asked: float | None = None  # to end
        self.last_line = self._loop.time()

    @classmethod
    async def start(
        cls, launch: Launch, line: Callable[[str], None], ended: Callable[[int], None]
    ) -> "EngineProcess":
        """Raises OSError if the program cannot be run."""
        _, process = await asyncio.get_running_loop().subprocess_exec(
            lambda: cls(line, ended),
            *launch.argv,
            stdin=asyncio.subprocess.PIPE,  # its end, however we end, is that of the embedded engine
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.PIPE,
            env={**launch.environment, "DS4AGENT_STOP_WITH_STDIN": "1"},
            process_group=0,
        )
        return process

    @property
    def pid(self) -> int:
        return self._transport.get_pid()

    @property
    def running(self) -> bool:
        return not self._over.done()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.SubprocessTransport)
        self._transport = transport

    def pipe_data_received(self, _fd: int, data: bytes) -> None:
        self.last_line = self._loop.time()
        for line in self._records.feed(data):
            self._line(line)

    def pipe_connection_lost(self, _fd: int, _error: Exception | None) -> None:
        for line in self._records.end():
            self._line(line)

    def process_exited(self) -> None:
        status = self._transport.get_returncode()
        if not self._over.done():
            self._over.set_result(-1 if status is None else status)
            self._ended(self._over.result())

    def signal(self, number: int) -> None:
        if self.running:
            self._transport.send_signal(number)

    async def stop(self, grace: float) -> int:
        """SIGTERM, then SIGKILL after `grace` seconds, or later while the log moves. Its exit status."""
        if self._asked is None:
            self._asked = self._loop.time()
            self.signal(signal.SIGTERM)
        while self.running:
            now = self._loop.time()
            patience = max(self._asked + grace, self.last_line + min(grace, QUIET_SECONDS)) - now
            if patience <= 0:
                self.signal(signal.SIGKILL)
                patience = grace
            await asyncio.wait([self._over], timeout=patience)
        return int(self._over.result())

    async def wait(self) -> int:
        return int(await asyncio.shield(self._over))


async def answers(host: str, port: int) -> bool:
    """Whether something takes connections there."""
    try:
        _, writer = await asyncio.open_connection(host, port)
    except OSError:
        return False
    writer.close()
    return True


def cpu_seconds(pid: int) -> float | None:
    """Computing done by a process so far; None where the system does not tell."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()
    except OSError:
        return None
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
