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
sent, and if the engine then refuses, the refusal goes out as an event, and chunks are taken apart.
"""

import socket

from ds4agent.sidecar.connections import Connections
from ds4agent.sidecar.dialects import EVENT_STREAM_HEAD, asks_for_stream, error_reply, with_fields
from ds4agent.sidecar.handler import Handler
from ds4agent.sidecar.head import MAX_HEAD, BadHead, Head, Unchunker, closing
from ds4agent.sidecar.incoming import BODY_SECONDS, Incoming
from ds4agent.sidecar.response import MOST_REFUSAL, ResponseHead, message_of
from ds4agent.sidecar.stream import READ_BYTES, Address, connect

# How long a client may go on sending a body that nobody wants, so that it gets to see the answer.
LINGER_SECONDS = 1.0
# What follows may be put between two events.
_BOUNDARY = b"\n\n"


class Front(Incoming):
    """A client. `client` is the name that the handler has for it; `page`: what the head of a reply has to say
    so that the page in a browser which asked may read it.
    """

    __slots__ = (
        "_closes", "_handler", "_last", "_refusal", "_streams", "_translating", "client", "page", "response",
    )  # fmt: skip

    def __init__(self, handler: Handler, connections: Connections, sock: socket.socket) -> None:
        super().__init__(sock, connections)
        self._handler = handler
        self._streams: bool | None = None
        self._closes = True
        self._last = b""  # of what the client was sent
        self._translating = False
        self._refusal = bytearray()
        self.client, self.page = "", b""
        self.response = ResponseHead()
        connections.add(self)
        self._start()

    def _begun(self, head: Head) -> None:
        self._handler.begin(self, head)

    def _is_here(self, head: Head) -> None:
        self._handler.ready(self, head)

    # -- to the engine
    # ------------------------------------------------------------------------------------------

    def connect(self, address: Address, closes: bool) -> None:
        """Carry the request to the engine. `closes`: it does so after each request, whatever it is told;
        another one, and the client, are told that a connection carries one.
        """
        head, body = self.head, self._held
        assert head is not None
        self._closes = closes
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
        raw = raw if closes else closing(raw)
        if len(body) <= READ_BYTES:
            back.write(raw + body)
        else:
            back.write(raw)
            back.write(body)
        self._held, self._unchunk = bytearray(), None
        if not back.writing:
            self._give_back_room()  # else with the end: it has only gone from here to there
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
            self._streams = not self._left and asks_for_stream(self._held)
        return self._streams

    # -- to the client
    # ------------------------------------------------------------------------------------------

    def _answered(self, data: bytes) -> None:
        """From the engine; the hot path."""
        if self._translating:
            self._translate(data)
            return
        if self.page and not self._last:
            self._refusal += data
            if b"\r\n\r\n" not in self._refusal and len(self._refusal) <= MAX_HEAD:
                return
            data = with_fields(bytes(self._refusal), self.page)
            self._refusal.clear()
        if not self._closes and not self._last and data.startswith(b"HTTP/1."):
            data = closing(data)  # a head in pieces, which is rare, is not held back for this
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
        if self._refusal and not self._last:
            return  # some of the head is here
        if not self._last:
            self._translating, self._last = True, _BOUNDARY
            self._client.write(with_fields(EVENT_STREAM_HEAD, self.page))
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
        elif self.response.chunks is not None:
            self._unframe(self.response.chunks, rest)
        else:
            self._refusal += rest[: MOST_REFUSAL - len(self._refusal)]

    def _unframe(self, chunks: Unchunker, data: bytes) -> None:
        """Events behind a head of ours, which says nothing of chunks; their end is that of the connection."""
        try:
            chunks.feed(data)
        except BadHead:
            self.close()
            return
        if events := bytes(chunks.body):
            chunks.body.clear()
            self._client.write(events)
            self._last = (self._last + events)[-2:]
            self._handler.responded(self, events)
        if chunks.complete:
            self._engine_ended(None)

    def _engine_ended(self, error: OSError | None) -> None:
        """The engine has said all it will say."""
        self._handler.left(self, error is None and self.response.complete)
        if self._translating and self.response.complete and self.response.chunks is None:
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
            self._client.write(with_fields(data, self.page))
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
        self._give_back_room()
        self._stop_timer()
        if self._back is not None:
            self._back.abort()
        self._client.close(LINGER_SECONDS if self.head is None or self._left else 0.0)
        self._handler.ended(self)
