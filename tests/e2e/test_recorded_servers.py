"""The life of an engine process beside that of a recorded ds4-server: starts that fail, a queue, clients that
leave, signals, the trace file.

What is asked here was not recorded byte for byte; what is compared is what followed from it: log lines, exit
status, what a client got, the sections of a file. As everywhere, differences.py knows the differences.
"""

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
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from ds4agent.resources import format_texts
from tests.e2e.differences import expected
from tests.e2e.recitals import CALLS, LOOK
from tests.e2e.recorded import (
    CALL_ID,
    Start,
    body_form,
    exchanges,
    head_form,
    log_form,
    recording,
    section,
    server_log,
    starts,
    wire_request,
)
from tests.engine_fixtures import (
    ONE_SESSION,
    START_SECONDS,
    EngineProcess,
    exchange,
    reciting_engine,
    request,
    running_engine,
    write_reciting_model,
)

CHAT = "/v1/chat/completions"
WORDS = [f" word{i:03}" for i in range(200)]
# Longer than any pipe.
PADDING = "x" * (1 << 20)


@contextmanager
def talking_engine(folder: Path, *flags: str) -> Iterator[EngineProcess]:
    with reciting_engine(folder, ["Hm,"], WORDS, *ONE_SESSION, *flags) as engine:
        yield engine


def asked(text: str = "Hello", **fields: Any) -> bytes:
    """A turn that goes on until `max_tokens`, or else until the context is full."""
    endless = {"thinking": False, "temperature": 0, "ignore_eos": True}
    body = {"model": "m", "messages": [{"role": "user", "content": text}], **endless, **fields}
    return request("POST", CHAT, json.dumps(body).encode())


def sent(engine: EngineProcess, data: bytes) -> socket.socket:
    sock = socket.create_connection(("127.0.0.1", engine.port), timeout=30)
    sock.sendall(data)
    return sock


def rest(sock: socket.socket) -> bytes:
    return b"".join(iter(lambda: sock.recv(65536), b""))


def log_of(engine: EngineProcess, skipped: int) -> list[str]:
    return log_form(engine.lines[skipped:])


def said(number: str) -> list[str]:
    """What the recorded server wrote, with our differences."""
    return expected({"log": log_form(server_log(number))}, number)["log"]


def generated(lines: list[str]) -> list[int]:
    return [int(n) for n in re.findall(r" gen=(\d+)", "\n".join(lines))]


@contextmanager
def held_trace(folder: Path) -> Iterator[tuple[Path, int]]:
    """A pipe for --trace: whoever traces more than fits waits until it is read."""
    path = folder / "trace"
    os.mkfifo(path)
    reader = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    try:
        yield path, reader
    finally:
        os.close(reader)


def health(engine: EngineProcess, **wanted: object) -> None:
    """Wait until the engine says this of itself."""
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        value = json.loads(exchange(engine.port, request("GET", "/health"))[1])
        if {name: value[name] for name in wanted} == wanted:
            return
    pytest.fail(f"never {wanted}: {value}")


# -- starts that fail
# --------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EngineProcess]:
    """The first server, and beside its model what is no model."""
    folder = tmp_path_factory.mktemp("first")
    (folder / "notamodel.txt").write_text("This is not a model file.\n" * 100)
    write_reciting_model(folder / "noise.gguf", ["Hm,"], ["Hello"])
    with running_engine(folder, "-m", str(folder / "noise.gguf")) as engine:
        yield engine


def _arguments(start: Start, taken: int) -> list[str]:
    """Ports of today; port 0 where none was needed, because ours is bound before what fails."""
    if "--port" not in start.arguments:
        return ["--port", "0", *start.arguments]
    port = str(taken) if "in use" in start.name else "0"
    at = start.arguments.index("--port") + 1
    return [*start.arguments[:at], port, *start.arguments[at + 1 :]]


