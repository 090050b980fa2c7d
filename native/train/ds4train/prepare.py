"""Writes the token file of code and documentation that training samples from, and its manifest.

    python -m ds4train.prepare

The token file (native/train/data/, not committed) is tens of megabytes of uint16, compressed; the manifest
(native/train/DATA.md, committed) says which packages, versions, licences and how many bytes went in.
"""

from __future__ import annotations

import json
import lzma
from collections import Counter, defaultdict
from collections.abc import Iterable
from itertools import chain, islice
from pathlib import Path

import numpy as np

from ds4train import archives, corpus, sources, tok
from ds4train.sources import Source

MANIFEST = corpus.DATA_DIR.parent / "DATA.md"
_HELDOUT_EVERY = 100
_BATCH = 64


def split_of(source: Source) -> str:
    """The held-out split is decided by content alone, so that it stays the same between installations."""
    return "heldout" if int(sources.digest(source.text)[:8], 16) % _HELDOUT_EVERY == 0 else "train"


def _encoded(items: Iterable[Source]) -> Iterable[tuple[Source, list[int]]]:
    iterator = iter(items)
    while batch := list(islice(iterator, _BATCH)):
        yield from zip(
            batch, tok.load().encode_batch([item.text for item in batch], rendered=False), strict=True
        )


def write(items: Iterable[Source], folder: Path = corpus.DATA_DIR) -> list[tuple[Source, int]]:
    """Tokenises and writes the array and its index; returns what went in with its token counts."""
    parts: defaultdict[tuple[str, str], list[list[int]]] = defaultdict(list)
    used: list[tuple[Source, int]] = []
    for source, ids in _encoded(items):
        parts[split_of(source), source.kind].append(ids)
        used.append((source, len(ids)))
    folder.mkdir(parents=True, exist_ok=True)
    entries = []
    with lzma.open(folder / corpus.TOKENS_FILE, "wb", preset=6) as file:
        for (split, kind), files in sorted(parts.items()):
            entries.append({"split": split, "kind": kind, "lengths": [len(ids) for ids in files]})
            file.write(np.concatenate([np.array(ids, dtype="<u2") for ids in files]).tobytes())
    index = {"vocabulary": tok.fingerprint(), "parts": entries}
    (folder / corpus.INDEX_FILE).write_text(json.dumps(index), encoding="utf-8")
    return used


def manifest(used: list[tuple[Source, int]]) -> str:
    """The table for DATA.md."""
    files, size, count = Counter[str](), Counter[str](), Counter[str]()
    packages = {source.package.name: source.package for source, _ in used}
    for source, tokens in used:
        files[source.package.name] += 1
        size[source.package.name] += len(source.text.encode())
        count[source.package.name] += tokens
    rows = [
        f"| {name} | {sources.version(package)} | {package.licence} "
        f"| {files[name]:,} | {size[name]:,} | {count[name]:,} |"
        for name, package in packages.items()
    ]
    total, length, tokens = sum(files.values()), sum(size.values()), sum(count.values())
    return "\n".join(
        [
            "# Code and documentation that training reads",
            "",
            "Written by `python -m ds4train.prepare`. Licences are those that the packages declare in their "
            "metadata; all are permissive. MODEL_CARD.md says which runs have read what.",
            f"In all {total:,} files, {length:,} bytes, {tokens:,} tokens; "
            f"one file in {_HELDOUT_EVERY} is held out for evaluation.",
            "",
            "| package | version | licence | files | bytes | tokens |",
            "|---|---|---|---:|---:|---:|",
            *rows,
            "",
        ]
    )


def main() -> None:
    """Prepares everything."""
    used = write(chain(sources.all_sources(), archives.all_sources()))
    MANIFEST.write_text(manifest(used), encoding="utf-8")
    packed = (corpus.DATA_DIR / corpus.TOKENS_FILE).stat().st_size
    print(f"{len(used)} files, {sum(count for _, count in used):,} tokens, {packed:,} bytes compressed")


if __name__ == "__main__":
    main()
