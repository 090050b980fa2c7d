"""What the log says: loss per source, assistant tokens apart, speed, and whether the data kept up.

Sums stay on the device and are read once a log line, so that measuring never makes the GPU wait.
"""

from __future__ import annotations

import json
import time
from pathlib import Path

import torch
from torch import Tensor

from ds4train.mix import SOURCES

_COLUMNS = 5
_ASSISTANT_WEIGHT = 0.5


class Meter:
    """Sums per source: loss and count of weighted tokens; loss, hits and count of assistant tokens."""

    def __init__(self, device: torch.device, log: Path | None) -> None:
        self.sums = torch.zeros(len(SOURCES), _COLUMNS, device=device)
        self.log = log
        self.tokens = self.rows = self.fresh = 0
        self.since = time.time()

    @torch.no_grad()
    def add(self, loss: Tensor, hit: Tensor, weight: Tensor, source: Tensor) -> None:
        """All [N]; `source` is an index into SOURCES."""
        counted = (weight > 0).float()
        said = (weight >= _ASSISTANT_WEIGHT).float()
        columns = torch.stack([loss * counted, counted, loss * said, hit * said, said], 1)
        which = (source[:, None] == torch.arange(len(SOURCES), device=source.device)).float()
        self.sums += which.T @ columns

    def line(
        self, step: int, elapsed: float, progress: float, factor: float, norm: float, **more: float
    ) -> str:
        """Write a JSON line to the log, reset, and return the same for people."""
        rows = self.sums.cpu().tolist()
        took = max(1e-9, time.time() - self.since)
        record: dict[str, object] = {
            "step": step,
            "seconds": round(elapsed, 1),
            "progress": round(progress, 4),
            "lr": round(factor, 4),
            "norm": round(norm, 3),
            "tokens_per_s": round(self.tokens / took),
            "stale_rows": round(1 - self.fresh / max(1, self.rows), 4),
            **more,
        }
        speed = f"{self.tokens / took / 1e3:7.0f}k tok/s"
        text = [f"{step:6d} {elapsed:6.0f}s lr {factor:.2f} |g| {norm:6.2f} {speed}"]
        text.append(f"stale {record['stale_rows']:.0%}")
        for name, (loss, count, said_loss, hits, said) in zip(SOURCES, rows, strict=True):
            if not count:
                continue
            part = {"loss": loss / count, "tokens": count}
            if said:
                part |= {"said_loss": said_loss / said, "said_accuracy": hits / said}
                text.append(f"{name} {loss / count:.3f}/{said_loss / said:.3f} {hits / said:.1%}")
            record[name] = {k: round(v, 4) for k, v in part.items()}
        text += [f"{k} {v:g}" for k, v in more.items()]
        if self.log:
            with self.log.open("a") as out:
                out.write(json.dumps(record) + "\n")
        self.sums.zero_()
        self.tokens = self.rows = self.fresh = 0
        self.since = time.time()
        return " | ".join(text)
