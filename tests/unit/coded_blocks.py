"""Weights in the GGUF block formats, made up bit by bit, and what gguf-py says they mean.

gguf-py can read Q4_K, Q2_K and IQ2_XXS but not write them. Any bits are a valid block of these
formats, so blocks are random bits with a scale set so that the matrix has the spread it would have
had; the model then runs once on the blocks and once on the float32 values that gguf-py decodes.
"""

from __future__ import annotations

import gguf
import numpy as np
import numpy.typing as npt
from gguf import GGMLQuantizationType as Kind

from native.tests.random_model import Array

Coded = tuple[npt.NDArray[np.uint8], Kind]
# The f16 scales of a block: place in bytes, and size relative to the first, so that values centre on 0.
SCALES = {Kind.Q4_K: ((0, 1.0), (2, 7.5)), Kind.Q2_K: ((80, 1.0), (82, 1.5)), Kind.IQ2_XXS: ((0, 1.0),)}
F16 = np.dtype("<f2")


def _random_blocks(rng: np.random.Generator, shape: tuple[int, ...], kind: Kind) -> npt.NDArray[np.uint8]:
    block, size = gguf.GGML_QUANT_SIZES[kind]
    count = int(np.prod(shape)) // block
    return rng.integers(0, 256, (count, size), dtype=np.uint8)


def _set_scale(blocks: npt.NDArray[np.uint8], kind: Kind, factors: npt.NDArray[np.float64]) -> None:
    for place, relative in SCALES[kind]:
        blocks[:, place : place + 2] = (factors * relative).astype(F16)[:, None].view(np.uint8)


def _coded_bits(values: Array, kind: Kind, seed: int) -> npt.NDArray[np.uint8]:
    rng = np.random.default_rng(seed)
    blocks = _random_blocks(rng, values.shape, kind)
    spread = rng.uniform(0.5, 1.5, len(blocks))
    _set_scale(blocks, kind, spread)
    now = gguf.quants.dequantize(blocks, kind).std()
    _set_scale(blocks, kind, spread * float(values.std()) / float(now))
    return blocks.reshape(*values.shape[:-1], -1)


def code(values: Array, kind: Kind, seed: int) -> Coded:
    """`values` in another type: rounded where gguf-py can write it, else random blocks of their spread."""
    if kind in SCALES:
        return _coded_bits(values, kind, seed), kind
    return gguf.quants.quantize(values, kind), kind


def decode(coded: Coded) -> npt.NDArray[np.float32]:
    values: npt.NDArray[np.float32] = gguf.quants.dequantize(*coded).astype(np.float32)
    return values
