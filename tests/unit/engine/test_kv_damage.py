"""Damage in every region: found, named, set aside, and never handed out."""

from __future__ import annotations

import random
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from ds4agent.engine.kv.store import Damaged, KvStore
from ds4agent.wire.kvpoints import POINT_HEADER_BYTES, STATS_AT, decode_point_start
from ds4agent.wire.kvrows import RUN_HEADER_BYTES, decode_run_head
from ds4agent.wire.kvtoolmap import TOOLS_HEADER_BYTES, tool_table_end
from tests.unit.engine.kv_parts import BLOCK, BLOCK_BYTES, Shop, add, check, found, key_of, sequence

FIRST = sequence(2 * BLOCK + 3)
SECOND = sequence(5 * BLOCK + 9)
FORK = sequence(3 * BLOCK + 1, (BLOCK + 5, 1))
OTHER = sequence(4 * BLOCK + 7, (0, 2))
ALL = (FIRST, SECOND, FORK, OTHER)
TOOLS = {"a": b"<text of a>", "b": b"<text of b>"}


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    """FIRST's run has two children: the rest of SECOND behind its end, FORK behind its first block."""
    shop = Shop(tmp_path / "kv")
    store = shop.open()
    for tokens in ALL:
        add(store, tokens, tools=TOOLS if tokens is SECOND else {})
        shop.clock.now += 1
    store.close()
    shop.lines.clear()
    return shop


def _path(shop: Shop, suffix: str, n_tokens: int) -> Path:
    """The only file of the kind whose point has so many tokens, or whose run so many at its end."""

    def size(path: Path) -> int:
        data = path.read_bytes()
        if suffix == ".rows":
            head = decode_run_head(data[:RUN_HEADER_BYTES], len(data))
            return head.end_block * BLOCK
        return decode_point_start(data, len(data)).head.n_tokens

    (path,) = (path for path in shop.folder.glob("*" + suffix) if size(path) == n_tokens)
    return path


def _first(shop: Shop, suffix: str) -> Path:
    """FIRST's run or point, or the only tool map."""
    if suffix == ".tools":
        return shop.only(".tools")
    return _path(shop, suffix, 2 * BLOCK if suffix == ".rows" else len(FIRST))


