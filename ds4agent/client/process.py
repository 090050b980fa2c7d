"""An engine process of our own: started for one run, stopped after it, never outliving us.

The process tells on stderr when it listens ("listening on http://HOST:PORT") and how far a prefill is; a
thread reads these lines, so that the pipe never fills. Its own process group keeps the terminal's Ctrl-C away
from it: the agent decides when to stop. Its standard input is a pipe that only we hold open: when we die,
however that happens, the engine reads its end and goes too.
"""

import os
import re
import signal
import subprocess
import tempfile
import threading
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

from ds4agent.client.cancel import Cancel
from ds4agent.client.errors import EngineStartError

STOP_SECONDS = 20.0
_LISTENING = re.compile(r"listening on (http://\S+)")
_PREFILL = re.compile(r"prefill chunk (\d+)/(\d+) \([\d.]+%\) chunk=[\d.]+ t/s avg=([\d.]+) t/s")
# Log lines may be ended by CR alone: see the protocol's section on log lines.
_LINE_END = re.compile(rb"[\r\n]+")
_STAMP = re.compile(r"^(?:\d{4} \d\d:\d\d:\d\d )?ds4(?:-server)?: ")

# Tokens done, of how many, tokens a second.
OnPrefill = Callable[[int, int, float], None]


class EngineProcess:
    """A started engine. `url` is known once wait_ready() returned."""

    def __init__(self, command: Sequence[str], on_prefill: OnPrefill) -> None:
        """Raises EngineStartError when the program cannot be run at all."""
        self.url = ""
        self._stopped = False
        self._on_prefill = on_prefill
        self._last_lines: deque[str] = deque(maxlen=20)
        self._ready, self._tell_ready = os.pipe()
        self._folder = tempfile.TemporaryDirectory(prefix="ds4agent-engine-")
        try:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                env=self._environment(),
                process_group=0,
            )
        except OSError as error:
            self._folder.cleanup()
            raise EngineStartError(f"{command[0]} cannot be run: {error.strerror}") from error
        self._reader = threading.Thread(target=self._read, name="engine log", daemon=True)
        self._reader.start()

    @property
    def identity(self) -> str:
        """A name for this process, other than that of any later one."""
        return f"{self._process.pid}@{self._folder.name}"

    def wait_ready(self, cancel: Cancel) -> str:
        """The address, once the engine listens. Raises EngineStartError with its last words, or Cancelled."""
        # Loading may take minutes, so only the end of the process is a failure.
        cancel.wait_readable(self._ready, None)
        if self.url:
            return self.url
        self._reader.join()
        raise EngineStartError(f"the engine did not start: {self._why()}")

    def stop(self) -> None:
        """End the process and wait for it: SIGTERM, which lets it save its state, then SIGKILL."""
        if self._stopped:
            return
        self._stopped = True
        with suppress(ProcessLookupError):
            self._process.terminate()
        try:
            self._process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._reader.join(STOP_SECONDS)
        if self._process.stdin:
            self._process.stdin.close()
        os.close(self._ready)
        self._folder.cleanup()

    def _environment(self) -> dict[str, str]:
        # Upstream allows one engine a machine; this one is small, and several runs may go side by side.
        lock = str(Path(self._folder.name) / "lock")
        return {"DS4_LOCK_FILE": lock, **os.environ, "DS4AGENT_STOP_WITH_STDIN": "1"}

    def _read(self) -> None:
        assert self._process.stderr is not None
        descriptor, rest = self._process.stderr.fileno(), b""
        while data := os.read(descriptor, 65536):
            *lines, rest = _LINE_END.split(rest + data)
            for line in lines:
                self._line(line.decode("utf-8", "replace"))
        self._line(rest.decode("utf-8", "replace"))
        self._process.stderr.close()
        os.close(self._tell_ready)

    def _line(self, line: str) -> None:
        if match := _PREFILL.search(line):
            self._on_prefill(int(match[1]), int(match[2]), float(match[3]))
        elif not self.url and (match := _LISTENING.search(line)):
            self.url = match[1]
            os.write(self._tell_ready, b"x")
        elif line.strip():
            self._last_lines.append(line.strip())

    def _why(self) -> str:
        code = self._process.wait()
        said = [_STAMP.sub("", line) for line in self._last_lines]
        ended = f"killed by {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"
        return f"{said[-1]} ({ended})" if said else ended
