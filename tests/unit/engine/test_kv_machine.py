"""Random trees of sequences against a dictionary: what is found and loaded, and nothing is there twice."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from ds4agent.engine.kv.store import Point
from tests.unit.engine.kv_parts import BLOCK, Shop, add, add_rows, check, key_of

# Round lengths often, so that sequences end and fork at the ends of blocks.
lengths = st.one_of(st.integers(1, 2 * BLOCK), st.sampled_from([BLOCK - 1, BLOCK, BLOCK + 1, 2 * BLOCK]))
which = st.randoms(use_true_random=False)


class StoreMachine(RuleBasedStateMachine):
    """`known` holds every sequence that was ever made, `saved` those that were stored as points."""

    def __init__(self) -> None:
        super().__init__()
        self.temporary = tempfile.TemporaryDirectory()
        self.known: list[list[int]] = [[]]
        self.saved: dict[bytes, list[int]] = {}
        self.tools: dict[str, bytes] = {}

    @initialize(budget=st.sampled_from([0, 0, 4_000, 20_000]))
    def start(self, budget: int) -> None:
        self.shop = Shop(Path(self.temporary.name) / "kv", budget=budget)
        self.store = self.shop.open()

    def teardown(self) -> None:
        self.store.close()
        self.temporary.cleanup()

    @rule(rng=which, n=lengths, mark=st.integers(0, 2))
    def grow(self, rng: Any, n: int, mark: int) -> None:
        """A sequence that goes on from any position of another one."""
        old = rng.choice(self.known)
        at = rng.choice([len(old), len(old) // BLOCK * BLOCK, rng.randint(0, len(old))])
        if at + n <= 8 * BLOCK:
            self.known.append(old[:at] + [3 * (at + i) + mark for i in range(n)])

    @rule(rng=which, reason=st.sampled_from(["cold", "continued", "evict"]), n_tools=st.integers(0, 2))
    def save(self, rng: Any, reason: str, n_tools: int) -> None:
        tokens = rng.choice(self.known)
        new = {f"call {len(self.tools) + i}": b"<%d>" % len(self.tools) for i in range(n_tools)}
        if add(self.store, tokens, reason, new) is not None:
            self.saved[key_of(tokens)] = tokens
            self.tools.update(new)
            assert all(self.store.tool_block(call) == text for call, text in new.items())
        self.shop.clock.now += 60

    @rule(rng=which)
    def save_rows(self, rng: Any) -> None:
        tokens = rng.choice(self.known)
        if add_rows(self.store, tokens) is not None:
            assert self.store.stored_blocks(tokens) == len(tokens) // BLOCK

    @rule(rng=which)
    def look_up(self, rng: Any) -> None:
        text = key_of(rng.choice(self.known))
        present = [tokens for tokens in self.present() if text.startswith(key_of(tokens))]
        point = self.store.find(text)
        assert (point and point.n_tokens) == max(map(len, present), default=None)
        if point is not None:
            check(self.store, point, self.tokens(point))
            self.store.used(point)

    @rule(rng=which)
    def forget(self, rng: Any) -> None:
        if points := self.store.points():
            self.store.forget(rng.choice(points))

    @rule()
    def reopen(self) -> None:
        before = sorted(self.store.points(), key=lambda point: point.id)
        size = self.store.total_bytes
        self.store.close()
        self.store = self.shop.open()
        assert sorted(self.store.points(), key=lambda point: point.id) == before
        assert self.store.total_bytes == size

    def tokens(self, point: Point) -> list[int]:
        (tokens,) = (t for key, t in self.saved.items() if self.is_key_of(point, key))
        return tokens

    def is_key_of(self, point: Point, key: bytes) -> bool:
        exact = self.store.find(key)
        return exact is not None and exact.id == point.id and exact.key_bytes == len(key)

    def present(self) -> list[list[int]]:
        return [self.tokens(point) for point in self.store.points()]

    @invariant()
    def rows_are_there_once(self) -> None:
        blocks = self.shop.blocks()
        assert len(blocks) == len(set(blocks))
        held = set(blocks)
        for tokens in self.present():
            assert all(tuple(tokens[:end]) in held for end in range(BLOCK, len(tokens) + 1, BLOCK))

    @invariant()
    def sizes_are_right(self) -> None:
        assert self.store.total_bytes == self.shop.size()
        assert not self.shop.budget or self.store.total_bytes <= self.shop.budget
        assert not any("damaged" in line for line in self.shop.lines)

    @invariant()
    def without_a_budget_nothing_goes(self) -> None:
        if not self.shop.budget:
            assert not any("evicted" in line or "skipped" in line for line in self.shop.lines)


TestStore = StoreMachine.TestCase
TestStore.settings = settings(max_examples=150, stateful_step_count=30, deadline=None)
