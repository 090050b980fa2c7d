"""The training package lives outside the installed program; some tests sample a small corpus of their own."""

from __future__ import annotations

import bisect
import fnmatch
import heapq
import inspect
import sched
import sys
import textwrap
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[3] / "native" / "train"))


@pytest.fixture
def small_corpus(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """A few standard modules, prepared and loaded as every part of the corpus; their texts by name."""
    from ds4train import corpus, prepare
    from ds4train.sources import Package, Source

    texts = {
        module.__name__: inspect.getsource(module) for module in (bisect, fnmatch, heapq, sched, textwrap)
    }
    package = Package("self", "MIT")
    prepare.write([Source(package, name, text, "code") for name, text in texts.items()], tmp_path)
    loaded = corpus.load(tmp_path)
    part = loaded.parts["train", "code"]
    parts = {(split, kind): part for split in ("train", "heldout") for kind in ("code", "prose", "other")}
    monkeypatch.setattr(corpus, "load", lambda: corpus.Corpus(parts, loaded.vocabulary))
    return texts
