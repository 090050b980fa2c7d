"""The persistent shell behind the `bash` tool.

An interactive bash lives in a pseudo-terminal for as long as the session runs, so that the working directory,
variables and background jobs last between calls. What the model wrote is never typed into that terminal: it
goes to a file, and one short line that sources the file is typed. So quotes that do not close and
here-documents without an end are ordinary syntax errors, never a shell that waits for more, and a line may be
longer than the terminal's buffer.

The end of a command is a sentinel with a random name that bash prints before its next prompt: it carries the
exit code and the working directory, and it appears also after a syntax error or an interrupt. It comes
through the terminal itself, behind all output of the command, so nothing printed before can be missed.

Decisions the model lives with:
* Commands read /dev/null. A program that wants an answer gets end of file, not a silent wait.
* Over the time limit, the command keeps running and the caller gets what there is; an empty command waits on,
  any other command stops the one that runs (Ctrl-C, then SIGKILL) before it starts.
* `exit`, `exec` and a crash end the shell; the next one starts in the last known working directory. So does
  the first shell of a session that is taken up again; variables do not outlive the shell.
* The terminal is dumb and 200 columns wide, pagers are off, nothing is echoed.

KV effect: none by itself; a result is appended once and never changed.
"""

import os
import re
import shlex
import signal
import termios
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from ds4agent.agent import terminal
from ds4agent.agent.drain import Drain
from ds4agent.agent.output import Collector
from ds4agent.agent.terminal import ShellError
from ds4agent.client.cancel import Cancel, Cancelled

if TYPE_CHECKING:
    import pexpect

# How long a command may take to obey Ctrl-C before it is killed, and to die then.
GRACE = 5.0
SIGNAL_EVERY = 0.2
# What a command has printed by now is there at once.
LAST_WORDS = 0.02
SETTLE_TRIES, SETTLE_SECONDS = 5, 1.0
START_LIMIT = 20.0
# A shell that is gone while its children hold the terminal open gives no end of file; so it is looked after.
HEARTBEAT = 0.25

_SETUP = "PS1= PS2=; unset HISTFILE MAILCHECK; set +o history +H"
# What bash says about a background job that came to its end, in the middle of another command's output.
_NOTICE = re.compile(r"^\[\d+\][+ -] +(?:Done|Exit \d+) {8,}.*(?:\n|\Z)", re.M)


@dataclass(frozen=True, slots=True)
class ShellResult:
    """What one call brought. `exit_code` is None while the command goes on or when the shell was killed."""

    text: str
    exit_code: int | None
    running: bool = False
    died: bool = False
    interrupted: bool = False


