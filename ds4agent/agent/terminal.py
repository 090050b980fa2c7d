"""The pseudo-terminal that the persistent shell lives in: its environment, its modes, its end."""

import os
import shutil
import signal
import termios
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pexpect

SIZE = (50, 200)
HANG_UP_SECONDS = 5.0

_OVERRIDES = {
    "TERM": "dumb",
    "PAGER": "cat",
    "GIT_PAGER": "cat",
    "MANPAGER": "cat",
    "SYSTEMD_PAGER": "cat",
    "NO_COLOR": "1",
    "GIT_TERMINAL_PROMPT": "0",
    "VIRTUAL_ENV_DISABLE_PROMPT": "1",
    "PS1": "",
    "PS2": "",
}
_UNWANTED = ("BASH_ENV", "ENV", "PROMPT_COMMAND", "HISTFILE", "TMOUT", "LINES", "COLUMNS", "DS4AGENT_API_KEY")


class ShellError(Exception):
    """There is no usable bash on this machine."""


def tool_environment(base: Mapping[str, str]) -> dict[str, str]:
    """The environment of commands: the user's, without what would colour, page or prompt."""
    kept = {key: value for key, value in base.items() if key not in _UNWANTED}
    return {**kept, **_OVERRIDES}


def hang_up(child: "pexpect.spawn") -> None:
    """End the shell and what runs in its terminal, first kindly; the jobs of one that has ended, too."""
    import pexpect

    if child.closed:
        return
    # bash passes a hang-up on to its jobs only from its prompt; so all of its session get one from here. As
    # long as one of them is there, no other process gets the leader's number.
    leader = int(child.pid)
    for pid in [*_session_members(leader), *([leader] if child.isalive() else [])]:
        for number in (signal.SIGHUP, signal.SIGCONT):
            with suppress(ProcessLookupError, PermissionError):
                os.kill(pid, number)
    with suppress(pexpect.ExceptionPexpect, OSError):
        await_end(child, HANG_UP_SECONDS)
        child.close(force=True)


def _session_members(leader: int) -> list[int]:
    """The other processes of a session, where /proc tells."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError, ValueError):
            # Behind the name in parentheses: state, parent, group, session.
            session = int((folder / "stat").read_text().rpartition(")")[2].split()[3])
            if session == leader and int(folder.name) != leader:
                found.append(int(folder.name))
    return found


def await_end(child: "pexpect.spawn", seconds: float) -> None:
    """Give a process that is about to end the time to do so."""
    deadline = time.monotonic() + seconds
    while child.isalive() and time.monotonic() < deadline:
        time.sleep(0.002)


Modes = list[int | list[bytes | int]]


def modes(fd: int) -> Modes:
    """Those of a new terminal, but no echo and no CR in front of LF."""
    attributes = termios.tcgetattr(fd)
    attributes[1] &= ~termios.OPOST
    attributes[3] = attributes[3] & ~termios.ECHO | termios.ICANON | termios.ISIG
    return attributes


def _default_signals() -> None:
    """Runs in the child. Python ignores SIGPIPE, and a background process inherits an ignored SIGINT."""
    for number in (signal.SIGINT, signal.SIGQUIT, signal.SIGPIPE, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)


def spawn_bash(cwd: Path, environment: Mapping[str, str]) -> "pexpect.spawn":
    """An interactive bash without start-up files. Raises ShellError."""
    import pexpect  # not before it is needed: a plain answer uses no shell

    bash = shutil.which("bash", path=environment.get("PATH"))
    if not bash:
        raise ShellError("bash was not found on PATH; the bash tool needs it")
    try:
        child = pexpect.spawn(
            bash,
            ["--noprofile", "--norc", "--noediting", "-i"],
            cwd=str(cwd),
            env=dict(environment),
            echo=False,
            dimensions=SIZE,
            preexec_fn=_default_signals,
        )
    except (pexpect.ExceptionPexpect, OSError) as error:
        raise ShellError(f"the shell could not be started: {error}") from error
    child.ptyproc.delayafterclose = 0.01  # the library's 0.1 s would be felt at every end
    os.set_blocking(child.fileno(), False)
    return child
