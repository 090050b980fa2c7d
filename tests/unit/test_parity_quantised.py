"""Every weight type against gguf-py's reading of the same bits.

A model is run twice: on blocks of the type, and as float32 on what gguf-py decodes them to. All layers
route by token id and the indexer keeps everything, so that no rounding can tip a choice: what is
left is the arithmetic of the type.
"""

from __future__ import annotations

import zlib
from pathlib import Path

import numpy as np
import pytest
from gguf import GGMLQuantizationType as Kind

from native.tests.random_model import Array, Shape, tensors, token_ids, write_gguf
from tests.unit.coded_blocks import Coded, code, decode
from tests.unit.libds4 import KERNEL_SETS, Logits, open_with

SHAPE = Shape(
    name="q", ratios=(0, 4, 128), d=256, heads=4, head_dim=128, rope_dims=64, q_lora=256, out_groups=2,
    o_lora=128, experts=4, experts_used=2, expert_ff=256, window=64, index_heads=8, index_dim=128,
    index_top_k=512, hash_layers=3,
)  # fmt: skip
TOKENS = 200

# How each published layout types its tensors: by part of the name, first match wins. What is not
# named stays float32, as norms, bases, scales and sinks do.
SMALL = dict.fromkeys(("_fn.", "compressor_", "indexer.", "ffn_gate_inp"), Kind.F16)
DENSE = dict.fromkeys(("attn_q_a.", "attn_q_b.", "attn_kv.", "attn_output_", "shexp", "output.w"), Kind.Q8_0)
NORMS = dict.fromkeys(("norm", "tid2eid", "_base", "_scale", "sinks"), None)
LAYOUTS: dict[str, dict[str, Kind | None]] = {
    "q2": NORMS | SMALL | {"gate_exps": Kind.IQ2_XXS, "up_exps": Kind.IQ2_XXS, "down_exps": Kind.Q2_K}
    | DENSE | {"token_embd": Kind.F16},
    "q4": NORMS | SMALL | {"_exps": Kind.Q4_K} | DENSE | {"token_embd": Kind.F16},
    "q8": NORMS | SMALL | {"_exps": Kind.Q8_0, "token_embd": Kind.Q8_0} | DENSE,
    "f16": NORMS | {"": Kind.F16},
    "bf16": NORMS | {"": Kind.BF16},
}  # fmt: skip

FLOAT_LAYOUTS = ("f16", "bf16")

# Float types are exact. Weights in blocks are multiplied with activations rounded to 8 bits, as
# ds4-server and llama.cpp do, which costs some hundredths of the logits' spread (about 1); a wrong
# scale, minimum or nibble costs the spread itself.
EXACT = 1e-3
ROUNDED = 0.15
ROUNDED_RMS = 0.025


def _coded(layout: dict[str, Kind | None]) -> dict[str, Array | Coded]:
    made: dict[str, Array | Coded] = {}
    for name, values in tensors(SHAPE).items():
        kind = next((kind for part, kind in layout.items() if part in name), None)
        made[name] = code(values, kind, zlib.crc32(name.encode())) if kind is not None else values
    return made


def _logits(path: Path, kernels: str) -> Logits | None:
    model = open_with(path, kernels)
    if model is None:
        return None
    with model, model.session(TOKENS) as session:
        return session.eval(token_ids(SHAPE, TOKENS).tolist())


@pytest.mark.parametrize("layout", sorted(LAYOUTS))
def test_a_type_means_what_gguf_py_says(layout: str, tmp_path: Path) -> None:
    coded = _coded(LAYOUTS[layout])
    as_blocks = {name: value for name, value in coded.items() if isinstance(value, tuple)}
    plain = {name: decode(value) if isinstance(value, tuple) else value for name, value in coded.items()}
    write_gguf(tmp_path / "coded.gguf", SHAPE, plain, lambda name, _: as_blocks.get(name))
    write_gguf(tmp_path / "plain.gguf", SHAPE, plain)
    wanted = _logits(tmp_path / "plain.gguf", "scalar")
    assert wanted is not None
    for kernels in KERNEL_SETS:
        found = _logits(tmp_path / "coded.gguf", kernels)
        if found is not None:
            drift = np.abs(found - wanted)
            assert drift.max() <= (EXACT if layout in FLOAT_LAYOUTS else ROUNDED), kernels
            assert np.sqrt((drift**2).mean()) <= ROUNDED_RMS, kernels
