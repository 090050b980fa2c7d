"""How the process lives and ends, and what it does with what is no message: bytes on its pipes."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.task_runner import private_environment
from tests.engine_fixtures import resident

LIMIT_S = 60.0


class Raw:
    """The server's process, spoken to in bytes."""

    def __init__(self, home: Path, *flags: str) -> None:
        self.home = home
        self.process = subprocess.Popen(
            [sys.executable, "-m", "ds4agent", "lsp", *flags],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=private_environment(home),
        )

    def send(self, data: bytes) -> None:
        assert self.process.stdin
        self.process.stdin.write(data)
        self.process.stdin.flush()

    def close_input(self) -> None:
        assert self.process.stdin
        self.process.stdin.close()
        self.process.stdin = None

    def message(self, **members: Any) -> None:
        body = json.dumps({"jsonrpc": "2.0", **members}).encode()
        self.send(b"Content-Length: %d\r\n\r\n%s" % (len(body), body))

    def read(self) -> dict[str, Any]:
        """The next message that is an answer."""
        assert self.process.stdout
        while True:
            length = 0
            while line := self.process.stdout.readline().strip():
                name, _, value = line.partition(b":")
                length = int(value) if name == b"Content-Length" else length
            assert length, "the server ended"
            found: dict[str, Any] = json.loads(self.process.stdout.read(length))
            if "method" not in found:
                return found

    def initialize(self, pid: int | None = None) -> dict[str, Any]:
        params: dict[str, Any] = {"processId": pid, "rootUri": None, "capabilities": {}}
        self.message(id=1, method="initialize", params=params)
        answer = self.read()
        self.message(method="initialized", params={})
        return answer

    def status(self, number: int = 2) -> dict[str, Any]:
        self.message(id=number, method="ds4/status/get", params={})
        return self.read()

    def end(self) -> int:
        code = self.process.wait(LIMIT_S)
        assert self.process.stderr
        assert self.process.stderr.read() == b""
        return code

    @property
    def log(self) -> list[str]:
        return (self.home / ".local/state/ds4agent/lsp.log").read_text().splitlines()


@contextmanager
def raw(home: Path, *flags: str) -> Iterator[Raw]:
    it = Raw(home, *flags)
    try:
        yield it
    finally:
        it.process.kill()
        it.process.communicate()


IDLE = {"phase": "idle"}


@pytest.mark.parametrize("flags", [(), ("--stdio",)])
def test_shutdown_and_exit(tmp_path: Path, flags: tuple[str, ...]) -> None:
    with raw(tmp_path, *flags) as it:
        assert it.initialize()["result"]["serverInfo"]["name"] == "ds4agent"
        it.message(id=7, method="shutdown")
        assert it.read()["result"] is None
        it.message(method="exit")
        assert it.end() == 0


@pytest.mark.parametrize("initialized", [True, False])
def test_exit_without_shutdown_is_a_failure(tmp_path: Path, initialized: bool) -> None:
    with raw(tmp_path) as it:
        if initialized:
            it.initialize()
        it.message(method="exit")
        assert it.end() == 1


@pytest.mark.parametrize("shutdown", [True, False])
def test_the_end_of_the_input_is_the_end(tmp_path: Path, shutdown: bool) -> None:
    with raw(tmp_path) as it:
        it.initialize()
        if shutdown:
            it.message(id=7, method="shutdown")
            it.read()
        it.close_input()
        assert it.end() == (0 if shutdown else 1)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_signal_ends_it_cleanly(tmp_path: Path, number: signal.Signals) -> None:
    with raw(tmp_path) as it:
        it.initialize()
        it.process.send_signal(number)
        assert it.end() == 1
    # Behind it there may be what the client had said just before.
    assert any(f"the end: {number.name}" in line for line in it.log), "\n".join(it.log)


def test_it_ends_with_the_editors_process(tmp_path: Path) -> None:
    """Whose pipes somebody else holds open."""
    parent = subprocess.Popen(["sleep", "600"])
    with raw(tmp_path) as it:
        it.initialize(parent.pid)
        it.status()
        time_of_death = threading.Timer(2.5, parent.kill)  # seen alive first: looked at every two seconds
        time_of_death.start()
        parent.wait()
        assert it.end() == 1
    assert any(f"process {parent.pid} is gone" in line for line in it.log)


