"""Trains the model until a deadline.

    python -m ds4train.train --minutes 18 --out OUT --state STATE
    torchrun --nproc-per-node 2 -m ds4train.train ...       one process a GPU
    python -m ds4train.train --smoke                        tiny model, random data, on a CPU too

Every process holds the whole model, sums its gradients with the others and takes the same step. What
depends on the clock (learning rate, change of phase, the end) is decided by process 0 and told to the
others, or they would drift apart. The GPU is kept two steps ahead of the host at most, so that the clock
means something.
"""

from __future__ import annotations

import argparse
import os
import queue
import threading
import time
from dataclasses import dataclass, replace
from pathlib import Path

import torch
import torch.distributed as dist
from torch import Tensor

from ds4train import checkpoint, mix, warm
from ds4train.config import BUNDLED, TINY
from ds4train.feed import Feed
from ds4train.meter import Meter
from ds4train.model import Model, Options
from ds4train.muon import Optimizer, Rates
from ds4train.schedule import Schedule

_SAVE_RESERVE_S = 8.0
_PHASE_LEAD_S = 40.0


@dataclass(frozen=True)
class World:
    """This process among the others."""

    rank: int
    size: int
    device: torch.device
    clock: dist.ProcessGroup | None = None

    @classmethod
    def join(cls) -> World:
        rank, size = int(os.environ.get("RANK", 0)), int(os.environ.get("WORLD_SIZE", 1))
        cuda = torch.cuda.is_available()
        device = torch.device("cuda", int(os.environ.get("LOCAL_RANK", 0))) if cuda else torch.device("cpu")
        if cuda:
            torch.cuda.set_device(device)
        if size == 1:
            return cls(rank, size, device)
        dist.init_process_group("nccl" if cuda else "gloo", device_id=device if cuda else None)
        # The clock goes over the host network: reading it from the GPU would wait for the GPU.
        return cls(rank, size, device, dist.new_group(backend="gloo"))

    def told(self, value: float) -> float:
        """Process 0's value."""
        if self.clock is None:
            return value
        box = torch.tensor([value], dtype=torch.float64)
        dist.broadcast(box, 0, group=self.clock)
        return float(box)

    def sum(self, x: Tensor) -> Tensor:
        if self.size > 1:
            dist.all_reduce(x)
        return x


class Loader:
    """Assembles batches in a thread, in pinned memory, a few ahead."""

    def __init__(self, feed: Feed, world: World, rows: list[int]) -> None:
        self.feed, self.world, self.rows = feed, world, rows
        self.phase = 0
        self._ready: queue.Queue[tuple[int, Tensor, Tensor, int] | Exception] = queue.Queue(maxsize=3)
        threading.Thread(target=self._fill, daemon=True).start()

    def _fill(self) -> None:
        cuda = self.world.device.type == "cuda"
        if cuda:
            # A new thread starts on the first GPU, whatever this process uses.
            torch.cuda.set_device(self.world.device)
        try:
            while True:
                phase = self.phase
                batch = self.feed.batch(phase, self.rows[phase])
                pair = [torch.from_numpy(batch.tokens), torch.from_numpy(batch.codes)]
                if cuda:
                    pair = [t.pin_memory() for t in pair]
                self._ready.put((phase, pair[0], pair[1], batch.fresh))
        except Exception as error:
            self._ready.put(error)

    def take(self, phase: int) -> tuple[Tensor, Tensor, int]:
        """(tokens int64, codes, fresh rows) on the device; batches of an earlier phase are dropped."""
        self.phase = phase
        while True:
            item = self._ready.get()
            if isinstance(item, Exception):
                raise item
            made, tokens, codes, fresh = item
            if made == phase:
                device = self.world.device
                return (
                    tokens.to(device, non_blocking=True).long(),
                    codes.to(device, non_blocking=True),
                    fresh,
                )


