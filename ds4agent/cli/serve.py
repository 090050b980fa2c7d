"""`ds4agent serve`: finds out all that has to be known, then becomes the lean process that serves.

Reading settings, asking the engine's binary what it can do and looking for models take modules that a process
which stays for weeks need not carry: they are gone once this one has become `python -m ds4agent.sidecar`.
"""

import os
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from ds4agent import config, paths, resources
from ds4agent.cli.engine_files import find_engine, find_model
from ds4agent.cli.models_known import scan
from ds4agent.config_values import PerModel
from ds4agent.engine.lock import lock_path
from ds4agent.sidecar import fit, kv_folder
from ds4agent.sidecar.capabilities import CapabilityError
from ds4agent.sidecar.catalog import UnknownModel
from ds4agent.sidecar.engine_choice import ChoiceError
from ds4agent.sidecar.launch import PlanError
from ds4agent.sidecar.launch_options import KV_SPACE_MB
from ds4agent.sidecar.launcher import THINK_MAX_CONTEXT
from ds4agent.sidecar.service import InstallError, install, service
from ds4agent.sidecar.settings import ALLOCATOR, EngineSettings, ModelSettings, SidecarSettings

SETTINGS = "DS4AGENT_SIDECAR"
DEFAULT_SESSIONS = 4
_USUAL = config.Serve()
_SECONDS = click.FloatRange(min=0)
# Settings that are options of the engine, by the same name.
_OPTIONS = ("kv_interval", "kv_reject_other_quant", "ssd_streaming", "power")


def _usual(name: str) -> str:
    return str(getattr(_USUAL, name))


