"""The deepseek4 architecture as a lean training module: whole sequences, static shapes, one compiled graph
a block.

Parameters are float32 masters and carry their GGUF names (dots as underscores), so that the export is a
table-free walk over them. Matrix products run in the compute type (bf16 on a GPU); norms, routing,
hyper-connection weights, softmax statistics and the loss are float32. The residual streams are kept in the
compute type.

The indexer's matrices exist for the file format only: with its top_k above the number of compressed rows
the selection keeps every row, so they take no part in the forward pass and are not trained.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ds4train.attention import Mask, attend, build_mask, padded_rows
from ds4train.config import ModelConfig
from ds4train.hyper import hc_collapse, hc_project, hc_write, sinkhorn
from ds4train.moe import dense_experts, grouped_experts, swiglu, top_two
from ds4train.rope import RopeTable, rope_table, rotate

_ROUTER_FLOOR = 2.0**-14


@dataclass(frozen=True)
class Options:
    """How to compute, not what: attention core, expert dispatch, type of the matrix products."""

    attn: str = "flex"
    moe: str = "grouped"
    dtype: torch.dtype = torch.bfloat16


def rms(x: Tensor, eps: float, weight: Tensor | None = None) -> Tensor:
    """RMS norm over the last dimension, float32."""
    x = x.float()
    x = x * torch.rsqrt(x.square().mean(-1, keepdim=True) + eps)
    return x if weight is None else x * weight


def _normal(*shape: int, std: float) -> nn.Parameter:
    return nn.Parameter(torch.randn(*shape) * std)


def _matrix(*shape: int, gain: float = 1.0) -> nn.Parameter:
    return _normal(*shape, std=gain * shape[-1] ** -0.5)


class HyperConnection(nn.Module):
    """Weights of one read and write of the streams. At first: read evenly, write 1, mix by the identity."""

    def __init__(self, cfg: ModelConfig) -> None:
        super().__init__()
        n = cfg.hc
        self.cfg = cfg
        self.fn = _matrix(cfg.hc_mix, n * cfg.d)
        # A little noise tells the streams apart; without it they would stay copies of each other.
        base = 0.2 * torch.randn(cfg.hc_mix)
        base[2 * n :] += 4.0 * torch.eye(n).flatten()
        self.base = nn.Parameter(base)
        self.scale = nn.Parameter(torch.full((3,), 0.1))

    def forward(self, streams: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """streams [N, n, d] -> (block input [N, d] float32, post [N, n], comb [N, n, n])."""
        cfg, n = self.cfg, self.cfg.hc
        m = hc_project(streams, self.fn, cfg.rms_eps)
        pre = torch.sigmoid(m[:, :n] * self.scale[0] + self.base[:n]) + cfg.hc_eps
        post = 2 * torch.sigmoid(m[:, n : 2 * n] * self.scale[1] + self.base[n : 2 * n])
        logits = (m[:, 2 * n :] * self.scale[2] + self.base[2 * n :]).view(-1, n, n)
        comb, _ = sinkhorn(logits, cfg.sinkhorn_iters, cfg.hc_eps)
        return hc_collapse(streams, pre), post, comb


class Compressor(nn.Module):
    """Pools `ratio` tokens (ratio 4: two overlapping windows of 4) into one row of `width`."""

    def __init__(self, cfg: ModelConfig, ratio: int, width: int) -> None:
        super().__init__()
        self.ratio, self.width, self.eps = ratio, width, cfg.rms_eps
        self.parts = 2 if ratio == 4 else 1
        self.kv = _matrix(self.parts * width, cfg.d)
        self.gate = _matrix(self.parts * width, cfg.d)
        self.ape = _normal(ratio, self.parts * width, std=0.02)
        self.norm = nn.Parameter(torch.ones(width))

    def forward(self, kv: Tensor, gate: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
        """kv and gate [B, T, parts * width] (projected), angles of T positions -> [B, T // ratio, width]."""
        b, t, _ = kv.shape
        windows = t // self.ratio
        used = windows * self.ratio
        kv = kv[:, :used].reshape(b, windows, self.ratio, -1).float()
        gate = gate[:, :used].reshape(b, windows, self.ratio, -1).float() + self.ape
        if self.parts == 2:
            before, own = kv.chunk(2, -1)
            gate_before, gate_own = gate.chunk(2, -1)
            kv = torch.cat([F.pad(before[:, :-1], (0, 0, 0, 0, 1, 0)), own], 2)
            shifted = F.pad(gate_before[:, :-1], (0, 0, 0, 0, 1, 0), value=-1e30)
            gate = torch.cat([shifted, gate_own], 2)
        row = rms((kv * gate.softmax(2)).sum(2), self.eps, self.norm)
        return rotate(row, cos[: used : self.ratio], sin[: used : self.ratio])


class Indexer(nn.Module):
    """Storage only (see the module's comment)."""

    def __init__(self, cfg: ModelConfig) -> None:
        super().__init__()
        self.attn_q_b = _matrix(cfg.index_heads * cfg.index_dim, cfg.q_lora)
        self.proj = _matrix(cfg.index_heads, cfg.d)
        self.compressor = Compressor(cfg, 4, cfg.index_dim)
        self.requires_grad_(False)


class Attention(nn.Module):
    def __init__(self, cfg: ModelConfig, ratio: int) -> None:
        super().__init__()
        self.cfg, self.ratio = cfg, ratio
        qd = cfg.heads * cfg.head_dim
        self.q_a = _matrix(cfg.q_lora, cfg.d)
        self.q_a_norm = nn.Parameter(torch.ones(cfg.q_lora))
        self.q_b = _matrix(qd, cfg.q_lora)
        self.kv = _matrix(cfg.head_dim, cfg.d)
        self.kv_a_norm = nn.Parameter(torch.ones(cfg.head_dim))
        self.sinks = nn.Parameter(torch.zeros(cfg.heads))
        self.output_a = _matrix(cfg.out_groups * cfg.o_lora, qd // cfg.out_groups)
        self.output_b = _matrix(cfg.d, cfg.out_groups * cfg.o_lora, gain=0.5)
        self.compressor = Compressor(cfg, ratio, cfg.head_dim) if ratio else None
        self.indexer = Indexer(cfg) if ratio == 4 else None

    def forward(self, a: Tensor, rope: RopeTable, mask: Mask) -> Tensor:
        """a [B, T, d] normed, in the compute type -> [B, T, d]."""
        cfg, (cos, sin) = self.cfg, rope
        b, t, _ = a.shape
        weights = [self.q_a, self.kv]
        if self.compressor is not None:
            weights += [self.compressor.kv, self.compressor.gate]
        # One wide product instead of four narrow ones.
        projected = F.linear(a, torch.cat(weights).to(a.dtype))
        parts = projected.split([w.shape[0] for w in weights], -1)
        qr = rms(parts[0], cfg.rms_eps, self.q_a_norm).to(a.dtype)
        q = F.linear(qr, self.q_b.to(a.dtype)).view(b, t, cfg.heads, cfg.head_dim)
        q = rotate(rms(q, cfg.rms_eps), cos[:, None], sin[:, None]).to(a.dtype)
        rows = rotate(rms(parts[1], cfg.rms_eps, self.kv_a_norm), cos, sin)
        if self.compressor is not None:
            rows = torch.cat([rows, self.compressor(parts[2], parts[3], cos, sin)], 1)
        rows = F.pad(rows, (0, 0, 0, padded_rows(t, self.ratio) - rows.shape[1])).to(a.dtype)
        o = attend(q, rows, self.sinks, mask)
        o = rotate(o.float(), cos[:, None], -sin[:, None]).to(a.dtype)
        return self._project_out(o.reshape(b * t, cfg.out_groups, -1)).view(b, t, -1)

    def _project_out(self, o: Tensor) -> Tensor:
        w = self.output_a.to(o.dtype).view(self.cfg.out_groups, self.cfg.o_lora, -1)
        low = torch.bmm(o.transpose(0, 1), w.transpose(1, 2)).transpose(0, 1)
        return F.linear(low.reshape(o.shape[0], -1), self.output_b.to(o.dtype))


class Experts(nn.Module):
    def __init__(self, cfg: ModelConfig, hashed: bool, moe: str) -> None:
        super().__init__()
        self.cfg, self.hashed, self.moe = cfg, hashed, moe
        e, f, d = cfg.experts, cfg.ff, cfg.d
        self.gate_inp = _matrix(e, d)
        self.gate_exps, self.up_exps = _matrix(e, f, d), _matrix(e, f, d)
        self.down_exps = _matrix(e, d, f, gain=0.5)
        self.gate_shexp, self.up_shexp = _matrix(f, d), _matrix(f, d)
        self.down_shexp = _matrix(d, f, gain=0.5)
        if hashed:
            picks = torch.rand(cfg.vocab, e).argsort(1)[:, : cfg.experts_used]
            self.register_buffer("gate_tid2eid", picks.contiguous())
        else:
            self.register_buffer("exp_probs_b", torch.zeros(e))

    def route(self, b: Tensor, ids: Tensor) -> tuple[Tensor, Tensor]:
        """b [N, d] float32 -> (expert ids [N, K], weights [N, K] float32)."""
        probs = F.softplus(F.linear(b, self.gate_inp)).sqrt()
        if self.hashed:
            picks = self.get_buffer("gate_tid2eid")[ids]
        else:
            picks = top_two(probs.detach() + self.get_buffer("exp_probs_b"))
        # A masked sum, not a gather: its backward pass would be a scatter.
        hot = picks[:, :, None] == torch.arange(probs.shape[1], device=b.device)
        chosen = (probs[:, None] * hot).sum(-1)
        total = chosen.sum(-1, keepdim=True).clamp(min=_ROUTER_FLOOR)
        return picks, chosen / total * self.cfg.expert_scale

    def forward(self, b: Tensor, ids: Tensor, dtype: torch.dtype) -> tuple[Tensor, Tensor]:
        """b [N, d] float32, ids [N] -> (output [N, d], tokens per expert [E])."""
        picks, weight = self.route(b, ids)
        counts = (picks.flatten()[:, None] == torch.arange(self.cfg.experts, device=b.device)).sum(0)
        x, limit = b.to(dtype), self.cfg.swiglu_limit
        gate, up, down = (w.to(dtype) for w in (self.gate_exps, self.up_exps, self.down_exps))
        sg, su, sd = (w.to(dtype) for w in (self.gate_shexp, self.up_shexp, self.down_shexp))
        if self.moe == "grouped":
            y = grouped_experts(x, picks, weight, torch.cat([gate, up], 1), down, limit)
            g, u = F.linear(x, torch.cat([sg, su])).chunk(2, -1)
            return y + F.linear(swiglu(g, u, limit).to(dtype), sd), counts
        # The shared expert is one more that every token takes with weight 1.
        picks = torch.cat([picks, torch.full_like(picks[:, :1], self.cfg.experts)], 1)
        weight = torch.cat([weight, torch.ones_like(weight[:, :1])], 1)
        every = [torch.cat([w, s[None]]) for w, s in ((gate, sg), (up, su), (down, sd))]
        return dense_experts(x, picks, weight, every[0], every[1], every[2], limit), counts


class Block(nn.Module):
    def __init__(self, cfg: ModelConfig, index: int, options: Options) -> None:
        super().__init__()
        self.cfg, self.dtype = cfg, options.dtype
        self.hc_attn, self.hc_ffn = HyperConnection(cfg), HyperConnection(cfg)
        self.attn_norm = nn.Parameter(torch.ones(cfg.d))
        self.ffn_norm = nn.Parameter(torch.ones(cfg.d))
        self.attn = Attention(cfg, cfg.ratios[index])
        self.ffn = Experts(cfg, index < cfg.hash_layers, options.moe)

    def forward(self, streams: Tensor, ids: Tensor, rope: RopeTable, mask: Mask) -> tuple[Tensor, Tensor]:
        """streams [N, n, d], ids [B, T] with N = B * T -> (streams, tokens per expert)."""
        eps = self.cfg.rms_eps
        x, post, comb = self.hc_attn(streams)
        a = rms(x, eps, self.attn_norm).to(self.dtype)
        y = self.attn(a.view(*ids.shape, -1), rope, mask)
        streams = hc_write(streams, y.flatten(0, 1), post, comb)
        x, post, comb = self.hc_ffn(streams)
        y, counts = self.ffn(rms(x, eps, self.ffn_norm), ids.flatten(), self.dtype)
        return hc_write(streams, y, post, comb), counts


class Head(nn.Module):
    def __init__(self, cfg: ModelConfig, options: Options) -> None:
        super().__init__()
        self.cfg, self.dtype = cfg, options.dtype
        self.hc_fn = _matrix(cfg.hc, cfg.hc * cfg.d)
        self.hc_base = nn.Parameter(torch.zeros(cfg.hc))
        self.hc_scale = nn.Parameter(torch.full((1,), 0.1))
        self.norm = nn.Parameter(torch.ones(cfg.d))
        self.output = _normal(cfg.vocab, cfg.d, std=0.5 * cfg.d**-0.5)

    def forward(self, streams: Tensor) -> Tensor:
        """streams [N, n, d] -> logits [N, vocab] in the compute type."""
        m = hc_project(streams, self.hc_fn, self.cfg.rms_eps)
        weights = torch.sigmoid(m * self.hc_scale + self.hc_base) + self.cfg.hc_eps
        z = rms(hc_collapse(streams, weights), self.cfg.rms_eps, self.norm)
        return F.linear(z.to(self.dtype), self.output.to(self.dtype))

    def score(self, streams: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
        """Per token: cross entropy (float32) and whether the target has the highest logit."""
        logits = self(streams).float()
        at_target = logits.gather(1, targets[:, None])[:, 0]
        hit = at_target >= logits.detach().amax(-1)
        return logits.logsumexp(-1) - at_target, hit


class Model(nn.Module):
    def __init__(self, cfg: ModelConfig, options: Options | None = None) -> None:
        super().__init__()
        self.cfg, self.options = cfg, options or Options()
        self.token_embd = _normal(cfg.vocab, cfg.d, std=0.5)
        self.blk = nn.ModuleList(Block(cfg, i, self.options) for i in range(cfg.layers))
        self.head = Head(cfg, self.options)
        self._score: Callable[[Tensor, Tensor], tuple[Tensor, Tensor]] = self.head.score
        self._tables: dict[int, tuple[dict[bool, RopeTable], dict[int, Mask]]] = {}

    def compile_blocks(self) -> None:
        """One graph a kind of block and length; layers of a kind share it, which saves compile time."""
        torch._dynamo.config.recompile_limit = 64
        for block in self.blk:
            block.compile(fullgraph=True, dynamic=False)
        self._score = torch.compile(self.head.score, fullgraph=True, dynamic=False)

    def tables(self, length: int, device: torch.device) -> tuple[dict[bool, RopeTable], dict[int, Mask]]:
        if length not in self._tables:
            tables = {c: rope_table(self.cfg, length, c) for c in (False, True)}
            rope = {c: (cos.to(device), sin.to(device)) for c, (cos, sin) in tables.items()}
            mask = {
                r: build_mask(length, r, self.cfg.window, self.options.attn, device)
                for r in set(self.cfg.ratios)
            }
            self._tables[length] = rope, mask
        return self._tables[length]

    def body(self, ids: Tensor) -> tuple[Tensor, Tensor]:
        """ids [B, T] -> (streams [B * T, n, d], tokens per expert [layers, E])."""
        rope, mask = self.tables(ids.shape[1], ids.device)
        e = F.embedding(ids.flatten(), self.token_embd).to(self.options.dtype)
        streams = e[:, None].expand(-1, self.cfg.hc, -1).contiguous()
        counts = []
        for ratio, block in zip(self.cfg.ratios, self.blk, strict=True):
            streams, count = block(streams, ids, rope[ratio > 0], mask[ratio])
            counts.append(count)
        return streams, torch.stack(counts)

    def forward(self, ids: Tensor) -> Tensor:
        """ids [B, T] -> logits [B, T, vocab]."""
        logits: Tensor = self.head(self.body(ids)[0])
        return logits.view(*ids.shape, -1)

    def score(self, ids: Tensor, targets: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """ids and targets [B, T] -> (cross entropy [B * T], hit [B * T], tokens per expert [layers, E])."""
        streams, counts = self.body(ids)
        loss, hit = self._score(streams, targets.flatten())
        return loss, hit, counts

    def state(self) -> dict[str, Any]:
        return {k: v.detach() for k, v in self.state_dict().items()}
