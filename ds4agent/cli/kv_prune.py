"""Which files `ds4agent kv prune` removes, and removing them. A dry run takes the same steps on a survey that
only notes what would go."""

import time
from dataclasses import dataclass
from pathlib import Path

from ds4agent.cli import kv_upstream
from ds4agent.cli.kv_survey import Survey, hold, look
from ds4agent.engine.kvdisk import MIB
from ds4agent.engine.kvevict import Spare
from ds4agent.engine.kvfiles import POINT, ROWS, file_name

_DAY_S = 86_400


@dataclass(frozen=True, slots=True)
class Wanted:
    """What to prune. `older_than` in days since the last use; `to_mb` in MiB."""

    older_than: float | None
    to_mb: int | None
    damaged: bool
    upstream: bool
    dry_run: bool


def prune(folder: Path, wanted: Wanted) -> dict[str, int]:
    """Removes files; gives their names and sizes. Raises OSError and LockError."""
    now = time.time()
    with look(folder) as survey:
        ours = bool(survey.sizes)
        left = sum(survey.sizes.values())
    removed = {}
    if wanted.upstream:
        removed = _upstream(folder, wanted, left, now)
    if ours:
        others = sum(kv_upstream.scan(folder).sizes.values()) if wanted.upstream else 0
        others -= sum(removed.values()) if wanted.dry_run else 0
        with (look if wanted.dry_run else hold)(folder) as survey:
            _ours(survey, wanted, others, now)
            removed |= survey.removed
    return removed


def _upstream(folder: Path, wanted: Wanted, ours: int, now: float) -> dict[str, int]:
    found = kv_upstream.scan(folder)
    names = list(found.problems) if wanted.damaged else []
    files = sorted(found.files, key=lambda file: file.worth(now))
    if wanted.older_than is not None:
        limit = now - wanted.older_than * _DAY_S
        names += [f.path.name for f in files if (f.header.last_used or f.header.created) < limit]
    size = ours + sum(found.sizes.values()) - sum(found.sizes[name] for name in names)
    for file in files if wanted.to_mb is not None else ():
        if size > (wanted.to_mb or 0) * MIB and file.path.name not in names:
            names.append(file.path.name)
            size -= file.size
    for name in names if not wanted.dry_run else ():
        (folder / name).unlink(missing_ok=True)
    return {name: found.sizes[name] for name in names}


def _ours(survey: Survey, wanted: Wanted, others: int, now: float) -> None:
    """`others`: bytes of files that are not ours and count too."""
    for name in survey.left_over:
        survey.folder.remove(name)
    if wanted.damaged:
        _damaged(survey)
    if wanted.older_than is not None:
        _old(survey, now - wanted.older_than * _DAY_S)
    if wanted.to_mb is not None:
        # Of the budget 0 would mean no limit.
        survey.budget = max(1, wanted.to_mb * MIB - others)
        survey.make_room(0, Spare(), now)


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
    """Points that were not used since, with the rows that only they need; rows without points by their age."""
    for entry in [e for e in survey.index.points.values() if e.stats.last_used < limit]:
        survey.remove_point(entry, Spare())
    for run in sorted(survey.orphans(), key=lambda run: -run.head.first_block):
        name = file_name(run.id, ROWS)
        if (survey.folder.path / name).stat().st_mtime < limit:
            survey.folder.remove(name)
            survey.index.remove_run(run)
