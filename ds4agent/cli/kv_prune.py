"""Which files `ds4agent kv prune` removes, and removing them. A dry run takes the same steps on a survey that
only notes what would go."""

import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from ds4agent.cli import kv_upstream
from ds4agent.cli.kv_survey import Survey, hold, look
from ds4agent.cli.kv_upstream import CacheFiles
from ds4agent.engine.kv.disk import MIB
from ds4agent.engine.kv.evict import Spare
from ds4agent.engine.kv.files import POINT, ROWS, file_name

_DAY_S = 86_400


@dataclass(frozen=True, slots=True)
class Wanted:
    """What to prune. `older_than` in days since the last use; `to_mb` in MiB."""

    older_than: float | None
    to_mb: int | None
    damaged: bool
    upstream: bool
    dry_run: bool


class Unreadable(Exception):
    """A file that this user may not open, and why: it need not be damaged, nor what continues it."""


def prune(folder: Path, wanted: Wanted) -> dict[str, int]:
    """Removes files; gives their names and sizes. Raises OSError, Unreadable, and LockError while an engine
    is on it.
    """
    now = time.time()
    with look(folder) as survey:
        ours = bool(survey.sizes)
    with (hold if ours and not wanted.dry_run else look)(folder) as survey:
        theirs = kv_upstream.scan(folder) if wanted.upstream else kv_upstream.CacheFiles([], {}, {})
        _open_each(folder, (*survey.sizes, *theirs.sizes))
        names = [*_their_damaged_and_old(theirs, wanted, now)]
        _our_damaged_and_old(survey, wanted, now)
        if wanted.to_mb is not None:
            limit = wanted.to_mb * MIB
            names += _their_least(theirs, names, limit - survey.size, now)
            # Of a budget, 0 would mean no limit.
            survey.budget = max(1, limit - sum(theirs.sizes.values()) + sum(theirs.sizes[n] for n in names))
            survey.make_room(0, Spare(), now)
        for name in names if not wanted.dry_run else ():
            (folder / name).unlink(missing_ok=True)
        return survey.removed | {name: theirs.sizes[name] for name in names}


def _open_each(folder: Path, names: Iterable[str]) -> None:
    """Raises Unreadable."""
    for name in names:
        try:
            (folder / name).open("rb").close()
        except FileNotFoundError:
            pass  # evicted a moment ago
        except OSError as error:
            raise Unreadable(f"{folder / name}: {error.strerror}") from error


def _their_damaged_and_old(theirs: CacheFiles, wanted: Wanted, now: float) -> Iterator[str]:
    if wanted.damaged:
        yield from theirs.problems
    if wanted.older_than is not None:
        limit = now - wanted.older_than * _DAY_S
        yield from (file.path.name for file in theirs.files if file.last_used < limit)


def _their_least(theirs: CacheFiles, gone: list[str], room: int, now: float) -> list[str]:
    """What is worth least goes until the rest fits into `room` bytes."""
    left = [file for file in theirs.files if file.path.name not in gone]
    size = sum(size for name, size in theirs.sizes.items() if name not in gone)
    names = []
    for file in sorted(left, key=lambda file: file.worth(now)):
        if size > room:
            names.append(file.path.name)
            size -= file.size
    return names


def _our_damaged_and_old(survey: Survey, wanted: Wanted, now: float) -> None:
    for name in survey.left_over:
        survey.folder.remove(name)
    if wanted.damaged:
        _damaged(survey)
    if wanted.older_than is not None:
        _old(survey, now - wanted.older_than * _DAY_S)


def _damaged(survey: Survey) -> None:
    """With what cannot be used without them."""
    survey.check_contents()
    index = survey.index
    runs, entries = index.dependants(run for run in index.runs.values() if _is_damaged(survey, run.id, ROWS))
    entries += [e for e in index.points.values() if e not in entries and _is_damaged(survey, e.id, POINT)]
    for entry in entries:
        survey.remove_point(entry, Spare())
    for run in runs:
        if run.id in index.runs:
            survey.folder.remove(file_name(run.id, ROWS))
            index.remove_run(run)
    for name in (*survey.problems, *survey.set_aside_earlier()):
        survey.folder.remove(name)
    survey.damaged.clear()


def _is_damaged(survey: Survey, file_id: bytes, suffix: str) -> bool:
    return file_name(file_id, suffix) in survey.problems


def _old(survey: Survey, limit: float) -> None:
    """Points that were not used since, with the rows that only they need; other rows by their age."""
    for entry in [e for e in survey.index.points.values() if e.stats.last_used < limit]:
        survey.remove_point(entry, Spare())
    for run in sorted(survey.orphans(), key=lambda run: -run.head.first_block):
        name = file_name(run.id, ROWS)
        if (survey.folder.path / name).stat().st_mtime < limit:
            survey.folder.remove(name)
            survey.index.remove_run(run)
