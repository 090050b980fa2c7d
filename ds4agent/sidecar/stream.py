"""A connected socket on the event loop, with nothing in between.

asyncio's transports take a task, some futures and several turns of the loop for each connection, which is
most of what a relay of short requests would do. Here the socket is read when the loop says so, and written at
once.

What the kernel does not take waits here, and until it is gone the `source` of it is not read: one read is all
that ever waits. A stream reports `received` any number of times and then `ended`, once; after `close` or
`abort` it reports nothing. Neither is called from within `write`: what is wrong with a socket is found by
reading it, and a reply that came before the failure is still read. Where `connections` are given, the end of
the other side is seen also while it is not read, and one that takes nothing of what waits for it for
STALL_SECONDS is taken to be gone.
"""

import errno
import os
import socket
from asyncio import AbstractEventLoop, TimerHandle
from collections.abc import Callable

from ds4agent.sidecar.connections import Connections

READ_BYTES = 64 << 10
STALL_SECONDS = 30.0
Address = tuple[str, int]


def _ignore(_value: object) -> None:
    pass


class Stream:
    """Nothing is read before `start` or `resume`. `writing`: something waits to be written."""

    __slots__ = (
        "_closing", "_connections", "_ended", "_error", "_fd", "_linger", "_loop", "_moved", "_pending",
        "_reading", "_received", "_send", "_sock", "_stall", "over", "source", "writing",
    )  # fmt: skip

    def __init__(
        self,
        loop: AbstractEventLoop,
        sock: socket.socket,
        received: Callable[[bytes], None],
        ended: Callable[[OSError | None], None],
        connections: Connections | None = None,
    ) -> None:
        self._loop = loop
        self._connections = connections
        self._moved = 0.0  # when some of what waits was taken
        self._stall: TimerHandle | None = None
        self._sock = sock
        self._fd = sock.fileno()
        self._send = sock.send
        self._received = received
        self._ended = ended
        self._pending = bytearray()
        self._reading = self.writing = self._closing = False
        self._linger = 0.0
        self._error: OSError | None = None  # of a write; the kernel tells it once
        self.source: Stream | None = None
        self.over = False

    # -- what comes
    # -------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Read what is there already, before the loop is told of the socket."""
        self._reading = True
        self._readable()
        if self._reading:
            self._loop.add_reader(self._fd, self._readable)

    def _readable(self) -> None:
        error = self._error
        try:
            data = self._sock.recv(READ_BYTES)
        except (BlockingIOError, InterruptedError):
            return
        except OSError as failed:
            data, error = b"", failed
        if data:
            self._received(data)
        else:
            self._gone(error)

    def pause(self) -> None:
        if self._reading:
            self._reading = False
            self._loop.remove_reader(self._fd)
            if self._connections is not None and not self.over:
                self._connections.watch(self._sock, self._gone)

    def _gone(self, error: OSError | None = None) -> None:
        ended = self._ended
        self.abort()
        ended(error)

    def resume(self) -> None:
        if not self._reading and not self.over:
            self._reading = True
            if self._connections is not None:
                self._connections.unwatch(self._sock)
            self._loop.add_reader(self._fd, self._readable)

    # -- what goes
    # --------------------------------------------------------------------------------------------

    def write(self, data: bytes | bytearray) -> None:
        if self.over or self._closing:
            return
        if self.writing:
            self._pending += data
            return
        sent = self._try(data)
        if sent < len(data):
            self._pending += memoryview(data)[sent:]
            self.writing = True
            self._loop.add_writer(self._fd, self._writable)
            self._moved = self._loop.time()
            if self._connections is not None and self._stall is None:
                self._stall = self._loop.call_later(STALL_SECONDS, self._look_at_stall)
            if self.source is not None:
                self.source.pause()

    def _look_at_stall(self) -> None:
        self._stall = None
        left = self._moved + STALL_SECONDS - self._loop.time()
        if not self.writing:
            return
        if left > 0:
            self._stall = self._loop.call_later(left, self._look_at_stall)
        else:
            self._gone(OSError(errno.ETIMEDOUT, os.strerror(errno.ETIMEDOUT)))

    def _try(self, data: bytes | bytearray) -> int:
        """How much is off our hands."""
        try:
            return self._send(data)
        except (BlockingIOError, InterruptedError):
            return 0
        except OSError as error:
            if error.errno == errno.ENOTCONN:  # yet, on systems that say so
                return 0
            self._error = error
            return len(data)  # nobody will ever read it

    def _writable(self) -> None:
        del self._pending[: self._try(self._pending)]
        self._moved = self._loop.time()
        if self._pending:
            return
        self.writing = False
        self._loop.remove_writer(self._fd)
        if self._closing:
            self._finish()
        elif self.source is not None:
            self.source.resume()

    # -- the end
    # ----------------------------------------------------------------------------------------------

    def close(self, linger: float = 0.0) -> None:
        """When all is written. `linger`: seconds for which the other side may go on sending; to close while
        it sends would make its kernel throw away what it has not read.
        """
        if self.over or self._closing:
            return
        self._closing, self._linger = True, linger
        self._received = self._ended = _ignore
        self.resume()  # an end is still seen
        if not self.writing:
            self._finish()

    def _finish(self) -> None:
        if not self._linger:
            self.abort()
            return
        try:
            self._sock.shutdown(socket.SHUT_WR)
        except OSError:
            self.abort()
            return
        self._loop.call_later(self._linger, self.abort)

    def abort(self) -> None:
        """At once."""
        if self.over:
            return
        self.over = True
        # No cycles: what belongs to a connection is freed with it.
        self._received = self._ended = _ignore
        self.source = None
        self.pause()
        if self._connections is not None:
            self._connections.unwatch(self._sock)
        if self._stall is not None:
            self._stall.cancel()
        if self.writing:
            self.writing = False
            self._loop.remove_writer(self._fd)
        self._sock.close()


def connect(
    loop: AbstractEventLoop,
    address: Address,
    received: Callable[[bytes], None],
    ended: Callable[[OSError | None], None],
) -> Stream:
    """A stream that may be written at once; if the other side is not there, it ends. Raises OSError where
    that is known already. The host is a number: names would have to be asked for.
    """
    family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
    sock = socket.socket(family, socket.SOCK_STREAM)
    try:
        sock.setblocking(False)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        code = sock.connect_ex(address)
        if code == errno.EINPROGRESS:  # on this machine it is decided all the same
            code = sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if code:
            raise OSError(code, os.strerror(code))
    except BaseException:
        sock.close()
        raise
    return Stream(loop, sock, received, ended)


def numeric(host: str) -> str:
    """The address of a host, asked for and waited for. Raises OSError."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    return str(socket.getaddrinfo(host.strip("[]"), None, family, socket.SOCK_STREAM)[0][4][0])
