"""ds4-server's cache files: recorded headers, and files of our own that are cut and flipped everywhere."""

import re
import struct
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ds4agent.wire import kvc
from tests.kvc_files import Cache, session, tool_map

RECORDED = (Path(__file__).parent / "kvc-headers.txt").read_text("utf-8").split("########")[1:]
CALL = {b"call_6208cf7df50e8851bc5135cf8493f2f5": b"\n\n<\xef\xbd\x9cDSML\xef\xbd\x9ctool_calls>"}
SMALL = Cache("<｜User｜>größe".encode(), tuple(range(9)), calls=CALL)


def read_all(data: bytes, name: str) -> tuple[kvc.Header, kvc.Payload | None, dict[bytes, bytes]]:
    """Every check there is, in the order of the file."""
    header = kvc.header(data[: kvc.HEADER_BYTES], len(data))
    kvc.check_text(data[kvc.HEADER_BYTES : header.payload_offset], header, name)
    body = data[header.payload_offset : header.tool_map_offset]
    payload = kvc.payload(body[: kvc.PAYLOAD_HEADER_BYTES], header)
    if payload and payload.version == 1:
        kvc.check_tokens(body[kvc.PAYLOAD_HEADER_BYTES :][: 4 * payload.n_tokens], payload)
        kvc.check_rows(body[payload.counts_offset :][: payload.counts_bytes], payload, header)
    return header, payload, kvc.tool_map(data[header.tool_map_offset :]) if header.has_tool_map else {}


def recordings() -> Iterator[tuple[str, bytes, dict[str, int], list[int], list[int], list[int]]]:
    """Size of the file, its first bytes, and the numbers in the words below them."""
    for block in RECORDED:
        data = bytes.fromhex("".join(re.findall(r"^[0-9a-f]{4}  ((?:[0-9a-f]{2} ?)+)$", block, re.M)))
        facts = {key: int(value) for key, value in re.findall(r"([a-z_]+\d*) (\d+)", block)}
        payload, rows, index = (
            [int(n) for n in found.split(",")]
            for found in re.findall(r"(?:payload u32 x13|n_comp|n_index_comp) \(([\d, ]+)\)", block)
        )
        name = re.match(r" (\S+)  (\d+) bytes", block)
        assert name
        yield name[1], data, {**facts, "size": int(name[2])}, payload, rows, index


@pytest.mark.parametrize("recorded", list(recordings()), ids=lambda r: r[0][:8])
def test_recorded_headers_are_read(
    recorded: tuple[str, bytes, dict[str, int], list[int], list[int], list[int]],
) -> None:
    name, data, facts, words, rows, index = recorded
    assert kvc.is_file_name(name)
    header = kvc.header(data, facts["size"])
    assert (header.n_tokens, header.hits, header.n_ctx) == (facts["tokens"], facts["hits"], facts["ctx"])
    assert (header.payload_bytes, header.text_bytes) == (facts["payload_bytes"], facts["text_bytes"])
    assert (header.created, header.last_used) == (facts["created"], facts["used"])
    assert kvc.REASONS.index(header.reason) == facts["reason"]
    assert facts["size"] - header.tool_map_offset == facts["trailer"]
    payload = kvc.payload(struct.pack("<13I", *words), header)
    assert payload
    counts = struct.pack(f"<{2 * payload.n_layers}I", *rows, *index)
    kvc.check_rows(counts, payload, header)


def test_there_are_twelve_recordings() -> None:
    assert len(list(recordings())) == 12


def test_a_name_is_the_sha1_of_the_text() -> None:
    assert kvc.file_name(b"abc") == "a9993e364706816aba3e25717850c26c9cd0d89d.kv"


@pytest.mark.parametrize(
    "name", ["", "a.kv", "A9993E364706816ABA3E25717850C26C9CD0D89D.kv", "a" * 43, "a" * 40 + ".kv.tmp.1"]
)
def test_other_names_are_not_ours_to_read(name: str) -> None:
    assert not kvc.is_file_name(name)


caches = st.builds(
    Cache,
    text=st.binary(max_size=300),
    ids=st.lists(st.integers(0, 63), min_size=1, max_size=300).map(tuple),
    reason=st.integers(0, 6),
    calls=st.dictionaries(st.binary(min_size=1, max_size=256), st.binary(min_size=1), max_size=4),
    key_flags=st.sampled_from([0, 2, 4]),
    quant=st.sampled_from([2, 4]),
    model=st.sampled_from([0, 1]),
    abi=st.sampled_from([0, 2]),
    hits=st.integers(0, 2**32 - 1),
    n_ctx=st.integers(1, 2**32 - 1),
    created=st.integers(0, 2**64 - 1),
    last_used=st.integers(0, 2**64 - 1),
)


