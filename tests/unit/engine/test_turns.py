"""What becomes of a turn: where thinking begins, ids, broken calls, and by which texts the next prompt may
refer to it.
"""

from __future__ import annotations

from typing import Any

import pytest

from ds4agent.engine.binding import Ds4Error
from ds4agent.engine.job import Emitted, Finished
from ds4agent.wire.dsml import CallStart, Content
from ds4agent.wire.dsml_render import render_block
from ds4agent.wire.message import ToolCall
from ds4agent.wire.template import EOS
from tests.unit.engine.engine_parts import BASH, assistant, engine_parts
from tests.unit.engine.test_server import fail_in_eval

M = "｜DSML｜"
USER = {"role": "user", "content": "Hello"}
MORE = {"role": "user", "content": "And now?"}
CALL = render_block([ToolCall("", "bash", '{"command":"ls"}')])
REMEMBERED = "thinking live checkpoint remembered"


@pytest.mark.parametrize(
    ("fields", "thinking"),
    [
        ({"messages": [USER]}, True),
        ({"messages": [USER], "thinking": False}, False),
        # Nothing opens a turn behind an assistant message.
        ({"messages": [USER, {"role": "assistant", "content": "Hi"}]}, False),
    ],
)
def test_a_turn_begins_in_thinking_where_the_prompt_ends_with_the_open_tag(
    fields: dict[str, Any], thinking: bool
) -> None:
    with engine_parts() as parts:
        job = parts.job(**fields)
    assert job.thinking is thinking
    assert job.prompt.key.endswith(b"<think>") is thinking


@pytest.mark.parametrize(
    "replies", [["r</think>Hello"], ["r</think>"], ["r</think>One", "s</think>", "t</think>3"]]
)
def test_the_remembered_text_begins_the_next_prompt(replies: list[str]) -> None:
    """Of a client that leaves the reasoning out; also where the answer is empty, and turn after turn."""
    with engine_parts(*replies, "</think>end") as parts:
        messages: list[Any] = [USER]
        for _ in replies:
            reply = parts.ask(messages=messages)
            messages += [assistant(reply, reasoning=False), MORE]
            (visible,) = parts.live.visible
            assert f" live={len(parts.live)} visible={len(visible)}" in parts.lines[-2]
            assert parts.job(messages=messages).prompt.key.startswith(visible + b"\xff" + EOS.encode())
        held = len(parts.live)
        assert parts.ask(messages=messages).usage.cached == held
    assert sum(line.startswith(REMEMBERED) for line in parts.lines) == len(replies) + 1


@pytest.mark.parametrize(
    ("reply", "fields", "finish"),
    [
        ("r</think>Hello there", {"max_tokens": len("r") + 1 + len("Hello")}, "length"),
        ("still thinking", {}, "stop"),
        ("still thinking", {"max_tokens": 3}, "length"),
        ("r</think>Hello there", {"stop": "there"}, "stop"),
        ("Hello", {"thinking": False}, "stop"),
        ("r</think>Hello", {"tools": [BASH]}, "stop"),
    ],
    ids=["length", "in thinking", "length in thinking", "stop string", "no thinking", "tools"],
)
def test_turns_of_which_no_visible_text_is_remembered(
    reply: str, fields: dict[str, Any], finish: str
) -> None:
    with engine_parts(reply) as parts:
        assert parts.ask(messages=[USER], **fields).finish == finish
    assert not any(REMEMBERED in line for line in parts.lines)


def test_a_turn_that_failed_is_not_remembered() -> None:
    with engine_parts("r</think>Hello there") as parts:
        fail_in_eval(parts, 8, Ds4Error("MEMORY", "no memory left"))
        assert parts.ask(messages=[USER]).finish == "error"
        assert parts.live.visible == ()
    assert not any(REMEMBERED in line for line in parts.lines)


@pytest.mark.parametrize("reasoning", [True, False])
def test_where_tools_are_offered_reasoning_may_come_back_or_not(reasoning: bool) -> None:
    """A prompt in tool context has a place for old reasoning; ds4-server reads all again if it is empty."""
    with engine_parts("r</think>Hello", "s</think>Bye") as parts:
        first = parts.ask(messages=[USER], tools=[BASH])
        held = len(parts.live)
        messages = [USER, assistant(first, reasoning=reasoning), MORE]
        assert parts.ask(messages=messages, tools=[BASH]).usage.cached == held


def test_the_id_that_is_shown_is_the_id_of_the_call() -> None:
    two = render_block([ToolCall("", "bash", '{"command":"ls"}'), ToolCall("", "bash", '{"command":"pwd"}')])
    with engine_parts(f"r</think>{two}") as parts:
        seen, message = parts.last_message(parts.job(messages=[USER], tools=[BASH]))
    assert isinstance(message, Finished)
    shown = [e.call_id for m in seen if isinstance(m, Emitted) for e in m.emissions]
    assert [call_id for call_id in shown if call_id] == [call.id for call in message.reply.calls]
    assert len({call.id for call in message.reply.calls}) == 2


def test_a_short_spelling_is_rendered_in_full_where_it_is_not_replayed() -> None:
    with engine_parts("r</think>" + CALL.replace(M, "DSML｜"), replay=False) as parts:
        reply = parts.ask(messages=[USER], tools=[BASH])
        assert (reply.reasoning, reply.content, reply.finish) == ("r", "", "tool_calls")
        result = {"role": "tool", "tool_call_id": reply.calls[0].id, "content": "out"}
        job = parts.job(messages=[USER, assistant(reply), result], tools=[BASH])
    prompt = job.prompt.key.replace(b"\xff", b"").decode()
    assert f"<think>r</think>{CALL}{EOS}<｜User｜><tool_result>out</tool_result>" in prompt


def test_a_malformed_call_is_an_error_and_no_text() -> None:
    broken = f"<{M}tool_calls>\n<{M}invoke name=bash>\n</{M}invoke>\n</{M}tool_calls>"
    with engine_parts(f"r</think>I look.\n\n{broken}") as parts:
        seen, message = parts.last_message(parts.job(messages=[USER], tools=[BASH]))
    assert isinstance(message, Finished)
    reply = message.reply
    assert (reply.reasoning, reply.content, reply.calls, reply.finish) == ("r", "I look.", (), "error")
    assert ' finish=error error="invalid tool call" ' in parts.lines[-1]
    events = [e.event for m in seen if isinstance(m, Emitted) for e in m.emissions]
    assert "".join(e.text for e in events if isinstance(e, Content)) == "I look."
    assert not any(isinstance(e, CallStart) for e in events)
