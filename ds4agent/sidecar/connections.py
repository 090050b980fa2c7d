"""What all connections of clients share: sight of who leaves, and the memory for what they send.

A socket that is not read hides its end behind what has not been read. So sockets that are paused are watched
in a selector of their own, for the end alone: Linux tells it apart (EPOLLRDHUP), kqueue flags it on an event
that comes once. That selector is a file like others, and the event loop watches it.

An end that the kernel of the client could not send yet, because ours has no room for what comes before it,
cannot be seen that way. A client on this machine is asked after instead, which is cheap but has to be
repeated; see ends.py.
"""

import select
import sys
from asyncio import AbstractEventLoop, TimerHandle
from collections.abc import Callable, Iterator
from socket import socket
from typing import Any

from ds4agent.sidecar.ends import CAN_ASK, has_closed

# Bodies that wait, of all clients together: two of the largest. More are refused, not kept waiting: bodies in
# chunks that are only half here would wait for each other.
HELD_BODIES = 128 << 20
# So that large bodies keep no small ones out. What is as small as a head is bounded as heads are, by the
# number of descriptors.
SMALL_BODY = 64 << 10
# For each that is watched: one is found gone within this time, and many take no more computing than one.
ASK_SECONDS = 0.002

if sys.platform == "linux":

    class _Ends:
        def __init__(self) -> None:
            self._poll = select.epoll()
            self.fileno = self._poll.fileno
            self.remove = self._poll.unregister

        def add(self, fd: int) -> None:
            self._poll.register(fd, select.EPOLLRDHUP)

        def ready(self) -> Iterator[int]:
            return (fd for fd, _ in self._poll.poll(0))

else:

    class _Ends:
        def __init__(self) -> None:
            self._queue = select.kqueue()
            self.fileno = self._queue.fileno

        def add(self, fd: int) -> None:
            self._change(fd, select.KQ_EV_ADD | select.KQ_EV_CLEAR)

        def remove(self, fd: int) -> None:
            self._change(fd, select.KQ_EV_DELETE)

        def _change(self, fd: int, flags: int) -> None:
            self._queue.control([select.kevent(fd, select.KQ_FILTER_READ, flags)], 0)

        def ready(self) -> Iterator[int]:
            return (e.ident for e in self._queue.control(None, 64, 0) if e.flags & select.KQ_EV_EOF)


class Connections(set[Any]):
    """The fronts that are open, for the life of the loop."""

    def __init__(self, loop: AbstractEventLoop) -> None:
        super().__init__()
        self._loop = loop
        self._held = 0
        self._ends = _Ends()
        self._watched: dict[int, tuple[socket, Callable[[], None]]] = {}
        self._asking: TimerHandle | None = None
        loop.add_reader(self._ends.fileno(), self._look)

    # -- who leaves
    # -------------------------------------------------------------------------------------------

    def watch(self, sock: socket, gone: Callable[[], None]) -> None:
        """Call `gone` once if the other side of a socket that nobody reads ends, until `unwatch`."""
        self._watched[sock.fileno()] = sock, gone
        self._ends.add(sock.fileno())
        if CAN_ASK and self._asking is None:
            self._ask_later()

    def unwatch(self, sock: socket) -> None:
        if self._watched.pop(sock.fileno(), None) is not None:
            self._ends.remove(sock.fileno())

    def _look(self) -> None:
        for fd in list(self._ends.ready()):
            self._gone(fd)

    def _ask_later(self) -> None:
        self._asking = self._loop.call_later(ASK_SECONDS * len(self._watched), self._ask)

    def _ask(self) -> None:
        self._asking = None
        for fd, (sock, _) in list(self._watched.items()):
            if has_closed(sock):
                self._gone(fd)
        if self._watched:
            self._ask_later()

    def _gone(self, fd: int) -> None:
        if fd in self._watched:  # one that went may have ended others
            sock, gone = self._watched[fd]
            self.unwatch(sock)
            gone()

    # -- what they send
    # ---------------------------------------------------------------------------------------

    def hold(self, before: int, now: int) -> bool:
        """A body of which `before` bytes were held is to have `now`; whether there is room."""
        if self._held + now - before > HELD_BODIES:
            return False
        self._held += now - before
        return True
