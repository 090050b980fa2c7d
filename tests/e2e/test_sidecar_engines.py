"""The sidecar with engines it starts: the embedded one, and the stand-in of ds4-server."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import anthropic
import openai
import pytest

from ds4agent.sidecar import runtime
from ds4agent.sidecar.settings import EngineSettings, SidecarSettings
from tests.e2e.recitals import ANSWER, REASONING
from tests.sidecar_fixtures import (
    SECONDS,
    Sidecar,
    connect,
    embedded,
    is_gone,
    is_over,
    post,
    read_all,
    read_until,
    request,
    running_sidecar,
    standin,
    start_sidecar,
    wait_for,
)

HELLO: list[Any] = [{"role": "user", "content": "Hello there"}]
NOHUP = """
import signal, sys
import ds4agent.sidecar.__main__ as program
signal.signal(signal.SIGHUP, signal.SIG_IGN)
sys.exit(program.main())
"""
GENERATIONS = ("may", "june", "late")
PATHS: dict[str, dict[str, Any]] = {
    "/v1/chat/completions": {"messages": HELLO},
    "/v1/messages": {"messages": HELLO, "max_tokens": 50},
    "/v1/responses": {"input": "Hello there"},
    "/v1/completions": {"prompt": "Hello there"},
}


@pytest.fixture(scope="module")
def reciting(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sidecar]:
    folder = tmp_path_factory.mktemp("embedded")
    with running_sidecar(folder, embedded(folder)) as sidecar:
        yield sidecar


@pytest.fixture(scope="module", params=GENERATIONS)
def generation(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sidecar]:
    folder = tmp_path_factory.mktemp(request.param)
    with running_sidecar(folder, standin(folder, request.param)) as sidecar:
        yield sidecar


def ask(port: int, path: str, **fields: Any) -> bytes:
    return read_all(connect(port, post(path, json.dumps({**PATHS[path], **fields}).encode())))


def engine_of(sidecar: Sidecar) -> dict[str, Any]:
    value: dict[str, Any] = json.loads(sidecar.own("status"))["engine"]
    return value


def neutral(reply: bytes) -> bytes:
    """Without what is of the moment, or of what the engine knows from the request before."""
    reply = re.sub(rb"\b(chatcmpl-|cmpl-|msg_|resp_|rs_|fc_)[0-9a-f]+", rb"\1", reply)
    reply = re.sub(rb'("(?:created|created_at|completed_at)":)\d+', rb"\1", reply)
    return re.sub(rb'("[a-z_]*(?:tokens|live|resident|disk|read)":|Content-Length: )\d+', rb"\1", reply)


# -- bytes
# ------------------------------------------------------------------------------------------------------------


def both(sidecar: Sidecar, raw: bytes) -> tuple[bytes, bytes]:
    """The same, directly and through the sidecar."""
    through = read_all(connect(sidecar.port, raw))
    return neutral(read_all(connect(engine_of(sidecar)["port"], raw))), neutral(through)


def every_kind() -> list[bytes]:
    bodies = [
        (path, {**fields, "stream": stream}) for path, fields in PATHS.items() for stream in (False, True)
    ]
    bad = [(path, b"{") for path in PATHS] + [(path, b"{}") for path in PATHS]
    return [
        *(post(path, json.dumps(fields).encode()) for path, fields in bodies),
        *(post(path, body) for path, body in bad),
        request("GET", "/v1/models"),
        request("HEAD", "/v1/models"),
        request("GET", "/nope"),
        request("GET", "/v1/chat/completions"),
    ]


def test_the_embedded_engine_says_the_same_through_the_sidecar(reciting: Sidecar) -> None:
    for raw in every_kind():
        direct, through = both(reciting, raw)
        assert direct == through
        assert through.startswith(b"HTTP/1.1 ")


def test_every_generation_says_the_same_through_the_sidecar(generation: Sidecar) -> None:
    for raw in every_kind():
        direct, through = both(generation, raw)
        assert direct == through


# -- clients of others
# ------------------------------------------------------------------------------------------------------------


def test_the_client_of_openai(reciting: Sidecar) -> None:
    with openai.OpenAI(
        base_url=f"http://127.0.0.1:{reciting.port}/v1",
        api_key="none",
        max_retries=0,
        http_client=openai.DefaultHttpxClient(trust_env=False),
    ) as client:
        (model,) = client.models.list().data
        completion = client.chat.completions.create(model=model.id, messages=HELLO)
        assert completion.choices[0].message.content == "".join(ANSWER)
        chunks = client.chat.completions.create(model=model.id, messages=HELLO, stream=True)
        texts = [chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices]
        assert "".join(texts) == "".join(ANSWER)
        assert client.responses.create(model=model.id, input="Hello").output_text == "".join(ANSWER)
        with client.responses.stream(model=model.id, input="Hello") as events:
            assert events.get_final_response().output_text == "".join(ANSWER)
        with pytest.raises(openai.BadRequestError):
            client.chat.completions.create(
                model=model.id, messages=[{"role": "user", "content": "x " * 20000}]
            )


# An engine as llama-server and vLLM are: it keeps a connection open unless it is told not to.
KEEPING = r"""
import json
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def log_message(self, *_): pass
    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        message = {"role": "assistant", "content": "I am here."}
        body = json.dumps({"choices": [{"index": 0, "message": message, "finish_reason": "stop"}]}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Keep-Alive", "timeout=5, max=100")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
print(server.server_address[1], flush=True)
server.serve_forever()
"""


def test_an_engine_that_keeps_connections_open(tmp_path: Path) -> None:
    """The second request of a client that keeps them, too, is answered, and each place is free again."""
    with subprocess.Popen([sys.executable, "-c", KEEPING], stdout=subprocess.PIPE) as engine:
        assert engine.stdout is not None
        settings = EngineSettings(url=f"127.0.0.1:{int(engine.stdout.readline())}")
        try:
            with (
                running_sidecar(tmp_path, settings) as sidecar,
                openai.OpenAI(
                    base_url=f"http://127.0.0.1:{sidecar.port}/v1",
                    api_key="none",
                    max_retries=0,
                    timeout=SECONDS,
                    http_client=openai.DefaultHttpxClient(trust_env=False),
                ) as client,
            ):
                for _ in range(5):
                    completion = client.chat.completions.create(model="m", messages=HELLO)
                    assert completion.choices[0].message.content == "I am here."
                raw = post("/v1/chat/completions", b"{}", "Connection: keep-alive")
                head, _, body = read_all(connect(sidecar.port, raw)).partition(b"\r\n\r\n")
                assert b"\r\nConnection: close" in head
                assert b"I am here." in body
        finally:
            engine.kill()


def test_the_client_of_anthropic(reciting: Sidecar) -> None:
    with anthropic.Anthropic(
        base_url=f"http://127.0.0.1:{reciting.port}",
        api_key="none",
        max_retries=0,
        http_client=anthropic.DefaultHttpxClient(trust_env=False),
    ) as client:
        message = client.messages.create(model="m", max_tokens=100, messages=HELLO)
        assert [block.text for block in message.content if block.type == "text"] == ["".join(ANSWER)]
        with client.messages.stream(model="m", max_tokens=100, messages=HELLO) as events:
            assert events.get_final_text() == "".join(ANSWER)
            assert "".join(REASONING) in str(events.get_final_message().content)


def test_signs_of_life_do_not_disturb_the_clients(tmp_path: Path) -> None:
    """A prefill with many of them, in front of the engine's head and of its first event."""
    go = tmp_path / "go"
    engine = standin(tmp_path, "may", {"prefill": str(go), "keepalive": None})
    with running_sidecar(tmp_path, engine, keepalive=0.05) as sidecar:
        probes = [
            connect(sidecar.port, post(path, json.dumps({**fields, "stream": True}).encode()))
            for path, fields in PATHS.items()
        ]
        signs = {"/v1/messages": b'{"type":"ping"}\n\n'}
        for path, probe in zip(PATHS, probes, strict=True):
            for _ in range(3):
                read_until(probe, signs.get(path, b": keepalive\n\n"))
        while len(json.loads(sidecar.own("status"))["waiting"]) != len(PATHS) - 1:
            pass  # the engine still starts
        go.touch()
        for probe in probes:
            assert b"HTTP/1.1" not in read_all(probe)  # the engine's own head is left out


# -- lives
# ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", GENERATIONS)
def test_an_engine_that_is_killed_in_a_stream(tmp_path: Path, name: str) -> None:
    with running_sidecar(tmp_path, standin(tmp_path, name)) as sidecar:
        ask(sidecar.port, "/v1/messages")
        slow = {"messages": HELLO, "stream": True, "standin": {"tokens": 100000, "interval": 0.01}}
        client = connect(sidecar.port, post("/v1/chat/completions", json.dumps(slow).encode()))
        read_until(client, b"\n\n")
        first = engine_of(sidecar)["pid"]
        os.kill(first, signal.SIGKILL)
        assert is_over(client)
        assert ask(sidecar.port, "/v1/chat/completions").startswith(b"HTTP/1.1 200 OK\r\n")
        again = engine_of(sidecar)
        assert again["pid"] != first
        assert again["restarts"] == 1


@pytest.mark.slow
def test_an_engine_that_crashes_at_every_start(tmp_path: Path) -> None:
    """Refused with its last words, as soon as the breaker opens; others wait no longer either."""
    engine = standin(tmp_path, knobs={"load_error": "cannot allocate 81 GiB"})
    with running_sidecar(tmp_path, engine) as sidecar:
        reply = ask(sidecar.port, "/v1/messages")
        assert reply.startswith(b"HTTP/1.1 503 ")
        assert b"\r\nRetry-After: " in reply
        message = json.loads(reply.partition(b"\r\n\r\n")[2])["error"]["message"]
        assert message == "the engine ended with status 1; its last words: ds4: cannot allocate 81 GiB"
        assert ask(sidecar.port, "/v1/messages").startswith(b"HTTP/1.1 503 ")
        health = read_all(connect(sidecar.port, request("GET", "/health")))
        assert b'"broken"' in health


@pytest.mark.parametrize(
    "knobs",
    [{"close": "accept"}, {"close": "head"}, {"close": "event"}, {"garbage": True}, {"status": 500},
     {"fail": "no room"}],
    ids=str,
)  # fmt: skip
@pytest.mark.parametrize("path", sorted(PATHS))
def test_faults_of_one_request_end_it_and_nothing_else(
    generation: Sidecar, path: str, knobs: dict[str, Any]
) -> None:
    reply = ask(generation.port, path, stream=True, standin=knobs)
    assert reply
    assert ask(generation.port, path).startswith(b"HTTP/1.1 200 OK\r\n")


@pytest.mark.slow
@pytest.mark.parametrize("name", GENERATIONS)
def test_a_crash_ends_the_requests_it_had_and_the_next_one_waits(tmp_path: Path, name: str) -> None:
    with running_sidecar(tmp_path, standin(tmp_path, name)) as sidecar:
        for where, start in (("prefill", b"HTTP/1.1 502 "), ("decode", b"HTTP/1.1 ")):
            for path in ("/v1/chat/completions", "/v1/messages"):
                assert ask(sidecar.port, path, stream=True, standin={"crash": where}).startswith(start)
                assert ask(sidecar.port, path).startswith(b"HTTP/1.1 200 OK\r\n")
            sidecar.own("load", "POST")


def test_an_engine_that_hangs_is_broken_off_and_restarted(tmp_path: Path) -> None:
    engine = replace(standin(tmp_path), hang=2.0)
    with running_sidecar(tmp_path, engine, keepalive=0.1) as sidecar:
        ask(sidecar.port, "/v1/messages")
        pid = engine_of(sidecar)["pid"]
        replies = [
            connect(sidecar.port, post("/v1/messages", json.dumps(body).encode()))
            for body in ({"messages": HELLO, "stream": True, "standin": {"hang": "prefill"}},
                         {"messages": HELLO, "stream": False})
        ]  # fmt: skip
        broken, waiting = (read_all(client) for client in replies)
        assert b"event: error\ndata: " in broken
        assert b"the engine hangs; the request was broken off" in broken
        assert b"HTTP/1.1 200 OK\r\n" in waiting
        assert is_gone(pid)


@pytest.mark.parametrize("path", ["/infill", *PATHS])
def test_a_stream_that_came_to_its_end_leaves_no_doubt(tmp_path: Path, path: str) -> None:
    """Else the next request waits until the engine has been looked at: a tenth of a second."""
    argv = (sys.executable, "-m", "ds4agent.engine", "--port", "0", "--threads", "1", "--ctx", "4096")
    environment: dict[str, str | None] = {"DS4_LOCK_FILE": str(tmp_path / "lock")}
    body = {**PATHS.get(path, {"input_prefix": "a = ", "n_predict": 2}), "max_tokens": 2, "stream": True}
    with running_sidecar(tmp_path, EngineSettings(argv=argv, environment=environment)) as sidecar:
        assert b"text/event-stream" in read_all(connect(sidecar.port, post(path, json.dumps(body).encode())))
        assert engine_of(sidecar)["state"] == "ready"


def test_a_client_that_leaves_during_the_load(tmp_path: Path) -> None:
    go = tmp_path / "go"
    with running_sidecar(tmp_path, standin(tmp_path, knobs={"load": str(go)}), keepalive=0.05) as sidecar:
        gone = connect(sidecar.port, post("/v1/chat/completions", b'{"stream":true}'))
        read_until(gone, b": keepalive\n\n")
        gone.close()
        while json.loads(sidecar.own("status"))["waiting"]:
            pass
        go.touch()
        assert ask(sidecar.port, "/v1/chat/completions").startswith(b"HTTP/1.1 200 OK\r\n")


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGHUP], ids=["asked to", "its terminal is closed"])
def test_stopping_lets_the_engine_write_its_state(tmp_path: Path, how: signal.Signals) -> None:
    engine = standin(tmp_path, knobs={"persist": 0.3})
    engine = replace(engine, argv=(*engine.argv, "--kv-disk-dir", str(tmp_path / "kv")))
    with running_sidecar(tmp_path, engine) as sidecar:
        ask(sidecar.port, "/v1/chat/completions", messages=[{"role": "user", "content": "Hello " * 2000}])
        sidecar.process.send_signal(how)
        assert sidecar.process.wait(SECONDS) == 0
        assert list((tmp_path / "kv").iterdir())


