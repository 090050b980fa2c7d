"""Writes cache files as ds4-server does, for tests: the program itself only reads them."""

import struct
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from ds4agent.wire import kvc


@dataclass(frozen=True)
class Cache:
    """One file of a tiny model. `payload`: instead of the one made from the ids."""

    text: bytes
    ids: tuple[int, ...]
    reason: int = 1
    calls: Mapping[bytes, bytes] = field(default_factory=dict)
    key_flags: int = 0
    quant: int = 2
    model: int = 0
    abi: int = 0
    hits: int = 0
    n_ctx: int = 8192
    created: int = 1_795_000_000
    last_used: int = 1_795_000_000
    version: int = 1
    payload: bytes | None = None

    @property
    def name(self) -> str:
        return kvc.file_name(self.text)

    def encode(self) -> bytes:
        payload = session(self.ids, self.n_ctx) if self.payload is None else self.payload
        flags = self.key_flags | bool(self.calls)
        head = struct.pack(
            "<3s5B3IB3x3QI", b"KVC", self.version, self.quant, self.reason, flags, self.model, len(self.ids),
            self.hits, self.n_ctx, self.abi, self.created, self.last_used, len(payload), len(self.text),
        )  # fmt: skip
        return head + self.text + payload + (tool_map(self.calls) if self.calls else b"")

    def write(self, folder: Path) -> Path:
        file = folder / self.name
        file.write_bytes(self.encode())
        return file


def session(ids: tuple[int, ...], n_ctx: int, layers: int = 4, dim: int = 4, vocab: int = 64) -> bytes:
    """A version 1 payload whose numbers are all 0.5."""
    n = len(ids)
    raw = min(n, 128)
    words = (1, n_ctx, 2048, 128, 128, n_ctx // 4 + 2, n, layers, dim, dim, vocab, raw)
    ratios = [0 if i < 2 else (4, 128)[i % 2] for i in range(layers)]
    rows = [n // r if r else 0 for r in ratios]
    index = [n // r if r == 4 else 0 for r in ratios]
    lead = struct.pack(f"<4s12I{n}I", b"DSV4", *words, *ids) + _floats(vocab)
    lead += struct.pack(f"<{2 * layers}I", *rows, *index)
    return lead + b"".join(_layer(raw, n, ratio, dim) for ratio in ratios)


def _layer(raw: int, n: int, ratio: int, dim: int) -> bytes:
    out = _floats(raw * dim)
    if ratio == 4:
        # The attention's and the index's: rows, then values and scores of two windows that overlap.
        out += 2 * _floats(n // 4 * dim + 2 * (2 * dim * 8))
    if ratio == 128:
        out += _floats(n // 128 * dim + 2 * (dim * 128))
    return out


def _floats(count: int) -> bytes:
    return struct.pack("<f", 0.5) * count


def tool_map(calls: Mapping[bytes, bytes]) -> bytes:
    entries = (struct.pack("<II", len(call), len(dsml)) + call + dsml for call, dsml in calls.items())
    return b"KTM\x01" + struct.pack("<I", len(calls)) + b"".join(entries)
