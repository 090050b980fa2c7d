"""Turns that go on at the same time: who computes when, on a clock that only computing moves."""

from __future__ import annotations

import queue
from collections.abc import Sequence
from typing import Any

import pytest

from ds4agent.engine import worker as worker_module
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
        monkeypatch.setattr(worker_module.time, "monotonic", lambda: self.now)
        self.steps: list[tuple[str, int, float]] = []
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

    def job(self, text: str, **fields: Any) -> Job:
        job = self.maker.job(messages=[{"role": "user", "content": text}], thinking=False, **fields)

        def sink(message: Message) -> None:
            if not isinstance(message, Finished):
                return
            self.messages.put(message)

        job.sink = sink
        return job

    def run(self, *jobs: Job) -> None:
        """All of them are there before the first is taken on."""
        for job in jobs:
            self.worker.submit(job)
        self.worker.start()
        for _ in jobs:
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
    waits = [b - a for a, b in zip(times, times[1:], strict=False)]
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
    rounds = [decoded[at : at + 8] for at in range(0, len(decoded), 8)]
    assert all(sorted(part) == list(letters) for part in rounds)


def test_steps_are_larger_for_one_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    course = Course(monkeypatch, 2, ["a"])
    course.run(course.job("y" * 3000))
    alone = [n for _, n, _ in course.steps if n > 1]
    assert alone[:5] == [512] * 5


def test_who_comes_later_begins_with_the_time_of_those_that_run(monkeypatch: pytest.MonkeyPatch) -> None:
    """Not with none, which would hold up the others until it has caught up."""
    course = Course(monkeypatch, 2, ["a" * 60, "b" * 60])
    first, second = course.job("x"), course.job("z")
    before, submitted = course._before, False

    def late(tokens: Sequence[int]) -> None:
        nonlocal submitted
        before(tokens)
        if not submitted and len(course.decoded("a")) == 30:
            submitted = True
            course.worker.submit(second)

    course.worker._slots._make().before_eval = late  # type: ignore[attr-defined]
    monkeypatch.setattr(course, "_before", late)
    course.run_late(first, late)
    decoded = "".join(what for what, n, _ in course.steps if n == 1)
    together = decoded[31:80]
    assert "aaa" not in together
    assert "bbb" not in together
