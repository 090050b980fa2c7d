"""Conversations: streamed, taken back, kept, gone on with and forked, with the real engine."""

from __future__ import annotations

import asyncio
import json
import stat
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path
from typing import Any

import pytest
from lsprotocol import types
from pygls.exceptions import JsonRpcException, JsonRpcInvalidParams

from tests.engine_fixtures import EngineProcess, reciting_engine
from tests.lsp_client import Editor, editor

pytestmark = pytest.mark.asyncio

THOUGHTS = ["They", " greet", " me: é日🙂."]
ANSWER = ["Use this:\n\n", "```python\n", "def f(a):\n", "    return -a\n", "```\n", "\n~~~\nas it is\n~~~\n"]
TEXT = "import os\n\n\ndef f(a):\n    return a\n"
# Tokens between the points that an engine can go back to.
STEP = 64
# So long that a test is through before it ends.
LONG = [f"word{n} " for n in range(30_000)]


@pytest.fixture(scope="module")
def reciter(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EngineProcess]:
    with reciting_engine(tmp_path_factory.mktemp("reciter"), THOUGHTS, ANSWER) as engine:
        yield engine


@pytest.fixture(scope="module")
def talker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EngineProcess]:
    with reciting_engine(tmp_path_factory.mktemp("talker"), ["Hm", "mm."], LONG) as engine:
        yield engine


def at(engine: EngineProcess) -> tuple[str, str]:
    return "--engine", f"http://127.0.0.1:{engine.port}"


def deltas(said: list[tuple[str, Any]], **wanted: object) -> list[dict[str, Any]]:
    found = [params for method, params in said if method == "ds4/chat/delta"]
    return [delta for delta in found if all(delta.get(k) == v for k, v in wanted.items())]


def lines(start: int, end: int) -> dict[str, Any]:
    return {"start": {"line": start, "character": 0}, "end": {"line": end, "character": 0}}


async def test_a_reply_is_streamed_and_reasoning_is_apart(tmp_path: Path, reciter: EngineProcess) -> None:
    async with editor(tmp_path, *at(reciter)) as it:
        answer = await it.ask("ds4/chat/send", {"text": "Hello!\nHow?", "token": "mine"})
        mine = deltas(it.said, conversation=answer["conversation"], turn=1, token="mine")
        assert mine == deltas(it.said)
        for kind, written in ("reasoning", THOUGHTS), ("text", ANSWER):
            pieces = [d["text"] for d in mine if d["kind"] == kind]
            # The first waits for none that follows; how many of these come together is a matter of time.
            assert pieces[0] == written[0]
            assert "".join(pieces) == "".join(written)
        assert (answer["turn"], answer["status"], answer["text"]) == (1, "completed", "".join(ANSWER))
        assert answer["blocks"] == [
            {"block": 0, "language": "python", "text": "def f(a):\n    return -a\n"},
            {"block": 1, "language": "", "text": "as it is\n"},
        ]
        assert answer["usage"]["completionTokens"] == len(THOUGHTS) + len(ANSWER) + 1
        phases = [phase for phase, _ in groupby(p["phase"] for m, p in it.said if m == "ds4/status")]
        assert phases == ["loading", "prefill", "decode", "idle"]


async def test_ten_turns_read_every_token_once(tmp_path: Path, reciter: EngineProcess) -> None:
    async with editor(tmp_path, *at(reciter)) as it:
        uri = it.open("file:///w/a.py", TEXT)
        context = [{"kind": "file", "uri": uri}]
        name, expected = None, 0
        for turn in range(1, 11):
            text = {"text": f"question {turn}", "context": context}
            answer = await it.ask("ds4/chat/send", text | ({"conversation": name} if name else {}))
            name, usage = answer["conversation"], answer["usage"]
            assert answer["turn"] == turn
            assert usage["rereadTokens"] == 0
            assert "cause" not in usage
            if turn > 1:
                # All that was read and said is there; only the new question is read.
                assert usage["cachedTokens"] == expected
                assert usage["promptTokens"] - usage["cachedTokens"] < 120
            expected = usage["promptTokens"] + usage["completionTokens"]
        status = await it.ask("ds4/status/get", {})
        assert (status["phase"], status["cachedTokens"], status["rereadTokens"]) == (
            "idle",
            usage["cachedTokens"],
            0,
        )


