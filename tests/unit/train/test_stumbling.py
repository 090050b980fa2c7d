"""Mistakes in training sessions: real tools answer them so, they are not learnt, and what follows them is."""

from __future__ import annotations

import random

import pytest

from native.train.ds4train.sessions import build, stumbling
from native.train.ds4train.sessions.replay import replay
from native.train.ds4train.sessions.session import Session, body_segments


@pytest.fixture
def sessions(monkeypatch: pytest.MonkeyPatch) -> list[Session]:
    monkeypatch.setattr(stumbling, "_LOOK_SHARE", 0.7)
    monkeypatch.setattr(stumbling, "_EDIT_SHARE", 0.7)
    made = [build(random.Random(seed), "train", 6000, only="handwritten") for seed in range(30)]
    return [session for session in made if session.tasks]


def test_real_tools_answer_mistakes_as_simulated_ones_do(sessions: list[Session]) -> None:
    assert [problem for session in sessions for problem in replay(session)] == []


def test_mistakes_are_not_learnt_and_the_rest_is(sessions: list[Session]) -> None:
    kinds = set()
    for session in sessions:
        said = [segment for segment in body_segments(session.steps) if segment.text.startswith("<think>")]
        steps = [step for step in session.steps if step.kind in ("call", "answer")]
        assert [segment.weight for segment in said] == [1.0 if step.learnt else 0.0 for step in steps]
        assert steps[-1].learnt
        kinds |= {step.tool for step in steps if not step.learnt}
    assert kinds == {"bash", "str_replace_editor"}


def test_a_mistake_is_made_out_of_nothing_that_is_there(sessions: list[Session]) -> None:
    """What is looked for in vain is neither a file nor a word of the project."""
    failed = [
        step for session in sessions for step in session.steps if not step.learnt and step.tool == "bash"
    ]
    assert failed
    assert all("No such file" in step.result or step.result == "[exit code: 1]" for step in failed)