def _start_form(lines: list[str]) -> list[str]:
    """The log up to the usage text, which was not recorded, and without the program's name in that."""
    first = next((i for i, line in enumerate(lines) if line.startswith("Usage: ")), len(lines))
    usage = [re.sub(r"^Usage: .+ (?=\[options\]$)", "Usage: ", line) for line in lines[first : first + 1]]
    return log_form([line.replace("<pid>", "0") for line in lines[:first]]) + usage


@pytest.mark.parametrize("start", starts("68"), ids=lambda start: start.name[3:])
def test_a_start_that_fails(start: Start, running: EngineProcess, tmp_path: Path) -> None:
    lock = running.lock if "same lock file" in start.name else tmp_path / "lock"
    done = subprocess.run(
        [sys.executable, "-m", "ds4agent.engine", *_arguments(start, running.port)],
        capture_output=True,
        text=True,
        timeout=60,
        cwd=running.log.parent,
        env={**os.environ, "DS4_LOCK_FILE": str(lock)},
    )
    assert (done.returncode, done.stdout) == (start.status, "")
    theirs = expected({"log": _start_form(start.lines)}, start.name)
    assert _start_form(done.stderr.splitlines()) == theirs["log"]


def test_all_recorded_starts_are_read() -> None:
    assert len(starts("68")) == recording("68").read_text().count("\n######## ") + 1 == 10


def test_the_lock_file_of_a_running_server(running: EngineProcess) -> None:
    assert "lock file content while running: '<pid>\\n' (pid matches: True)" in recording("68").read_text()
    assert running.lock.read_text() == f"{running.process.pid}\n"


# -- clients
# --------------------------------------------------------------------------------------------------


def test_a_second_client_waits_without_a_byte(tmp_path: Path) -> None:
    """The first turn is held by its trace, so that the second certainly has to wait for it."""
    with held_trace(tmp_path) as (trace, reader), talking_engine(tmp_path, "--trace", str(trace)) as engine:
        skipped = len(engine.lines)
        first = sent(engine, asked(stream=True, max_tokens=160, metadata=PADDING))
        health(engine, busy=True, queue_depth=0)
        second = sent(engine, asked("And I?", stream=True, max_tokens=3))
        health(engine, busy=True, queue_depth=1)
        assert exchange(engine.port, request("GET", "/v1/models"))[0].startswith("HTTP/1.1 200 OK")
        second.setblocking(False)
        with pytest.raises(BlockingIOError):
            second.recv(1)
        second.settimeout(30)
        os.set_blocking(reader, True)
        traced = b""
        while b"===== end request 2" not in traced:
            traced += os.read(reader, 65536)
        assert rest(first).endswith(b"data: [DONE]\n\n")
        head, _, body = rest(second).decode().partition("\r\n\r\n")
        first.close()
        second.close()
        lines = engine.lines[skipped:]
        assert generated(lines) == generated(server_log("65"))
    theirs_head, _, theirs_body = section("65", "response B").partition("\n\n")
    assert head_form(head) == head_form(theirs_head)
    assert body_form(body, texts=False) == body_form(theirs_body, texts=False)
    assert log_form(lines) == said("65")


@pytest.mark.parametrize(("number", "stream"), [("66", True), ("67", False)])
def test_a_client_that_leaves(tmp_path: Path, number: str, stream: bool) -> None:
    with talking_engine(tmp_path) as engine:
        exchange(engine.port, asked(max_tokens=3))  # so that the session is not empty, as it was not
        skipped = len(engine.lines)
        with sent(engine, asked(stream=stream)) as sock:
            engine.wait_for_line(" gen=50 ")
            if stream:
                assert len(sock.makefile("rb").read(3000)) == 3000
        engine.wait_for_line("finish=error")
        assert log_of(engine, skipped) == said(number)


