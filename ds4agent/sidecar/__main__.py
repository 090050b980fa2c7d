"""`python -m ds4agent.sidecar`: what `ds4agent serve` becomes; its settings come in the environment.

The ssl module stays out: it takes more memory than all of ours, and nothing here speaks TLS. asyncio does
without it where it cannot be imported.
"""

import sys

sys.modules["ssl"] = None  # type: ignore[assignment]

import asyncio  # noqa: E402
import os  # noqa: E402
import signal  # noqa: E402
import socket  # noqa: E402
from collections.abc import Iterator  # noqa: E402
from contextlib import suppress  # noqa: E402
from dataclasses import replace  # noqa: E402
from pathlib import Path  # noqa: E402

from ds4agent.sidecar.app import App  # noqa: E402
from ds4agent.sidecar.launcher import Launcher  # noqa: E402
from ds4agent.sidecar.listener import Listener, bind  # noqa: E402
from ds4agent.sidecar.measure import Measure  # noqa: E402
from ds4agent.sidecar.runtime import AlreadyRunning, Held, Runtime, new_token  # noqa: E402
from ds4agent.sidecar.settings import SidecarSettings  # noqa: E402
from ds4agent.sidecar.stream import numeric  # noqa: E402

SETTINGS = "DS4AGENT_SIDECAR"
BACKLOG = 1024
SAVE_SECONDS = 60.0


def log(text: str) -> None:
    """A disk that is full does not take the sidecar down."""
    with suppress(OSError):
        os.write(2, f"ds4agent: {text}\n".encode("utf-8", "surrogateescape"))


async def _serve(settings: SidecarSettings, held: Held, sock: socket.socket) -> int:
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()
    for number in _ends_us():
        loop.add_signal_handler(number, stop.set)
    token = new_token()
    measure = Measure(Path(settings.state_folder))
    for note in measure.notes:
        log(note)

    def leave() -> None:
        log(f"nobody has come for {settings.leave:g} seconds")
        stop.set()

    app = App(settings, token, Launcher(settings.engine, log, measure.serves), measure, leave)
    saving = loop.create_task(_save_now_and_then(measure))
    listener = Listener(loop, sock, app.connection, BACKLOG)
    port = sock.getsockname()[1]
    here = "127.0.0.1" if settings.host == "0.0.0.0" else settings.host
    status = 0
    try:
        held.write(Runtime(os.getpid(), port, token, here))
        log(f"listening on http://{settings.host}:{port}")
        await stop.wait()
        log("stopping")
    except OSError as error:
        log(f"cannot write {settings.runtime_file}: {error.strerror}")
        status = 1
    listener.close()
    saving.cancel()
    await app.close()
    if problem := measure.close():
        log(problem)
    return status


def _ends_us() -> Iterator[int]:
    """The end of its terminal, too, unless under nohup: with us gone, nobody would let the engine go."""
    yield from (signal.SIGINT, signal.SIGTERM)
    if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:
        yield signal.SIGHUP


async def _save_now_and_then(measure: Measure) -> None:
    loop, told = asyncio.get_running_loop(), ""
    while True:
        await asyncio.sleep(SAVE_SECONDS)
        problem = await loop.run_in_executor(None, measure.save, measure.snapshot())
        if problem and problem != told:
            log(problem)
        told = problem


def _with_address(settings: SidecarSettings) -> SidecarSettings:
    """The engine's host as a number. Raises OSError."""
    host, _, port = settings.engine.url.rpartition(":")
    return (
        replace(settings, engine=replace(settings.engine, url=f"{numeric(host)}:{port}"))
        if host
        else settings
    )


def main() -> int:
    settings = SidecarSettings.from_json(os.environ.pop(SETTINGS))
    try:
        settings = _with_address(settings)
    except OSError as error:
        log(f"cannot find the engine's host in {settings.engine.url}: {error.strerror}")
        return 1
    try:
        held = Held(Path(settings.runtime_file))
    except AlreadyRunning as running:
        log(str(running))
        return 2
    except OSError as error:
        log(f"cannot use {settings.runtime_file}: {error.strerror}")
        return 1
    try:
        sock = bind(settings.host, settings.port, settings.any_port)
    except OSError as error:
        log(f"cannot listen on {settings.host}:{settings.port}: {error.strerror}")
        return 1
    status = asyncio.run(_serve(settings, held, sock))
    held.release()
    return status


if __name__ == "__main__":
    sys.exit(main())