def test_it_outlives_its_terminal_with_nohup(tmp_path: Path) -> None:
    with running_sidecar(tmp_path, standin(tmp_path), ("-c", NOHUP)) as sidecar:
        sidecar.process.send_signal(signal.SIGHUP)
        assert ask(sidecar.port, "/v1/messages").startswith(b"HTTP/1.1 200 OK\r\n")


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="looks for processes in /proc")
def test_a_sidecar_that_is_killed_takes_the_embedded_engine_with_it(tmp_path: Path) -> None:
    with running_sidecar(tmp_path, embedded(tmp_path)) as sidecar:
        assert ask(sidecar.port, "/v1/chat/completions").startswith(b"HTTP/1.1 200 OK\r\n")
        pid = engine_of(sidecar)["pid"]
        sidecar.process.kill()
        sidecar.process.wait()
        assert is_gone(pid)


# -- one of a kind
# ------------------------------------------------------------------------------------------------------------


def started(settings: SidecarSettings, log: Path) -> tuple[int, str]:
    """The exit status and the words of one that ends by itself."""
    return start_sidecar(settings, log).wait(SECONDS), log.read_text()


def test_a_second_sidecar_says_where_the_first_is(tmp_path: Path) -> None:
    with running_sidecar(tmp_path, standin(tmp_path)) as sidecar:
        status, said = started(sidecar.settings, tmp_path / "second.log")
        where = f"(pid {sidecar.process.pid}, port {sidecar.port})"
        assert (status, said) == (2, f"ds4agent: a sidecar is running already {where}\n")
        assert runtime.read(Path(sidecar.settings.runtime_file)) is not None
        assert sidecar.own("status")


