"""The compiler's results as one file: a machine that starts bare need not compile what another one has."""

from __future__ import annotations

from pathlib import Path

import torch


def load(path: Path) -> None:
    """Put the file's kernels into this process's caches; without the file nothing happens."""
    if path.exists():
        torch.compiler.load_cache_artifacts(path.read_bytes())


def save(path: Path) -> int:
    """Write what this process has compiled or loaded; returns the size, 0 if there was nothing."""
    artifacts = torch.compiler.save_cache_artifacts()
    if artifacts is None:
        return 0
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(artifacts[0])
    return len(artifacts[0])
