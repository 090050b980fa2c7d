"""`ds4agent lsp --ws`: clients on a WebSocket, and who is not let in."""

from __future__ import annotations

import asyncio
import json
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from tests.e2e.task_runner import private_environment

pytestmark = pytest.mark.asyncio
LIMIT_S = 60.0
# What the library would wait for a client.
CLOSING_S = 10.0


@dataclass
class Served:
    process: asyncio.subprocess.Process
    url: str

    @property
    def port(self) -> str:
        return self.url.rsplit(":", 1)[1].split("/")[0]

    async def end(self) -> int:
        self.process.send_signal(signal.SIGTERM)
        return await asyncio.wait_for(self.process.wait(), LIMIT_S)


@asynccontextmanager
async def served(home: Path, *flags: str) -> AsyncIterator[Served]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "ds4agent", "lsp", "--ws", "0", *flags,
        env=private_environment(home), stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    assert process.stdout
    try:
        line = await asyncio.wait_for(process.stdout.readline(), LIMIT_S)
        yield Served(process, line.decode().strip())
    finally:
        if process.returncode is None:
            process.kill()
        assert (await process.communicate())[1] == b""


class Client:
    """A browser editor: JSON in text frames, without headers."""

    def __init__(self, socket: ClientConnection) -> None:
        self._socket = socket
        self._number = 0
        self.said: list[dict[str, Any]] = []

    async def ask(self, method: str, params: Any = None) -> Any:
        self._number += 1
        await self.send({"jsonrpc": "2.0", "id": self._number, "method": method, "params": params})
        return await self.answer(self._number)

    async def answer(self, number: int | None) -> Any:
        while True:
            data = await asyncio.wait_for(self._socket.recv(), LIMIT_S)
            assert isinstance(data, str)
            found = json.loads(data)
            if found.get("id", 0) == number and "method" not in found:
                return found.get("result", found.get("error"))
            self.said.append(found)

    async def send(self, message: Any) -> None:
        await self._socket.send(json.dumps(message))

    async def initialize(self, *folders: Path, capabilities: Any = None) -> Any:
        of = [{"uri": folder.as_uri(), "name": folder.name} for folder in folders]
        params: dict[str, Any] = {
            "processId": None,
            "rootUri": None,
            "capabilities": capabilities or {},
            "workspaceFolders": of or None,
        }
        found = await self.ask("initialize", params)
        await self.send({"jsonrpc": "2.0", "method": "initialized", "params": {}})
        return found


@asynccontextmanager
async def client(url: str, **headers: str) -> AsyncIterator[Client]:
    async with connect(url, additional_headers=headers or None, proxy=None, max_size=None) as opened:
        yield Client(opened)


async def test_one_after_the_other_and_at_the_same_time(tmp_path: Path) -> None:
    async with served(tmp_path) as it:
        for _ in range(2):
            async with client(it.url) as one:
                assert (await one.initialize())["serverInfo"]["name"] == "ds4agent"
                assert await one.ask("shutdown") is None
                await one.send({"jsonrpc": "2.0", "method": "exit"})
                await asyncio.wait_for(one._socket.wait_closed(), LIMIT_S)
        async with client(it.url) as one, client(it.url) as two:
            await one.initialize(tmp_path)
            await two.initialize()
            assert await one.ask("ds4/status/get", {}) == {"phase": "idle"}
            assert await two.ask("ds4/status/get", {}) == {"phase": "idle"}
            # Each has a server of its own: what one has open the other has not.
            assert await one.ask("ds4/agent/list", {}) == []
            assert (await two.ask("ds4/agent/start", {"task": "x"}))["message"].startswith(
                "no folder is open"
            )
        assert await it.end() == 0


async def test_a_client_that_vanishes_takes_its_own_work_along(tmp_path: Path, engine_url: str) -> None:
    project = tmp_path / "project"
    project.mkdir()
    async with served(tmp_path, "--engine", engine_url) as it:
        async with client(it.url) as one:
            await one.initialize(project)
            task = "Run sleep 60 and tell me what it prints."
            session = (await one.ask("ds4/agent/start", {"task": task}))["session"]
            while not any(m.get("method") == "ds4/agent/event" for m in one.said):
                await one.ask("ds4/status/get", {})
            one._socket.transport.abort()
        async with client(it.url) as two:
            await two.initialize(project)
            async with asyncio.timeout(LIMIT_S):
                while "session" not in await two.ask(
                    "ds4/agent/resume", {"session": session, "task": "Hello!"}
                ):
                    await asyncio.sleep(0.05)
        assert await it.end() == 0


async def test_a_signal_ends_it_with_clients_there(tmp_path: Path) -> None:
    async with served(tmp_path) as it, client(it.url) as one:
        await one.initialize()
        assert await it.end() == 0
        await asyncio.wait_for(one._socket.wait_closed(), LIMIT_S)


