"""Chat requests and the pieces of replies that the end-to-end tests do not reach."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ds4agent.wire import chat
from ds4agent.wire.dialect import Emission
from ds4agent.wire.dsml import CallArguments, CallEnd, CallStart, Content, Reasoning
from ds4agent.wire.errors import RequestError
from ds4agent.wire.fields import INT_MAX, MAX_THINK_CTX
from ds4agent.wire.message import Message, ToolCall
from ds4agent.wire.reply import Reply, Usage
from ds4agent.wire.request import OutputFormat, ParseContext, TurnRequest
from ds4agent.wire.stops import StopFilter
from ds4agent.wire.template import ThinkMode


def parse(n_ctx: int = 8192, **fields: Any) -> TurnRequest:
    fields.setdefault("messages", [])
    return chat.parse_request(json.dumps(fields).encode(), ParseContext(n_ctx))


@pytest.mark.parametrize(
    ("fields", "mode"),
    [
        ({}, ThinkMode.HIGH),
        ({"thinking": True}, ThinkMode.HIGH),
        ({"thinking": False}, ThinkMode.NONE),
        ({"thinking": None}, ThinkMode.HIGH),
        ({"thinking": {"type": "enabled", "budget_tokens": 5}}, ThinkMode.HIGH),
        ({"thinking": {"type": "disabled"}}, ThinkMode.NONE),
        ({"thinking": {"type": "adaptive"}}, ThinkMode.HIGH),
        ({"think": False}, ThinkMode.NONE),
        ({"thinking": {"type": "enabled"}, "reasoning_effort": "none"}, ThinkMode.NONE),
        *(({"reasoning_effort": e}, ThinkMode.HIGH) for e in ("minimal", "low", "medium", "high", "xhigh")),
        ({"reasoning_effort": "none"}, ThinkMode.NONE),
        ({"reasoning_effort": "max"}, ThinkMode.MAX),
        ({"model": "deepseek-chat"}, ThinkMode.NONE),
        ({"model": "deepseek-chat", "reasoning_effort": "high"}, ThinkMode.NONE),
        ({"model": "deepseek-chat", "thinking": None}, ThinkMode.HIGH),
        ({"model": "deepseek-chat", "think": True}, ThinkMode.HIGH),
        ({"model": "deepseek-reasoner"}, ThinkMode.HIGH),
    ],
)
def test_thinking(fields: dict[str, Any], mode: ThinkMode) -> None:
    assert parse(MAX_THINK_CTX, **fields).think is mode


def test_an_unknown_effort_is_refused() -> None:
    with pytest.raises(RequestError, match="invalid JSON request"):
        parse(reasoning_effort="huge")


def test_maximum_effort_needs_a_large_context() -> None:
    assert parse(MAX_THINK_CTX - 1, reasoning_effort="max").think is ThinkMode.HIGH


def test_limits_and_sampling() -> None:
    options = parse(max_tokens=5, max_completion_tokens=7, top_k=-1, seed=0, temperature=2, stop="x").options
    assert (options.max_tokens, options.sampling.top_k, options.sampling.seed) == (7, 0, None)
    assert (options.sampling.temperature, options.stops) == (2.0, ("x",))
    assert parse(stop=["a", "", 1, "bc"]).options.stops == ("a", "bc")
    assert parse(max_tokens=1e30).options.max_tokens == INT_MAX
    assert parse(max_tokens=2.9).options.max_tokens == 2
    assert parse().options.max_tokens is None


def test_messages() -> None:
    request = parse(
        messages=[
            {"role": "developer", "content": "d"},
            {"content": [{"type": "text", "text": "a"}, "b", {"type": "image_url", "image_url": {}}, 5]},
            {"role": "assistant", "content": None, "reasoning_content": ["r"], "tool_calls": [
                {"id": "1", "function": {"name": "f", "arguments": "{}"}},
                {"id": "2", "function": {"name": "f"}},
                {"id": "3", "function": {"arguments": "{}"}},
                {"id": "4"},
            ]},
            {"role": "function", "tool_call_id": "1", "content": 5},
            {"role": "critic", "content": "dropped"},
        ]
    )  # fmt: skip
    assert request.messages == (
        Message("system", "d"),
        Message("user", "ab"),
        Message("assistant", "", "r", (ToolCall("1", "f", "{}"),)),
        Message("tool", "", tool_call_id="1"),
    )


@pytest.mark.parametrize(
    "fields",
    [
        {"top_logprobs": "3"},
        {"logprobs": False, "top_logprobs": {}},
        {"messages": [{"role": "user", "tool_calls": [{"id": 5}]}]},
        {"messages": [{"content": [{"text": 5}]}]},
    ],
)
def test_wrong_types_are_refused_also_where_the_value_would_not_count(fields: dict[str, Any]) -> None:
    with pytest.raises(RequestError, match="invalid JSON request"):
        parse(**fields)


def test_null_is_not_given_in_parts_and_patterns_too() -> None:
    request = parse(
        messages=[{"content": [{"type": "text", "text": None}, "a"]}],
        response_format={"type": "regex", "pattern": None, "regex": "b+"},
        top_logprobs=None,
    )
    assert request.messages == (Message("user", "a"),)
    assert request.output == OutputFormat("regex", "b+")


def test_arguments_sent_as_json_keep_their_text() -> None:
    body = (
        '{"messages":[{"role":"user"},{"role":"assistant","tool_calls":[{"function":{"name":"a","arguments":""}},'
        '{"id":"x","function":{"name":"f","arguments":{ "b" : 1.00, "b":2 }}}]}]}'
    )
    request = chat.parse_request(body.encode(), ParseContext(100))
    assert request.messages[1].tool_calls[1].arguments == '{ "b" : 1.00, "b":2 }'


def test_schemas_are_kept_as_sent() -> None:
    body = (
        '{"tools": [ {"type":"function","function": {"name" : "f",  "parameters":{"z":1.0,"a":{}}}} ,\n'
        '{"name":"flat", "y" : [ ]} ],"messages":[]}'
    )
    request = chat.parse_request(body.encode(), ParseContext(100))
    assert request.tools_raw == (
        '{"name" : "f",  "parameters":{"z":1.0,"a":{}}}',
        '{"name":"flat", "y" : [ ]}',
    )
    assert (
        chat.parse_request(
            body.replace("[]}", '[],"tool_choice":"none"}').encode(), ParseContext(100)
        ).tools_raw
        == ()
    )
    assert chat.parse_request(
        body.replace("[]}", '[],"tool_choice":"required"}').encode(), ParseContext(100)
    ).tools_raw


def test_nesting_of_256_below_the_object_is_the_limit() -> None:
    def body(depth: int) -> bytes:
        return b'{"messages":[],"x":' + b"[" * depth + b"]" * depth + b"}"

    chat.parse_request(body(256), ParseContext(100))
    with pytest.raises(RequestError):
        chat.parse_request(body(257), ParseContext(100))


def test_a_stream_shows_text_and_calls_once() -> None:
    stream = chat.ChatWriter("id", 'm"', include_usage=True)
    call = ToolCall("call_1", "f", "{}")
    reply = Reply("r", "c", (call,), "tool_calls", Usage(10, 7, 3))
    emissions = [
        Emission(Reasoning("r")),
        Emission(Content("c\n")),
        Emission(CallStart(0, "f"), "call_1"),
        Emission(CallArguments(0, "{}")),
        Emission(CallEnd(0, "f", "{}")),
    ]
    out = (
        stream.start(1, reply.usage)
        + b"".join(stream.emit(2, e) for e in emissions)
        + stream.finish(3, reply)
    )
    records = [json.loads(r[6:]) for r in out.decode().split("\n\n")[:-2]]
    deltas = [r["choices"][0]["delta"] for r in records[:-1]]
    function = {"name": "f", "arguments": ""}
    assert deltas == [
        {"role": "assistant"},
        {"reasoning_content": "r"},
        {"content": "c\n"},
        {"tool_calls": [{"index": 0, "id": "call_1", "type": "function", "function": function}]},
        {"tool_calls": [{"index": 0, "function": {"arguments": "{}"}}]},
        {},
    ]
    assert [r["created"] for r in records] == [1, 2, 2, 2, 2, 3, 3]
    assert records[0]["model"] == 'm"'
    assert records[-1]["usage"]["prompt_tokens_details"] == {"cached_tokens": 7, "cache_write_tokens": 3}


@given(st.lists(st.text("ab", min_size=1, max_size=5), min_size=1, max_size=3), st.text("abc", max_size=40))
def test_no_more_is_held_back_than_a_stop_string_may_need(stops: list[str], text: str) -> None:
    """At most one byte less than the longest one has, and nothing that begins none of them."""
    stop = StopFilter(tuple(stops))
    passed = b""
    for i, char in enumerate(text, 1):
        passed += stop.feed(char.encode())
        if stop.hit:
            return
        held = text[len(passed) : i]
        assert len(held) < max(map(len, stops))
        assert not held or any(s.startswith(held) for s in stops)


@given(
    st.lists(st.text("ab", min_size=1, max_size=4), max_size=3),
    st.text("abc", max_size=40),
    st.integers(1, 5),
)
def test_stop_strings_cut_at_the_earliest_match_however_the_text_comes(
    stops: list[str], text: str, step: int
) -> None:
    found = [at for s in stops if (at := text.find(s)) >= 0]
    stop = StopFilter(tuple(stops))
    out = b"".join(stop.feed(text[i : i + step].encode()) for i in range(0, len(text), step)) + stop.finish()
    assert stop.hit == bool(found)
    if step == 1 or not found:
        ends = [text.find(s) + len(s) for s in stops if s in text]
        first = min(ends, default=0)
        expected = min(at for s in stops if (at := text[:first].find(s)) >= 0) if found else len(text)
        assert out.decode() == text[:expected]
