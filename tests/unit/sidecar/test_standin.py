"""The stand-in behaves as recorded of the real ds4-server, and misbehaves as told."""

import http.client
import json
import os
import signal
import socket
import subprocess
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from tests.standins import Standin, free_port, write_binary, write_model
from tests.standins.ds4_flags import GENERATIONS

CHAT = "/v1/chat/completions"
HELLO: dict[str, Any] = {"model": "m", "messages": [{"role": "user", "content": "hello"}], "stream": True}


def _post(standin: Standin, body: object, path: str = CHAT, head: str = "") -> bytes:
    """All bytes of the reply, up to the close."""
    raw = json.dumps(body).encode()
    with socket.create_connection(("127.0.0.1", standin.port), 60) as client:
        lines = f"POST {path} HTTP/1.1\r\nHost: x\r\n{head or f'Content-Length: {len(raw)}'}\r\n\r\n"
        reply = b""
        # A reset: the stand-in has closed, or died, before it read all of the request.
        with suppress(ConnectionResetError, BrokenPipeError):
            client.sendall(lines.encode() + raw)
            while piece := client.recv(65536):
                reply += piece
        return reply


@pytest.mark.parametrize("generation", GENERATIONS)
def test_a_stream_has_the_wire_style_of_the_real_server(tmp_path: Path, generation: str) -> None:
    with Standin.start(tmp_path, generation=generation) as standin:
        head, _, body = _post(standin, HELLO).partition(b"\r\n\r\n")
        assert head.split(b"\r\n") == [
            b"HTTP/1.1 200 OK",
            b"Content-Type: text/event-stream",
            b"Cache-Control: no-cache",
            b"Connection: close",
        ]
        assert body.startswith(b'data: {"id":"chatcmpl-')
        assert body.endswith(b"data: [DONE]\n\n")
        assert b"404" in _post(standin, HELLO, "/health")
        chunked = _post(standin, HELLO, head="Transfer-Encoding: chunked")
        assert chunked.endswith(
            b'{"error":{"message":"invalid JSON request","type":"invalid_request_error"}}\n'
        )
        assert standin.stop() == 0
    assert any(line.endswith(" tokens=6") or "finish=stop" in line for line in standin.lines)


@pytest.mark.parametrize("path", ["/v1/messages", "/v1/responses", "/v1/completions", CHAT])
def test_whole_replies_are_json(tmp_path: Path, path: str) -> None:
    bodies = {"/v1/responses": {"input": "x"}, "/v1/completions": {"prompt": "x"}}
    with Standin.start(tmp_path, calls=[["ls", {"path": "."}]], reasoning=["hm"]) as standin:
        head, _, body = _post(standin, bodies.get(path, {**HELLO, "stream": False}), path).partition(
            b"\r\n\r\n"
        )
        assert f"Content-Length: {len(body)}".encode() in head
        assert json.loads(body)["model"]


def test_the_lock_is_that_of_all_ds4_programs(tmp_path: Path) -> None:
    with Standin.start(tmp_path) as standin:
        assert (tmp_path / "ds4.lock").read_text() == f"{standin.process.pid}\n"
        second = Standin.start(tmp_path, ready=False)
        with second, pytest.raises(EOFError, match=rf"running \(pid {standin.process.pid}\); refusing"):
            second.wait_for("listening")
        assert second.process.returncode == 2


@pytest.mark.parametrize(
    ("words", "status", "said"),
    [
        (["--nonsense"], 2, "unknown option: --nonsense"),
        (["--ctx"], 2, "missing value for --ctx"),
        (["--ctx", "1x"], 2, "invalid value for --ctx: 1x"),
        (["--ctx=5"], 2, "unknown option: --ctx=5"),
        (["--model", "/nowhere"], 1, "ds4: cannot open model '/nowhere': No such file"),
        (["--chdir", "/nowhere"], 1, "failed to chdir"),
        (["--host", "::1"], 1, "failed to listen on ::1"),
        (["--help"], 0, ""),
    ],
)
def test_exit_statuses(tmp_path: Path, words: list[str], status: int, said: str) -> None:
    binary, model = write_binary(tmp_path / "ds4-server"), write_model(tmp_path / "m.gguf")
    env = {**os.environ, "DS4_LOCK_FILE": str(tmp_path / "lock")}
    done = subprocess.run([binary, "-m", model, *words], capture_output=True, env=env, check=False)
    assert done.returncode == status
    assert said in done.stderr.decode()


