"""What the sidecar knows of what goes on: the engine's log, requests that are over, memory; kept and shown.

Everything here is fed from the event loop and costs microseconds. What touches a disk is done by a thread:
the log has its own, and the counters are saved by one of the loop's now and then and at the end.
"""

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ds4agent.sidecar import memory
from ds4agent.sidecar.counter_file import CounterFile
from ds4agent.sidecar.counters import Counters, Usage
from ds4agent.sidecar.logfiles import LogWriter, Ring, RotatingLog
from ds4agent.sidecar.status import EngineChanged, Queue, Serves, Status
from ds4agent.sidecar.status_events import Event, reduce
from ds4agent.sidecar.status_json import to_json
from ds4agent.wire.logparse import parse

RING_LINES = 500
LOADING = "loading"


class Measure:
    """`folder` holds the log and the counters. `clock`: Unix time."""

    def __init__(self, folder: Path, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._ring = Ring(RING_LINES)
        self._log = LogWriter(RotatingLog(folder / "engine.log"))
        self._file = CounterFile(folder / "counters.json")
        self._counters = Counters(clock())
        self._device = memory.DeviceMemory(time.monotonic)
        self._status = Status()
        self._model = ""
        self.notes = self._file.load(self._counters)

    def _reduce(self, event: Event) -> None:
        self._status = reduce(self._status, event, self._clock())

    def line(self, text: str) -> None:
        """Of the engine's output."""
        self._ring.add(text)
        self._log.write(text)
        event = parse(text)
        self._counters.log(event, self._model)
        self._reduce(event)

    def serves(self, model: str, context: int, size: int) -> None:
        """What the engine is started with."""
        self._model = model
        self._reduce(Serves(model, context, size))

    @property
    def context(self) -> int:
        """Tokens of the engine's context, as it was started; 0: not known."""
        return self._status.serves.context

    def engine(self, event: EngineChanged) -> None:
        if event.state == LOADING and event.pid is None and self._status.engine.state != LOADING:
            self._counters.engine_started(self._model, "crash" if event.restarts else "wanted")
        self._reduce(event)

    def request(self, usage: Usage) -> None:
        self._counters.request(usage)
        self._reduce(usage)

    def queue(self, queue: Queue) -> None:
        self._reduce(queue)

    def tail(self, n: int) -> list[str]:
        """The last lines of the engine's output."""
        return self._ring.last(n)

    def status(self, **more: int) -> bytes:
        """The body of the status endpoint, and `more` of it. Asks for memory figures: a millisecond."""
        self._reduce(memory.measure(self._status.engine.pid, self._device.current()))
        return (
            json.dumps({**to_json(self._status, self._clock()), **more}, ensure_ascii=False).encode() + b"\n"
        )

    def prometheus(self) -> bytes:
        return self._counters.prometheus()

    def snapshot(self) -> dict[str, Any]:
        """The counters as they are, for `save`."""
        return self._counters.state()

    def save(self, snapshot: dict[str, Any]) -> str:
        """From a thread that may wait for a disk. Returns what was wrong, "" if nothing was."""
        try:
            self._file.save(snapshot)
        except OSError as error:
            return f"the counters could not be saved: {error.strerror}"
        return ""

    def close(self) -> str:
        """As `save`."""
        problem = self.save(self.snapshot())
        self._log.close()
        return problem
