"""Who leaves without being read, and the memory for what all of them send."""

from __future__ import annotations

import asyncio
import select
import socket
from collections.abc import Callable

import pytest

from ds4agent.sidecar import connections
from ds4agent.sidecar.connections import Connections
from ds4agent.sidecar.ends import has_closed
from tests.sidecar_fixtures import reset

LEAVE: dict[str, Callable[[socket.socket], None]] = {
    "close": socket.socket.close,
    "reset": reset,
    "half": lambda sock: sock.shutdown(socket.SHUT_WR),
}


def pair(family: int = socket.AF_INET) -> tuple[socket.socket, socket.socket]:
    """Two ends of a connection, client and server."""
    with socket.create_server(("127.0.0.1" if family == socket.AF_INET else "::1", 0), family=family) as one:
        client = socket.create_connection(one.getsockname()[:2])
        server, _ = one.accept()
    return client, server


def choke(client: socket.socket) -> None:
    """Send until neither kernel takes more."""
    while select.select([], [client], [], 0.3)[1]:
        client.send(bytes(1 << 20), socket.MSG_DONTWAIT)


@pytest.mark.parametrize("how", sorted(LEAVE))
@pytest.mark.parametrize("said", [b"", b"x" * 9000])
def test_an_end_that_came_is_told_once_although_nobody_reads(
    monkeypatch: pytest.MonkeyPatch, how: str, said: bytes
) -> None:
    monkeypatch.setattr(connections, "ASK_SECONDS", 1e9)

    async def act() -> None:
        shared, (client, server) = Connections(asyncio.get_running_loop()), pair()
        other, stays = pair()
        gone: asyncio.Queue[str] = asyncio.Queue()
        shared.watch(server, lambda: gone.put_nowait("server"))
        shared.watch(stays, lambda: gone.put_nowait("stays"))
        for sock in (client, other):
            sock.sendall(said)
        LEAVE[how](client)
        async with asyncio.timeout(30):
            assert await gone.get() == "server"
        shared.unwatch(server)  # more than once does no harm
        shared.unwatch(stays)
        other.close()
        for _ in range(5):
            await asyncio.sleep(0)
        assert gone.empty()
        for sock in (client, server, stays):
            sock.close()

    asyncio.run(act())


@pytest.mark.parametrize("family", [socket.AF_INET, socket.AF_INET6])
@pytest.mark.parametrize("how", sorted(LEAVE))
def test_an_end_that_cannot_come_is_asked_after(family: int, how: str) -> None:
    async def act() -> None:
        shared, (client, server) = Connections(asyncio.get_running_loop()), pair(family)
        choke(client)
        assert not has_closed(server)
        gone: asyncio.Queue[None] = asyncio.Queue()
        shared.watch(server, lambda: gone.put_nowait(None))
        LEAVE[how](client)
        async with asyncio.timeout(30):
            await gone.get()
        client.close()
        server.close()

    asyncio.run(act())


def test_what_cannot_be_asked_after_has_not_closed() -> None:
    client, server = pair()
    assert not has_closed(server)
    client.close()
    assert has_closed(server)
    server.close()
    assert not has_closed(server)
    one, other = socket.socketpair()
    other.close()
    assert not has_closed(one)
    one.close()


def test_bodies_share_a_bound() -> None:
    async def act() -> None:
        shared, most = Connections(asyncio.get_running_loop()), connections.HELD_BODIES
        assert shared.hold(0, most - 10)
        assert not shared.hold(0, 11)
        assert shared.hold(0, 10)
        assert not shared.hold(10, 11)
        assert shared.hold(most - 10, 0)
        assert shared.hold(10, most)

    asyncio.run(act())
