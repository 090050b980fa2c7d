"""The HTTP surface of a real engine process: endpoints, refusals, limits, clients that misbehave."""

from __future__ import annotations

import json
import resource
import socket
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.engine_fixtures import (
    EngineProcess,
    chat,
    exchange,
    reciting_engine,
    request,
    resident,
    running_engine,
    write_reciting_model,
)
from tests.examples import examples

CHAT = "/v1/chat/completions"
HELLO = [{"role": "user", "content": "Hello there"}]
BAD_JSON = b'{"error":{"message":"invalid JSON request","type":"invalid_request_error"}}\n'
BAD_HTTP = b'{"error":{"message":"bad HTTP request","type":"invalid_request_error"}}\n'
UNKNOWN = b'{"error":{"message":"unknown endpoint","type":"invalid_request_error"}}\n'
CORS = (
    "Access-Control-Allow-Origin: *\r\nAccess-Control-Allow-Methods: GET, POST, OPTIONS\r\n"
    "Access-Control-Allow-Headers: *\r\n"
)


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EngineProcess]:
    with reciting_engine(
        tmp_path_factory.mktemp("http"), ["Hm,"], ["Hello"], "-c", "1024", "-n", "200"
    ) as started:
        yield started


def head(status: str, body: bytes, cors: str = "") -> str:
    kind = "Content-Type: application/json\r\n" if body else ""
    return f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\n{kind}{cors}Connection: close"


CARD: dict[str, Any] = {
    "id": "reciting-model",
    "object": "model",
    "created": 1767225600,
    "owned_by": "ds4.c",
    "name": "Reciting Model",
    "context_length": 1024,
    "top_provider": {"context_length": 1024, "max_completion_tokens": 200, "is_moderated": False},
    "supported_parameters": [
        "tools", "tool_choice", "max_tokens", "temperature", "top_p", "top_k", "min_p", "stop", "seed",
        "stream", "reasoning_effort",
    ],
}  # fmt: skip


def test_models(engine: EngineProcess) -> None:
    for path in ("/v1/models", "/v1/models?x=1"):
        got, body = exchange(engine.port, request("GET", path))
        assert got == head("200 OK", body)
        expected = json.dumps({"object": "list", "data": [CARD]}, separators=(",", ":"))
        assert body.decode() == expected + "\n"


@pytest.mark.parametrize("name", ["reciting-model", "deepseek-v4-flash"])
def test_one_model(engine: EngineProcess, name: str) -> None:
    _, body = exchange(engine.port, request("GET", f"/v1/models/{name}"))
    assert body.decode() == json.dumps(CARD, separators=(",", ":")) + "\n"


def test_options_needs_no_body(engine: EngineProcess) -> None:
    assert exchange(engine.port, request("OPTIONS", CHAT)) == (
        "HTTP/1.1 204 No Content\r\nContent-Length: 0\r\nConnection: close",
        b"",
    )


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", "/healthz"), ("HEAD", "/"), ("GET", "/"), ("GET", CHAT), ("POST", "/v1/models"),
     ("POST", "/v1/embeddings"), ("GET", "/v1/models/other"), ("DELETE", "/v1/models")],
)  # fmt: skip
def test_unknown_endpoints(engine: EngineProcess, method: str, path: str) -> None:
    got, body = exchange(engine.port, request(method, path))
    assert got == head("404 Not Found", UNKNOWN)
    assert body == (b"" if method == "HEAD" else UNKNOWN)


@pytest.mark.parametrize("path", ["/v1/models", "/v1/models/deepseek-v4-flash"])
def test_head_is_get_without_the_body(engine: EngineProcess, path: str) -> None:
    with_body = exchange(engine.port, request("GET", path))
    assert exchange(engine.port, request("HEAD", path)) == (with_body[0], b"")
    assert with_body[1]


@pytest.mark.parametrize("path", ["/health", "/v1/health"])
def test_health(engine: EngineProcess, path: str) -> None:
    got, body = exchange(engine.port, request("GET", path))
    assert got == head("200 OK", body)
    value = json.loads(body)
    assert value.pop("uptime_s") >= 0
    assert value == {"status": "ok", "model": "reciting-model", "queue_depth": 0, "busy": False}


