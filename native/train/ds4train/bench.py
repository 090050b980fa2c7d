"""Checks and times the training step on the machine at hand, within a time limit.

    python -m ds4train.bench --limit 170 --out DIR [--variants flex/grouped,flex/dense] [--cache FILE]

In this order, so that a run that is cut short has said the most important things: the Triton kernels
against their definition; transformers, if it has the architecture; then for each variant: compile,
gradients against the plain float32 model, tokens/s of whole optimiser steps, memory, and where the time
goes (DIR/profile-*.txt).
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
from pathlib import Path

import torch
from torch import Tensor

from ds4train import hyper, warm
from ds4train.config import BUNDLED
from ds4train.model import Model, Options
from ds4train.muon import Optimizer, Rates

_CHECKED_ROWS = 2
_PARITY = Path(__file__).resolve().parents[1] / "tests" / "parity_hf.py"


def say(text: str) -> None:
    print(text, flush=True)


def check_kernels(device: torch.device) -> None:
    """The operators on the GPU against the same operators on the CPU."""
    torch.manual_seed(0)
    n, d = 1001, BUNDLED.d
    logits, grad = torch.randn(n, 4, 4) * 2, torch.randn(n, 4, 4)
    comb, divisors = hyper.sinkhorn(logits, 20, 1e-6)
    args = (torch.randn(n, 4, d), torch.randn(n, d), torch.rand(n, 4), comb)
    big = torch.randn(n, 4, d)
    want = [comb, hyper.sinkhorn_backward(grad, comb, divisors, 1e-6), hyper.hc_write(*args)]
    want += hyper.hc_write_backward(big, *args)
    there = [x.to(device) for x in args]
    comb, divisors = hyper.sinkhorn(logits.to(device), 20, 1e-6)
    got = [comb, hyper.sinkhorn_backward(grad.to(device), comb, divisors, 1e-6), hyper.hc_write(*there)]
    got += hyper.hc_write_backward(big.to(device), *there)
    worst = [float((g.cpu() - w).abs().max() / w.abs().max()) for g, w in zip(got, want, strict=True)]
    say("kernels: worst relative errors " + " ".join(f"{w:.1e}" for w in worst))
    if not max(worst) < 1e-4:
        say("KERNELS WRONG")


def check_transformers(seconds: float) -> None:
    try:
        done = subprocess.run(
            [sys.executable, str(_PARITY), "--device", "cuda", "--shape", "bundled"],
            capture_output=True,
            text=True,
            timeout=seconds,
        )
    except subprocess.TimeoutExpired:
        say("transformers: took too long, skipped")
        return
    tail = (done.stdout + done.stderr).strip().splitlines()[-4:]
    say("transformers: " + ("agrees\n" if done.returncode == 0 else "NO AGREEMENT\n") + "\n".join(tail))


def reference(state: dict[str, Tensor], ids: Tensor, targets: Tensor) -> tuple[float, dict[str, Tensor]]:
    """Loss and gradients of the plain model (float32, dense, no compiler) on a few rows."""
    torch.set_float32_matmul_precision("highest")
    model = Model(BUNDLED, Options("sdpa", "dense", torch.float32)).to(ids.device)
    model.load_state_dict(state)
    loss = model.score(ids, targets)[0].mean()
    loss.backward()
    torch.set_float32_matmul_precision("high")
    return float(loss.detach()), {n: p.grad for n, p in model.named_parameters() if p.grad is not None}


def compare(model: Model, loss: float, want: tuple[float, dict[str, Tensor]]) -> None:
    """Cosine of every gradient with the reference's; bf16 leaves some way to 1."""
    cosines = []
    for name, p in model.named_parameters():
        if p.requires_grad and p.grad is not None:
            g, w = p.grad.flatten(), want[1][name].flatten()
            cosines.append((float(torch.dot(g, w) / (g.norm() * w.norm() + 1e-20)), name))
    cosines.sort()
    worst = " ".join(f"{n} {c:.4f}" for c, n in cosines[:4])
    say(f"  loss {loss:.4f} reference {want[0]:.4f}; lowest gradient cosines: {worst}")
    if abs(loss - want[0]) > 0.02 or cosines[0][0] < 0.9:
        say("  GRADIENTS DOUBTFUL")


