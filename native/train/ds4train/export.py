"""Checkpoint -> GGUF (architecture deepseek4), in the types that the bundled model ships with or all in
float32.

    python -m ds4train.export CHECKPOINT OUT.gguf [--f32] [--split DIR]
    python -m ds4train.export --random OUT.gguf          a model that has not been trained

Parameters already carry their GGUF names up to the module path, so a name is mapped by a few prefixes.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ds4train import ggufio
from ds4train.config import BUNDLED, ModelConfig
from ds4train.ggufio import F16, F32, I32, Q8_0, Key
from ds4train.tok import VOCAB_DIR, read_merges, read_tokens

ARCH = "deepseek4"
_CONTROL_TOKENS = 11
_PART_BYTES = 12_600_000
_TOP = {
    "token_embd": "token_embd.weight",
    "head.hc_fn": "output_hc_fn.weight",
    "head.hc_base": "output_hc_base.weight",
    "head.hc_scale": "output_hc_scale.weight",
    "head.norm": "output_norm.weight",
    "head.output": "output.weight",
}
_PREFIXES = (
    ("attn.indexer.compressor.", "indexer_compressor_"),
    ("attn.indexer.", "indexer."),
    ("attn.compressor.", "attn_compressor_"),
    ("attn.", "attn_"),
    ("ffn.gate_tid2eid", "ffn_gate_tid2eid"),
    ("ffn.exp_probs_b", "exp_probs_b"),
    ("ffn.", "ffn_"),
    ("hc_attn.", "hc_attn_"),
    ("hc_ffn.", "hc_ffn_"),
)


def gguf_name(name: str) -> str:
    """GGUF name of one of the model's parameters or buffers."""
    if name in _TOP:
        return _TOP[name]
    _, layer, leaf = name.split(".", 2)
    for ours, theirs in _PREFIXES:
        if leaf.startswith(ours):
            leaf = theirs + leaf.removeprefix(ours)
            break
    return f"blk.{layer}.{leaf}." + ("bias" if leaf == "exp_probs_b" else "weight")


def gguf_type(name: str, value: Tensor) -> int:
    """Q8_0 for matrices, F16 for the narrow or sensitive ones, F32 for vectors, I32 for the routing table."""
    if not value.is_floating_point():
        return I32
    if value.dim() < 2:
        return F32
    narrow = ("hc_attn_fn", "hc_ffn_fn", "output_hc_fn", "ffn_gate_inp", "compressor", "indexer")
    return F16 if any(part in name for part in narrow) else Q8_0


def metadata(cfg: ModelConfig, name: str) -> dict[str, Key]:
    def u(value: int) -> Key:
        return Key("u32", value)

    def f(value: float) -> Key:
        return Key("f32", value)

    arch: dict[str, Key] = {
        "block_count": u(cfg.layers),
        "context_length": u(cfg.context),
        "embedding_length": u(cfg.d),
        "vocab_size": u(cfg.vocab),
        "feed_forward_length": u(cfg.ff),
        "attention.head_count": u(cfg.heads),
        "attention.head_count_kv": u(1),
        "attention.key_length": u(cfg.head_dim),
        "attention.value_length": u(cfg.head_dim),
        "attention.q_lora_rank": u(cfg.q_lora),
        "attention.output_lora_rank": u(cfg.o_lora),
        "attention.output_group_count": u(cfg.out_groups),
        "attention.sliding_window": u(cfg.window),
        "attention.indexer.head_count": u(cfg.index_heads),
        "attention.indexer.key_length": u(cfg.index_dim),
        "attention.indexer.top_k": u(cfg.index_top_k),
        "attention.compress_ratios": Key("[i32]", list(cfg.ratios)),
        "attention.compress_rope_freq_base": f(cfg.compress_rope_base),
        "attention.layer_norm_rms_epsilon": f(cfg.rms_eps),
        "rope.dimension_count": u(cfg.rope_dims),
        "rope.freq_base": f(cfg.rope_base),
        "rope.scaling.type": Key("str", "yarn"),
        "rope.scaling.factor": f(cfg.yarn_factor),
        "rope.scaling.original_context_length": u(cfg.yarn_original),
        "rope.scaling.yarn_beta_fast": f(cfg.yarn_beta_fast),
        "rope.scaling.yarn_beta_slow": f(cfg.yarn_beta_slow),
        "expert_count": u(cfg.experts),
        "expert_used_count": u(cfg.experts_used),
        "expert_shared_count": u(1),
        "expert_feed_forward_length": u(cfg.ff),
        "expert_weights_scale": f(cfg.expert_scale),
        "expert_weights_norm": Key("bool", True),
        "expert_gating_func": u(4),
        "hash_layer_count": u(cfg.hash_layers),
        "swiglu_clamp_exp": Key("[f32]", [cfg.swiglu_limit] * cfg.layers),
        "swiglu_clamp_shexp": Key("[f32]", [cfg.swiglu_limit] * cfg.layers),
        "hyper_connection.count": u(cfg.hc),
        "hyper_connection.sinkhorn_iterations": u(cfg.sinkhorn_iters),
        "hyper_connection.epsilon": f(cfg.hc_eps),
    }
    general = {
        "general.architecture": Key("str", ARCH),
        "general.name": Key("str", name),
        "general.alignment": u(ggufio.ALIGN),
        "general.quantization_version": u(2),
        "general.license": Key("str", "mit"),
        "general.sampling.temp": f(0.0),
    }
    return general | {f"{ARCH}.{k}": v for k, v in arch.items()}


