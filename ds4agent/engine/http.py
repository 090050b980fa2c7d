"""HTTP/1.1 as ds4-server speaks it: one request a connection, `Connection: close` on every reply.

A connection is reading, then busy, then lingering. While it reads, sizes and time are bounded. While it is
busy, the only thing that counts from the client is its end, which calls `on_gone`: nobody should compute
for a client that has left. An end of the client's writing side is taken for one, but what is answered
without computing is still sent. A client that takes nothing of what is written for two seconds counts as
gone too. After the last byte of a reply our side is closed, and what the client still sends is read and
thrown away for a moment: to close at once would make its kernel throw the reply away.
"""

import asyncio
import os
import socket
import threading
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress

from ds4agent.engine.http_reader import BadRequest, Request, RequestReader
from ds4agent.wire.errors import BAD_HTTP, INTERNAL, RequestError, error_body

READ_SECONDS = 10.0
STALL_SECONDS = 2.0
LINGER_SECONDS = 1.0
ACCEPT_RETRY_SECONDS = 1.0

_REASONS = {
    200: "OK",
    204: "No Content",
    400: "Bad Request",
    404: "Not Found",
    409: "Conflict",
    429: "Too Many Requests",
    500: "Internal Server Error",
    501: "Not Implemented",
}
_CORS = (
    "Access-Control-Allow-Origin: *\r\n"
    "Access-Control-Allow-Methods: GET, POST, OPTIONS\r\n"
    "Access-Control-Allow-Headers: *\r\n"
)


JSON = "application/json"
# What a connection without a reply counts as: the client left first.
CLIENT_CLOSED = 499
Headers = Sequence[tuple[str, str]]
Handler = Callable[["Connection", Request], Awaitable[None]]
# Path and status of a reply, once it is decided; from the thread that decides it.
Answered = Callable[[str, int], None]
# Path, status and message to the body of an error.
SpellError = Callable[[str, int, str], bytes]


def _uncounted(_path: str, _status: int) -> None:
    pass


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
        answered: Answered = _uncounted,
    ) -> None:
        self._handler = handler
        self._answered = answered
        self._has_status = False
        self._head_only = False
        self._spell_error = spell_error
        self._cors = _CORS if cors else ""
        self._all = open_connections
        self._reader: RequestReader | None = RequestReader()
        self._path = ""
        self._timer: asyncio.TimerHandle | None = None
        self._stall_timer: asyncio.TimerHandle | None = None
        self._task: asyncio.Task[None] | None = None
        self._transport: asyncio.Transport | None = None
        self._written = 0
        self._lingering = False
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
        reader = self._reader
        if reader is None:
            return
        head_was_done = reader.head_done
        try:
            reader.feed(data)
        except BadRequest:
            self._refuse()
            return
        if reader.request is not None:
            self._begin(reader.request)
        elif reader.head_done:
            if reader.expects_continue and not head_was_done:
                self.write(b"HTTP/1.1 100 Continue\r\n\r\n")
            self._set_timer(READ_SECONDS, self._refuse)

    def _begin(self, request: Request) -> None:
        self._reader = None
        self._path = request.path
        self._head_only = request.method == "HEAD"
        self._clear_timer()
        self._task = asyncio.get_running_loop().create_task(self._run(request))

    def eof_received(self) -> bool:
        if self._reader is not None:
            self._refuse()
        else:
            self._lost()
            if self._lingering:
                self.close()
        return True

    def connection_lost(self, _error: Exception | None) -> None:
        with self._sending:
            self._fd = None  # the number is another's from now on
        self._all.discard(self)
        self._reader = None
        self._clear_timer()
        if self._stall_timer is not None:
            self._stall_timer.cancel()
        if self._path:
            self._settle(CLIENT_CLOSED)
        self._lost()

    def _lost(self) -> None:
        self.gone = True
        on_gone, self._on_gone = self._on_gone, None
        if on_gone is not None:
            on_gone()

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

    def reply(self, status: int, body: bytes, headers: Headers = (), kind: str = JSON) -> None:
        """A whole reply; closes the connection. `kind`: the body's type. HEAD gets the head alone."""
        self._settle(status)
        kinds = [("Content-Type", kind)] if body else []
        lines = [f"{name}: {value}\r\n" for name, value in (*kinds, *headers)]
        head = f"HTTP/1.1 {status} {_REASONS.get(status, 'Error')}\r\nContent-Length: {len(body)}\r\n"
        head = f"{head}{''.join(lines)}{self._cors}Connection: close\r\n\r\n"
        self.write(head.encode() + (b"" if self._head_only else body))
        self.close()

    def _settle(self, status: int) -> None:
        """The first status of a connection is the one that its client gets."""
        if not self._has_status:
            self._has_status = True
            self._answered(self._path, status)

    def stream_head(self) -> bytes:
        """What comes in front of an event stream; the stream ends with the connection."""
        self._settle(200)
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
            self._written += len(data)
            self._transport.write(data)

    def close(self) -> None:
        """Send what is written, let the client see the end, then close."""
        self._on_gone = None
        self._clear_timer()
        transport = self._transport
        if transport is None or transport.is_closing():
            return
        if self._stall_timer is None and transport.get_write_buffer_size():
            self._watch_progress()
        if self.gone or self._lingering:
            transport.close()
            return
        self._lingering = True
        try:
            transport.write_eof()
        except OSError:  # reset by the client, and the loop has not seen it yet
            transport.abort()
            return
        self._set_timer(LINGER_SECONDS, self.close)

    def abort(self) -> None:
        """Close at once; what is not sent is lost."""
        if self._transport is not None:
            self._transport.abort()

    def _refuse(self) -> None:
        if self._reader is not None:
            self._path = self._reader.path
        self._reader = None
        self.reply(400, self._error(400, BAD_HTTP))

    def _error(self, status: int, message: str) -> bytes:
        return self._spell_error(self._path, status, message)

    # -- time
    # --------------------------------------------------------------------------------------------------

    def pause_writing(self) -> None:
        if self._stall_timer is None:
            self._watch_progress()

    def _sent(self) -> int:
        assert self._transport is not None
        return self._written - self._transport.get_write_buffer_size()

    def _watch_progress(self) -> None:
        self._stall_timer = self._loop.call_later(STALL_SECONDS, self._judge_progress, self._sent())

    def _judge_progress(self, sent_before: int) -> None:
        self._stall_timer = None
        if self._sent() == self._written:
            return
        if self._sent() == sent_before:
            self.abort()
        else:
            self._watch_progress()

    def _set_timer(self, seconds: float, call: Callable[[], None]) -> None:
        self._clear_timer()
        self._timer = asyncio.get_running_loop().call_later(seconds, call)

    def _clear_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None


async def accept_connections(
    sock: socket.socket, factory: Callable[[], Connection], log: Callable[[str], None]
) -> None:
    """Until cancelled. A failure, such as no descriptors left, is logged and tried again after a moment."""
    loop = asyncio.get_running_loop()
    while True:
        try:
            client, _ = await loop.sock_accept(sock)
            await loop.connect_accepted_socket(factory, client)
        except OSError as error:
            log(f"accept failed: {error.strerror}")
            await asyncio.sleep(ACCEPT_RETRY_SECONDS)
