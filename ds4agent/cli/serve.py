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
from ds4agent.cli.serve_engine import engine_settings
from ds4agent.cli.serve_models import less
from ds4agent.sidecar.capabilities import CapabilityError
from ds4agent.sidecar.engine_choice import ChoiceError
from ds4agent.sidecar.launch import PlanError
from ds4agent.sidecar.service import InstallError, install, service
from ds4agent.sidecar.settings import ALLOCATOR, SidecarSettings

SETTINGS = "DS4AGENT_SIDECAR"
_USUAL = config.Serve()
_SECONDS = click.FloatRange(min=0)


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
        # Before a file is written, too: what is wrong would show only in a log, when the session begins.
        settings = _settings(given)
        if installing:
            _install()
            return
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
    # A Host can be made up by any program, so it keeps out pages in browsers only, not other machines.
    if not (serve.api_keys or _is_loopback(serve.host)):
        raise config.ConfigError(
            f"on {serve.host} other machines could use the model: give clients keys, --api-key NAME=KEY"
        )
    models = {name.lower(): less(model, top["context"], given["idle"]) for name, model in settings.models}
    return SidecarSettings(
        **own,
        engine=engine_settings(settings, models),
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


def _is_loopback(host: str) -> bool:
    return host == "localhost" or (host.startswith("127.") and host.replace(".", "").isdecimal())


def _key(word: str) -> tuple[str, str]:
    name, sign, key = word.partition("=")
    if not (name and sign and key):
        raise click.BadParameter("it has to be NAME=KEY", param_hint="--api-key")
    return name, key
