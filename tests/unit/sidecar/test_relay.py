"""What the relay does by the clock, with real sockets and a clock that the test moves."""

from __future__ import annotations

import asyncio
import os
import resource
import socket
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from ds4agent.sidecar import incoming, relay
from ds4agent.sidecar.connections import Connections
from ds4agent.sidecar.head import Head
from ds4agent.sidecar.listener import Listener
from ds4agent.sidecar.relay import Front
from ds4agent.sidecar.stream import Stream, numeric
from tests.unit.sidecar.movable import MovableLoop

HEAD = b"POST /v1/messages HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10\r\n\r\n"


class Handler:
    def __init__(self) -> None:
        self.seen: list[str] = []

    def begin(self, front: Front, head: Head) -> None:
        self.seen.append("begin")

    def ready(self, front: Front, head: Head) -> None:
        self.seen.append("ready")

    def responded(self, front: Front, data: bytes) -> None:
        pass

    def unreached(self, front: Front, error: OSError) -> None:
        pass

    def left(self, front: Front, answered: bool) -> None:
        pass

    def ended(self, front: Front) -> None:
        self.seen.append("ended")


class Talk:
    """A client of a relay that has no engine."""

    def __init__(self, loop: MovableLoop) -> None:
        self.loop, self.handler = loop, Handler()
        self.connections = Connections(loop)
        self.client, self._server = socket.socketpair()
        for sock in (self.client, self._server):
            sock.setblocking(False)
        self.front = Front(self.handler, self.connections, self._server)

    async def say(self, data: bytes) -> None:
        self.client.send(data)
        await self.loop.move(0)

    async def hear(self) -> bytes:
        return await self.loop.sock_recv(self.client, 1 << 16)


def run(act: Callable[[Talk], Coroutine[Any, Any, None]]) -> None:
    with asyncio.Runner(loop_factory=MovableLoop) as runner:
        loop = runner.get_loop()
        assert isinstance(loop, MovableLoop)

        async def main() -> None:
            talk = Talk(loop)
            await act(talk)
            talk.client.close()

        runner.run(main())


@pytest.mark.parametrize("said", [b"", b"P", HEAD[:-1]])
def test_a_head_that_does_not_come(said: bytes) -> None:
    """However it drips: the time is for all of it."""

    async def act(talk: Talk) -> None:
        for byte in said[:3]:
            await talk.say(bytes([byte]))
            await talk.loop.move(incoming.HEAD_SECONDS / 4)
        await talk.say(said[3:])
        await talk.loop.move(incoming.HEAD_SECONDS)
        assert (await talk.hear()).startswith(b"HTTP/1.1 408 ")
        assert talk.handler.seen == ["ended"]
        assert not talk.connections

    run(act)


def test_a_body_that_does_not_come() -> None:
    async def act(talk: Talk) -> None:
        await talk.say(HEAD)
        for _ in range(9):
            await talk.say(b"x")
            await talk.loop.move(incoming.BODY_SECONDS / 9 - 0.1)
        assert talk.handler.seen == ["begin"]
        await talk.loop.move(2)
        assert (await talk.hear()).startswith(b"HTTP/1.1 408 ")
        assert talk.handler.seen == ["begin", "ended"]

    run(act)


def test_one_that_is_here_has_all_the_time() -> None:
    async def act(talk: Talk) -> None:
        await talk.say(HEAD + b"0123456789")
        await talk.loop.move(1e6)
        assert talk.handler.seen == ["begin", "ready"]
        assert not talk.front.over

    run(act)


def test_what_is_refused_may_be_read_while_the_client_sends() -> None:
    async def act(talk: Talk) -> None:
        await talk.say(HEAD + b"01234")
        talk.front.refuse(429, "too many")
        await talk.say(b"56")
        assert (await talk.hear()).startswith(b"HTTP/1.1 429 ")
        assert await talk.hear() == b""
        await talk.say(b"789")
        await talk.loop.move(relay.LINGER_SECONDS + 0.1)
        with pytest.raises(BrokenPipeError):
            talk.client.send(b"more")

    run(act)


def test_a_held_body_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(incoming, "HELD_BODY", 1000)

    async def act(talk: Talk) -> None:
        await talk.say(HEAD.replace(b"10", b"9999") + b"x" * 900)
        assert talk.handler.seen == ["begin"]
        await talk.say(b"x" * 200)
        assert talk.handler.seen == ["begin", "ready"]
        await talk.say(b"x" * 500)
        await talk.loop.move(1e6)
        assert talk.handler.seen == ["begin", "ready"]

    run(act)


def test_a_stream_that_is_over_does_nothing_any_more() -> None:
    async def act(talk: Talk) -> None:
        one, other = socket.socketpair()
        one.setblocking(False)
        seen: list[object] = []
        stream = Stream(talk.loop, one, seen.append, seen.append)
        stream.start()
        stream.abort()
        stream.abort()
        stream.close()
        stream.write(b"x")
        stream.pause()
        stream.resume()
        await talk.loop.move(0)
        assert other.recv(1) == b""
        assert not seen
        other.close()

    run(act)


def test_no_descriptors_left_is_waited_out() -> None:
    async def act(talk: Talk) -> None:
        listening = socket.create_server(("127.0.0.1", 0))
        came: list[socket.socket] = []
        listener = Listener(talk.loop, listening, came.append, 10)
        client = socket.create_connection(listening.getsockname())
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (len(os.listdir("/dev/fd")), hard))  # noqa: PTH208
        taken = []
        try:
            while True:
                try:
                    taken.append(os.dup(0))
                except OSError:
                    break
            await talk.loop.move(0)
            assert not came
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
            for fd in taken:
                os.close(fd)
        await talk.loop.move(0.9)
        assert not came
        await talk.loop.move(0.2)
        assert len(came) == 1
        listener.close()
        listener.close()
        for sock in (client, *came):
            sock.close()

    run(act)


def test_hosts_as_numbers() -> None:
    assert [numeric(host) for host in ("localhost", "127.0.0.1", "[::1]")] == [
        "127.0.0.1",
        "127.0.0.1",
        "::1",
    ]
