"""The directory of the disk store and the index of it, kept in step.

Whatever is taken away is taken so that a kill between two calls leaves nothing that looks whole and is not:
a point before its rows, a run after those that continue it; only a damaged run goes first, because it must
not be found again.

The lock guards the index. It is held while files are renamed and removed, never while they are read or
written: those who look something up do not wait for a save. One thread writes, evicts and loads.
"""

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from threading import RLock

from ds4agent.engine.kv.evict import Spare, freed_runs, unreached_runs, victims
from ds4agent.engine.kv.files import POINT, ROWS, TOOLS, Folder, file_name
from ds4agent.engine.kv.index import Entry, Index, Run
from ds4agent.wire.kvpoints import STATS_AT, Stats, encode_stats
from ds4agent.wire.kvrows import BLOCK_TOKENS

Log = Callable[[str], None]
MIB = 2**20
MAX_FAILURES = 2


class Disk:
    """What cannot be removed or renamed is logged."""

    def __init__(self, folder: Folder, index: Index, budget: int, log: Log) -> None:
        self.folder = folder
        self.index = index
        self.budget = budget
        self.log = log
        self.lock = RLock()
        self.damaged: dict[str, int] = {}

    @property
    def size(self) -> int:
        with self.lock:
            return self.index.size + sum(self.damaged.values())

    def path_of(self, entry: Entry) -> Path:
        return self.folder.path / file_name(entry.id, POINT)

    # Damage.

    def set_aside_file(self, name: str, region: str) -> None:
        """`region` names what is damaged, or what is missing, for the log."""
        path = self.folder.path / name
        try:
            aside = self.folder.set_aside(name)
        except OSError as error:
            self.log(f"kv cache damaged file={path}: {region}; cannot be set aside: {error.strerror}")
            return
        self.damaged[aside] = (self.folder.path / aside).lstat().st_size
        self.log(f"kv cache damaged file={path}: {region}; set aside as {aside}")

    def set_aside_run(self, run: Run, region: str) -> None:
        """With the runs that continue it and the points that need any of them."""
        with self.lock:
            if self.index.runs.get(run.id) is not run:
                return
            name = file_name(run.id, ROWS)
            runs, entries = self.index.dependants([run])
            self.set_aside_file(name, region)
            for entry in entries:
                self.set_aside_point(entry, f"needs damaged {name}")
            for other in runs:
                self.index.remove_run(other)
                if other is not run:
                    self.set_aside_file(file_name(other.id, ROWS), f"needs damaged {name}")

    def set_aside_point(self, entry: Entry, region: str) -> None:
        with self.lock:
            if self.index.points.get(entry.id) is not entry:
                return
            self.index.remove_point(entry)
            self.set_aside_file(file_name(entry.id, POINT), region)
            if entry.tools_bytes:
                self.set_aside_file(file_name(entry.id, TOOLS), "its point was set aside")

    def set_aside_tools(self, entry: Entry, region: str) -> None:
        """The point stays: without its tool map calls are rendered anew, which is never wrong."""
        with self.lock:
            if self.index.points.get(entry.id) is not entry:
                return
            self.index.remove_point(entry)
            self.set_aside_file(file_name(entry.id, TOOLS), region)
            entry.set_tools((), 0)
            self.index.add_point(entry)

    # Stats.

    def set_stats(self, entry: Entry, stats: Stats) -> None:
        entry.stats = stats
        try:
            self.folder.patch(file_name(entry.id, POINT), STATS_AT, encode_stats(stats))
        except OSError as error:
            self.log(f"kv cache cannot note the use of {self.path_of(entry)}: {error.strerror}")

    def fail(self, entry: Entry) -> None:
        """The second time the point is set aside."""
        stats = replace(entry.stats, failures=entry.stats.failures + 1)
        self.set_stats(entry, stats)
        if stats.failures >= MAX_FAILURES:
            self.set_aside_point(entry, f"failed {stats.failures} times")

    # Room.

    def make_room(self, incoming: int, spare: Spare, now: float) -> bool:
        """Whether `incoming` more bytes fit the budget now. What could never fit evicts nothing."""
        if not self.budget:
            return True
        if incoming + spare.size > self.budget:
            return False
        with self.lock:
            evictions = self._evictions(spare, now)
            try:
                while self.size + incoming > self.budget:
                    if next(evictions, None) is None:
                        return False
            except OSError as error:
                self.log(f"kv cache cannot remove {error.filename}: {error.strerror}")
                return False
        return True

    def _evictions(self, spare: Spare, now: float) -> Iterator[str]:
        """Removes one thing after the other, what is worth least first; yields the name of each."""
        for name, size in list(self.damaged.items()):
            self.folder.remove(name)
            del self.damaged[name]
            yield self._log_eviction(name, 0, 0, size)
        for run in unreached_runs(self.index, spare):
            self._remove_run(run)
            tokens = run.head.n_blocks * BLOCK_TOKENS
            yield self._log_eviction(file_name(run.id, ROWS), tokens, 0, run.head.size)
        for entry in victims(self.index, spare, now):
            freed = self.remove_point(entry, spare)
            name = file_name(entry.id, POINT)
            yield self._log_eviction(name, entry.head.n_tokens, entry.stats.hits, freed)

    def _log_eviction(self, name: str, tokens: int, hits: int, size: int) -> str:
        self.log(
            f"kv cache evicted reason=disk-cache-full tokens={tokens} hits={hits} "
            f"size={size / MIB:.2f} MiB file={self.folder.path / name}"
        )
        return name

    def remove_point(self, entry: Entry, spare: Spare) -> int:
        """With the runs that only it needs; returns the bytes freed. Raises OSError."""
        with self.lock:
            runs = freed_runs(entry, spare)
            self.folder.remove(file_name(entry.id, POINT))
            self.index.remove_point(entry)
            self.folder.remove(file_name(entry.id, TOOLS))
            for run in runs:
                self._remove_run(run)
        return entry.size + sum(run.head.size for run in runs)

    def _remove_run(self, run: Run) -> None:
        self.folder.remove(file_name(run.id, ROWS))
        self.index.remove_run(run)