def tokenizer_metadata(cfg: ModelConfig, folder: Path = VOCAB_DIR) -> dict[str, Key]:
    """The vocabulary's keys; a shape with another vocabulary size (tests) gets the 'none' tokenizer."""
    tokens = read_tokens(folder)
    if len(tokens) != cfg.vocab:
        return {"tokenizer.ggml.model": Key("str", "none")}
    types = [3 if n < _CONTROL_TOKENS else 1 for n in range(cfg.vocab)]
    return {
        "tokenizer.ggml.model": Key("str", "gpt2"),
        "tokenizer.ggml.pre": Key("str", "joyai-llm"),
        "tokenizer.ggml.tokens": Key("[str]", tokens),
        "tokenizer.ggml.token_type": Key("[i32]", types),
        "tokenizer.ggml.merges": Key("[str]", [" ".join(pair) for pair in read_merges(folder)]),
        "tokenizer.ggml.bos_token_id": Key("u32", 0),
        "tokenizer.ggml.eos_token_id": Key("u32", 1),
        "tokenizer.ggml.padding_token_id": Key("u32", 2),
        "tokenizer.ggml.add_bos_token": Key("bool", False),
        "tokenizer.ggml.add_eos_token": Key("bool", False),
    }


def export(cfg: ModelConfig, state: dict[str, Tensor], path: Path, f32: bool = False) -> int:
    """Write the model to `path`; returns the file's size."""
    tensors: dict[str, tuple[NDArray[Any], int]] = {}
    for ours, value in state.items():
        name = gguf_name(ours)
        kind = gguf_type(name, value)
        if f32 and kind != I32:
            kind = F32
        values = value.detach().cpu()
        tensors[name] = (values.float().numpy() if kind != I32 else values.numpy().astype(np.int32), kind)
    keys = metadata(cfg, "ds4agent-tiny") | tokenizer_metadata(cfg)
    return ggufio.write(path, keys, tensors)


def split(path: Path, folder: Path) -> list[Path]:
    """Cut a file into parts small enough to carry; `cat PARTS > FILE` in name order joins them."""
    folder.mkdir(parents=True, exist_ok=True)
    data = path.read_bytes()
    parts = []
    for n, start in enumerate(range(0, len(data), _PART_BYTES)):
        part = folder / f"{path.name}.part{n}"
        part.write_bytes(data[start : start + _PART_BYTES])
        parts.append(part)
    return parts


def main() -> None:
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("checkpoint", nargs="?", type=Path)
    ap.add_argument("out", type=Path)
    ap.add_argument("--random", action="store_true", help="export an untrained model")
    ap.add_argument("--seed", type=int, default=0)
    ap.add_argument("--f32", action="store_true", help="all floating-point tensors as F32")
    ap.add_argument("--split", type=Path, metavar="DIR", help="also write the file in parts")
    args = ap.parse_args()
    if args.random:
        from ds4train.model import Model, Options

        torch.manual_seed(args.seed)
        cfg, state = BUNDLED, Model(BUNDLED, Options("sdpa", "dense", torch.float32)).state()
    else:
        saved = torch.load(args.checkpoint, map_location="cpu", weights_only=True)
        cfg, state = ModelConfig.from_dict(saved["config"]), saved["model"]
    size = export(cfg, state, args.out, args.f32)
    print(f"{args.out}: {size} bytes")
    if args.split:
        split(args.out, args.split)


if __name__ == "__main__":
    main()
