"""`ds4agent status`: what the sidecar and its engine do, once or live."""

import http.client
import json
import os
import shutil
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

import click

from ds4agent import paths
from ds4agent.cli.status_view import render
from ds4agent.sidecar import runtime

_SECONDS = 5.0
_MOST = 4 << 20
_ENTER, _LEAVE = "\x1b[?1049h\x1b[?25l", "\x1b[?25h\x1b[?1049l"
_ABSENT = "no sidecar is running; `ds4agent serve` starts one"


class Unavailable(Exception):
    """There is no status to show; the message says why."""


@click.command("status")
@click.option("--watch", is_flag=True, help="Keep it on the screen, until Ctrl-C.")
@click.option("--json", "as_json", is_flag=True, help="Machine-readable.")
@click.option("--interval", type=click.FloatRange(min=0.1), default=1.0, show_default=True, metavar="SECONDS")
def command(watch: bool, as_json: bool, interval: float) -> None:
    """Show the running sidecar: model, progress, cache, queue and memory."""
    if watch and as_json:
        raise click.UsageError("--watch and --json exclude each other")
    terminal = sys.stdout.isatty() and os.environ.get("TERM", "dumb") != "dumb"
    if watch and terminal:
        _watch(interval)
        return
    try:
        data = fetch()
    except Unavailable as error:
        raise click.ClickException(str(error)) from error
    if as_json:
        click.echo(json.dumps(data))
    else:
        click.echo("\n".join(_lines(data, terminal)))


def fetch() -> dict[str, Any]:
    """The status of the running sidecar. Raises Unavailable."""
    found = runtime.read(paths.runtime_file())
    if found is None:
        raise Unavailable(_ABSENT)
    connection = http.client.HTTPConnection(found.host, found.port, timeout=_SECONDS)
    try:
        connection.request("GET", "/ds4agent/status", headers={"Authorization": f"Bearer {found.token}"})
        response = connection.getresponse()
        body = response.read(_MOST)
    except (OSError, http.client.HTTPException) as error:
        why = str(error) or type(error).__name__
        raise Unavailable(f"the sidecar (pid {found.pid}) does not answer: {why}") from error
    finally:
        connection.close()
    return _read(response.status, body)


def _read(status: int, body: bytes) -> dict[str, Any]:
    try:
        data = json.loads(body)
    except (ValueError, RecursionError):
        data = None
    if status != 200 or not isinstance(data, dict):
        raise Unavailable(
            f"the sidecar answers with status {status} and no status; is it of another version?"
        )
    return data


def _lines(data: dict[str, Any], terminal: bool) -> list[str]:
    columns = shutil.get_terminal_size().columns if terminal else 100
    return render(data, columns, terminal and not os.environ.get("NO_COLOR"))


def _frame() -> list[str]:
    try:
        return _lines(fetch(), terminal=True)
    except Unavailable as error:
        return [f"ds4agent: {error}"]


def _watch(interval: float, sleep: Callable[[float], None] = time.sleep) -> None:
    with _screen():
        try:
            while True:
                rows = shutil.get_terminal_size().lines
                frame = "".join(f"{line}\x1b[K\r\n" for line in _frame()[: rows - 1])
                sys.stdout.write(f"\x1b[H{frame}\x1b[J")
                sys.stdout.flush()
                sleep(interval)
        except KeyboardInterrupt:
            pass


@contextmanager
def _screen() -> Iterator[None]:
    """The terminal's other screen, without a cursor: what was there comes back, also for the shell to which
    Ctrl-Z leads, and for whoever ends us by a signal.
    """
    before = {n: signal.signal(n, action) for n, action in _SIGNALS.items()}
    sys.stdout.write(_ENTER)
    try:
        yield
    finally:
        sys.stdout.write(_LEAVE)
        sys.stdout.flush()
        for number, action in before.items():
            signal.signal(number, action)


def _ended(number: int, _frame: FrameType | None) -> None:
    sys.exit(128 + number)


def _stopped(number: int, _frame: FrameType | None) -> None:
    # Past the buffer: it may be in the middle of a write.
    os.write(1, _LEAVE.encode())
    # Without a shell to go back to, the system's own action does nothing.
    signal.signal(number, signal.SIG_DFL)
    os.kill(os.getpid(), number)
    signal.signal(number, _stopped)
    os.write(1, _ENTER.encode())


_SIGNALS = {signal.SIGTERM: _ended, signal.SIGTSTP: _stopped}
