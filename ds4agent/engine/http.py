"""HTTP/1.1 as ds4-server speaks it: one request a connection, `Connection: close` on every reply.

A connection is reading, then busy, then closing. While it reads, sizes and time are bounded. While it is
busy, the only thing that may come from the client is its end, which calls `on_gone`: nobody should compute
for a client that has left. A client that does not take what is written for two seconds counts as gone too.
A refusal that comes before the whole request was read is followed by a moment of reading on, or the
client's kernel would throw the reply away.
"""

import asyncio
import os
import threading
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass

import httptools

from ds4agent.wire.errors import BAD_HTTP, INTERNAL, RequestError, error_body

MAX_HEAD = 64 << 10
MAX_BODY = 64 << 20
READ_SECONDS = 10.0
STALL_SECONDS = 2.0
LINGER_SECONDS = 1.0

_REASONS = {
    200: "OK",
    204: "No Content",
    400: "Bad Request",
    404: "Not Found",
    409: "Conflict",
    500: "Internal Server Error",
}
_CORS = (
    "Access-Control-Allow-Origin: *\r\n"
    "Access-Control-Allow-Methods: GET, POST, OPTIONS\r\n"
    "Access-Control-Allow-Headers: *\r\n"
)


@dataclass(frozen=True, slots=True)
class Request:
    """`path` is without the query."""

    method: str
    path: str
    body: bytes


Handler = Callable[["Connection", Request], Awaitable[None]]
# Path, status and message to the body of an error.
SpellError = Callable[[str, int, str], bytes]


def _openai_error(_path: str, _status: int, message: str) -> bytes:
    return error_body(message)