BAD_BODIES = {
    "cut": b'{"messages":[',
    "empty": b"",
    "array": b"[]",
    "bad utf-8": b'{"messages":[{"role":"user","content":"\xff"}]}',
    "too deep": b'{"x":' + b"[" * 300 + b"]" * 300 + b"}",
    "much too deep": b"[" * 200_000,
    "string temperature": b'{"messages":[],"temperature":"0.5"}',
    "infinite temperature": b'{"messages":[],"temperature":1e999}',
    "not a number": b'{"messages":[],"temperature":NaN}',
    "huge number": b'{"messages":[],"max_tokens":' + b"9" * 5000 + b"}",
    "effort": b'{"messages":[],"reasoning_effort":"ultra"}',
    "stream": b'{"messages":[],"stream":"yes"}',
    "messages": b'{"messages":{}}',
    "message": b'{"messages":["x"]}',
    "role": b'{"messages":[{"role":1}]}',
    "text part": b'{"messages":[{"content":[{"type":"text","text":5}]}]}',
    "tool calls": b'{"messages":[{"role":"assistant","tool_calls":{}}]}',
    "tools": b'{"messages":[],"tools":{}}',
    "tool": b'{"messages":[],"tools":[1]}',
    "stop": b'{"messages":[],"stop":1}',
    "thinking": b'{"messages":[],"thinking":"on"}',
    "stream options": b'{"messages":[],"stream_options":[]}',
}


@pytest.mark.parametrize("name", BAD_BODIES)
def test_bad_bodies(engine: EngineProcess, name: str) -> None:
    got, body = exchange(engine.port, request("POST", CHAT, BAD_BODIES[name]))
    assert got == head("400 Bad Request", BAD_JSON)
    assert body == BAD_JSON


@pytest.mark.parametrize("fields", [{"model": "m"}, {"messages": None}])
def test_missing_messages(engine: EngineProcess, fields: dict[str, Any]) -> None:
    _, body = exchange(engine.port, request("POST", CHAT, json.dumps(fields).encode()))
    assert body == b'{"error":{"message":"missing messages","type":"invalid_request_error"}}\n'


def test_null_means_not_given(engine: EngineProcess) -> None:
    names = [
        "model",
        "temperature",
        "top_p",
        "min_p",
        "top_k",
        "seed",
        "max_tokens",
        "max_completion_tokens",
        "stream",
        "stop",
        "stream_options",
        "thinking",
        "think",
        "reasoning_effort",
        "tools",
        "tool_choice",
    ]
    reply = chat(
        engine.port, messages=[{**HELLO[0], "tool_calls": None, "name": None}], **dict.fromkeys(names)
    )
    assert reply["choices"][0]["message"]["content"] == "Hello"
    assert reply["model"] == "reciting-model"


def test_strange_values_that_are_accepted(engine: EngineProcess) -> None:
    reply = chat(
        engine.port,
        messages=[{"role": "user", "content": ["Hel", {"type": "text", "text": "lo"}, {"type": "image_url"}]},
                  {"role": "narrator", "content": "dropped"}],
        top_k=-5, max_tokens=1e12, seed=0.5, stop=["", 1, None], n=2, logit_bias={"1": 2},
        tool_choice={"type": "x"},
    )  # fmt: skip
    assert reply["choices"][0]["finish_reason"] == "stop"
    lone = b'{"messages":[{"role":"user","content":"\\ud800 \\u0000 \x01"}]}'
    assert exchange(engine.port, request("POST", CHAT, lone))[0].startswith("HTTP/1.1 200 OK")


