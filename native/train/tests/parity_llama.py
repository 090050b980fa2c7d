"""Checks an export against llama.cpp: the F32 GGUF of a random model must give the training module's logits.

    python parity_llama.py [--length 600]

Needs torch and llama-cpp-python. The cache is F32 and flash attention is off, as in every exact comparison.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

import numpy as np
import torch

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from ds4train.config import BUNDLED
from ds4train.export import export
from ds4train.model import Model, Options
from parity_hf import scramble


def main() -> None:
    ap = argparse.ArgumentParser(description=__doc__)
    ap.add_argument("--length", type=int, default=600)
    args = ap.parse_args()
    from llama_cpp import Llama

    torch.manual_seed(3)
    model = Model(BUNDLED, Options("sdpa", "dense", torch.float32))
    scramble(model)
    ids = torch.randint(0, BUNDLED.vocab, (1, args.length))
    with torch.no_grad():
        want = model(ids)[0].numpy()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "random-f32.gguf"
        export(BUNDLED, model.state(), path, f32=True)
        llama = Llama(str(path), n_ctx=1024, n_threads=2, logits_all=True, type_k=0, type_v=0, verbose=False)
        llama.eval(ids[0].tolist())
        got = np.array(llama.scores[: args.length])
    worst = float(np.abs(got - want).max())
    same = int((got.argmax(-1) == want.argmax(-1)).sum())
    print(f"max|dlogit| {worst:.2e}, argmax agrees at {same} of {args.length}")
    if not worst < 1e-3:
        raise SystemExit("llama.cpp does not agree with the training module")


if __name__ == "__main__":
    main()
