"""What a sequence of tokens needs in the disk store: the runs that are there, and the one to be written."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from ds4agent.engine.kv.evict import Spare
from ds4agent.engine.kv.index import Index, Run, marks
from ds4agent.engine.kv.read import blocks_a_piece
from ds4agent.wire.kvrows import (
    BLOCK_TOKENS,
    DIGEST_BYTES,
    NO_RUN,
    RunHead,
    block_digest,
    encode_run_start,
    pack_ids,
    run_id,
)

Text = Callable[[int, int], bytes]
Rows = Callable[[int, int], bytes | memoryview]
_BLOCK_IDS = 4 * BLOCK_TOKENS


@dataclass(frozen=True, slots=True)
class NewRun:
    """A run to be written."""

    head: RunHead
    id: bytes
    ids: bytes
    text: bytes
    marks: bytes
    parent: Run | None

    def parts(self, rows: Rows) -> Iterator[bytes | memoryview]:
        """The file. Rows are asked for piece by piece, and each piece is let go before the next."""
        yield encode_run_start(self.head, self.ids, self.text)
        yield self.ids
        yield self.text
        digests: list[bytes] = []
        step = blocks_a_piece(self.head.block_bytes)
        for first in range(self.head.first_block, self.head.end_block, step):
            n_blocks = min(step, self.head.end_block - first)
            data = rows(first, n_blocks)
            if len(data) != n_blocks * self.head.block_bytes:
                raise ValueError(f"{len(data)} bytes of rows for {n_blocks} blocks from block {first} on")
            digests += self._digests(first, data)
            yield data
        yield b"".join(digests)

    def _digests(self, first: int, data: bytes | memoryview) -> Iterator[bytes]:
        size, view = self.head.block_bytes, memoryview(data)
        for i, at in enumerate(range(0, len(data), size)):
            yield block_digest(self.id, first + i, view[at : at + size])


class Plan:
    """What of a sequence is stored already."""

    def __init__(self, index: Index, tokens: Sequence[int]) -> None:
        self.ids = pack_ids(tokens)
        self.n_tokens = len(tokens)
        self.fingerprint = index.fingerprint
        self._marks = marks(self.fingerprint, self.ids)
        self.runs, self.stored = index.follow(self._marks)
        self.n_blocks = self.n_tokens // BLOCK_TOKENS

    @property
    def tail(self) -> bytes:
        return self.ids[self.n_blocks * _BLOCK_IDS :]

    @property
    def spare(self) -> Spare:
        return Spare(frozenset(self.runs))

    def last_run(self) -> bytes:
        """The id of the run that holds the last whole block, or will hold it."""
        if self.stored < self.n_blocks:
            return run_id(self.fingerprint, self._parent, self.stored, self._new_ids)
        return self._parent

    @property
    def _parent(self) -> bytes:
        return self.runs[-1].id if self.runs else NO_RUN

    @property
    def _new_ids(self) -> bytes:
        return self.ids[self.stored * _BLOCK_IDS : self.n_blocks * _BLOCK_IDS]

    def new_run(self, block_bytes: int, text: Text) -> NewRun | None:
        if self.stored == self.n_blocks:
            return None
        new_text = text(self.stored * BLOCK_TOKENS, self.n_blocks * BLOCK_TOKENS)
        n_blocks = self.n_blocks - self.stored
        head = RunHead(self.fingerprint, self._parent, block_bytes, self.stored, n_blocks, len(new_text))
        new_marks = self._marks[self.stored * DIGEST_BYTES :]
        parent = self.runs[-1] if self.runs else None
        return NewRun(head, self.last_run(), self._new_ids, new_text, new_marks, parent)
