"""Engines that are dead, die, hang or talk nonsense: one clear message, nothing lost, on with the next."""

from __future__ import annotations

import asyncio
import json
import os
import select
import signal
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from lsprotocol import types
from pygls.exceptions import JsonRpcException

from tests.engine_fixtures import reciting_engine, write_reciting_model
from tests.lsp_client import Editor, editor

pytestmark = pytest.mark.asyncio

URI = "file:///w/a.py"
TEXT = "def f(a):\n    return a\n"
RANGE = {"start": {"line": 1, "character": 0}, "end": {"line": 1, "character": 0}}
EDIT = {"textDocument": {"uri": URI}, "range": RANGE, "instruction": "x"}
MODELS = json.dumps({"data": [{"id": "m", "owned_by": "x", "context_length": 4096}]})
Behaviour = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def answering(behave: Behaviour) -> AsyncIterator[str]:
    """What passes for an engine until it is asked something."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = await reader.readuntil(b"\r\n\r\n")
            if head.startswith(b"GET"):
                writer.write(f"HTTP/1.1 200 OK\r\nContent-Length: {len(MODELS)}\r\n\r\n{MODELS}".encode())
            else:
                await behave(reader, writer)
            await writer.drain()
        except (OSError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"


def streamed(*records: str) -> bytes:
    head = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n"
    return (head + "".join(f"data: {record}\n\n" for record in records)).encode()


def piece(text: str) -> str:
    return json.dumps({"choices": [{"delta": {"content": text}}]})


def saying(data: bytes) -> Behaviour:
    async def behave(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(data)

    return behave


NONSENSE = {
    "silence": (b"", "closed the connection without an answer"),
    "garbage": (b"\x00\xff nonsense\r\n\r\n", "does not speak HTTP"),
    "html": (b"HTTP/1.1 200 OK\r\nContent-Length: 12\r\n\r\n<html></html", "broke off in the middle"),
    "refusal": (b"HTTP/1.1 400 Bad Request\r\nContent-Length: 2\r\n\r\nno", "refused the request"),
    "failure": (b"HTTP/1.1 500 Oh\r\nContent-Length: 2\r\n\r\nno", "the engine failed"),
    "record": (streamed("[1, 2"), "not a chat chunk"),
    "error": (streamed(json.dumps({"error": {"message": "out of memory"}})), "out of memory"),
    "half": (streamed(piece("Half a")), "broke off in the middle"),
}
# After these it is looked for anew; the others are an engine that is there.
LOST = {"silence", "html", "half"}


@pytest.mark.parametrize("kind", NONSENSE)
async def test_an_engine_that_talks_nonsense(tmp_path: Path, kind: str) -> None:
    data, why = NONSENSE[kind]
    async with answering(saying(data)) as url, editor(tmp_path, "--engine", url) as it:
        it.open(URI, TEXT)
        for method, params in (("ds4/chat/send", {"text": "Hello"}), ("ds4/edit", EDIT)):
            with pytest.raises(JsonRpcException, match=why) as caught:
                await it.ask(method, params)
            assert caught.value.code == -32803
        # The question is not lost, nor what had arrived of a reply.
        (listed,) = await it.ask("ds4/chat/list", {})
        (turn,) = (await it.ask("ds4/chat/get", {"conversation": listed["conversation"]}))["turns"]
        reply = "Half a" if kind == "half" else ""
        assert (turn["text"], turn["status"], turn["reply"]) == ("Hello", "failed", reply)
        assert (await it.ask("ds4/status/get", {}))["phase"] == ("lost" if kind in LOST else "idle")
        assert [p for m, p in it.said if m == types.WINDOW_SHOW_MESSAGE] == []


async def test_an_engine_that_hangs_is_left_at_once_when_the_user_has_enough(tmp_path: Path) -> None:
    asked, left = asyncio.Event(), asyncio.Event()

    async def hang(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.set()
        with suppress(OSError):
            await reader.read()  # ends with the connection
        left.set()

    async with answering(hang) as url, editor(tmp_path, "--engine", url) as it:
        it.open(URI, TEXT)
        for method, params in (("ds4/chat/send", {"text": "Hello"}), ("ds4/edit", EDIT)):
            sent = asyncio.wrap_future(it.client.protocol.send_request(method, params, msg_id=method))
            await asked.wait()
            # Everything else is answered meanwhile.
            assert (await it.ask("ds4/status/get", {}))["phase"] == "prefill"
            it.client.protocol.notify(types.CANCEL_REQUEST, types.CancelParams(id=method))
            await left.wait()
            if method == "ds4/edit":
                with pytest.raises(JsonRpcException, match="is canceled"):
                    await sent
            else:
                assert (await sent)["status"] == "cancelled"
            asked.clear()
            left.clear()


async def test_a_bar_that_is_cancelled_again_and_again_keeps_the_turn(tmp_path: Path) -> None:
    """Also while what had arrived is written to the disk."""

    async def hang(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            await reader.read()

    async with answering(hang) as url, editor(tmp_path, "--engine", url) as it:
        sent = asyncio.ensure_future(it.ask("ds4/chat/send", {"text": "Hello"}))
        bars: dict[Any, list[Any]] = it.client.progress_reports
        async with asyncio.timeout(30):
            while not any(bars.values()):
                await asyncio.sleep(0.01)
        for _ in range(50):
            it.client.window_work_done_progress_cancel(
                types.WorkDoneProgressCancelParams(token=next(iter(bars)))
            )
        answer = await sent
        assert answer["status"] == "cancelled"
        (turn,) = (await it.ask("ds4/chat/get", {"conversation": answer["conversation"]}))["turns"]
        assert turn["status"] == "cancelled"


async def test_no_engine_at_all(tmp_path: Path) -> None:
    async with editor(tmp_path, "--engine", "http://127.0.0.1:9") as it:
        it.open(URI, TEXT)
        for method, params in (("ds4/chat/send", {"text": "Hello"}), ("ds4/edit", EDIT)):
            with pytest.raises(JsonRpcException, match=r"no engine answers at http://127\.0\.0\.1:9"):
                await it.ask(method, params)


async def test_an_engine_of_our_own_is_started_again_after_it_was_killed(tmp_path: Path) -> None:
    model = tmp_path / "model.gguf"
    write_reciting_model(model, [], ["Once", " more."])
    async with editor(tmp_path, "--model", str(model), env={"DS4_LOCK_FILE": str(tmp_path / "lock")}) as it:
        first = await it.ask("ds4/chat/send", {"text": "Hello"})
        assert first["text"] == "Once more."
        (engine,) = children(it)
        kill(engine)
        name = {"conversation": first["conversation"]}
        again = await it.ask("ds4/chat/send", {"text": "Again", **name})
        assert (again["text"], again["turn"]) == ("Once more.", 2)


def kill(pid: int) -> None:
    """Until nothing of it is left to connect to."""
    descriptor = os.pidfd_open(pid)
    os.kill(pid, signal.SIGKILL)
    ended, _, _ = select.select([descriptor], [], [], 30)
    os.close(descriptor)
    assert ended


def children(it: Editor) -> list[int]:
    """The process of the engine that the server has started."""
    server = it.client._server
    assert server is not None
    tasks = Path(f"/proc/{server.pid}/task").iterdir()
    return [int(pid) for task in tasks for pid in (task / "children").read_text().split()]


async def test_an_engine_that_dies_in_the_middle(tmp_path: Path) -> None:
    answer = [f"word{n} " for n in range(20_000)]
    (tmp_path / "engine").mkdir()
    with reciting_engine(tmp_path / "engine", [], answer) as engine:
        async with editor(tmp_path, "--engine", f"http://127.0.0.1:{engine.port}") as it:
            sent = asyncio.ensure_future(it.ask("ds4/chat/send", {"text": "Talk"}))
            await it.until(lambda said: any(m == "ds4/chat/delta" for m, _ in said))
            engine.process.kill()
            with pytest.raises(JsonRpcException, match="broke"):
                await sent
            (listed,) = await it.ask("ds4/chat/list", {})
            (turn,) = (await it.ask("ds4/chat/get", {"conversation": listed["conversation"]}))["turns"]
            assert turn["status"] == "failed"
            assert turn["reply"].startswith("word0 ")