@given(caches)
def test_what_is_written_is_read(cache: Cache) -> None:
    header, payload, calls = read_all(cache.encode(), cache.name)
    assert payload
    assert calls == cache.calls
    assert payload.n_tokens == header.n_tokens == len(cache.ids)
    assert kvc.REASONS.index(header.reason) == cache.reason
    for name in ("hits", "n_ctx", "created", "last_used", "model", "abi"):
        assert getattr(header, name) == getattr(cache, name)


@given(caches, st.data())
def test_a_cut_file_is_always_found(cache: Cache, data: st.DataObject) -> None:
    whole = cache.encode()
    with pytest.raises(kvc.KvcError):
        read_all(whole[: data.draw(st.integers(0, len(whole) - 1))], cache.name)


@given(caches, st.binary(min_size=1, max_size=9))
def test_bytes_behind_the_end_are_found(cache: Cache, more: bytes) -> None:
    with pytest.raises(kvc.KvcError, match="tool map"):
        read_all(cache.encode() + more, cache.name)


def test_every_flipped_bit_is_found_or_harmless() -> None:
    """All bits of a small file. Those in the text and in the sizes must be found."""
    whole = SMALL.encode()
    sized = {*range(4), *range(8, 12), *range(16, 20), *range(40, 52 + len(SMALL.text) + 4)}
    for at in range(len(whole)):
        for bit in range(8):
            flipped = bytearray(whole)
            flipped[at] ^= 1 << bit
            try:
                read_all(bytes(flipped), SMALL.name)
            except kvc.KvcError:
                continue
            assert at not in sized, (at, bit)


@given(st.binary(max_size=400), st.binary(max_size=60))
def test_noise_is_refused_by_name(noise: bytes, payload: bytes) -> None:
    for read in (
        lambda: kvc.header(noise, len(noise)),
        lambda: kvc.header(b"KVC\x01\x02" + noise, len(noise) + 5),
        lambda: kvc.tool_map(b"KTM\x01" + noise),
        lambda: read_all(replace(SMALL, payload=b"DSV4\x01\0\0\0" + payload).encode(), SMALL.name),
    ):
        with pytest.raises(kvc.KvcError):
            read()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"version": 2}, "header: version 2; only version 1"),
        ({"quant": 3}, "header: experts of 3 bits"),
        ({"ids": ()}, "header: no tokens"),
        ({"payload": b"ABCD" + bytes(99)}, "payload: starts with b'ABCD'"),
        ({"payload": bytes(51)}, "payload: less than 52 bytes"),
        ({"payload": session((1, 2), 8192)}, "payload: 2 tokens, but the header says 9"),
        ({"payload": session(SMALL.ids, 4096)}, "payload: a context of 4096, but the header says 8192"),
        ({"payload": session(SMALL.ids, 8192)[:-4]}, "bytes, but its row counts give"),
        ({"ids": (0,) * 8 + (64,)}, "payload: token 64 at 8 in a vocabulary of 64"),
        ({"calls": {b"x" * 257: b"y"}}, "tool map: call 0 has an id of 257"),
    ],
)
def test_errors_name_what_is_wrong(change: dict[str, object], words: str) -> None:
    cache = replace(SMALL, **change)  # type: ignore[arg-type]
    with pytest.raises(kvc.KvcError, match=re.escape(words)):
        read_all(cache.encode(), cache.name)


def test_reasons_to_come_read_as_unknown() -> None:
    assert read_all(replace(SMALL, reason=7).encode(), SMALL.name)[0].reason == "unknown"


@pytest.mark.parametrize("payload", [b"DSVL" + bytes(96), b"DSV4\x02" + bytes(95)])
def test_payloads_of_newer_servers_are_not_judged(payload: bytes) -> None:
    """Shards of a distributed engine, and version 2: only where they begin and end is known."""
    header, found, _ = read_all(replace(SMALL, model=1, abi=2, payload=payload).encode(), SMALL.name)
    assert kvc.MODELS[header.model] == "pro"
    assert found is None or found.version == 2


def test_a_tool_map_with_too_many_calls() -> None:
    data = tool_map(CALL)
    with pytest.raises(kvc.KvcError, match="400001 calls"):
        kvc.tool_map(data[:4] + struct.pack("<I", 400_001) + data[8:])
