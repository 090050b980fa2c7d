"""Rotary tables for interleaved pairs on the last dimensions of a row.

A rotation of the pairs (x0, x1) by an angle is x * cos + swap(x) * sin, where swap exchanges the two halves
of a pair and sin carries the sign (-s, +s). The dimensions that are not rotated get cos 1 and sin 0, so a
whole row is one elementwise expression that compiles into the kernels around it. The inverse rotation
negates sin.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from ds4train.config import ModelConfig

RopeTable = tuple[Tensor, Tensor]


def inverse_frequencies(cfg: ModelConfig, compressed: bool) -> Tensor:
    """Angle per position of each pair, float64. Layers with a compressor have their own base and YaRN."""
    r = cfg.rope_dims
    base = cfg.compress_rope_base if compressed else cfg.rope_base
    i = torch.arange(r // 2, dtype=torch.float64)
    theta = base ** (-2.0 * i / r)
    if not compressed:
        return theta

    def corrected(beta: float) -> float:
        return r * math.log(cfg.yarn_original / (2 * math.pi * beta)) / (2 * math.log(base))

    low = max(0, math.floor(corrected(cfg.yarn_beta_fast)))
    high = min(r - 1, math.ceil(corrected(cfg.yarn_beta_slow)))
    ramp = 1 - ((i - low) / max(0.001, high - low)).clamp(0, 1)
    return theta / cfg.yarn_factor * (1 - ramp) + theta * ramp


def rope_table(cfg: ModelConfig, length: int, compressed: bool) -> RopeTable:
    """(cos, signed sin), each [length, head_dim] float32."""
    angle = torch.arange(length, dtype=torch.float64)[:, None] * inverse_frequencies(cfg, compressed)
    keep = cfg.head_dim - cfg.rope_dims
    cos = torch.ones(length, cfg.head_dim, dtype=torch.float64)
    sin = torch.zeros(length, cfg.head_dim, dtype=torch.float64)
    cos[:, keep:] = angle.cos().repeat_interleave(2, dim=1)
    sin[:, keep::2] = -angle.sin()
    sin[:, keep + 1 :: 2] = angle.sin()
    return cos.float(), sin.float()


def rotate(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """Rotate the last dimension of float32 `x`; cos and sin broadcast against it."""
    swapped = x.unflatten(-1, (-1, 2)).flip(-1).flatten(-2)
    return x * cos + swapped * sin
