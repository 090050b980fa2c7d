"""Which engine to use: a URL, a program, the embedded one, or the one that already runs.

`auto` takes the user's sidecar if one runs, because it knows which engine there is and keeps it warm for all
that ask; else a ds4-server that answers at its usual address on this machine, because it holds the real model
and one machine has room for one. Where there is neither, who stays for long (an editor's server) has a
sidecar started, which all others then share; who asks once (`run`) has an embedded engine for as long as that
takes, and leaves nothing behind. A model file asks for a process of its own, so with one `auto` means
embedded.
"""

import os
import socket
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from ds4agent import paths
from ds4agent.client.cancel import Cancel, Cancelled
from ds4agent.client.chat import Event, complete, models
from ds4agent.client.errors import EngineError
from ds4agent.client.http import Endpoint
from ds4agent.client.process import EngineProcess, OnPrefill
from ds4agent.client.reply import Reply
from ds4agent.config import Settings
from ds4agent.resources import BUNDLED_MODEL
from ds4agent.sidecar import kv_folder, runtime
from ds4agent.sidecar.runtime import Runtime

LANE = "agent"
USUAL = "http://127.0.0.1:8000"
USUAL_OWNER = "ds4.c"


class BadEngine(EngineError):
    """The engine that was asked for cannot be meant: no such program, no such model file."""


@dataclass(frozen=True, slots=True)
class Engine:
    """An engine that answers. `identity` tells one process from another; `process` is set if it is ours, and
    `sidecar` if it stands before it.
    """

    endpoint: Endpoint
    identity: str
    process: EngineProcess | None = None
    sidecar: Runtime | None = None

    def send(self, body: bytes, cancel: Cancel, tell: Callable[[Event], None]) -> Reply:
        """One streamed chat completion; see client.chat.complete."""
        return complete(self.endpoint, body, cancel, tell)

    def stop(self) -> None:
        if self.process:
            self.process.stop()


@dataclass(frozen=True, slots=True)
class Wanted:
    """What was asked for. `model` is a GGUF file for an engine we start, `kv_dir` where an embedded one keeps
    its checkpoints, `kv_space_mb` how much of them (MiB, None: the engine's own limit). `on_demand`: where
    `auto` finds no engine, a sidecar is started, which outlives who asked for it.
    """

    engine: str = "auto"
    model: str | None = None
    context: int | None = None
    api_key: str | None = None
    kv_dir: Path | None = None
    kv_space_mb: int | None = None
    on_demand: bool = False

    @property
    def is_url(self) -> bool:
        return is_url(self.engine)


def is_url(engine: str) -> bool:
    return engine.startswith(("http://", "https://"))


def wanted(settings: Settings, on_demand: bool = False) -> Wanted:
    """What the settings ask for. At an address the model is a name, which is for requests, and no file."""
    if is_url(settings.engine):
        return Wanted(settings.engine, None, settings.context, settings.api_key)
    kv_dir = None
    if settings.serve.kv:
        kv_dir = kv_folder.of_file(settings.serve.kv_models, Path(settings.model or BUNDLED_MODEL))
    space = settings.serve.kv_space_mb
    return Wanted(settings.engine, settings.model, settings.context, None, kv_dir, space, on_demand)


@dataclass(frozen=True, slots=True)
class Coming:
    """An engine that was asked for; wait() until it answers. Loading goes on in the meantime."""

    wanted: Wanted
    process: EngineProcess | None
    running: Engine | None = None

    def wait(self, cancel: Cancel) -> Engine:
        """Raises EngineStartError, another EngineError, or Cancelled."""
        if self.running:
            return self.running
        if self.process is None:
            return _attach(self.wanted, cancel)
        try:
            url = self.process.wait_ready(cancel)
        except BaseException:
            self.process.stop()
            raise
        return Engine(Endpoint.parse(url), self.process.identity, self.process)

    def stop(self) -> None:
        """Give it up."""
        if self.process:
            self.process.stop()


def call(wanted: Wanted, cancel: Cancel, on_prefill: OnPrefill) -> Coming:
    """Find or start the engine. Raises BadEngine, EngineStartError, or Cancelled."""
    if wanted.is_url:
        return Coming(wanted, None)
    if wanted.model and not Path(wanted.model).is_file():
        what = "is not a file" if Path(wanted.model).exists() else "does not exist"
        raise BadEngine(f"the model {wanted.model} {what}")
    if wanted.engine == "auto" and not wanted.model:
        running = _sidecar(cancel) or _running(cancel)
        if running is None and wanted.on_demand:
            running = _sidecar(cancel, start=True)
        if running:
            return Coming(wanted, None, running)
    return Coming(wanted, EngineProcess(command(wanted), on_prefill))


def _attach(wanted: Wanted, cancel: Cancel) -> Engine:
    """An engine that runs already; it has to answer."""
    endpoint = Endpoint.parse(wanted.engine, wanted.api_key)
    models(endpoint, cancel)
    return Engine(endpoint, endpoint.url)


def command(wanted: Wanted) -> list[str]:
    """The command line of an engine to start."""
    if wanted.engine in ("auto", "embedded"):
        # Port 0: the system chooses, and the line about listening names it.
        line = [sys.executable, "-m", "ds4agent.engine", "--port", "0"]
        if wanted.kv_dir:
            line += ["--kv-disk-dir", str(wanted.kv_dir)]
        if wanted.kv_dir and wanted.kv_space_mb:
            line += ["--kv-disk-space-mb", str(wanted.kv_space_mb)]
    else:
        program = paths.expanded(wanted.engine)
        if not (program.is_file() and os.access(program, os.X_OK)):
            raise BadEngine(
                f"{wanted.engine} is no engine: give embedded, an http address, or the path of a program"
            )
        line = [str(program.resolve()), "--port", str(_free_port())]
    if wanted.model:
        line += ["--model", str(Path(wanted.model).resolve())]
    if wanted.context:
        line += ["--ctx", str(wanted.context)]
    return line


def _free_port() -> int:
    """ds4-server does not know port 0."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


def _sidecar(cancel: Cancel, start: bool = False) -> Engine | None:
    """The user's, if one runs; with `start` in any case. Raises SidecarError, Cancelled."""
    if not start and runtime.read(paths.runtime_file()) is None:
        return None
    import asyncio  # a good part of start-up time, and needed only here

    from ds4agent.client.sidecar import ensure_sidecar, find_sidecar

    async def looked_for() -> Runtime | None:
        looking = asyncio.ensure_future(ensure_sidecar() if start else find_sidecar())
        asyncio.get_running_loop().add_reader(cancel.fileno(), looking.cancel)
        try:
            return await looking
        except asyncio.CancelledError as error:
            raise Cancelled from error

    cancel.check()
    found = asyncio.run(looked_for())
    if found is None:
        return None
    endpoint = replace(Endpoint.parse(found.url, found.token), lane=LANE)
    return Engine(endpoint, f"{found.pid}@{found.url}", sidecar=found)


def _running(cancel: Cancel) -> Engine | None:
    endpoint = Endpoint.parse(USUAL)
    try:
        owners = {model.owned_by for model in models(endpoint, cancel)}
    except EngineError:
        return None
    return Engine(endpoint, endpoint.url) if USUAL_OWNER in owners else None
