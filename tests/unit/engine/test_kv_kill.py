"""kill -9 at every call that changes the directory: what was saved stays, the rest is whole or absent."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ds4agent.engine.kv.store import KvStore
from tests.unit.engine.kv_parts import BLOCK, Shop, add, found, in_child, key_of, sequence

CHANGES = ("write", "pwrite", "fsync", "rename", "replace", "unlink", "mkdir", "ftruncate")

ANCHOR = sequence(BLOCK + 9)
OLD = sequence(4 * BLOCK + 2)
NEW = sequence(5 * BLOCK + 1, (2 * BLOCK + 5, 1))
TOOLS = {"new": b"<new>"}


def _kill_at(k: int) -> None:
    """The k-th change from here on is not made, a write is made by half; then the process is gone.

    Not so pwrite: it changes the stats, a few bytes within one sector, which a kill cannot tear.
    """
    left = k

    def patched(name: str, original: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any, **kwargs: Any) -> Any:
            nonlocal left
            left -= 1
            if left < 0:
                if name == "write":
                    original(args[0], bytes(args[1])[: len(args[1]) // 2], *args[2:])
                os.kill(os.getpid(), signal.SIGKILL)
            return original(*args, **kwargs)

        return call

    for name in CHANGES:
        setattr(os, name, patched(name, getattr(os, name)))


def _save_new(store: KvStore) -> None:
    assert add(store, NEW, tools=TOOLS)


def _renew_old(store: KvStore) -> None:
    keys = [("token-text", key_of(OLD)), ("thinking-visible", b"seen")]
    assert add(store, OLD, keys=keys, tools=TOOLS) is not None


def _forget_old(store: KvStore) -> None:
    point = store.find(key_of(OLD))
    assert point is not None
    store.forget(point)


def _prepare(shop: Shop) -> None:
    store = shop.open()
    add(store, ANCHOR, "cold")
    add(store, OLD, tools={"old": b"<old>"})
    store.close()


def _every_kill(
    tmp_path: Path,
    work: Callable[[KvStore], None],
    check: Callable[[Shop, KvStore], None],
    budget: int = 0,
) -> int:
    """Runs `work` in a child that is killed at its first, second, ... change, until it comes to its end."""

    def child(shop: Shop, k: int) -> None:
        shop.clock.now += 100
        _kill_at(k)
        store = shop.open()
        work(store)
        store.close()

    for k in range(500):
        shop = Shop(tmp_path / str(k))
        _prepare(shop)
        shop.budget = budget
        status = in_child(lambda shop=shop, k=k: child(shop, k))  # type: ignore[misc]
        assert status in (0, -signal.SIGKILL)
        shop.lines.clear()
        store = shop.open()
        assert shop.names(".tmp") == shop.names(".damaged") == shop.lines == []
        assert store.total_bytes == shop.size()
        assert found(store, ANCHOR)
        check(shop, store)
        store.close()
        if status == 0:
            return k
    raise AssertionError("the work has no end")


def test_a_save(tmp_path: Path) -> None:
    whole = 0

    def check(_: Shop, store: KvStore) -> None:
        nonlocal whole
        assert found(store, OLD)
        assert store.tool_block("old") == b"<old>"
        if found(store, NEW):
            whole += 1
            assert store.tool_block("new") == b"<new>"
        else:
            assert store.tool_block("new") is None
            _save_new(store)
            assert found(store, NEW)

    assert _every_kill(tmp_path, _save_new, check) > 15
    assert whole > 1


def test_a_renewal(tmp_path: Path) -> None:
    def check(_: Shop, store: KvStore) -> None:
        assert found(store, OLD)
        assert store.tool_block("old") == b"<old>"
        assert store.tool_block("new") in (None, b"<new>")
        _renew_old(store)
        assert store.find(b"seen") is not None
        assert store.tool_block("new") == b"<new>"

    assert _every_kill(tmp_path, _renew_old, check) > 8


def test_a_removal(tmp_path: Path) -> None:
    def check(_: Shop, store: KvStore) -> None:
        if not found(store, OLD):
            assert store.tool_block("old") is None
            add(store, OLD)
            assert found(store, OLD)

    assert _every_kill(tmp_path, _forget_old, check) > 3


def test_a_save_that_evicts(tmp_path: Path) -> None:
    """The budget is a little short of everything: the old point goes, its rows are the new one's too."""
    everything = Shop(tmp_path / "everything")
    _prepare(everything)
    store = everything.open()
    _save_new(store)
    budget = store.total_bytes - 100
    store.close()

    def check(_: Shop, store: KvStore) -> None:
        if not found(store, NEW):
            found(store, OLD)
            _save_new(store)
            assert found(store, NEW)
        assert store.total_bytes <= budget

    assert _every_kill(tmp_path, _save_new, check, budget) > 15
