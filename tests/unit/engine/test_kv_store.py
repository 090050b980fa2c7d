"""The disk store: saving, finding, loading, and who may use the directory."""

from __future__ import annotations

import os
import resource
import signal
import stat
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import pytest

from ds4agent.engine.kv.store import Damaged, KvStore, StoreError
from tests.unit.engine.kv_parts import (
    BLOCK,
    BLOCK_BYTES,
    FINGERPRINT,
    Shop,
    add,
    add_rows,
    check,
    found,
    frontier_of,
    in_child,
    key_of,
    rows_of,
    sequence,
    text_of,
)


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    return Shop(tmp_path / "kv")


def test_a_point_is_loaded_as_it_was_saved(shop: Shop) -> None:
    tokens = sequence(3 * BLOCK + 5)
    store = shop.open()
    written = add(store, tokens)
    assert written == store.bytes_written == store.total_bytes == shop.size()
    point = store.find(key_of(tokens) + b" and more")
    assert point is not None
    assert (point.n_tokens, point.reason, point.kind) == (len(tokens), "continued", "token-text")
    assert point.key_bytes == len(key_of(tokens))
    assert point.path == shop.only(".point")
    check(store, point, tokens)
    store.close()
    assert found(shop.open(), tokens)


@pytest.mark.parametrize("n_tokens", [0, 1, BLOCK - 1, BLOCK, BLOCK + 1])
def test_short_sequences(shop: Shop, n_tokens: int) -> None:
    tokens = sequence(n_tokens)
    store = shop.open()
    assert add(store, tokens)
    store.close()
    assert found(shop.open(), tokens)
    assert len(shop.names(".rows")) == n_tokens // BLOCK


def test_growing_writes_only_what_is_new(shop: Shop) -> None:
    store = shop.open()
    add(store, sequence(4 * BLOCK))
    longer = sequence(6 * BLOCK + 7)
    asked: list[tuple[int, int]] = []

    def rows(first: int, n: int) -> bytes:
        asked.append((first, n))
        return rows_of(longer, first, n)

    keys = [("token-text", key_of(longer))]
    store.add_point(longer, keys, "evict", {}, partial(text_of, longer), rows, lambda: frontier_of(longer))
    assert asked == [(4, 2)]
    assert len(shop.blocks()) == 6
    assert found(store, longer)
    assert found(store, sequence(4 * BLOCK))


@pytest.mark.parametrize("at", [0, BLOCK - 1, BLOCK, 2 * BLOCK + 60, 3 * BLOCK])
def test_a_fork_shares_what_is_before_it(shop: Shop, at: int) -> None:
    store = shop.open()
    one, two = sequence(4 * BLOCK + 9), sequence(4 * BLOCK + 9, (at, 1))
    add(store, one)
    assert store.stored_blocks(two) == at // BLOCK
    add(store, two)
    assert len(shop.blocks()) == len(set(shop.blocks())) == 8 - at // BLOCK
    store.close()
    store = shop.open()
    assert found(store, one)
    assert found(store, two)


