"""Starting the sidecar with the user's session: a systemd user unit, or a launchd agent.

The file is written, nothing is started: the commands that do that are told, so that nobody is surprised by a
process. An existing file of another content is only replaced if it is ours.
"""

import os
import plistlib
import re
import shlex
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

NAME = "ds4agent"
LABEL = "local.ds4agent.serve"
_MARK = "Written by `ds4agent serve --install`"
# What the command reads of the environment: a service has none of what a shell sets.
_KEPT = re.compile(
    r"PATH|DS4AGENT_.*|DS4_LOCK_FILE|XDG_(CONFIG|DATA|STATE|CACHE)_HOME|HF_HOME|(HF|HUGGINGFACE)_HUB_CACHE"
)


class InstallError(Exception):
    """The file cannot be written; the message says why and what to do."""


@dataclass(frozen=True, slots=True)
class Service:
    """`commands`: what to type to start it, and to be rid of it again."""

    path: Path
    content: bytes
    commands: tuple[str, ...]


def service(
    argv: Sequence[str], home: Path, platform: str = sys.platform, environment: Mapping[str, str] = os.environ
) -> Service:
    """`argv`: the whole command, the program by its absolute path. The variables that it reads and the folder
    that we are in, from which its paths are meant, are kept in the file. Raises InstallError.
    """
    kept = {name: value for name, value in sorted(environment.items()) if _KEPT.fullmatch(name)}
    _check({**kept, "the working directory": str(Path.cwd()), "the command": shlex.join(argv)})
    if platform == "darwin":
        path = home / "Library/LaunchAgents" / f"{LABEL}.plist"
        commands = (
            f"launchctl bootstrap gui/$(id -u) {shlex.quote(str(path))}",
            f"launchctl bootout gui/$(id -u)/{LABEL} && rm {shlex.quote(str(path))}",
        )
        return Service(path, _plist(argv, kept, home), commands)
    base = environment.get("XDG_CONFIG_HOME", "")
    folder = Path(base) if base.startswith("/") else home / ".config"
    path = folder / "systemd/user" / f"{NAME}.service"
    commands = (
        f"systemctl --user daemon-reload && systemctl --user enable --now {NAME}",
        f"systemctl --user disable --now {NAME} && rm {shlex.quote(str(path))}",
    )
    return Service(path, _unit(argv, kept).encode(), commands)


def _check(texts: Mapping[str, str]) -> None:
    """systemd leaves out what is not UTF-8 and starts without it; a launchd agent cannot hold it."""
    for name, text in texts.items():
        try:
            text.encode()
        except UnicodeEncodeError as error:
            value = text.encode("utf-8", "backslashreplace").decode()
            raise InstallError(f"{name} is not UTF-8, a service could not have it: {value}") from error


def _unit(argv: Sequence[str], kept: Mapping[str, str]) -> str:
    variables = "".join(f"Environment={_quoted(f'{name}={value}')}\n" for name, value in kept.items())
    words = " ".join(_quoted(word).replace("$", "$$") for word in argv)  # variables are put in here alone
    # A folder that is gone later is no reason not to start.
    folder = str(Path.cwd()).replace("%", "%%")
    return (
        f"# {_MARK}\n"
        "[Unit]\nDescription=ds4agent: keeps a DeepSeek V4 engine and its cache warm\n\n"
        f"[Service]\n{variables}WorkingDirectory=-{folder}\nExecStart={words}\n"
        # The engine writes its cache when it is asked to end, and is asked by us alone.
        "KillMode=mixed\nTimeoutStopSec=180\nRestart=on-failure\nRestartSec=5\n\n"
        "[Install]\nWantedBy=default.target\n"
    )


def _quoted(word: str) -> str:
    """As systemd reads a word, without what it would put in for %."""
    if re.fullmatch(r"[\w@+=:,./-]+", word, re.ASCII):
        return word
    escaped = word.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n").replace("%", "%%")
    return f'"{escaped}"'


def _plist(argv: Sequence[str], kept: Mapping[str, str], home: Path) -> bytes:
    value = {
        "Label": LABEL,
        "Comment": _MARK,
        "ProgramArguments": list(argv),
        "EnvironmentVariables": dict(kept),
        "WorkingDirectory": str(Path.cwd()),
        "RunAtLoad": True,
        "KeepAlive": {"SuccessfulExit": False},
        "ExitTimeOut": 180,
        "StandardErrorPath": str(home / "Library/Logs" / f"{NAME}.log"),
    }
    return plistlib.dumps(value)


def install(found: Service) -> None:
    """Raises InstallError."""
    try:
        if found.path.exists() and _MARK.encode() not in found.path.read_bytes():
            raise InstallError(f"{found.path} exists and was not written by ds4agent: move it away first")
        found.path.parent.mkdir(parents=True, exist_ok=True)
        temporary = found.path.with_name(found.path.name + ".new")
        temporary.unlink(missing_ok=True)
        # There may be keys in it.
        with open(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:  # noqa: PTH123
            file.write(found.content)
        temporary.replace(found.path)
    except OSError as error:
        raise InstallError(f"{found.path} cannot be written: {error.strerror}") from error
