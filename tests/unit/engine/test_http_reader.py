"""Requests out of bytes: any split, every bound, and nothing but a request or a refusal."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ds4agent.engine import http_reader
from ds4agent.engine.http_reader import BadRequest, Request, RequestReader

POST = b"POST /a/b?c=d HTTP/1.1\r\n"
CHUNKED = POST + b"Transfer-Encoding: chunked\r\n\r\n"


def read(*parts: bytes) -> Request | None:
    reader = RequestReader()
    for part in parts:
        reader.feed(part)
    return reader.request


def chunks(body: bytes, size: int) -> bytes:
    pieces = [body[i : i + size] for i in range(0, len(body), size)]
    return b"".join(b"%x\r\n%s\r\n" % (len(p), p) for p in pieces) + b"0\r\n\r\n"


@given(st.binary(max_size=50), st.integers(1, 9), st.booleans(), st.data())
def test_any_split_gives_the_same_request(body: bytes, size: int, chunked: bool, data: st.DataObject) -> None:
    plain = POST + b"Content-Length: %d\r\n\r\n" % len(body) + body
    raw = CHUNKED + chunks(body, size) if chunked else plain
    cuts = data.draw(st.lists(st.integers(0, len(raw)), max_size=5).map(sorted))
    parts = [raw[a:b] for a, b in zip([0, *cuts], [*cuts, len(raw)], strict=True)]
    assert read(*parts) == Request("POST", "/a/b", body)


@pytest.mark.parametrize("tail", [b"GET / HTTP/1.1\r\n\r\n", b"\x00\xff" * 100, b"x" * 200_000])
def test_what_follows_a_request_is_not_looked_at(tail: bytes) -> None:
    raw = b"GET /x HTTP/1.1\r\n\r\n"
    assert read(raw + tail) == read(raw, tail) == Request("GET", "/x", b"")


@pytest.mark.parametrize(
    "raw",
    [b"GET /x HTTP/1.0\r\n\r\n", b"GET /x HTTP/1.1\r\nUpgrade: h2c\r\nConnection: Upgrade\r\n\r\n",
     b"\r\nGET /x HTTP/1.1\r\nExpect: tea\r\n\r\n"],
)  # fmt: skip
def test_versions_and_offers_do_not_matter(raw: bytes) -> None:
    assert read(raw) == Request("GET", "/x", b"")


@pytest.mark.parametrize("body", [b"Content-Length: 3\r\n\r\nabc", CHUNKED[len(POST) :] + chunks(b"abc", 2)])
@pytest.mark.parametrize("cut", range(50, 130, 3))
def test_an_upgrade_offered_with_a_body(body: bytes, cut: int) -> None:
    raw = POST + b"Upgrade: h2c\r\nConnection: Upgrade, HTTP2-Settings\r\n" + body
    assert read(raw[:cut], raw[cut:]) == read(raw) == Request("POST", "/a/b", b"abc")


def test_connect_is_a_method_like_any_other() -> None:
    assert read(b"CONNECT a:1 HTTP/1.1\r\n\r\n") == Request("CONNECT", "a:1", b"")


@pytest.mark.parametrize("at", [0, 1])
def test_a_head_has_64_kib(at: int) -> None:
    frame = b"GET / HTTP/1.1\r\nX: %s\r\n\r\n"
    raw = frame % (b"y" * (http_reader.MAX_HEAD - len(frame) + 2 + at))
    if at:
        with pytest.raises(BadRequest):
            read(raw)
    else:
        assert read(raw) == Request("GET", "/", b"")


@pytest.mark.parametrize("over", [0, 1])
@pytest.mark.parametrize("chunked", [True, False])
def test_a_body_has_a_bound(monkeypatch: pytest.MonkeyPatch, over: int, chunked: bool) -> None:
    monkeypatch.setattr(http_reader, "MAX_BODY", 1000)
    body = b"z" * (1000 + over)
    raw = CHUNKED + chunks(body, 300) if chunked else POST + b"Content-Length: %d\r\n\r\n" % len(body) + body
    if over:
        with pytest.raises(BadRequest):
            read(raw)
    else:
        assert read(raw) == Request("POST", "/a/b", body)


@pytest.mark.parametrize("kind", [b"1;%s", b"0\r\nT: %s", b"0\r\nT: a\r\nU: %s"])
def test_what_surrounds_a_body_has_a_bound_too(monkeypatch: pytest.MonkeyPatch, kind: bytes) -> None:
    monkeypatch.setattr(http_reader, "MAX_BODY", 1000)
    with pytest.raises(BadRequest):
        read(CHUNKED, kind % (b"y" * 1001))


@given(st.lists(st.binary(max_size=40), max_size=5), st.sampled_from([b"", POST, CHUNKED]))
def test_bytes_make_a_request_or_a_refusal(parts: list[bytes], begin: bytes) -> None:
    with suppress(BadRequest):
        read(begin, *parts)
