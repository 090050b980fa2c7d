"""A small GGUF v3 writer: just the value and tensor types that the export needs, no package to carry
along.

Layout: magic, version, counts; key-value pairs; tensor directory (offsets relative to the data section);
the data section, every tensor at a multiple of 32. Dimensions are stored contiguous-first, the reverse of
numpy's shape.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

ALIGN = 32
F32, F16, Q8_0, I32 = 0, 1, 8, 26
_U32, _I32, _F32, _BOOL, _STR, _ARRAY = 4, 5, 6, 7, 8, 9
_PACK = {_U32: "<I", _I32: "<i", _F32: "<f", _BOOL: "<?"}
_BLOCK = 32


@dataclass(frozen=True)
class Key:
    """A typed metadata value: `kind` is u32, i32, f32, bool, str, or one of them in brackets for an array."""

    kind: str
    value: Any


_KINDS = {"u32": _U32, "i32": _I32, "f32": _F32, "bool": _BOOL, "str": _STR}


def quantise_q8_0(x: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Rows of float32 as Q8_0 blocks: per 32 values one f16 scale (largest magnitude / 127) and 32 int8."""
    blocks = np.ascontiguousarray(x, dtype=np.float32).reshape(-1, _BLOCK)
    scale = np.abs(blocks).max(axis=1, keepdims=True) / np.float32(127)
    inverse = np.divide(1, scale, out=np.zeros_like(scale), where=scale > 0)
    scaled = blocks * inverse
    codes = np.trunc(scaled + np.copysign(np.float32(0.5), scaled)).astype(np.int8)
    return np.concatenate([scale.astype(np.float16).view(np.uint8), codes.view(np.uint8)], axis=1)


def tensor_bytes(x: NDArray[Any], kind: int) -> bytes:
    if kind == Q8_0:
        return quantise_q8_0(x).tobytes()
    dtype = {F32: np.float32, F16: np.float16, I32: np.int32}[kind]
    return np.ascontiguousarray(x, dtype=dtype).tobytes()


def _string(text: str) -> bytes:
    raw = text.encode()
    return struct.pack("<Q", len(raw)) + raw


def _scalar(kind: int, value: Any) -> bytes:
    return _string(value) if kind == _STR else struct.pack(_PACK[kind], value)


def _value(key: Key) -> bytes:
    if not key.kind.startswith("["):
        kind = _KINDS[key.kind]
        return struct.pack("<I", kind) + _scalar(kind, key.value)
    kind = _KINDS[key.kind[1:-1]]
    head = struct.pack("<IIQ", _ARRAY, kind, len(key.value))
    return head + b"".join(_scalar(kind, v) for v in key.value)


def write(path: Path, keys: dict[str, Key], tensors: dict[str, tuple[NDArray[Any], int]]) -> int:
    """Write the file, return its size. `tensors` maps a name to (values in row-major shape, type)."""
    head = b"GGUF" + struct.pack("<IQQ", 3, len(tensors), len(keys))
    head += b"".join(_string(name) + _value(key) for name, key in keys.items())
    data = bytearray()
    for name, (values, kind) in tensors.items():
        dims = values.shape[::-1]
        head += _string(name) + struct.pack(f"<I{len(dims)}QIQ", len(dims), *dims, kind, len(data))
        data += tensor_bytes(values, kind)
        data += b"\0" * (-len(data) % ALIGN)
    head += b"\0" * (-len(head) % ALIGN)
    path.write_bytes(head + data)
    return len(head) + len(data)


def _read_string(data: memoryview, at: int) -> tuple[str, int]:
    (size,) = struct.unpack_from("<Q", data, at)
    return bytes(data[at + 8 : at + 8 + size]).decode(), at + 8 + size


def _skip_value(data: memoryview, at: int, kind: int) -> int:
    if kind == _STR:
        return _read_string(data, at)[1]
    if kind != _ARRAY:
        return at + struct.calcsize(_PACK[kind])
    item, count = struct.unpack_from("<IQ", data, at)
    at += 12
    for _ in range(count):
        at = _skip_value(data, at, item)
    return at


def dequantise_q8_0(raw: NDArray[np.uint8], shape: tuple[int, ...]) -> NDArray[np.float32]:
    """The reverse of quantise_q8_0."""
    blocks = raw.reshape(-1, 2 + _BLOCK)
    scale = blocks[:, :2].copy().view(np.float16).astype(np.float32)
    return (blocks[:, 2:].view(np.int8).astype(np.float32) * scale).reshape(shape)


@dataclass(frozen=True)
class Entry:
    """Where a tensor lies in a file that `write` made: row-major shape, type, first byte."""

    shape: tuple[int, ...]
    kind: int
    begin: int

    def values(self, data: bytes | memoryview) -> NDArray[Any]:
        """The tensor as float32 (I32 stays)."""
        n = int(np.prod(self.shape))
        if self.kind == Q8_0:
            raw = np.frombuffer(data, np.uint8, n // _BLOCK * (2 + _BLOCK), self.begin)
            return dequantise_q8_0(raw, self.shape)
        dtype = {F32: np.float32, F16: np.float16, I32: np.int32}[self.kind]
        values = np.frombuffer(data, dtype, n, self.begin).reshape(self.shape)
        return values.copy() if self.kind == I32 else values.astype(np.float32)


def entries(whole: bytes) -> dict[str, Entry]:
    """The tensors' places in the bytes of a file that `write` made, by name."""
    data = memoryview(whole)
    _, count, keys = struct.unpack_from("<IQQ", data, 4)
    at = 24
    for _ in range(keys):
        _, at = _read_string(data, at)
        (kind,) = struct.unpack_from("<I", data, at)
        at = _skip_value(data, at + 4, kind)
    found = []
    for _ in range(count):
        name, at = _read_string(data, at)
        (dims,) = struct.unpack_from("<I", data, at)
        *shape, kind, offset = struct.unpack_from(f"<{dims}QIQ", data, at + 4)
        at += 4 + 8 * dims + 12
        found.append((name, tuple(shape[::-1]), kind, offset))
    start = at + -at % ALIGN
    return {name: Entry(shape, kind, start + offset) for name, shape, kind, offset in found}


def read_tensors(path: Path) -> dict[str, NDArray[Any]]:
    """The tensors of a file that `write` made, as float32 (I32 stays): name -> array in row-major shape."""
    whole = path.read_bytes()
    return {name: entry.values(whole) for name, entry in entries(whole).items()}
