"""An engine that fills holes as a test tells it to, and remembers what it was asked.

It listens in the test's own loop. `mode`: "fill" answers with `text`, piece by piece, and what is drawn at a
temperature with the next one of `drawn`, if there are any; "hang" sends nothing until the client leaves,
"first" does so for what is drawn; "garbage" answers what is no HTTP, "nonsense" what is no completion;
"break" ends in the middle of one; "fail" is a 500. "chat" is that of an engine that has only chats.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

CHAT = "/v1/chat/completions"
MODELS = {"object": "list", "data": [{"id": "holes", "owned_by": "test", "context_length": 4096}]}
Ask = dict[str, Any]


class HoleEngine:
    """`asked`: bodies of requests but probes; `left`: those whose client has gone before the end."""

    def __init__(self) -> None:
        self.mode, self.text, self.port = "fill", "filled", 0
        self.pieces: Callable[[str], list[str]] = lambda text: [text]
        self.drawn: list[str] = []
        self.asked: list[Ask] = []
        self.left: list[Ask] = []
        self.gate = asyncio.Event()  # no answer before it is set
        self.gate.set()
        self._news = asyncio.Condition()
        self.server: asyncio.Server | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def holes(self) -> list[Ask]:
        """Those that are to be filled."""
        return [ask for ask in self.asked if ask["n_predict"]]

    def stop(self) -> None:
        """Nobody listens any more."""
        assert self.server is not None
        self.server.close()

    async def until(self, found: Callable[[], Any], seconds: float = 20.0) -> None:
        async with asyncio.timeout(seconds), self._news:
            await self._news.wait_for(found)

    async def _tell(self, to: list[Ask], ask: Ask) -> None:
        async with self._news:
            to.append(ask)
            self._news.notify_all()

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await self._answer(reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        path = head.split(" ", 2)[1]
        fields = dict(line.lower().split(": ", 1) for line in head.split("\r\n")[1:] if ": " in line)
        body = await reader.readexactly(int(fields.get("content-length", 0)))
        ask = json.loads(body) if body else {}
        if not self._counts(path, ask):
            known = "404 Not Found" if path == "/infill" and self.mode == "chat" else "200 OK"
            writer.write(_whole(_facts(path), known))
            await writer.drain()
            return
        await self._tell(self.asked, ask)
        if self.mode == "hang" or (self.mode == "first" and ask["temperature"]):
            await reader.read()
            await self._tell(self.left, ask)
        else:
            await self.gate.wait()
            writer.write(self._reply(ask))
            await writer.drain()

    def _counts(self, path: str, ask: Ask) -> bool:
        return path == CHAT or (path == "/infill" and bool(ask["input_prefix"] or ask.get("prompt")))

    def _reply(self, ask: Ask) -> bytes:
        if self.mode == "garbage":
            return b"\x00\x01 no HTTP \xff\r\n\r\n"
        if self.mode == "fail":
            return _whole({"error": {"message": "out of order"}}, "500 Internal Server Error")
        if not ask.get("stream"):
            return _whole({"content": "", "stop": True})
        text = self.drawn.pop(0) if ask["temperature"] and self.drawn else self.text
        head = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n"
        if self.mode == "chat":
            deltas = [{"choices": [{"delta": {"content": piece}}]} for piece in self.pieces(text)]
            return head + b"".join(b"data: %b\n\n" % json.dumps(delta).encode() for delta in deltas)
        if self.mode == "nonsense":
            return head + b"data: [1, 2\n\n"
        records = [{"content": piece, "stop": False} for piece in self.pieces(text)]
        if self.mode in ("fill", "first"):
            records.append({"content": "", "stop": True})
        return head + b"".join(b"data: %b\n\n" % json.dumps(record).encode() for record in records)


def _facts(path: str) -> Any:
    return {"/v1/models": MODELS, "/props": {"total_slots": 4}}.get(path, {})


def _whole(value: Any, status: str = "200 OK") -> bytes:
    body = json.dumps(value).encode()
    return f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n".encode() + body


@asynccontextmanager
async def hole_engine(port: int = 0) -> AsyncIterator[HoleEngine]:
    engine = HoleEngine()
    server = await asyncio.start_server(engine.handle, "127.0.0.1", port)
    engine.server = server
    engine.port = server.sockets[0].getsockname()[1]
    try:
        yield engine
    finally:
        server.close()