async def test_a_conversation_survives_the_server(tmp_path: Path, reciter: EngineProcess) -> None:
    async with editor(tmp_path, *at(reciter)) as it:
        first = await it.ask("ds4/chat/send", {"text": "\n  One?  \nmore"})
        other = await it.ask("ds4/chat/send", {"text": "Other"})
    async with editor(tmp_path, *at(reciter)) as it:
        listed = await it.ask("ds4/chat/list", {})
        assert [(c["conversation"], c["title"], c["turns"]) for c in listed] == [
            (other["conversation"], "Other", 1),
            (first["conversation"], "One?", 1),
        ]
        assert listed[0]["updated"] >= listed[1]["updated"] > 1.7e9
        second = await it.ask("ds4/chat/send", {"text": "Two", "conversation": first["conversation"]})
        assert second["usage"]["rereadTokens"] == 0
        got = await it.ask("ds4/chat/get", {"conversation": first["conversation"]})
        assert [(t["turn"], t["text"], t["status"]) for t in got["turns"]] == [
            (1, "\n  One?  \nmore", "completed"),
            (2, "Two", "completed"),
        ]
        assert {t["reply"] for t in got["turns"]} == {"".join(ANSWER)}
        assert {t["reasoning"] for t in got["turns"]} == {"".join(THOUGHTS)}
        assert got["turns"][0]["blocks"] == first["blocks"]
        assert await it.ask("ds4/chat/delete", {"conversation": other["conversation"]}) == {}
        assert [c["title"] for c in await it.ask("ds4/chat/list", {})] == ["One?"]
        with pytest.raises(JsonRpcException, match="there is no conversation"):
            await it.ask("ds4/chat/get", {"conversation": other["conversation"]})


async def test_what_is_kept_is_private_and_whole_messages(tmp_path: Path, reciter: EngineProcess) -> None:
    async with editor(tmp_path, *at(reciter)) as it:
        await it.ask("ds4/chat/send", {"text": "Hello"})
    chats = tmp_path / ".local/share/ds4agent/chats"
    (file,) = chats.glob("*/transcript.jsonl")
    for folder in (chats, file.parent):
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    records = [json.loads(line) for line in file.read_text().splitlines()]
    assert [r["type"] for r in records] == ["session", "messages", "messages", "turn"]
    assert records[2]["raw"][0]["reasoning_content"] == "".join(THOUGHTS)


async def test_a_torn_record_loses_one_turn_at_most(tmp_path: Path, reciter: EngineProcess) -> None:
    async with editor(tmp_path, *at(reciter)) as it:
        first = await it.ask("ds4/chat/send", {"text": "Hello"})
        name = {"conversation": first["conversation"]}
        await it.ask("ds4/chat/send", {"text": "Again", **name})
        (file,) = (tmp_path / ".local/share/ds4agent/chats").glob("*/transcript.jsonl")
        whole = file.read_bytes()
        # As after a kill in the middle of writing the second reply.
        file.write_bytes(whole[: whole.rindex(b'"role":"assistant"') + 40])
        got = await it.ask("ds4/chat/get", name)
        assert [(t["text"], t["status"], t["reply"] != "") for t in got["turns"]] == [
            ("Hello", "completed", True),
            ("Again", "failed", False),
        ]
        third = await it.ask("ds4/chat/send", {"text": "And now?", **name})
        # What was not answered is not sent again: the engine goes back to its first answer, or near it.
        assert third["turn"] == 3
        known = first["usage"]["promptTokens"] + first["usage"]["completionTokens"]
        assert third["usage"]["cachedTokens"] > known - STEP
        assert third["usage"]["rereadTokens"] < STEP