@pytest.mark.parametrize("stream", [True, False])
def test_prompt_too_long(engine: EngineProcess, stream: bool) -> None:
    body = json.dumps({"messages": [{"role": "user", "content": "x" * 3000}], "stream": stream}).encode()
    got, reply = exchange(engine.port, request("POST", CHAT, body))
    n = json.loads(reply)["error"]["n_prompt_tokens"]
    assert n > 3000
    expected = (
        f'{{"error":{{"message":"Prompt has {n} tokens, but the configured context size is 1024 tokens",'
        '"type":"invalid_request_error","param":"messages","code":"context_length_exceeded",'
        f'"n_prompt_tokens":{n},"n_ctx":1024}}}}\n'
    )
    assert got == head("400 Bad Request", expected.encode())
    assert reply.decode() == expected


def test_a_prompt_needs_one_free_place(engine: EngineProcess) -> None:
    def ask(n: int) -> str:
        body = json.dumps({"messages": [{"role": "user", "content": "x" * n}]}).encode()
        return exchange(engine.port, request("POST", CHAT, body))[0].split("\r\n")[0]

    frame = 4  # begin, user, assistant, think
    assert ask(1024 - frame) == "HTTP/1.1 400 Bad Request"
    assert ask(1023 - frame) == "HTTP/1.1 200 OK"


@pytest.mark.parametrize(
    "raw",
    [
        b"hello\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"POST /v1/chat/completions HTTP/1.1\r\nContent-Length: 67108865\r\n\r\n",
        b"POST /v1/chat/completions HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
        b"POST /v1/chat/completions HTTP/1.1\r\nContent-Length: zebra\r\n\r\n",
        b"POST /v1/chat/completions HTTP/1.1\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n{}",
        b"POST /v1/chat/completions HTTP/1.1\r\nTransfer-Encoding: chunked\r\nContent-Length: 2\r\n\r\n{}",
        b"POST /v1/chat/completions HTTP/1.1\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{}",
        b"POST /v1/chat/completions HTTP/1.1\r\nTransfer-Encoding: gzip\r\n\r\n{}",
        b"POST /v1/chat/completions HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"GET /" + b"y" * 70_000 + b" HTTP/1.1\r\n\r\n",
        b"GET /v1/models HTTP/1.1\r\nX: " + b"y" * 70_000 + b"\r\n\r\n",
        b"GET /v1/models HTTP/1.1\r\nX: " + b"y" * 200_000,
    ],
)
def test_bad_http(engine: EngineProcess, raw: bytes) -> None:
    got, body = exchange(engine.port, raw)
    assert got == head("400 Bad Request", BAD_HTTP)
    assert body == BAD_HTTP


def test_a_request_that_ends_early(engine: EngineProcess) -> None:
    raw = b"POST /v1/chat/completions HTTP/1.1\r\nContent-Length: 100\r\n\r\n{"
    assert exchange(engine.port, raw, half_close=True)[1] == BAD_HTTP


def test_chunked_bodies_are_read(engine: EngineProcess) -> None:
    body = json.dumps({"messages": HELLO}).encode()
    chunks = b"".join(b"%x\r\n%s\r\n" % (len(c), c) for c in (body[:7], body[7:])) + b"0\r\n\r\n"
    raw = b"POST /v1/chat/completions HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n" + chunks
    assert exchange(engine.port, raw)[0].startswith("HTTP/1.1 200 OK")


def test_a_chunked_body_may_not_be_larger_than_another(engine: EngineProcess) -> None:
    part = b"100000\r\n" + b" " * (1 << 20) + b"\r\n"
    with socket.create_connection(("127.0.0.1", engine.port), timeout=30) as sock:
        sock.sendall(b"POST /v1/chat/completions HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n")
        for _ in range(64):
            sock.sendall(part)
        sock.sendall(b"1\r\n ")
        data = b"".join(iter(lambda: sock.recv(65536), b""))
    assert data.endswith(BAD_HTTP)


def test_broken_utf_8_in_a_chunked_body(engine: EngineProcess) -> None:
    raw = b'{"messages":[{"role":"user","content":"\xc3"}]}'
    chunked = b"Transfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n0\r\n\r\n" % (len(raw), raw)
    _, body = exchange(engine.port, b"POST /v1/chat/completions HTTP/1.1\r\n" + chunked)
    assert body == BAD_JSON


