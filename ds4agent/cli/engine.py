"""`ds4agent engine`: which ds4-server is used, and building one from source."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from ds4agent import paths
from ds4agent.cli.engine_files import store
from ds4agent.sidecar import engine_choice, manifest
from ds4agent.sidecar.build_steps import BuildError, stop_builds_with_us
from ds4agent.sidecar.capabilities import Capabilities, CapabilityError, probe
from ds4agent.sidecar.checkout import Source
from ds4agent.sidecar.engine_choice import ChoiceError, Engine
from ds4agent.sidecar.manifest import ManifestError
from ds4agent.sidecar.provision import Store

_LINE = "{:<2}{:<20}  {:<12}  {:<20}  {}"
_json = click.option("--json", "as_json", is_flag=True, help="Machine-readable.")


@click.group("engine")
def command() -> None:
    """Choose, build and check the ds4-server that is used.

    ds4agent brings no ds4-server. Point it at one that you have, or let it build one from a git repository
    and revision that you name.
    """


@contextmanager
def _reported() -> Iterator[None]:
    try:
        yield
    except (BuildError, ChoiceError, CapabilityError, ManifestError) as error:
        raise click.ClickException(str(error)) from error
    except OSError as error:
        raise click.ClickException(
            f"cannot use {error.filename or paths.engines()}: {error.strerror}"
        ) from error


def _ask(engine: Engine, again: bool = False) -> Capabilities:
    return probe(engine.binary, store().probes, again=again)


@command.command("list")
@_json
def _list(as_json: bool) -> None:
    """List the engines that were built here, and the one that is used (*)."""
    engines, used = store(), engine_choice.chosen(paths.engines())
    rows = [_row(engines, name, used) for name in engines.names()]
    if "/" in used:
        rows.append({"name": used, "used": True, "state": "your own binary", "commit": "", "platform": ""})
    if as_json:
        click.echo(json.dumps(rows))
        return
    if not rows:
        click.echo("no engine; see `ds4agent engine use --help` and `ds4agent engine build --help`", err=True)
        return
    for row in rows:
        mark = "*" if row["used"] else ""
        click.echo(
            _LINE.format(mark, row["name"], row["commit"][:12], row["platform"], row["state"]).rstrip()
        )


def _row(engines: Store, name: str, used: str) -> dict[str, Any]:
    row = {"name": name, "used": name == used, "commit": "", "platform": "", "state": "ready"}
    folder = engines.folder(name)
    failure = engines.failure(name)
    try:
        found = manifest.read(folder)
    except ManifestError as error:
        return row | {"state": f"failed; see {folder / 'build.log'}" if failure else str(error)}
    state = f"ready; a later build failed, see {folder / 'build.log'}" if failure else "ready"
    return row | {"commit": found.commit, "platform": found.platform, "state": state}


@command.command("use")
@click.argument("engine", metavar="NAME|PATH")
def _use(engine: str) -> None:
    """Use an engine from now on: the NAME of one that was built here, or the PATH of a ds4-server."""
    with _reported():
        found = engine_choice.find(paths.engines(), engine)
        capabilities = _ask(found)
        engine_choice.choose(paths.engines(), engine)
    click.echo(f"using {found.binary} ({capabilities.generation})")


@command.command("build")
@click.argument("repository", metavar="REPOSITORY")
@click.option(
    "--revision", default="", metavar="REV", help="Commit, tag or branch (default: the repository's)."
)
@click.option(
    "--name", metavar="NAME", help="What the engine is called here (default: the repository's name)."
)
@click.option(
    "--patches",
    type=click.Path(exists=True, file_okay=False, resolve_path=True, path_type=Path),
    help="A folder of *.patch and *.diff, applied in the order of their names.",
)
@click.option(
    "--make",
    "target",
    default="",
    metavar="WORDS",
    help="What make is to build (default: what fits the machine).",
)
@click.option("--use", "use", is_flag=True, help="Use it from now on. The first engine is used anyway.")
def _build(
    repository: str, revision: str, name: str | None, patches: Path | None, target: str, use: bool
) -> None:
    """Build ds4-server from a git REPOSITORY (an address or a folder) in which you trust.

    Its makefile is run as you.
    """
    stop_builds_with_us()
    if paths.expanded(repository).is_dir():
        repository = str(paths.expanded(repository).resolve())
    name = name or repository.rstrip("/").rpartition("/")[2].removesuffix(".git").lower()
    with _reported():
        binary = store().build(name, Source(repository, revision, patches, tuple(target.split())))
        if use or not engine_choice.chosen(paths.engines()):
            engine_choice.choose(paths.engines(), name)
    click.echo(binary)


@command.command("check")
@click.argument("engine", metavar="[NAME|PATH]", required=False)
@_json
def _check(engine: str | None, as_json: bool) -> int:
    """Compare an engine's files with their digests and ask it what it can do. Exit status 1: not in order."""
    wanted = engine or engine_choice.chosen(paths.engines())
    if not wanted:
        raise click.ClickException("no engine is chosen; name one")
    with _reported():
        found = engine_choice.find(paths.engines(), wanted)
        problems = manifest.problems(paths.engines() / found.name, found.manifest) if found.manifest else []
        capabilities = _ask(found, again=True)
    if found.manifest and dict(found.manifest.flags) != dict(capabilities.flags):
        problems.append(f"{found.binary} knows other flags than after the build")
    if as_json:
        known = asdict(found.manifest) if found.manifest else None
        about = {
            "binary": str(found.binary),
            "digest": capabilities.digest,
            "flags": dict(capabilities.flags),
        }
        click.echo(json.dumps({**about, "manifest": known, "problems": problems}))
        return 1 if problems else 0
    for problem in problems:
        click.echo(problem)
    for line in _facts(found, capabilities):
        click.echo(line)
    return 1 if problems else 0


def _facts(engine: Engine, capabilities: Capabilities) -> Iterator[str]:
    yield f"{engine.binary}: {capabilities.generation}, {len(capabilities.flags)} flags"
    yield f"sha256 {capabilities.digest}"
    if built := engine.manifest:
        yield f"from {built.repository} {built.commit} by `{' '.join(built.command)}` on {built.platform}"
        for patch, digest in built.patches.items():
            yield f"patch {patch} sha256 {digest}"