@pytest.mark.parametrize("left", [b"", b"{", b'{"pid":1,"port":8010,"token":"old"}\n' * 50, b"\xff" * 9000])
def test_a_file_that_was_left_over(tmp_path: Path, left: bytes) -> None:
    file = tmp_path / "run" / "sidecar.json"
    file.parent.mkdir()
    file.write_bytes(left)
    assert runtime.read(file) is None
    with running_sidecar(tmp_path, standin(tmp_path)) as sidecar:
        found = runtime.read(file)
        assert found is not None
        assert (found.pid, found.port) == (sidecar.process.pid, sidecar.port)
        assert file.stat().st_mode & 0o777 == 0o600
    assert runtime.read(file) is None


def test_many_start_at_once_and_one_runs(tmp_path: Path) -> None:
    file = tmp_path / "sidecar.json"
    settings = SidecarSettings(EngineSettings(url="127.0.0.1:1"), str(file), str(tmp_path), port=0)
    processes = [start_sidecar(settings, tmp_path / f"{i}.log") for i in range(4)]
    losers: list[subprocess.Popen[bytes]] = []
    try:
        while len(losers) < 3:
            losers = [p for p in processes if p.poll() is not None]
            time.sleep(0.01)
        (winner,) = set(processes) - set(losers)
        assert wait_for(file, winner).pid == winner.pid
        assert {p.returncode for p in losers} == {2}
    finally:
        for process in processes:
            process.terminate()
    assert winner.wait(SECONDS) == 0


