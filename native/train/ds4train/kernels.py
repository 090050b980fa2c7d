"""Triton kernels of the hyper-connections; hyper.py defines what they compute and when they are used.

All of them are bound by memory: each reads its inputs once and writes its outputs once. Streams are four
because the unrolled loads below say so (the format's only published count).
"""

from __future__ import annotations

import torch
import triton
import triton.language as tl
from torch import Tensor


@triton.jit
def _sinkhorn_fwd(logits, comb, divisors, n, STEPS: tl.constexpr, EPS: tl.constexpr, BLOCK: tl.constexpr):
    token = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    four = tl.arange(0, 4)
    live = token < n
    at = token[:, None, None] * 16 + four[None, :, None] * 4 + four[None, None, :]
    live3 = live[:, None, None] & (at >= 0)
    c = tl.load(logits + at, mask=live3, other=0.0)
    c = tl.exp(c - tl.max(c, axis=2)[:, :, None])
    c = c / tl.sum(c, axis=2)[:, :, None] + EPS
    at2 = token[:, None] * 4 + four[None, :]
    live2 = live[:, None] & (at2 >= 0)
    s = tl.sum(c, axis=1) + EPS
    tl.store(divisors + at2, s, mask=live2)
    c = c / s[:, None, :]
    for step in range(1, STEPS, 2):
        r = tl.sum(c, axis=2) + EPS
        tl.store(divisors + step * n * 4 + at2, r, mask=live2)
        c = c / r[:, :, None]
        s = tl.sum(c, axis=1) + EPS
        tl.store(divisors + (step + 1) * n * 4 + at2, s, mask=live2)
        c = c / s[:, None, :]
    tl.store(comb + at, c, mask=live3)


