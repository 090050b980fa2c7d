"""One client, one engine connection, and the bytes between them.

A client connection carries one request, as with ds4-server. Its head is read and judged, then its body is
read, as far as it is held; what we answer ourselves is answered; everything else waits for its turn, is
connected to the engine, and from then on is nothing but two streams: what one has is written to the other
when it is there, in one read and one write, and looked at afterwards. A side that does not read stops the
other one. No request waits for a turn before it is here, so a client that is slow, or only pretends to send,
takes nobody's place.

The two are tied from the first byte. A client that ends its connection, or its sending half, is gone: its
place in the queue is given up and the engine's socket is closed at once, because that is the only thing that
makes an engine stop. The engine's end is the client's end.

While nothing comes from the engine, a streamed request is kept alive by the clock, in the form that its API
has for that. Until the engine's head is there that means to answer for it: the head of an event stream is
sent, and if the engine then refuses, the refusal goes out as an event.
"""

import asyncio
import json
import re
import socket
from typing import Protocol

from ds4agent.sidecar.dialects import EVENT_STREAM_HEAD, error_reply, shape_of
from ds4agent.sidecar.head import MAX_BODY, MAX_HEAD, BadHead, Head, Unchunker, parse_head
from ds4agent.sidecar.response import MOST_REFUSAL, ResponseHead, message_of
from ds4agent.sidecar.stream import READ_BYTES, Address, Stream, connect

HEAD_SECONDS = 10.0
# For a body to come: as far as it is held, and later for the rest.
BODY_SECONDS = 60.0
# Of a body that waits with its request: a prompt of a million tokens. More is left in the kernel, where the
# end of the client is hidden behind it.
HELD_BODY = 4 << 20
# How long a client may go on sending a body that nobody wants, so that it gets to see the answer.
LINGER_SECONDS = 1.0
_STREAMS = re.compile(rb'"stream"\s*:\s*true')
# What follows may be put between two events.
_BOUNDARY = b"\n\n"


class Handler(Protocol):
    """What becomes of a request."""

    def begin(self, front: "Front", head: Head) -> None:
        """Its head is known: answer it with `front.answer` or `refuse`, or leave it."""

    def ready(self, front: "Front", head: Head) -> None:
        """It has not been answered, and it is here: let it wait, and `front.connect` it."""

    def responded(self, front: "Front", data: bytes) -> None:
        """These bytes of the engine's reply have been passed on."""

    def unreached(self, front: "Front", error: OSError) -> None:
        """The engine was not there: `connect` it later, or refuse it."""

    def left(self, front: "Front", answered: bool) -> None:
        """The engine has ended its connection."""

    def ended(self, front: "Front") -> None:
        """The connection is over, however."""


