"""Hyper-connections: n residual streams, read through `pre`, written through `post`, mixed by a matrix
`comb`.

`comb` is made doubly stochastic by Sinkhorn iterations: softmax over rows, then column, row, column, ...
divisions. Left to autograd that is 80 small steps per token, so it is one operator with a hand-written
backward pass. Forward keeps the divisor of every step; backward multiplies by it to walk the iterates back
instead of storing them. On a GPU the operators are the Triton kernels of kernels.py (imported there only:
the CPU has no Triton); here is the definition that the tests hold them to.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor


@torch.library.custom_op("ds4train::sinkhorn", mutates_args=())
def sinkhorn(logits: Tensor, iters: int, eps: float) -> tuple[Tensor, Tensor]:
    """logits [N, 4, 4] float32 -> (comb [N, 4, 4], divisors [2 * iters - 1, N, 4])."""
    if logits.is_cuda:
        from ds4train import kernels

        return kernels.sinkhorn_forward(logits, iters, eps)
    c = logits.softmax(-1) + eps
    divisors = []
    for step in range(2 * iters - 1):
        dim = 1 if step % 2 == 0 else 2
        s = c.sum(dim) + eps
        c = c / s.unsqueeze(dim)
        divisors.append(s)
    return c.contiguous(), torch.stack(divisors)


@sinkhorn.register_fake
def _(logits: Tensor, iters: int, eps: float) -> tuple[Tensor, Tensor]:
    return logits.new_empty(logits.shape), logits.new_empty(2 * iters - 1, logits.shape[0], 4)


@torch.library.custom_op("ds4train::sinkhorn_backward", mutates_args=())
def sinkhorn_backward(grad: Tensor, comb: Tensor, divisors: Tensor, eps: float) -> Tensor:
    if grad.is_cuda:
        from ds4train import kernels

        return kernels.sinkhorn_backward(grad.contiguous(), comb, divisors, eps)
    g, c = grad, comb
    for step in range(divisors.shape[0] - 1, -1, -1):
        dim = 1 if step % 2 == 0 else 2
        s = divisors[step].unsqueeze(dim)
        g = (g - (g * c).sum(dim, keepdim=True)) / s
        c = c * s
    p = c - eps
    return (p * (g - (g * p).sum(-1, keepdim=True))).contiguous()


@sinkhorn_backward.register_fake
def _(grad: Tensor, comb: Tensor, divisors: Tensor, eps: float) -> Tensor:
    return comb.new_empty(comb.shape)


def _save(ctx, inputs, output) -> None:  # type: ignore[no-untyped-def]
    ctx.save_for_backward(*output)
    ctx.eps = inputs[2]


def _sinkhorn_grad(ctx, grad, _):  # type: ignore[no-untyped-def]
    comb, divisors = ctx.saved_tensors
    return sinkhorn_backward(grad, comb, divisors, ctx.eps), None, None


sinkhorn.register_autograd(_sinkhorn_grad, setup_context=_save)


@torch.library.custom_op("ds4train::hc_write", mutates_args=())
def hc_write(streams: Tensor, y: Tensor, post: Tensor, comb: Tensor) -> Tensor:
    """streams [N, 4, d], y [N, d], post [N, 4], comb [N, 4, 4] -> post_k y + sum_j comb[j, k] streams_j."""
    if streams.is_cuda:
        from ds4train import kernels

        return kernels.hc_write_forward(streams, y, post, comb)
    mixed = torch.einsum("njk,njd->nkd", comb, streams.float())
    return (mixed + post[:, :, None] * y.float()[:, None]).to(streams.dtype).contiguous()


@hc_write.register_fake
def _(streams: Tensor, y: Tensor, post: Tensor, comb: Tensor) -> Tensor:
    return streams.new_empty(streams.shape)


@torch.library.custom_op("ds4train::hc_write_backward", mutates_args=())
def hc_write_backward(
    grad: Tensor, streams: Tensor, y: Tensor, post: Tensor, comb: Tensor
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    if grad.is_cuda:
        from ds4train import kernels

        return kernels.hc_write_backward(grad.contiguous(), streams, y, post, comb)
    g = grad.float()
    d_streams = torch.einsum("njk,nkd->njd", comb, g).to(streams.dtype)
    d_y = torch.einsum("nk,nkd->nd", post, g).to(y.dtype)
    d_post = torch.einsum("nkd,nd->nk", g, y.float())
    d_comb = torch.einsum("njd,nkd->njk", streams.float(), g)
    return d_streams.contiguous(), d_y.contiguous(), d_post.contiguous(), d_comb.contiguous()


@hc_write_backward.register_fake
def _(
    grad: Tensor, streams: Tensor, y: Tensor, post: Tensor, comb: Tensor
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    likes = [x.new_empty(x.shape) for x in (streams, y, post, comb)]
    return likes[0], likes[1], likes[2], likes[3]


def _save_write(ctx, inputs, output) -> None:  # type: ignore[no-untyped-def]
    ctx.save_for_backward(*inputs)


def _write_grad(ctx, grad):  # type: ignore[no-untyped-def]
    return hc_write_backward(grad, *ctx.saved_tensors)


hc_write.register_autograd(_write_grad, setup_context=_save_write)


def hc_project(streams: Tensor, fn: Tensor, rms_eps: float) -> Tensor:
    """fn applied to the streams' common rms norm, float32 [N, rows of fn]; the norm's factor goes in last."""
    flat = streams.flatten(1)
    scale = torch.rsqrt(flat.float().square().mean(-1, keepdim=True) + rms_eps)
    return F.linear(flat, fn.to(flat.dtype)).float() * scale


def hc_collapse(streams: Tensor, weights: Tensor) -> Tensor:
    """Sum of the streams [N, n, d] with weights [N, n], float32 [N, d]."""
    total = streams[:, 0].float() * weights[:, :1]
    for h in range(1, streams.shape[1]):
        total = total + streams[:, h].float() * weights[:, h : h + 1]
    return total
