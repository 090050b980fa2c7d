"""Routed experts plus the shared one, in two forms that give the same result.

`grouped`: assignments are sorted by expert into one buffer and every projection is a single grouped GEMM.
Shapes are static: each group is padded to a multiple of 16 rows (the alignment the GEMM's loads want)
inside a buffer that is large enough for any split. Padding rows repeat token 0 and have weight 0. Moving
rows in and out of the buffer is a gather in both directions and for both passes, because every token owns
exactly `experts_used` rows; the scatter-add that autograd would use for an indexing is far slower.

`dense`: every expert (the shared one too) runs on every token as two plain GEMMs and the routing weight,
mostly 0, scales the middle. More arithmetic, nothing to go wrong.
"""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

_ALIGN = 16


def swiglu(gate: Tensor, up: Tensor, limit: float) -> Tensor:
    """Clamped SwiGLU in float32: the gate has an upper limit, the other side both."""
    g = gate.float().clamp(max=limit)
    return F.silu(g) * up.float().clamp(-limit, limit)


def top_two(scores: Tensor) -> Tensor:
    """Indices of the two largest of the last dimension, ties to the lowest; fuses where topk would not."""
    first = scores.argmax(-1, keepdim=True)
    taken = torch.arange(scores.shape[-1], device=scores.device) == first
    second = scores.masked_fill(taken, float("-inf")).argmax(-1, keepdim=True)
    return torch.cat([first, second], -1)


class _Dispatch(torch.autograd.Function):
    """rows = x[source]; backward gathers each token's own rows."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, source: Tensor, slot: Tensor) -> Tensor:
        ctx.save_for_backward(slot)
        return x[source]

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None, None]:  # type: ignore[override]
        (slot,) = ctx.saved_tensors
        total = grad[slot[:, 0]].float()
        for k in range(1, slot.shape[1]):
            total = total + grad[slot[:, k]].float()
        return total.to(grad.dtype), None, None


class _Combine(torch.autograd.Function):
    """y[n] = sum over k of weight[n, k] * rows[slot[n, k]]; backward gathers from the tokens."""

    @staticmethod
    def forward(ctx: Any, rows: Tensor, weight: Tensor, source: Tensor, slot: Tensor) -> Tensor:
        ctx.save_for_backward(rows, weight, source, slot)
        y = rows[slot[:, 0]].float() * weight[:, :1]
        for k in range(1, slot.shape[1]):
            y = y + rows[slot[:, k]].float() * weight[:, k : k + 1]
        return y.to(rows.dtype)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, Tensor, None, None]:  # type: ignore[override]
        rows, weight, source, slot = ctx.saved_tensors
        row_weight = torch.zeros(source.shape[0], dtype=weight.dtype, device=weight.device)
        row_weight = row_weight.scatter(0, slot.flatten(), weight.flatten())
        d_rows = (grad[source].float() * row_weight[:, None]).to(rows.dtype)
        parts = [(rows[slot[:, k]].float() * grad.float()).sum(-1) for k in range(slot.shape[1])]
        return d_rows, torch.stack(parts, -1), None, None


def plan_groups(experts: Tensor, n_experts: int) -> tuple[Tensor, Tensor, Tensor]:
    """Lay [N, K] expert ids out in groups: (token of every row, row of every assignment, group ends)."""
    n, k = experts.shape
    flat = experts.flatten()
    counts = (flat[:, None] == torch.arange(n_experts, device=flat.device)).sum(0)
    padded = (counts + _ALIGN - 1) // _ALIGN * _ALIGN
    shift = (padded.cumsum(0) - padded) - (counts.cumsum(0) - counts)
    in_order, order = torch.sort(flat.to(torch.int16), stable=True)
    rows = torch.arange(n * k, device=flat.device) + shift[in_order.long()]
    slot = torch.zeros_like(flat).scatter(0, order, rows)
    size = n * k + n_experts * _ALIGN
    source = torch.zeros(size, dtype=flat.dtype, device=flat.device).scatter(0, rows, order // k)
    ends = padded.cumsum(0)
    ends = torch.cat([ends[:-1], torch.full_like(ends[:1], size)]).to(torch.int32)
    return source, slot.view(n, k), ends


def grouped_experts(
    x: Tensor, experts: Tensor, weight: Tensor, gate_up: Tensor, down: Tensor, limit: float
) -> Tensor:
    """x [N, d], experts and weight [N, K], gate_up [E, 2F, d], down [E, d, F] in x's type -> [N, d]."""
    source, slot, ends = plan_groups(experts, gate_up.shape[0])
    rows = _Dispatch.apply(x, source, slot)
    h = grouped_mm(rows, gate_up.transpose(1, 2), ends)
    gate, up = h.chunk(2, -1)
    mid = swiglu(gate, up, limit).to(x.dtype)
    out: Tensor = _Combine.apply(grouped_mm(mid, down.transpose(1, 2), ends), weight, source, slot)
    return out


def grouped_mm(a: Tensor, b: Tensor, ends: Tensor) -> Tensor:
    """Rows ends[e-1]..ends[e] of a times b[e]. The kernel is for bf16; other types (tests) use a loop."""
    if a.dtype == torch.bfloat16 and a.is_cuda:
        return torch._grouped_mm(a, b, offs=ends)
    stops = ends.tolist()
    parts = [a[s:e] @ w for s, e, w in zip([0, *stops[:-1]], stops, b, strict=True)]
    return torch.cat(parts)


def dense_experts(
    x: Tensor, experts: Tensor, weight: Tensor, gate: Tensor, up: Tensor, down: Tensor, limit: float
) -> Tensor:
    """The same with every expert on every token: gate and up [E, F, d], down [E, d, F]."""
    n_experts, ff, d = gate.shape
    ids = torch.arange(n_experts, device=x.device)
    spread = ((experts[:, :, None] == ids) * weight[:, :, None]).sum(1)
    g = F.linear(x, gate.reshape(-1, d)).view(-1, n_experts, ff)
    u = F.linear(x, up.reshape(-1, d)).view(-1, n_experts, ff)
    mid = (swiglu(g, u, limit) * spread[:, :, None]).to(x.dtype)
    return F.linear(mid.flatten(1), down.permute(1, 0, 2).reshape(d, -1))
