"""`ds4agent serve`: finds out all that has to be known, then becomes the lean process that serves.

Reading settings, asking the engine's binary what it can do and looking for models take modules that a process
which stays for weeks need not carry: they are gone once this one has become `python -m ds4agent.sidecar`.
"""

import os
import sys
from pathlib import Path
from typing import Any

import click

from ds4agent import config, paths, resources
from ds4agent.cli.engine_files import find_engine, find_model
from ds4agent.cli.models_known import scan
from ds4agent.engine.lock import lock_path
from ds4agent.sidecar import fit
from ds4agent.sidecar.capabilities import CapabilityError
from ds4agent.sidecar.catalog import UnknownModel
from ds4agent.sidecar.engine_choice import ChoiceError
from ds4agent.sidecar.launch import PlanError
from ds4agent.sidecar.launcher import THINK_MAX_CONTEXT
from ds4agent.sidecar.service import InstallError, install, service
from ds4agent.sidecar.settings import EngineSettings, ModelSettings, SidecarSettings

SETTINGS = "DS4AGENT_SIDECAR"
DEFAULT_SESSIONS = 4
_SECONDS = click.FloatRange(min=0)


@click.command("serve")
@click.argument("extra", nargs=-1, type=click.UNPROCESSED, metavar="[-- EXTRA...]")
@click.option(
    "--engine", metavar="E", help="auto, embedded, a name, the path of an engine, or its http address."
)
@click.option("--model", metavar="M", help="A GGUF file (default: the bundled one, for the embedded engine).")
@click.option("--ctx", type=click.IntRange(min=1), metavar="N", help="Context tokens (default: by memory).")
@click.option("--sessions", type=click.IntRange(min=1), metavar="N", help="Requests carried at once.")
@click.option("--host", default="127.0.0.1", show_default=True, help="IPv4 address to listen on.")
@click.option("--port", type=click.IntRange(0, 65535), default=8010, show_default=True)
@click.option(
    "--api-key", "keys", multiple=True, metavar="NAME=KEY", help="A client and its key; repeatable."
)
@click.option(
    "--allow-host", "hosts", multiple=True, metavar="NAME", help="A name of this machine; repeatable."
)
@click.option(
    "--cors-origin", "origins", multiple=True, metavar="ORIGIN", help="May ask from a browser; * for any."
)
@click.option("--max-queue", type=click.IntRange(min=0), default=64, show_default=True, metavar="N")
@click.option("--keepalive", type=_SECONDS, default=10.0, show_default=True, metavar="SECONDS")
@click.option(
    "--idle", type=_SECONDS, default=0.0, help="Let the engine go after so long; 0: never.", metavar="SECONDS"
)
@click.option(
    "--hang",
    type=_SECONDS,
    default=180.0,
    show_default=True,
    help="0: an engine never hangs.",
    metavar="SECONDS",
)
@click.option(
    "--preload/--on-demand", default=False, help="Load the model at once, or with the first request."
)
@click.option("--no-adopt", is_flag=True, help="Do not use an engine that runs already.")
@click.option("--no-kv", is_flag=True, help="Keep nothing on disk.")
@click.option(
    "--install", "installing", is_flag=True, help="Write a service file for this command, start nothing."
)
def command(installing: bool, **given: Any) -> None:
    """Keep an engine: start it when it is wanted, guard it, carry every request to it.

    EXTRA, behind `--`, is given to the engine as it is and wins over all else.
    """
    try:
        if installing:
            _install()
            return
        settings = _settings(given)
    except (
        config.ConfigError, ChoiceError, CapabilityError, PlanError, InstallError, resources.MissingResource
    ) as error:  # fmt: skip
        raise click.ClickException(str(error)) from error
    environment = {**os.environ, SETTINGS: settings.to_json()}
    sys.stdout.flush()
    sys.stderr.flush()
    os.execve(sys.executable, [sys.executable, "-m", "ds4agent.sidecar"], environment)


def _install() -> None:
    """Raises InstallError."""
    words = [word for word in sys.argv[1:] if word != "--install"]
    found = service([sys.executable, "-m", "ds4agent", *words], Path.home())
    install(found)
    start, undo = found.commands
    click.echo(f"{found.path} is written. To start it:\n  {start}\nTo be rid of it:\n  {undo}")


