"""The header of a GGUF file: what a model is, without its weights.

`read(size)` is a generator: it yields a `Piece` (offset, bytes) and is sent what could be read there; it
returns a `Header` or raises `BadHeader`, or its subclass `NotGguf` for what does not begin like one. Nothing
in a file is believed: counts, lengths and offsets are compared with the limits below and with the size of the
file before anything is done with them. Values that nobody asks for are passed without being kept, long arrays
of numbers without being read, and the reading ends with the last tensor's place.

Sizes are in bytes, `context_length` in tokens, `parameters` counts values.
"""

import math
import struct
from collections.abc import Generator, Mapping
from dataclasses import dataclass, field

from ds4agent.wire.gguf_bytes import BUDGET, MAX_STRING, BadHeader, Cursor, Piece, Reading, shown, too_long
from ds4agent.wire.gguf_facts import Facts, Value
from ds4agent.wire.gguf_tensors import Tensors

__all__ = ["BUDGET", "BadHeader", "Header", "NotGguf", "Piece", "read", "read_bytes"]

MAX_KEYS = 65_536
MAX_KEY_BYTES = 65_535
MAX_TENSORS = 65_536
MAX_DIMS = 16
_FIXED = struct.Struct("<4sIQQ")
_MIN_KEY, _MIN_TENSOR = 8 + 1 + 4 + 1, 8 + 1 + 4 + 8 + 4 + 8

# Value type -> format of one number.
_NUMBERS = {0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "?", 10: "Q", 11: "q", 12: "d"}
_STRING, _ARRAY = 8, 9
# What is kept: whole keys, and keys of the architecture by what follows its name.
_WANTED = {
    "general.architecture", "general.name", "general.alignment", "split.no", "split.count",
    "tokenizer.chat_template",
}  # fmt: skip
_WANTED_OF_ARCHITECTURE = (".context_length", ".block_count", ".expert_count", ".expert_used_count")


class NotGguf(BadHeader):
    """The file does not begin with the four bytes of a GGUF file."""


@dataclass(frozen=True, slots=True)
class Header:
    """`experts`: role (gate, up, down) -> formats of the routed experts. `needs`: bytes with all tensors."""

    version: int
    architecture: str = ""
    name: str = ""
    split_no: int = 0
    split_count: int = 1
    context_length: int | None = None
    blocks: int | None = None
    expert_count: int | None = None
    experts_used: int | None = None
    chat_template: bool = False
    tensors: int = 0
    parameters: int = 0
    expert_parameters: int = 0
    experts: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    expert_bits: int = 0
    needs: int = 0

    @property
    def quantisation(self) -> str:
        """Formats of the routed experts, gate and up before down: `IQ2_XXS/Q2_K`."""
        return "/".join(dict.fromkeys(name for names in self.experts.values() for name in names))

    @property
    def active_parameters(self) -> int:
        """How many values one token goes through."""
        if not self.expert_count or self.experts_used is None:
            return self.parameters
        idle = self.expert_count - self.experts_used
        return self.parameters - self.expert_parameters * max(0, idle) // self.expert_count