def test_an_editor_whose_process_cannot_be_seen_is_served(tmp_path: Path) -> None:
    """In another container, say."""
    gone = subprocess.Popen(["true"])
    gone.wait()
    with raw(tmp_path) as it:
        it.initialize(gone.pid)
        assert it.status()["result"] == IDLE
        assert it.process.poll() is None


GOOD = b'{"jsonrpc":"2.0","id":3,"method":"ds4/status/get","params":{}}'


@pytest.mark.parametrize(
    ("data", "error"),
    [
        (b"Content-Length: 9\r\n\r\nnot json!", -32700),
        (b"Content-Length: 2\r\n\r\n\xff\xfe", -32700),
        (b"Content-Length: 2\r\n\r\n[]", -32600),
        (b"Content-Length: 2\r\n\r\n{}", None),
        (b"Content-Length: 20000\r\n\r\n" + b"[" * 20000, -32700),
        (b"hello\r\n\r\n", None),
        (b"Content-Length: many\r\n\r\n{}", None),
        (b"Content-Length: -4\r\n\r\n{}", None),
        (b"Content-Length: 4000000000\r\n\r\n{}", None),
        (b"Content-Type: x\r\n\r\n", None),
        (b"\0" * 100_000, None),
    ],
)
def test_what_is_no_message_is_one_line_in_the_log(tmp_path: Path, data: bytes, error: int | None) -> None:
    with raw(tmp_path) as it:
        it.initialize()
        before = len(it.log) if (tmp_path / ".local/state/ds4agent/lsp.log").exists() else 0
        it.send(data)
        if error is not None:
            answer = it.read()
            assert (answer["id"], answer["error"]["code"]) == (None, error)
        it.send(b"content-length: %d\r\nContent-Type: x\r\n\r\n%s" % (len(GOOD), GOOD))
        assert it.read() == {"jsonrpc": "2.0", "id": 3, "result": IDLE}
        (line,) = it.log[before:]
        assert "the client sent what is no message" in line


def test_wrong_parameters_are_an_error_of_that_request(tmp_path: Path) -> None:
    with raw(tmp_path) as it:
        it.initialize()
        it.message(id=5, method="textDocument/hover", params={"textDocument": 3})
        answer = it.read()
        assert (answer["id"], answer["error"]["code"]) == (5, -32602)
        assert it.status()["result"] == IDLE


def test_a_huge_message(tmp_path: Path) -> None:
    with raw(tmp_path) as it:
        it.initialize()
        text = "a = 1\n" * 10_000_000
        item = {"uri": "file:///big.py", "languageId": "python", "version": 1, "text": text}
        it.message(method="textDocument/didOpen", params={"textDocument": item})
        it.message(method="textDocument/didClose", params={"textDocument": {"uri": "file:///big.py"}})
        assert it.status()["result"] == IDLE


def test_an_editor_that_does_not_read_is_still_heard(tmp_path: Path) -> None:
    """A pipe holds 64 KiB; these answers are more."""
    with raw(tmp_path) as it:
        it.initialize()
        for number in range(2000):
            it.message(id=number, method="ds4/nothing", params={})
        assert [it.read()["id"] for _ in range(2000)] == [*range(2000)]


def test_a_wrong_setting_at_the_start_is_said(tmp_path: Path) -> None:
    with raw(tmp_path, "--ctx", "-3") as it:
        assert it.process.wait(LIMIT_S) == 2
        assert it.process.stderr
        assert it.process.stderr.read().startswith(b"ds4agent: --context is -3")


def test_it_is_small(tmp_path: Path, record_property: Any) -> None:
    began = time.monotonic()
    with raw(tmp_path) as it:
        it.initialize()
        took = time.monotonic() - began
        it.status()
        size = resident(it.process.pid)
    record_property("figures", f"first answer after {took:.2f} s, {size / 1e6:.1f} MB resident")
    assert size <= 60e6


def test_there_is_a_log(tmp_path: Path) -> None:
    with raw(tmp_path) as it:
        it.initialize()
        it.message(id=4, method="ds4/log", params={})
        assert it.read()["result"] == {"path": str(tmp_path / ".local/state/ds4agent/lsp.log")}
        assert (tmp_path / ".local/state/ds4agent").stat().st_mode & 0o77 == 0