def test_the_file_of_one_that_was_killed_is_nobodys(tmp_path: Path) -> None:
    engine = EngineSettings(url="127.0.0.1:1")
    with running_sidecar(tmp_path, engine) as sidecar:
        sidecar.process.kill()
        sidecar.process.wait()
        assert runtime.read(Path(sidecar.settings.runtime_file)) is None
        with running_sidecar(tmp_path, engine) as again:
            assert again.own("status")


@pytest.mark.parametrize(
    ("change", "words"),
    [({"host": "192.0.2.1"}, "cannot listen on 192.0.2.1:0: "),
     ({"runtime_file": "/dev/null/x"}, "cannot use "),
     ({"engine": EngineSettings(url="no.such.invalid:80")}, "cannot find the engine's host in no.such.")],
)  # fmt: skip
def test_what_cannot_be_says_so(tmp_path: Path, change: dict[str, Any], words: str) -> None:
    settings = SidecarSettings(
        EngineSettings(url="127.0.0.1:1"), str(tmp_path / "run.json"), str(tmp_path), port=0
    )
    status, said = started(replace(settings, **change), tmp_path / "log")
    assert status == 1
    assert said.startswith(f"ds4agent: {words}")
    assert "Traceback" not in said


def test_a_port_that_is_taken(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        settings = SidecarSettings(
            EngineSettings(url="127.0.0.1:1"), str(tmp_path / "run.json"), str(tmp_path), port=port
        )
        status, said = started(settings, tmp_path / "log")
    assert status == 1
    assert f"cannot listen on 127.0.0.1:{port}: " in said


def test_what_the_process_does_not_load() -> None:
    heavy = "ssl http.client urllib.request email click pydantic rich cffi"
    code = f"import ds4agent.sidecar.__main__, sys; print([m for m in {heavy.split()} if sys.modules.get(m)])"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout == "[]\n"
