"""Saving and resuming: the whole state for the machine that trains, the GGUF in parts for everyone else."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch

from ds4train import ggufio
from ds4train.config import ModelConfig
from ds4train.export import export, gguf_name, split
from ds4train.model import Model
from ds4train.muon import Optimizer

STATE = "state.pt"
MODEL = "model.gguf"


@dataclass
class Progress:
    """What a run has seen so far, over all its parts."""

    step: int = 0
    tokens: int = 0
    seconds: float = 0.0


def save_state(folder: Path, model: Model, optimizer: Optimizer, progress: Progress) -> None:
    """Everything needed to go on, written beside the old file and then renamed over it."""
    folder.mkdir(parents=True, exist_ok=True)
    partial = folder / (STATE + ".partial")
    torch.save(
        {
            "config": model.cfg.to_dict(),
            "model": model.state(),
            "optimizer": optimizer.state(),
            "progress": vars(progress),
        },
        partial,
    )
    partial.rename(folder / STATE)


def load_state(folder: Path, model: Model, optimizer: Optimizer, device: torch.device) -> Progress:
    saved = torch.load(folder / STATE, map_location=device, weights_only=True)
    if ModelConfig.from_dict(saved["config"]) != model.cfg:
        raise SystemExit(f"{folder / STATE} holds a model of another shape")
    model.load_state_dict(saved["model"])
    optimizer.load(saved["optimizer"])
    return Progress(**saved["progress"])


def save_export(folder: Path, model: Model) -> int:
    """The Q8_0 GGUF and its parts; returns the size."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / MODEL
    size = export(model.cfg, model.state(), path)
    split(path, folder / "parts")
    return size


def load_export(path: Path, model: Model) -> list[str]:
    """Start from an exported model; returns the parameters that the file lacks (they stay as they are)."""
    tensors = ggufio.read_tensors(path)
    missing = []
    with torch.no_grad():
        for name, value in model.state_dict().items():
            found = tensors.get(gguf_name(name))
            if found is None:
                missing.append(name)
            else:
                value.copy_(torch.from_numpy(found))
    return missing
