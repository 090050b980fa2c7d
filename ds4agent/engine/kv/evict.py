"""Which point of the disk store goes when there is no room.

A point is worth the tokens that would have to be read again without it, times how likely it is to be wanted:
its hits plus one, halved with every six hours since it was last used. It costs the bytes that its removal
frees: its own files and the runs that no other point needs. The point with the least worth a byte goes. So a
checkpoint behind which a longer one of the same session lies costs little to lose and goes early, and a fork
that shares most of its rows frees little and stays. `cold` points, the system prompts that every new session
starts with, go only when nothing else is left.
"""

from collections.abc import Iterator, Set
from dataclasses import dataclass
from heapq import heapify, heappop, heappush

from ds4agent.engine.kv.index import Entry, Index, Run

HALF_LIFE_S = 6 * 3600


@dataclass(frozen=True, slots=True)
class Spare:
    """What must stay: the sequence being saved."""

    runs: Set[Run] = frozenset()
    point: Entry | None = None

    @property
    def size(self) -> int:
        return sum(run.head.size for run in self.runs) + (self.point.size if self.point else 0)


def unreached_runs(index: Index, spare: Spare) -> list[Run]:
    """The runs that no point needs, each behind those that continue it."""
    runs = [run for run in index.runs.values() if not run.n_points and run not in spare.runs]
    return sorted(runs, key=lambda run: -run.head.first_block)


def victims(index: Index, spare: Spare, now: float) -> Iterator[Entry]:
    """The points in the order in which they go; each must be removed before the next is asked for.

    All are weighed once. A removal makes those that continued from it worth more, so each is weighed again
    when its turn comes; that it can also make one worth less (rows that two shared are now freed with the
    other) is seen the next time. So to remove half of thousands takes no longer than to weigh them.
    """
    points = (entry for entry in index.points.values() if entry is not spare.point)
    heap = [(_order(entry, spare, now), entry) for entry in points]
    heapify(heap)
    while heap:
        _, entry = heappop(heap)
        order = _order(entry, spare, now)
        if heap and order > heap[0][0]:
            heappush(heap, (order, entry))
        else:
            yield entry


def _order(entry: Entry, spare: Spare, now: float) -> tuple[bool, float, float, bytes]:
    worth = (entry.head.n_tokens - _read_anyway(entry)) * _demand(entry, now)
    freed = entry.size + sum(run.head.size for run in freed_runs(entry, spare))
    return entry.head.reason == "cold", worth / freed, entry.stats.last_used, entry.id


def freed_runs(entry: Entry, spare: Spare) -> list[Run]:
    """The runs that only this point needs and no other run continues, the last one first."""
    freed: list[Run] = []
    for run, _ in entry.needs():
        if run.n_points > 1 or run.n_runs > len(freed[-1:]) or run in spare.runs:
            break
        freed.append(run)
    return freed


def _demand(entry: Entry, now: float) -> float:
    age = max(0.0, now - entry.stats.last_used)
    return float((entry.stats.hits + 1) * 2 ** -(age / HALF_LIFE_S))


def _read_anyway(entry: Entry) -> int:
    """The tokens of the longest other point that this one continues.

    The tokens behind a point's last whole block are compared only with those of a point in the same block:
    the others lie on the disk, and a difference there makes the value a little wrong, nothing else.
    """
    return max(
        (
            other.head.n_tokens
            for run, end in entry.needs()
            for other in run.points
            if other.head.n_blocks <= end and other.head.n_tokens < entry.head.n_tokens
            if other.head.n_blocks < entry.head.n_blocks or entry.head.tail.startswith(other.head.tail)
        ),
        default=0,
    )
