"""`ds4agent models`: the models on this machine, and how to get and lose them."""

import json
import sys
import time
from pathlib import Path

import click

from ds4agent import paths
from ds4agent.cli import models_files
from ds4agent.cli.kv_items import printable
from ds4agent.cli.meter import Meter
from ds4agent.cli.models_known import NO_LIBRARY, scan, wanted
from ds4agent.cli.models_view import describe, facts, table
from ds4agent.sidecar.catalog import Catalog

_json = click.option("--json", "as_json", is_flag=True, help="Machine-readable.")


@click.group("models")
def command() -> None:
    """List, inspect, load, remove and check models.

    Looked at are ds4agent's own folder, the Hugging Face cache, and what `model_dirs` in the settings names.
    """


@command.command("list")
@_json
def _list(as_json: bool) -> None:
    """List the models, the speculators, and what cannot be used with the reason."""
    listing = scan()
    if as_json:
        click.echo(json.dumps(describe(listing)))
        return
    for line in table(listing):
        click.echo(printable(line))
    if not listing.models:
        click.echo("there are no models; `ds4agent models pull OWNER/NAME` loads one", err=True)
    for path, problem in listing.problems.items():
        click.echo(printable(f"{path}: {problem}"), err=True)


@command.command("inspect")
@click.argument("name", metavar="ID|PATH")
@_json
def _inspect(name: str, as_json: bool) -> None:
    """Show all that is known of one model, a path outside the folders included."""
    path = paths.expanded(name).absolute()
    listing = scan()
    known = {str(file) for m in (*listing.models, *listing.speculators) for file in (*m.shards, *m.also)}
    if path.is_file() and str(path) not in known:
        listing = Catalog([]).look_at(path)
    found = facts(wanted(listing, str(path) if path.is_file() else name))
    if as_json:
        click.echo(json.dumps(found))
        return
    for key, value in found.items():
        values = value if isinstance(value, list) else [value]
        for one in values:
            click.echo(printable(f"{key.replace('_', ' ')}: {one}"))


@command.command("pull")
@click.argument("source", metavar="REPO[:FILE]|URL")
@click.option("--revision", metavar="REV", help="A branch, a tag or a commit (default: main).")
def _pull(source: str, revision: str | None) -> None:
    """Load a model. What is interrupted goes on with the same command.

    FILE may be a part of a file's name, if that fits only one model. A shard stands for its whole model.
    """
    try:
        from ds4agent.sidecar import pull
    except ImportError as error:
        raise click.ClickException(NO_LIBRARY) from error
    from ds4agent.sidecar.patience import Trouble

    places = pull.Places(paths.hub_cache(), paths.models())
    try:
        with Meter(sys.stderr) as meter:
            loaded = pull.pull(pull.parse(source, revision), places, meter.report, time.sleep)
    except Trouble as error:
        raise click.ClickException(printable(str(error))) from error
    except KeyboardInterrupt:
        click.echo("interrupted; the same command goes on from here", err=True)
        raise
    except OSError as error:
        where = error.filename or "the file"
        raise click.ClickException(
            f"cannot write {where}: {error.strerror}; what is there is kept"
        ) from error
    click.echo(loaded[0])
    _say_if_unusable(loaded[0])


def _say_if_unusable(path: Path) -> None:
    for other in Catalog([]).look_at(path).rejected:
        click.echo(printable(f"loaded, but it cannot be used: {other.reason}"), err=True)


command.add_command(models_files.rm)
command.add_command(models_files.verify)
