"""The least that a relay on asyncio can be: two protocols, no HTTP: `python -m bench.proxy_raw TARGET_PORT`.

Prints its port.
"""

from __future__ import annotations

import asyncio
import sys


class Front(asyncio.Protocol):
    def __init__(self, target: int) -> None:
        self._target = target
        self._held = b""
        self.back: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        loop = asyncio.get_running_loop()
        self._task = loop.create_task(loop.create_connection(lambda: Back(self), "127.0.0.1", self._target))

    def connected(self, back: asyncio.Transport) -> None:
        self.back = back
        back.write(self._held)
        if self.transport.is_closing():
            back.abort()

    def data_received(self, data: bytes) -> None:
        if self.back is None:
            self._held += data
        else:
            self.back.write(data)

    def connection_lost(self, _error: Exception | None) -> None:
        if self.back is not None:
            self.back.abort()

    def pause_writing(self) -> None:
        if self.back is not None:
            self.back.pause_reading()

    def resume_writing(self) -> None:
        if self.back is not None:
            self.back.resume_reading()


class Back(asyncio.Protocol):
    def __init__(self, front: Front) -> None:
        self._front = front

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._front.connected(transport)

    def data_received(self, data: bytes) -> None:
        self._front.transport.write(data)

    def connection_lost(self, _error: Exception | None) -> None:
        self._front.transport.close()

    def pause_writing(self) -> None:
        self._front.transport.pause_reading()

    def resume_writing(self) -> None:
        self._front.transport.resume_reading()


async def _main() -> None:
    target = int(sys.argv[1])
    server = await asyncio.get_running_loop().create_server(
        lambda: Front(target), "127.0.0.1", 0, backlog=1024
    )
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(_main())
