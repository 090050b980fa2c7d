"""The three files of the disk store: what is written is read, a changed bit before the bulk is Damage."""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ds4agent.wire.kvpoints import (
    KINDS,
    POINT_HEADER_BYTES,
    REASONS,
    STATS_AT,
    PointHead,
    PointStart,
    Stats,
    decode_point_start,
    encode_point_start,
    encode_stats,
    frontier_digest,
    make_key,
    point_start_bytes,
)
from ds4agent.wire.kvrows import (
    BLOCK_TOKENS,
    NO_RUN,
    RUN_HEADER_BYTES,
    Damage,
    RunHead,
    decode_run_start,
    encode_run_start,
    pack_ids,
    run_id,
    unpack_ids,
)
from ds4agent.wire.kvtoolmap import (
    TOOLS_HEADER_BYTES,
    decode_tools,
    encode_tools,
    tool_digest,
    tool_table_end,
)

ids16 = st.binary(min_size=16, max_size=16).filter(lambda data: data != NO_RUN)
fingerprints = st.binary(min_size=8, max_size=8)
u32 = st.integers(0, 2**32 - 1)


@st.composite
def points(draw: st.DrawFn) -> tuple[PointHead, Stats, bytes]:
    n_tokens = draw(st.integers(0, 1000))
    tail = draw(st.lists(u32, min_size=n_tokens % BLOCK_TOKENS, max_size=n_tokens % BLOCK_TOKENS))
    keys = draw(st.lists(st.tuples(st.sampled_from(KINDS), st.binary(max_size=40)), min_size=1, max_size=3))
    frontier = draw(st.binary(max_size=50))
    head = PointHead(
        draw(fingerprints),
        draw(ids16) if n_tokens >= BLOCK_TOKENS else NO_RUN,
        n_tokens,
        draw(st.sampled_from(REASONS)),
        draw(st.floats(0, 1e10)),
        pack_ids(tail),
        tuple(make_key(kind, text) for kind, text in keys),
        len(frontier),
    )
    return head, Stats(draw(u32), draw(u32), draw(st.floats(0, 1e10))), frontier


@given(points())
def test_point_round_trip(point: tuple[PointHead, Stats, bytes]) -> None:
    head, stats, frontier = point
    of_frontier = frontier_digest(head.id, frontier)
    start = encode_point_start(head, stats, of_frontier)
    assert len(start) == head.frontier_at == point_start_bytes(start, head.size)
    assert decode_point_start(start + frontier, head.size) == PointStart(head, stats, of_frontier)
    assert start[STATS_AT:POINT_HEADER_BYTES] == encode_stats(stats)


@given(st.lists(u32, min_size=128, max_size=128), st.binary(max_size=300), fingerprints, ids16, u32)
def test_run_round_trip(
    tokens: list[int], text: bytes, fingerprint: bytes, parent: bytes, first: int
) -> None:
    ids = pack_ids(tokens * 2)
    assert unpack_ids(ids) == tokens * 2
    head = RunHead(fingerprint, parent if first else NO_RUN, 1000, first, 2, len(text))
    data = encode_run_start(head, ids, text) + ids + text
    start = decode_run_start(data, head.size)
    assert (start.head, start.ids, start.text) == (head, ids, text)
    assert start.id == run_id(fingerprint, head.parent, first, ids)
    assert head.size == len(data) + 2 * 1000 + 2 * 16


@given(st.dictionaries(st.text(max_size=20), st.sampled_from([b"", b"one", b"<call>two</call>"]), max_size=6))
def test_tools_round_trip(tool_map: dict[str, bytes]) -> None:
    data = encode_tools(b"8 bytes.", NO_RUN, tool_map)
    table = decode_tools(data[: tool_table_end(data, len(data))], len(data))
    read = {name: data[text.at : text.at + text.n_bytes] for name, text in table.texts.items()}
    assert read == tool_map
    assert all(text.digest == tool_digest(NO_RUN, tool_map[name]) for name, text in table.texts.items())
    assert len(data) - tool_table_end(data, len(data)) == sum(map(len, set(tool_map.values())))


_POINT = PointHead(b"8 bytes.", b"p" * 16, 130, "cold", 1.5, bytes(8), (make_key("token-text", b"ab"),), 10)
_RUN = RunHead(b"8 bytes.", NO_RUN, 100, 0, 1, 3)
_STARTS: dict[str, tuple[bytes, int, int, Callable[[bytes, int], object]]] = {
    "point": (
        encode_point_start(_POINT, Stats(1, 0, 2.0), bytes(16)),
        _POINT.size,
        POINT_HEADER_BYTES,
        decode_point_start,
    ),
    "run": (
        encode_run_start(_RUN, bytes(512), b"abc") + bytes(512) + b"abc",
        _RUN.size,
        RUN_HEADER_BYTES,
        decode_run_start,
    ),
    "tools": (
        encode_tools(b"8 bytes.", NO_RUN, {"a": b"x"})[:-1],
        len(encode_tools(b"8 bytes.", NO_RUN, {"a": b"x"})),
        TOOLS_HEADER_BYTES,
        decode_tools,
    ),
}


@pytest.mark.parametrize("kind", _STARTS)
def test_every_changed_bit_is_damage(kind: str) -> None:
    data, size, _, decode = _STARTS[kind]
    decode(data, size)
    # The digest before a frontier is looked at with the frontier.
    checked = len(data) - 16 * (kind == "point")
    for bit in range(8 * checked):
        changed = bytearray(data)
        changed[bit // 8] ^= 1 << bit % 8
        with pytest.raises(Damage):
            decode(bytes(changed), size)


@pytest.mark.parametrize("kind", _STARTS)
def test_another_size_is_damage(kind: str) -> None:
    data, size, header, decode = _STARTS[kind]
    for wrong in (0, header, size - 1, size + 1):
        with pytest.raises(Damage):
            decode(data, wrong)
    for short in (0, 10, header - 1):
        with pytest.raises(Damage, match="header"):
            decode(data[:short], size)