def _settings(given: dict[str, Any]) -> SidecarSettings:
    settings = config.load({"engine": given["engine"], "model": given["model"], "context": given["ctx"]})
    return SidecarSettings(
        engine=_engine(settings, given),
        runtime_file=str(paths.runtime_file()),
        state_folder=str(paths.state_home()),
        host=given["host"],
        port=given["port"],
        keys=tuple(_key(word) for word in given["keys"]),
        hosts=tuple(name.lower() for name in given["hosts"]),
        origins=given["origins"],
        max_queue=given["max_queue"],
        keepalive=given["keepalive"] or float("inf"),
    )


def _key(word: str) -> tuple[str, str]:
    name, sign, key = word.partition("=")
    if not (name and sign and key):
        raise click.BadParameter("it has to be NAME=KEY", param_hint="--api-key")
    return name, key


def _engine(settings: config.Settings, given: dict[str, Any]) -> EngineSettings:
    """Raises ChoiceError, CapabilityError, PlanError, MissingResource."""
    times = {"idle": given["idle"], "hang": given["hang"], "preload": given["preload"]}
    width = given["sessions"] or DEFAULT_SESSIONS
    if settings.engine.startswith(("http://", "https://")):
        return EngineSettings(url=_address(settings.engine), width=width, hang=0)
    program, support, capabilities = find_engine(settings.engine)
    embedded = len(program) > 1
    if not capabilities.has("--batched-session"):
        width = 1
    find_models = _given_models if embedded else _models
    models = find_models(settings, program, width)
    return EngineSettings(
        program=program,
        support=str(support or ""),
        digest=capabilities.digest,
        flags=dict(capabilities.flags),
        options={"ctx": settings.context, "sessions": width if width > 1 else None, "extra": given["extra"]},
        models=models,
        kv_root="" if given["no_kv"] else str(paths.kv_models()),
        environment={**os.environ, "DS4AGENT_STOP_WITH_STDIN": "1"} if embedded else dict(os.environ),
        adopt="" if given["no_adopt"] else str(lock_path()),
        width=width,
        **times,
    )


def _given_models(
    settings: config.Settings, program: tuple[str, ...], width: int
) -> tuple[ModelSettings, ...]:
    """Raises PlanError, MissingResource."""
    return (_given_model(settings, program, width),)


def _given_model(settings: config.Settings, program: tuple[str, ...], width: int) -> ModelSettings:
    """Raises PlanError, MissingResource."""
    model = find_model(settings.model, program)
    most_ctx = model.most_ctx or 0
    think_max = len(program) == 1 and _can_think_most(model.size, most_ctx, width)
    path = model.path.resolve()
    return ModelSettings(model.path.stem.lower(), str(path), model.size, most_ctx, think_max=think_max)


def _can_think_most(size: int, most_ctx: int, width: int) -> bool:
    """Asked here, where no engine is in memory yet."""
    needed = fit.needed(size, THINK_MAX_CONTEXT, fit.bytes_per_token(), width)
    return (not most_ctx or most_ctx >= THINK_MAX_CONTEXT) and needed <= fit.memory().available


def _models(settings: config.Settings, program: tuple[str, ...], width: int) -> tuple[ModelSettings, ...]:
    """The catalog's, the one that was named first. Raises PlanError, MissingResource."""
    listing = scan()
    aliases = {alias: target.lower() for alias, target in settings.aliases}
    usable = [model for model in listing.models if not model.problem]
    found = {
        model.id: ModelSettings(
            model.id,
            str(model.path),
            model.size,
            model.header.context_length or 0,
            tuple(sorted(model.names() | {a for a, t in aliases.items() if t in (model.id, *model.names())})),
            _can_think_most(model.size, model.header.context_length or 0, width),
        )
        for model in usable
    }
    name = settings.model
    if name is None and found:
        return tuple(found.values())
    if name is not None and not Path(name).expanduser().is_file():
        try:
            first = listing.resolve(name, dict(settings.aliases)).model.id
        except UnknownModel as unknown:
            raise PlanError(str(unknown)) from unknown
        return (found.pop(first), *found.values())
    given = _given_model(settings, program, width)
    others = [model for model in found.values() if model.path != given.path and model.id != given.id]
    known = next((model for model in found.values() if model.path == given.path), given)
    return (known, *others)


def _address(url: str) -> str:
    """host:port of an engine that runs already. Raises PlanError."""
    rest = url.partition("://")[2].rstrip("/").removesuffix("/v1")
    host, _, port = rest.rpartition(":")
    if url.startswith("https://") or not host or not port.isdigit():
        raise PlanError(f"{url} is no address of an engine: http://HOST:PORT is expected")
    return f"{host}:{port}"
