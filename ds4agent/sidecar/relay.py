"""One client, one engine connection, and the bytes between them.

A client connection carries one request, as with ds4-server. Its head is read and judged; what we answer
ourselves is answered; everything else waits for its turn, is connected to the engine, and from then on is
nothing but two sockets: what one has is written to the other when it is there, in one read and one write,
and looked at afterwards. Neither direction is buffered beyond what the kernel and the transports take: a side
that does not read stops the other one.

The two sockets are tied from the first byte. A client that ends its connection, or its sending half, is gone:
its place in the queue is given up and the engine's socket is closed at once, because that is the only thing
that makes an engine stop. The engine's end is the client's end.

While nothing comes from the engine, a streamed request is kept alive by the clock, in the form that its API
has for that. Until the engine's head is there that means to answer for it: the head of an event stream is
sent, and if the engine then refuses, the refusal goes out as an event.
"""

import asyncio
from typing import Protocol

from ds4agent.sidecar.dialects import EVENT_STREAM_HEAD, error_reply, shape_of
from ds4agent.sidecar.head import MAX_HEAD, BadHead, Head, Unchunker, parse_head

HEAD_SECONDS = 10.0
# Of a body that waits with its request; more is left in the kernel.
HELD_BODY = 256 << 10
# How long a client may go on sending a body that nobody wants, so that it gets to see the answer.
LINGER_SECONDS = 1.0


class Handler(Protocol):
    """What becomes of a request once its head is known."""

    def begin(self, front: "Front", head: Head) -> None:
        """Answer it with `front.answer`, or let it wait and `front.connect` it."""

    def responded(self, front: "Front", data: bytes) -> None:
        """These bytes of the engine's reply have been passed on."""

    def ended(self, front: "Front") -> None:
        """The connection is over, however."""