def test_a_load_takes_as_long_as_its_gate_is_shut(tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    with Standin.start(tmp_path, ready=False, load=str(gate)) as standin:
        standin.wait_for("81.00 GiB cached")
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", standin.port), 5)
        gate.touch()
        standin.wait_for("listening on")
        http.client.HTTPConnection("127.0.0.1", standin.port).request("GET", "/v1/models")


@pytest.mark.parametrize(
    ("knobs", "end"),
    [
        ({"garbage": True}, b"\x00\xff no protocol at all\r\n\r\n\x01"),
        ({"close": "head"}, b"Connection: close\r\n\r\n"),
        ({"close": "accept"}, b""),
        ({"status": 503}, b'{"error":{"message":"scripted","type":"invalid_request_error"}}\n'),
        ({"fail": "cuda prefill failed"}, b'"cuda prefill failed","type":"invalid_request_error"}}\n'),
        (
            {"fail": "x", "prefill_chunks": 2},
            b'event: error\ndata: {"error":{"message":"x","type":"server_error"}}\n\n',
        ),
    ],
)
def test_bad_replies(tmp_path: Path, knobs: dict[str, Any], end: bytes) -> None:
    with Standin.start(tmp_path, **knobs) as standin:
        reply = _post(standin, HELLO)
        assert reply.endswith(end)
        assert end or not reply


def test_a_stream_can_end_in_the_middle_of_an_event(tmp_path: Path) -> None:
    with Standin.start(tmp_path, close="event") as standin:
        assert not _post(standin, HELLO).endswith(b"\n")
        assert _post(standin, {**HELLO, "standin": {"close": ""}}).endswith(b"[DONE]\n\n")


@pytest.mark.parametrize("where", ["accept", "prefill", "decode"])
def test_a_crash_after_some_requests_and_never_again(tmp_path: Path, where: str) -> None:
    knobs: dict[str, Any] = {"crash": where, "after": 1, "once": str(tmp_path / "once")}
    with Standin.start(tmp_path, **knobs) as standin:
        assert _post(standin, HELLO).endswith(b"[DONE]\n\n")
        assert not _post(standin, HELLO).endswith(b"[DONE]\n\n")
        assert standin.process.wait() == -signal.SIGABRT
    with Standin.start(tmp_path, **knobs) as standin:
        for _ in range(3):
            assert _post(standin, HELLO).endswith(b"[DONE]\n\n")


def test_a_hang_says_nothing_and_needs_a_kill(tmp_path: Path) -> None:
    body = json.dumps(HELLO).encode()
    with (
        Standin.start(tmp_path, hang="prefill") as standin,
        socket.create_connection(("127.0.0.1", standin.port), 60) as client,
    ):
        client.sendall(f"POST {CHAT} HTTP/1.1\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body)
        standin.wait_for("prompt start")
        standin.process.send_signal(signal.SIGTERM)
        standin.wait_for("shutdown requested")
        standin.process.send_signal(signal.SIGTERM)
        assert standin.process.wait() == 130, "a second signal ends it at once"


def test_keepalives_in_a_slow_prefill(tmp_path: Path) -> None:
    with Standin.start(tmp_path, prefill_chunks=4, keepalive=0) as standin:
        assert _post(standin, HELLO).count(b": prefill\n\n") == 3
        silent = {**HELLO, "standin": {"keepalive": None}}
        assert b": prefill" not in _post(standin, silent)


def test_a_flood(tmp_path: Path) -> None:
    with Standin.start(tmp_path, flood=3 << 20) as standin:
        assert len(_post(standin, HELLO)) > 3 << 20


def test_state_is_written_at_the_end_and_found_again(tmp_path: Path) -> None:
    gate, kv = tmp_path / "gate", tmp_path / "kv"
    flags = ("--kv-disk-dir", str(kv), "--kv-cache-min-tokens", "2", "--kv-cache-cold-max-tokens", "0")
    with Standin.start(tmp_path, *flags, persist=str(gate)) as standin:
        _post(standin, HELLO)
        standin.process.send_signal(signal.SIGTERM)
        standin.wait_for("persisting current KV cache before shutdown")
        gate.touch()
        assert standin.process.wait() == 0
    (file,) = kv.iterdir()
    assert file.suffix == ".kv"
    answer = {"role": "assistant", "content": "word0 word1 word2 word3 "}
    longer = [*HELLO["messages"], answer, {"role": "user", "content": "and now?"}]
    with Standin.start(tmp_path, *flags) as standin:
        usage = json.loads(
            _post(standin, {**HELLO, "messages": longer, "stream": False}).partition(b"\r\n\r\n")[2]
        )
        assert usage["usage"]["prompt_tokens_details"]["cached_tokens"] > 0
        assert "kv cache hit text" in standin.wait_for("kv cache hit")


def test_only_the_late_generation_notices_a_client_that_leaves(tmp_path: Path) -> None:
    with Standin.start(tmp_path, generation="late", first=str(tmp_path / "never")) as standin:
        with socket.create_connection(("127.0.0.1", standin.port), 60) as client:
            body = json.dumps(HELLO).encode()
            client.sendall(f"POST {CHAT} HTTP/1.1\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body)
            standin.wait_for("prompt done")
        standin.wait_for("client disconnected")


def test_a_misspelt_knob_is_refused(tmp_path: Path) -> None:
    with Standin.start(tmp_path, ready=False, tokenz=1) as standin, pytest.raises(EOFError, match="tokenz"):
        standin.wait_for("listening")
    assert free_port() > 0
