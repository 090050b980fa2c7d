"""What is read of a reply's tokens, from replies of a real ds4-server in pieces of any size."""

from __future__ import annotations

import re
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ds4agent.sidecar.usage import Observed, Tokens
from tests.e2e.recorded import FOLDER, exchanges

USAGE = '"usage":{'
REPLIES = {
    exchange.name: f"{exchange.head}\n\n".replace("\n", "\r\n").encode()
    + exchange.body.encode("utf-8", "surrogateescape")
    for path in sorted(FOLDER.glob("*.txt"))
    for exchange in exchanges(path)
    if USAGE in exchange.body
}


def observed(data: bytes, edges: list[int]) -> Observed:
    found = Observed()
    cuts = sorted({0, len(data), *(edge for edge in edges if edge < len(data))})
    for i, (start, end) in enumerate(pairwise(cuts)):
        found.feed(data[start:end], 10.0 + i)
    return found


def _last(names: str, text: str) -> int | None:
    numbers = re.findall(rf'"(?:{names})":(\d+)', text)
    return int(numbers[-1]) if numbers else None


def expected(reply: bytes) -> Tokens:
    """The last that the whole reply says; Anthropic's input leaves out what was cached."""
    text = reply.decode("utf-8", "replace")
    prompt, output = _last("prompt_tokens|input_tokens", text), _last("completion_tokens|output_tokens", text)
    read, made = _last("cache_read_input_tokens", text), _last("cache_creation_input_tokens", text)
    if read is not None:
        assert prompt is not None
        return Tokens(prompt + read + (made or 0), read, output)
    return Tokens(prompt, _last("cached_tokens", text), output)


def test_there_are_replies_of_every_api() -> None:
    text = " ".join(REPLIES)
    assert len(REPLIES) > 20
    for kind in ("04", "05", "13", "14", "15", "16", "19", "21"):
        assert re.search(rf"\b{kind}\b", text), kind


@pytest.mark.parametrize("name", sorted(REPLIES))
def test_recorded_replies(name: str) -> None:
    found = observed(REPLIES[name], []).tokens()
    assert found == expected(REPLIES[name])
    assert found.prompt is not None
    assert found.output is not None


@given(st.sampled_from(sorted(REPLIES)), st.lists(st.integers(1, 6000)))
def test_pieces_do_not_matter(name: str, edges: list[int]) -> None:
    reply = REPLIES[name]
    found = observed(reply, edges)
    assert found.tokens() == expected(reply)
    assert (found.n_bytes, found.first) == (len(reply), 10.0)
    assert found.last == 10.0 + found.events - 1


@pytest.mark.parametrize("name", sorted(n for n, r in REPLIES.items() if b"text/event-stream" in r))
def test_a_stream_is_whole_with_its_last_event(name: str) -> None:
    whole = REPLIES[name].rstrip() + b"\n\n"
    assert observed(whole, []).is_whole_stream()
    assert not observed(whole[:-1], []).is_whole_stream()
    assert not observed(whole[: whole.index(b"\n\n", len(whole) // 3) + 2], []).is_whole_stream()


@pytest.mark.parametrize("piece", [1, 7, 4096, 1 << 16])
def test_a_long_stream_is_not_kept(piece: int) -> None:
    """Anthropic's prompt side stands at the start, the output at the end, megabytes lie between."""
    reply = REPLIES[next(name for name in sorted(REPLIES) if name.startswith("16"))]
    middle = b'event: x\ndata: {"usage":{"input_tokens":1,"output_tokens":2}}\n\n' * (300 << 10 >> 6)
    cut = reply.index(b"event: content_block_start")
    data = reply[:cut] + middle + b"data: " + b"x" * 20000 + b"\n\n" + reply[cut:]
    found = Observed()
    for i in range(0, len(data), piece):
        found.feed(data[i : i + piece], 1.0)
    assert found.tokens() == expected(reply)


@pytest.mark.parametrize(
    "reply",
    [b"", b"HTTP/1.1 200 OK\r\n\r\n", b'"usage":{', b'{"usage":null}', b'{"usage":{"prompt_tokens":"x"}}',
     b'"usage":{' * 5000, b'{"usage":{"prompt_tokens":' + b"9" * 9000, b"\xff" * 100_000],
)  # fmt: skip
def test_replies_that_say_nothing(reply: bytes) -> None:
    assert observed(reply, list(range(0, len(reply), 1000))).tokens() == Tokens()


def test_a_stream_of_infill_is_whole_with_the_event_that_stops() -> None:
    piece = b'data: {"index":0,"content":"\\"stop\\":true","stop":false}\n\n'
    end = b'data: {"index":0,"content":"","stop":true,"tokens_cached":9}\n\n'
    assert observed(piece + end, [3]).is_whole_stream()
    assert not observed(piece, []).is_whole_stream()
    assert not observed(piece + end[:-1], []).is_whole_stream()
