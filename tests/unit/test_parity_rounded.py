"""ds4-server's rounding of cached rows (FP8 rows, Hadamard and FP4 for the indexer, f16 storage).

Rounding is a step function, so two correct implementations differ where noise of 1e-7 tips a value
over an edge. The vectors carry that noise, measured in transformers alone, and the effect that
rounding has at all, some fifty times as large: what is asked is to be with the former.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from native.tests.random_model import SHAPES, tensors, write_gguf
from tests.unit.libds4 import EXACT, FAKE_QUANT, KERNEL_SETS, Logits, open_with

VECTORS = Path(__file__).parents[2] / "native" / "tests" / "vectors" / "c.npz"
NOISE_FACTOR = 3
SAME_ARGMAX = 0.97


def _logits(path: Path, kernels: str, kv_mode: int, ids: list[int]) -> Logits | None:
    model = open_with(path, kernels, kv_mode)
    if model is None:
        return None
    with model, model.session(len(ids)) as session:
        return session.eval(ids)


@pytest.mark.slow
def test_rounded_rows_agree(tmp_path: Path) -> None:
    path = tmp_path / "c.gguf"
    write_gguf(path, SHAPES["c"], tensors(SHAPES["c"]))
    with np.load(VECTORS) as stored:
        ids, wanted = stored["ids"].tolist(), stored["logits"].astype(np.float32)
        noise, effect = float(stored["noise"]), float(stored["effect"])
    for kernels in KERNEL_SETS:
        found = _logits(path, kernels, FAKE_QUANT, ids)
        if found is not None:
            assert np.median(np.abs(found - wanted).max(axis=1)) <= NOISE_FACTOR * noise, kernels
            assert (found.argmax(axis=1) == wanted.argmax(axis=1)).mean() >= SAME_ARGMAX, kernels
    exact = _logits(path, "scalar", EXACT, ids)
    assert exact is not None
    assert np.median(np.abs(exact - wanted).max(axis=1)) >= effect / 2, "exact rows are not rounded"
