"""Programs that a build runs (git, make): each in a group of its own, with a time limit, its output in a log.

A step that fails, overruns or is interrupted leaves no process behind. The caller gets the last lines of the
log in the error, and the whole of it in the file.
"""

import os
import re
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import IO

LOG_MAX = 64 << 20
_TAIL = 12
# Variables that would point git at another repository, or make at another makefile's options.
_FOREIGN = re.compile(
    r"GIT_(DIR|WORK_TREE|INDEX_FILE|(ALTERNATE_)?OBJECT_DIRECTOR(Y|IES)|PREFIX|COMMON_DIR|NAMESPACE)|MAKE.*|MFLAGS"
)


class BuildError(Exception):
    """A build failed; the message says at which step and why."""


class _Start:
    """What keeps a signal from ending us between the birth of a program and our knowing of it: it would be
    nobody's then, and go on.
    """

    def __init__(self) -> None:
        self._begun = False
        self._pending = 0

    @contextmanager
    def undisturbed(self) -> Iterator[None]:
        """A program is being started in here."""
        self._begun = True
        try:
            yield
        finally:
            self._begun = False

    def exit_if_asked(self) -> None:
        if self._pending:
            sys.exit(128 + self._pending)

    def asked(self, number: int, frame: FrameType | None) -> None:
        """The handler: an exit, so that what runs is ended with us."""
        if self._begun:
            self._pending = number
        else:
            sys.exit(128 + number)


_start = _Start()


def stop_builds_with_us() -> None:
    """SIGTERM and Ctrl-C as exceptions that end make and git, too. For the main thread."""
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _start.asked)


@dataclass(frozen=True, slots=True)
class Steps:
    """Runs programs in `folder` and appends all they print to `log`."""

    folder: Path
    log: Path

    def run(self, what: str, words: Sequence[str], seconds: float) -> None:
        """`what`: the step in the user's words, for the error. Raises BuildError."""
        with self.log.open("ab", buffering=0) as log:
            log.write(f"$ {shlex.join(words)}\n".encode())
            start = log.tell()
            process: subprocess.Popen[bytes] | None = None
            try:
                with _start.undisturbed():
                    process = self._started(what, words, log)
                _start.exit_if_asked()
                problem = self._watch(process, seconds)
            finally:
                if process is not None:
                    with suppress(ProcessLookupError, PermissionError):
                        os.killpg(process.pid, signal.SIGKILL)
                    process.wait()
        if problem:
            raise BuildError(f"{what} {problem}; log: {self.log}{self._tail(start)}")

    def _started(self, what: str, words: Sequence[str], log: IO[bytes]) -> "subprocess.Popen[bytes]":
        try:
            return subprocess.Popen(
                words,
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=environment(),
                start_new_session=True,
            )
        except FileNotFoundError as error:
            raise BuildError(f"{what}: {words[0]} is not installed{_hint(words[0])}") from error
        except OSError as error:
            raise BuildError(f"{what}: cannot run {words[0]}: {error.strerror}") from error

    def ask(self, words: Sequence[str]) -> str:
        """The first line a program prints, "" if it cannot be run."""
        try:
            answer = subprocess.run(
                words,
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                env=environment(),
                timeout=30,
            )
        except (OSError, subprocess.TimeoutExpired):
            return ""
        return next(iter(answer.stdout.decode(errors="replace").splitlines()), "").strip()

    def _watch(self, process: "subprocess.Popen[bytes]", seconds: float) -> str:
        """What went wrong, or ""."""
        until = time.monotonic() + seconds
        while True:
            try:
                status = process.wait(timeout=max(0.0, min(0.1, until - time.monotonic())))
            except subprocess.TimeoutExpired:
                if time.monotonic() >= until:
                    return f"did not end within {seconds:g} s"
                if self.log.stat().st_size > LOG_MAX:
                    return f"printed more than {LOG_MAX >> 20} MiB"
                continue
            if status < 0:
                return f"was ended by {signal.Signals(-status).name}"
            return f"failed with exit status {status}" if status else ""

    def _tail(self, start: int) -> str:
        with self.log.open("rb") as log:
            log.seek(max(start, self.log.stat().st_size - 4096))
            lines = log.read().decode(errors="replace").replace("\r", "\n").splitlines()[-_TAIL:]
        return "".join(f"\n    {line}" for line in lines if line.strip())


def environment() -> dict[str, str]:
    """Ours, without what belongs to a git or make that we may run under. git never asks a question."""
    own = {name: value for name, value in os.environ.items() if not _FOREIGN.fullmatch(name)}
    return own | {"GIT_TERMINAL_PROMPT": "0", "GIT_ASKPASS": "true", "LC_ALL": "C"}


def _hint(program: str) -> str:
    if os.uname().sysname == "Darwin":
        return "; install Apple's Command Line Tools: xcode-select --install"
    return f"; install {Path(program).name} with your system's package manager"
