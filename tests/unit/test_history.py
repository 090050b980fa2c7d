"""Cutting a session back: how far off the points are, what they cost, and that nothing shows afterwards."""

from __future__ import annotations

import random
from collections.abc import Iterator

import pytest

from native.tests.random_model import SHAPES, tensors, write_gguf
from tests.unit.libds4 import Model, Session

BLOCK = 128
TOKENS = 3000
CONTEXT = 3200
FLOAT = 4


@pytest.fixture(scope="module", params=("a", "b"))
def model(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Model]:
    """Windows of 128 and of 32 tokens."""
    file = tmp_path_factory.mktemp("history") / "model.gguf"
    write_gguf(file, SHAPES[request.param], tensors(SHAPES[request.param]))
    with Model(file) as opened:
        yield opened


def _ids(seed: int = 1) -> list[int]:
    return random.Random(seed).choices(range(3, 250), k=TOKENS)


def _filled(session: Session, ids: list[int]) -> None:
    for at in range(0, len(ids), 256):
        session.eval(ids[at : at + 256])


def test_every_block_is_a_point_while_all_is_kept(model: Model) -> None:
    with model.session(CONTEXT) as session:
        _filled(session, _ids())
        assert all(n - session.nearest(n) < BLOCK for n in range(TOKENS))


@pytest.mark.parametrize(("kept", "share"), [(1024, 1.0), (2048, 0.75)])
def test_points_thin_out_with_distance(model: Model, kept: int, share: float) -> None:
    """What is read again stays a share of how far back it is."""
    with model.session(CONTEXT) as whole, model.session(CONTEXT) as session:
        session.keep(kept)
        _filled(session, _ids())
        _filled(whole, _ids())
        a_row = 5 * 64 * FLOAT  # at least, over the layers
        assert whole.memory - session.memory >= (TOKENS - kept - 2 * BLOCK) * a_row
        assert all(n - session.nearest(n) <= share * (TOKENS - n + BLOCK) for n in range(TOKENS))


def test_without_history_only_the_end_and_the_beginning_are_left(model: Model) -> None:
    with model.session(CONTEXT) as session:
        session.keep(0)
        _filled(session, _ids())
        assert {session.nearest(n) for n in range(TOKENS - 2 * BLOCK)} == {0}


@pytest.mark.parametrize("seed", range(6))
def test_any_series_of_cuts_leaves_no_trace(model: Model, seed: int) -> None:
    rng = random.Random(seed)
    with model.session(CONTEXT) as session, model.session(CONTEXT) as fresh:
        session.keep(rng.choice((0, 128, 512, 16384)))
        held: list[int] = []
        for turn in range(5):
            at = session.cut(rng.randint(0, len(held)))
            new = _ids(seed * 10 + turn)[: rng.choice((1, 5, 130, 400))]
            held = held[:at] + new
            session.eval(new)
        fresh.eval(held)
        assert session.save() == fresh.save()
