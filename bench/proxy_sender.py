"""A server with ds4-server's manners and no model, in a process of its own: `python -m bench.proxy_sender`.

Every reply ends its connection, a stream has neither a length nor chunks, each event is one write, and a body
in chunks is refused. What is done is said in the query of the request:

    ?do=small                   a small JSON reply
    ?do=stream&n=N&ms=M         N events, one each M ms; each holds the monotonic nanosecond of its write
    ?do=flood&n=N               a stream of N bytes, as fast as they are taken
    ?do=silent, ?do=head        nothing at all; a head and then nothing
    ?do=arrived&of=ID           answered once the request with &id=ID is here
    ?do=ended&of=ID             answered once its connection has ended, with the nanosecond of that
    ?do=sent                    bytes written by floods

Prints its port.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable
from urllib.parse import parse_qs

STREAM_HEAD = (
    b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
    b"Cache-Control: no-cache\r\nConnection: close\r\n\r\n"
)
EVENT = (
    b'data: {"id":"chatcmpl-1f0a","object":"chat.completion.chunk","created":1767225600,"model":'
    b'"deepseek-v4-flash","choices":[{"index":0,"delta":{"content":"at %d"},"finish_reason":null}]}\n\n'
)
BLOCK = b"data: " + b"x" * 65528 + b"\n\n"
# Streams start apart from each other, so that each event finds a process that sleeps.
PHASES = 8


class Book:
    """What has arrived and ended, and who waits for that."""

    def __init__(self) -> None:
        self.arrived: dict[str, int] = {}
        self.ended: dict[str, int] = {}
        self.sent = 0
        self.streams = 0
        self._waiting: list[tuple[dict[str, int], str, Callable[[int], None]]] = []

    def note(self, book: dict[str, int], name: str) -> None:
        book[name] = time.monotonic_ns()
        for entry in [e for e in self._waiting if e[0] is book and e[1] == name]:
            self._waiting.remove(entry)
            entry[2](book[name])

    def ask(self, book: dict[str, int], name: str, then: Callable[[int], None]) -> None:
        if name in book:
            then(book[name])
        else:
            self._waiting.append((book, name, then))


class Sender(asyncio.Protocol):
    def __init__(self, book: Book) -> None:
        self._book = book
        self._seen = b""
        self._left = -1  # of the body; before the head is there: unknown
        self._room = asyncio.Event()
        self._room.set()
        self._timer: asyncio.TimerHandle | None = None
        self._task: asyncio.Task[None] | None = None
        self.name = ""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def connection_lost(self, _error: Exception | None) -> None:
        if self.name:
            self._book.note(self._book.ended, self.name)
        if self._timer is not None:
            self._timer.cancel()
        if self._task is not None:
            self._task.cancel()

    def pause_writing(self) -> None:
        self._room.clear()

    def resume_writing(self) -> None:
        self._room.set()

    def data_received(self, data: bytes) -> None:
        if self._left < 0:
            self._seen += data
            head, found, data = self._seen.partition(b"\r\n\r\n")
            if not found:
                return
            fields = head.lower().split(b"\r\n")
            if b"transfer-encoding: chunked" in fields:
                self._reply(400, {"error": {"message": "bad HTTP request"}})
                return
            lengths = [f.partition(b":")[2] for f in fields if f.startswith(b"content-length:")]
            self._left = int(lengths[0]) if lengths else 0
        self._left -= len(data)
        if self._left == 0:
            self._begin(self._seen.split(b" ", 2)[1].decode())

    def _begin(self, target: str) -> None:
        asked = {name: values[0] for name, values in parse_qs(target.partition("?")[2]).items()}
        self.name = asked.get("id", "")
        if self.name:
            self._book.note(self._book.arrived, self.name)
        getattr(self, f"_do_{asked.get('do', 'small')}")(asked)

    def _reply(self, status: int, value: object) -> None:
        body = json.dumps(value).encode() + b"\n"
        head = (
            f"HTTP/1.1 {status} OK\r\nContent-Length: {len(body)}\r\n"
            "Content-Type: application/json\r\nConnection: close\r\n\r\n"
        )
        self._transport.write(head.encode() + body)
        self._transport.close()

    def _do_small(self, asked: dict[str, str]) -> None:
        self._reply(200, {"object": "list", "data": []})

    def _do_silent(self, asked: dict[str, str]) -> None:
        pass

    def _do_head(self, asked: dict[str, str]) -> None:
        self._transport.write(STREAM_HEAD)

    def _do_stream(self, asked: dict[str, str]) -> None:
        self._transport.write(STREAM_HEAD)
        every, loop = int(asked["ms"]) / 1000, asyncio.get_running_loop()
        self._book.streams += 1
        begin = loop.time() + every * (1 + self._book.streams % PHASES / PHASES)
        self._timer = loop.call_at(begin, self._event, begin, every, int(asked["n"]))

    def _event(self, due: float, every: float, left: int) -> None:
        self._transport.write(EVENT % time.monotonic_ns())
        if left == 1:
            self._transport.close()
            return
        due += every
        self._timer = asyncio.get_running_loop().call_at(due, self._event, due, every, left - 1)

    def _do_flood(self, asked: dict[str, str]) -> None:
        self._transport.write(STREAM_HEAD)
        self._task = asyncio.get_running_loop().create_task(self._flood(int(asked["n"])))

    async def _flood(self, n: int) -> None:
        while n > 0:
            self._transport.write(BLOCK)
            self._book.sent += len(BLOCK)
            n -= len(BLOCK)
            await self._room.wait()
        self._transport.close()

    def _do_arrived(self, asked: dict[str, str]) -> None:
        self._book.ask(self._book.arrived, asked["of"], lambda at: self._reply(200, at))

    def _do_ended(self, asked: dict[str, str]) -> None:
        self._book.ask(self._book.ended, asked["of"], lambda at: self._reply(200, at))

    def _do_sent(self, asked: dict[str, str]) -> None:
        self._reply(200, self._book.sent)


async def _main() -> None:
    book = Book()
    server = await asyncio.get_running_loop().create_server(
        lambda: Sender(book), "127.0.0.1", 0, backlog=1024
    )
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(_main())
