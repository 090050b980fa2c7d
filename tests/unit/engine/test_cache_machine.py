"""Any series of prompts, on any number of sessions, with and without a disk store: the model sees exactly
the prompt, and nothing is read again that a session's end or a kept point would have given.
"""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ds4agent.engine.checkpoints import MIN_GAIN, Moments
from ds4agent.engine.live import common_prefix
from ds4agent.engine.vocab import Prompt
from ds4agent.wire.template import ASSISTANT, EOS, USER
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
        best = max(best, n if at_end else (n if to_read else n - 1) // BLOCK * BLOCK)
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

    def __init__(self, folder: Path | None, n: int) -> None:
        self.folder, self.n = folder, n
        self.engine = self._opened()
        self.texts: list[str] = []

    def _opened(self) -> Engine:
        return Engine(self.folder, self.n, ["said " * 10] * 20, MOMENTS)

    def carry_out(self, step: Step) -> None:
        text = next_text(step, self.texts)
        prompt = raw(text)
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
        if how == "restart":
            self.close()
            self.engine = self._opened()
        elif how:
            self.engine.idle(how == "long")

    def close(self) -> None:
        self.engine.stop()


@pytest.mark.parametrize("with_store", [False, True], ids=["memory", "disk"])
@given(n=st.integers(1, 4), steps=STEPS)
def test_any_series_of_prompts(with_store: bool, n: int, steps: list[Step]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        series = Series(Path(folder) if with_store else None, n)
        for step in steps:
            series.carry_out(step)
        series.close()
