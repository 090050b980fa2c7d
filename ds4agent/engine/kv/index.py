"""What the disk store knows without reading: its runs as a trie, its points, and how points are found.

A block of tokens is known by its *mark*, a digest of the model's fingerprint and its token ids, so that the
memory this takes is an eighth of a byte a token and runs of different models never meet. A sequence is
followed block by block: along the run it is in, and where it leaves that run, into the child that starts at
this block with this mark. Since no two runs hold the same block of the same sequence, there is one way.

Points are found by the digest of a prefix of rendered text; the text is hashed once, with a stop at every
length that some key has.
"""

import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from ds4agent.wire.kvpoints import Key, PointHead, Stats, rolling_digests
from ds4agent.wire.kvrows import BLOCK_TOKENS, DIGEST_BYTES, NO_RUN, RunHead, digest

_BLOCK_IDS = 4 * BLOCK_TOKENS
_K = TypeVar("_K")
_V = TypeVar("_V")


@dataclass(slots=True, eq=False)
class Run:
    """`marks`: one digest a block. `points` end in this run, `n_points` need it, `n_runs` continue it."""

    id: bytes
    head: RunHead
    marks: bytes
    parent: "Run | None"
    points: "set[Entry]" = field(default_factory=set)
    n_points: int = 0
    n_runs: int = 0

    def can_precede(self, block: int) -> bool:
        """Whether a run that starts at `block`, or a point with so many blocks, can continue this run."""
        return self.head.first_block < block <= self.head.end_block

    @property
    def chain(self) -> "Iterator[Run]":
        """This run and those before it, the last one first."""
        run: Run | None = self
        while run is not None:
            yield run
            run = run.parent


@dataclass(slots=True, eq=False)
class Entry:
    """A point. `size` counts its tool map's file too, whose ids are `tool_ids`."""

    id: bytes
    head: PointHead
    stats: Stats
    run: Run | None
    tool_ids: tuple[str, ...] = ()
    tools_bytes: int = 0

    @property
    def size(self) -> int:
        return self.head.size + self.tools_bytes

    def set_tools(self, ids: Iterable[str], n_bytes: int) -> None:
        """Only while it is not in the index."""
        self.tool_ids, self.tools_bytes = tuple(map(sys.intern, ids)), n_bytes

    def needs(self) -> Iterator[tuple[Run, int]]:
        """The runs that hold its blocks, the last one first, each with the end of the blocks needed."""
        end = self.head.n_blocks
        for run in self.run.chain if self.run is not None else ():
            yield run, end
            end = run.head.first_block


def marks(fingerprint: bytes, ids: bytes) -> bytes:
    """The marks of the whole blocks of packed tokens."""
    view = memoryview(ids)
    whole = len(ids) // _BLOCK_IDS * _BLOCK_IDS
    return b"".join(digest(fingerprint, view[at : at + _BLOCK_IDS]) for at in range(0, whole, _BLOCK_IDS))


class Index:
    """Plain tables; the caller keeps threads apart. `size` is the bytes of all files in it."""

    def __init__(self, fingerprint: bytes) -> None:
        self.fingerprint = fingerprint
        self.runs: dict[bytes, Run] = {}
        self.points: dict[bytes, Entry] = {}
        self.size = 0
        self._starts: dict[tuple[bytes, int, bytes], Run] = {}
        self._keys: dict[tuple[int, bytes], list[tuple[Entry, Key]]] = {}
        self._tools: dict[str, list[Entry]] = {}

    def add_run(self, run: Run) -> None:
        self.runs[run.id] = run
        self._starts[_start(run)] = run
        self.size += run.head.size
        if run.parent is not None:
            run.parent.n_runs += 1

    def remove_run(self, run: Run) -> None:
        del self.runs[run.id], self._starts[_start(run)]
        self.size -= run.head.size
        if run.parent is not None:
            run.parent.n_runs -= 1

    def add_point(self, entry: Entry) -> None:
        self.points[entry.id] = entry
        self.size += entry.size
        self._count(entry, 1)
        if entry.run is not None:
            entry.run.points.add(entry)
        if entry.head.fingerprint == self.fingerprint:
            for key in entry.head.keys:
                self._keys.setdefault((key.n_bytes, key.digest), []).append((entry, key))
            for call_id in entry.tool_ids:
                self._tools.setdefault(call_id, []).append(entry)

    def remove_point(self, entry: Entry) -> None:
        del self.points[entry.id]
        self.size -= entry.size
        self._count(entry, -1)
        if entry.run is not None:
            entry.run.points.discard(entry)
        if entry.head.fingerprint == self.fingerprint:
            for key in entry.head.keys:
                _discard(self._keys, (key.n_bytes, key.digest), (entry, key))
            for call_id in entry.tool_ids:
                _discard(self._tools, call_id, entry)

    @staticmethod
    def _count(entry: Entry, change: int) -> None:
        for run, _ in entry.needs():
            run.n_points += change

    def follow(self, sequence: bytes) -> tuple[list[Run], int]:
        """The runs that hold the leading blocks with these marks, in order, and how many blocks."""
        runs: list[Run] = []
        block, end = 0, len(sequence) // DIGEST_BYTES
        while block < end:
            parent = runs[-1].id if runs else NO_RUN
            mark = sequence[block * DIGEST_BYTES : (block + 1) * DIGEST_BYTES]
            run = self._starts.get((parent, block, mark))
            if run is None:
                break
            runs.append(run)
            block += _shared(run.marks, sequence[block * DIGEST_BYTES :])
        return runs, block

    def find(self, text: bytes) -> tuple[Entry, Key] | None:
        """The point with the longest key that is a prefix of the text, and most tokens among those."""
        lengths = sorted({n_bytes for n_bytes, _ in self._keys if n_bytes <= len(text)})
        found = [self._keys.get(length_digest) for length_digest in rolling_digests(text, lengths)]
        longest = next((matches for matches in reversed(found) if matches), None)
        if longest is None:
            return None
        return max(longest, key=lambda match: (match[0].head.n_tokens, match[0].head.created))

    def with_tool(self, call_id: str) -> Sequence[Entry]:
        return tuple(reversed(self._tools.get(call_id, ())))

    def dependants(self, runs: Iterable[Run]) -> tuple[list[Run], list[Entry]]:
        """These runs and all that continue them, the deepest first, and the points that need any of them."""
        lost = set(runs)
        all_runs = [run for run in self.runs.values() if not lost.isdisjoint(run.chain)]
        all_runs.sort(key=lambda run: -run.head.first_block)
        return all_runs, [entry for run in all_runs for entry in run.points]


def _start(run: Run) -> tuple[bytes, int, bytes]:
    return run.head.parent, run.head.first_block, run.marks[:DIGEST_BYTES]


def _shared(a: bytes, b: bytes) -> int:
    """How many leading marks are the same."""
    n = min(len(a), len(b)) // DIGEST_BYTES
    starts = range(0, n * DIGEST_BYTES, DIGEST_BYTES)
    return next(
        (i for i, at in enumerate(starts) if a[at : at + DIGEST_BYTES] != b[at : at + DIGEST_BYTES]), n
    )


def _discard(table: dict[_K, list[_V]], key: _K, value: _V) -> None:
    table[key].remove(value)
    if not table[key]:
        del table[key]
