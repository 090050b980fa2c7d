"""Responses requests: items, reasoning, tools, refusals, and what is hidden in the session."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ds4agent.resources import format_texts
from ds4agent.wire.errors import INVALID_JSON, RequestError
from ds4agent.wire.fields import MAX_THINK_CTX
from ds4agent.wire.message import Message, ToolCall
from ds4agent.wire.request import OfferedTool, OutputFormat, ParseContext, ToolChoice, TurnRequest
from ds4agent.wire.responses import DIALECT, lacks_reasoning, parse_request
from ds4agent.wire.template import ThinkMode, render_chat
from tests.examples import examples

LIVE = frozenset(("call_live1", "call_live2"))
BASH = {"type": "function", "name": "bash", "parameters": {"type": "object"}}


def parse(input: Any = "hi", n_ctx: int = 8192, **fields: Any) -> TurnRequest:
    body = json.dumps({"input": input, **fields}, ensure_ascii=False)
    return parse_request(body.encode(), ParseContext(n_ctx, LIVE.__contains__))


def parse_text(text: str) -> TurnRequest:
    return parse_request(text.encode(), ParseContext(8192))


def refusal(input: Any = "hi", **fields: Any) -> str:
    with pytest.raises(RequestError) as refused:
        parse(input, **fields)
    assert refused.value.status == 400
    return refused.value.message


def user(text: str) -> dict[str, Any]:
    return {"role": "user", "content": text}


def call(call_id: str, name: str = "bash", **fields: Any) -> dict[str, Any]:
    return {"type": "function_call", "call_id": call_id, "name": name, "arguments": "{}", **fields}


def result(call_id: str, output: Any = "ok") -> dict[str, Any]:
    return {"type": "function_call_output", "call_id": call_id, "output": output}


def thought(*summary: str, content: Any = None) -> dict[str, Any]:
    parts = [{"type": "summary_text", "text": text} for text in summary]
    return {"type": "reasoning", "id": "rs_1", "summary": parts, "content": content, "encrypted_content": "x"}


# -- input
# ------------------------------------------------------------------------------------------------------


def test_a_string_is_one_user_message() -> None:
    assert parse("hi").messages == (Message("user", "hi"),)
    assert parse("").messages == (Message("user", ""),)
    assert parse([]).messages == ()


def test_instructions_come_first_and_other_system_texts_are_kept() -> None:
    request = parse([{"role": "developer", "content": "d"}, user("u")], instructions="i")
    assert request.messages == (Message("system", "i"), Message("system", "d"), Message("user", "u"))
    for nothing in ("", None):
        assert parse("u", instructions=nothing).messages == (Message("user", "u"),)


def test_content_is_a_string_null_or_parts_with_text() -> None:
    parts = [
        "a",
        {"type": "input_text", "text": "b"},
        {"type": "output_text", "text": "c", "annotations": []},
        {"type": "text", "text": None},
        {"type": "summary_text", "text": "d"},
        {"type": "reasoning_text", "text": "e"},
    ]
    assert parse([{"content": parts}, {"type": "message", "role": "user", "content": None}]).messages == (
        Message("user", "abcde"),
        Message("user", ""),
    )


@pytest.mark.parametrize(
    "content",
    [
        5,
        {"type": "text", "text": "a"},
        [5],
        [None],
        [{"type": "input_text"}],
        [{"type": "input_text", "text": 5}],
        [{"type": ["text"], "text": "a"}],
        [{"text": "a"}],
    ],
)
def test_content_that_cannot_be_read_is_refused(content: Any) -> None:
    assert refusal([{"role": "user", "content": content}]) == INVALID_JSON


@pytest.mark.parametrize("kind", ["item_reference", "mcp_call", "compaction_summary"])
def test_an_unknown_item_type_is_refused(kind: str) -> None:
    message = f"an item of type {kind} cannot be read; leave it out of the input"
    assert refusal([user("u"), {"type": kind, "id": "x"}]) == message


@pytest.mark.parametrize("kind", ["input_image", "input_file", "refusal"])
def test_a_part_that_is_no_text_is_refused_by_name(kind: str) -> None:
    message = f"a part of type {kind} cannot be read, only text; leave it out of the input"
    part = {"type": kind, "image_url": "http://x"}
    assert refusal([{"role": "user", "content": [part]}]) == message
    assert refusal([user("u"), call("1"), result("1", [part])]) == message


@pytest.mark.parametrize("kind", ["compaction", "context_compaction"])
def test_compaction_items_pass_without_a_trace(kind: str) -> None:
    request = parse([thought("r"), {"type": kind, "encrypted_content": "x"}, call("1"), result("1")])
    assert request.messages[0].reasoning == "r"
    assert len(request.messages) == 2


@pytest.mark.parametrize("status", ["in_progress", "incomplete", "failed"])
def test_an_item_that_was_not_completed_is_refused(status: str) -> None:
    message = f"a function_call item has the status {status}; leave it out of the input"
    assert refusal([user("u"), call("1", status=status)]) == message


def test_the_text_of_a_turn_that_was_cut_off_is_read() -> None:
    said = {"role": "assistant", "content": "c"}
    cut = [{**item, "status": "incomplete"} for item in (thought("r"), said)]
    assert parse([user("u"), *cut, user("v")]).messages[1] == Message("assistant", "c", "r")


@pytest.mark.parametrize("status", ["completed", "", None])
def test_a_completed_item_is_read(status: str | None) -> None:
    assert len(parse([user("u"), call("1", status=status)]).messages) == 2


def test_an_id_of_a_wrong_type_is_refused_beside_a_call_id() -> None:
    assert refusal([call("1", id=5)]) == INVALID_JSON


def test_messages_of_other_roles_are_dropped() -> None:
    assert parse([{"role": "critic", "content": "x"}, user("u")]).messages == (Message("user", "u"),)


# -- calls and results
# ------------------------------------------------------------------------------------------------------


def test_calls_join_the_message_before_them() -> None:
    items = [
        user("u"),
        {"role": "assistant", "content": "c"},
        call("1"),
        call("2", "read"),
        result("1"),
        result("2"),
    ]
    assert parse(items).messages == (
        Message("user", "u"),
        Message("assistant", "c", "", (ToolCall("1", "bash", "{}"), ToolCall("2", "read", "{}"))),
        Message("tool", "ok", tool_call_id="1"),
        Message("tool", "ok", tool_call_id="2"),
    )


def test_arguments_keep_their_text() -> None:
    text = (
        '{"input":[{"type":"function_call","id":"a","name":"f","arguments":{ "b" : 1.00, "b":2 }},'
        '{"type":"custom_tool_call","call_id":"c","name":"patch","namespace":"x","input":"*** Begin"},'
        '{"type":"function_call","name":"g"},'
        '{"type":"function_call_output","id":"a","output":{ "n" : 1e2 }},'
        '{"type":"custom_tool_call_output","call_id":"c","output":[{"type":"input_text","text":"a"},"b"]},'
        '{"type":"function_call_output","output":null}]}'
    )
    assert parse_text(text).messages == (
        Message(
            "assistant",
            tool_calls=(
                ToolCall("a", "f", '{ "b" : 1.00, "b":2 }'),
                ToolCall("c", "patch", "*** Begin"),
                ToolCall("", "g", "{}"),
            ),
        ),
        Message("tool", '{ "n" : 1e2 }', tool_call_id="a"),
        Message("tool", "ab", tool_call_id="c"),
        Message("tool", ""),
    )


def test_empty_arguments_are_not_an_empty_object() -> None:
    assert parse([call("1", arguments="")]).messages[0].tool_calls[0].arguments == ""


def test_a_turn_of_many_calls_is_read_in_one_pass() -> None:
    (message,) = parse([{"type": "function_call"}] * 50_000).messages
    assert len(message.tool_calls) == 50_000


def test_hosted_calls_are_history_like_any_other() -> None:
    items: list[dict[str, Any]] = [
        {"type": "local_shell_call", "call_id": "1", "action": {"command": ["ls"]}},
        {"type": "local_shell_call_output", "id": "1", "output": "files"},
        {"type": "web_search_call", "id": "2", "status": "completed", "action": {"query": "q"}},
        {"type": "image_generation_call", "id": "3", "input": "a cat"},
        {"type": "image_generation_call_output", "id": "3", "result": "png"},
        {"type": "tool_search_call", "call_id": "4", "arguments": {"query": "x"}},
        {"type": "tool_search_call_output", "call_id": "4", "result": {"n": 1}},
        {"type": "web_search_call_output", "id": "2"},
    ]
    messages = parse(items).messages
    assert [c for m in messages for c in m.tool_calls] == [
        ToolCall("1", "local_shell", '{"command": ["ls"]}'),
        ToolCall("2", "web_search_call", '{"query": "q"}'),
        ToolCall("3", "image_generation_call", "a cat"),
        ToolCall("4", "tool_search", '{"query": "x"}'),
    ]
    assert [m.content for m in messages if m.role == "tool"] == ["files", "png", '{"n": 1}', ""]


def test_a_call_in_a_namespace_goes_by_the_name_in_the_prompt() -> None:
    request = parse([call("1", "spawn", namespace="agents_"), result("1")])
    assert request.messages[0].tool_calls[0].name == "agents_spawn"


# -- reasoning
# ------------------------------------------------------------------------------------------------------


def test_reasoning_goes_to_the_message_it_led_to() -> None:
    items = [user("u"), thought("r", content=[{"type": "reasoning_text", "text": "s"}]),
             {"role": "assistant", "content": "c"}, call("1"), result("1")]  # fmt: skip
    assert parse(items).messages[1] == Message("assistant", "c", "r\ns", (ToolCall("1", "bash", "{}"),))


def test_reasoning_goes_to_the_call_it_led_to() -> None:
    messages = parse([user("u"), thought("r"), call("1"), result("1")]).messages
    assert messages[1] == Message("assistant", "", "r", (ToolCall("1", "bash", "{}"),))


def test_a_call_gives_its_reasoning_only_to_a_message_without() -> None:
    bare = {"role": "assistant", "content": "c"}
    late = parse([bare, thought("r"), call("1"), result("1")]).messages
    assert late[0] == Message("assistant", "c", "r", (ToolCall("1", "bash", "{}"),))
    both = parse([thought("q"), bare, thought("r"), call("1"), result("1")]).messages
    assert both == (
        Message("assistant", "c", "q", (ToolCall("1", "bash", "{}"),)),
        Message("assistant", "", "r"),
        Message("tool", "ok", tool_call_id="1"),
    )


def test_reasoning_that_led_to_nothing_is_a_message_of_its_own() -> None:
    assert parse([thought("r"), user("u"), thought("s")]).messages == (
        Message("assistant", "", "r"),
        Message("user", "u"),
        Message("assistant", "", "s"),
    )


def test_reasoning_items_are_not_joined() -> None:
    messages = parse([thought("r"), thought("s"), call("1"), result("1")]).messages
    assert [(m.role, m.reasoning) for m in messages] == [("assistant", "r"), ("assistant", "s"), ("tool", "")]


def test_encrypted_reasoning_alone_is_nothing() -> None:
    item = {"type": "reasoning", "summary": [], "encrypted_content": "abc"}
    assert parse([item, user("u")]).messages == (Message("user", "u"),)


@pytest.mark.parametrize(
    ("fields", "mode"),
    [
        ({}, ThinkMode.HIGH),
        ({"reasoning": None}, ThinkMode.HIGH),
        ({"reasoning": {"effort": None}}, ThinkMode.HIGH),
        ({"reasoning": {"effort": "max"}}, ThinkMode.MAX),
        ({"reasoning": {"effort": "xhigh"}}, ThinkMode.HIGH),
        ({"reasoning": {"effort": "minimal"}}, ThinkMode.HIGH),
        ({"reasoning": {"effort": "none"}}, ThinkMode.NONE),
        ({"model": "deepseek-chat"}, ThinkMode.NONE),
        ({"model": "deepseek-chat", "reasoning": {"effort": "low"}}, ThinkMode.HIGH),
        ({"model": "deepseek-chat", "reasoning": {"summary": "auto"}}, ThinkMode.NONE),
        ({"thinking": False, "reasoning_effort": "none"}, ThinkMode.HIGH),
    ],
)
def test_thinking(fields: dict[str, Any], mode: ThinkMode) -> None:
    assert parse(n_ctx=MAX_THINK_CTX, **fields).think is mode


def test_an_unknown_effort_is_refused() -> None:
    assert refusal(reasoning={"effort": "huge"}) == INVALID_JSON


@pytest.mark.parametrize(
    ("summary", "shown"),
    [("auto", True), ("concise", True), ("detailed", True), ("none", False), (None, False)],
)
def test_summaries_are_asked_for(summary: str | None, shown: bool) -> None:
    assert parse(reasoning={"summary": summary}).summaries is shown


def test_a_replay_without_reasoning_is_noticed() -> None:
    bare = [user("u"), call("1"), result("1")]
    assert lacks_reasoning(parse(bare))
    assert not lacks_reasoning(parse(bare, reasoning={"effort": "none"}))
    assert not lacks_reasoning(parse([user("u"), thought("r"), call("1"), result("1")]))
    assert not lacks_reasoning(parse([user("u"), {"role": "assistant", "content": "c"}, user("v")]))


# -- options
# ------------------------------------------------------------------------------------------------------


def test_options() -> None:
    options = parse(max_output_tokens=7, temperature=0.5, top_p=0.9, stream=True, model="m").options
    assert (options.max_tokens, options.stream, options.model) == (7, True, "m")
    assert (options.sampling.temperature, options.sampling.top_p) == (0.5, 0.9)
    assert parse(max_tokens=3).options.max_tokens == 3
    nothing: dict[str, Any] = dict.fromkeys(
        ("max_output_tokens", "temperature", "top_p", "stream", "model", "tools", "tool_choice", "text",
         "reasoning", "previous_response_id", "conversation", "instructions")
    )  # fmt: skip
    assert parse(**nothing) == parse()


def test_fields_of_other_apis_are_not_read() -> None:
    other: dict[str, Any] = {
        "stop": ["a"],
        "seed": 5,
        "top_k": 5,
        "min_p": 0.5,
        "stream_options": {"include_obfuscation": 5},
    }
    assert parse(**other) == parse()
    assert parse(stop=5, seed="x", store=False, include=["reasoning.encrypted_content"]) == parse()


def test_what_is_missing_or_kept_elsewhere_is_refused() -> None:
    with pytest.raises(RequestError, match="missing input"):
        parse_text('{"model":"m"}')
    assert refusal(None) == "missing input"
    assert refusal(previous_response_id="resp_1") == (
        "previous_response_id is not supported; replay full input instead"
    )
    assert refusal(conversation={"id": "c"}) == "conversation is not supported; replay full input instead"


# -- tools
# ------------------------------------------------------------------------------------------------------


def test_flat_tools_and_wrapped_ones_are_kept_as_sent() -> None:
    text = (
        '{"input":"x","tools": [ {"type":"function","name" : "f",  "x":1.0} ,{"type":"web_search"},\n'
        '{"type":"function","function": {"name":"g", "y" : [ ]}},{"type":"custom","name":"patch"}]}'
    )
    request = parse_text(text)
    assert request.tools_raw == (
        '{"type":"function","name" : "f",  "x":1.0}',
        '{"type":"web_search"}',
        '{"name":"g", "y" : [ ]}',
        '{"type":"custom","name":"patch"}',
    )
    assert request.offered == {
        "f": OfferedTool("f"), "g": OfferedTool("g"), "patch": OfferedTool("patch", "custom")
    }  # fmt: skip


def test_tools_in_a_namespace_get_its_name_in_front() -> None:
    text = (
        '{"input":"x","tools":[{"type":"namespace","name":"mcp__a__","description":"d","tools":['
        '{"type":"function","name":"b","description":"does \\"b\\"","parameters":{ "z" : 1,"a":2 }},'
        '{"name":"c","input_schema":{"type" :"object"}},{"name":"d"}]}]}'
    )
    request = parse_text(text)
    assert request.tools_raw == (
        '{"name":"mcp__a__b","description":"does \\"b\\"","parameters":{ "z" : 1,"a":2 }}',
        '{"name":"mcp__a__c","description":"","parameters":{"type" :"object"}}',
        '{"name":"mcp__a__d","description":"","parameters":{"type":"object","properties":{}}}',
    )
    assert request.offered["mcp__a__b"] == OfferedTool("b", "function", "mcp__a__")


def test_the_hosted_tool_search_becomes_a_function_and_keeps_property_order() -> None:
    text = (
        '{"input":"x","tools":[{"type":"tool_search","execution":"client",'
        '"parameters":{"properties":{"z":{},"a":{}}}}]}'
    )
    request = parse_text(text)
    assert request.tools_raw == (
        '{"name":"tool_search","description":"Search available tools.",'
        '"parameters":{"properties":{"z":{},"a":{}}}}',
    )
    assert request.offered["tool_search"].kind == "tool_search"


def test_a_user_function_called_tool_search_is_a_function() -> None:
    request = parse(tools=[{"type": "function", "name": "tool_search"}])
    assert request.offered["tool_search"].kind == "function"


def test_tools_that_a_search_found_are_added() -> None:
    found = {"type": "namespace", "name": "ns.", "tools": [{"name": "f"}]}
    search = {"type": "tool_search_call", "call_id": "1", "arguments": {"query": "f"}}
    output = {"type": "tool_search_output", "call_id": "1", "tools": [found]}
    request = parse([user("u"), search, output], tools=[BASH])
    assert [json.loads(raw)["name"] for raw in request.tools_raw] == ["bash", "ns.f"]
    assert request.offered["ns.f"].namespace == "ns."
    assert json.loads(request.messages[-1].content) == [found]


@pytest.mark.parametrize("tools", [{}, "x", 5, [5]])
def test_found_tools_that_are_no_list_are_refused(tools: Any) -> None:
    search = {"type": "tool_search_call", "call_id": "1"}
    output = {"type": "tool_search_output", "call_id": "1", "tools": tools, "output": "o"}
    assert refusal([search, output]) == INVALID_JSON


@pytest.mark.parametrize(
    "tools",
    [{}, "x", [5], [{"type": "namespace", "tools": []}], [{"type": "namespace", "name": "n", "tools": 5}],
     [{"type": "namespace", "name": "n", "tools": [{}]}], [{"type": "tool_search", "description": 5}]],
)  # fmt: skip
def test_tools_of_wrong_shapes_are_refused(tools: Any) -> None:
    assert refusal(tools=tools) == INVALID_JSON


def test_choices_that_say_nothing_new() -> None:
    assert parse(tools=[BASH], tool_choice="auto").tools_raw
    off = parse(tools=[BASH], tool_choice="none")
    assert (off.tools_raw, off.tool_choice) == ((), ToolChoice())


def test_a_call_can_be_required_or_forced() -> None:
    assert parse(tools=[BASH], tool_choice="required").tool_choice == ToolChoice(required=True)
    forced = {"type": "function", "name": "bash"}
    assert parse(tools=[BASH], tool_choice=forced).tool_choice == ToolChoice(True, "bash")
    space = {"type": "namespace", "name": "n.", "tools": [{"name": "f"}]}
    inner = {"type": "function", "name": "f", "namespace": "n."}
    assert parse(tools=[space], tool_choice=inner).tool_choice == ToolChoice(True, "n.f")


@pytest.mark.parametrize(
    ("choice", "message"),
    [
        ("any", "tool_choice=any not supported"),
        ("required", "tool_choice required needs tools"),
        ({"type": "file_search"}, "forced tool_choice not supported"),
        ({"type": "allowed_tools", "mode": "auto", "tools": []}, "forced tool_choice not supported"),
        ({"type": "function", "name": "write"}, "tool_choice names an unknown tool: write"),
        ({"type": "function"}, INVALID_JSON),
        (5, INVALID_JSON),
        ([], INVALID_JSON),
    ],
)
def test_choices_that_cannot_be_kept_are_refused(choice: Any, message: str) -> None:
    assert refusal(tools=[], tool_choice=choice) == message


# -- output formats
# ------------------------------------------------------------------------------------------------------


def test_formats() -> None:
    for nothing in ({}, {"format": None}, {"format": {"type": "text"}}, {"verbosity": "low"}):
        assert parse(text=nothing).output is None
    assert parse(text={"format": {"type": "json_object"}}).output == OutputFormat("json_object")
    assert parse(text={"format": {"type": "regex", "pattern": "a+"}}).output == OutputFormat("regex", "a+")
    body = '{"input":"x","text":{"format":{"type":"json_schema","name":"n","schema":{ "type" : "object"}}}}'
    assert parse_text(body).output == OutputFormat("json_schema", '{ "type" : "object"}')


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"type": "lark", "source": "x"}, "text.format type lark is not supported"),
        ({"type": "json_schema"}, INVALID_JSON),
        ({"type": "regex"}, INVALID_JSON),
        ({}, INVALID_JSON),
        ("text", INVALID_JSON),
    ],
)
def test_other_formats_are_refused(given: Any, message: str) -> None:
    assert refusal(text={"format": given}) == message


# -- continuations
# ------------------------------------------------------------------------------------------------------


def test_results_alone_go_on_from_the_session() -> None:
    request = parse([user("u"), result("call_live1", "a"), result("call_live2", "b"), user("and?")])
    assert request.continues == ("call_live1", "call_live2")
    assert request.messages == (
        Message("tool", "a", tool_call_id="call_live1"),
        Message("tool", "b", tool_call_id="call_live2"),
        Message("user", "and?"),
    )


def test_an_unknown_call_is_refused_and_a_live_one_is_not() -> None:
    gone = (
        "Responses continuation state is not available for call_id call_x; "
        "retry by replaying the full input history"
    )
    assert refusal([result("call_x")]) == gone
    assert refusal([result("call_live1"), result("call_x")]) == gone
    assert refusal([result("call_x"), call("call_x")]) == gone
    assert refusal([result("call_live1"), user("u"), call("1"), result("1"), result("call_x")]) == gone
    assert parse([result("call_live1")]).continues


def test_a_full_replay_needs_no_session() -> None:
    request = parse([user("u"), call("call_1"), result("call_1"), call("call_live1"), result("call_live1")])
    assert request.continues == ()
    assert request.answers == ("call_live1",)


def test_shown_history_before_a_hidden_turn_is_in_the_session() -> None:
    items = [user("u"), call("call_1"), result("call_1"), result("call_live1")]
    request = parse(items)
    assert request.continues == ("call_live1",)
    assert len(request.messages) == 1


def test_a_live_call_that_is_shown_goes_with_the_hidden_one_beside_it() -> None:
    request = parse([user("u"), call("call_live1"), result("call_live1"), result("call_live2")])
    assert request.continues == ("call_live1", "call_live2")


# -- whatever comes
# ------------------------------------------------------------------------------------------------------

KINDS = (
    "message", "function_call", "function_call_output", "custom_tool_call", "custom_tool_call_output",
    "reasoning", "compaction", "local_shell_call", "tool_search_output", "tool_search_call",
    "web_search_call", "image_generation_call_output",
)  # fmt: skip
MEMBERS = (
    "type", "role", "content", "summary", "status", "call_id", "id", "name", "namespace", "arguments",
    "input", "output", "result", "action", "tools", "text", "function", "parameters", "input_schema",
    "description", "effort", "format", "schema", "pattern",
)  # fmt: skip
words = st.text(max_size=4) | st.sampled_from(
    (*KINDS, "user", "assistant", "completed", "call_live1", "a", "namespace", "function", "tool_search",
     "custom", "required", "json_schema", "regex", "auto")
)  # fmt: skip
anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | words,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(MEMBERS) | st.text(max_size=2), inner, max_size=4)
    ),
    max_leaves=8,
)
items = st.fixed_dictionaries(
    {"type": st.sampled_from(KINDS)}, optional={name: anything for name in MEMBERS if name != "type"}
)
FIELDS = (
    "input", "instructions", "tools", "tool_choice", "text", "reasoning", "model", "stream", "temperature",
    "max_output_tokens", "previous_response_id", "conversation", "top_p",
)  # fmt: skip


def parse_or_refuse(body: str) -> TurnRequest | None:
    try:
        request = parse_request(body.encode("utf-8", "surrogatepass"), ParseContext(100, LIVE.__contains__))
    except RequestError as refused:
        assert refused.status == 400
        DIALECT.error(refused.status, refused.message).decode()
        return None
    render_chat(request.messages, request.tools_raw, request.think, format_texts()).text.encode()
    return request


@given(st.dictionaries(st.sampled_from(FIELDS), anything, max_size=4))
@settings(max_examples=examples(300))
def test_any_value_in_any_field_is_read_or_refused(fields: dict[str, Any]) -> None:
    parse_or_refuse(json.dumps({"input": "x", **fields}))


@given(st.lists(items, max_size=4), st.booleans())
@settings(max_examples=examples(300))
def test_any_items_are_read_or_refused(given_items: list[Any], ascii_only: bool) -> None:
    parse_or_refuse(json.dumps({"input": given_items}, ensure_ascii=ascii_only))


@given(st.binary(max_size=40))
def test_any_bytes_are_read_or_refused(body: bytes) -> None:
    with suppress(RequestError):
        parse_request(b'{"input":' + body, ParseContext(100))


def test_http_errors_and_the_overflow_have_openais_shape() -> None:
    assert DIALECT.error(400, "m") == b'{"error":{"message":"m","type":"invalid_request_error"}}\n'
    body = json.loads(DIALECT.overflow(9, 9).body or b"")
    assert (body["error"]["param"], body["error"]["code"]) == ("input", "context_length_exceeded")