class Shell:
    """One bash. `spill_path` makes a fresh file name for output over the cap."""

    def __init__(
        self,
        cwd: Path,
        scratch: Path,
        spill_path: Callable[[], Path],
        limit: float,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self.cwd = cwd
        self._home = cwd
        self._scratch = scratch
        self._spill_path = spill_path
        self._limit = limit
        self._environment = terminal.tool_environment(os.environ if environment is None else environment)
        self._child: pexpect.spawn | None = None
        self._modes: terminal.Modes = []
        self._nonce = b""
        self._held = b""
        self._drain: Drain | None = None  # between two calls
        self._running = self._begun = False
        self._last_code = 0

    @property
    def running(self) -> bool:
        """Whether a command of an earlier call still runs."""
        return self._running

    def run(self, command: str, cancel: Cancel) -> ShellResult:
        """Run a command, or with an empty one wait for the command that runs. Raises Cancelled if that came
        before the command was begun: then it is not.
        """
        self._stop_drain()
        try:
            return self._run(command, cancel)
        finally:
            if self._child:
                self._drain = Drain(self._child.fileno())

    def _run(self, command: str, cancel: Cancel) -> ShellResult:
        if not command.strip() and not self._running:
            return ShellResult("", 0)
        output = Collector(self._spill_path)
        died = False
        if command.strip() and self._running:
            self._make_room(output)
            died = self._child is None
        if not self._running:
            died |= self._ready()
            cancel.check()
            self._type(command)
        result = self._collect(output, cancel)
        return replace(result, died=died or result.died)

    def close(self) -> None:
        """Hang up, as when a terminal window closes: what is to outlive it needs nohup or setsid."""
        self._stop_drain()
        if self._child:
            terminal.hang_up(self._child)
        self._child, self._running, self._held = None, False, b""

    def _stop_drain(self) -> None:
        if self._drain:
            self._held += self._drain.stop()
        self._drain = None

    # -- one command -----------------------------------------------------------------------------------------

    def _make_room(self, output: Collector) -> None:
        """End the command that runs, unless it has ended by itself, and take what nobody has read of it."""
        if self._pump(output, time.monotonic() + LAST_WORDS, None):
            output.note(f"[the command that was still running ended with exit code {self._last_code}]")
        else:
            self._stop(output)
            output.note("[the command that was still running was stopped]")

    def _collect(self, output: Collector, cancel: Cancel) -> ShellResult:
        try:
            ended = self._pump(output, time.monotonic() + self._limit, cancel)
        except Cancelled:
            self._stop(output)
            return ShellResult(self._text(output), None, died=self._child is None, interrupted=True)
        if self._child is None:
            return ShellResult(self._text(output), self._last_code, died=True)
        if not ended:
            return ShellResult(self._text(output), None, running=True)
        return ShellResult(self._text(output), self._last_code)

    def _text(self, output: Collector) -> str:
        # Syntax errors name the file that was sourced, which means nothing to the reader.
        return _NOTICE.sub("", output.finish().text.replace(f"{self._script}: ", "")).rstrip()

    def _pump(self, output: Collector | None, deadline: float, cancel: Cancel | None) -> bool:
        """Read until the sentinel, the end of the shell or the deadline; True when the command is over."""
        idle = cancel or _NEVER
        look = time.monotonic() + HEARTBEAT
        while self._child is not None:
            if self._take(output):
                return True
            now = time.monotonic()
            if now >= deadline:
                return False
            if idle.wait_readable(self._child.fileno(), min(deadline - now, HEARTBEAT)):
                self._read(output)
            if self._child is not None and now >= look:
                look = now + HEARTBEAT
                if not self._child.isalive():
                    self._bury(output)
        return True

    def _read(self, output: Collector | None) -> None:
        assert self._child is not None
        pieces: list[bytes] = []
        gone = False
        while len(pieces) < 64 and not gone:
            try:
                pieces.append(os.read(self._child.fileno(), 65536))
                gone = not pieces[-1]
            except BlockingIOError:
                break
            except OSError:  # EIO: every holder of the terminal is gone
                gone = True
        self._held += b"".join(pieces)
        if gone:
            self._take(output)
            self._bury(output)

    def _take(self, output: Collector | None) -> bool:
        """Pass on what was read, up to the sentinel; hold back what may be the beginning of one."""
        start = self._held.find(b"\x1e" + self._nonce + b"<\x1e")
        if start >= 0:  # what background jobs printed between the calls stays
            self._begun = True
            self._held = self._held[:start] + self._held[start + len(self._nonce) + 3 :]
        mark = self._held.find(b"\x1e" + self._nonce + b">")
        end = self._held.find(b"\x1e", mark + 1) if mark >= 0 else -1
        if end >= 0:
            self._finish(self._held[mark + len(self._nonce) + 2 : end])
        cut = mark if mark >= 0 else self._held.rfind(b"\x1e", max(0, len(self._held) - 128))
        if cut < 0:
            cut = len(self._held)
        if output and cut:
            output.feed(self._held[:cut])
        self._held = self._held[end + 1 :] if end >= 0 else self._held[cut:]
        return end >= 0

    def _finish(self, report: bytes) -> None:
        code, _, cwd = report.partition(b" ")
        self._last_code = int(code)
        self.cwd = Path(os.fsdecode(cwd))
        self._running = False

    def _bury(self, output: Collector | None) -> None:
        """The shell is gone: keep its last words and its exit code."""
        assert self._child is not None
        if output and self._held:
            output.feed(self._held)
        terminal.await_end(
            self._child, GRACE
        )  # the end of the terminal comes a moment before that of the process
        terminal.hang_up(self._child)
        signalled = self._child.signalstatus
        self._last_code = 128 + signalled if signalled else self._child.exitstatus or 0
        self.close()

    # -- stopping --------------------------------------------------------------------------------------------

    def _stop(self, output: Collector | None = None) -> None:
        """Ctrl-C the command. If it does not listen, kill it and the shell with it: a shell that only lost
        the one program would go on with the next line of the script.
        """
        assert self._child is not None
        deadline = time.monotonic() + GRACE
        while not self._begun and time.monotonic() < deadline:
            # Before bash has read the line, a signal would only make it forget the line.
            if self._pump(output, time.monotonic() + 0.01, None):
                return
        while time.monotonic() < deadline:
            # More than once: a signal between two commands of the script can hit the shell as it forks.
            self._signal(self._foreground(), signal.SIGINT)
            if self._pump(output, time.monotonic() + SIGNAL_EVERY, None):
                self._settle()
                return
        group = self._foreground()
        self._signal(int(self._child.pid), signal.SIGKILL)
        self._signal(group, signal.SIGKILL)
        self.close()

    def _settle(self) -> None:
        """A signal that came late makes bash throw away the line it reads, so see that one gets through.

        One that came while bash forked made it announce the end and then wait all the same for the program
        it had begun: that has the terminal now, and is stopped in its turn.
        """
        code = self._last_code
        for _ in range(SETTLE_TRIES):
            deadline = time.monotonic() + SETTLE_SECONDS
            if self._child:
                self._send(_SETUP)
            while self._child and time.monotonic() < deadline:
                if self._pump(None, time.monotonic() + SIGNAL_EVERY, None):
                    self._last_code = code
                    return
                if self._foreground() != self._child.pid:
                    self._signal(self._foreground(), signal.SIGINT)
        self.close()

    def _foreground(self) -> int:
        """The process group that has the terminal: that of the command, or of the shell itself."""
        assert self._child is not None
        with suppress(OSError):
            group = os.tcgetpgrp(self._child.fileno())
            # A terminal without a session has group 0, and that would mean our own.
            if group > 1:
                return group
        return int(self._child.pid)

    @staticmethod
    def _signal(group: int, number: signal.Signals) -> None:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(group, number)

    # -- the terminal ----------------------------------------------------------------------------------------

    @property
    def _script(self) -> Path:
        return self._scratch / "command"

    def _ready(self) -> bool:
        """See that there is a shell; True when the last one has died since the last command."""
        died = self._child is not None and not self._child.isalive()
        if died:
            self._bury(None)
        if self._child is None:
            self._start()
        return died

    def _type(self, command: str) -> None:
        self._write_script(command)
        # A trap on ERR is for the command's own errors.
        code = f"{{ (exit {self._last_code}); }} >/dev/null 2>&1; " if self._last_code else ""
        self._send(f"{code}. {shlex.quote(str(self._script))} </dev/null")

    def _write_script(self, command: str) -> None:
        try:
            self._scratch.mkdir(mode=0o700, parents=True, exist_ok=True)
            descriptor = os.open(self._script, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
            with os.fdopen(descriptor, "w", encoding="utf-8", errors="surrogateescape", newline="") as file:
                file.write(command.replace("\0", "") + "\n")
        except OSError as error:
            raise ShellError(f"a command could not be written to {self._script}: {error.strerror}") from error

    def _send(self, line: str) -> None:
        """Type one line; its end will be announced under a fresh name."""
        assert self._child is not None
        nonce = os.urandom(12).hex()
        self._nonce = nonce.encode()
        # All of them: a character that the last command made special would be missing from the line.
        termios.tcsetattr(self._child.fileno(), termios.TCSANOW, self._modes)
        # Set before the command, for one that is interrupted, and again behind it, for one that changed it. A
        # trace that the command began, be it a trap, ends with it: else it would be one of these lines. So
        # does editing of the line, in which bash does not look at PROMPT_COMMAND.
        code = "{ : ${__ds4_code=$?}; trap - DEBUG; set +xv +o vi +o emacs; } >/dev/null 2>&1"
        report = f'printf "\\036{nonce}>%s %s\\036" "$__ds4_code" "$PWD" >/dev/tty'
        begin = f"{code}; {report}; jobs >/dev/null 2>&1; PS0= PS1= PS2="
        prompt = f"unset PROMPT_COMMAND; PROMPT_COMMAND='{begin}'"
        start = f"unset __ds4_code; printf '\\036{nonce}<\\036' >/dev/tty"
        data = f"{prompt}; {start}; {line}; {code}; {prompt}\n".encode()
        os.write(self._child.fileno(), data)  # far below the terminal's buffer of 4096 bytes
        self._running, self._begun = True, False

    def _start(self) -> None:
        where = self.cwd if self.cwd.is_dir() else self._home
        self._child = terminal.spawn_bash(where, self._environment)
        self._modes = terminal.modes(self._child.fileno())
        self._last_code = 0
        self._send(_SETUP)
        if not self._pump(None, time.monotonic() + START_LIMIT, None) or self._child is None:
            self.close()
            raise ShellError("the shell did not answer after it was started")


_NEVER = Cancel()
