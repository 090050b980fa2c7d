"""The KV cache on disk: every row is written once, and a session continues from any point that was saved.

The model's state at position n has two parts. *Rows* never change once made; they are kept in blocks of 128
tokens, shared by every session with the same tokens before them, and written once. A *frontier* is the rest:
small, different at every position, kept only where somebody may want to continue. A checkpoint is a point in
this directory: a frontier, the tokens behind the last whole block, and the name of the run of rows before it.
ds4agent.wire.kvrows, kvpoints and kvtoolmap state the files byte by byte.

What holds at every moment: a point that is found can be loaded with exactly the tokens and bytes it was
saved with, or it is set aside and the caller is told; a kill at any call loses at most the save that was
going on; the sum of our files stays within the budget; files that are not ours are not touched.

`find` and `tool_block` may be called from a second thread and never wait for a save.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from ds4agent.engine.kv.disk import MIB, Disk, Log
from ds4agent.engine.kv.evict import Spare
from ds4agent.engine.kv.files import Folder
from ds4agent.engine.kv.index import Entry, Index, marks
from ds4agent.engine.kv.load import Damaged, Loaded, find_tool_text
from ds4agent.engine.kv.opening import fill
from ds4agent.engine.kv.plan import Plan, Rows, Text
from ds4agent.engine.kv.point import Point, seen
from ds4agent.engine.kv.save import Frontier, NoRoom, Saver, join_keys
from ds4agent.engine.lock import LockError
from ds4agent.wire.kvpoints import Key, PointHead, make_key
from ds4agent.wire.kvrows import pack_ids

__all__ = ["Damaged", "KvStore", "Loaded", "Point", "StoreBusy", "StoreError"]


class StoreError(Exception):
    """The directory cannot be used; the message says why."""


class StoreBusy(StoreError):
    """Another process has the directory; the message names it."""


class KvStore:
    """`fingerprint` is 8 bytes: what rows and frontiers of two models with the same one mean is the same.

    `block_bytes` is the size of the rows of 128 tokens; `budget` in bytes, 0: no limit; `clock` in seconds
    since 1970. Opening removes temporary files, sets damaged ones aside and evicts down to the budget. Raises
    StoreError.
    """

    def __init__(
        self,
        folder: Path,
        fingerprint: bytes,
        block_bytes: int,
        budget: int,
        log: Log,
        clock: Callable[[], float],
    ) -> None:
        self._fingerprint = fingerprint
        self._log = log
        self._clock = clock
        try:
            files = Folder(folder)
        except OSError as error:
            raise StoreError(f"cannot use KV directory {folder}: {error.strerror}") from error
        except LockError as error:
            raise StoreBusy(str(error)) from error
        self._disk = Disk(files, Index(fingerprint), budget, log)
        self._saver = Saver(self._disk, block_bytes, clock)
        try:
            fill(self._disk, block_bytes)
        except OSError as error:
            files.close()
            raise StoreError(f"cannot use KV directory {folder}: {error}") from error
        self._disk.make_room(0, Spare(), clock())

    def close(self) -> None:
        self._disk.folder.close()

    @property
    def total_bytes(self) -> int:
        """Of all our files, of other models and set aside ones too."""
        return self._disk.size

    @property
    def bytes_written(self) -> int:
        """Since it was opened."""
        return self._disk.folder.bytes_written

    def points(self) -> list[Point]:
        """Those of this model, each with its longest key."""
        with self._disk.lock:
            entries = [e for e in self._disk.index.points.values() if e.head.fingerprint == self._fingerprint]
            return [self._seen(e, max(e.head.keys, key=lambda key: key.n_bytes)) for e in entries]

    def find(self, key: bytes) -> Point | None:
        """The point with the longest key that is a prefix of this rendered text; then with most tokens."""
        with self._disk.lock:
            found = self._disk.index.find(key)
            return found and self._seen(*found)

    def stored_blocks(self, tokens: Sequence[int]) -> int:
        """How many leading whole blocks of these tokens are stored."""
        return self._disk.index.follow(marks(self._fingerprint, pack_ids(tokens)))[1]

    def tool_block(self, call_id: str) -> bytes | None:
        """The sampled text of the block with this call."""
        return find_tool_text(self._disk, call_id)

    def load(self, point: Point) -> Loaded:
        """Does not count a hit. Raises Damaged."""
        entry = self._entry(point)
        if entry is None:
            raise Damaged(f"{point.path} is no longer there")
        return Loaded(self._disk, entry)

    def used(self, point: Point) -> None:
        """Counts a hit."""
        if (entry := self._entry(point)) is not None:
            self._disk.set_stats(
                entry, replace(entry.stats, hits=entry.stats.hits + 1, last_used=self._clock())
            )

    def failed(self, point: Point) -> None:
        """What was loaded could not be continued. The second time the point is set aside."""
        if (entry := self._entry(point)) is not None:
            self._disk.fail(entry)

    def forget(self, point: Point) -> None:
        """Removes the point and the rows that only it needs."""
        if (entry := self._entry(point)) is not None:
            try:
                self._disk.remove_point(entry, Spare())
            except OSError as error:
                self._log(f"kv cache cannot remove {point.path}: {error.strerror}")

    def add_rows(self, tokens: Sequence[int], text: Text, rows: Rows) -> int | None:
        """Writes the whole blocks that are not stored yet. Returns bytes written; None: it could not be done.

        text(a, b): the bytes of tokens a..b; rows(first_block, n_blocks): their rows, asked for in pieces.
        """
        with self._failures(len(tokens), "rows"):
            return self._saver.add_rows(Plan(self._disk.index, tokens), text, rows)
        return None

    def add_point(
        self,
        tokens: Sequence[int],
        keys: Sequence[tuple[str, bytes]],
        reason: str,
        tool_map: Mapping[str, bytes],
        text: Text,
        rows: Rows,
        frontier: Frontier,
        trimmed: int = 0,
    ) -> int | None:
        """add_rows, then the point. Returns bytes written; None: it could not be done.

        `keys`, at least one: kind (one of KINDS) and text. A point that is there already is not written
        again, unless it gets a new key; new calls are added to its tool map. `trimmed` is for the log: how
        many tokens of the prompt come behind this point.
        """
        with self._failures(len(tokens), reason):
            began = self._clock()
            plan = Plan(self._disk.index, tokens)
            head = self._saver.head(plan, join_keys(make_key(*key) for key in keys), reason)
            entry = self._disk.index.points.get(head.id)
            if entry is None:
                written = self._saver.add_point(plan, head, tool_map, text, rows, frontier())
            else:
                written = self._renew(plan, entry, head, tool_map, frontier)
            if written:
                kind, size = head.keys[0].kind, written / MIB
                self._log(
                    f"kv cache stored tokens={len(tokens)} trimmed={trimmed} reason={reason} key={kind} "
                    f"size={size:.2f} MiB save={self._ms_since(began):.1f} ms"
                )
            return written
        return None

    def _renew(
        self, plan: Plan, entry: Entry, head: PointHead, tool_map: Mapping[str, bytes], frontier: Frontier
    ) -> int:
        written = 0
        self._disk.set_stats(entry, replace(entry.stats, last_used=self._clock()))
        if not set(head.keys) <= set(entry.head.keys):
            written += self._saver.add_keys(plan, entry, head, frontier())
        if not tool_map.keys() <= set(entry.tool_ids):
            written += self._saver.add_tools(plan, self._disk.index.points[entry.id], tool_map)
        return written

    @contextmanager
    def _failures(self, n_tokens: int, reason: str) -> Iterator[None]:
        """What keeps a save from being done is logged; the caller goes on without it."""
        began = self._clock()
        try:
            yield
        except NoRoom as error:
            self._log(f"kv cache skipped tokens={n_tokens} reason={reason} because {error}")
        except OSError as error:
            why, ms = error.strerror or error, self._ms_since(began)
            self._log(f"kv cache store failed ({reason}): {why} save={ms:.1f} ms")

    def _ms_since(self, began: float) -> float:
        return (self._clock() - began) * 1000

    def _entry(self, point: Point) -> Entry | None:
        return self._disk.index.points.get(point.id)

    def _seen(self, entry: Entry, key: Key) -> Point:
        return seen(entry, key, self._disk.path_of(entry))
