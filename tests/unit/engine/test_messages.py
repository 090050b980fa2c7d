"""The Anthropic endpoint in front of a scripted model: what needs one exact moment."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ds4agent.engine import replies
from ds4agent.engine.binding import Ds4Error
from ds4agent.engine.job import Failed, Finished, Job
from ds4agent.wire import anthropic
from ds4agent.wire.dsml_render import render_block
from ds4agent.wire.errors import RequestError
from ds4agent.wire.message import ToolCall
from ds4agent.wire.reply import Reply
from tests.anthropic_stream import joined, records
from tests.engine_fixtures import exchange, request
from tests.unit.engine.engine_parts import Parts, engine_parts
from tests.unit.engine.test_server import fail_in_eval, serving

CALL = "look</think>" + render_block([ToolCall("", "bash", '{"command":"ls"}')])
TOOLS = [{"name": "bash", "input_schema": {"type": "object"}}]
ASK = {"role": "user", "content": "x" * 1500}


def job(parts: Parts, **fields: Any) -> Job:
    body = json.dumps({"messages": [ASK], "tools": TOOLS, **fields}).encode()
    return parts.job_of(anthropic.DIALECT, body)


def run(parts: Parts, waiting: Job) -> Reply:
    _, message = parts.last_message(waiting)
    assert isinstance(message, Finished)
    return message.reply


def answer(*call_ids: str) -> list[Any]:
    blocks = [{"type": "tool_result", "tool_use_id": call_id, "content": "ok"} for call_id in call_ids]
    return [{"role": "user", "content": blocks}]


def post(port: int, **fields: Any) -> tuple[str, bytes]:
    return exchange(port, request("POST", "/v1/messages", json.dumps(fields).encode()))


def test_a_session_that_moved_on_while_the_results_waited_is_a_conflict() -> None:
    with engine_parts(CALL, "</think>other") as parts:
        call_id = run(parts, job(parts)).calls[0].id
        late = job(parts, messages=answer(call_id))
        run(parts, job(parts, messages=[{"role": "user", "content": "something else"}]))
        _, message = parts.last_message(late)
    assert message == Failed(
        "Anthropic continuation state is not available; retry by replaying the full messages history", 409
    )


def test_a_result_that_does_not_belong_to_the_live_turn_is_a_conflict() -> None:
    """It is declared by a turn that is shown, so that only the session can tell."""
    with engine_parts(CALL) as parts:
        call_id = run(parts, job(parts)).calls[0].id
        shown = {"role": "assistant", "content": [{"type": "tool_use", "id": "toolu_0", "name": "bash"}]}
        _, message = parts.last_message(job(parts, messages=[shown, *answer(call_id, "toolu_0")]))
    assert isinstance(message, Failed)
    assert message.status == 409


def test_calls_are_live_until_the_next_turn() -> None:
    with engine_parts(CALL, "</think>done") as parts:
        call_id = run(parts, job(parts)).calls[0].id
        run(parts, job(parts, messages=answer(call_id)))
        with pytest.raises(RequestError, match=f"for tool_use_id {call_id};"):
            job(parts, messages=answer(call_id))


def test_results_alone_make_the_prompt_that_the_whole_history_makes() -> None:
    with engine_parts(CALL, "</think>done") as parts:
        first = run(parts, job(parts))
        call_id = first.calls[0].id
        blocks = [
            {"type": "thinking", "thinking": first.reasoning},
            {"type": "tool_use", "id": call_id, "name": "bash", "input": {"command": "ls"}},
        ]
        whole = job(parts, messages=[ASK, {"role": "assistant", "content": blocks}, *answer(call_id)])
        reply = run(parts, job(parts, messages=answer(call_id)))
        assert reply.usage.cached == first.usage.prompt + first.usage.completion
        assert parts.live.key == whole.prompt.key + b"</think>done"


def test_pings_while_a_long_prompt_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(replies, "KEEPALIVE_SECONDS", 0.0)
    with serving("r</think>a") as (_, port):
        head, body = post(port, messages=[ASK], stream=True)
    assert head.startswith("HTTP/1.1 200 OK")
    ping = b'event: ping\ndata: {"type":"ping"}\n\n'
    assert body.startswith(ping + b"event: message_start\n")
    assert [block["type"] for block in joined(records(body))["content"]] == ["thinking", "text"]


def test_a_prefill_that_fails_behind_the_head_is_an_error_event() -> None:
    with serving("</think>a") as (parts, port):
        fail_in_eval(parts, 2, Ds4Error("MEMORY", "no memory left"))
        _, body = post(port, messages=[ASK], stream=True)
    assert records(body) == [
        ("error", {"type": "error", "error": {"type": "api_error", "message": "no memory left"}})
    ]


@pytest.mark.parametrize("stream", [True, False])
def test_a_prefill_that_fails_at_once_is_a_500(stream: bool) -> None:
    with serving("</think>a") as (parts, port):
        fail_in_eval(parts, 1, Ds4Error("MEMORY", "no memory left"))
        head, body = post(port, messages=[ASK], stream=stream)
    assert head.startswith("HTTP/1.1 500 Internal Server Error\r\n")
    assert body == b'{"type":"error","error":{"type":"api_error","message":"no memory left"}}\n'


def test_a_decode_that_fails_is_an_error_event_behind_the_text() -> None:
    with serving("</think>abcdef") as (parts, port):
        fail_in_eval(parts, 3 + 3, Ds4Error("MEMORY", "no memory left"))
        _, body = post(port, messages=[ASK], stream=True)
    assert [name for name, _ in records(body)][-2:] == ["content_block_delta", "error"]
