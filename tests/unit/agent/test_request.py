"""The body of a request: frozen in front, growing at the end; every break is named."""

import itertools
import json

import pytest

from ds4agent.agent import message
from ds4agent.agent.message import AssistantTurn, ToolCall, pending
from ds4agent.agent.request import Head, body, extends, first_difference

HEAD = Head("m", "be brief", ('{"name": "bash",  "parameters": {}}',), '"thinking":{"type":"enabled"}')
CALLS = (ToolCall("c1", "bash", '{ "command":"ls" }'), ToolCall("c2", "bash", '{"command":"pwd"}'))
MESSAGES = [
    message.user("do it"),
    message.assistant(AssistantTurn("on it\n", "hm ", CALLS)),
    message.tool_result("c1", "a.txt"),
    message.tool_result("c2", "/w"),
    message.assistant(AssistantTurn("done", "so")),
]


def test_the_body_is_valid_and_verbatim() -> None:
    text = body(HEAD, MESSAGES)
    value = json.loads(text)
    assert HEAD.tools[0].encode() in text
    assert value["tools"] == [{"type": "function", "function": {"name": "bash", "parameters": {}}}]
    assert value["stream"] is True
    assert value["stream_options"] == {"include_usage": True}
    assert value["thinking"] == {"type": "enabled"}
    assert [m["role"] for m in value["messages"]] == [
        "system",
        "user",
        "assistant",
        "tool",
        "tool",
        "assistant",
    ]
    assert value["messages"][2]["tool_calls"][0]["function"]["arguments"] == '{ "command":"ls" }'
    assert value["messages"][2]["content"] == "on it\n"
    assert value["messages"][2]["reasoning_content"] == "hm "


def test_every_prefix_of_the_messages_is_extended() -> None:
    bodies = [body(HEAD, MESSAGES[:n]) for n in range(len(MESSAGES) + 1)]
    for old, new in itertools.pairwise(bodies):
        assert extends(old, new)
        assert first_difference(old, new) is None


def changed(index: int, **fields: object) -> list[bytes]:
    value = {**json.loads(MESSAGES[index]), **fields}
    return [*MESSAGES[:index], message.encode(value), *MESSAGES[index + 1 :]]


@pytest.mark.parametrize(
    ("head", "messages", "named"),
    [
        (HEAD, changed(1, content="on it"), "message 2 (assistant), content"),
        (HEAD, changed(1, reasoning_content=""), "message 2 (assistant), reasoning_content"),
        (HEAD, changed(1, tool_calls=[]), "message 2 (assistant), tool_calls"),
        (HEAD, changed(2, content="pruned"), "message 3 (tool), content"),
        (HEAD, [*MESSAGES[:2], MESSAGES[3], MESSAGES[2], MESSAGES[4]], "message 3 (tool), content"),
        (HEAD, MESSAGES[1:], "message 1 (user), content"),
        (HEAD, MESSAGES[:-1], "message 5 (assistant) is gone"),
        (Head("other", HEAD.system, HEAD.tools, HEAD.mode), MESSAGES, "model"),
        (Head("m", HEAD.system, (*HEAD.tools, "{}"), HEAD.mode), MESSAGES, "tools"),
        (Head("m", HEAD.system, HEAD.tools, '"thinking":{"type":"disabled"}'), MESSAGES, "thinking"),
        (Head("m", "be brief, 2026-01-01", HEAD.tools, HEAD.mode), MESSAGES, "message 0 (system), content"),
        (
            Head("m", HEAD.system, ('{"name":"bash","parameters":{}}',), HEAD.mode),
            MESSAGES,
            "white space or key order",
        ),
    ],
)
def test_a_break_is_named(head: Head, messages: list[bytes], named: str) -> None:
    assert first_difference(body(HEAD, MESSAGES), body(head, messages)) == named


def test_pending_calls() -> None:
    assert pending([]) == ()
    assert pending(MESSAGES[:2]) == CALLS
    assert pending(MESSAGES[:3]) == CALLS[1:]
    assert pending(MESSAGES[:4]) == ()
    assert pending([*MESSAGES[:2], message.user("x")]) == ()