@triton.jit
def _sinkhorn_bwd(grad, comb, divisors, out, n, STEPS: tl.constexpr, EPS: tl.constexpr, BLOCK: tl.constexpr):
    token = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    four = tl.arange(0, 4)
    live = token < n
    at = token[:, None, None] * 16 + four[None, :, None] * 4 + four[None, None, :]
    live3 = live[:, None, None] & (at >= 0)
    g = tl.load(grad + at, mask=live3, other=0.0)
    c = tl.load(comb + at, mask=live3, other=0.0)
    at2 = token[:, None] * 4 + four[None, :]
    live2 = live[:, None] & (at2 >= 0)
    for k in range(STEPS // 2):
        step = STEPS - 1 - 2 * k
        s = tl.load(divisors + step * n * 4 + at2, mask=live2, other=1.0)
        g = (g - tl.sum(g * c, axis=1)[:, None, :]) / s[:, None, :]
        c = c * s[:, None, :]
        r = tl.load(divisors + (step - 1) * n * 4 + at2, mask=live2, other=1.0)
        g = (g - tl.sum(g * c, axis=2)[:, :, None]) / r[:, :, None]
        c = c * r[:, :, None]
    s = tl.load(divisors + at2, mask=live2, other=1.0)
    g = (g - tl.sum(g * c, axis=1)[:, None, :]) / s[:, None, :]
    p = c * s[:, None, :] - EPS
    tl.store(out + at, p * (g - tl.sum(g * p, axis=2)[:, :, None]), mask=live3)


def sinkhorn_forward(logits: Tensor, iters: int, eps: float) -> tuple[Tensor, Tensor]:
    logits = logits.contiguous()
    n, steps = logits.shape[0], 2 * iters - 1
    comb = torch.empty_like(logits)
    divisors = logits.new_empty(steps, n, 4)
    block = 64
    _sinkhorn_fwd[(triton.cdiv(n, block),)](logits, comb, divisors, n, STEPS=steps, EPS=eps, BLOCK=block)
    return comb, divisors


def sinkhorn_backward(grad: Tensor, comb: Tensor, divisors: Tensor, eps: float) -> Tensor:
    n, steps = comb.shape[0], divisors.shape[0]
    out = torch.empty_like(comb)
    block = 64
    _sinkhorn_bwd[(triton.cdiv(n, block),)](grad, comb, divisors, out, n, STEPS=steps, EPS=eps, BLOCK=block)
    return out


@triton.jit
def _write_fwd(streams, y, post, comb, out, D: tl.constexpr):
    n = tl.program_id(0).to(tl.int64)
    col = tl.arange(0, D)
    base = n * 4 * D + col
    s0 = tl.load(streams + base).to(tl.float32)
    s1 = tl.load(streams + base + D).to(tl.float32)
    s2 = tl.load(streams + base + 2 * D).to(tl.float32)
    s3 = tl.load(streams + base + 3 * D).to(tl.float32)
    v = tl.load(y + n * D + col).to(tl.float32)
    for k in tl.static_range(4):
        c = comb + n * 16 + k
        o = tl.load(post + n * 4 + k) * v + tl.load(c) * s0 + tl.load(c + 4) * s1
        o += tl.load(c + 8) * s2 + tl.load(c + 12) * s3
        tl.store(out + base + k * D, o.to(out.dtype.element_ty))


@triton.jit
def _write_bwd(grad, streams, y, post, comb, d_streams, d_y, d_post, d_comb, D: tl.constexpr):
    n = tl.program_id(0).to(tl.int64)
    col = tl.arange(0, D)
    base = n * 4 * D + col
    g0 = tl.load(grad + base).to(tl.float32)
    g1 = tl.load(grad + base + D).to(tl.float32)
    g2 = tl.load(grad + base + 2 * D).to(tl.float32)
    g3 = tl.load(grad + base + 3 * D).to(tl.float32)
    v = tl.load(y + n * D + col).to(tl.float32)
    p = post + n * 4
    dv = tl.load(p) * g0 + tl.load(p + 1) * g1 + tl.load(p + 2) * g2 + tl.load(p + 3) * g3
    tl.store(d_y + n * D + col, dv.to(d_y.dtype.element_ty))
    q = d_post + n * 4
    tl.store(q, tl.sum(g0 * v, axis=0))
    tl.store(q + 1, tl.sum(g1 * v, axis=0))
    tl.store(q + 2, tl.sum(g2 * v, axis=0))
    tl.store(q + 3, tl.sum(g3 * v, axis=0))
    for j in tl.static_range(4):
        c = comb + n * 16 + j * 4
        ds = tl.load(c) * g0 + tl.load(c + 1) * g1 + tl.load(c + 2) * g2 + tl.load(c + 3) * g3
        tl.store(d_streams + base + j * D, ds.to(d_streams.dtype.element_ty))
        s = tl.load(streams + base + j * D).to(tl.float32)
        r = d_comb + n * 16 + j * 4
        tl.store(r, tl.sum(s * g0, axis=0))
        tl.store(r + 1, tl.sum(s * g1, axis=0))
        tl.store(r + 2, tl.sum(s * g2, axis=0))
        tl.store(r + 3, tl.sum(s * g3, axis=0))


def hc_write_forward(streams: Tensor, y: Tensor, post: Tensor, comb: Tensor) -> Tensor:
    n, _, d = streams.shape
    out = streams.new_empty(streams.shape)
    args = [x.contiguous() for x in (streams, y, post, comb)]
    _write_fwd[(n,)](*args, out, D=d, num_warps=1)
    return out


def hc_write_backward(
    grad: Tensor, streams: Tensor, y: Tensor, post: Tensor, comb: Tensor
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    n, _, d = streams.shape
    d_streams, d_y, d_post, d_comb = (x.new_empty(x.shape) for x in (streams, y, post, comb))
    args = [x.contiguous() for x in (grad, streams, y, post, comb)]
    _write_bwd[(n,)](*args, d_streams, d_y, d_post, d_comb, D=d, num_warps=1)
    return d_streams, d_y, d_post, d_comb