@click.command("serve")
@click.argument("extra", nargs=-1, type=click.UNPROCESSED, metavar="[-- EXTRA...]")
@click.option(
    "--engine", metavar="E", help="auto, embedded, a name, the path of an engine, or its http address."
)
@click.option("--model", metavar="M", help="A GGUF file (default: the bundled one, for the embedded engine).")
@click.option("--ctx", type=click.IntRange(min=1), metavar="N", help="Context tokens (default: by memory).")
@click.option("--sessions", type=click.IntRange(min=1), metavar="N", help="Requests carried at once.")
@click.option("--host", show_default=_usual("host"), help="IPv4 address to listen on.")
@click.option("--port", type=click.IntRange(0, 65535), show_default=_usual("port"))
@click.option("--any-port", is_flag=True, help="Another port if that one is taken.")
@click.option(
    "--leave",
    type=_SECONDS,
    default=0.0,
    metavar="SECONDS",
    help="End when nobody has come for so long (default: never).",
)
@click.option(
    "--api-key", "api_keys", multiple=True, metavar="NAME=KEY", help="A client and its key; repeatable."
)
@click.option(
    "--allow-host", "allow_hosts", multiple=True, metavar="NAME", help="A name of this machine; repeatable."
)
@click.option(
    "--cors-origin",
    "cors_origins",
    multiple=True,
    metavar="ORIGIN",
    help="May ask from a browser; * for any.",
)
@click.option("--max-queue", type=click.IntRange(min=0), show_default=_usual("max_queue"), metavar="N")
@click.option("--keepalive", type=_SECONDS, show_default=_usual("keepalive"), metavar="SECONDS")
@click.option("--ready", type=_SECONDS, show_default=_usual("ready"), help="A start may take so long.")
@click.option("--idle", type=_SECONDS, help="Let the engine go after so long; 0: never.", metavar="SECONDS")
@click.option(
    "--hang",
    type=_SECONDS,
    show_default=_usual("hang"),
    help="0: an engine never hangs.",
    metavar="SECONDS",
)
@click.option(
    "--preload/--on-demand", default=None, help="Load the model at once, or with the first request."
)
@click.option("--adopt/--no-adopt", default=None, help="Whether to use an engine that runs already.")
@click.option("--kv/--no-kv", default=None, help="Whether to keep sessions on disk.")
@click.option(
    "--install", "installing", is_flag=True, help="Write a service file for this command, start nothing."
)
def command(installing: bool, **given: Any) -> None:
    """Keep an engine: start it when it is wanted, guard it, carry every request to it.

    EXTRA, behind `--`, is given to the engine as it is and wins over all else. All of it can be set in the
    configuration file, in its table [serve], and with variables DS4AGENT_SERVE_*.
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
    environment = {**ALLOCATOR, **os.environ, SETTINGS: settings.to_json()}
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
    top = {"engine": given.pop("engine"), "model": given.pop("model"), "context": given.pop("ctx")}
    own = {name: given.pop(name) for name in ("any_port", "leave")}  # of this one, not of all
    given["api_keys"] = dict(map(_key, given["api_keys"]))
    # What was not given is None to config, and an empty list is not given.
    flags = {f"serve.{name}": None if value in ((), {}) else value for name, value in given.items()}
    settings = config.load(top | flags)
    serve = settings.serve
    models = {name.lower(): _less(model, top["context"], given["idle"]) for name, model in settings.models}
    return SidecarSettings(
        **own,
        engine=_engine(settings, models),
        runtime_file=str(paths.runtime_file()),
        state_folder=str(paths.state_home()),
        host=serve.host,
        port=serve.port,
        keys=serve.api_keys,
        hosts=tuple(name.lower() for name in serve.allow_hosts),
        origins=serve.cors_origins,
        max_queue=serve.max_queue,
        keepalive=serve.keepalive or float("inf"),
    )


def _key(word: str) -> tuple[str, str]:
    name, sign, key = word.partition("=")
    if not (name and sign and key):
        raise click.BadParameter("it has to be NAME=KEY", param_hint="--api-key")
    return name, key


def _less(own: PerModel, context: int | None, idle: float | None) -> PerModel:
    """Flags win over what the file says of a model."""
    return PerModel(own.context if context is None else None, own.idle if idle is None else None)


def _engine(settings: config.Settings, own: dict[str, PerModel]) -> EngineSettings:
    """Raises ChoiceError, CapabilityError, PlanError, MissingResource."""
    serve = settings.serve
    width = serve.sessions or DEFAULT_SESSIONS
    if settings.engine.startswith(("http://", "https://")):
        return EngineSettings(url=_address(settings.engine), width=width, hang=0)
    program, support, capabilities = find_engine(settings.engine)
    embedded = len(program) > 1
    if not capabilities.has("--batched-session"):
        width = 1
    find_models = _given_models if embedded else _models
    return EngineSettings(
        program=program,
        support=str(support or ""),
        digest=capabilities.digest,
        flags=dict(capabilities.flags),
        options=_options(settings, width, embedded),
        models=tuple(_with_own(model, own) for model in find_models(settings, program, width)),
        kv_root=str(serve.kv_models) if serve.kv else "",
        environment={**os.environ, "DS4AGENT_STOP_WITH_STDIN": "1"} if embedded else dict(os.environ),
        adopt=str(lock_path()) if serve.adopt else "",
        width=width,
        ready=serve.ready,
        idle=serve.idle,
        hang=serve.hang,
        preload=serve.preload,
    )


def _options(settings: config.Settings, width: int, embedded: bool) -> dict[str, Any]:
    serve = settings.serve
    trace = Path(serve.trace).expanduser().absolute() if serve.trace else None
    return {
        **{name: getattr(serve, name) for name in _OPTIONS},
        # The embedded engine's own limit is one for its small model, and holds for `ds4agent run`, too.
        "kv_space_mb": serve.kv_space_mb or (None if embedded else KV_SPACE_MB),
        "trace": str(trace) if trace else None,
        "ctx": settings.context,
        "sessions": width if width > 1 else None,
        "extra": serve.extra,
    }


def _with_own(model: ModelSettings, own: dict[str, PerModel]) -> ModelSettings:
    """What the configuration says of this model, by its id or another name."""
    found = next((own[name] for name in (model.id, *model.names) if name in own), PerModel())
    return replace(model, context=found.context or 0, idle=found.idle)


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
    return ModelSettings(kv_folder.model_id(model.path), str(path), model.size, most_ctx, think_max=think_max)


def _can_think_most(size: int, most_ctx: int, width: int) -> bool:
    """Asked here, where no engine is in memory yet."""
    return fit.can_have(THINK_MAX_CONTEXT, size, most_ctx, width, fit.memory())


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
