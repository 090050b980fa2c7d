"""Small models with made-up weights that anyone can make again, bit for bit, without torch.

The parity vectors in `vectors/` hold only token ids and logits. The weights behind them are not
stored: each element is a hash of its tensor's name and its place, so the script that asked the
independent implementations (`make_vectors.py`) and the tests that ask libds4 build the same model
from this file alone. Values are uniform; spreads are chosen so that every path shows in the
logits: biases, sinks, norms and hyper-connection bases all differ from their neutral value.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import gguf
import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float32] | npt.NDArray[np.int32]
ARCH = "deepseek4"


@dataclass(frozen=True)
class Shape:
    """The hyper-parameters of one made-up model; names as in the GGUF metadata where it has them."""

    name: str
    ratios: tuple[int, ...]
    d: int
    heads: int
    head_dim: int
    rope_dims: int
    q_lora: int
    out_groups: int
    o_lora: int
    experts: int
    experts_used: int
    expert_ff: int
    window: int
    index_heads: int
    index_dim: int
    index_top_k: int
    hash_layers: int
    vocab: int = 256
    hc: int = 4
    context: int = 4096
    rope_base: float = 1e4
    compress_rope_base: float = 1.6e5
    yarn_factor: float = 16.0
    yarn_original: int = 65536
    rms_eps: float = 1e-6
    hc_eps: float = 1e-6
    sinkhorn: int = 20
    expert_scale: float = 1.5
    clamp: float = 10.0


# In a and b window, both ratios and the indexer's cut-off all bind well within 600 tokens. With many index
# heads a score of exactly zero, where the order of a tie would decide, does not come up.
SHAPES = {
    "a": Shape(
        name="a", ratios=(0, 0, 4, 128, 4, 128), d=256, heads=4, head_dim=128, rope_dims=32, q_lora=128,
        out_groups=2, o_lora=128, experts=8, experts_used=2, expert_ff=128, window=128,
        index_heads=16, index_dim=128, index_top_k=32, hash_layers=2,
    ),
    "b": Shape(
        name="b", ratios=(0, 4, 128, 4, 4), d=128, heads=8, head_dim=64, rope_dims=16, q_lora=96,
        out_groups=4, o_lora=64, experts=16, experts_used=3, expert_ff=96, window=32,
        index_heads=32, index_dim=64, index_top_k=16, hash_layers=1, expert_scale=2.5, yarn_factor=8.0,
    ),
    # For ds4-server's rounding of cached rows: D - R a multiple of 64, D apart from the indexer's width.
    "c": Shape(
        name="c", ratios=(0, 0, 4, 128, 4), d=128, heads=4, head_dim=256, rope_dims=64, q_lora=128,
        out_groups=2, o_lora=64, experts=8, experts_used=2, expert_ff=128, window=128,
        index_heads=32, index_dim=128, index_top_k=48, hash_layers=2,
    ),
}  # fmt: skip

_U64 = np.uint64
_GOLDEN, _MIX1, _MIX2 = _U64(0x9E3779B97F4A7C15), _U64(0xBF58476D1CE4E5B9), _U64(0x94D049BB133111EB)


def _hashes(name: str, count: int) -> npt.NDArray[np.uint64]:
    """splitmix64 of FNV-1a(name) + place: one 64-bit hash an element."""
    seed = 0xCBF29CE484222325
    for byte in name.encode():
        seed = (seed ^ byte) * 0x100000001B3 & (1 << 64) - 1
    with np.errstate(over="ignore"):
        z = (np.arange(1, count + 1, dtype=np.uint64) + _U64(seed)) * _GOLDEN
        z = (z ^ (z >> _U64(30))) * _MIX1
        z = (z ^ (z >> _U64(27))) * _MIX2
        return z ^ (z >> _U64(31))


def uniform(name: str, shape: tuple[int, ...], spread: float, middle: float = 0.0) -> npt.NDArray[np.float32]:
    """Uniform values of the given standard deviation around `middle`, as float32 in row-major order."""
    unit = (_hashes(name, int(np.prod(shape))) >> _U64(40)).astype(np.float64) / (1 << 23) - 1.0
    return (middle + unit * (3**0.5 * spread)).astype(np.float32).reshape(shape)


def token_ids(shape: Shape, count: int) -> npt.NDArray[np.int32]:
    """The made-up text the vectors are about."""
    return (_hashes(f"ids {shape.name}", count) % _U64(shape.vocab)).astype(np.int32)


def _matrix(name: str, *dims: int) -> Array:
    return uniform(name, dims, dims[-1] ** -0.5)


def _embedding(name: str, *dims: int) -> Array:
    return uniform(name, dims, 1.0)


def _norm(name: str, *dims: int) -> Array:
    return uniform(name, dims, 0.1, 1.0)


def _bias(name: str, *dims: int) -> Array:
    return uniform(name, dims, 0.3)


def _expert_table(name: str, shape: Shape) -> Array:
    """K distinct experts for each token: the first K of a shuffle."""
    order = np.argsort(_hashes(name, shape.vocab * shape.experts).reshape(shape.vocab, shape.experts), axis=1)
    return np.ascontiguousarray(order[:, : shape.experts_used]).astype(np.int32)


Rows = Iterator[tuple[str, Callable[..., Array], tuple[int, ...]]]


def _hyper_connection(prefix: str, shape: Shape, rows: int, scales: int) -> Rows:
    yield f"{prefix}_fn.weight", _matrix, (rows, shape.hc * shape.d)
    yield f"{prefix}_base.weight", _bias, (rows,)
    yield f"{prefix}_scale.weight", _norm, (scales,)


def _compressor(prefix: str, shape: Shape, ratio: int, width: int) -> Rows:
    wide = width * (2 if ratio == 4 else 1)
    yield f"{prefix}_ape.weight", _bias, (ratio, wide)
    yield f"{prefix}_kv.weight", _matrix, (wide, shape.d)
    yield f"{prefix}_gate.weight", _matrix, (wide, shape.d)
    yield f"{prefix}_norm.weight", _norm, (width,)


def _attention(b: str, s: Shape, ratio: int) -> Rows:
    yield f"{b}attn_norm.weight", _norm, (s.d,)
    yield f"{b}attn_q_a.weight", _matrix, (s.q_lora, s.d)
    yield f"{b}attn_q_a_norm.weight", _norm, (s.q_lora,)
    yield f"{b}attn_q_b.weight", _matrix, (s.heads * s.head_dim, s.q_lora)
    yield f"{b}attn_kv.weight", _matrix, (s.head_dim, s.d)
    yield f"{b}attn_kv_a_norm.weight", _norm, (s.head_dim,)
    yield f"{b}attn_sinks.weight", _bias, (s.heads,)
    group_in = s.heads * s.head_dim // s.out_groups
    yield f"{b}attn_output_a.weight", _matrix, (s.out_groups * s.o_lora, group_in)
    yield f"{b}attn_output_b.weight", _matrix, (s.d, s.out_groups * s.o_lora)
    if ratio:
        yield from _compressor(f"{b}attn_compressor", s, ratio, s.head_dim)
    if ratio == 4:
        yield f"{b}indexer.attn_q_b.weight", _matrix, (s.index_heads * s.index_dim, s.q_lora)
        yield f"{b}indexer.proj.weight", _matrix, (s.index_heads, s.d)
        yield from _compressor(f"{b}indexer_compressor", s, ratio, s.index_dim)


def _feed_forward(b: str, s: Shape) -> Rows:
    yield f"{b}ffn_norm.weight", _norm, (s.d,)
    yield f"{b}ffn_gate_inp.weight", _matrix, (s.experts, s.d)
    for part in ("gate", "up"):
        yield f"{b}ffn_{part}_exps.weight", _matrix, (s.experts, s.expert_ff, s.d)
        yield f"{b}ffn_{part}_shexp.weight", _matrix, (s.expert_ff, s.d)
    yield f"{b}ffn_down_exps.weight", _matrix, (s.experts, s.d, s.expert_ff)
    yield f"{b}ffn_down_shexp.weight", _matrix, (s.d, s.expert_ff)


def tensors(shape: Shape) -> dict[str, Array]:
    """All weights by GGUF name, in row-major order (the last axis is the contiguous row)."""
    s = shape
    rows: list[tuple[str, Callable[..., Array], tuple[int, ...]]] = [
        ("token_embd.weight", _embedding, (s.vocab, s.d)),
        ("output_norm.weight", _norm, (s.d,)),
        ("output.weight", _matrix, (s.vocab, s.d)),
        *_hyper_connection("output_hc", s, s.hc, 1),
    ]
    for i, ratio in enumerate(s.ratios):
        b = f"blk.{i}."
        rows += _hyper_connection(f"{b}hc_attn", s, 2 * s.hc + s.hc**2, 3)
        rows += _hyper_connection(f"{b}hc_ffn", s, 2 * s.hc + s.hc**2, 3)
        rows += _attention(b, s, ratio)
        rows += _feed_forward(b, s)
        if i >= s.hash_layers:
            rows.append((f"{b}exp_probs_b.bias", _bias, (s.experts,)))
    made = {name: make(f"{s.name}/{name}", *dims) for name, make, dims in rows}
    for i in range(s.hash_layers):
        name = f"blk.{i}.ffn_gate_tid2eid.weight"
        made[name] = _expert_table(f"{s.name}/{name}", s)
    return made


def add_metadata(w: gguf.GGUFWriter, s: Shape) -> None:
    ints = {
        "block_count": len(s.ratios), "context_length": s.context, "embedding_length": s.d,
        "vocab_size": s.vocab, "attention.head_count": s.heads, "attention.head_count_kv": 1,
        "attention.key_length": s.head_dim, "attention.value_length": s.head_dim,
        "rope.dimension_count": s.rope_dims, "attention.q_lora_rank": s.q_lora,
        "attention.output_lora_rank": s.o_lora, "attention.output_group_count": s.out_groups,
        "attention.sliding_window": s.window, "attention.indexer.head_count": s.index_heads,
        "attention.indexer.key_length": s.index_dim, "attention.indexer.top_k": s.index_top_k,
        "expert_count": s.experts, "expert_used_count": s.experts_used, "expert_shared_count": 1,
        "expert_feed_forward_length": s.expert_ff, "feed_forward_length": s.expert_ff,
        "expert_gating_func": 4, "hash_layer_count": s.hash_layers,
        "hyper_connection.count": s.hc, "hyper_connection.sinkhorn_iterations": s.sinkhorn,
        "rope.scaling.original_context_length": s.yarn_original,
    }  # fmt: skip
    floats = {
        "attention.compress_rope_freq_base": s.compress_rope_base, "rope.freq_base": s.rope_base,
        "attention.layer_norm_rms_epsilon": s.rms_eps, "hyper_connection.epsilon": s.hc_eps,
        "rope.scaling.factor": s.yarn_factor, "rope.scaling.yarn_beta_fast": 32.0,
        "rope.scaling.yarn_beta_slow": 1.0, "expert_weights_scale": s.expert_scale,
    }  # fmt: skip
    for key, number in ints.items():
        w.add_uint32(f"{ARCH}.{key}", number)
    for key, real in floats.items():
        w.add_float32(f"{ARCH}.{key}", real)
    w.add_bool(f"{ARCH}.expert_weights_norm", True)
    w.add_string(f"{ARCH}.rope.scaling.type", "yarn")
    w.add_array(f"{ARCH}.attention.compress_ratios", list(s.ratios))
    w.add_array(f"{ARCH}.swiglu_clamp_exp", [s.clamp] * len(s.ratios))
    w.add_string("tokenizer.ggml.model", "none")


Encoder = Callable[[str, Array], tuple[npt.NDArray[np.uint8], gguf.GGMLQuantizationType] | None]


def write_gguf(path: Path, shape: Shape, weights: dict[str, Array], encode: Encoder | None = None) -> None:
    """Write a GGUF. `encode` may give a tensor's bytes in another type; None leaves it as it is."""
    w = gguf.GGUFWriter(path, ARCH)
    w.add_name(f"random {shape.name}")
    add_metadata(w, shape)
    for name, values in weights.items():
        coded = encode(name, values) if encode else None
        if coded is None:
            w.add_tensor(name, values)
        else:
            w.add_tensor(name, coded[0], raw_dtype=coded[1])
    w.write_header_to_file()
    w.write_kv_data_to_file()
    w.write_tensors_to_file()
    w.close()
