"""Heads of requests: what is carried as it came, and what is refused because it could be read in two ways."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ds4agent.sidecar.head import MAX_BODY, BadHead, Unchunker, parse_head

HOST = b"Host: localhost\r\n"


def head(first: bytes = b"POST /v1/messages HTTP/1.1", *fields: bytes) -> bytes:
    return first + b"\r\n" + HOST + b"".join(field + b"\r\n" for field in fields) + b"\r\n"


def status_of(raw: bytes) -> int:
    with pytest.raises(BadHead) as caught:
        parse_head(raw)
    assert caught.value.message
    return caught.value.status


def test_a_head_is_kept_as_it_came() -> None:
    raw = head(b"POST /v1/messages?beta=true HTTP/1.1", b"X-API-Key:  k ", b"content-LENGTH: 12", b"A: \xff")
    found = parse_head(raw)
    assert (found.raw, found.method, found.path, found.length) == (raw, "POST", "/v1/messages", 12)
    assert found.target == b"/v1/messages?beta=true"
    assert found.fields[1:] == ((b"x-api-key", b"k"), (b"content-length", b"12"), (b"a", b"\xff"))


@pytest.mark.parametrize(
    "fields",
    [
        (b"Content-Length: 3", b"Transfer-Encoding: chunked"),
        (b"Transfer-Encoding: chunked", b"Content-Length: 3"),
        (b"Content-Length: 3", b"Content-Length: 3"),
        (b"Content-Length: 3", b"content-length: 4"),
        (b"Content-Length: 3, 3",),
        (b"Content-Length: +3",),
        (b"Content-Length: -3",),
        (b"Content-Length: 0x3",),
        (b"Content-Length: 3_0",),
        (b"Content-Length: 3 3",),
        (b"Content-Length:",),
        (b"Content-Length: 36893488147419103235",),
        (b"Transfer-Encoding: xchunked",),
        (b"Transfer-Encoding: chunked, identity",),
        (b"Transfer-Encoding: chunked", b"transfer-encoding: chunked"),
        (b"A: b", b" folded: c"),
        (b"A: b", b"\tfolded"),
        (b"A : b",),
        (b": b",),
        (b"A",),
        (b"A: b\x00c",),
        (b"A: b\rc",),
        (b"A: b\nContent-Length: 3",),
        (b"Host: evil.example",),
    ],
)
def test_what_has_two_readings_is_refused(fields: tuple[bytes, ...]) -> None:
    assert status_of(head(b"POST / HTTP/1.1", *fields)) == 400


@pytest.mark.parametrize(
    "first",
    [
        b"GET http://localhost/v1/models HTTP/1.1",
        b"CONNECT localhost:80 HTTP/1.1",
        b"GET * HTTP/1.1",
        b"GET v1/models HTTP/1.1",
        b"GET /v1/models",
        b"GET /v1/models HTTP/0.9",
        b"GET /v1/models HTTP/2.0",
        b"get /v1/models HTTP/1.1",
        b"NOSUCH / HTTP/1.1",
        b"GET /a b HTTP/1.1",
        b"GET /\xff HTTP/1.1",
        b"GET /\x00 HTTP/1.1",
        b"\r\nGET / HTTP/1.1",
        b"",
    ],
)
def test_first_lines_that_are_refused(first: bytes) -> None:
    assert status_of(head(first)) == 400


def test_bare_line_feeds_are_refused() -> None:
    assert status_of(b"GET / HTTP/1.1\n" + HOST + b"\r\n\r\n") == 400
    assert status_of(b"GET / HTTP/1.1\r\nHost: localhost\nA: b\r\n\r\n") == 400


def test_other_codings_are_not_implemented() -> None:
    assert status_of(head(b"POST / HTTP/1.1", b"Transfer-Encoding: gzip, chunked")) == 501


@pytest.mark.parametrize("name", [b"transfer-encoding", b"TRANSFER-ENCODING", b"Transfer-encoding"])
@pytest.mark.parametrize("value", [b"chunked", b"CHUNKED", b"\tchunked "])
def test_chunks_in_any_case(name: bytes, value: bytes) -> None:
    found = parse_head(head(b"POST / HTTP/1.1", name + b":" + value, b"A: b"))
    assert found.length is None
    assert found.rewritten(5) == b"POST / HTTP/1.1\r\nhost: localhost\r\na: b\r\ncontent-length: 5\r\n\r\n"


def test_an_upgrade_is_declined() -> None:
    found = parse_head(
        head(b"POST / HTTP/1.1", b"Connection: Upgrade", b"Upgrade: h2c", b"Content-Length: 3")
    )
    assert found.length == 3


def test_an_expectation_is_met_here() -> None:
    found = parse_head(head(b"POST / HTTP/1.1", b"Expect: 100-Continue", b"Content-Length: 3"))
    assert found.expects_continue
    assert b"expect" not in found.rewritten(3)
    assert parse_head(found.rewritten(3)).length == 3


@given(st.binary(max_size=200))
def test_any_bytes_are_a_head_or_refused(data: bytes) -> None:
    try:
        parse_head(data + b"\r\n\r\n")
    except BadHead as bad:
        assert bad.status in (400, 501)


_TOKENS = st.sampled_from(
    [b"\r\n", b"\n", b" ", b":", b"0", b"5", b"chunked", b"Content-Length", b"Transfer-Encoding", b"\r", b"A"]
)


@given(st.lists(_TOKENS, max_size=12))
def test_what_is_let_through_has_one_framing(tokens: list[bytes]) -> None:
    """Read in the laxest way there is, an accepted head says the same about its body."""
    raw = b"POST / HTTP/1.1\r\n" + HOST + b"".join(tokens) + b"\r\n\r\n"
    try:
        found = parse_head(raw[: raw.index(b"\r\n\r\n") + 4])
    except BadHead:
        return
    lines = [line.partition(b":") for line in found.raw.replace(b"\r", b"\n").split(b"\n")]
    names = [name.strip().lower() for name, _, _ in lines]
    lengths = [
        value.strip() for name, (_, _, value) in zip(names, lines, strict=True) if name == b"content-length"
    ]
    coded = names.count(b"transfer-encoding")
    assert len(lengths) + coded <= 1
    assert found.length == (None if coded else int(lengths[0]) if lengths else 0)


def chunked(pieces: list[bytes]) -> bytes:
    return b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces) + b"0\r\n\r\n"


@given(st.lists(st.binary(min_size=1, max_size=40)), st.lists(st.integers(0, 400)))
def test_chunks_are_put_together_wherever_they_are_cut(pieces: list[bytes], cuts: list[int]) -> None:
    data, unchunk = chunked(pieces), Unchunker()
    edges = sorted({0, len(data), *(cut for cut in cuts if cut < len(data))})
    for start, end in pairwise(edges):
        assert not unchunk.complete
        unchunk.feed(data[start:end])
    assert unchunk.complete
    assert bytes(unchunk.body) == b"".join(pieces)


@pytest.mark.parametrize(
    "data",
    [b"x\r\n", b"-1\r\n", b"3\r\nabcd\r\n", b"3 \r\nabc\r\n0\r\n\r\n", b"3\nabc\n0\n\n", b"g\r\n", b"\r\n"],
)
def test_bad_chunks_are_refused(data: bytes) -> None:
    with pytest.raises(BadHead) as caught:
        Unchunker().feed(data)
    assert caught.value.status == 400


def test_what_follows_the_last_chunk_is_left_alone() -> None:
    unchunk = Unchunker()
    unchunk.feed(b"1\r\na\r\n0\r\n\r\nGET / HTTP/1.1\r\n\r\n")
    assert (unchunk.complete, bytes(unchunk.body)) == (True, b"a")


def test_chunks_are_bounded() -> None:
    unchunk, block = Unchunker(), b"100000\r\n" + bytes(1 << 20) + b"\r\n"
    for _ in range(MAX_BODY >> 20):
        unchunk.feed(block)
    with pytest.raises(BadHead) as caught:
        unchunk.feed(block)
    assert caught.value.status == 413


def test_a_chunk_that_says_nothing_is_bounded() -> None:
    """Extensions of a chunk are no body, and end some time all the same."""
    unchunk = Unchunker()
    unchunk.feed(b"1;")
    for _ in range(2 * MAX_BODY - 2 >> 20):
        unchunk.feed(b"x" * (1 << 20))
    with pytest.raises(BadHead):
        unchunk.feed(b"x" * (1 << 20))
