"""A point of the disk store: a position at which a sequence can be continued, in one file.

A checkpoint is the rows of the whole blocks before it (kvrows, which states what all files have in common)
and what is here: the tokens behind the last whole block, the keys it is found by, and the *frontier*, all
else that the engine needs to continue at exactly this position.

    offset  size  field
         0     8  magic "ds4point"
         8     4  version, 1
        12     4  reason: index in REASONS
        16     8  fingerprint of the model
        24    16  id of the run that holds the last whole block; zeros: less than one block
        40     8  n_tokens
        48     8  created: f64, seconds since 1970
        56     4  n_keys, at least 1
        60     8  frontier_bytes
        68    16  digest of bytes 0..68, the tail and the keys
        84    36  stats, the only bytes that change after the file is written:
                  84 u64 hits, 92 u32 failures, 96 f64 last_used, 104 digest of bytes 84..104
       120     4 * (n_tokens % 128)  the tail: the tokens behind the last whole block, u32 each
         .    28 * n_keys            the keys: u32 kind (index in KINDS), u64 length, digest of so many
                                     bytes of rendered text
         .    16                     digest of (id, the frontier)
         .    frontier_bytes         the frontier

    id = digest of (fingerprint, run, u64 n_tokens, the tail)

The stats lie within the first 512 bytes, so that one sector is written when they change.
"""

import struct
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from hashlib import blake2b

from ds4agent.wire.kvrows import BLOCK_TOKENS, DIGEST_BYTES, NO_RUN, VERSION, Damage, digest

REASONS = ("cold", "continued", "evict", "shutdown", "idle")
KINDS = ("token-text", "responses-visible", "thinking-visible")

_MAGIC = b"ds4point"
_HEAD = struct.Struct("<8sII8s16sQdIQ")
_STATS = struct.Struct("<QId")
_KEY = struct.Struct("<IQ16s")
_N_TOKENS = struct.Struct("<Q")
STATS_AT = _HEAD.size + DIGEST_BYTES
STATS_BYTES = _STATS.size + DIGEST_BYTES
POINT_HEADER_BYTES = STATS_AT + STATS_BYTES


@dataclass(frozen=True, slots=True)
class Key:
    """`n_bytes` of rendered text, by their digest."""

    kind: str
    n_bytes: int
    digest: bytes


@dataclass(frozen=True, slots=True)
class Stats:
    """`last_used` in seconds since 1970."""

    hits: int
    failures: int
    last_used: float


@dataclass(frozen=True, slots=True)
class PointHead:
    """All of a point but its stats and its frontier. `tail` holds packed tokens."""

    fingerprint: bytes
    run: bytes
    n_tokens: int
    reason: str
    created: float
    tail: bytes
    keys: tuple[Key, ...]
    frontier_bytes: int

    @property
    def id(self) -> bytes:
        return digest(self.fingerprint, self.run, _N_TOKENS.pack(self.n_tokens), self.tail)

    @property
    def n_blocks(self) -> int:
        return self.n_tokens // BLOCK_TOKENS

    @property
    def frontier_at(self) -> int:
        return POINT_HEADER_BYTES + len(self.tail) + _KEY.size * len(self.keys) + DIGEST_BYTES

    @property
    def size(self) -> int:
        return self.frontier_at + self.frontier_bytes


@dataclass(frozen=True, slots=True)
class PointStart:
    """A point without its frontier, verified."""

    head: PointHead
    stats: Stats
    frontier_digest: bytes


def make_key(kind: str, text: bytes) -> Key:
    return Key(kind, len(text), digest(text))


def frontier_digest(point: bytes, frontier: bytes | memoryview) -> bytes:
    return digest(point, frontier)


def encode_point_start(head: PointHead, stats: Stats, of_frontier: bytes) -> bytes:
    """All bytes before the frontier; `of_frontier` is its digest."""
    keys = _pack_keys(head.keys)
    fixed = _HEAD.pack(
        _MAGIC,
        VERSION,
        REASONS.index(head.reason),
        head.fingerprint,
        head.run,
        head.n_tokens,
        head.created,
        len(head.keys),
        head.frontier_bytes,
    )
    of_head = digest(fixed, head.tail, keys)
    return b"".join((fixed, of_head, encode_stats(stats), head.tail, keys, of_frontier))


def _pack_keys(keys: Iterable[Key]) -> bytes:
    return b"".join(_KEY.pack(KINDS.index(key.kind), key.n_bytes, key.digest) for key in keys)


def encode_stats(stats: Stats) -> bytes:
    """STATS_BYTES, which stand at STATS_AT."""
    fixed = _STATS.pack(stats.hits, stats.failures, stats.last_used)
    return fixed + digest(fixed)


def decode_stats(data: bytes) -> Stats:
    """Raises Damage."""
    if digest(data[: _STATS.size]) != data[_STATS.size :]:
        raise Damage("stats: digest differs")
    return Stats(*_STATS.unpack_from(data))


def point_start_bytes(data: bytes, size: int) -> int:
    """How many bytes come before the frontier, from the first POINT_HEADER_BYTES of a file of `size` bytes.

    Not verified yet, but safe to read on with. Raises Damage.
    """
    if len(data) < POINT_HEADER_BYTES:
        raise Damage(f"header: {len(data)} bytes of {POINT_HEADER_BYTES}")
    magic, version, reason, _, run, n_tokens, _, n_keys, frontier_bytes = _HEAD.unpack_from(data)
    if (magic, version) != (_MAGIC, VERSION):
        raise Damage("header: magic or version")
    if reason >= len(REASONS) or not n_keys or (run == NO_RUN) != (n_tokens < BLOCK_TOKENS):
        raise Damage("header: reason, keys or run")
    start: int = POINT_HEADER_BYTES + 4 * (n_tokens % BLOCK_TOKENS) + _KEY.size * n_keys + DIGEST_BYTES
    if start + frontier_bytes != size:
        raise Damage(f"size: {size} bytes, the header says {start + frontier_bytes}")
    return start


def decode_point_start(data: bytes, size: int) -> PointStart:
    """Of the first `point_start_bytes(...)` bytes (or more). Raises Damage."""
    start = point_start_bytes(data, size)
    _, _, reason, fingerprint, run, n_tokens, created, n_keys, frontier_bytes = _HEAD.unpack_from(data)
    keys_at = POINT_HEADER_BYTES + 4 * (n_tokens % BLOCK_TOKENS)
    tail, keys = data[POINT_HEADER_BYTES:keys_at], data[keys_at : keys_at + _KEY.size * n_keys]
    if digest(data[: _HEAD.size], tail, keys) != data[_HEAD.size : STATS_AT]:
        raise Damage("header, tail or keys: digest differs")
    stats = decode_stats(data[STATS_AT:POINT_HEADER_BYTES])
    named = tuple(Key(KINDS[kind], *rest) for kind, *rest in _KEY.iter_unpack(keys))
    head = PointHead(fingerprint, run, n_tokens, REASONS[reason], created, tail, named, frontier_bytes)
    return PointStart(head, stats, data[start - DIGEST_BYTES : start])


def rolling_digests(text: bytes, lengths: Iterable[int]) -> Iterator[tuple[int, bytes]]:
    """Length and digest of the prefixes of these (ascending) lengths, as keys hold them, in one pass."""
    view, at, rolling = memoryview(text), 0, blake2b(digest_size=DIGEST_BYTES)
    for length in lengths:
        rolling.update(view[at:length])
        at = length
        yield length, rolling.copy().digest()
