"""Ask two independent implementations for the logits of the made-up models in `random_model`.

    pip install torch transformers==5.23.0 llama-cpp-python==0.3.36
    python native/tests/make_vectors.py            # writes native/tests/vectors/{a,b,c}.npz

transformers' DeepseekV4ForCausalLM (eager attention, float32, no cache) gives the logits that are
stored. llama.cpp then runs the same weights as a GGUF (float32 cache, flash attention off) and must
agree, so that one implementation's mistake cannot become the yardstick. The tests that use the
files need neither package.

Model c is for ds4-server's rounding of cached rows (`fake_quant.py`), which llama.cpp lacks. Rounding
is a step function: noise of 1e-7 tips a value over an edge here and there, so its logits have a noise of
their own. The script measures it (whole prompt against token by token, in transformers alone) and
stores it beside the distance that rounding makes at all.
"""

from __future__ import annotations

import ctypes
import sys
import tempfile
from pathlib import Path

import llama_cpp
import numpy as np
import numpy.typing as npt
import torch
from transformers import DeepseekV4Config, DeepseekV4ForCausalLM

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
from native.tests.fake_quant import fake_quant
from native.tests.random_model import SHAPES, Array, Shape, tensors, token_ids, write_gguf

TOKENS = 640
AGREEMENT = 2e-4
VECTORS = Path(__file__).parent / "vectors"
Logits = npt.NDArray[np.float32]

# GGUF leaf -> transformers leaf; the experts' fused gate_up_proj is put together by hand.
LAYER_NAMES = {
    "hc_attn_fn.weight": "attn_hc.fn", "hc_attn_base.weight": "attn_hc.base",
    "hc_attn_scale.weight": "attn_hc.scale", "hc_ffn_fn.weight": "ffn_hc.fn",
    "hc_ffn_base.weight": "ffn_hc.base", "hc_ffn_scale.weight": "ffn_hc.scale",
    "attn_norm.weight": "input_layernorm.weight", "ffn_norm.weight": "post_attention_layernorm.weight",
    "attn_q_a.weight": "self_attn.q_a_proj.weight", "attn_q_a_norm.weight": "self_attn.q_a_norm.weight",
    "attn_q_b.weight": "self_attn.q_b_proj.weight", "attn_kv.weight": "self_attn.kv_proj.weight",
    "attn_kv_a_norm.weight": "self_attn.kv_norm.weight", "attn_sinks.weight": "self_attn.sinks",
    "attn_output_a.weight": "self_attn.o_a_proj.weight", "attn_output_b.weight": "self_attn.o_b_proj.weight",
    "attn_compressor_ape.weight": "self_attn.compressor.position_bias",
    "attn_compressor_kv.weight": "self_attn.compressor.kv_proj.weight",
    "attn_compressor_gate.weight": "self_attn.compressor.gate_proj.weight",
    "attn_compressor_norm.weight": "self_attn.compressor.kv_norm.weight",
    "indexer.attn_q_b.weight": "self_attn.compressor.indexer.q_b_proj.weight",
    "indexer.proj.weight": "self_attn.compressor.indexer.scorer.weights_proj.weight",
    "indexer_compressor_ape.weight": "self_attn.compressor.indexer.position_bias",
    "indexer_compressor_kv.weight": "self_attn.compressor.indexer.kv_proj.weight",
    "indexer_compressor_gate.weight": "self_attn.compressor.indexer.gate_proj.weight",
    "indexer_compressor_norm.weight": "self_attn.compressor.indexer.kv_norm.weight",
    "ffn_gate_inp.weight": "mlp.gate.weight", "ffn_gate_tid2eid.weight": "mlp.gate.tid2eid",
    "exp_probs_b.bias": "mlp.gate.e_score_correction_bias",
    "ffn_down_exps.weight": "mlp.experts.down_proj",
    "ffn_gate_shexp.weight": "mlp.shared_experts.gate_proj.weight",
    "ffn_up_shexp.weight": "mlp.shared_experts.up_proj.weight",
    "ffn_down_shexp.weight": "mlp.shared_experts.down_proj.weight",
}  # fmt: skip
TOP_NAMES = {
    "token_embd.weight": "model.embed_tokens.weight", "output.weight": "lm_head.weight",
    "output_norm.weight": "model.norm.weight", "output_hc_fn.weight": "model.hc_head.hc_fn",
    "output_hc_base.weight": "model.hc_head.hc_base", "output_hc_scale.weight": "model.hc_head.hc_scale",
}  # fmt: skip


def config(s: Shape) -> DeepseekV4Config:
    scaling = {"type": "yarn", "factor": s.yarn_factor, "original_max_position_embeddings": s.yarn_original,
               "beta_fast": 32.0, "beta_slow": 1.0}  # fmt: skip
    return DeepseekV4Config(
        vocab_size=s.vocab, hidden_size=s.d, moe_intermediate_size=s.expert_ff,
        num_hidden_layers=len(s.ratios), num_attention_heads=s.heads, num_key_value_heads=1,
        head_dim=s.head_dim, qk_rope_head_dim=s.rope_dims, q_lora_rank=s.q_lora,
        num_experts_per_tok=s.experts_used, n_routed_experts=s.experts, n_shared_experts=1,
        scoring_func="sqrtsoftplus", norm_topk_prob=True, routed_scaling_factor=s.expert_scale,
        max_position_embeddings=1 << 20, rope_theta=s.rope_base, compress_rope_theta=s.compress_rope_base,
        rope_scaling=scaling, compress_ratios=list(s.ratios), num_hash_layers=s.hash_layers,
        hc_mult=s.hc, hc_sinkhorn_iters=s.sinkhorn, hc_eps=s.hc_eps, swiglu_limit=s.clamp,
        sliding_window=s.window, o_groups=s.out_groups, o_lora_rank=s.o_lora,
        index_n_heads=s.index_heads, index_head_dim=s.index_dim, index_topk=s.index_top_k,
        rms_norm_eps=s.rms_eps, attn_implementation="eager",
    )  # fmt: skip