@pytest.mark.parametrize("head", [b"GET /v1/models HTTP/1.0\r\n\r\n", b"GET /v1/models HTTP/1.1\r\n\r\n"])
@pytest.mark.parametrize("half_close", [True, False])
def test_quick_answers_reach_a_half_closed_socket(
    engine: EngineProcess, head: bytes, half_close: bool
) -> None:
    got, body = exchange(engine.port, head, half_close=half_close)
    assert got.startswith("HTTP/1.1 200 OK")
    assert b'"object":"list"' in body


@pytest.mark.parametrize("stream", [True, False])
def test_a_half_close_while_waiting_is_an_end(tmp_path: Path, stream: bool) -> None:
    write_reciting_model(tmp_path / "model.gguf", ["Hm,"], ["Hello"])
    body = json.dumps({"messages": [{"role": "user", "content": "x" * 30000}], "stream": stream}).encode()
    with running_engine(tmp_path, "--model", str(tmp_path / "model.gguf")) as engine:
        with socket.create_connection(("127.0.0.1", engine.port), timeout=30) as sock:
            sock.sendall(request("POST", CHAT, body))
            engine.wait_for_line("prefill chunk 512/")
            sock.shutdown(socket.SHUT_WR)
            engine.wait_for_line("stream closed during prefill")
            assert b"data:" not in b"".join(iter(lambda: sock.recv(65536), b""))
        assert chat(engine.port, messages=HELLO)["choices"][0]["finish_reason"] == "stop"


VALID = request("POST", CHAT, json.dumps({"messages": HELLO, "max_tokens": 1}).encode())
FRAGMENTS = [
    b"GET ", b"POST ", b"/v1/models", b" HTTP/1.1", b"\r\n", b"\r\n\r\n", b"Content-Length: ", b"5", b"-1",
    b"Transfer-Encoding: chunked\r\n", b"5\r\nabcde\r\n", b"0\r\n\r\n",
    b"Connection: upgrade\r\nUpgrade: x\r\n",
    b"{}", b"Expect: 100-continue\r\n", b"\x00", b"\xff\xfe", b": ", b"y" * 5000,
]  # fmt: skip


def mutated(cut: tuple[int, int, bytes]) -> bytes:
    start, length, instead = cut
    return VALID[:start] + instead + VALID[start + length :]


RAW = st.one_of(
    st.binary(max_size=200),
    st.lists(st.sampled_from(FRAGMENTS), max_size=12).map(b"".join),
    st.tuples(st.integers(0, len(VALID)), st.integers(0, 9), st.binary(max_size=5)).map(mutated),
)


@settings(max_examples=examples(200))
@given(RAW)
def test_any_bytes_get_a_plain_answer(engine: EngineProcess, raw: bytes) -> None:
    """A half-closed client that asked for a turn has left; everybody else is told something."""
    got, body = exchange(engine.port, raw, half_close=True)
    status = got.removeprefix("HTTP/1.1 100 Continue").strip().split(" ")[1:2]
    assert status in ([], ["200"], ["204"], ["400"], ["404"])
    assert status or body == b""
    assert engine.process.poll() is None
    assert not any("Traceback" in line for line in engine.lines)


def soft_descriptor_limit(pid: int) -> tuple[int, int]:
    return resource.prlimit(pid, resource.RLIMIT_NOFILE)


