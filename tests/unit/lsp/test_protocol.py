"""What pygls would keep of the messages of a long day, and say at its end."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

import pytest
from lsprotocol import types
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


async def test_a_handler_that_the_end_cancels_leaves_no_traceback(caplog: pytest.LogCaptureFixture) -> None:
    server, begun = Server(), asyncio.Event()

    async def initialized(_: types.InitializedParams) -> None:
        begun.set()
        await asyncio.sleep(600)

    server.answer(types.INITIALIZED, initialized)
    message: Any = types.InitializedNotification(types.InitializedParams())
    with caplog.at_level(logging.ERROR):
        server.protocol.handle_message(message)
        await begun.wait()
        for task in asyncio.all_tasks() - {asyncio.current_task()}:
            task.cancel()
        async with asyncio.timeout(10):
            while server.protocol._request_futures:
                await asyncio.sleep(0)
    assert caplog.records == []
