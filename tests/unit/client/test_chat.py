"""The client against real sockets: framing, errors, patience, cancelling."""

import shutil
import socket
import ssl
import subprocess
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ds4agent.client.cancel import Cancel, Cancelled, NotSent
from ds4agent.client.chat import Enough, Event, Keepalive, Stopped, complete, models
from ds4agent.client.errors import BadRequest, ContextFull, EngineError, EngineFailed, EngineLost
from ds4agent.client.http import Endpoint, Patience, exchange, head
from ds4agent.client.reply import Assembler, CallBegun, CallGrown, Delta, Reply, Usage
from ds4agent.sidecar.guard import Guard
from tests.unit.client.scripted_engine import (
    DONE,
    HEAD,
    Pause,
    Script,
    ScriptedEngine,
    call,
    chunk,
    refusal,
    reply,
)


@pytest.fixture
def cancel() -> Iterator[Cancel]:
    made = Cancel()
    yield made
    made.close()


def ask(script: Script, cancel: Cancel) -> tuple[Reply, list[Event]]:
    told: list[Event] = []
    with ScriptedEngine([script]) as engine:
        return complete(Endpoint.parse(engine.url), b'{"x":1}', cancel, told.append), told


def test_a_whole_reply(cancel: Cancel) -> None:
    script = reply(
        "text", "why", [call(1, "bash", {"command": "ls"}), call(2, "bash", "{}")], tokens=(9, 5, 4)
    )
    script.insert(1, b": prefill\n\n")
    found, told = ask(script, cancel)
    assert (found.content, found.reasoning, found.finish) == ("text", "why", "tool_calls")
    assert [(c.id, c.name, "".join(c.arguments)) for c in found.calls] == [
        ("call_" + "1".zfill(32), "bash", '{"command": "ls"}'),
        ("call_" + "2".zfill(32), "bash", "{}"),
    ]
    assert found.usage == Usage(9, 5, 4)
    assert told[0] == Keepalive("prefill")
    assert told.count(CallBegun("bash")) == 2
    assert Delta("reasoning", "w") in told


def test_bytes_may_arrive_one_by_one(cancel: Cancel) -> None:
    whole = b"".join(reply("äöü", "漢"))
    found, _ = ask([whole[i : i + 1] for i in range(len(whole))], cancel)
    assert (found.content, found.reasoning) == ("äöü", "漢")


def test_chunked_transfer_and_no_done_record(cancel: Cancel) -> None:
    body = chunk({"content": "hi"}, "stop")
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    found, _ = ask([head, f"{len(body):x}\r\n".encode(), body, b"\r\n0\r\n\r\n"], cancel)
    assert found.content == "hi"


@pytest.mark.parametrize(
    ("script", "error", "message"),
    [
        (refusal(400, {"error": {"message": "bad field"}}), BadRequest, "bad field"),
        (
            refusal(400, {"error": {"message": "long", "code": "context_length_exceeded"}}),
            ContextFull,
            "long",
        ),
        (refusal(404, {"error": {"message": "unknown endpoint"}}), BadRequest, "unknown endpoint"),
        (refusal(500, {"error": {"message": "boom"}}), EngineFailed, "boom"),
        (refusal(502, {"detail": 1}), EngineFailed, '{"detail": 1}'),
        (refusal(503, {"error": {"message": "down"}}), EngineLost, "down"),
        ([HEAD, chunk({"content": "x"})], EngineLost, "broke off"),
        ([HEAD, chunk({"content": "x"}), DONE], EngineLost, "broke off"),
        ([b"HTTP/1.1 200 OK\r\nContent-"], EngineLost, "without an answer"),
        ([HEAD, b"data: [1]\n\n"], EngineFailed, "not a chat chunk"),
        ([HEAD, chunk({"content": [{"type": "text"}]})], EngineFailed, "not a chat chunk"),
        (
            [HEAD, chunk({"tool_calls": [{"function": {"name": "bash", "arguments": {"a": 1}}}]})],
            EngineFailed,
            "not a chat chunk",
        ),
    ],
)
def test_errors_have_types(cancel: Cancel, script: Script, error: type[EngineError], message: str) -> None:
    with pytest.raises(error) as caught:
        ask(script, cancel)
    assert type(caught.value) is error
    assert message in str(caught.value)