def _flip(path: Path, bit: int) -> None:
    data = bytearray(path.read_bytes())
    data[bit // 8] ^= 1 << bit % 8
    path.write_bytes(data)


def _visit(store: KvStore) -> list[int]:
    """Asks for everything; the lengths of what could be loaded. What can be is right."""
    right = []
    for tokens in ALL:
        while (point := store.find(key_of(tokens))) is not None:
            try:
                check(store, point, next(t for t in ALL if len(t) == point.n_tokens))
                right.append(point.n_tokens)
                break
            except Damaged:
                assert store.find(key_of(tokens)) != point
    for call, text in TOOLS.items():
        assert store.tool_block(call) in (text, None)
    return right


def _regions() -> list[tuple[str, str, Callable[[bytes], tuple[int, int]], str]]:
    """Name, kind of file, where the region lies in its bytes, and what the log calls it."""

    def run(pick: Callable[[int, int, int, int], tuple[int, int]]) -> Callable[[bytes], tuple[int, int]]:
        def region(data: bytes) -> tuple[int, int]:
            head = decode_run_head(data[:RUN_HEADER_BYTES], len(data))
            return pick(head.text_at, head.rows_at, head.digests_at, head.size)

        return region

    def point(pick: Callable[[int, int, int], tuple[int, int]]) -> Callable[[bytes], tuple[int, int]]:
        def region(data: bytes) -> tuple[int, int]:
            head = decode_point_start(data, len(data)).head
            return pick(POINT_HEADER_BYTES + len(head.tail), head.frontier_at, head.size)

        return region

    def tools(pick: Callable[[int, int], tuple[int, int]]) -> Callable[[bytes], tuple[int, int]]:
        return lambda data: pick(tool_table_end(data, len(data)), len(data))

    return [
        ("run header", ".rows", run(lambda text, rows, digests, size: (0, RUN_HEADER_BYTES)), "header|size"),
        ("run tokens", ".rows", run(lambda text, rows, digests, size: (RUN_HEADER_BYTES, text)), "tokens"),
        ("run text", ".rows", run(lambda text, rows, digests, size: (text, rows)), "text"),
        ("first block", ".rows", run(lambda text, rows, d, size: (rows, rows + BLOCK_BYTES)), "of block 0:"),
        ("last block", ".rows", run(lambda t, rows, d, size: (rows + BLOCK_BYTES, d)), "of block 1:"),
        ("row digests", ".rows", run(lambda text, rows, digests, size: (digests, size)), "rows of block"),
        ("point header", ".point", point(lambda keys, frontier, size: (0, STATS_AT)), "header|size"),
        ("stats", ".point", point(lambda keys, f, size: (STATS_AT, POINT_HEADER_BYTES)), "stats"),
        ("tail", ".point", point(lambda keys, frontier, size: (POINT_HEADER_BYTES, keys)), "tail"),
        ("keys", ".point", point(lambda keys, frontier, size: (keys, frontier - 16)), "keys"),
        ("frontier digest", ".point", point(lambda k, frontier, s: (frontier - 16, frontier)), "frontier"),
        ("frontier", ".point", point(lambda keys, frontier, size: (frontier, size)), "frontier"),
        ("tools header", ".tools", tools(lambda end, size: (0, TOOLS_HEADER_BYTES)), "header|size"),
        ("tools table", ".tools", tools(lambda end, size: (TOOLS_HEADER_BYTES, end)), "table"),
        ("tool texts", ".tools", tools(lambda end, size: (end, size)), "text of call"),
    ]


REGIONS = _regions()


@pytest.mark.parametrize(("region", "suffix", "where", "named"), REGIONS, ids=[r[0] for r in REGIONS])
def test_a_flipped_bit(
    shop: Shop, region: str, suffix: str, where: Callable[[bytes], tuple[int, int]], named: str
) -> None:
    path = _first(shop, suffix)
    good = path.read_bytes()
    contents = {path: path.read_bytes() for path in shop.folder.iterdir()}
    start, end = where(good)
    rng = random.Random(region)
    for bit in {8 * start, 8 * end - 1, *(rng.randrange(8 * start, 8 * end) for _ in range(12))}:
        _flip(path, bit)
        store = shop.open()
        right = _visit(store)
        (line,) = (line for line in shop.lines if f"file={path}: " in line)
        assert re.search(named, line.partition(f"{path}: ")[2].partition(";")[0])
        assert path.with_name(path.name + ".damaged").read_bytes() != good
        assert right == _expected(suffix), region
        assert store.total_bytes == shop.size()
        for tokens in ALL:
            add(store, tokens, tools=TOOLS if tokens is SECOND else {})
        assert all(found(store, tokens) for tokens in ALL)
        assert [store.tool_block(call) for call in TOOLS] == list(TOOLS.values())
        store.close()
        for other in shop.folder.iterdir():
            other.unlink()
        for other, data in contents.items():
            other.write_bytes(data)
        shop.lines.clear()


def _expected(suffix: str) -> list[int]:
    """FIRST's run carries FIRST, SECOND and FORK; its point only itself; a tool map no point at all."""
    everything = [len(tokens) for tokens in ALL]
    return {".rows": [len(OTHER)], ".point": everything[1:], ".tools": everything}[suffix]


@pytest.mark.parametrize("suffix", [".rows", ".point", ".tools"])
@pytest.mark.parametrize(
    "change", [lambda data: b"", lambda data: data[:50], lambda data: data[:-1], lambda d: d + b"x"]
)
def test_another_length(shop: Shop, suffix: str, change: Callable[[bytes], bytes]) -> None:
    path = _first(shop, suffix)
    path.write_bytes(change(path.read_bytes()))
    store = shop.open()
    assert _visit(store) == _expected(suffix)
    assert any(f"file={path}: " in line and ("size" in line or "header" in line) for line in shop.lines)


def test_a_file_under_the_name_of_another(shop: Shop) -> None:
    first, second = _path(shop, ".point", len(FIRST)), _path(shop, ".point", len(SECOND))
    first.write_bytes(second.read_bytes())
    store = shop.open()
    assert _visit(store) == [len(SECOND), len(FORK), len(OTHER)]
    assert any(f"file={first}: name: by its content the file is {second.name}" in line for line in shop.lines)


def test_rows_of_another_block(shop: Shop) -> None:
    """Both blocks are right, with their digests, but in each other's place."""
    path = _path(shop, ".rows", 2 * BLOCK)
    data = bytearray(path.read_bytes())
    head = decode_run_head(bytes(data[:RUN_HEADER_BYTES]), len(data))
    for at, n in ((head.rows_at, BLOCK_BYTES), (head.digests_at, 16)):
        data[at : at + n], data[at + n : at + 2 * n] = data[at + n : at + 2 * n], data[at : at + n]
    path.write_bytes(data)
    assert _visit(shop.open()) == [len(OTHER)]


def test_what_needs_a_damaged_run_goes_with_it(shop: Shop) -> None:
    path = _path(shop, ".rows", 2 * BLOCK)
    _flip(path, 8 * decode_run_head(path.read_bytes()[:RUN_HEADER_BYTES], path.stat().st_size).rows_at)
    store = shop.open()
    point = store.find(key_of(FORK))
    assert point is not None
    with pytest.raises(Damaged, match="rows of block 0"):
        list(store.load(point).runs())
    assert [p.n_tokens for p in store.points()] == [len(OTHER)]
    assert len(shop.names(".rows.damaged")) == 3
    assert len(shop.names(".point.damaged")) == 3
    assert sum(f"needs damaged {path.name}" in line for line in shop.lines) == 5
    store.close()
    store = shop.open()
    assert [p.n_tokens for p in store.points()] == [len(OTHER)]
    assert store.total_bytes == shop.size()


@pytest.mark.parametrize("suffix", [".rows", ".point", ".tools"])
@pytest.mark.parametrize("while_open", [True, False])
def test_a_file_that_somebody_removed(shop: Shop, suffix: str, while_open: bool) -> None:
    path = _first(shop, suffix)
    store = shop.open()
    if not while_open:
        store.close()
    path.unlink()
    if not while_open:
        store = shop.open()
    assert _visit(store) == _expected(suffix)
    add(store, FIRST)
    assert found(store, FIRST)


def test_damage_while_open(shop: Shop) -> None:
    """The frontier was good when the store was opened."""
    store = shop.open()
    path = _path(shop, ".point", len(SECOND))
    _flip(path, 8 * path.stat().st_size - 1)
    assert _visit(store) == [len(FIRST), len(FIRST), len(FORK), len(OTHER)]
    assert store.tool_block("a") is None
    assert any(f"file={path}: frontier: digest differs" in line for line in shop.lines)


def test_what_cannot_be_read_has_a_second_try(shop: Shop) -> None:
    """The file is not damaged as far as anybody can tell, so it stays until it fails again."""
    store = shop.open()
    path = _path(shop, ".point", len(OTHER))
    kept = path.with_name("kept")
    path.rename(kept)
    path.symlink_to(kept)
    for left in (1, 0):
        point = next(p for p in store.points() if p.n_tokens == len(OTHER))
        with pytest.raises(Damaged, match="Too many levels of symbolic links"):
            store.load(point)
        assert sum(p.n_tokens == len(OTHER) for p in store.points()) == left
    assert path.with_name(path.name + ".damaged").is_symlink()


def test_set_aside_files_count_and_go_first(shop: Shop) -> None:
    _flip(_path(shop, ".point", len(OTHER)), 0)
    store = shop.open()
    total = store.total_bytes
    store.close()
    shop.budget = total - 1
    store = shop.open()
    assert shop.names(".damaged") == []
    assert len(store.points()) == 3
    assert store.total_bytes == shop.size() < total
