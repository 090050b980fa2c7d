"""The agent in an editor when two things happen at once: requests that meet, or are taken back meanwhile."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from lsprotocol import types
from pygls.exceptions import JsonRpcException

from tests.editors.test_lsp_agent import APPEND, CREATE, SLOW, at_work
from tests.lsp_client import Editor

pytestmark = [pytest.mark.asyncio, pytest.mark.slow]
FILES = 500
MANY = f"Run seq {FILES} | xargs touch and tell me what it prints."


def records(home: Path, session: str) -> list[dict[str, Any]]:
    """Of its transcript, as it is on disk."""
    (transcript,) = home.rglob(f"{session}/transcript.jsonl")
    return [json.loads(line) for line in transcript.read_text().splitlines()]


class Held:
    """What a client writes, kept back so that it arrives in one piece."""

    def __init__(self) -> None:
        self.data = b""

    def write(self, data: bytes) -> None:
        self.data += data

    def close(self) -> None:
        """Nothing is held open."""


async def taken_back_at_once(it: Editor, method: str, params: dict[str, Any]) -> None:
    """A request that is taken back before it can have an answer."""
    protocol, held = it.client.protocol, Held()
    writer, protocol.writer = protocol.writer, held
    sent = protocol.send_request(method, params, msg_id="taken back")
    protocol.notify(types.CANCEL_REQUEST, types.CancelParams(id="taken back"))
    protocol.writer = writer
    assert writer is not None
    writer.write(held.data)
    with pytest.raises(JsonRpcException):
        await asyncio.wrap_future(sent)


async def test_of_two_starts_at_once_one_is_refused(tmp_path: Path, engine_url: str) -> None:
    async with at_work(tmp_path, engine_url) as (it, watch, _):
        asked = [it.ask("ds4/agent/start", {"task": SLOW}) for _ in range(2)]
        answers = await asyncio.gather(*asked, return_exceptions=True)
        (refused,) = (answer for answer in answers if isinstance(answer, JsonRpcException))
        (session,) = (answer["session"] for answer in answers if isinstance(answer, dict))
        assert f"session {session} is at work in" in refused.message
        await it.ask("ds4/agent/interrupt", {"session": session})
        await watch.ended(session)


async def test_a_session_can_be_taken_up_when_taking_it_up_was_taken_back(
    tmp_path: Path, engine_url: str
) -> None:
    async with at_work(tmp_path, engine_url) as (it, watch, project):
        session = (await it.ask("ds4/agent/start", {"task": CREATE}))["session"]
        await watch.ended(session)
        await taken_back_at_once(it, "ds4/agent/resume", {"session": session, "task": "hello"})
        await it.ask("ds4/agent/resume", {"session": session, "task": APPEND})
        assert (await watch.ended(session, 2))["status"] == "completed"
        assert (project / "CHANGES.md").read_text().endswith("- faster start\n")


async def test_putting_back_that_is_taken_back_is_told_to_the_model(tmp_path: Path, engine_url: str) -> None:
    """What has begun is brought to its end, and the session is locked until then."""
    async with at_work(tmp_path, engine_url) as (it, watch, project):
        session = (await it.ask("ds4/agent/start", {"task": MANY}))["session"]
        await watch.ended(session)
        assert all((project / str(number)).exists() for number in range(1, FILES + 1))
        sent = it.client.protocol.send_request("ds4/agent/putback", {"session": session}, msg_id="a")
        while (project / "1").exists():
            await asyncio.sleep(0)
        it.tell(types.CANCEL_REQUEST, types.CancelParams(id="a"))
        await asyncio.wait([asyncio.wrap_future(sent)])
        async with asyncio.timeout(30):
            while records(tmp_path, session)[-1]["type"] != "put_back":
                await asyncio.sleep(0.02)
        assert len(records(tmp_path, session)[-1]["files"]) == FILES
        assert sorted(path.name for path in project.iterdir()) == [".git", "CHANGES.md", "README.md"]


async def test_a_client_that_does_not_wait_for_shutdown(tmp_path: Path, engine_url: str) -> None:
    """The process ends when what was at work has been interrupted, not before."""
    async with at_work(tmp_path, engine_url) as (it, watch, _):
        session = (await it.ask("ds4/agent/start", {"task": SLOW}))["session"]
        await watch.item(session, "item.started", "command_execution")
        server = it.client._server
        assert server is not None
        it.client.protocol.send_request(types.SHUTDOWN, None)
        it.tell(types.EXIT)
        assert await server.wait() == 0
    assert records(tmp_path, session)[-1]["status"] == "interrupted"
