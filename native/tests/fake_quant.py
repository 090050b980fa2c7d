"""ds4-server's rounding of cached rows, put into transformers' model, which has none of it.

Attention rows: all but the rotary part to FP8 (e4m3) in blocks of 64 with power-of-two scales. Indexer
rows and queries: a Walsh-Hadamard transform, then FP4 (e2m1) in blocks of 32. Every cached row: f16.
All of it happens right after the rotary embedding, so that is where it is hooked in. What passes
there is told apart by its shape, so head_dim must differ from the indexer's, and queries have
more than one head.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
import transformers.models.deepseek_v4.modeling_deepseek_v4 as modeling

from native.tests.random_model import Shape

FP8_MAX, FP8_BLOCK, FP8_FLOOR = 448.0, 64, 1e-4
FP4_MAX, FP4_BLOCK, FP4_FLOOR = 6.0, 32, 7.052966104933725e-38
FP4_GRID = torch.tensor([0.0, 0.5, 1.0, 1.5, 2.0, 3.0, 4.0, 6.0])


def _scale(blocks: torch.Tensor, floor: float, largest: float) -> torch.Tensor:
    amax = blocks.abs().amax(-1, keepdim=True).clamp_min(floor)
    return torch.exp2(torch.ceil(torch.log2(amax / largest)))


def fp8_rows(rows: torch.Tensor, rope_dims: int) -> torch.Tensor:
    plain = rows[..., :-rope_dims]
    blocks = plain.reshape(*plain.shape[:-1], -1, FP8_BLOCK)
    scale = _scale(blocks, FP8_FLOOR, FP8_MAX)
    rounded = (blocks / scale).clamp(-FP8_MAX, FP8_MAX).to(torch.float8_e4m3fn).float() * scale
    return torch.cat([rounded.reshape(plain.shape), rows[..., -rope_dims:]], -1)


def _hadamard(rows: torch.Tensor) -> torch.Tensor:
    width, step = rows.shape[-1], 1
    while step < width:
        pairs = rows.reshape(*rows.shape[:-1], -1, 2, step)
        low, high = pairs[..., 0, :], pairs[..., 1, :]
        rows = torch.stack([low + high, low - high], -2).reshape(rows.shape)
        step *= 2
    return rows * width**-0.5


def _fp4(values: torch.Tensor) -> torch.Tensor:
    """Nearest grid value; in the middle between two, the one whose code is even."""
    size = values.abs().clamp(max=FP4_MAX)
    upper = torch.searchsorted(FP4_GRID, size).clamp(1, len(FP4_GRID) - 1)
    below, above = FP4_GRID[upper - 1], FP4_GRID[upper]
    take_above = (size - below > above - size) | ((size - below == above - size) & (upper % 2 == 0))
    return torch.where(take_above, above, below) * values.sign()


def fp4_rows(rows: torch.Tensor) -> torch.Tensor:
    blocks = _hadamard(rows).reshape(*rows.shape[:-1], -1, FP4_BLOCK)
    scale = _scale(blocks, FP4_FLOOR, FP4_MAX)
    return (_fp4(blocks / scale) * scale).reshape(rows.shape)


@contextmanager
def fake_quant(shape: Shape) -> Iterator[None]:
    """Within the block, transformers' model rounds as ds4-server does."""
    original = modeling.apply_rotary_pos_emb

    def rotate_and_round(x: torch.Tensor, *args: object, **kwargs: object) -> torch.Tensor:
        y: torch.Tensor = original(x, *args, **kwargs)
        cached = y.shape[1] == 1
        if y.shape[-1] == shape.index_dim:
            y = fp4_rows(y)
        elif cached and y.shape[-1] == shape.head_dim:
            y = fp8_rows(y, shape.rope_dims)
        return y.half().float() if cached else y

    modeling.apply_rotary_pos_emb = rotate_and_round
    try:
        yield
    finally:
        modeling.apply_rotary_pos_emb = original
