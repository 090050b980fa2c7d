"""Checks the training module against transformers' DeepseekV4ForCausalLM with the same random weights.

    python parity_hf.py [--device cuda] [--shape tiny|bundled|both] [--length 600]

Needs torch and a transformers that has deepseek_v4. Float32, both attention cores and both expert forms;
every logit must agree to 1e-3. Not part of the project's own test run: that needs no torch.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import torch
from torch import Tensor

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from ds4train.config import BUNDLED, TINY, ModelConfig
from ds4train.model import Model, Options

_PER_LAYER = {
    "hc_attn.": "attn_hc.",
    "hc_ffn.": "ffn_hc.",
    "attn_norm": "input_layernorm.weight",
    "ffn_norm": "post_attention_layernorm.weight",
    "attn.q_a_norm": "self_attn.q_a_norm.weight",
    "attn.q_a": "self_attn.q_a_proj.weight",
    "attn.q_b": "self_attn.q_b_proj.weight",
    "attn.kv_a_norm": "self_attn.kv_norm.weight",
    "attn.kv": "self_attn.kv_proj.weight",
    "attn.sinks": "self_attn.sinks",
    "attn.output_a": "self_attn.o_a_proj.weight",
    "attn.output_b": "self_attn.o_b_proj.weight",
    "attn.indexer.attn_q_b": "self_attn.compressor.indexer.q_b_proj.weight",
    "attn.indexer.proj": "self_attn.compressor.indexer.scorer.weights_proj.weight",
    "ffn.gate_inp": "mlp.gate.weight",
    "ffn.gate_tid2eid": "mlp.gate.tid2eid",
    "ffn.exp_probs_b": "mlp.gate.e_score_correction_bias",
    "ffn.down_exps": "mlp.experts.down_proj",
    "ffn.gate_shexp": "mlp.shared_experts.gate_proj.weight",
    "ffn.up_shexp": "mlp.shared_experts.up_proj.weight",
    "ffn.down_shexp": "mlp.shared_experts.down_proj.weight",
}
_COMPRESSOR = {
    "kv": "kv_proj.weight",
    "gate": "gate_proj.weight",
    "ape": "position_bias",
    "norm": "kv_norm.weight",
}
_TOP = {
    "token_embd": "model.embed_tokens.weight",
    "head.hc_fn": "model.hc_head.hc_fn",
    "head.hc_base": "model.hc_head.hc_base",
    "head.hc_scale": "model.hc_head.hc_scale",
    "head.norm": "model.norm.weight",
    "head.output": "lm_head.weight",
}


def hf_state(state: dict[str, Tensor]) -> dict[str, Tensor]:
    """Our state under transformers' names."""
    out: dict[str, Tensor] = {}
    for name, value in state.items():
        if name in _TOP:
            out[_TOP[name]] = value
            continue
        _, layer, leaf = name.split(".", 2)
        prefix = f"model.layers.{layer}."
        if leaf.startswith("hc_"):
            where, part = leaf.split(".")
            out[f"{prefix}{_PER_LAYER[where + '.']}{part}"] = value
        elif "compressor." in leaf:
            inner = "compressor.indexer." if ".indexer." in leaf else "compressor."
            out[f"{prefix}self_attn.{inner}{_COMPRESSOR[leaf.rsplit('.', 1)[1]]}"] = value
        elif leaf == "ffn.gate_exps":
            both = torch.cat([value, state[f"blk.{layer}.ffn.up_exps"]], 1)
            out[f"{prefix}mlp.experts.gate_up_proj"] = both
        elif leaf != "ffn.up_exps":
            out[prefix + _PER_LAYER[leaf]] = value
    return out