class Front:
    """A client. `client` is the name that the handler has for it."""

    __slots__ = (
        "_all", "_back", "_client", "_handler", "_held", "_last", "_left", "_loop", "_refusal", "_replaced",
        "_streams", "_timer", "_translating", "_unchunk", "client", "head", "over", "response", "shape",
    )  # fmt: skip

    def __init__(self, handler: Handler, connections: "set[Front]", sock: socket.socket) -> None:
        self._handler = handler
        self._all = connections
        self._loop = asyncio.get_running_loop()
        self._held = bytearray()  # first of the head, then of the body
        self._left = 0  # bytes of the body still to come; of one in chunks: any
        self._unchunk: Unchunker | None = None
        self._streams: bool | None = None
        self._replaced = False
        self._back: Stream | None = None
        self._last = b""  # of what the client was sent
        self._translating = False
        self._refusal = bytearray()
        self.client = ""
        self.head: Head | None = None
        self.shape = shape_of("")
        self.response = ResponseHead()
        self.over = False
        connections.add(self)
        self._timer: asyncio.TimerHandle | None = None
        self._client = Stream(self._loop, sock, self._received, self._client_ended)
        self._client.start()
        if self.head is None and not self.over:
            self._allow(HEAD_SECONDS)

    # -- from the client
    # ----------------------------------------------------------------------------------------

    def _received(self, data: bytes) -> None:
        if self.head is None:
            self._read_head(data)
        elif self._left:
            self._read_body(data)
        # What follows the request is nobody's.

    def _read_head(self, data: bytes) -> None:
        if self._held:
            self._held += data
            data = bytes(self._held)
        end = data.find(b"\r\n\r\n")
        if end < 0 and len(data) <= MAX_HEAD:
            self._held[:] = data
            return
        if end < 0 or end > MAX_HEAD:
            self.refuse(431, "the head of the request is too large")
            return
        self._held.clear()
        try:
            self.head = head = parse_head(data[: end + 4])
        except BadHead as bad:
            self.refuse(bad.status, bad.message)
            return
        self.shape = shape_of(head.path)
        self._left = 1 if head.length is None else head.length
        if self._left > MAX_BODY:
            self.refuse(413, f"a body of {self._left} bytes is too large: at most {MAX_BODY} are taken")
            return
        self._handler.begin(self, head)
        if not self.over:
            self._await_body(head, data[end + 4 :])

    def _await_body(self, head: Head, data: bytes) -> None:
        if not self._left:
            self._is_here()
            return
        if head.length is None:
            self._unchunk = Unchunker()
        if head.expects_continue and not data:
            self._client.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        self._allow(BODY_SECONDS)
        if data:
            self._read_body(data)

    def _read_body(self, data: bytes) -> None:
        if self._unchunk is not None:
            self._read_chunks(self._unchunk, data)
            return
        data = data[: self._left]
        self._left -= len(data)
        if self._back is not None:
            self._back.write(data)
            if not self._left:
                self._stop_timer()
            return
        self._held += data
        if not self._left:
            self._is_here()
        elif len(self._held) >= HELD_BODY:
            self._client.pause()
            self._is_here()

    def _read_chunks(self, unchunk: Unchunker, data: bytes) -> None:
        try:
            unchunk.feed(data)
        except BadHead as bad:
            self.refuse(bad.status, bad.message)
            return
        if unchunk.complete:
            self._left, self._held = 0, unchunk.body
            self._is_here()

    def _is_here(self) -> None:
        assert self.head is not None
        self._stop_timer()
        self._handler.ready(self, self.head)

    def _client_ended(self, _error: OSError | None) -> None:
        self.close()

    # -- to the engine
    # ------------------------------------------------------------------------------------------

    @property
    def held(self) -> bytearray:
        """What has come of the body, as long as the request waits."""
        return self._held

    @property
    def complete(self) -> bool:
        """Whether all of the request is held."""
        return not self._left

    def replace_body(self, body: bytes) -> None:
        """Another body for a request that is complete."""
        self._held, self._replaced = bytearray(body), True

    def connect(self, address: Address) -> None:
        """Carry the request to the engine."""
        head, body = self.head, self._held
        assert head is not None
        try:
            back = connect(self._loop, address, self._answered, self._engine_ended)
        except OSError as error:
            # Not from here: whoever grants places would be asked for the next one in the middle of this one.
            self._loop.call_soon(self._unreached, error)
            return
        self._back, back.source, self._client.source = back, self._client, back
        self._note_stream()
        anew = self._replaced or self._unchunk is not None
        length = len(body) if anew or head.length is None else head.length
        raw = head.rewritten(length) if anew or head.expects_continue else head.raw
        if len(body) <= READ_BYTES:
            back.write(raw + body)
        else:
            back.write(raw)
            back.write(body)
        self._held, self._unchunk = bytearray(), None
        back.resume()
        if self._left:
            self._allow(BODY_SECONDS)
            if not back.writing:
                self._client.resume()

    def _unreached(self, error: OSError) -> None:
        if not self.over:
            self._handler.unreached(self, error)

    def _note_stream(self) -> bool:
        """Whether events are asked for; not known of a body that is not held."""
        if self._streams is None:
            self._streams = not self._left and _asks_for_stream(self._held)
        return self._streams

    # -- to the client
    # ------------------------------------------------------------------------------------------

    def _answered(self, data: bytes) -> None:
        """From the engine; the hot path."""
        if self._translating:
            self._translate(data)
            return
        self._client.write(data)
        self._last = data[-2:]
        if not self.response.complete and not self.response.feed(data) and self.response.complete:
            self._last = _BOUNDARY  # the head is, and nothing else yet
        self._handler.responded(self, data)

    def keep_alive(self) -> None:
        """A sign of life in the form of this API, between two events; before the engine's head, behind one of
        our own.
        """
        if self.over or self._client.writing or not self.shape.keepalive or not self._note_stream():
            return
        if not self._last:
            self._translating, self._last = True, _BOUNDARY
            self._client.write(EVENT_STREAM_HEAD)
        elif self._last != _BOUNDARY or not (self._translating or self.response.is_stream):
            return
        self._client.write(self.shape.keepalive)

    def _translate(self, data: bytes) -> None:
        """The client has a head of ours: leave the engine's out; a refusal is told when all of it is here."""
        rest = data if self.response.complete else self.response.feed(data)
        if not self.response.complete:
            return
        if self.response.status == 200 and self.response.is_stream:
            self._translating = False
            if rest:
                self._answered(rest)
        else:
            self._refusal += rest[: MOST_REFUSAL - len(self._refusal)]

    def _engine_ended(self, error: OSError | None) -> None:
        """The engine has said all it will say."""
        self._handler.left(self, error is None and self.response.complete)
        if self._translating and self.response.complete:
            message = message_of(self._refusal) or "the engine refused the request"
            self.refuse(self.response.status, message)
        elif self.response.complete:
            self.close()
        elif error is not None:
            self.refuse(502, f"the engine does not answer: {error.strerror}")
        else:
            self.refuse(502, "the engine ended the connection without an answer")

    def answer(self, data: bytes) -> None:
        """A whole reply of our own."""
        if self.head is not None and self.head.method == "HEAD":
            data = data[: data.index(b"\r\n\r\n") + 4]
        if not self.over:
            self.response.feed(data)
            self._client.write(data)
            self.close()

    def refuse(self, status: int, message: str, *fields: tuple[str, str]) -> None:
        """In the form that is still possible: as a reply, as the last event of a stream, or by ending it."""
        if self.over:
            return
        if not self._last:
            self.answer(error_reply(self.shape, status, message, fields))
            return
        if self._last == _BOUNDARY and (self._translating or self.response.is_stream):
            self.response.status = status
            self._client.write(self.shape.failure(status, message))
        self.close()

    # -- the end
    # ----------------------------------------------------------------------------------------------

    def close(self) -> None:
        """The end, for both sides: what is written still goes to the client, the engine stops at once."""
        if self.over:
            return
        self.over = True
        self._all.discard(self)
        self._stop_timer()
        if self._back is not None:
            self._back.abort()
        self._client.close(LINGER_SECONDS if self.head is None or self._left else 0.0)
        self._handler.ended(self)

    def _allow(self, seconds: float) -> None:
        self._stop_timer()
        self._timer = self._loop.call_later(seconds, self.refuse, 408, "the request did not come in time")

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None


def _asks_for_stream(body: bytearray) -> bool:
    """Looked at closely only where it may be: other objects have members of that name, too."""
    if not _STREAMS.search(body):
        return False
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        return False
    return isinstance(value, dict) and value.get("stream") is True
