"""Where the counters outlive a restart.

The file is a snapshot, written aside and renamed, so that a crash leaves the last one whole. A file that
cannot be read is put aside and counting starts anew; a family in it that has another form is left out alone.
"""

import json
import os
from contextlib import suppress
from pathlib import Path
from typing import Any

from ds4agent.sidecar.counters import FORMAT, Counters


class CounterFile:
    """Where a snapshot lies. Reading never raises; writing may raise OSError and leaves the last one."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def load(self, counters: Counters) -> list[str]:
        """Returns sentences about what could not be read."""
        try:
            data = self._path.read_bytes()
        except FileNotFoundError:
            return []
        except OSError as error:
            return [f"counters start anew: {self._path} cannot be read: {error.strerror}"]
        try:
            state = json.loads(data)
            if not isinstance(state, dict) or state.get("format") != FORMAT:
                raise ValueError("it is no counter file of this version")
        except (ValueError, RecursionError) as error:
            aside = self._path.with_name(f"{self._path.name}.damaged")
            with suppress(OSError):
                self._path.replace(aside)
            return [f"counters start anew: {self._path} is damaged ({error}) and now {aside.name}"]
        return [f"{self._path}: {problem}" for problem in counters.restore(state)]

    def save(self, state: dict[str, Any]) -> None:
        """Waits for the disk: not on the event loop."""
        self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        aside = self._path.with_name(f"{self._path.name}.tmp")
        fd = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        with os.fdopen(fd, "wb") as file:
            file.write(json.dumps(state).encode())
            file.flush()
            os.fsync(fd)
        aside.replace(self._path)