async def test_resending_a_turn_makes_a_copy(tmp_path: Path, reciter: EngineProcess) -> None:
    async with editor(tmp_path, *at(reciter)) as it:
        first = await it.ask("ds4/chat/send", {"text": "One"})
        name = first["conversation"]
        for text in ("Two", "Three"):
            await it.ask("ds4/chat/send", {"text": text, "conversation": name})
        fork = await it.ask("ds4/chat/send", {"text": "Zwei", "conversation": name, "replaces": 2})
        assert fork["conversation"] != name
        assert fork["turn"] == 2
        assert fork["usage"]["cachedTokens"] > 0
        texts = {}
        for which in (name, fork["conversation"]):
            got = await it.ask("ds4/chat/get", {"conversation": which})
            texts[which] = [t["text"] for t in got["turns"]]
            assert got["title"] == "One"
        assert texts == {name: ["One", "Two", "Three"], fork["conversation"]: ["One", "Zwei"]}
        anew = await it.ask("ds4/chat/send", {"text": "Un", "conversation": name, "replaces": 1})
        assert (await it.ask("ds4/chat/get", {"conversation": anew["conversation"]}))["title"] == "Un"
        with pytest.raises(JsonRpcException, match="has no turn 9"):
            await it.ask("ds4/chat/send", {"text": "x", "conversation": name, "replaces": 9})


async def begun(it: Editor, **params: Any) -> asyncio.Future[Any]:
    """A request whose reply has begun to arrive; its token is its id."""
    token = params["token"]
    sent = it.client.protocol.send_request("ds4/chat/send", params, msg_id=token)
    await it.until(lambda said: deltas(said, token=token, kind="text"))
    return asyncio.wrap_future(sent)


def take_back(it: Editor, token: str) -> None:
    it.client.protocol.notify(types.CANCEL_REQUEST, types.CancelParams(id=token))


async def test_taking_back_keeps_what_had_arrived(tmp_path: Path, talker: EngineProcess) -> None:
    async with editor(tmp_path, *at(talker)) as it:
        request = await begun(it, text="Talk!", token="a")
        take_back(it, "a")
        answer = await request
        assert answer["status"] == "cancelled"
        arrived = "".join(d["text"] for d in deltas(it.said, kind="text"))
        assert answer["text"] == arrived
        assert "".join(LONG).startswith(arrived)
        got = await it.ask("ds4/chat/get", {"conversation": answer["conversation"]})
        assert [(t["reply"], t["status"]) for t in got["turns"]] == [(arrived, "cancelled")]
        # The engine is free: another reply begins, and it goes on from what had arrived.
        request = await begun(it, text="More!", conversation=answer["conversation"], token="b")
        take_back(it, "b")
        assert (await request)["turn"] == 2


async def test_conversations_at_the_same_time(tmp_path: Path, talker: EngineProcess) -> None:
    async with editor(tmp_path, *at(talker)) as it:
        one = await begun(it, text="One", token="one")
        two = await begun(it, text="Two", token="two")
        await it.until(lambda said: min(len(deltas(said, token=t)) for t in ("one", "two")) > 30)
        names = [deltas(it.said, token=token)[0]["conversation"] for token in ("one", "two")]
        assert names[0] != names[1]
        for request, token, name in ((one, "one", names[0]), (two, "two", names[1])):
            take_back(it, token)
            answer = await request
            assert (answer["conversation"], answer["status"]) == (name, "cancelled")
            arrived = deltas(it.said, conversation=name, kind="text")
            assert answer["text"] == "".join(d["text"] for d in arrived)


async def test_one_turn_at_a_time_also_between_servers(tmp_path: Path, talker: EngineProcess) -> None:
    async with editor(tmp_path, *at(talker)) as it, editor(tmp_path, *at(talker)) as other:
        request = await begun(it, text="Talk!", token="a")
        name = deltas(it.said)[0]["conversation"]
        for server in (it, other):
            with pytest.raises(JsonRpcException, match="is being answered already"):
                await server.ask("ds4/chat/send", {"text": "Me too", "conversation": name})
            with pytest.raises(JsonRpcException, match="is being answered already"):
                await server.ask("ds4/chat/delete", {"conversation": name})
            got = await server.ask("ds4/chat/get", {"conversation": name})
            assert [t["status"] for t in got["turns"]] == ["running"]
            assert [c["turns"] for c in await server.ask("ds4/chat/list", {})] == [1]
        take_back(it, "a")
        await request
        request = await begun(other, text="Now me", conversation=name, token="b")
        take_back(other, "b")
        assert (await request)["turn"] == 2
        assert len((await it.ask("ds4/chat/get", {"conversation": name}))["turns"]) == 2


