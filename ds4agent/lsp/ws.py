"""Clients on a WebSocket of this machine: editors in a browser.

Each connection is a client of its own, with its own server; several may be there at the same time. Any page
in the user's browser can open a WebSocket to this machine, so who connects has to know the token in the
address, which is made anew for each start and printed once, and Host and Origin are looked at as the
sidecar does. The process ends with SIGTERM.
"""

import asyncio
import hmac
import logging
import secrets
import signal
import sys
from collections.abc import Mapping
from contextlib import suppress
from http import HTTPStatus
from typing import Any

from websockets.asyncio.server import ServerConnection
from websockets.asyncio.server import serve as listen
from websockets.exceptions import ConnectionClosed
from websockets.frames import CloseCode
from websockets.http11 import Request, Response

from ds4agent import config
from ds4agent.lsp.connection import Connection
from ds4agent.lsp.framing import MOST_BODY
from ds4agent.lsp.stdio import FLUSH_SECONDS, SIGNALS
from ds4agent.sidecar.guard import Guard

HOST = "127.0.0.1"
# A page that is gone without a word is noticed after this and as much again.
PING_SECONDS = 20.0
# Bytes of the reason in a close frame, by RFC 6455: 125 with the code.
MOST_REASON = 123
log = logging.getLogger(__name__)


class Output:
    """Sends in the order given. A task of the connection does the sending."""

    def __init__(self, socket: ServerConnection) -> None:
        self._socket = socket
        self._queue: asyncio.Queue[str | None] = asyncio.Queue()

    def write(self, data: bytes) -> None:
        self._queue.put_nowait(data.decode())

    def close(self) -> None:
        self._queue.put_nowait(None)

    async def send(self) -> None:
        with suppress(ConnectionClosed):
            while (text := await self._queue.get()) is not None:
                await self._socket.send(text)


class Clients:
    """Whoever connects, one server each."""

    def __init__(self, flags: Mapping[str, Any], token: str, guard: Guard) -> None:
        self._flags = flags
        self._path = f"/{token}"
        self._guard = guard
        self._present: set[Connection] = set()

    def admit(self, socket: ServerConnection, request: Request) -> Response | None:
        """None for who may come in."""
        host, origin = request.headers.get("Host"), request.headers.get("Origin")
        if host is None or not self._guard.is_our_host(host.encode()):
            return socket.respond(
                HTTPStatus.FORBIDDEN, "the Host of the request is not a name of this server\n"
            )
        if origin is not None and not self._guard.allows(origin.encode()):
            return socket.respond(
                HTTPStatus.FORBIDDEN, "this Origin is not allowed: see the setting cors_origins\n"
            )
        if not hmac.compare_digest(request.path.encode(), self._path.encode()):
            return socket.respond(
                HTTPStatus.UNAUTHORIZED, "the address has to end in the token that was printed\n"
            )
        return None

    async def serve(self, socket: ServerConnection) -> None:
        output = Output(socket)
        try:
            connection = Connection(self._flags, output, headers=False)
        except config.ConfigError as error:
            # The file was well when the process began.
            log.warning("a client was sent away: %s", error)
            await socket.close(CloseCode.INTERNAL_ERROR, _short(str(error)))
            return
        self._present.add(connection)
        sending = asyncio.create_task(output.send())
        reading = asyncio.create_task(_read(socket, connection))
        try:
            await connection.over
            await connection.close()
        finally:
            self._present.discard(connection)
            output.close()
            reading.cancel()
            # One that reads no more, be it a browser that is asleep, is not waited for.
            await asyncio.wait([sending], timeout=FLUSH_SECONDS)
            if not sending.done():
                socket.transport.abort()
            await sending

    def end(self, why: str) -> None:
        for connection in list(self._present):
            connection.end(why)


def _short(reason: str) -> str:
    """As much of it as a close frame has room for."""
    return reason.encode(errors="replace")[:MOST_REASON].decode(errors="ignore")


async def _read(socket: ServerConnection, connection: Connection) -> None:
    try:
        async for data in socket:
            connection.take(data.encode() if isinstance(data, str) else data)
    finally:
        connection.finish("the connection is closed")


async def serve(port: int, flags: Mapping[str, Any]) -> int:
    """Until a signal comes. Raises ConfigError, OSError."""
    settings = config.load(flags).serve
    token = secrets.token_urlsafe(24)
    clients = Clients(flags, token, Guard(token, hosts=settings.allow_hosts, origins=settings.cors_origins))
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in SIGNALS:
        loop.add_signal_handler(number, stop.set)
    async with listen(
        clients.serve,
        HOST,
        port,
        process_request=clients.admit,
        max_size=MOST_BODY,
        ping_interval=PING_SECONDS,
        compression=None,
        server_header=None,
    ) as server:
        (listening,) = server.sockets
        sys.stdout.write(f"ws://{HOST}:{listening.getsockname()[1]}/{token}\n")
        sys.stdout.flush()
        await stop.wait()
        clients.end(signal.SIGTERM.name)
    return 0
