"""The engine and the model that settings mean, for the commands that start one."""

import shutil
import sys
from pathlib import Path

import click

from ds4agent import config, paths, resources
from ds4agent.sidecar import engine_choice, recipe
from ds4agent.sidecar.build_steps import BuildError, stop_builds_with_us
from ds4agent.sidecar.capabilities import Capabilities, probe
from ds4agent.sidecar.engine_choice import ChoiceError, Engine
from ds4agent.sidecar.launch import PlanError
from ds4agent.sidecar.launch_options import KV_SPACE_MB, Model
from ds4agent.sidecar.provision import Store

_EMBEDDED = "embedded"


def find_engine(wanted: str) -> tuple[tuple[str, ...], Path | None, Capabilities]:
    """What starts it, the folder of its shaders, and what it can do. `wanted`: as the setting `engine`.

    Raises PlanError, ChoiceError or CapabilityError.
    """
    root = paths.engines()
    if wanted == "auto":
        wanted = engine_choice.chosen(root) or shutil.which("ds4-server") or _EMBEDDED
    if wanted == _EMBEDDED:
        return (sys.executable, "-m", "ds4agent.engine"), None, _embedded()
    if wanted.startswith(("http://", "https://")):
        raise PlanError(f"{wanted} runs already; name an engine that can be started")
    found = _found(root, wanted)
    return (str(found.binary),), found.support, probe(found.binary, root / ".probes")


def _found(root: Path, wanted: str) -> Engine:
    """One that was asked for by `ds4agent engine build`, and is not there or not whole, is built now; whoever
    wants it at the same time waits for the same build. Raises ChoiceError.
    """
    try:
        return engine_choice.find(root, wanted)
    except ChoiceError:
        source = recipe.read(root / wanted)
        if source is None:
            raise
    stop_builds_with_us()
    try:
        store().ensure(wanted, source)
    except BuildError as error:
        raise ChoiceError(str(error)) from error
    return engine_choice.find(root, wanted)


def store() -> Store:
    return Store(paths.engines(), lambda text: click.echo(text, err=True))


def _embedded() -> Capabilities:
    from ds4agent.engine.flag_table import FLAGS

    return Capabilities(_EMBEDDED, {name: flag.value for flag in FLAGS for name in flag.names})


def kv_space(settings: config.Settings, program: tuple[str, ...]) -> int | None:
    """MiB of a KV directory; None: the engine's own limit. That of the embedded one is for its small model,
    and holds for `ds4agent run`, too.
    """
    return settings.serve.kv_space_mb or (KV_SPACE_MB if len(program) == 1 else None)


def find_model(name: str | None, program: tuple[str, ...]) -> Model:
    """A GGUF file; the embedded engine has one of its own. Raises PlanError or MissingResource."""
    if name is None and len(program) == 1:
        raise PlanError("no model; name a GGUF file")
    path = paths.expanded(name) if name else resources.bundled_model()
    try:
        with path.open("rb") as file:
            magic, size = file.read(4), path.stat().st_size
    except OSError as error:
        raise PlanError(f"cannot read model {path}: {error.strerror}") from error
    if magic != b"GGUF":
        raise PlanError(f"{path} is no GGUF file")
    return Model(path, size)