# -- signals
# --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("number", "stream"), [("69", True), ("73", False)])
def test_sigterm_while_a_reply_is_made(tmp_path: Path, number: str, stream: bool) -> None:
    """The context is so large that no turn comes to its end before the signal does."""
    with talking_engine(tmp_path, "--ctx", "1000000") as engine:
        if stream:
            exchange(engine.port, asked(max_tokens=3))
        skipped = len(engine.lines)
        with sent(engine, asked("Go on", stream=stream)) as sock:
            engine.wait_for_line(" gen=50 ")
            assert engine.stop() == 0
            got = rest(sock)
        assert log_of(engine, skipped) == said(number)
    if not stream:
        assert got == b""
        return
    # Whole records, no finish reason, no [DONE].
    records = got.decode().partition("\r\n\r\n")[2].split("\n\n")
    assert records.pop() == ""
    shapes = body_form("\n\n".join(records), texts=False)
    theirs = section("69", "note").partition("\n\n")[2]
    assert shapes[1:] == body_form(theirs, texts=False)


def test_sigterm_while_a_prompt_is_read(tmp_path: Path) -> None:
    with talking_engine(tmp_path, "--ctx", "1000000") as engine:
        skipped = len(engine.lines)
        with sent(engine, asked("x" * 600_000, stream=True)) as sock:
            engine.wait_for_line("prompt start")
            assert engine.stop() == 0
            got = rest(sock)
        # How much is read until the signal comes is a matter of the moment.
        log = [line for line in log_of(engine, skipped) if "prefill chunk" not in line]
        assert log == said("71")
    assert got.partition(b"\r\n\r\n")[2] == b""


def test_a_second_sigint(tmp_path: Path) -> None:
    """The recorded server was in a prefill, which it cannot break off; ours can, so it is held by its trace,
    and that comes before the line about the prompt.
    """
    with held_trace(tmp_path) as (trace, _), talking_engine(tmp_path, "--trace", str(trace)) as engine:
        skipped = len(engine.lines)
        with sent(engine, asked(metadata=PADDING)) as sock:
            health(engine, busy=True)
            engine.process.send_signal(signal.SIGINT)
            engine.wait_for_line("shutdown requested")
            with pytest.raises(ConnectionRefusedError):
                socket.create_connection(("127.0.0.1", engine.port))
            engine.process.send_signal(signal.SIGINT)
            assert engine.process.wait(timeout=30) == 130
            assert rest(sock) == b""
        log = log_form(server_log("70"))
        assert log_of(engine, skipped) == log[1:]
        assert log[0].endswith("prompt start")


# -- the trace file
# --------------------------------------------------------------------------------------------------


def _trace_form(text: str) -> list[str]:
    """Lines of a record, without ids, the date, and numbers that depend on the vocabulary or the clock."""
    text = re.sub(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d", "DATE", CALL_ID.sub("ID", text))
    numbers = r"((?:prompt_tokens|generated_tokens|ctx_room|elapsed_sec)[:=] ?|block after )[\d.]+"
    return re.sub(numbers, r"\1N", text).splitlines()


def test_the_trace_of_a_first_request(tmp_path: Path) -> None:
    texts = format_texts()
    trace = tmp_path / "trace"
    flags = ("-c", "8192", "-n", "300", "--trace", str(trace))
    # The recorded model ended with the bracket, and nothing behind it.
    calls = [*CALLS[:-2], "".join(CALLS[-2:]).rstrip()]
    with reciting_engine(tmp_path, LOOK, calls, *flags) as engine:
        (first,) = exchanges(recording("28"))
        exchange(engine.port, wire_request(first.request))
        record = trace.read_text()
    assert (len(texts.tools_head.encode()), len(texts.tools_tail.encode())) == (1183, 146)
    record = record.replace(texts.tools_head, "[fixed tool text, 1183 bytes, left out]\n", 1)
    record = record.replace(texts.tools_tail, "\n[fixed closing text, 146 bytes, left out]", 1)
    theirs = expected({"file": _trace_form(section("72", "file"))}, "72")
    assert _trace_form(record) == theirs["file"]