@pytest.fixture
def many_descriptors() -> Iterator[None]:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard < 2048:
        pytest.skip("this test needs 1,000 sockets")
    resource.setrlimit(resource.RLIMIT_NOFILE, (2048, hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_a_thousand_idle_connections(engine: EngineProcess, many_descriptors: None) -> None:
    pid = engine.process.pid
    soft, hard = soft_descriptor_limit(pid)
    assert soft == hard
    before = resident(pid)
    idle = [socket.create_connection(("127.0.0.1", engine.port), timeout=30) for _ in range(1000)]
    assert chat(engine.port, messages=HELLO)["choices"][0]["finish_reason"] == "stop"
    assert resident(pid) - before < 40 << 20
    for sock in idle:
        with sock:
            assert b"".join(iter(partial(sock.recv, 65536), b"")).endswith(BAD_HTTP)
    assert chat(engine.port, messages=HELLO)["choices"][0]["finish_reason"] == "stop"


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_no_descriptors_left(tmp_path: Path) -> None:
    write_reciting_model(tmp_path / "model.gguf", ["Hm,"], ["Hello"])
    with running_engine(tmp_path, "--model", str(tmp_path / "model.gguf")) as engine:
        pid = engine.process.pid
        taken = len(list(Path(f"/proc/{pid}/fd").iterdir()))
        soft, hard = soft_descriptor_limit(pid)
        resource.prlimit(pid, resource.RLIMIT_NOFILE, (taken + 3, hard))
        waiting = [socket.create_connection(("127.0.0.1", engine.port)) for _ in range(10)]
        engine.wait_for_line("ds4-server: accept failed: Too many open files")
        resource.prlimit(pid, resource.RLIMIT_NOFILE, (soft, hard))
        for sock in waiting:
            sock.close()
        assert chat(engine.port, messages=HELLO)["choices"][0]["finish_reason"] == "stop"
        assert sum("accept failed" in line for line in engine.lines) < 10


def test_expect_continue_is_answered(engine: EngineProcess) -> None:
    body = json.dumps({"messages": HELLO}).encode()
    with socket.create_connection(("127.0.0.1", engine.port), timeout=30) as sock:
        sock.sendall(
            b"POST /v1/chat/completions HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: %d\r\n\r\n"
            % len(body)
        )
        assert sock.recv(100) == b"HTTP/1.1 100 Continue\r\n\r\n"
        sock.sendall(body)
        data = b"".join(iter(lambda: sock.recv(65536), b""))
    assert data.startswith(b"HTTP/1.1 200 OK")


def test_a_body_in_single_bytes(engine: EngineProcess) -> None:
    with socket.create_connection(("127.0.0.1", engine.port), timeout=30) as sock:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for byte in request("POST", CHAT, json.dumps({"messages": HELLO}).encode()):
            sock.sendall(bytes([byte]))
        data = b"".join(iter(lambda: sock.recv(65536), b""))
    assert data.startswith(b"HTTP/1.1 200 OK")


def test_only_the_first_request_of_a_connection_is_answered(engine: EngineProcess) -> None:
    got, body = exchange(engine.port, request("GET", "/v1/models") * 2)
    assert got.startswith("HTTP/1.1 200 OK")
    assert body.count(b'"object":"list"') == 1


def test_models_answer_while_a_reply_is_made(engine: EngineProcess) -> None:
    body = json.dumps({"messages": [{"role": "user", "content": "x" * 900}], "stream": True}).encode()
    with socket.create_connection(("127.0.0.1", engine.port), timeout=30) as sock:
        sock.sendall(request("POST", CHAT, body))
        assert exchange(engine.port, request("GET", "/v1/models"))[0].startswith("HTTP/1.1 200 OK")
        assert b"".join(iter(lambda: sock.recv(65536), b"")).endswith(b"data: [DONE]\n\n")


def test_cors(tmp_path_factory: pytest.TempPathFactory) -> None:
    with reciting_engine(tmp_path_factory.mktemp("cors"), ["Hm,"], ["Hello"], "--cors") as engine:
        got, body = exchange(engine.port, request("GET", "/v1/models"))
        assert got == head("200 OK", body, CORS)
        assert exchange(engine.port, request("GET", "/"))[0] == head("404 Not Found", UNKNOWN, CORS)
        assert exchange(engine.port, request("OPTIONS", CHAT))[0] == head("204 No Content", b"", CORS)
        stream = json.dumps({"messages": HELLO, "stream": True}).encode()
        got, _ = exchange(engine.port, request("POST", CHAT, stream))
        assert got == (
            "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nCache-Control: no-cache\r\n"
            f"{CORS}Connection: close"
        )
