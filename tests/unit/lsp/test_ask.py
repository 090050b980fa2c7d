"""An engine that is silent for long is shown to be, and left alone."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any, cast

import pytest

from ds4agent.client.engine import Engine
from ds4agent.client.http import Endpoint
from ds4agent.lsp import ask
from ds4agent.lsp.app import App
from ds4agent.lsp.status import Board, Status


@pytest.mark.asyncio
async def test_silence_is_told_again_and_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ask, "NOTICE_SECONDS", 0.01)
    said: asyncio.Queue[Status] = asyncio.Queue()

    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    server = await asyncio.start_server(silent, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]

        async def running() -> Engine:
            return Engine(Endpoint("127.0.0.1", port), "silent")

        link: Any = SimpleNamespace(ready=True, running=running)
        app = cast(App, SimpleNamespace(link=link))
        with Board(said.put_nowait).task("chat") as task:
            request = asyncio.create_task(ask.Ask(app, task).reply(b"{}"))
            messages: list[str] = []
            while len(messages) < 2:
                status = await said.get()
                messages += [status.message] if status.message else []
            request.cancel()
            with pytest.raises(asyncio.CancelledError):
                await request
    assert messages == ["no word from the engine for 0.01 s", "no word from the engine for 0.02 s"]