def read(size: int) -> Generator[Piece, bytes, Header]:
    """Read the header of a file of `size` bytes, piece by piece."""
    cursor = Cursor(size)
    yield from cursor.need(min(4, size), "the magic")
    magic = cursor.take(min(4, size))
    if magic != b"GGUF":
        raise NotGguf(f"it begins with {magic!r}, not with b'GGUF'" if magic else "it is empty")
    yield from cursor.need(_FIXED.size - 4, "the fixed part of the header")
    version, n_tensors, n_keys = struct.unpack("<IQQ", cursor.take(_FIXED.size - 4))
    _check_counts(version, n_tensors, n_keys, size)
    values: dict[str, Value] = {}
    for number in range(n_keys):
        yield from _pair(cursor, number, values)
    facts = Facts(values)
    table = Tensors()
    for number in range(n_tensors):
        yield from _tensor(cursor, number, table)
    alignment = facts.alignment()
    start = -(-cursor.at // alignment) * alignment
    return Header(
        version, facts.architecture, facts.text("general.name"), *facts.split(),
        facts.of_architecture("context_length"), facts.of_architecture("block_count"),
        facts.of_architecture("expert_count"), facts.of_architecture("expert_used_count"),
        "tokenizer.chat_template" in values, n_tensors, table.parameters, table.expert_parameters,
        table.formats(), table.bits, start + table.end if n_tensors else cursor.at,
    )  # fmt: skip


def read_bytes(data: bytes) -> Header:
    """Read the header of a file that is in memory."""
    reading = read(len(data))
    try:
        piece = next(reading)
        while True:
            piece = reading.send(data[piece.offset : piece.offset + piece.n])
    except StopIteration as done:
        assert isinstance(done.value, Header)
        return done.value


def _check_counts(version: int, n_tensors: int, n_keys: int, size: int) -> None:
    if version >= 1 << 16:
        raise BadHeader("at byte 4: it is a big-endian file; only little-endian ones can be run")
    if version not in (2, 3):
        raise BadHeader(f"at byte 4: it has version {version}; 2 and 3 are known")
    rows = (("tensors", n_tensors, MAX_TENSORS, _MIN_TENSOR), ("keys", n_keys, MAX_KEYS, _MIN_KEY))
    for what, count, limit, least in rows:
        if count > min(limit, size // least):
            raise BadHeader(f"at byte 8: {count} {what} in {size} bytes; the limit is {limit}")


def _string(cursor: Cursor, limit: int, what: str) -> Generator[Piece, bytes, str]:
    yield from cursor.need(8, what)
    length = int.from_bytes(cursor.take(8), "little")
    if length > min(limit, cursor.size - cursor.at):
        cursor.fail(f"{what} has {length} bytes; {too_long(length) if limit == MAX_STRING else _over(limit)}")
    yield from cursor.need(length, what)
    return cursor.take(length).decode("utf-8", "replace")


def _over(limit: int) -> str:
    return f"the limit is {limit} bytes, and the end of the file"


def _pair(cursor: Cursor, number: int, values: dict[str, Value]) -> Reading:
    """Read or pass one key and its value."""
    key = yield from _string(cursor, MAX_KEY_BYTES, f"key {number}")
    yield from cursor.need(4, f"the type of {shown(key)}")
    kind = int.from_bytes(cursor.take(4), "little")
    wanted = key in _WANTED or key.endswith(_WANTED_OF_ARCHITECTURE)
    if wanted and key in values:
        cursor.fail(f"the key {shown(key)} occurs twice")
    if kind == _ARRAY:
        yield from _pass_array(cursor, key)
    elif kind == _STRING:
        text = yield from _text(cursor, key, wanted)
        if wanted:
            values[key] = text
    elif kind in _NUMBERS:
        size = struct.calcsize("<" + _NUMBERS[kind])
        yield from cursor.need(size, f"the value of {shown(key)}")
        (found,) = struct.unpack("<" + _NUMBERS[kind], cursor.take(size))
        if wanted:
            values[key] = found
    else:
        cursor.fail(f"{shown(key)} has the value type {kind}; 0 to 12 are known")


def _text(cursor: Cursor, key: str, wanted: bool) -> Generator[Piece, bytes, str]:
    what = f"the value of {shown(key)}"
    if wanted and key != "tokenizer.chat_template":
        return (yield from _string(cursor, MAX_STRING, what))
    yield from cursor.need(8, what)
    length = int.from_bytes(cursor.take(8), "little")
    if length > min(MAX_STRING, cursor.size - cursor.at):
        cursor.fail(f"{what} has {length} bytes; {too_long(length)}")
    cursor.skip(length, what)
    return ""


def _pass_array(cursor: Cursor, key: str) -> Reading:
    what = f"the array {shown(key)}"
    yield from cursor.need(12, what)
    kind, count = struct.unpack("<IQ", cursor.take(12))
    if kind not in _NUMBERS and kind != _STRING:
        cursor.fail(f"{what} has elements of type {kind}; numbers and strings are known")
    each = 8 if kind == _STRING else struct.calcsize("<" + _NUMBERS[kind])
    if count > (cursor.size - cursor.at) // each:
        cursor.fail(f"{what} claims {count} elements; that is past the end of the file")
    if kind == _STRING:
        yield from cursor.skip_strings(count, what)
    else:
        cursor.skip(count * each, what)


def _tensor(cursor: Cursor, number: int, table: Tensors) -> Reading:
    name = yield from _string(cursor, MAX_KEY_BYTES, f"the name of tensor {number}")
    what = f"tensor {shown(name)}"
    yield from cursor.need(4, what)
    n_dims = int.from_bytes(cursor.take(4), "little")
    if n_dims > MAX_DIMS:
        cursor.fail(f"{what} has {n_dims} dimensions; the limit is {MAX_DIMS}")
    yield from cursor.need(n_dims * 8 + 12, what)
    *dims, kind, offset = struct.unpack(f"<{n_dims}QIQ", cursor.take(n_dims * 8 + 12))
    n_values = math.prod(dims)
    if n_values >= 1 << 62 or offset >= 1 << 62:
        cursor.fail(f"{what} has {n_values} values at {offset}, more than any file holds")
    table.add(name, kind, n_values, offset)
