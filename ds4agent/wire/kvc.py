"""ds4-server's cache files (`<sha1 of the text>.kv`), as far as a reader needs them.

A file is a 48-byte header, the length of the text, the text (the rendered prompt that the state stands for),
the payload (the state of the model) and, if a flag says so, a map of tool call ids to the DSML that was
sampled. Everything is little endian. Nothing is checksummed but the text, whose SHA-1 is the file's name; so
what can be checked is that name, the sizes, and that the fields agree with each other. A changed number among
the rows of the payload cannot be found.

A payload of version 1 is checked to the byte. Newer servers (they fill the model id and the ABI byte) write
version 2 and shards of a distributed engine, whose inner layout may differ: of these the header is read.

The reader never needs a whole file: each function says which bytes it wants.
"""

import hashlib
import struct
from collections.abc import Sequence
from dataclasses import dataclass

_HEADER = struct.Struct("<3sBBBBBIIIB3xQQQI")
_PAYLOAD = struct.Struct("<13I")
_PAIR = struct.Struct("<II")
HEADER_BYTES = _HEADER.size
PAYLOAD_HEADER_BYTES = _PAYLOAD.size

SUFFIX = ".kv"
REASONS = ("unknown", "cold", "continued", "evict", "shutdown", "agent-system", "agent-session")
MODELS = {0: "flash", 1: "pro"}
_QUANTS = (2, 4)
_TOOL_MAP, _RESPONSES, _THINKING = 1, 2, 4
_SESSION, _SHARD = 0x34565344, 0x4C565344  # "DSV4", "DSVL"
_MAX_ID, _MAX_DSML, _MAX_CALLS = 256, 512 << 20, 400_000


class KvcError(ValueError):
    """A file that ds4-server would not use, or not wholly. `region` is header, text, payload or tool map."""

    def __init__(self, region: str, problem: str) -> None:
        super().__init__(f"{region}: {problem}")
        self.region = region


@dataclass(frozen=True, slots=True)
class Header:
    """Times in Unix seconds. `model` is 0 and `abi` 0 in files of servers that did not write them yet."""

    quant_bits: int
    reason: str
    flags: int
    model: int
    n_tokens: int
    hits: int
    n_ctx: int
    abi: int
    created: int
    last_used: int
    payload_bytes: int
    text_bytes: int

    @property
    def key(self) -> str:
        """What the text is: that of the tokens, or what a client sees of them."""
        if self.flags & _RESPONSES:
            return "responses-visible"
        return "thinking-visible" if self.flags & _THINKING else "token-text"

    @property
    def has_tool_map(self) -> bool:
        return bool(self.flags & _TOOL_MAP)

    @property
    def payload_offset(self) -> int:
        return HEADER_BYTES + self.text_bytes

    @property
    def tool_map_offset(self) -> int:
        return self.payload_offset + self.payload_bytes


@dataclass(frozen=True, slots=True)
class Payload:
    """The first words of the state of a session, as written."""

    version: int
    n_ctx: int
    prefill_cap: int
    raw_cap: int
    raw_window: int
    comp_cap: int
    n_tokens: int
    n_layers: int
    head_dim: int
    indexer_dim: int
    n_vocab: int
    raw_rows: int

    @property
    def counts_offset(self) -> int:
        """From the payload's start: where the row counts are, behind the token ids and the logits."""
        return PAYLOAD_HEADER_BYTES + 4 * (self.n_tokens + self.n_vocab)

    @property
    def counts_bytes(self) -> int:
        return 8 * self.n_layers


def file_name(text: bytes) -> str:
    """The name of the file that holds this text."""
    return hashlib.sha1(text, usedforsecurity=False).hexdigest() + SUFFIX


def is_file_name(name: str) -> bool:
    stem = name.removesuffix(SUFFIX)
    return len(name) == 43 and len(stem) == 40 and not set(stem) - set("0123456789abcdef")


def header(data: bytes, file_bytes: int) -> Header:
    """`data`: the first HEADER_BYTES of a file of `file_bytes` bytes. Raises KvcError."""
    if len(data) < HEADER_BYTES:
        raise KvcError("header", f"{len(data)} bytes where {HEADER_BYTES} are needed")
    magic, version, quant, reason, flags, model, *rest = _HEADER.unpack(data[:HEADER_BYTES])
    if magic != b"KVC":
        raise KvcError("header", f"starts with {magic!r}, not with b'KVC'")
    if version != 1:
        raise KvcError("header", f"version {version}; only version 1 is known")
    if quant not in _QUANTS:
        raise KvcError("header", f"experts of {quant} bits; ds4-server writes 2 or 4")
    found = Header(quant, REASONS[reason if reason < len(REASONS) else 0], flags, model, *rest)
    if found.n_tokens == 0:
        raise KvcError("header", "no tokens")
    _check_sizes(found, file_bytes)
    return found


def _check_sizes(header: Header, file_bytes: int) -> None:
    """Every region must be where the header says, and nothing else."""
    ends = (("text", header.payload_offset), ("payload", header.tool_map_offset))
    for region, end in ends:
        if file_bytes < end:
            raise KvcError(region, f"should end at byte {end}, but the file has {file_bytes}")
    left = file_bytes - header.tool_map_offset
    if header.has_tool_map and left == 0:
        raise KvcError("tool map", "missing, though a flag announces it")
    if left and not header.has_tool_map:
        raise KvcError("tool map", f"{left} bytes behind the payload that no flag announces")


def check_text(text: bytes, header: Header, name: str) -> None:
    """Whether the text is the one that the file is named after."""
    if len(text) != header.text_bytes:
        raise KvcError("text", f"{len(text)} bytes where {header.text_bytes} are needed")
    if file_name(text) != name:
        raise KvcError("text", f"belongs to {file_name(text)}, not to {name}")