@pytest.mark.parametrize(
    ("change", "headers", "status"),
    [
        ("", {}, 101),
        ("", {"Origin": "http://localhost:3000"}, 101),
        ("", {"Origin": "https://evil.example"}, 403),
        ("", {"Origin": "null"}, 403),
        ("", {"Host": "evil.example"}, 403),
        ("", {"Host": "evil.example:{port}"}, 403),
        ("", {"Host": "localhost:{port}"}, 101),
        ("x", {}, 401),
        ("?token=x", {}, 401),
        ("-", {}, 401),
    ],
)
async def test_who_is_let_in(tmp_path: Path, change: str, headers: dict[str, str], status: int) -> None:
    async with served(tmp_path) as it:
        url = it.url.rpartition("/")[0] if change == "-" else it.url + change
        assert await asyncio.to_thread(_status, it.port, url, headers) == status


def _status(port: str, url: str, headers: dict[str, str]) -> int:
    """Of the answer to a handshake, in bytes: a library would set the Host itself."""
    fields = {
        "Host": f"127.0.0.1:{port}",
        **{name: value.format(port=port) for name, value in headers.items()},
    }
    lines = [
        f"GET /{url.split('/', 3)[3] if url.count('/') > 2 else ''} HTTP/1.1",
        *(f"{name}: {value}" for name, value in fields.items()),
        "Upgrade: websocket", "Connection: Upgrade", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
        "Sec-WebSocket-Version: 13", "", "",
    ]  # fmt: skip
    with socket.create_connection(("127.0.0.1", int(port)), timeout=LIMIT_S) as sock:
        sock.sendall("\r\n".join(lines).encode())
        return int(sock.recv(4096).split()[1])


async def test_the_token_is_another_one_each_time_and_needed(tmp_path: Path) -> None:
    async with served(tmp_path) as one, served(tmp_path) as two:
        mine, other = (it.url.rpartition("/")[2] for it in (one, two))
        assert mine != other
        assert len(mine) >= 32
        with pytest.raises(InvalidStatus):
            async with client(one.url.replace(mine, other)):
                pass


async def test_what_is_no_message_and_what_is_huge(tmp_path: Path) -> None:
    async with served(tmp_path) as it, client(it.url) as one:
        await one.initialize()
        await one._socket.send("not json")
        assert (await one.answer(None))["code"] == -32700
        text = "a = 1\n" * 1_000_000
        item = {"uri": "file:///big.py", "languageId": "python", "version": 1, "text": text}
        await one.send({"jsonrpc": "2.0", "method": "textDocument/didOpen", "params": {"textDocument": item}})
        await one._socket.send(b'{"jsonrpc":"2.0","id":77,"method":"ds4/status/get","params":{}}')
        assert await one.answer(77) == {"phase": "idle"}


async def test_a_port_that_is_taken_is_said(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = str(other.getsockname()[1])
        done = await asyncio.to_thread(
            subprocess.run,
            [sys.executable, "-m", "ds4agent", "lsp", "--ws", port],
            env=private_environment(tmp_path), capture_output=True, text=True, timeout=LIMIT_S,
        )  # fmt: skip
    assert done.returncode == 1
    assert "address already in use" in done.stderr
    assert "Traceback" not in done.stderr


async def test_what_a_client_asked_for_and_did_not_wait_for_does_not_begin(
    tmp_path: Path, engine_url: str
) -> None:
    """The process stays there for others: a session could begin when its client had been gone for long."""
    able = {"workspace": {"configuration": True}}
    project = tmp_path / "project"
    project.mkdir()

    async def start(one: Client, task: str) -> int:
        await one.initialize(project, capabilities=able)
        params = {"task": task}
        await one.send({"jsonrpc": "2.0", "id": 7, "method": "ds4/agent/start", "params": params})
        return 7

    async with served(tmp_path, "--engine", engine_url) as it:
        async with client(it.url) as one:
            await start(one, "Nobody waits for this")
            await one.ask("ds4/status/get", {})
        async with client(it.url) as two:
            # Begins when the first one would have begun: its settings are not told either.
            assert "session" in await two.answer(await start(two, "Hello!"))
        assert await it.end() == 0
    found = [path.read_text().partition("\n")[0] for path in tmp_path.rglob("transcript.jsonl")]
    assert [json.loads(line)["title"] for line in found] == ["Hello!"]


async def test_a_configuration_that_is_broken_by_now_is_said(tmp_path: Path) -> None:
    async with served(tmp_path) as it:
        file = tmp_path / ".config/ds4agent/config.toml"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("[lsp]\ncompletion = 'sometimes, as long as nobody minds; ä'\n")
        async with client(it.url) as one:
            with pytest.raises(ConnectionClosed) as closed:
                await one.initialize()
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == 1011
        assert "config.toml" in closed.value.rcvd.reason
        file.write_text("")
        async with client(it.url) as one:
            await one.initialize()


async def test_a_client_that_reads_no_more_does_not_hold_up_the_end(tmp_path: Path) -> None:
    """Its answers fill what the system holds, and the rest waits in the server."""
    question = json.dumps({"jsonrpc": "2.0", "id": 7, "method": "x" * 1_000_000})
    async with served(tmp_path) as it, client(it.url) as one:
        await one.initialize()
        one._socket.transport.pause_reading()
        for _ in range(30):
            await one._socket.send(question)
        async with client(it.url) as two:
            await two.initialize()
            # Handled by now: its answers were put together before this one's.
        started = asyncio.get_running_loop().time()
        assert await it.end() == 0
        assert asyncio.get_running_loop().time() - started < CLOSING_S
        one._socket.transport.abort()
