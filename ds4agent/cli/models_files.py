"""`ds4agent models rm` and `verify`: what becomes of the files."""

import sys
from pathlib import Path

import click

from ds4agent.cli.kv_items import printable
from ds4agent.cli.meter import Meter
from ds4agent.cli.models_known import NO_LIBRARY, scan, wanted
from ds4agent.cli.models_view import size_text
from ds4agent.sidecar import digests
from ds4agent.sidecar.catalog import Model
from ds4agent.sidecar.model_names import hub_place


@click.command("rm")
@click.argument("name", metavar="ID")
@click.option("--yes", is_flag=True, help="Do not ask.")
def rm(name: str, yes: bool) -> None:
    """Remove a model's files, all shards. In the Hugging Face cache what only they need goes too."""
    model = wanted(scan(), name)
    files = _files(model)
    for path in files:
        click.echo(printable(str(path)), err=True)
    if not yes and not sys.stdin.isatty():
        raise click.UsageError("nobody is there to ask; say --yes")
    if not yes and not click.confirm(f"remove {model.id}, {size_text(model.size)}?", err=True):
        raise click.Abort
    try:
        _remove(files)
    except OSError as error:
        raise click.ClickException(f"cannot remove {error.filename}: {error.strerror}") from error
    click.echo(f"removed {model.id}")


def _files(model: Model) -> list[Path]:
    """Of a split model the other shards, too, where its first one is at several places."""
    others = (first.with_name(shard.name) for first in model.also for shard in model.shards[1:])
    return [*model.shards, *model.also, *(path for path in others if path.exists())]


def _remove(files: list[Path]) -> None:
    """A file may be in a cache, and have another name outside of it."""
    caches: dict[str, list[Path]] = {}
    for path in files:
        if hub := hub_place(path.as_posix()):
            caches.setdefault(hub.root, []).append(path)
    for root, held in caches.items():
        _remove_held(held, Path(root))
    for path in files:
        if not hub_place(path.as_posix()):
            path.unlink(missing_ok=True)
            digests.note(path).unlink(missing_ok=True)


def _remove_held(files: list[Path], cache: Path) -> None:
    """From a Hugging Face cache."""
    try:
        from ds4agent.sidecar import hub
    except ImportError as error:
        raise click.ClickException(NO_LIBRARY) from error
    from ds4agent.sidecar.patience import Trouble

    try:
        hub.removal(files, cache).execute()
    except Trouble as error:
        raise click.ClickException(str(error)) from error


@click.command("verify")
@click.argument("names", metavar="[ID]...", nargs=-1)
def verify(names: tuple[str, ...]) -> int:
    """Compare sizes and digests with those of the repository or those written down when it was loaded.

    Exit status 1: something is damaged, incomplete or missing.
    """
    listing = scan()
    models = [wanted(listing, name) for name in names] or [*listing.models, *listing.speculators]
    problems = 0
    with Meter(sys.stderr) as meter:
        for model in models:
            for name in model.missing:
                click.echo(printable(f"missing: {model.path.parent / name}"))
            problems += len(model.missing) + sum(not _is_right(path, meter) for path in model.shards)
    if not names:
        broken = [
            other for other in listing.rejected if "not complete" in other.reason or "damaged" in other.reason
        ]
        for other in broken:
            click.echo(printable(f"damaged: {other.path}: {other.reason}"))
        problems += len(broken)
    click.echo(f"{len(models)} models, {problems} problems")
    return 1 if problems else 0


def _is_right(path: Path, meter: Meter) -> bool:
    """Whether a file is what it has to be, said on stdout."""
    try:
        expected = digests.known(path)
        size = path.stat().st_size
        if not expected:
            click.echo(printable(f"complete, but no digest is known: {path}"))
            return True
        found = digests.compute(path, expected.kind, lambda done: meter.report("checking", done, size))
    except OSError as error:
        click.echo(printable(f"unreadable: {path}: {error.strerror}"))
        return False
    right = found == expected.hex
    problem = f"{expected.kind} is {found}, {expected.source} says {expected.hex}"
    click.echo(printable(f"right: {path}" if right else f"damaged: {path}: {problem}"))
    return right
