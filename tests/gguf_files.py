"""Small GGUF files by hand, right ones and wrong ones."""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

U16, U32, STRING, ARRAY, U64 = 2, 4, 8, 9, 10
F32, Q8_0, Q2_K, IQ2_XXS = 0, 8, 10, 16
# name, dimensions, type, offset
Tensor = tuple[str, Sequence[int], int, int]
ROUTED = [
    ("token_embd.weight", (256, 4), F32, 0),
    ("blk.0.ffn_gate_exps.weight", (256, 8), IQ2_XXS, 4096),
    ("blk.0.ffn_up_exps.weight", (256, 8), IQ2_XXS, 4640),
    ("blk.0.ffn_down_exps.weight", (256, 8), Q2_K, 5184),
]
ROUTED_END = 5184 + 8 * 84


def text(value: str | bytes) -> bytes:
    data = value.encode() if isinstance(value, str) else value
    return struct.pack("<Q", len(data)) + data


def pair(key: str, kind: int, value: bytes) -> bytes:
    return text(key) + struct.pack("<I", kind) + value


def array(key: str, kind: int, count: int, data: bytes) -> bytes:
    return pair(key, ARRAY, struct.pack("<IQ", kind, count) + data)


def plain(key: str, value: Any) -> bytes:
    """A key whose type follows from the value: numbers as u32, lists of texts."""
    if isinstance(value, list):
        return array(key, STRING, len(value), b"".join(map(text, value)))
    if isinstance(value, str):
        return pair(key, STRING, text(value))
    return pair(key, U32, struct.pack("<I", value))


def header(pairs: Sequence[bytes], tensors: Sequence[Tensor] = (), version: int = 3) -> bytes:
    head = struct.pack("<4sIQQ", b"GGUF", version, len(tensors), len(pairs))
    return head + b"".join(pairs) + b"".join(map(_tensor, tensors))


def _tensor(tensor: Tensor) -> bytes:
    name, dims, kind, offset = tensor
    return text(name) + struct.pack(f"<I{len(dims)}QIQ", len(dims), *dims, kind, offset)


def whole(head: bytes, end: int) -> bytes:
    """The header with its tensors, `end` bytes of them, after a start that is a multiple of 32."""
    start = -(-len(head) // 32) * 32
    return head.ljust(start + end, b"\0")


def gguf(architecture: str = "deepseek4", name: str = "", more: Mapping[str, Any] | None = None) -> bytes:
    """A file with all its bytes."""
    values = {"general.architecture": architecture, "general.name": name, **(more or {})}
    return whole(header([plain(k, v) for k, v in values.items()], ROUTED), ROUTED_END)


def write(path: Path, architecture: str = "deepseek4", name: str = "", **more: Any) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(gguf(architecture, name, {k.replace("__", "."): v for k, v in more.items()}))
    return path