def test_a_silent_engine_is_waited_for_until_the_user_stops(cancel: Cancel) -> None:
    pause = Pause()
    with ScriptedEngine([[HEAD, chunk({"content": "so far"}), pause]]) as engine:

        def tell(event: Event) -> None:
            cancel.set()

        with pytest.raises(Stopped) as caught:
            complete(Endpoint.parse(engine.url), b"{}", cancel, tell)
        assert caught.value.partial.content == "so far"
        assert engine.hung_up.wait(30)


def test_who_has_heard_enough_hangs_up_and_keeps_what_had_arrived(cancel: Cancel) -> None:
    with ScriptedEngine([[HEAD, chunk({"content": "so far"}), Pause()]]) as engine:

        def tell(event: Event) -> None:
            raise Enough

        with pytest.raises(Enough) as caught:
            complete(Endpoint.parse(engine.url), b"{}", cancel, tell)
        # The exception still holds the frames that held the socket.
        assert engine.hung_up.wait(30)
    assert caught.value.partial.content == "so far"


def test_arguments_are_told_as_they_come(cancel: Cancel) -> None:
    _, told = ask(reply("", "", [call(1, "bash", '{"a":1}'), call(2, "bash", "{}")]), cancel)
    first = [CallBegun("bash"), CallGrown('{"a'), CallGrown('":1}')]
    assert told == [*first, CallBegun("bash"), CallGrown("{"), CallGrown("}")]


def test_a_flag_set_before_sends_nothing(cancel: Cancel) -> None:
    cancel.set()
    with ScriptedEngine([]) as engine, pytest.raises(Cancelled):
        complete(Endpoint.parse(engine.url), b"{}", cancel, lambda event: None)
    assert engine.bodies == []


def test_patience(cancel: Cancel) -> None:
    with (
        ScriptedEngine([[HEAD, Pause()]]) as engine,
        pytest.raises(EngineLost, match=r"was silent for 0\.05 s"),
    ):
        list(
            exchange(
                Endpoint.parse(engine.url), "POST", "/v1/chat/completions", b"{}", cancel, Patience(0.05)
            )
        )


def test_silence_is_told_and_never_the_end(cancel: Cancel) -> None:
    pause, told = Pause(), []

    def tell(seconds: float) -> None:
        told.append(seconds)
        if len(told) == 3:
            pause.go.set()

    with ScriptedEngine([[HEAD, b": prefill\n\n", pause, b"end"]]) as engine:
        patience = Patience(notice=0.02, tell=tell)
        data = exchange(Endpoint.parse(engine.url), "POST", "/v1/chat/completions", b"{}", cancel, patience)
        assert b"".join(data) == b": prefill\n\nend"
    assert told[:3] == [0.02, 0.04, 0.06]


def test_models(cancel: Cancel) -> None:
    with ScriptedEngine([]) as engine:
        (model,) = models(Endpoint.parse(engine.url), cancel)
    assert (model.id, model.owned_by, model.context) == ("deepseek-v4-flash", "ds4.c", 16384)


def test_headers(cancel: Cancel) -> None:
    heads: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            connection, _ = server.accept()
            with connection:
                heads.append(connection.recv(65536))
                connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")

        thread = threading.Thread(target=serve)
        thread.start()
        endpoint = Endpoint.parse(f"http://127.0.0.1:{server.getsockname()[1]}/base/v1/", "secret")
        assert b"".join(exchange(endpoint, "POST", "/v1/x", b"{}", cancel, Patience())) == b"{}"
        thread.join()
    lines = heads[0].split(b"\r\n")
    assert lines[0] == b"POST /base/v1/x HTTP/1.1"
    assert {b"Content-Length: 2", b"Connection: close", b"Authorization: Bearer secret"} < set(lines)


