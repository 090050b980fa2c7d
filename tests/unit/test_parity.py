"""libds4 against the logits of two independent implementations, on models that exercise every path.

The vectors (native/tests/vectors) come from native/tests/make_vectors.py; the weights are made again
here. 640 tokens cross the window, many ratio-4 and ratio-128 rows and the indexer's cut-off.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np
import pytest

from native.tests.random_model import SHAPES, tensors, write_gguf
from tests.unit.libds4 import KERNEL_SETS, Logits, Model, Session, open_with

VECTORS = Path(__file__).parents[2] / "native" / "tests" / "vectors"
EXACT_SHAPES = ("a", "b")
TOLERANCE = 1e-3
CONTEXT = 700
CHUNK = 97


@pytest.fixture(scope="module", params=EXACT_SHAPES)
def shape(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def path(shape: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("parity") / f"{shape}.gguf"
    write_gguf(file, SHAPES[shape], tensors(SHAPES[shape]))
    return file


@cache
def _vectors(shape: str) -> tuple[list[int], Logits]:
    with np.load(VECTORS / f"{shape}.npz") as stored:
        return stored["ids"].tolist(), stored["logits"]


def _in_chunks(session: Session, ids: list[int], size: int) -> Logits:
    return np.concatenate([session.eval(ids[i : i + size]) for i in range(0, len(ids), size)])


def _assert_same(found: Logits, wanted: Logits) -> None:
    assert np.abs(found - wanted).max() <= TOLERANCE
    assert (found.argmax(axis=1) == wanted.argmax(axis=1)).all()


@pytest.mark.parametrize("kernels", KERNEL_SETS)
def test_every_kernel_set_agrees(path: Path, shape: str, kernels: str) -> None:
    ids, wanted = _vectors(shape)
    model = open_with(path, kernels)
    if model is None:
        return
    with model, model.session(CONTEXT) as session:
        assert model.kernels.startswith(kernels)
        _assert_same(session.eval(ids), wanted)


@pytest.mark.parametrize("size", [pytest.param(1, marks=pytest.mark.slow), CHUNK])
def test_any_split_of_the_prompt_agrees(path: Path, shape: str, size: int) -> None:
    ids, wanted = _vectors(shape)
    with Model(path) as model, model.session(CONTEXT) as session:
        _assert_same(_in_chunks(session, ids, size), wanted)


@pytest.mark.parametrize("threads", [1, 3])
def test_the_number_of_threads_does_not_show(path: Path, shape: str, threads: int) -> None:
    ids, wanted = _vectors(shape)
    with Model(path, threads=threads) as model, model.session(CONTEXT) as session:
        _assert_same(session.eval(ids), wanted)


# Inside the window; on and next to the ends of ratio-4 and ratio-128 rows; past the indexer's cut-off.
@pytest.mark.parametrize("cut", [1, 31, 127, 128, 129, 383, 510])
def test_saved_loaded_and_continued_is_never_saved(path: Path, shape: str, cut: int) -> None:
    ids, _ = _vectors(shape)
    with Model(path) as model, model.session(CONTEXT) as whole, model.session(CONTEXT) as other:
        whole.eval(ids[:cut])
        saved = whole.save()
        rest = _in_chunks(whole, ids[cut:], CHUNK)
        other.load(saved)
        assert other.save() == saved
        assert _in_chunks(other, ids[cut:], CHUNK).tobytes() == rest.tobytes()