def repeating(rows: int, length: int, device: torch.device) -> Tensor:
    """Rows that repeat a random half: something to learn."""
    half = torch.randint(11, BUNDLED.vocab, (rows, length // 2 + 1), device=device)
    return torch.cat([half, half], 1)[:, : length + 1]


def variant(name: str, args: argparse.Namespace, deadline: float, device: torch.device) -> str:
    attn, moe = name.split("/")[:2]
    torch.manual_seed(5)
    torch.cuda.reset_peak_memory_stats()
    model = Model(BUNDLED, Options(attn, moe)).to(device)
    batch = repeating(args.rows, args.length, device)
    ids, targets = batch[:, :-1].contiguous(), batch[:, 1:].contiguous()
    few = _CHECKED_ROWS
    want = reference(model.state(), ids[:few], targets[:few])
    optimizer = Optimizer(model, args.opt, Rates())
    model.compile_blocks()
    start = time.time()
    loss = model.score(ids, targets)[0].view(args.rows, -1)[:few].mean()
    loss.backward()
    torch.cuda.synchronize()
    say(f"{name} rows {args.rows} T {args.length}: compiled in {time.time() - start:.0f} s")
    compare(model, float(loss.detach()), want)
    del want

    def step() -> Tensor:
        optimizer.zero()
        out = model.score(ids, targets)[0].mean()
        out.backward()
        optimizer.step(0.5, 0.9)
        return out.detach()

    first = float(step())
    rate = timed(step, args.rows * args.length, min(args.steps, 40), deadline)
    update = timed(lambda: optimizer.step(0.0, 0.9), 1, 5, deadline)
    last = float(step())
    memory = torch.cuda.max_memory_allocated() / 2**30
    line = f"{name:14s} {rate / 1e3:7.0f}k tok/s, optimiser {1e3 / update:.1f} ms, "
    line += f"peak {memory:.0f} GiB, loss {first:.2f} -> {last:.2f}"
    say("  " + line)
    if time.time() < deadline:
        profile(step, args.out / f"profile-{attn}-{moe}.txt")
    return line


def timed(step: object, work: int, steps: int, deadline: float) -> float:
    """`work` per second over some steps."""
    assert callable(step)
    step()
    torch.cuda.synchronize()
    start, done = time.time(), 0
    while done < steps and (done < 3 or time.time() < deadline):
        step()
        done += 1
    torch.cuda.synchronize()
    return work * done / (time.time() - start)


def profile(step: object, path: Path) -> None:
    assert callable(step)
    kinds = [torch.profiler.ProfilerActivity.CPU, torch.profiler.ProfilerActivity.CUDA]
    with torch.profiler.profile(activities=kinds) as record:
        step()
        torch.cuda.synchronize()
    table = record.key_averages().table(sort_by="self_cuda_time_total", row_limit=45)
    path.write_text(table)
    rows = sorted(record.key_averages(), key=lambda e: -e.self_device_time_total)
    for row in [r for r in rows if r.self_device_time_total and not r.key.startswith("aten::")][:16]:
        say(f"    {row.self_device_time_total / 1e3:7.2f} ms x{row.count:<4d} {row.key[:100]}")


def main() -> None:
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("--limit", type=float, default=170.0, help="seconds; no variant starts later")
    ap.add_argument("--variants", default="flex/grouped,flex/dense")
    ap.add_argument("--rows", type=int, default=64)
    ap.add_argument("--length", type=int, default=2048)
    ap.add_argument("--opt", choices=("muon", "adamw"), default="muon")
    ap.add_argument("--steps", type=int, default=20)
    ap.add_argument("--out", type=Path, default=Path("bench-out"))
    ap.add_argument("--cache", type=Path)
    ap.add_argument("--no-transformers", dest="transformers", action="store_false")
    args = ap.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    began = time.time()
    deadline = began + args.limit
    torch.set_float32_matmul_precision("high")
    if args.cache:
        warm.load(args.cache)
    say(f"torch {torch.__version__} on {torch.cuda.get_device_name()}")
    check_kernels(torch.device("cuda"))
    lines = []
    for name in args.variants.split(","):
        if time.time() > deadline - 15:
            say(f"{name}: left out, no time")
            continue
        try:
            lines.append(variant(name, args, deadline, torch.device("cuda")))
        except Exception as error:
            say(f"{name}: FAILED {type(error).__name__}: {str(error)[:1500]}")
        torch.cuda.empty_cache()
        if args.cache and len(lines) == 1:
            say(f"compiler cache: {warm.save(args.cache)} bytes")
    if args.transformers:
        check_transformers(max(20.0, deadline - time.time()))
    say(f"-- {time.time() - began:.0f} s")
    for line in lines:
        say(line)


if __name__ == "__main__":
    main()
