"""`ds4agent kv`: what is in a KV directory, ours and ds4-server's."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path

import click

from ds4agent import config
from ds4agent.cli import kv_upstream
from ds4agent.cli.kv_items import facts, items, moment, printable
from ds4agent.cli.kv_prune import Unreadable, Wanted, prune
from ds4agent.cli.kv_survey import look
from ds4agent.engine.kv.disk import MIB
from ds4agent.engine.lock import LockError
from ds4agent.resources import BUNDLED_MODEL
from ds4agent.sidecar import kv_folder

_WORDS = 60
_LINE = "{:<12}  {:>8}  {:<13}  {:>9}  {:<16}  {:>4}  {}"


def _usual() -> Path:
    """That of the model that `ds4agent run` starts."""
    try:
        settings = config.load({})
    except config.ConfigError as error:
        raise click.ClickException(str(error)) from error
    return kv_folder.of_file(settings.serve.kv_models, Path(settings.model or BUNDLED_MODEL))


_dir = click.option(
    "--dir",
    "folder",
    type=click.Path(path_type=Path),
    default=_usual,
    show_default="that of the model in use",
    help="The directory given to the engine as --kv-disk-dir.",
)
_json = click.option("--json", "as_json", is_flag=True, help="Machine-readable.")


@click.group("kv")
def command() -> None:
    """Look into a KV cache directory, check it, and free space.

    The directory may hold files of ds4agent's engine, of ds4-server, or both.
    """


@contextmanager
def _reported(folder: Path) -> Iterator[None]:
    """What keeps a directory from being used, as one sentence."""
    try:
        yield
    except FileNotFoundError as error:
        raise click.ClickException(f"there is no KV directory {folder}; name one with --dir") from error
    except LockError as error:
        problem = str(error)
        held = problem.removesuffix("; refusing to start")
        raise click.ClickException(
            problem if held == problem else f"{held}; stop that engine first"
        ) from error
    except Unreadable as error:
        raise click.ClickException(f"cannot read {error}; nothing was removed") from error
    except OSError as error:
        raise click.ClickException(f"cannot use KV directory {folder}: {error.strerror}") from error


@command.command("list")
@_dir
@_json
def _list(folder: Path, as_json: bool) -> None:
    """List the checkpoints, the last used first."""
    with _reported(folder):
        found = [item for item, _ in items(folder)]
    if not as_json and found:
        click.echo(_LINE.format("id", "tokens", "reason", "MiB", "last used", "hits", "text"))
    for item in found:
        words = " ".join(printable(item.text[: 4 * _WORDS]).split())[:_WORDS].rstrip()
        if as_json:
            click.echo(json.dumps({**asdict(item), "text": words}))
        else:
            size, used = f"{item.size / MIB:.2f}", moment(item.last_used)
            click.echo(_LINE.format(item.id[:12], item.tokens, item.reason, size, used, item.hits, words))


@command.command("show")
@click.argument("checkpoint", metavar="ID")
@_dir
def _show(checkpoint: str, folder: Path) -> None:
    """Show one checkpoint and its text. ID may be cut short."""
    with _reported(folder):
        found = [pair for pair in items(folder) if pair[0].id.startswith(checkpoint)]
    if len(found) != 1:
        problem = f"{len(found)} checkpoints begin with" if found else "no checkpoint begins with"
        raise click.ClickException(f"{problem} {checkpoint}; `ds4agent kv list` names them")
    (item, more) = found[0]
    for name, value in facts(item, more).items():
        click.echo(f"{name}: {value}")
    click.echo(f"\n{printable(item.text)}")


@command.command("verify")
@_dir
def _verify(folder: Path) -> int:
    """Read every file and check all that can be checked. Exit status 1: something is damaged.

    Of ds4-server's files the text is checked by its digest, the rest by sizes and fields: they hold no
    digest of the state itself.
    """
    with _reported(folder):
        problems, n_files, aside = _problems(folder)
        if problems:
            # An engine may have been at work between two of our reads: what is damaged is so twice.
            again, n_files, aside = _problems(folder)
            problems = {name: region for name, region in again.items() if name in problems}
    for name, region in sorted(problems.items()):
        click.echo(f"damaged: {folder / name}: {region}")
    for name in sorted(aside):
        click.echo(f"set aside earlier: {folder / name}")
    click.echo(f"{n_files} files, {len(problems)} damaged, {len(aside)} set aside earlier")
    return 1 if problems else 0


def _problems(folder: Path) -> tuple[dict[str, str], int, list[str]]:
    """What is wrong by file, how many files there are, and those that an engine has set aside."""
    with look(folder) as survey:
        survey.check_contents()
    theirs = kv_upstream.scan(folder)
    n_files = len(survey.sizes) + len(theirs.sizes)
    return survey.problems | theirs.problems, n_files, survey.set_aside_earlier()


@command.command("prune")
@_dir
@click.option("--older-than", type=click.FloatRange(min=0), metavar="DAYS", help="Not used for so long.")
@click.option("--to-mb", type=click.IntRange(min=0), metavar="N", help="What is worth least, down to N MiB.")
@click.option("--damaged", is_flag=True, help="What is damaged, and what cannot be used without it.")
@click.option("--upstream", is_flag=True, help="ds4-server's files too; for --to-mb they go first.")
@click.option("--dry-run", is_flag=True, help="Say what would go, and remove nothing.")
def _prune(
    folder: Path, older_than: float | None, to_mb: int | None, damaged: bool, upstream: bool, dry_run: bool
) -> None:
    """Remove checkpoints, with the rows that only they need.

    Not those of an engine of ds4agent's that uses the directory. A ds4-server may run meanwhile: it looks
    for its files anew each time, and reads again what is gone.
    """
    if older_than is None and to_mb is None and not damaged:
        raise click.UsageError("say what to remove: --older-than DAYS, --to-mb N or --damaged")
    with _reported(folder):
        removed = prune(folder, Wanted(older_than, to_mb, damaged, upstream, dry_run))
    for name, size in sorted(removed.items()):
        click.echo(f"{name}  {size / MIB:.2f} MiB")
    verb = "would remove" if dry_run else "removed"
    click.echo(f"{verb} {len(removed)} files, {sum(removed.values()) / MIB:.2f} MiB")


@command.command("du")
@_dir
@_json
def _du(folder: Path, as_json: bool) -> None:
    """Bytes by kind."""
    with _reported(folder):
        with look(folder) as survey:
            kinds = survey.bytes_by_kind()
        theirs = kv_upstream.scan(folder)
    damaged = sum(theirs.sizes[name] for name in theirs.problems)
    kinds["upstream"] = sum(theirs.sizes.values()) - damaged
    kinds["damaged"] += damaged
    if as_json:
        click.echo(json.dumps(kinds))
        return
    for kind, size in (*kinds.items(), ("total", sum(kinds.values()))):
        click.echo(f"{kind:<14} {size / MIB:>12.2f} MiB")