def state_dict(weights: dict[str, Array], layers: int) -> dict[str, torch.Tensor]:
    """The same weights under transformers' names."""
    left = dict(weights)
    out = {key: torch.from_numpy(left.pop(name)) for name, key in TOP_NAMES.items()}
    for i in range(layers):
        gate, up = (left.pop(f"blk.{i}.ffn_{part}_exps.weight") for part in ("gate", "up"))
        fused = torch.from_numpy(np.concatenate([gate, up], axis=1))
        out[f"model.layers.{i}.mlp.experts.gate_up_proj"] = fused
    for name, values in left.items():
        _, layer, leaf = name.split(".", 2)
        out[f"model.layers.{layer}.{LAYER_NAMES[leaf]}"] = torch.from_numpy(values)
    return out


def transformers_model(s: Shape, weights: dict[str, Array]) -> DeepseekV4ForCausalLM:
    model = DeepseekV4ForCausalLM(config(s)).float().eval()
    missing, unexpected = model.load_state_dict(state_dict(weights, len(s.ratios)), strict=False)
    missing = [key for key in missing if "inv_freq" not in key]
    if missing or unexpected:
        raise SystemExit(f"weights do not fit: missing {missing}, unexpected {unexpected}")
    return model


def transformers_logits(model: DeepseekV4ForCausalLM, ids: npt.NDArray[np.int32]) -> Logits:
    with torch.no_grad():
        rows = model(torch.from_numpy(ids.astype(np.int64))[None], use_cache=False).logits[0]
    out: Logits = rows.float().numpy()
    return out


def token_by_token(model: DeepseekV4ForCausalLM, ids: npt.NDArray[np.int32]) -> Logits:
    cache, rows = None, []
    with torch.no_grad():
        for token in ids:
            out = model(torch.tensor([[int(token)]]), past_key_values=cache, use_cache=True)
            cache = out.past_key_values
            rows.append(out.logits[0, -1].float().numpy())
    return np.stack(rows)


# Kept for the life of the process: llama.cpp holds the bare pointer.
_QUIET = llama_cpp.llama_log_callback(lambda level, text, user_data: None)


def llama_cpp_logits(path: Path, ids: npt.NDArray[np.int32], vocab: int) -> Logits:
    llama_cpp.llama_backend_init()
    llama_cpp.llama_log_set(_QUIET, ctypes.c_void_p(0))
    model = llama_cpp.llama_model_load_from_file(str(path).encode(), llama_cpp.llama_model_default_params())
    params = llama_cpp.llama_context_default_params()
    params.n_ctx, params.n_batch, params.n_ubatch, params.n_threads = 1024, len(ids), len(ids), 2
    params.n_threads_batch = 2
    params.flash_attn_type = 0
    params.type_k = params.type_v = 0  # GGML_TYPE_F32
    context = llama_cpp.llama_init_from_model(model, params)
    batch = llama_cpp.llama_batch_init(len(ids), 0, 1)
    batch.n_tokens = len(ids)
    for i, token in enumerate(ids):
        batch.token[i], batch.pos[i], batch.n_seq_id[i] = int(token), i, 1
        batch.seq_id[i][0], batch.logits[i] = 0, 1
    if llama_cpp.llama_decode(context, batch):
        raise RuntimeError("llama_decode failed")
    out = np.empty((len(ids), vocab), np.float32)
    for i in range(len(ids)):
        out[i] = np.ctypeslib.as_array(llama_cpp.llama_get_logits_ith(context, i), (vocab,))
    llama_cpp.llama_batch_free(batch)
    llama_cpp.llama_free(context)
    llama_cpp.llama_model_free(model)
    return out


def make_exact(s: Shape) -> None:
    weights, ids = tensors(s), token_ids(s, TOKENS)
    logits = transformers_logits(transformers_model(s, weights), ids)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.gguf"
        write_gguf(path, s, weights)
        second = llama_cpp_logits(path, ids, s.vocab)
    drift = np.abs(logits - second).max(axis=1)
    same = int((logits.argmax(1) == second.argmax(1)).sum())
    print(f"{s.name}: llama.cpp differs by at most {drift.max():.1e}, same argmax {same}/{TOKENS}")
    if drift.max() > AGREEMENT or same != TOKENS:
        raise SystemExit(f"{s.name}: the two implementations disagree; no vectors written")
    np.savez_compressed(VECTORS / f"{s.name}.npz", ids=ids, logits=logits)


def make_rounded(s: Shape) -> None:
    model, ids = transformers_model(s, tensors(s)), token_ids(s, TOKENS)
    exact = transformers_logits(model, ids)
    with fake_quant(s):
        logits = transformers_logits(model, ids)
        again = token_by_token(model, ids)
    noise, effect = (np.median(np.abs(logits - other).max(axis=1)) for other in (again, exact))
    print(f"{s.name}: rounding moves logits by {effect:.1e} (median position), its noise is {noise:.1e}")
    np.savez_compressed(
        VECTORS / f"{s.name}.npz", ids=ids, logits=logits.astype(np.float16), noise=noise, effect=effect
    )


def main() -> None:
    VECTORS.mkdir(exist_ok=True)
    for name in ("a", "b"):
        make_exact(SHAPES[name])
    make_rounded(SHAPES["c"])


if __name__ == "__main__":
    main()
