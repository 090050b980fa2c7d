"""kill -9 at every call that changes the directory: what was saved stays, what was going on is whole or absent."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ds4agent.engine.kvstore import KvStore
from tests.unit.engine.kv_parts import BLOCK, Shop, add, found, in_child, key_of, sequence

CHANGES = ("write", "pwrite", "fsync", "rename", "replace", "unlink", "mkdir", "ftruncate")

ANCHOR = sequence(BLOCK + 9)
OLD = sequence(4 * BLOCK + 2)
NEW = sequence(5 * BLOCK + 1, (2 * BLOCK + 5, 1))
TOOLS = {"new": b"<new>"}


def _kill_at(k: int) -> None:
    """The k-th change from here on is not made; the k-th write is made by half. Then the process is gone."""
    left = k

    def patched(name: str, original: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any, **kwargs: Any) -> Any:
            nonlocal left
            left -= 1
            if left < 0:
                if name in ("write", "pwrite"):
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
    assert add(store, OLD, keys=keys, tools=TOOLS)


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
    tmp_path: Path, work: Callable[[KvStore], None], check: Callable[[Shop, KvStore], None]
) -> int:
    """Runs `work` in a child that is killed at its first, second, ... change, until it comes to its end."""

    def child(shop: Shop, k: int) -> None:
        _kill_at(k)
        store = shop.open()
        work(store)
        store.close()

    for k in range(500):
        shop = Shop(tmp_path / str(k))
        _prepare(shop)
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


@pytest.mark.parametrize("budget", [14_000])
def test_a_save_that_evicts(tmp_path: Path, budget: int) -> None:
    def save(store: KvStore) -> None:
        store._disk.budget = budget
        _save_new(store)

    def check(_: Shop, store: KvStore) -> None:
        if not found(store, NEW):
            found(store, OLD)
            _save_new(store)
            assert found(store, NEW)

    assert _every_kill(tmp_path, save, check) > 15
