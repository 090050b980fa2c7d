"""The socket at which clients come: each is taken when the loop says so, with nothing in between.

Where the process has no descriptor left for one, clients wait in the kernel until some are free again.
"""

import errno
import socket
from asyncio import AbstractEventLoop
from collections.abc import Callable

_NO_DESCRIPTORS = (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM)
_REST_SECONDS = 1.0


def bind(host: str, port: int, any_port: bool) -> socket.socket:
    """`any_port`: another one if that is taken. Raises OSError."""
    sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        try:
            sock.bind((host, port))
        except OSError as error:
            if not any_port or error.errno != errno.EADDRINUSE:
                raise
            sock.bind((host, 0))
    except OSError:
        sock.close()
        raise
    return sock


class Listener:
    """`accepted` gets each client's socket. Its options are those of the listening one."""

    def __init__(
        self,
        loop: AbstractEventLoop,
        sock: socket.socket,
        accepted: Callable[[socket.socket], object],
        backlog: int,
    ) -> None:
        sock.setblocking(False)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sock.listen(backlog)
        self._loop, self._sock, self._accepted = loop, sock, accepted
        self._open = True
        self._resume()

    def _resume(self) -> None:
        if self._open:
            self._loop.add_reader(self._sock.fileno(), self._acceptable)

    def _acceptable(self) -> None:
        try:
            client, _ = self._sock.accept()
        except OSError as error:
            if error.errno in _NO_DESCRIPTORS:
                self._loop.remove_reader(self._sock.fileno())
                self._loop.call_later(_REST_SECONDS, self._resume)
            return
        client.setblocking(False)
        self._accepted(client)

    def close(self) -> None:
        if self._open:
            self._open = False
            self._loop.remove_reader(self._sock.fileno())
            self._sock.close()
