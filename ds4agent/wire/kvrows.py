"""A run of the disk store: rows of consecutive blocks of tokens, in one file.

The disk store is one directory with three kinds of files, each named by 32 hex digits (an id of 16 bytes):
`.rows` (here), `.point` (kvpoints) and `.tools` (kvtoolmap). All numbers are little endian, all digests are
BLAKE2b of 16 bytes, and every byte of a file is under one of its digests or is that digest. A file is
exactly as long as its header says. A later layout takes other suffixes, so that no program meets a file
under a name it knows and cannot read it.

A *block* is 128 tokens; its rows never change once they are made. A run holds n_blocks >= 1 blocks that
follow block `first_block` of a sequence. Runs form a trie: the blocks before are those of the parent, whose
own first block is smaller than `first_block` and whose end is not before it; a run without parent starts at
block 0. What one run holds no other run repeats.

    offset  size  field
         0     8  magic "ds4 rows"
         8     4  version, 1
        12     8  fingerprint of the model
        20    16  id of the parent; zeros: none
        36     8  block_bytes: the size of the rows of one block
        44     4  first_block, counted from the start of the sequence
        48     4  n_blocks
        52     8  text_bytes
        60    16  digest of bytes 0..60, the tokens and the text
        76   512 * n_blocks          the tokens, u32 each
         .   text_bytes              the text of these tokens
         .   block_bytes * n_blocks  the rows, block after block
         .   16 * n_blocks           for each block the digest of (id, u32 number of the block, its rows);
                                     the number counts from the start of the sequence

    id = digest of (fingerprint, parent, u32 first_block, the tokens)

The digests of the rows stand behind them, so that rows can be written while they are made and read in one
piece.
"""

import struct
import sys
from array import array
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import blake2b

VERSION = 1
BLOCK_TOKENS = 128
ID_BYTES = 16
DIGEST_BYTES = 16
NO_RUN = bytes(ID_BYTES)

_MAGIC = b"ds4 rows"
_HEAD = struct.Struct("<8sI8s16sQIIQ")
RUN_HEADER_BYTES = _HEAD.size + DIGEST_BYTES
_U32 = struct.Struct("<I")
_BLOCK_IDS = 4 * BLOCK_TOKENS


class Damage(ValueError):
    """A file is not what was written. The text names the region and says what is wrong there."""


def digest(*parts: bytes | bytearray | memoryview) -> bytes:
    h = blake2b(digest_size=DIGEST_BYTES)
    for part in parts:
        h.update(part)
    return h.digest()


def pack_ids(tokens: Sequence[int]) -> bytes:
    """Token ids as they stand in the files: u32, little endian."""
    ids = array("I", tokens)
    if sys.byteorder == "big":
        ids.byteswap()
    return ids.tobytes()


def unpack_ids(data: bytes) -> list[int]:
    ids = array("I", data)
    if sys.byteorder == "big":
        ids.byteswap()
    return ids.tolist()


@dataclass(frozen=True, slots=True)
class RunHead:
    """The header of a run, and where the parts of its file begin (byte offsets)."""

    fingerprint: bytes
    parent: bytes
    block_bytes: int
    first_block: int
    n_blocks: int
    text_bytes: int

    @property
    def end_block(self) -> int:
        return self.first_block + self.n_blocks

    @property
    def text_at(self) -> int:
        return RUN_HEADER_BYTES + _BLOCK_IDS * self.n_blocks

    @property
    def rows_at(self) -> int:
        return self.text_at + self.text_bytes

    @property
    def digests_at(self) -> int:
        return self.rows_at + self.block_bytes * self.n_blocks

    @property
    def size(self) -> int:
        return self.digests_at + DIGEST_BYTES * self.n_blocks


@dataclass(frozen=True, slots=True)
class RunStart:
    """A run without its rows, verified. `ids` are the packed tokens."""

    head: RunHead
    id: bytes
    ids: bytes
    text: bytes


def run_id(fingerprint: bytes, parent: bytes, first_block: int, ids: bytes) -> bytes:
    return digest(fingerprint, parent, _U32.pack(first_block), ids)


def block_digest(run: bytes, block: int, rows: bytes | memoryview) -> bytes:
    """`block` counts from the start of the sequence, so that rows in the wrong place are found too."""
    return digest(run, _U32.pack(block), rows)


def encode_run_start(head: RunHead, ids: bytes, text: bytes) -> bytes:
    """The first RUN_HEADER_BYTES; ids, text, rows and their digests follow."""
    fixed = _pack(head)
    return fixed + digest(fixed, ids, text)


def _pack(head: RunHead) -> bytes:
    return _HEAD.pack(
        _MAGIC,
        VERSION,
        head.fingerprint,
        head.parent,
        head.block_bytes,
        head.first_block,
        head.n_blocks,
        head.text_bytes,
    )


def decode_run_head(data: bytes, size: int) -> RunHead:
    """Of the first RUN_HEADER_BYTES of a file of `size` bytes; not verified yet, but safe to read on with.

    Raises Damage.
    """
    if len(data) < RUN_HEADER_BYTES:
        raise Damage(f"header: {len(data)} bytes of {RUN_HEADER_BYTES}")
    magic, version, *fields = _HEAD.unpack_from(data)
    if (magic, version) != (_MAGIC, VERSION):
        raise Damage("header: magic or version")
    head = RunHead(*fields)
    if not head.n_blocks or (head.parent == NO_RUN) != (head.first_block == 0):
        raise Damage("header: blocks or parent")
    if head.size != size:
        raise Damage(f"size: {size} bytes, the header says {head.size}")
    return head


def decode_run_start(data: bytes, size: int) -> RunStart:
    """Of the first `decode_run_head(...).rows_at` bytes (or more). Raises Damage."""
    head = decode_run_head(data, size)
    ids = data[RUN_HEADER_BYTES : head.text_at]
    text = data[head.text_at : head.rows_at]
    if digest(data[: _HEAD.size], ids, text) != data[_HEAD.size : RUN_HEADER_BYTES]:
        raise Damage("header, tokens or text: digest differs")
    return RunStart(head, run_id(head.fingerprint, head.parent, head.first_block, ids), ids, text)
