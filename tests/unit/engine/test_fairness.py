"""Turns that go on at the same time: who computes when, on a clock that only computing moves."""

from __future__ import annotations

import queue
from collections.abc import Callable, Sequence
from itertools import pairwise
from types import SimpleNamespace
from typing import Any

import pytest

from ds4agent.engine.generation import Defaults
from ds4agent.engine.job import Finished, Job, Message
from ds4agent.engine.slots import Slots
from ds4agent.engine.turn import PREFILL_QUANTUM
from ds4agent.engine.vocab import Vocab
from ds4agent.engine.worker import Worker
from tests.unit.engine.cache_parts import Engine
from tests.unit.engine.scripted import ScriptedModel, ScriptedSession

# What a token costs when it is sampled, in tokens of prefill.
DECODE_COST = 20.0


class Course:
    """All that is evaluated, in order: (the last character of the prompt or reply, tokens, when)."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, n: int, replies: Sequence[str]) -> None:
        self.now = 0.0
        clock = SimpleNamespace(monotonic=lambda: self.now)
        monkeypatch.setattr("ds4agent.engine.worker.time", clock)
        self.steps: list[tuple[str, int, float]] = []
        self.after_step: Callable[[], None] = lambda: None
        first = ScriptedSession(ScriptedModel(), 100_000, replies)
        first.before_eval = self._before
        vocab = Vocab(first.model)
        slots = Slots(vocab, first.empty, n)
        self.worker = Worker(vocab, slots, Defaults(0.0, 1000), None, lambda _line: None)
        self.maker = Engine()
        self.messages: queue.SimpleQueue[Message] = queue.SimpleQueue()

    def _before(self, tokens: Sequence[int]) -> None:
        self.now += len(tokens) if len(tokens) > 1 else DECODE_COST
        text = ScriptedModel().token_bytes(tokens[-1]).decode(errors="replace")
        self.steps.append((text, len(tokens), self.now))
        self.after_step()

    def job(self, text: str, **fields: Any) -> Job:
        job = self.maker.job(messages=[{"role": "user", "content": text}], thinking=False, **fields)

        job.sink = lambda message: self.messages.put(message) if isinstance(message, Finished) else None
        return job

    def run(self, *jobs: Job, n_later: int = 0) -> None:
        """All of them are there before the first is taken on; some more may come."""
        for job in jobs:
            self.worker.submit(job)
        self.worker.start()
        for _ in range(len(jobs) + n_later):
            self.messages.get(timeout=30)
        self.worker.stop()
        self.worker.join()

    def decoded(self, text: str) -> list[float]:
        return [now for what, n, now in self.steps if n == 1 and what == text]


def test_a_decoder_beside_a_long_prefill_waits_for_one_quantum_at_most(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """And it has its share of the time: a step of prefill is longer, so it has several tokens for one."""
    course = Course(monkeypatch, 2, ["a" * 60, "b"])
    course.run(course.job("x"), course.job("y" * 3000))
    times = course.decoded("a")
    assert len(times) == 60
    waits = [b - a for a, b in pairwise(times)]
    assert max(waits) == PREFILL_QUANTUM + DECODE_COST
    during = [t for t in times if t < 3000]
    assert sum(DECODE_COST for _ in during) >= 0.5 * max(during) - 2 * PREFILL_QUANTUM


def test_a_prefill_beside_a_long_answer_has_its_share(monkeypatch: pytest.MonkeyPatch) -> None:
    course = Course(monkeypatch, 2, ["a" * 500, "b"])
    course.run(course.job("x"), course.job("y" * 3000))
    end = course.decoded("b")[0]
    assert end <= 2 * 3100 + 2 * PREFILL_QUANTUM + 500


def test_eight_decoders_have_a_token_each_by_turns(monkeypatch: pytest.MonkeyPatch) -> None:
    letters = "abcdefgh"
    course = Course(monkeypatch, 8, [letter * 30 for letter in letters])
    course.run(*(course.job(f"{n}", max_tokens=20) for n in range(8)))
    decoded = "".join(what for what, n, _ in course.steps if n == 1)
    assert sorted(decoded) == sorted(letters * 20)
    for end in range(8, len(decoded) + 1):
        counts = [decoded[:end].count(letter) for letter in letters]
        assert max(counts) - min(counts) <= 2


def test_two_long_prefills_have_steps_by_turns(monkeypatch: pytest.MonkeyPatch) -> None:
    course = Course(monkeypatch, 2, ["a", "b"])
    course.run(course.job("x" * 3000), course.job("y" * 3000))
    order = [what for what, n, _ in course.steps if n == PREFILL_QUANTUM and what in "xy"]
    caught_up = order[4:30]
    assert all(a != b for a, b in pairwise(caught_up))


def test_steps_are_larger_for_one_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    course = Course(monkeypatch, 2, ["a"])
    course.run(course.job("y" * 3000))
    alone = [n for _, n, _ in course.steps if n > 1]
    assert alone[:5] == [512] * 5


def test_who_comes_later_begins_with_the_time_of_those_that_run(monkeypatch: pytest.MonkeyPatch) -> None:
    """Not with none, which would hold up the others until it has caught up."""
    course = Course(monkeypatch, 2, ["a" * 100, "b"])
    later = [course.job("y" * 1000)]

    def arrive() -> None:
        if later and len(course.decoded("a")) == 30:
            course.worker.submit(later.pop())

    course.after_step = arrive
    course.run(course.job("x"), n_later=1)
    times = course.decoded("a")
    assert sum(what == "y" for what, _, _ in course.steps) == 1000 // PREFILL_QUANTUM
    assert max(b - a for a, b in pairwise(times)) == PREFILL_QUANTUM + DECODE_COST