async def test_the_servers_end_keeps_what_had_arrived(tmp_path: Path, talker: EngineProcess) -> None:
    async with editor(tmp_path, *at(talker)) as it:
        request = await begun(it, text="Talk!", token="a")
        name = deltas(it.said)[0]["conversation"]
    await asyncio.gather(request, return_exceptions=True)
    async with editor(tmp_path, *at(talker)) as it:
        (turn,) = (await it.ask("ds4/chat/get", {"conversation": name}))["turns"]
        assert turn["status"] == "cancelled"
        assert turn["reply"].startswith("word0 ")


async def test_a_reply_of_the_bundled_model(tmp_path: Path, engine_url: str) -> None:
    async with editor(tmp_path, "--engine", engine_url, env={"DS4AGENT_LSP_THINKING": "false"}) as it:
        request = await begun(it, text="Hello!", token="a")
        take_back(it, "a")
        answer = await request
        assert answer["text"] == "".join(d["text"] for d in deltas(it.said, kind="text"))
        assert not deltas(it.said, kind="reasoning")


CONTEXTS: list[tuple[dict[str, Any], str]] = [
    ({"kind": "file"}, '<file path="a.py">\nimport os\n'),
    (
        {"kind": "selection", "range": lines(3, 5)},
        "Lines 4 to 5 of a.py:\n\n```python\ndef f(a):\n    return a\n```",
    ),
    (
        {"kind": "symbol", "range": lines(4, 4)},
        "Lines 4 to 5 of a.py:\n\n```python\ndef f(a):\n    return a\n```",
    ),
    (
        {
            "kind": "diagnostics",
            "diagnostics": [{"range": lines(0, 0), "severity": 2, "message": "not used"}],
        },
        "Reported in a.py:\n\n- line 1 (`import os`): warning: not used",
    ),
]


@pytest.mark.parametrize(("context", "shown"), CONTEXTS, ids=[c["kind"] for c, _ in CONTEXTS])
async def test_what_a_question_is_about(
    tmp_path: Path, reciter: EngineProcess, context: dict[str, Any], shown: str
) -> None:
    async with editor(tmp_path, *at(reciter), folders=(Path("/w"),)) as it:
        uri = it.open("file:///w/a.py", TEXT)
        about = [{"uri": uri, **context}]
        answer = await it.ask("ds4/chat/send", {"text": "What?", "context": about})
        name = {"conversation": answer["conversation"]}
        assert (await it.ask("ds4/chat/get", name))["turns"][0]["context"] == [
            {"diagnostics": [], **about[0]}
        ]
        await it.ask("ds4/chat/send", {"text": "And?", "context": about, **name})
        it.change(uri, (0, 0), (5, 0), "x = 1\ndef f(a):\n    return a\n\n\n")
    (file,) = (tmp_path / ".local/share/ds4agent/chats").glob("*/transcript.jsonl")
    asked = [json.loads(line) for line in file.read_text().splitlines()]
    first, second = (r["raw"][0]["content"] for r in asked if r.get("role") == "user")
    assert first.startswith(shown)
    assert first.endswith("\n\nWhat?")
    assert second == "a.py is as it was shown above.\n\nAnd?"