def payload(data: bytes, header: Header) -> Payload | None:
    """`data`: the first PAYLOAD_HEADER_BYTES of the payload. None: a shard of a distributed engine."""
    if min(len(data), header.payload_bytes) < PAYLOAD_HEADER_BYTES:
        raise KvcError("payload", f"less than {PAYLOAD_HEADER_BYTES} bytes")
    magic, *words = _PAYLOAD.unpack(data[:PAYLOAD_HEADER_BYTES])
    if magic == _SHARD:
        return None
    if magic != _SESSION:
        raise KvcError("payload", f"starts with {data[:4]!r}, not with b'DSV4'")
    found = Payload(*words)
    if found.version not in (1, 2):
        raise KvcError("payload", f"version {found.version}; only 1 and 2 are known")
    if found.version == 1:
        _check_payload(found, header)
    return found


def _check_payload(payload: Payload, header: Header) -> None:
    if payload.n_tokens != header.n_tokens:
        raise KvcError("payload", f"{payload.n_tokens} tokens, but the header says {header.n_tokens}")
    if payload.n_ctx != header.n_ctx:
        raise KvcError("payload", f"a context of {payload.n_ctx}, but the header says {header.n_ctx}")
    if payload.raw_rows != min(payload.n_tokens, payload.raw_window):
        raise KvcError("payload", f"{payload.raw_rows} raw rows in a window of {payload.raw_window}")
    if payload.counts_offset + payload.counts_bytes > header.payload_bytes:
        raise KvcError("payload", f"{header.payload_bytes} bytes do not hold its ids, logits and counts")


def check_tokens(data: bytes, payload: Payload) -> tuple[int, ...]:
    """`data`: the 4 * n_tokens bytes behind the payload's header. Gives the token ids."""
    if len(data) != 4 * payload.n_tokens:
        raise KvcError("payload", f"{len(data)} bytes of token ids for {payload.n_tokens} tokens")
    ids = struct.unpack(f"<{payload.n_tokens}I", data)
    for position, token in enumerate(ids):
        if token >= payload.n_vocab:
            raise KvcError("payload", f"token {token} at {position} in a vocabulary of {payload.n_vocab}")
    return ids


def check_rows(counts: bytes, payload: Payload, header: Header) -> None:
    """`counts`: the counts_bytes at counts_offset of a version 1 payload, whose size they must give."""
    if len(counts) != payload.counts_bytes:
        raise KvcError("payload", f"{len(counts)} bytes of row counts for {payload.n_layers} layers")
    numbers = struct.unpack(f"<{2 * payload.n_layers}I", counts)
    size = payload_size(payload, numbers[: payload.n_layers], numbers[payload.n_layers :])
    if size != header.payload_bytes:
        raise KvcError("payload", f"{header.payload_bytes} bytes, but its row counts give {size}")


def payload_size(payload: Payload, rows: Sequence[int], index_rows: Sequence[int]) -> int:
    """Bytes of a version 1 payload with these compressed rows and index rows a layer."""
    floats = 0
    for layer in range(payload.n_layers):
        floats += payload.raw_rows * payload.head_dim
        ratio = 0 if layer < 2 else 4 if layer % 2 == 0 else 128
        if ratio:
            floats += rows[layer] * payload.head_dim + _state_floats(payload.head_dim, ratio)
        if ratio == 4:
            floats += index_rows[layer] * payload.indexer_dim + _state_floats(payload.indexer_dim, ratio)
    return payload.counts_offset + payload.counts_bytes + 4 * floats


def _state_floats(dim: int, ratio: int) -> int:
    """Values and scores of the window that a compressor is in; those of ratio 4 overlap by one window."""
    overlap = 2 if ratio == 4 else 1
    return 2 * (overlap * dim) * (overlap * ratio)


def tool_map(data: bytes) -> dict[bytes, bytes]:
    """`data`: all bytes behind the payload. Gives the DSML of each call id."""
    if len(data) < 8 or data[:3] != b"KTM":
        raise KvcError("tool map", f"starts with {data[:3]!r}, not with b'KTM' and a count")
    if data[3] != 1:
        raise KvcError("tool map", f"version {data[3]}; only version 1 is known")
    (count,) = struct.unpack_from("<I", data, 4)
    if count > _MAX_CALLS:
        raise KvcError("tool map", f"{count} calls; ds4-server reads at most {_MAX_CALLS}")
    calls: dict[bytes, bytes] = {}
    at = 8
    for index in range(count):
        call, dsml, at = _call(data, at, index)
        calls[call] = dsml
    if at != len(data):
        raise KvcError("tool map", f"{len(data) - at} bytes behind its {count} calls")
    return calls


def _call(data: bytes, at: int, index: int) -> tuple[bytes, bytes, int]:
    """One entry and the offset behind it."""
    if len(data) - at < _PAIR.size:
        raise KvcError("tool map", f"cut off in call {index}")
    id_bytes, dsml_bytes = _PAIR.unpack_from(data, at)
    if not 0 < id_bytes <= _MAX_ID or not 0 < dsml_bytes <= _MAX_DSML:
        raise KvcError("tool map", f"call {index} has an id of {id_bytes} and a DSML of {dsml_bytes} bytes")
    start, middle = at + _PAIR.size, at + _PAIR.size + id_bytes
    if len(data) < middle + dsml_bytes:
        raise KvcError("tool map", f"cut off in call {index}")
    return data[start:middle], data[middle : middle + dsml_bytes], middle + dsml_bytes
