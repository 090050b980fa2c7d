"""A request as it comes from its client: a head that is read and judged, then a body, as far as it is held.

Each has its time to come, and its size. A body in chunks is put together; one that is longer than is held
stays in the kernel until there is somewhere for it to go. What is held of all of them has a common bound.
"""

import asyncio
import json
import socket

from ds4agent.sidecar.connections import SMALL_BODY, Connections
from ds4agent.sidecar.dialects import shape_of
from ds4agent.sidecar.head import MAX_BODY, MAX_HEAD, BadHead, Head, Unchunker, parse_head
from ds4agent.sidecar.stream import Stream
from ds4agent.wire.json_peek import peek

HEAD_SECONDS = 10.0
# For a body to come: as far as it is held, and later for the rest.
BODY_SECONDS = 60.0
# Of a body that waits with its request: a prompt of a million tokens. More is left in the kernel.
HELD_BODY = 4 << 20
# After which one may try again whose body there was no room for.
ROOM_SECONDS = 5


class Incoming:
    """What becomes of it says who inherits from this. `shape`: of the API that it asks."""

    __slots__ = (
        "_all", "_back", "_claimed", "_client", "_held", "_left", "_loop", "_replaced", "_timer", "_unchunk",
        "head", "over", "shape",
    )  # fmt: skip

    def __init__(self, sock: socket.socket, connections: Connections) -> None:
        self._all = connections
        self._claimed = 0  # of the memory for the bodies of all
        self._loop = asyncio.get_running_loop()
        self._held = bytearray()  # first of the head, then of the body
        self._left = 0  # bytes of the body still to come; of one in chunks: any
        self._unchunk: Unchunker | None = None
        self._replaced = False
        self._back: Stream | None = None  # where it goes
        self._timer: asyncio.TimerHandle | None = None
        self.head: Head | None = None
        self.shape = shape_of("")
        self.over = False
        self._client = Stream(self._loop, sock, self._received, self._client_ended, connections)

    def _start(self) -> None:
        """Read what is there."""
        self._client.start()
        if self.head is None and not self.over:
            self._allow(HEAD_SECONDS)

    # -- what becomes of it
    # -----------------------------------------------------------------------------------

    def _begun(self, head: Head) -> None:
        """Its head is known."""
        raise NotImplementedError

    def _is_here(self, head: Head) -> None:
        """So is its body, or as much of it as is held."""
        raise NotImplementedError

    def refuse(self, status: int, message: str, *fields: tuple[str, str]) -> None:
        raise NotImplementedError

    def close(self) -> None:
        raise NotImplementedError

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
        self._begun(head)
        if not self.over:
            self._await_body(head, data[end + 4 :])

    def _await_body(self, head: Head, data: bytes) -> None:
        if not self._left:
            self._all_here()
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
        if not self._has_room(len(self._held)):
            return
        if not self._left:
            self._all_here()
        elif len(self._held) >= HELD_BODY:
            self._client.pause()
            self._all_here()

    def _read_chunks(self, unchunk: Unchunker, data: bytes) -> None:
        try:
            unchunk.feed(data)
        except BadHead as bad:
            self.refuse(bad.status, bad.message)
            return
        if not self._has_room(len(unchunk.body)):
            return
        if unchunk.complete:
            self._left, self._held = 0, unchunk.body
            self._all_here()

    def _has_room(self, n_bytes: int) -> bool:
        """For a body of which so much is held; it is refused if there is none."""
        if n_bytes <= SMALL_BODY:
            return True
        if not self._all.hold(self._claimed, n_bytes):
            text = "the bodies of requests that wait take all the memory there is for them; try again later"
            self.refuse(503, text, ("Retry-After", str(ROOM_SECONDS)))
            return False
        self._claimed = n_bytes
        return True

    def _give_back_room(self) -> None:
        self._all.hold(self._claimed, 0)
        self._claimed = 0

    def _all_here(self) -> None:
        assert self.head is not None
        self._stop_timer()
        self._is_here(self.head)

    def _client_ended(self, _error: OSError | None) -> None:
        self.close()

    @property
    def held(self) -> bytearray:
        """What has come of the body, as long as the request waits."""
        return self._held

    @property
    def complete(self) -> bool:
        """Whether all of the request is held."""
        return not self._left

    @property
    def model(self) -> str:
        """The name that the request gives, "" if it gives none."""
        named = peek(self._held, (b"model",)).get(b"model", b"")
        try:
            return str(json.loads(named)) if named.startswith(b'"') else ""
        except ValueError:
            return ""

    def replace_body(self, body: bytes) -> None:
        """Another body for a request that is complete."""
        self._held, self._replaced = bytearray(body), True

    def _allow(self, seconds: float) -> None:
        self._stop_timer()
        self._timer = self._loop.call_later(seconds, self.refuse, 408, "the request did not come in time")

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
