"""Any series of prompts, on any number of sessions, with and without a disk store: the model sees exactly
the prompt, and nothing is read again that a session's end or a kept point would have given.
"""

from __future__ import annotations

import random
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import cycle
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ds4agent.engine.binding import Model, Session
from ds4agent.engine.checkpoints import MIN_GAIN, Moments
from ds4agent.engine.live import common_prefix
from ds4agent.engine.turn import Turn
from ds4agent.engine.vocab import Prompt
from ds4agent.wire.template import ASSISTANT, EOS, USER
from tests.context_model import write_context_model
from tests.unit.engine.cache_parts import Engine, raw

BLOCK = 128
MOMENTS = Moments(min_tokens=64, cold_max=700, interval=200, trim=8, align=0)
PARTS = ["a", "bc", "é", USER, ASSISTANT, EOS, "lorem ipsum " * 9, "0123456789" * 14, "long " * 50]


@dataclass(frozen=True)
class Step:
    """`how` the next prompt follows from prompt `of`; `at`: where, in thousandths; `n`: tokens to write."""

    how: str
    of: int
    at: int
    parts: tuple[int, ...]
    n: int
    idle: str


HALF = settings(max_examples=settings().max_examples // 2)
STEPS = st.lists(
    st.builds(
        Step,
        st.sampled_from(["grown", "grown", "edited", "cut", "repeated", "new", "answered"]),
        st.integers(0, 9),
        st.integers(0, 999),
        st.lists(st.integers(0, len(PARTS) - 1), min_size=1, max_size=4).map(tuple),
        st.integers(0, 3),
        st.sampled_from(["", "", "idle", "long", "restart"]),
    ),
    min_size=1,
    max_size=14,
)


def next_text(step: Step, texts: list[str]) -> str:
    more = "".join(PARTS[part] for part in step.parts)
    if not texts or step.how == "new":
        return more
    old = texts[step.of % len(texts)]
    at = len(old) * step.at // 1000
    match step.how:
        case "grown":
            return old + more
        case "edited":
            return old[:at] + more + old[at + len(more) :]
        case "cut":
            return old[:at]
        case _:
            return old


def known(engine: Engine, prompt: Prompt) -> int:
    """The most that is there: a session that the prompt continues, or the last point of what it shares."""
    best = 0
    for live in engine.slots:
        n = common_prefix(live.tokens, prompt.tokens)
        to_read = n < len(prompt.tokens)
        at_end = n == len(live) and (to_read or live.session.ready)
        best = max(best, n if at_end else live.session.nearest(n if to_read else n - 1))
    return best


def stored(engine: Engine, prompt: Prompt) -> int:
    """The most tokens of a point on disk whose text begins the prompt."""
    store = engine.store
    found = [p.n_tokens for p in store.points() if p.n_tokens <= len(prompt.tokens)] if store else []
    return max((n for n in found if _at(engine, prompt, n)), default=0)


def _at(engine: Engine, prompt: Prompt, n: int) -> bool:
    """Whether the point with so many tokens is one of this prompt, and ends between two characters."""
    key = b"".join(engine.vocab.token_key(token) for token in prompt.tokens[:n])
    point = engine.disk_store.find(key)
    whole = engine.vocab.rest(prompt, len(key)) is not None
    return point is not None and point.key_bytes == len(key) and point.n_tokens == n and whole


class Series:
    """Prompts one after the other, each looked at."""

    def __init__(self, folder: Path | None, n: int, real: Model | None = None) -> None:
        self.folder, self.n, self.real = folder, n, real
        self.engine = self._opened()
        self.texts: list[str] = []
        self.lines: list[str] = []

    def _opened(self) -> Engine:
        return Engine(self.folder, self.n, ["said " * 10] * 20, MOMENTS, real=self.real)

    def carry_out(self, step: Step) -> None:
        text = next_text(step, self.texts)
        prompt = raw(text, self.real)
        memory, disk = known(self.engine, prompt), stored(self.engine, prompt)
        reply = self.engine.raw(prompt, step.n)
        assert self.engine.at_start == prompt.tokens
        usage = reply.usage
        assert usage.prompt == len(prompt.tokens)
        assert usage.cached >= memory
        assert usage.cached >= disk - MIN_GAIN + 1
        for live in self.engine.slots:
            assert live.session.n_tokens == len(live)
            assert not live.busy
        self.texts.append(text + reply.content)
        self.rest(step.idle)

    def rest(self, how: str) -> None:
        self.lines += self.engine.lines
        self.engine.lines.clear()
        if how == "restart":
            self.close()
            if self.real is not None:
                self.engine.slots.close()
            self.engine = self._opened()
        elif how:
            self.engine.idle(how == "long")

    def close(self) -> None:
        self.engine.stop()


@pytest.mark.parametrize("with_store", [False, True], ids=["memory", "disk"])
@HALF
@given(n=st.integers(1, 4), steps=STEPS)
def test_any_series_of_prompts(with_store: bool, n: int, steps: list[Step]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        series = Series(Path(folder) if with_store else None, n)
        for step in steps:
            series.carry_out(step)
        series.close()


@pytest.mark.parametrize("with_store", [False, True], ids=["memory", "disk"])
@HALF
@given(n=st.integers(2, 4), steps=STEPS, order=st.lists(st.integers(0, 11), min_size=1, max_size=40))
def test_any_turns_at_the_same_time(with_store: bool, n: int, steps: list[Step], order: list[int]) -> None:
    """Whoever has the next step: forks of sessions that are in use see their own prompt, too."""
    texts: list[str] = []
    for step in steps:
        texts.append(next_text(step, texts))
    with tempfile.TemporaryDirectory() as folder:
        engine = Engine(Path(folder) if with_store else None, n, ["said " * 10] * 20, MOMENTS)
        going_on: list[tuple[Turn, Prompt]] = []
        for pick in cycle(order):
            if texts and engine.slots.free and (pick % 3 == 0 or not going_on):
                prompt = raw(texts.pop(0))
                turn, _ = engine.turn(engine.raw_job(prompt, 6), alone=False)
                going_on.append((turn, prompt))
            elif going_on:
                turn, prompt = going_on[pick % len(going_on)]
            else:
                break
            engine.at_start = []
            if not engine.step(turn):
                going_on.remove((turn, prompt))
            assert engine.at_start in ([], prompt.tokens)
        engine.stop()
        assert all(live.session.n_tokens == len(live) for live in engine.slots)


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Model]:
    path = tmp_path_factory.mktemp("model") / "model.gguf"
    write_context_model(path)
    with Model(path, threads=1) as model:
        yield model


def shape(rng: random.Random) -> Step:
    how = rng.choice(["grown", "edited", "edited", "cut", "repeated", "new"])
    parts = tuple(rng.choices(range(len(PARTS)), k=rng.randint(1, 5)))
    idle = rng.choice(["", "", "idle", "long", "restart"])
    return Step(how, rng.randrange(10), rng.randrange(1000), parts, 0, idle)


@pytest.mark.parametrize("seed", range(10))
def test_the_state_of_a_real_model_is_that_of_a_prompt_read_as_a_whole(
    real: Model, tmp_path: Path, seed: int
) -> None:
    """To the bit, whatever was cut back, forked, and loaded before."""
    rng = random.Random(seed)
    series = Series(tmp_path / "kv", rng.randint(1, 4), real)
    for _ in range(25):
        series.carry_out(shape(rng))
        used = max(series.engine.slots, key=lambda live: live.used, default=None)
        if used is None:
            continue  # a restart
        assert isinstance(used.session, Session)
        with real.session(used.session.n_ctx) as fresh:
            fresh.eval(used.tokens)
            assert fresh.logits() == used.session.logits()
    series.close()
    assert any("kv cache hit" in line for line in series.lines)
    series.engine.slots.close()