def hf_model(cfg: ModelConfig, state: dict[str, Tensor]) -> torch.nn.Module:
    from transformers import DeepseekV4Config, DeepseekV4ForCausalLM

    hf = DeepseekV4Config(
        vocab_size=cfg.vocab,
        hidden_size=cfg.d,
        moe_intermediate_size=cfg.ff,
        num_hidden_layers=cfg.layers,
        num_attention_heads=cfg.heads,
        num_key_value_heads=1,
        head_dim=cfg.head_dim,
        q_lora_rank=cfg.q_lora,
        num_experts_per_tok=cfg.experts_used,
        n_routed_experts=cfg.experts,
        n_shared_experts=1,
        scoring_func="sqrtsoftplus",
        norm_topk_prob=True,
        routed_scaling_factor=cfg.expert_scale,
        max_position_embeddings=1048576,
        rope_theta=cfg.rope_base,
        compress_rope_theta=cfg.compress_rope_base,
        rope_scaling={
            "type": "yarn",
            "factor": cfg.yarn_factor,
            "original_max_position_embeddings": cfg.yarn_original,
            "beta_fast": cfg.yarn_beta_fast,
            "beta_slow": cfg.yarn_beta_slow,
        },
        compress_ratios=list(cfg.ratios),
        num_hash_layers=cfg.hash_layers,
        qk_rope_head_dim=cfg.rope_dims,
        hc_mult=cfg.hc,
        hc_sinkhorn_iters=cfg.sinkhorn_iters,
        hc_eps=cfg.hc_eps,
        swiglu_limit=cfg.swiglu_limit,
        sliding_window=cfg.window,
        o_groups=cfg.out_groups,
        o_lora_rank=cfg.o_lora,
        index_n_heads=cfg.index_heads,
        index_head_dim=cfg.index_dim,
        index_topk=cfg.index_top_k,
        rms_norm_eps=cfg.rms_eps,
        attn_implementation="eager",
    )
    model = DeepseekV4ForCausalLM(hf).float().eval()
    missing, unexpected = model.load_state_dict(hf_state(state), strict=False)
    left = [k for k in missing if "inv_freq" not in k]
    if left or unexpected:
        raise SystemExit(f"names do not match: missing {left}, unexpected {list(unexpected)}")
    return model


def scramble(model: Model) -> None:
    """Make every path visible: nothing zero, nothing one."""
    with torch.no_grad():
        for name, value in [*model.named_parameters(), *model.named_buffers()]:
            leaf = name.rsplit(".", 1)[1] if "." in name else name
            if leaf in ("sinks", "ape", "exp_probs_b", "base", "hc_base"):
                value.add_(torch.randn_like(value) * 0.3)
            elif leaf in ("scale", "hc_scale"):
                value.fill_(0.7)
            elif leaf.endswith("norm"):
                value.add_(torch.randn_like(value) * 0.1)


def check(cfg: ModelConfig, length: int, device: str) -> bool:
    torch.manual_seed(1)
    ok = True
    ids = torch.randint(0, cfg.vocab, (1, length), device=device)
    state: dict[str, Tensor] = {}
    want = None
    for attn in ("sdpa", "flex"):
        for moe in ("dense", "grouped"):
            model = Model(cfg, Options(attn, moe, torch.float32)).to(device)
            if want is None:
                scramble(model)
                state = model.state()
                with torch.no_grad():
                    want = hf_model(cfg, {k: v.cpu() for k, v in state.items()}).to(device)(ids).logits
            model.load_state_dict(state)
            with torch.no_grad():
                got = model(ids)
            worst = (got - want).abs().max().item()
            ok &= worst < 1e-3
            print(f"d {cfg.d} T {length} {attn}/{moe}: max|dlogit| {worst:.2e} (logit std {want.std():.2f})")
    return ok


def main() -> None:
    ap = argparse.ArgumentParser(description=__doc__)
    ap.add_argument("--device", default="cpu")
    ap.add_argument("--shape", choices=("tiny", "bundled", "both"), default="both")
    ap.add_argument("--length", type=int, default=600)
    args = ap.parse_args()
    torch.set_float32_matmul_precision("highest")
    shapes = [c for n, c in (("tiny", TINY), ("bundled", BUNDLED)) if args.shape in (n, "both")]
    results = [check(cfg, args.length, args.device) for cfg in shapes]
    if not all(results):
        raise SystemExit("the training module does not agree with transformers")


if __name__ == "__main__":
    main()
