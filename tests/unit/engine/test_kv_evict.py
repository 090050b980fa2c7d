"""Which points go when there is no room, and that the budget holds to the byte."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import pytest

from ds4agent.engine.kv.store import KvStore
from tests.unit.engine.kv_parts import (
    BLOCK,
    Shop,
    Tokens,
    add,
    add_rows,
    found,
    key_of,
    rows_of,
    sequence,
    text_of,
)


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    return Shop(tmp_path / "kv")


def _session(mark: int, n_blocks: int = 2) -> list[int]:
    return sequence(n_blocks * BLOCK, (0, mark))


def _big(store: KvStore, tokens: Tokens, frontier_bytes: int, reason: str = "evict") -> int | None:
    """A point with a frontier of this size."""
    keys = [("token-text", key_of(tokens))]
    text, rows = partial(text_of, tokens), partial(rows_of, tokens)
    return store.add_point(tokens, keys, reason, {}, text, rows, lambda: bytes(frontier_bytes))


def _reopen(shop: Shop, store: KvStore, less: int) -> KvStore:
    """With a budget that is `less` bytes below what is there."""
    shop.budget = store.total_bytes - less
    store.close()
    return shop.open()


def _left(store: KvStore) -> set[int]:
    return {point.n_tokens for point in store.points()}


def _hit(store: KvStore, tokens: Tokens, times: int = 1) -> None:
    point = store.find(key_of(tokens))
    assert point is not None
    assert point.n_tokens == len(tokens)
    for _ in range(times):
        store.used(point)


def test_nothing_goes_while_it_fits(shop: Shop) -> None:
    store = shop.open()
    for mark in range(3):
        add(store, _session(mark))
    store = _reopen(shop, store, 0)
    assert len(store.points()) == 3
    store = _reopen(shop, store, 1)
    assert len(store.points()) == 2
    assert store.total_bytes == shop.size() <= shop.budget


def test_room_is_made_to_the_byte(shop: Shop) -> None:
    store = shop.open()
    add(store, _session(1))
    one = store.total_bytes
    cost = _big(store, _session(2), 1000)
    assert cost is not None
    point = store.find(key_of(_session(2)))
    assert point is not None
    store.forget(point)
    for budget, n_left in ((one + cost, 2), (one + cost - 1, 1)):
        store.close()
        shop.budget = budget
        store = shop.open()
        assert _big(store, _session(2), 1000) == cost
        assert len(store.points()) == n_left
        point = store.find(key_of(_session(2)))
        assert point is not None
        store.forget(point)


def test_what_can_never_fit_evicts_nothing(shop: Shop) -> None:
    store = shop.open()
    add(store, _session(1))
    store = _reopen(shop, store, 0)
    before = shop.names()
    written = store.bytes_written
    assert _big(store, _session(2), shop.budget) is None
    assert (shop.names(), store.bytes_written) == (before, written)
    assert shop.lines[-1].startswith("kv cache skipped tokens=256 reason=evict because its ")
    assert "budget" in shop.lines[-1]
    assert add_rows(store, _session(3, 100)) is None
    assert shop.lines[-1].startswith("kv cache skipped tokens=12800 reason=rows because its ")
    assert shop.names() == before


def test_rows_that_must_stay_count(shop: Shop) -> None:
    """The new point fits the budget, but not beside the rows that it needs: nothing is evicted for it."""
    store = shop.open()
    add(store, _session(1, 8))
    store = _reopen(shop, store, 0)
    rows = shop.only(".rows").stat().st_size
    assert _big(store, _session(1, 8)[:-1], shop.budget - rows) is None
    assert found(store, _session(1, 8))


def test_anchors_go_last(shop: Shop) -> None:
    store = shop.open()
    _big(store, _session(1), 3000, "cold")
    _big(store, _session(2), 10)
    _hit(store, _session(2), 100)
    store = _reopen(shop, store, 1)
    assert [point.reason for point in store.points()] == ["cold"]
    store = _reopen(shop, store, 1)
    assert store.points() == []
    assert shop.names() == ["lock"]


def test_fewer_tokens_a_byte_go_first(shop: Shop) -> None:
    store = shop.open()
    _big(store, _session(1, 2), 2000)
    _big(store, _session(2, 3), 20_000)
    _big(store, _session(3, 4), 2000)
    for left in ({256, 512}, {512}):
        store = _reopen(shop, store, 1)
        assert _left(store) == left


@pytest.mark.parametrize(("first", "second"), [(1, 2), (2, 1)])
def test_the_older_of_two_that_are_alike_goes_first(shop: Shop, first: int, second: int) -> None:
    store = shop.open()
    add(store, _session(first))
    shop.clock.now += 1
    add(store, _session(second))
    store = _reopen(shop, store, 1)
    assert not found(store, _session(first))
    assert found(store, _session(second))


@pytest.mark.parametrize(("hits", "hours", "left"), [(0, 0, 3), (1, 0, 2), (1, 6, 3), (3, 6, 2), (3, 12, 3)])
def test_hits_are_worth_something_for_some_hours(shop: Shop, hits: int, hours: int, left: int) -> None:
    """Two blocks with hits, and three that are so many hours younger."""
    store = shop.open()
    used, longer = _session(1, 2), _session(2, 3)
    _big(store, used, 100_000)
    _hit(store, used, hits)
    shop.clock.now += 3600 * hours
    _big(store, longer, 100_000)
    store = _reopen(shop, store, 1)
    assert _left(store) == {left * BLOCK}


@pytest.mark.parametrize(("hours", "left"), [(3, 3), (4, 2)])
def test_what_was_not_used_for_long_goes_before_what_is_shorter(shop: Shop, hours: int, left: int) -> None:
    """Half as much again is worth three and a half hours."""
    store = shop.open()
    _big(store, _session(1, 3), 1_000_000)
    shop.clock.now += 3600 * hours
    _big(store, _session(2, 2), 1_000_000)
    store = _reopen(shop, store, 1)
    assert _left(store) == {left * BLOCK}


def test_what_is_saved_again_is_used(shop: Shop) -> None:
    store = shop.open()
    for mark in (1, 2):
        _big(store, _session(mark), 1000)
        shop.clock.now += 60
    _big(store, _session(1), 1000)
    store = _reopen(shop, store, 1)
    assert store.find(key_of(_session(1))) is not None


def test_after_years_the_one_used_last_stays(shop: Shop) -> None:
    """When all worth has faded to nothing."""
    store = shop.open()
    _big(store, _session(1, 4), 1000)
    shop.clock.now += 1
    _big(store, _session(2, 2), 1000)
    shop.clock.now += 5 * 365 * 86_400
    store = _reopen(shop, store, 1)
    assert _left(store) == {2 * BLOCK}


def test_what_a_longer_one_continues_from_is_worth_only_its_difference(shop: Shop) -> None:
    """Without the middle one 100 tokens are read again; without one alone in its session, all 256."""
    store = shop.open()
    long = sequence(6 * BLOCK)
    for n in (2 * BLOCK, 2 * BLOCK + 100):
        _big(store, long[:n], 10_000)
    _big(store, _session(9), 10_000)
    store = _reopen(shop, store, 1)
    assert [point.n_tokens for point in store.points()] == [2 * BLOCK, 2 * BLOCK]


def test_tails_that_differ_do_not_continue_each_other(shop: Shop) -> None:
    store = shop.open()
    base = sequence(2 * BLOCK)
    for tail in ([1] * 50, [2] * 60):
        _big(store, base + tail, 10_000)
    _big(store, base + [1] * 55, 10_000)
    store = _reopen(shop, store, 1)
    assert _left(store) == {2 * BLOCK + 50, 2 * BLOCK + 60}


def test_a_point_takes_along_the_rows_that_only_it_needs(shop: Shop) -> None:
    store = shop.open()
    one, two = sequence(6 * BLOCK), sequence(4 * BLOCK, (2 * BLOCK, 1))
    _big(store, one, 100)
    _big(store, two, 10_000)
    store = _reopen(shop, store, 1)
    assert _left(store) == {6 * BLOCK}
    assert len(shop.blocks()) == 6
    assert store.total_bytes == shop.size()


def test_rows_without_a_point_go_first(shop: Shop) -> None:
    store = shop.open()
    add(store, _session(1))
    add_rows(store, _session(2))
    add_rows(store, _session(2, 4))
    store = _reopen(shop, store, 1)
    assert store.stored_blocks(_session(2, 4)) == 2
    store = _reopen(shop, store, 1)
    assert store.stored_blocks(_session(2)) == 0
    assert found(store, _session(1))


def test_rows_of_the_sequence_being_saved_stay(shop: Shop) -> None:
    store = shop.open()
    add(store, _session(1))
    add_rows(store, _session(2, 4))
    add_rows(store, _session(3, 4))
    store = _reopen(shop, store, 0)
    assert _big(store, _session(3, 4), 100)
    assert len(shop.names(".rows")) == 2
    assert store.stored_blocks(_session(2, 4)) == 0
    assert found(store, _session(1))
    assert store.find(key_of(_session(3, 4))) is not None


def test_a_renewal_does_not_evict_its_own_point(shop: Shop) -> None:
    store = shop.open()
    add(store, _session(1))
    add(store, _session(2), tools={"a": b"<a>"})
    store = _reopen(shop, store, 0)
    for point in store.points():
        store.used(point)
    assert add(store, _session(1), keys=[("thinking-visible", b"seen")], tools={"b": bytes(100)})
    assert [point.n_tokens for point in store.points()] == [2 * BLOCK]
    assert found(store, _session(1))
    assert store.find(b"seen") is not None
    assert store.total_bytes == shop.size() <= shop.budget


def test_the_line_of_an_eviction(shop: Shop) -> None:
    store = shop.open()
    _big(store, _session(1), 2**20)
    _hit(store, _session(1), 3)
    path = shop.only(".point")
    _reopen(shop, store, 1)
    line = "kv cache evicted reason=disk-cache-full tokens=256 hits=3 size=1.00 MiB file="
    assert shop.lines[-1] == f"{line}{path}"


def test_other_models_are_evicted_too(shop: Shop) -> None:
    store = shop.open()
    _big(store, _session(1), 5000)
    store.close()
    other = Shop(shop.folder, fingerprint=b"model  2", budget=6000)
    store = other.open()
    assert _big(store, _session(1), 2000)
    assert len(shop.names(".point")) == 1
    assert store.total_bytes == shop.size() <= 6000


def test_a_removal_is_weighed_before_the_next(shop: Shop) -> None:
    """The longer point is worth 127 tokens while the shorter one is there, and all of its 383 after it."""
    store = shop.open()
    shorter, longer, other = _session(1), _session(1, 3)[:-1], _session(2)
    _big(store, shorter, 20_000)
    _big(store, longer, 8_000)
    _big(store, other, 10_000)
    store = _reopen(shop, store, 25_000)
    gone = [line.split("tokens=")[1].split()[0] for line in shop.lines if "evicted" in line]
    assert gone == ["256", "256"]
    assert _left(store) == {383}