def test_forks_within_a_run_of_a_fork(shop: Shop) -> None:
    """Children at several blocks of one run, and brothers at the same block."""
    forks = [sequence(5 * BLOCK, (at * BLOCK, mark)) for at in range(5) for mark in (1, 2)]
    forks += [sequence(7 * BLOCK, (BLOCK, 1), (3 * BLOCK, 5)), sequence(7 * BLOCK, (BLOCK, 1), (BLOCK, 7))]
    store = shop.open()
    for tokens in forks:
        add(store, tokens)
    assert len(shop.blocks()) == len(set(shop.blocks()))
    store.close()
    store = shop.open()
    assert all(found(store, tokens) for tokens in forks)
    assert all(store.stored_blocks(tokens) == len(tokens) // BLOCK for tokens in forks)


def test_a_point_in_the_middle_of_a_run(shop: Shop) -> None:
    store = shop.open()
    add(store, sequence(6 * BLOCK))
    inner = sequence(3 * BLOCK + 1)
    add(store, inner)
    assert len(shop.names(".rows")) == 1
    loaded = store.load(next(p for p in store.points() if p.n_tokens == len(inner)))
    assert sum(len(rows) for _, _, rows in loaded.runs()) == 3 * BLOCK_BYTES
    assert found(store, inner)


def test_long_runs_are_written_and_read_in_pieces(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ds4agent.engine.kv.read.PIECE_BYTES", 3 * BLOCK_BYTES)
    tokens = sequence(8 * BLOCK)
    store = shop.open()
    add(store, tokens)
    point = store.find(key_of(tokens))
    assert point is not None
    assert [(first, len(part)) for first, part, _ in store.load(point).runs()] == [
        (0, 3 * BLOCK),
        (3, 3 * BLOCK),
        (6, 2 * BLOCK),
    ]
    check(store, point, tokens)


def test_rows_ahead_of_their_point(shop: Shop) -> None:
    store = shop.open()
    tokens = sequence(5 * BLOCK + 3)
    assert add_rows(store, tokens[: 2 * BLOCK])
    assert add_rows(store, tokens)
    assert add_rows(store, tokens) == 0
    assert store.find(key_of(tokens)) is None
    store.close()
    store = shop.open()
    assert store.stored_blocks(tokens) == 5
    before = store.bytes_written
    add(store, tokens)
    assert store.bytes_written - before == shop.only(".point").stat().st_size
    assert found(store, tokens)


def test_the_longest_key_wins_then_more_tokens(shop: Shop) -> None:
    store = shop.open()
    for n in (10, 20, 30):
        add(store, sequence(n), keys=[("token-text", b"a" * n)])
    add(store, sequence(25, (0, 1)), keys=[("thinking-visible", b"a" * 20)])
    for length, n_tokens in [(9, None), (10, 10), (19, 10), (20, 25), (29, 25), (99, 30)]:
        point = store.find(b"a" * length)
        assert (point and point.n_tokens) == n_tokens
    assert store.find(b"b" + b"a" * 40) is None
    point = store.find(b"a" * 25)
    assert point is not None
    assert (point.kind, point.key_bytes) == ("thinking-visible", 20)


def test_the_same_point_is_not_written_again(shop: Shop) -> None:
    store = shop.open()
    tokens = sequence(2 * BLOCK + 1)
    add(store, tokens, tools={"a": b"<a>"})
    before = store.bytes_written
    assert add(store, tokens, tools={"a": b"<a>"}) == 0
    assert store.bytes_written - before < 100


def test_new_calls_write_the_tool_map_only(shop: Shop) -> None:
    store = shop.open()
    tokens = sequence(2 * BLOCK + 1)
    add(store, tokens, tools={"a": b"<a>", "b": b"<a>"})
    rows, point = shop.only(".rows").stat().st_ino, shop.only(".point").stat().st_ino
    assert add(store, tokens, tools={"c": b"<a>", "d": b"<d>"})
    assert (shop.only(".rows").stat().st_ino, shop.only(".point").stat().st_ino) == (rows, point)
    assert store.total_bytes == shop.size()
    for _ in range(2):
        assert [store.tool_block(name) for name in "abcde"] == [b"<a>", b"<a>", b"<a>", b"<d>", None]
        store.close()
        store = shop.open()


def test_a_new_key_is_added(shop: Shop) -> None:
    store = shop.open()
    tokens = sequence(2 * BLOCK + 1)
    add(store, tokens, "cold", tools={"a": b"<a>"})
    point = store.find(key_of(tokens))
    assert point is not None
    store.used(point)
    add(store, tokens, "evict", keys=[("thinking-visible", b"seen")], tools={"b": b"<b>"})
    assert store.total_bytes == shop.size()
    for _ in range(2):
        visible = store.find(b"seen as text")
        assert visible is not None
        assert (visible.kind, visible.reason, visible.hits) == ("thinking-visible", "cold", 1)
        check(store, visible, tokens)
        assert found(store, tokens)
        assert (store.tool_block("a"), store.tool_block("b")) == (b"<a>", b"<b>")
        store.close()
        store = shop.open()


def test_hits_and_failures_are_kept(shop: Shop) -> None:
    store = shop.open()
    tokens = sequence(BLOCK)
    add(store, tokens)
    (point,) = store.points()
    shop.clock.now += 5
    store.used(point)
    store.used(point)
    store.failed(point)
    store.close()
    store = shop.open()
    (point,) = store.points()
    assert (point.hits, point.failures, point.last_used) == (2, 1, shop.clock.now)
    assert found(store, tokens)
    store.failed(point)
    assert store.points() == []
    assert shop.names(".point.damaged")
    assert any("failed 2 times" in line for line in shop.lines)


def test_forget_keeps_what_others_need(shop: Shop) -> None:
    store = shop.open()
    one, two = sequence(4 * BLOCK), sequence(4 * BLOCK, (2 * BLOCK, 1))
    add(store, one, tools={"a": b"<a>"})
    add(store, two)
    point = store.find(key_of(two))
    assert point is not None
    store.forget(point)
    assert found(store, one)
    assert len(shop.blocks()) == 4
    with pytest.raises(Damaged, match="no longer there"):
        store.load(point)
    for point in store.points():
        store.forget(point)
    assert shop.names() == ["lock"]
    assert store.total_bytes == 0


def test_modes(shop: Shop) -> None:
    old = os.umask(0)
    try:
        store = shop.open()
        add(store, sequence(BLOCK), tools={"a": b"<a>"})
    finally:
        os.umask(old)
    assert stat.S_IMODE(shop.folder.stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in shop.folder.iterdir()} == {0o600}
    assert len(shop.names()) == 4


def test_foreign_files_are_left_alone(shop: Shop) -> None:
    shop.folder.mkdir(0o755)
    foreign = ["0a" * 20 + ".kv", "notes.txt", "0A" * 16 + ".rows", "0a" * 16 + ".rows.tmp.77", "ab.point"]
    for name in foreign:
        (shop.folder / name).write_bytes(b"mine")
    (shop.folder / ("0b" * 16 + ".rows")).mkdir()
    (shop.folder / ("0c" * 16 + ".point")).symlink_to("notes.txt")
    shop.budget = 1
    store = shop.open()
    add(store, sequence(BLOCK))
    assert store.total_bytes == 0
    store.close()
    assert all((shop.folder / name).read_bytes() == b"mine" for name in foreign)
    assert len(shop.names()) == len(foreign) + 3
    assert stat.S_IMODE(shop.folder.stat().st_mode) == 0o755


def test_a_second_process_is_refused(shop: Shop) -> None:
    store = shop.open()
    code = (
        "import sys, pathlib; from ds4agent.engine.kv.store import KvStore\n"
        "KvStore(pathlib.Path(sys.argv[1]), b'model  1', 48, 0, print, lambda: 0.0)"
    )
    second = subprocess.run(
        [sys.executable, "-c", code, shop.folder], capture_output=True, text=True, check=False
    )
    assert f"StoreBusy: KV directory {shop.folder} is in use by another process (pid {os.getpid()})" in (
        second.stderr
    )
    store.close()
    subprocess.run([sys.executable, "-c", code, shop.folder], check=True)


def test_a_folder_that_cannot_be_used(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    for path in (tmp_path / "file", tmp_path / "file" / "below"):
        with pytest.raises(StoreError, match=r"cannot use KV directory .*file"):
            Shop(path).open()


def test_temporary_files_are_removed(shop: Shop) -> None:
    shop.open().close()
    for name in ("ab" * 16 + ".rows.tmp", "ab" * 16 + ".point.tmp", "ab" * 16 + ".tools"):
        (shop.folder / name).write_bytes(b"half")
    shop.open()
    assert shop.names() == ["lock"]


def test_models_do_not_see_each_other(shop: Shop) -> None:
    tokens = sequence(2 * BLOCK + 1)
    store = shop.open()
    add(store, tokens, tools={"a": b"<a>"})
    store.close()
    other = Shop(shop.folder, fingerprint=b"model  2", block_bytes=32)
    store = other.open()
    assert (store.find(key_of(tokens)), store.points(), store.tool_block("a")) == (None, [], None)
    assert store.stored_blocks(tokens) == 0
    assert store.total_bytes == shop.size()
    store.close()
    assert found(shop.open(), tokens)
    assert other.lines == []


def test_another_size_of_rows_is_set_aside(shop: Shop) -> None:
    store = shop.open()
    add(store, sequence(2 * BLOCK))
    store.close()
    shop.block_bytes = 32
    store = shop.open()
    assert store.points() == []
    assert len(shop.names(".damaged")) == 2
    assert any("48 bytes a block, this model has 32" in line for line in shop.lines)


def test_wrong_rows_are_an_error_and_leave_nothing(shop: Shop) -> None:
    store = shop.open()
    tokens = sequence(2 * BLOCK)
    with pytest.raises(ValueError, match="5 bytes of rows for 2 blocks"):
        store.add_rows(tokens, partial(text_of, tokens), lambda first, n: b"short")
    assert shop.names() == ["lock"]


@pytest.mark.parametrize(
    ("n_blocks", "tool_bytes", "frontier_bytes", "rows_stay"),
    [(20, 1, 1, False), (2, 10_000, 1, True), (2, 1, 10_000, True)],
    ids=["rows", "tools", "point"],
)
def test_a_full_disk_costs_only_the_save(
    shop: Shop, n_blocks: int, tool_bytes: int, frontier_bytes: int, rows_stay: bool
) -> None:
    old, new = sequence(BLOCK), sequence(n_blocks * BLOCK)
    store = shop.open()
    add(store, old)
    store.close()

    def save(store: KvStore) -> int | None:
        keys = [("token-text", key_of(new))]
        text, rows = partial(text_of, new), partial(rows_of, new)
        return store.add_point(
            new, keys, "evict", {"a": bytes(tool_bytes)}, text, rows, lambda: bytes(frontier_bytes)
        )

    def work() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        store = shop.open()
        before, size = shop.names(), store.total_bytes
        resource.setrlimit(resource.RLIMIT_FSIZE, (6000, resource.RLIM_INFINITY))
        assert save(store) is None
        assert shop.lines[-1] == "kv cache store failed (evict): File too large save=0.0 ms"
        assert [name for name in shop.names() if not name.endswith(".rows") or not rows_stay] == [
            name for name in before if not name.endswith(".rows") or not rows_stay
        ]
        assert store.total_bytes == shop.size()
        assert (store.total_bytes > size) == rows_stay
        assert found(store, old)
        resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        assert save(store)
        assert store.stored_blocks(new) == n_blocks

    assert in_child(work) == 0


def test_looking_up_while_the_worker_saves_and_evicts(shop: Shop) -> None:
    shop.budget = 40_000
    store = shop.open()
    sequences = [sequence(3 * BLOCK + i, (BLOCK, i)) for i in range(60)]
    done = False

    def look() -> int:
        n_found = 0
        while not done:
            for i, tokens in enumerate(sequences):
                assert store.tool_block(f"call {i}") in (None, b"<%d>" % i)
                point = store.find(key_of(tokens))
                assert point is None or point.n_tokens == len(tokens)
                n_found += point is not None
        return n_found

    with ThreadPoolExecutor(1) as pool:
        looking = pool.submit(look)
        try:
            for i, tokens in enumerate(sequences):
                assert add(store, tokens, tools={f"call {i}": b"<%d>" % i})
                assert store.total_bytes <= shop.budget
        finally:
            done = True
        looking.result()
    assert not any("damaged" in line for line in shop.lines)


def test_log_lines(shop: Shop) -> None:
    store = shop.open()
    tokens = sequence(BLOCK)
    store.add_point(
        tokens,
        [("responses-visible", b"text")],
        "cold",
        {},
        partial(text_of, tokens),
        partial(rows_of, tokens),
        lambda: bytes(2**20),
        trimmed=32,
    )
    assert shop.lines == [
        "kv cache stored tokens=128 trimmed=32 reason=cold key=responses-visible size=1.00 MiB save=0.0 ms"
    ]


def test_fingerprint_is_in_the_files(shop: Shop) -> None:
    add(shop.open(), sequence(BLOCK), tools={"a": b"<a>"})
    assert all(FINGERPRINT in path.read_bytes() for path in shop.folder.iterdir() if path.name != "lock")


def test_closing_lets_go_of_the_lock(shop: Shop) -> None:
    for _ in range(3):
        store: KvStore = shop.open()
        with pytest.raises(StoreError, match="in use"):
            shop.open()
        store.close()


def test_forget_keeps_rows_that_others_continue(shop: Shop) -> None:
    store = shop.open()
    tokens = sequence(4 * BLOCK)
    add(store, tokens[: 2 * BLOCK])
    add_rows(store, tokens)
    (point,) = store.points()
    store.forget(point)
    store.close()
    store = shop.open()
    assert store.stored_blocks(tokens) == 4
    assert shop.lines[1:] == []