class Trainer:
    def __init__(self, args: argparse.Namespace, world: World, feed: Feed, began: float) -> None:
        self.args, self.world, self.feed, self.began = args, world, feed, began
        lengths = [r.length for r in feed.rings]
        self.rows = [max(1, args.rows * lengths[0] // n) for n in lengths]
        torch.manual_seed(args.seed)
        torch.set_float32_matmul_precision("high")
        cfg = TINY if args.smoke else BUNDLED
        if args.smoke:
            cfg = replace(cfg, vocab=8192)
        dtype = torch.bfloat16 if world.device.type == "cuda" else torch.float32
        self.model = Model(cfg, Options(args.attn, args.moe, dtype)).to(world.device)
        if args.init:
            missing = checkpoint.load_export(args.init, self.model)
            if world.rank == 0:
                print(f"started from {args.init}; {len(missing)} tensors were not in it", flush=True)
        rates = Rates(muon=args.lr_muon, adam=args.lr_adam)
        self.optimizer = Optimizer(self.model, args.opt, rates)
        self.progress = checkpoint.Progress()
        if args.resume:
            self.progress = checkpoint.load_state(args.state, self.model, self.optimizer, world.device)
        if args.compile:
            self.model.compile_blocks()
        self.loader = Loader(feed, world, self.rows)
        self.schedule = Schedule(
            began, began + args.minutes * 60 - _SAVE_RESERVE_S, args.decay_from, args.warmup
        )
        log = args.out / "log.jsonl" if world.rank == 0 else None
        self.meter = Meter(world.device, log)
        self.counts = torch.zeros(cfg.layers, cfg.experts, device=world.device)
        self._fences: list[torch.cuda.Event] = []

    def warm_up(self) -> None:
        """Compile every length before the clock matters; gradients are thrown away."""
        for phase, ring in reversed(list(enumerate(self.feed.rings))):
            rows = max(1, self.rows[phase] // self.args.micro)
            ids = torch.randint(3, self.model.cfg.vocab, (rows, ring.length), device=self.world.device)
            start = time.time()
            loss, _, _ = self.model.score(ids, ids)
            loss.mean().backward()
            self._finish_device()
            self.say(f"compiled T {ring.length} in {time.time() - start:.0f} s")
        self.optimizer.zero()

    def _finish_device(self) -> None:
        if self.world.device.type == "cuda":
            torch.cuda.synchronize()

    def say(self, text: str) -> None:
        if self.world.rank == 0:
            print(text, flush=True)
            with (self.args.out / "log.txt").open("a") as out:
                out.write(text + "\n")

    def forward_backward(self, phase: int) -> None:
        tokens, codes, fresh = self.loader.take(phase)
        weight = (codes & ((1 << mix.WEIGHT_BITS) - 1)).float() / mix.WEIGHT_LEVELS
        source = (codes >> mix.WEIGHT_BITS).long()
        total = weight[:, 1:].sum().clamp(min=1.0)
        for part in torch.arange(tokens.shape[0]).chunk(self.args.micro):
            at = slice(int(part[0]), int(part[-1]) + 1)
            w = weight[at, 1:].flatten()
            loss, hit, counts = self.model.score(tokens[at, :-1].contiguous(), tokens[at, 1:].contiguous())
            ((loss * w).sum() / total).backward()
            self.meter.add(loss.detach(), hit, w, source[at, 1:].flatten())
            self.counts += counts
        self.meter.tokens += tokens[:, 1:].numel() * self.world.size
        self.meter.rows += tokens.shape[0]
        self.meter.fresh += fresh
        self.progress.tokens += tokens[:, 1:].numel() * self.world.size

    @torch.no_grad()
    def balance(self, rate: float) -> None:
        """Nudge each expert's selection bias towards an even share (no gradient, never in the weights)."""
        self.world.sum(self.counts)
        for count, block in zip(self.counts, self.model.blk, strict=True):
            bias = dict(block.named_buffers()).get("ffn.exp_probs_b")
            if bias is not None:
                bias += rate * torch.sign(count.mean() - count)
        self.counts.zero_()

    def step(self, phase: int, factor: float, local_step: int) -> Tensor:
        self.forward_backward(phase)
        if self.world.size > 1:
            self.world.sum(self.optimizer.flat).div_(self.world.size)
        momentum = self.schedule.momentum(local_step, self.optimizer.rates.momentum)
        norm = self.optimizer.step(factor, momentum)
        self.optimizer.zero()
        self.balance(self.args.balance_rate * factor)
        self.progress.step += 1
        self._fence()
        return norm

    def _fence(self) -> None:
        if self.world.device.type != "cuda":
            return
        event = torch.cuda.Event()
        event.record()
        self._fences.append(event)
        if len(self._fences) > 2:
            self._fences.pop(0).synchronize()

    def run(self) -> None:
        args = self.args
        phases = len(self.feed.rings)
        switch = 1 - args.phase2_fraction if phases > 1 else 2.0
        lead = _PHASE_LEAD_S / (self.schedule.end - self.schedule.start)
        logged = saved = time.time()
        local_step = 0
        while True:
            progress = self.world.told(self.schedule.progress(time.time()))
            if progress >= 1 or (args.steps and local_step >= args.steps):
                break
            if progress >= switch - lead and phases > 1:
                self.feed.use(1)
            phase = int(progress >= switch)
            factor = self.schedule.factor(progress, local_step)
            norm = self.step(phase, factor, local_step)
            local_step += 1
            now = time.time()
            if now - logged >= args.log_every:
                logged = now
                self.report(progress, factor, norm)
            if self.world.rank == 0 and now - saved >= args.save_every:
                saved = now
                self.save()
        self.report(1.0, 0.0, norm if local_step else torch.zeros(()))
        if self.world.rank == 0:
            self.save()
            self.say(f"done: {self.progress.step} steps, {self.progress.tokens / 1e6:.1f} M tokens")

    def report(self, progress: float, factor: float, norm: Tensor) -> None:
        line = self.meter.line(
            self.progress.step,
            time.time() - self.began,
            progress,
            factor,
            float(norm),
            mtok=round(self.progress.tokens / 1e6, 1),
            errors=self.feed.errors(),
            workers=self.feed.alive(),
        )
        self.say(line)

    def save(self) -> None:
        start = time.time()
        self.progress.seconds = start - self.began
        checkpoint.save_state(self.args.state, self.model, self.optimizer, self.progress)
        size = checkpoint.save_export(self.args.out, self.model)
        self.say(f"saved {size} bytes in {time.time() - start:.1f} s at step {self.progress.step}")


def parse_shares(text: str) -> dict[str, float]:
    """'sessions=0.6,code=0.4' -> shares."""
    pairs = (item.split("=") for item in text.split(",") if item)
    return {name: float(value) for name, value in pairs}


def parser() -> argparse.ArgumentParser:
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    default = ",".join(f"{k}={v}" for k, v in mix.DEFAULT_SHARES.items())
    ap.add_argument(
        "--minutes", type=float, default=18.0, help="deadline, counted from the start of the process"
    )
    ap.add_argument("--steps", type=int, default=0, help="stop earlier, after this many steps")
    ap.add_argument("--length", type=int, default=2048)
    ap.add_argument("--rows", type=int, default=64, help="rows of --length per process and step")
    ap.add_argument("--micro", type=int, default=1, help="parts that a step's rows are cut into")
    ap.add_argument("--phase2-length", type=int, default=4096)
    ap.add_argument("--phase2-fraction", type=float, default=0.2, help="last part of the time; 0 for none")
    ap.add_argument("--attn", choices=("flex", "sdpa"), default="flex")
    ap.add_argument("--moe", choices=("grouped", "dense"), default="grouped")
    ap.add_argument("--opt", choices=("muon", "adamw"), default="muon")
    ap.add_argument("--lr-muon", type=float, default=0.02)
    ap.add_argument("--lr-adam", type=float, default=3e-3)
    ap.add_argument("--decay-from", type=float, default=0.5, help="progress at which the rate starts to fall")
    ap.add_argument("--warmup", type=int, default=100, help="steps")
    ap.add_argument("--balance-rate", type=float, default=2e-3)
    ap.add_argument("--shares", type=parse_shares, default=parse_shares(default), help=f"default {default}")
    ap.add_argument("--workers", type=int, default=0, help="data processes; 0: the cores, less two a GPU")
    ap.add_argument("--seed", type=int, default=1)
    ap.add_argument("--out", type=Path, default=Path("train-out"), help="logs and the exported model")
    ap.add_argument("--state", type=Path, default=Path("train-state"), help="full checkpoint, for --resume")
    ap.add_argument("--resume", action="store_true")
    ap.add_argument("--init", type=Path, help="exported model (GGUF) to start from, with a fresh optimiser")
    ap.add_argument("--no-compile", dest="compile", action="store_false")
    ap.add_argument("--cache", type=Path, help="compiler cache file: read if there, written after compiling")
    ap.add_argument("--log-every", type=float, default=10.0)
    ap.add_argument("--save-every", type=float, default=200.0)
    ap.add_argument("--random-data", action="store_true", help="random rows instead of the project's sources")
    ap.add_argument("--smoke", action="store_true", help="tiny model, random data, a few steps")
    return ap


def smoke_settings(args: argparse.Namespace) -> None:
    cuda = torch.cuda.is_available()
    args.random_data, args.compile = True, cuda
    args.length, args.phase2_length, args.rows = 256, 512, 4
    args.minutes, args.steps, args.workers, args.warmup = 2.0, args.steps or 30, 2, 10
    args.log_every = 2.0
    if not cuda:
        args.attn = "sdpa"


def main() -> None:
    began = time.time()
    args = parser().parse_args()
    if args.smoke:
        smoke_settings(args)
    args.out.mkdir(parents=True, exist_ok=True)
    rank, size = int(os.environ.get("RANK", 0)), int(os.environ.get("WORLD_SIZE", 1))
    workers = args.workers or max(1, (os.cpu_count() or 4) // size - 2)
    lengths = [args.length] + ([args.phase2_length] if args.phase2_fraction > 0 else [])
    load = mix.random_sources if args.random_data else mix.load_sources
    # Before CUDA: a forked process cannot use a CUDA that its parent has started.
    feed = Feed(lengths, workers, args.seed * 1000 + rank, args.shares, load)
    try:
        if args.cache:
            warm.load(args.cache)
        world = World.join()
        trainer = Trainer(args, world, feed, began)
        trainer.say(
            f"{world.size} x {world.device}, {workers} workers each, rows {trainer.rows} of {lengths}"
        )
        trainer.warm_up()
        if args.cache and rank == 0:
            trainer.say(f"compiler cache: {warm.save(args.cache)} bytes")
        trainer.run()
    finally:
        feed.close()
        if dist.is_initialized():
            dist.destroy_process_group()


if __name__ == "__main__":
    main()