@pytest.mark.parametrize(
    ("params", "error", "why"),
    [
        ({}, JsonRpcInvalidParams, "params.text is missing"),
        ({"text": " "}, JsonRpcException, "there is no question"),
        ({"text": "x", "conversation": "../../x"}, JsonRpcException, "there is no conversation"),
        ({"text": "x", "replaces": 1}, JsonRpcException, "can only be replaced in a conversation"),
        ({"text": "x", "context": [{"kind": "y", "uri": "z"}]}, JsonRpcInvalidParams, "has to be one of"),
        (
            {"text": "x", "context": [{"kind": "file", "uri": "file:///no/a"}]},
            JsonRpcException,
            "not on disk either",
        ),
        ({"text": "x", "context": [{"kind": "file", "uri": "untitled:7"}]}, JsonRpcException, "is not open"),
        (
            {"text": "x", "context": [{"kind": "file", "uri": "file:///"}]},
            JsonRpcException,
            "cannot be read as text",
        ),
        (
            {"text": "x", "context": [{"kind": "selection", "uri": "file:///w/a.py"}]},
            JsonRpcInvalidParams,
            r"params.context\[0\].range is missing",
        ),
        (
            {"text": "x", "context": [{"kind": "symbol", "uri": "file:///w/a.py", "range": lines(0, 1)}]},
            JsonRpcException,
            "no function or class at line 1",
        ),
    ],
)
async def test_wrong_questions(
    tmp_path: Path, params: dict[str, Any], error: type[Exception], why: str
) -> None:
    async with editor(tmp_path, "--engine", "http://127.0.0.1:9") as it:
        it.open("file:///w/a.py", TEXT)
        with pytest.raises(error, match=why):
            await it.ask("ds4/chat/send", params)
        assert await it.ask("ds4/chat/list", {}) == []


async def test_a_range_beyond_the_document_is_what_there_is(tmp_path: Path, reciter: EngineProcess) -> None:
    async with editor(tmp_path, *at(reciter)) as it:
        uri = it.open("file:///w/a.py", TEXT)
        about = [{"kind": "selection", "uri": uri, "range": lines(-3, 2**40)}]
        assert (await it.ask("ds4/chat/send", {"text": "x", "context": about}))["status"] == "completed"


async def test_explaining_opens_a_conversation(tmp_path: Path, reciter: EngineProcess) -> None:
    async with editor(tmp_path, *at(reciter)) as it:
        uri = it.open("file:///w/a.py", TEXT)
        params = {"textDocument": {"uri": uri}, "range": lines(4, 4), "token": "t"}
        answer = await it.ask("ds4/explain", params)
        assert answer["text"] == "".join(d["text"] for d in deltas(it.said, token="t", kind="text"))
        command = types.ExecuteCommandParams("ds4.explain", [uri, lines(4, 4)])
        other = await it.ask(types.WORKSPACE_EXECUTE_COMMAND, command)
        assert other["text"] == answer["text"]
        assert other["usage"]["cachedTokens"] >= 64
        assert [c["title"] for c in await it.ask("ds4/chat/list", {})] == ["Explain a.py"] * 2
        more = await it.ask("ds4/chat/send", {"text": "And?", "conversation": other["conversation"]})
        assert more["usage"]["rereadTokens"] == 0


async def test_a_block_is_applied_by_name(tmp_path: Path, reciter: EngineProcess) -> None:
    async with editor(tmp_path, *at(reciter)) as it:
        uri = it.open("file:///w/a.py", TEXT)
        sent = await it.ask("ds4/chat/send", {"text": "Negate it"})
        where = {"conversation": sent["conversation"], "turn": 1, "textDocument": {"uri": uri}}
        answer = await it.ask("ds4/chat/apply", {**where, "block": 0})
        assert answer["applied"] is True
        (change,) = answer["edit"]["documentChanges"]
        assert change["textDocument"] == {"uri": uri, "version": 1}
        assert change["edits"] == [
            {"annotationId": "ds4agent", "range": lines(4, 5), "newText": "    return -a\n"}
        ]
        assert answer["edit"]["changeAnnotations"]["ds4agent"]["needsConfirmation"] is True
        assert it.edits[0].edit.document_changes
        for block, why in ((1, "nothing in a.py resembles this block"), (2, "there is no block 2")):
            with pytest.raises(JsonRpcException, match=why):
                await it.ask("ds4/chat/apply", {**where, "block": block})
        with pytest.raises(JsonRpcException, match="has changed meanwhile"):
            await it.ask("ds4/chat/apply", {**where, "block": 0, "textDocument": {"uri": uri, "version": 7}})