class Connection(asyncio.Protocol):
    """One client. The handler runs as a task once the request is complete, and must close the connection."""

    def __init__(
        self,
        handler: Handler,
        cors: bool,
        open_connections: set["Connection"],
        spell_error: SpellError = _openai_error,
    ) -> None:
        self._handler = handler
        self._spell_error = spell_error
        self._cors = _CORS if cors else ""
        self._all = open_connections
        self._parser = httptools.HttpRequestParser(self)
        self._target = b""
        self._head_bytes = 0
        self._head_done = False
        self._body: list[bytes] = []
        self._body_bytes = 0
        self._expects_continue = False
        self._reading = True
        self._timer: asyncio.TimerHandle | None = None
        self._task: asyncio.Task[None] | None = None
        self._transport: asyncio.Transport | None = None
        self._on_gone: Callable[[], None] | None = None
        self._loop = asyncio.get_running_loop()
        self._sending = threading.Lock()
        self._fd: int | None = None
        self._by_loop = False
        self.gone = False

    # -- the client's side
    # ------------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._fd = transport.get_extra_info("socket").fileno()
        self._all.add(self)
        self._set_timer(READ_SECONDS, self._refuse)

    def data_received(self, data: bytes) -> None:
        try:
            if self._reading and not self._head_done:
                room = MAX_HEAD - self._head_bytes
                head, data = data[:room], data[room:]
                self._head_bytes += len(head)
                self._feed(head)
                if not self._head_done and self._head_bytes == MAX_HEAD:
                    raise RequestError(400, BAD_HTTP)
            if self._reading and data:
                self._feed(data)
        except (httptools.HttpParserError, RequestError):
            self._refuse()
            return
        if self._reading and self._head_done:
            self._set_timer(READ_SECONDS, self._refuse)

    def _feed(self, data: bytes) -> None:
        with suppress(httptools.HttpParserUpgrade):  # offered by the client, never taken up
            self._parser.feed_data(data)

    def eof_received(self) -> bool:
        if self._reading:
            self._refuse()
        else:
            self._lost()
            self.close()
        return True

    def connection_lost(self, _error: Exception | None) -> None:
        with self._sending:
            self._fd = None  # the number is another's from now on
        self._all.discard(self)
        self._clear_timer()
        self._lost()

    def _lost(self) -> None:
        self.gone = True
        on_gone, self._on_gone = self._on_gone, None
        if on_gone is not None:
            on_gone()

    def pause_writing(self) -> None:
        self._set_timer(STALL_SECONDS, self.abort)

    def resume_writing(self) -> None:
        self._clear_timer()

    # -- parser callbacks
    # --------------------------------------------------------------------------------------

    def on_url(self, url: bytes) -> None:
        self._target += url

    def on_header(self, name: bytes, value: bytes) -> None:
        name = name.lower()
        if name == b"content-length" and int(value) > MAX_BODY:
            raise RequestError(400, BAD_HTTP)
        if name == b"expect" and value.lower() == b"100-continue":
            self._expects_continue = True

    def on_headers_complete(self) -> None:
        self._head_done = True
        if self._expects_continue:
            self.write(b"HTTP/1.1 100 Continue\r\n\r\n")

    def on_body(self, data: bytes) -> None:
        self._body_bytes += len(data)
        if self._body_bytes > MAX_BODY:
            raise RequestError(400, BAD_HTTP)
        self._body.append(data)

    def on_message_complete(self) -> None:
        if not self._reading:
            return
        self._reading = False
        self._clear_timer()
        method = self._parser.get_method().decode("latin-1")
        request = Request(method, self._path, b"".join(self._body))
        self._body.clear()
        self._task = asyncio.get_running_loop().create_task(self._run(request))

    @property
    def _path(self) -> str:
        return self._target.split(b"?", 1)[0].decode("latin-1")

    def _error(self, status: int, message: str) -> bytes:
        return self._spell_error(self._path, status, message)

    async def _run(self, request: Request) -> None:
        try:
            await self._handler(self, request)
        except RequestError as error:
            self.reply(error.status, error.body or self._error(error.status, error.message))
        except Exception:
            # A defect of ours: the client is told, and the event loop reports the rest.
            self.reply(500, self._error(500, INTERNAL))
            raise

    # -- the server's side
    # --------------------------------------------------------------------------------------

    def when_gone(self, call: Callable[[], None]) -> None:
        """`call` once when the client goes away, at once if it has."""
        if self.gone:
            call()
        else:
            self._on_gone = call

    def reply(self, status: int, body: bytes) -> None:
        """A whole reply; closes the connection."""
        self._write_reply(status, body)
        self.close()

    def _write_reply(self, status: int, body: bytes) -> None:
        kind = "Content-Type: application/json\r\n" if body else ""
        reason = _REASONS.get(status, "Error")
        head = f"HTTP/1.1 {status} {reason}\r\nContent-Length: {len(body)}\r\n{kind}{self._cors}"
        self.write(f"{head}Connection: close\r\n\r\n".encode() + body)

    def stream_head(self) -> bytes:
        """What comes in front of an event stream; the stream ends with the connection."""
        head = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nCache-Control: no-cache\r\n"
        return f"{head}{self._cors}Connection: close\r\n\r\n".encode()

    def from_thread(self, call: Callable[..., None], *arguments: object) -> None:
        """`call` in the event loop, after everything sent so far."""
        with suppress(RuntimeError):  # the loop has ended: nobody is connected any more
            self._loop.call_soon_threadsafe(call, *arguments)

    def send(self, data: bytes) -> None:
        """Write from one other thread: to the kernel at once, and what it does not take through the loop.

        Once the loop has had to help it does all the rest, so that the bytes stay in order.
        """
        with self._sending:
            if self._fd is not None and not self._by_loop:
                try:
                    data = data[os.write(self._fd, data) :]
                except BlockingIOError:
                    pass
                except OSError:
                    return  # the client has gone: the loop sees it too
            if self._fd is not None and data:
                self._by_loop = True
                self.from_thread(self.write, data)

    def write(self, data: bytes) -> None:
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(data)

    def close(self) -> None:
        """Send what is written, then close."""
        self._on_gone = None
        if self._transport is not None:
            self._transport.close()

    def abort(self) -> None:
        """Close at once; what is not sent is lost."""
        if self._transport is not None:
            self._transport.abort()

    def _refuse(self) -> None:
        """Answer a request that cannot be read, and read on for a moment so that the answer arrives."""
        self._reading = False
        self._write_reply(400, self._error(400, BAD_HTTP))
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write_eof()
        self._set_timer(LINGER_SECONDS, self.close)

    def _set_timer(self, seconds: float, call: Callable[[], None]) -> None:
        self._clear_timer()
        self._timer = asyncio.get_running_loop().call_later(seconds, call)

    def _clear_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
