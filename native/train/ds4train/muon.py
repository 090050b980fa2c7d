"""Optimisers: Muon for the matrices inside the blocks, AdamW for everything else.

Muon replaces a matrix's momentum by its nearest (semi-)orthogonal matrix, found with a few Newton-Schulz
steps in bf16. Matrices of one shape are stacked, so that a step is a handful of batched products however
many experts there are.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

_COEFFICIENTS = (3.4445, -4.7750, 2.0315)
_STEPS = 5
_NOT_MUON = ("token_embd", "head.", ".fn", "gate_inp", ".ape")


@dataclass(frozen=True)
class Rates:
    """Peak learning rates and decay; the schedule multiplies the rates."""

    muon: float = 0.02
    adam: float = 3e-3
    momentum: float = 0.95
    decay: float = 0.02


def orthogonalise(x: Tensor) -> Tensor:
    """[K, m, n] -> matrices with the same row and column spaces and singular values near 1, in bf16."""
    a, b, c = _COEFFICIENTS
    wide = x.shape[-2] <= x.shape[-1]
    x = (x if wide else x.mT).bfloat16()
    x = x / (x.float().norm(dim=(-2, -1), keepdim=True) + 1e-7).bfloat16()
    for _ in range(_STEPS):
        gram = torch.bmm(x, x.mT)
        poly = torch.baddbmm(gram, gram, gram, beta=b, alpha=c)
        x = torch.baddbmm(x, poly, x, beta=a)
    return x if wide else x.mT


class Muon:
    """Nesterov momentum, orthogonalised; every update has the same size whatever the gradient's."""

    def __init__(self, params: list[nn.Parameter], rates: Rates) -> None:
        self.rates = rates
        groups: dict[tuple[int, ...], list[nn.Parameter]] = {}
        for p in params:
            groups.setdefault(tuple(p.shape[-2:]), []).append(p)
        self.groups = list(groups.values())
        self.momenta = [torch.zeros_like(self._stack(group)) for group in self.groups]

    @staticmethod
    def _stack(tensors: list[nn.Parameter] | list[Tensor]) -> Tensor:
        return torch.cat([t.detach().reshape(-1, *t.shape[-2:]) for t in tensors])

    @torch.no_grad()
    def step(self, factor: float, momentum: float) -> None:
        lr = self.rates.muon * factor
        for group, buffer in zip(self.groups, self.momenta, strict=True):
            grad = self._stack([p.grad for p in group if p.grad is not None])
            buffer.lerp_(grad, 1 - momentum)
            update = orthogonalise(grad.lerp(buffer, momentum)).float()
            rows, cols = update.shape[-2:]
            size = lr * max(1.0, rows / cols) ** 0.5
            parts = update.split([p.numel() // (rows * cols) for p in group])
            flat = [u.reshape(p.shape) for u, p in zip(parts, group, strict=True)]
            torch._foreach_mul_(group, 1 - lr * self.rates.decay)
            torch._foreach_add_(group, flat, alpha=-size)

    def state(self) -> list[Tensor]:
        return self.momenta

    def load(self, state: list[Tensor]) -> None:
        for mine, saved in zip(self.momenta, state, strict=True):
            mine.copy_(saved)


class Optimizer:
    """Both optimisers behind one step; gradients live in one flat buffer, for the norm and the all-reduce."""

    def __init__(self, model: nn.Module, kind: str, rates: Rates) -> None:
        self.rates = rates
        named = [(n, p) for n, p in model.named_parameters() if p.requires_grad]
        use_muon = kind == "muon"
        matrices = [p for n, p in named if use_muon and p.dim() >= 2 and not any(s in n for s in _NOT_MUON)]
        chosen = {id(p) for p in matrices}
        rest = [p for _, p in named if id(p) not in chosen]
        self.muon = Muon(matrices, rates) if matrices else None
        fused = rest[0].is_cuda
        wide = [p for p in rest if p.dim() >= 2]
        thin = [p for p in rest if p.dim() < 2]
        self.adam = torch.optim.AdamW(
            [{"params": wide, "weight_decay": 0.01}, {"params": thin, "weight_decay": 0.0}],
            lr=rates.adam,
            betas=(0.9, 0.95),
            fused=fused,
        )
        params = [p for _, p in named]
        self.flat = torch.zeros(sum(p.numel() for p in params), device=params[0].device)
        for p, g in zip(params, self.flat.split([p.numel() for p in params]), strict=True):
            p.grad = g.view_as(p)

    def zero(self) -> None:
        self.flat.zero_()

    @torch.no_grad()
    def step(self, factor: float, momentum: float, clip: float = 1.0) -> Tensor:
        """One update; returns the gradient's norm before clipping. One that is not finite counts as 0."""
        norm = self.flat.norm()
        self.flat.nan_to_num_(0.0, 0.0, 0.0)
        scale = torch.where(norm.isfinite(), (clip / (norm + 1e-6)).clamp(max=1.0), torch.zeros_like(norm))
        self.flat.mul_(scale.nan_to_num(0.0))
        for group in self.adam.param_groups:
            group["lr"] = self.rates.adam * factor
        self.adam.step()
        if self.muon:
            self.muon.step(factor, momentum)
        return norm

    def state(self) -> dict[str, object]:
        return {"adam": self.adam.state_dict(), "muon": self.muon.state() if self.muon else []}

    def load(self, state: dict[str, object]) -> None:
        self.adam.load_state_dict(state["adam"])  # type: ignore[arg-type]
        if self.muon:
            self.muon.load(state["muon"])  # type: ignore[arg-type]