@pytest.mark.parametrize("url", ["ftp://x", "http://", "http://h:port", "x"])
def test_addresses_that_are_none(url: str) -> None:
    with pytest.raises(EngineError, match="is not an http address"):
        Endpoint.parse(url)


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("http://h", "http://h:80"),
        ("https://h/v1", "https://h:443"),
        ("http://[::1]:9/p/v1/", "http://[::1]:9/p"),
    ],
)
def test_addresses(url: str, shown: str) -> None:
    assert Endpoint.parse(url).url == shown


def test_other_engines_dialects() -> None:
    assembler = Assembler()
    assembler.feed('{"choices":[{"delta":{"reasoning":"r","content":null}}]}')
    whole = '{"id":"x","function":{"name":"bash","arguments":"{}"}}'
    assembler.feed(
        f'{{"choices":[{{"delta":{{"tool_calls":[{whole}]}},"finish_reason":"stop"}}],"usage":null}}'
    )
    found = assembler.reply()
    assert (found.reasoning, found.finish, found.usage) == ("r", "stop", None)
    assert [(c.id, c.name, c.arguments) for c in found.calls] == [("x", "bash", ["{}"])]


def stopped(work: Callable[[], object], cancel: Cancel, when: Callable[[], object]) -> BaseException | None:
    """What comes of work that is cancelled when `when` returns; None when it does not end within 20 s."""
    found: list[BaseException] = []

    def run() -> None:
        try:
            work()
        except BaseException as error:
            found.append(error)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    when()
    cancel.set()
    thread.join(20)
    return found[0] if found else None


def test_an_engine_that_does_not_read_can_be_left(cancel: Cancel) -> None:
    """It is not told apart from one that reads late: a long request fills the buffers between the two."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        endpoint = Endpoint.parse(f"http://127.0.0.1:{server.getsockname()[1]}")
        body = b"x" * (64 << 20)

        def begun() -> None:
            connection, _ = server.accept()
            held.append(connection)
            connection.recv(1)

        held: list[socket.socket] = []
        error = stopped(lambda: complete(endpoint, body, cancel, lambda event: None), cancel, begun)
        held[0].close()
    assert type(error) is NotSent


@pytest.fixture
def certified(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ssl.SSLContext:
    """A server's side of TLS, for `localhost`, that clients of this test trust."""
    names = ["-keyout", str(tmp_path / "key"), "-out", str(tmp_path / "cert")]
    about = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"]
    made = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
    subprocess.run([*made, *names, *about], check=True, capture_output=True)
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "cert"))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "cert", tmp_path / "key")
    return context


@pytest.mark.skipif(not shutil.which("openssl"), reason="no openssl to make a certificate with")
def test_silence_behind_tls_is_told_and_can_be_left(cancel: Cancel, certified: ssl.SSLContext) -> None:
    """The tickets that a server sends after the handshake look like an answer, and are none."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        endpoint = Endpoint.parse(f"https://localhost:{server.getsockname()[1]}")
        told, arrived = threading.Event(), threading.Event()
        held, found = list[socket.socket](), list[bytes]()
        patience = Patience(notice=0.05, tell=lambda seconds: told.set())

        def work() -> None:
            for piece in exchange(endpoint, "POST", "/", b"{}", cancel, patience):
                found.append(piece)
                arrived.set()

        def serve() -> None:
            held.append(certified.wrap_socket(server.accept()[0], server_side=True))
            while not held[0].recv(65536).endswith(b"{}"):
                pass
            assert told.wait(20)
            held[0].sendall(HEAD + b"text")
            assert arrived.wait(20)

        error = stopped(work, cancel, serve)
        held[0].close()
    assert (type(error), found) == (Cancelled, [b"text"])


def test_the_host_of_an_ipv6_address_is_in_brackets() -> None:
    """Else a sidecar there takes it for a foreign name and refuses."""
    endpoint = Endpoint.parse("http://[::1]:8000/v1")
    assert endpoint.url == "http://[::1]:8000"
    sent = head(endpoint, "GET", "/v1/models", 0)
    host = sent.partition(b"Host: ")[2].partition(b"\r\n")[0]
    assert Guard("token").is_our_host(host)
