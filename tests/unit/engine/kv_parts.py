"""What the tests of the disk store share: contents that follow from the tokens, and a child to kill."""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from hashlib import blake2b, shake_128
from pathlib import Path

from ds4agent.engine.kv.store import KvStore, Point
from ds4agent.wire.kvrows import RUN_HEADER_BYTES, decode_run_head, decode_run_start, unpack_ids

FINGERPRINT = b"model  1"
BLOCK_BYTES = 48
BLOCK = 128

Tokens = Sequence[int]


def rows_of(tokens: Tokens, first_block: int, n_blocks: int) -> bytes:
    """Rows depend on all tokens before them, as real ones do."""
    ends = range((first_block + 1) * BLOCK, (first_block + n_blocks + 1) * BLOCK, BLOCK)
    return b"".join(shake_128(repr(list(tokens[:end])).encode()).digest(BLOCK_BYTES) for end in ends)


def text_of(tokens: Tokens, a: int, b: int) -> bytes:
    return b"".join(b"<%d>" % token for token in tokens[a:b])


def frontier_of(tokens: Tokens) -> bytes:
    h = blake2b(repr(list(tokens)).encode()).digest()
    return h * (1 + h[0] % 4)


def key_of(tokens: Tokens) -> bytes:
    return text_of(tokens, 0, len(tokens))


def sequence(n_tokens: int, *forks: tuple[int, int]) -> list[int]:
    """Numbers from 0 on; from each fork's position on they differ by its mark."""
    tokens = list(range(n_tokens))
    for at, mark in forks:
        tokens[at:] = [mark * 10_000 + token for token in tokens[at:]]
    return tokens


@dataclass
class Clock:
    now: float = 1_000_000.0

    def __call__(self) -> float:
        return self.now


@dataclass
class Shop:
    """Opens stores on one folder, with one clock and one log."""

    folder: Path
    budget: int = 0
    fingerprint: bytes = FINGERPRINT
    block_bytes: int = BLOCK_BYTES
    clock: Clock = field(default_factory=Clock)
    lines: list[str] = field(default_factory=list)

    def open(self) -> KvStore:
        return KvStore(
            self.folder, self.fingerprint, self.block_bytes, self.budget, self.lines.append, self.clock
        )

    def names(self, suffix: str = "") -> list[str]:
        return sorted(path.name for path in self.folder.iterdir() if path.name.endswith(suffix))

    def only(self, suffix: str) -> Path:
        (name,) = self.names(suffix)
        return self.folder / name

    def size(self) -> int:
        return sum(path.stat().st_size for path in self.folder.iterdir() if path.name != "lock")

    def blocks(self) -> list[tuple[int, ...]]:
        """Every block whose rows are on the disk, given by all tokens up to its end."""
        starts = {}
        for path in self.folder.glob("*.rows"):
            data = path.read_bytes()
            decode_run_head(data[:RUN_HEADER_BYTES], len(data))
            start = decode_run_start(data, len(data))
            starts[start.id] = start
        found = []
        for start in starts.values():
            before, at = start, start.head.first_block
            tokens = unpack_ids(start.ids)
            while before.head.first_block:
                before = starts[before.head.parent]
                tokens = unpack_ids(before.ids)[: (at - before.head.first_block) * BLOCK] + tokens
                at = before.head.first_block
            for block in range(start.head.first_block, start.head.end_block):
                found.append(tuple(tokens[: (block + 1) * BLOCK]))
        return found


def add(
    store: KvStore,
    tokens: Tokens,
    reason: str = "continued",
    tools: Mapping[str, bytes] | None = None,
    keys: Sequence[tuple[str, bytes]] | None = None,
) -> int | None:
    return store.add_point(
        tokens,
        keys or [("token-text", key_of(tokens))],
        reason,
        tools or {},
        partial(text_of, tokens),
        partial(rows_of, tokens),
        partial(frontier_of, tokens),
    )


def add_rows(store: KvStore, tokens: Tokens) -> int | None:
    return store.add_rows(tokens, partial(text_of, tokens), partial(rows_of, tokens))


def check(store: KvStore, point: Point, tokens: Tokens) -> None:
    """What is loaded is what was saved, byte by byte."""
    loaded = store.load(point)
    assert loaded.tokens == list(tokens)
    assert loaded.frontier == frontier_of(tokens)
    block = 0
    for first, part, rows in loaded.runs():
        assert first == block
        n_blocks = len(part) // BLOCK
        assert part == list(tokens[first * BLOCK : (first + n_blocks) * BLOCK])
        assert rows == rows_of(tokens, first, n_blocks)
        block += n_blocks
    assert block == len(tokens) // BLOCK


def found(store: KvStore, tokens: Tokens) -> bool:
    """Whether exactly this sequence is a point; then it is checked."""
    point = store.find(key_of(tokens))
    if point is None or point.n_tokens != len(tokens):
        return False
    check(store, point, tokens)
    return True


def in_child(work: Callable[[], object]) -> int:
    """The exit status of a forked process that does `work`; negative: the signal that ended it."""
    pid = os.fork()
    if pid == 0:
        status = 1
        try:
            work()
            status = 0
        except BaseException:
            traceback.print_exc(file=sys.__stderr__)
        finally:
            os._exit(status)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
