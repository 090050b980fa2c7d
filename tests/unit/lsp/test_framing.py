"""Messages in a stream, however it is cut, and what is no message."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ds4agent.lsp.framing import MOST_HEADER, Framer, Malformed

BODIES = st.lists(st.binary(max_size=60), min_size=1, max_size=6)


def framed(body: bytes) -> bytes:
    return b"Content-Length: %d\r\n\r\n%s" % (len(body), body)


def _fed(data: bytes, cuts: list[int]) -> list[bytes | Malformed]:
    framer = Framer()
    edges = sorted({0, len(data), *(cut % (len(data) + 1) for cut in cuts)})
    pieces = [data[a:b] for a, b in pairwise(edges)]
    return [found for piece in pieces for found in framer.feed(piece)]


CUTS = st.lists(st.integers(0, 10_000), max_size=12)


@given(BODIES, CUTS)
def test_bodies_arrive_whole(bodies: list[bytes], cuts: list[int]) -> None:
    assert _fed(b"".join(map(framed, bodies)), cuts) == bodies


# Text that holds no header of its own.
NOISE = st.binary(min_size=1, max_size=80).filter(lambda data: b":" not in data and b"\n\n" not in data)


@given(NOISE, BODIES, CUTS)
def test_noise_is_one_complaint_and_costs_nothing_that_follows(
    noise: bytes, bodies: list[bytes], cuts: list[int]
) -> None:
    found = _fed(noise + b"\r\n\r\n" + b"".join(map(framed, bodies)), cuts)
    complaints = [item for item in found if isinstance(item, Malformed)]
    blank = not noise.strip(b"\r\n")
    assert len(complaints) == 1 or blank
    assert [item for item in found if isinstance(item, bytes)] == bodies


@given(st.lists(st.binary(max_size=3000), max_size=30))
def test_nothing_makes_it_fail_or_hold_more_than_a_header(pieces: list[bytes]) -> None:
    framer = Framer()
    for piece in pieces:
        list(framer.feed(piece))
        assert framer._length is not None or len(framer._held) <= MOST_HEADER


@pytest.mark.parametrize(
    "head",
    [
        b"Content-Length: 2\r\nContent-Type: application/vscode-jsonrpc; charset=utf-8\r\n\r\n",
        b"Content-Type: x\r\ncontent-length:2\r\n\r\n",
        b"CONTENT-LENGTH:  2 \r\n\r\n",
        b"Content-Length: 2\n\n",
    ],
)
def test_headers_that_are_good(head: bytes) -> None:
    assert _fed(head + b"{}", []) == [b"{}"]


@pytest.mark.parametrize(
    "head",
    [
        b"Content-Length: two\r\n\r\n",
        b"Content-Length: -2\r\n\r\n",
        b"Content-Length: 9999999999999\r\n\r\n",
        b"Content-Length: 2000000000\r\n\r\n",
        b"Content-Type: x\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
        b"x" * (MOST_HEADER + 1),
    ],
)
def test_headers_that_are_bad(head: bytes) -> None:
    first, second = _fed(head + framed(b"[]"), [])
    assert (isinstance(first, Malformed), second) == (True, b"[]")
