"""The command `ds4agent`. Each command is a module that is imported only when it runs.

No traceback reaches the user: what nobody expected is one sentence on stderr, and the rest is in the log.
"""

import importlib
import io
import os
import sys
import time
import traceback
from contextlib import suppress
from typing import NoReturn

import click

from ds4agent import __version__, paths

COMMANDS = {
    "run": "ds4agent.cli.run",
    "sessions": "ds4agent.cli.sessions",
    "kv": "ds4agent.cli.kv",
    "serve": "ds4agent.cli.serve",
    "status": "ds4agent.cli.status",
    "models": "ds4agent.cli.models",
    "engine": "ds4agent.cli.engine",
    "exec": "ds4agent.cli.exec",
    "lsp": "ds4agent.cli.lsp",
}


class Lazy(click.Group):
    """Knows the names of the commands; loads one when it is wanted."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        command = importlib.import_module(COMMANDS[cmd_name]).command
        assert isinstance(command, click.Command)
        return command


@click.group(cls=Lazy, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="ds4agent", message="%(prog)s %(version)s")
def cli() -> None:
    """Long coding sessions on DeepSeek V4, on your own machine."""


def main() -> NoReturn:
    """Entry point of the console script."""
    _open_streams()
    sys.exit(_run())


def _open_streams() -> None:
    """Standard streams that the caller closed lead nowhere, instead of to the next file that is opened."""
    for number, name, mode in ((0, "stdin", "r"), (1, "stdout", "w"), (2, "stderr", "w")):
        if getattr(sys, name) is None:
            null = os.open(os.devnull, os.O_RDWR)
            if null != number:
                os.dup2(null, number)
                os.close(null)
            setattr(sys, name, os.fdopen(number, mode))
    # A name that is not UTF-8, or a title in a terminal that is not, must not end a listing. As for stderr.
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")


def _run() -> int:
    try:
        result = cli.main(prog_name="ds4agent", standalone_mode=False)
        return result if isinstance(result, int) else 0
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except (click.Abort, KeyboardInterrupt):
        return 130
    except BrokenPipeError:
        # The reader of our output has gone; what is still buffered must not raise again at exit.
        with suppress(OSError):
            sys.stdout.close()
        return 1
    except paths.NoHome as error:
        click.echo(f"ds4agent: {error}", err=True)
        return 1
    except Exception as error:
        if why := _unwritten():
            click.echo(f"ds4agent: the output could not be written: {why}", err=True)
        else:
            click.echo(f"ds4agent: internal error: {type(error).__name__}: {error}{_log()}", err=True)
        return 1


def _unwritten() -> str:
    """Why what is still buffered for stdout cannot be written; then it must not raise again at exit."""
    try:
        sys.stdout.flush()
    except OSError as error:
        with suppress(OSError):
            sys.stdout.close()
        return error.strerror or str(error)
    return ""


def _log() -> str:
    """Keep the traceback for a report."""
    file = paths.state_home() / "crash.log"
    try:
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with file.open("a", encoding="utf-8") as log:
            log.write(f"--- {time.strftime('%Y-%m-%d %H:%M:%S')} {__version__}\n{traceback.format_exc()}")
    except OSError:
        return ""
    return f" (details in {file})"