class Front(asyncio.Protocol):
    """A client."""

    def __init__(self, handler: Handler, connections: "set[Front]") -> None:
        self._handler = handler
        self._all = connections
        self._loop = asyncio.get_running_loop()
        self._buffer = bytearray()
        self._unchunk: Unchunker | None = None
        self._left = 0  # bytes of the body still to come
        self._timer: asyncio.TimerHandle | None = None
        self._back: Back | None = None
        self._connecting: asyncio.Task[None] | None = None
        self._paused = False
        self._wanted: tuple[str, int] | None = None
        self._last = b""  # of what the client was sent of the reply
        self.transport: asyncio.Transport
        self.head: Head | None = None
        self.shape = shape_of("")
        self.response = ResponseHead()
        self.over = False

    # -- from the client
    # ----------------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        self._all.add(self)
        self._timer = self._loop.call_later(HEAD_SECONDS, self.refuse, 408, "the request did not come")

    def data_received(self, data: bytes) -> None:
        if self.over:
            return
        if self.head is None:
            self._read_head(data)
        else:
            self._read_body(data)

    def _read_head(self, data: bytes) -> None:
        self._buffer += data
        end = self._buffer.find(b"\r\n\r\n")
        if end < 0 and len(self._buffer) < MAX_HEAD:
            return
        if end < 0 or end > MAX_HEAD:
            self.refuse(431, "the head of the request is too large")
            return
        raw, rest = bytes(self._buffer[: end + 4]), bytes(self._buffer[end + 4 :])
        self._buffer.clear()
        try:
            self.head = head = parse_head(raw)
        except BadHead as bad:
            self.refuse(bad.status, bad.message)
            return
        self._clear_timer()
        self.shape = shape_of(head.path)
        self._left = head.length or 0
        if head.length is None:
            self._unchunk = Unchunker()
        self._handler.begin(self, head)
        if not self.over and rest:
            self._read_body(rest)

    def _read_body(self, data: bytes) -> None:
        if self._unchunk is not None:
            self._read_chunks(data)
            return
        data = data[: self._left]  # what follows the request is nobody's
        self._left -= len(data)
        if self._back is not None:
            self._back.transport.write(data)
            return
        self._buffer += data
        if len(self._buffer) > HELD_BODY and not self._paused:
            self._paused = True
            self.transport.pause_reading()

    def _read_chunks(self, data: bytes) -> None:
        assert self._unchunk is not None
        try:
            self._unchunk.feed(data)
        except BadHead as bad:
            self.refuse(bad.status, bad.message)
            return
        if self._unchunk.complete and self._connecting is None and self._wanted is not None:
            self.connect(*self._wanted)

    def eof_received(self) -> bool:
        self._left = 0
        self.close()
        return False

    def connection_lost(self, _error: Exception | None) -> None:
        self._all.discard(self)
        self.close()

    # -- to the engine
    # ------------------------------------------------------------------------------------------

    @property
    def body(self) -> bytes:
        """What has come of the body, as far as it is held."""
        return bytes(self._unchunk.body if self._unchunk is not None else self._buffer)

    @property
    def body_complete(self) -> bool:
        return self._unchunk.complete if self._unchunk is not None else self._left == 0

    def connect(self, host: str, port: int) -> None:
        """Carry the request to the engine, once it is complete if it comes in chunks."""
        if self.over:
            return
        self._wanted = host, port
        if self._unchunk is not None and not self._unchunk.complete:
            return
        self._connecting = self._loop.create_task(self._connect(host, port))

    async def _connect(self, host: str, port: int) -> None:
        try:
            await self._loop.create_connection(lambda: Back(self), host, port)
        except OSError as error:
            if not self.over:
                self.refuse(502, f"the engine does not answer on {host}:{port}: {error.strerror or error}")

    def connected(self, back: "Back") -> None:
        if self.over:
            back.transport.abort()
            return
        assert self.head is not None
        self._back = back
        expects = self.head.expects_continue
        if expects:
            self.transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        if self._unchunk is not None:
            body = bytes(self._unchunk.body)
            back.transport.write(self.head.rewritten(len(body)) + body)
            self._unchunk.body.clear()
        else:
            raw = self.head.rewritten(self.head.length or 0) if expects else self.head.raw
            back.transport.write(raw + self._buffer)
        self._buffer.clear()
        if self._paused:
            self._paused = False
            self.transport.resume_reading()

    # -- to the client
    # ------------------------------------------------------------------------------------------

    def passed(self, data: bytes) -> None:
        """From the engine; the hot path."""
        response = self.response
        if response.promised and not response.complete:
            self._translate(data)
            return
        self.transport.write(data)
        self._last = data[-2:]
        if not response.complete:
            response.feed(data)
        self._handler.responded(self, data)

    def keep_alive(self) -> None:
        """A sign of life in the form of this API, between two events; before the engine's head, behind one of
        our own.
        """
        if self.over or not self.shape.keepalive or self._last not in (b"", b"\n\n"):
            return
        if self.response.complete and not self.response.is_stream:
            return
        if not self.response.complete and not self.response.promised:
            self.response.promised = True
            self.transport.write(EVENT_STREAM_HEAD)
        self.transport.write(self.shape.keepalive)

    def _translate(self, data: bytes) -> None:
        """The client has a head of ours already: leave the engine's out, and tell a refusal as an event."""
        rest = self.response.feed(data)
        if not self.response.complete:
            return
        if self.response.status == 200:
            if rest:
                self.transport.write(rest)
                self._last = rest[-2:]
                self._handler.responded(self, rest)
            return
        self.transport.write(self.shape.failure(self.response.status))
        self.close()

    def back_ended(self) -> None:
        """The engine has said all it will say."""
        if self.over:
            return
        if not self.response.complete and not self.response.promised:
            self.refuse(502, "the engine ended the connection without an answer")
        else:
            self.close()

    def answer(self, data: bytes) -> None:
        """A whole reply of our own."""
        if not self.over:
            self.response.feed(data)
            self.transport.write(data)
            self.close()

    def refuse(self, status: int, message: str, *fields: tuple[str, str]) -> None:
        if self.response.promised and not self.over:
            self.response.status = status
            self.transport.write(self.shape.failure(status, message))
            self.close()
        else:
            self.answer(error_reply(self.shape, status, message, fields))

    def close(self) -> None:
        """The end, for both sides: what is written still goes to the client, the engine stops at once."""
        if self.over:
            return
        self.over = True
        self._clear_timer()
        if self._connecting is not None:
            self._connecting.cancel()
        if self._back is not None:
            self._back.transport.abort()
        self._handler.ended(self)
        if self.head is not None and not self.body_complete and not self.transport.is_closing():
            self._linger()
        else:
            self.transport.close()

    def _linger(self) -> None:
        """To close while the client sends would make its kernel throw the answer away."""
        self.transport.write_eof()
        self.transport.resume_reading()
        self._loop.call_later(LINGER_SECONDS, self.transport.close)

    def _clear_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    # -- who reads slowly
    # ---------------------------------------------------------------------------------------

    def pause_writing(self) -> None:
        if self._back is not None:
            self._back.transport.pause_reading()

    def resume_writing(self) -> None:
        if self._back is not None and not self._back.transport.is_closing():
            self._back.transport.resume_reading()

    def pause_reading(self) -> None:
        if not self.over:
            self.transport.pause_reading()

    def resume_reading(self) -> None:
        if not self.over:
            self.transport.resume_reading()


class Back(asyncio.Protocol):
    """The engine's side of one request."""

    def __init__(self, front: Front) -> None:
        self._front = front
        self.transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        self._front.connected(self)

    def data_received(self, data: bytes) -> None:
        if not self._front.over:
            self._front.passed(data)

    def connection_lost(self, _error: Exception | None) -> None:
        self._front.back_ended()

    def pause_writing(self) -> None:
        self._front.pause_reading()

    def resume_writing(self) -> None:
        self._front.resume_reading()


class ResponseHead:
    """The engine's head, as it goes by. `promised`: the client has one of ours in its place."""

    def __init__(self) -> None:
        self._seen = b""
        self.status = 0
        self.complete = False
        self.promised = False
        self.is_stream = False

    def feed(self, data: bytes) -> bytes:
        """Returns what lies behind the head."""
        self._seen += data
        end = self._seen.find(b"\r\n\r\n")
        if end < 0:
            if len(self._seen) > MAX_HEAD:
                self._settle(self._seen[:MAX_HEAD])
            return b""
        head, rest = self._seen[:end], self._seen[end + 4 :]
        if head.startswith(b"HTTP/1.1 100"):
            self._seen = b""
            return self.feed(rest)
        self._settle(head)
        return rest

    def _settle(self, head: bytes) -> None:
        words = head.split(b" ", 2)
        known = len(words) > 1 and words[0].startswith(b"HTTP/1.") and words[1].isdigit()
        self.status = int(words[1]) if known else 502
        self.is_stream = b"text/event-stream" in head.lower()
        self.complete = True
        self._seen = b""
