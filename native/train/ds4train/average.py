"""The weighted mean of exported models of one shape.

    python -m ds4train.average OUT.gguf NEW.gguf=0.7 OLD.gguf=0.3

A run that starts from an exported model ends in the same basin, and the mean of its start and its end does
tasks that nobody trained for better than either (MODEL_CARD.md has the figures). Metadata and whole-number
tensors are those of the first model.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

from ds4train import ggufio


def average(models: list[tuple[Path, float]]) -> bytes:
    """The bytes of the mean; `models` are (file, weight), and the weights sum to 1.

    Raises ValueError where a model has other tensors than the first.
    """
    files = [path.read_bytes() for path, _ in models]
    places = [ggufio.entries(data) for data in files]
    for (path, _), place in zip(models, places, strict=True):
        if place != places[0]:
            raise ValueError(f"{path} does not have the shape of {models[0][0]}")
    out = bytearray(files[0])
    for name, entry in places[0].items():
        if entry.kind == ggufio.I32:
            continue
        mean = np.zeros(entry.shape, dtype=np.float64)
        for data, place, (_, weight) in zip(files, places, models, strict=True):
            mean += place[name].values(data).astype(np.float64) * weight
        raw = ggufio.tensor_bytes(mean.astype(np.float32), entry.kind)
        out[entry.begin : entry.begin + len(raw)] = raw
    return bytes(out)


def parse_model(text: str) -> tuple[Path, float]:
    """'FILE=WEIGHT' -> (file, weight)."""
    path, _, weight = text.rpartition("=")
    return Path(path), float(weight)


def main() -> None:
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("out", type=Path)
    ap.add_argument("models", nargs="+", type=parse_model, metavar="FILE=WEIGHT")
    args = ap.parse_args()
    total = sum(weight for _, weight in args.models)
    if abs(total - 1) > 1e-6:
        ap.error(f"the weights sum to {total:g}, not to 1")
    try:
        args.out.write_bytes(average(args.models))
    except (OSError, ValueError) as error:
        ap.error(str(error))


if __name__ == "__main__":
    main()
