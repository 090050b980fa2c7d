"""What pygls would keep of the messages of a long day."""

from __future__ import annotations

import asyncio

import pytest
from pygls.protocol import JsonRPCNotification

from ds4agent.lsp.messages import Nothing
from ds4agent.lsp.protocol import Server

pytestmark = pytest.mark.asyncio


async def test_nothing_is_kept_of_notifications_that_are_over() -> None:
    server, taken = Server(), []

    async def take(_: Nothing) -> None:
        taken.append(1)

    server.on("ds4/cursor", Nothing, take)
    for _ in range(100):
        server.protocol.handle_message(JsonRPCNotification(method="ds4/cursor", jsonrpc="2.0", params={}))
    assert len(server.protocol._request_futures) == 100
    while server.protocol._request_futures:
        await asyncio.sleep(0)
    assert len(taken) == 100
