"""The tool map of a point of the disk store: the sampled text of tool calls by their ids, in one file.

It has the name of its point (see kvpoints) and is written before it. It is a file of its own because ids
can become known later: a retry samples the same tokens again, and its calls get new ids. A few kilobytes
are then written again, not the frontier.

    offset  size  field
         0     8  magic "ds4tools"
         8     4  version, 1
        12     8  fingerprint of the model
        20    16  id of the point
        36     4  n_texts
        40     4  n_ids
        44     4  table_bytes
        48    16  digest of bytes 0..48 and the table
        64   table_bytes  the table: for each text u32 length, digest of (id of the point, text);
                          then for each id u32 index of its text, u32 length, the id in UTF-8
         .   the texts, one after the other: DSML, without separators
"""

import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from ds4agent.wire.kvrows import DIGEST_BYTES, VERSION, Damage, digest

_MAGIC = b"ds4tools"
_HEAD = struct.Struct("<8sI8s16sIII")
_TEXT = struct.Struct("<I16s")
_ID = struct.Struct("<II")
TOOLS_HEADER_BYTES = _HEAD.size + DIGEST_BYTES


@dataclass(frozen=True, slots=True)
class ToolText:
    """Where in the file a text stands, and its digest."""

    at: int
    n_bytes: int
    digest: bytes


@dataclass(frozen=True, slots=True)
class ToolTable:
    """A tool map without its texts, verified. `size` is that of the file."""

    fingerprint: bytes
    point: bytes
    size: int
    texts: dict[str, ToolText]


def encode_tools(fingerprint: bytes, point: bytes, tool_map: Mapping[str, bytes]) -> bytes:
    """The whole file. A text with several ids stands there once."""
    index = {text: i for i, text in enumerate(dict.fromkeys(tool_map.values()))}
    names = [(index[text], call_id.encode()) for call_id, text in tool_map.items()]
    table = b"".join(_TEXT.pack(len(text), tool_digest(point, text)) for text in index)
    table += b"".join(_ID.pack(i, len(name)) + name for i, name in names)
    fixed = _HEAD.pack(_MAGIC, VERSION, fingerprint, point, len(index), len(names), len(table))
    return b"".join((fixed, digest(fixed, table), table, *index))


def tool_digest(point: bytes, text: bytes) -> bytes:
    return digest(point, text)


def tool_table_end(data: bytes, size: int) -> int:
    """Where the texts begin, from the first TOOLS_HEADER_BYTES of a file of `size` bytes. Raises Damage."""
    if len(data) < TOOLS_HEADER_BYTES:
        raise Damage(f"header: {len(data)} bytes of {TOOLS_HEADER_BYTES}")
    magic, version, *_, table_bytes = _HEAD.unpack_from(data)
    if (magic, version) != (_MAGIC, VERSION):
        raise Damage("header: magic or version")
    end: int = TOOLS_HEADER_BYTES + table_bytes
    if end > size:
        raise Damage(f"size: {size} bytes, the table alone ends at {end}")
    return end


def decode_tools(data: bytes, size: int) -> ToolTable:
    """Of the first `tool_table_end(...)` bytes (or more). Raises Damage."""
    end = tool_table_end(data, size)
    _, _, fingerprint, point, n_texts, n_ids, _ = _HEAD.unpack_from(data)
    table = data[TOOLS_HEADER_BYTES:end]
    if digest(data[: _HEAD.size], table) != data[_HEAD.size : TOOLS_HEADER_BYTES]:
        raise Damage("header or table: digest differs")
    texts = list(_texts(table, n_texts, end))
    texts_end = texts[-1].at + texts[-1].n_bytes if texts else end
    if texts_end != size:
        raise Damage(f"size: {size} bytes, the table says {texts_end}")
    return ToolTable(fingerprint, point, size, dict(_ids(table, n_texts * _TEXT.size, n_ids, texts)))


def _texts(table: bytes, n_texts: int, at: int) -> Iterator[ToolText]:
    for i in range(n_texts):
        n_bytes, of_text = _TEXT.unpack_from(table, i * _TEXT.size)
        yield ToolText(at, n_bytes, of_text)
        at += n_bytes


def _ids(table: bytes, at: int, n_ids: int, texts: list[ToolText]) -> Iterator[tuple[str, ToolText]]:
    for _ in range(n_ids):
        i, n_bytes = _ID.unpack_from(table, at)
        at += _ID.size
        yield table[at : at + n_bytes].decode(), texts[i]
        at += n_bytes
