"""Anthropic requests as turns, and replies as Anthropic's blocks and events."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ds4agent.engine.vocab import encode
from ds4agent.resources import format_texts
from ds4agent.wire.anthropic import DIALECT, parse_request
from ds4agent.wire.anthropic_messages import read_items
from ds4agent.wire.anthropic_writer import MessagesWriter, overflow
from ds4agent.wire.dialect import Emission, ReplyIds
from ds4agent.wire.dsml import CallArguments, CallStart, Content, DsmlMachine, Event, Reasoning, Turn
from ds4agent.wire.dsml_render import render_block
from ds4agent.wire.errors import RequestError, anthropic_error_body
from ds4agent.wire.fields import MAX_THINK_CTX
from ds4agent.wire.message import Message, ToolCall
from ds4agent.wire.reply import Finish, Reply, Usage
from ds4agent.wire.request import OutputFormat, ParseContext, ToolChoice, TurnRequest
from ds4agent.wire.template import (
    ASSISTANT,
    EOS,
    THINK_CLOSE,
    THINK_OPEN,
    USER,
    ThinkMode,
    render_chat,
    render_continuation,
)
from tests.anthropic_stream import joined, records

TOOLS = [{"name": "bash", "input_schema": {"type": "object"}}, {"name": "read", "input_schema": {}}]
ASK = {"role": "user", "content": "Look."}


def parse(*, live: Sequence[str] = (), n_ctx: int = 8192, **fields: Any) -> TurnRequest:
    fields.setdefault("messages", [])
    return parse_request(json.dumps(fields).encode(), ParseContext(n_ctx, lambda call_id: call_id in live))


def refusal(*, live: Sequence[str] = (), **fields: Any) -> RequestError:
    with pytest.raises(RequestError) as info:
        parse(live=live, **fields)
    assert info.value.status == 400
    return info.value


def tool_use(call_id: str, name: str = "bash", arguments: Any = None) -> dict[str, Any]:
    return {"type": "tool_use", "id": call_id, "name": name, "input": arguments or {}}


def result(call_id: str, content: Any = "ok") -> dict[str, Any]:
    return {"type": "tool_result", "tool_use_id": call_id, "content": content}


def user(*blocks: Any) -> dict[str, Any]:
    return {"role": "user", "content": list(blocks)}


def assistant(*blocks: Any) -> dict[str, Any]:
    return {"role": "assistant", "content": list(blocks)}


# -- requests
# ------------------------------------------------------------------------------------------------------


def test_what_is_not_given_has_a_default() -> None:
    assert parse() == TurnRequest()


def test_blocks_become_messages() -> None:
    request = parse(
        messages=[
            user({"type": "text", "text": "a", "cache_control": {"type": "ephemeral"}}, "b", {"text": "c"}),
            assistant(
                {"type": "thinking", "thinking": "r1", "signature": "s"},
                {"type": "redacted_thinking", "data": "x"},
                {"type": "thinking", "thinking": "r2"},
                {"type": "text", "text": "t"},
                tool_use("1", arguments={"b": 1}),
                {"type": "tool_use", "name": "f"},
            ),
            user({"type": "text", "text": "x"}, {"type": "image", "source": {}}, result("1"), "y"),
            {"role": "assistant", "content": None},
            {"role": "critic", "content": "left out"},
            {"content": "d"},
        ]
    )
    assert request.messages == (
        Message("user", "abc"),
        Message(
            "assistant", "t", "r1r2", (ToolCall("1", "bash", '{"b": 1}'), ToolCall("", "f", "{}"))
        ),
        Message("user", "x<tool_result>ok</tool_result>y"),
        Message("assistant"),
        Message("user", "d"),
    )  # fmt: skip
    assert request.continues == ()


def test_content_before_role_parses() -> None:
    body = (
        b'{"messages":[{"content":[{"input":{},"name":"f","id":"1","type":"tool_use"}],"role":"assistant"}]}'
    )
    request = parse_request(body, ParseContext(100))
    assert request.messages == (Message("assistant", tool_calls=(ToolCall("1", "f", "{}"),)),)


def test_input_keeps_its_text() -> None:
    body = (
        '{"messages":[{"role":"user","content":"[{\\"input\\":1}"},{"role":"assistant","content":['
        '"a", {"type":"tool_use","name":"f","input": { "b" : 1.00, "a":"\\u00e9", "b":[ ] } }]}]}'
    )
    request = parse_request(body.encode(), ParseContext(100))
    assert request.messages[1].tool_calls[0].arguments == '{ "b" : 1.00, "a":"\\u00e9", "b":[ ] }'


def test_schemas_are_kept_as_sent() -> None:
    body = (
        '{"tools": [ {"name":"f" ,"input_schema": {"properties":{"z":1,"a":2}}} ,\n'
        '{"type":"function","function":{"name" : "g"}}],"messages":[]}'
    )
    assert parse_request(body.encode(), ParseContext(100)).tools_raw == (
        '{"name":"f" ,"input_schema": {"properties":{"z":1,"a":2}}}',
        '{"name" : "g"}',
    )


@pytest.mark.parametrize(
    ("system", "text"),
    [
        ("plain", "plain"),
        ([{"type": "text", "text": "a"}, {"type": "text", "text": "b"}], "a\nb"),
        ([{"text": "a\n"}, "b"], "a\nb"),
        (["a", "", {"text": ""}, "b"], "a\nb"),
        (["x-anthropic-billing-header: 7", "a", "x-anthropic-"], "a"),
    ],
)
def test_system_text(system: Any, text: str) -> None:
    assert parse(system=system).messages == (Message("system", text),)


@pytest.mark.parametrize("system", ["", [], [""], ["x-anthropic-billing-header: 7"], None])
def test_no_system_text(system: Any) -> None:
    assert parse(system=system).messages == ()


def test_the_system_text_comes_behind_system_messages() -> None:
    request = parse(system="last", messages=[{"role": "system", "content": "first"}, ASK])
    prompt = render_chat(request.messages, (), request.think, format_texts()).text
    assert prompt.endswith(f"first\n\nlast{USER}Look.{ASSISTANT}{THINK_OPEN}")


@pytest.mark.parametrize(
    ("content", "text"),
    [
        ("a", "a"),
        (None, ""),
        ([{"type": "text", "text": "a"}, {"type": "image"}, "b"], "ab"),
        ("<b></tool_result></b>&", "<b>&lt;/tool_result></b>&"),
    ],
)
def test_results_stand_where_they_are_in_the_text(content: Any, text: str) -> None:
    request = parse(messages=[assistant(tool_use("1")), user(result("1", content), "and?")])
    assert request.messages[1] == Message("user", f"<tool_result>{text}</tool_result>and?")


@pytest.mark.parametrize(
    ("fields", "mode"),
    [
        ({}, ThinkMode.HIGH),
        ({"thinking": {"type": "enabled", "budget_tokens": 1024}}, ThinkMode.HIGH),
        ({"thinking": {"type": "adaptive"}}, ThinkMode.HIGH),
        ({"thinking": {"type": "disabled"}}, ThinkMode.NONE),
        ({"thinking": False}, ThinkMode.NONE),
        ({"thinking": None, "model": "deepseek-chat"}, ThinkMode.HIGH),
        ({"model": "deepseek-chat"}, ThinkMode.NONE),
        ({"think": False}, ThinkMode.HIGH),
        ({"output_config": {"effort": "max"}}, ThinkMode.MAX),
        ({"output_config": {"effort": "xhigh"}}, ThinkMode.HIGH),
        ({"output_config": {"effort": "none"}}, ThinkMode.NONE),
        ({"output_config": {"effort": None}, "reasoning_effort": "max"}, ThinkMode.MAX),
        ({"output_config": None, "reasoning_effort": "none"}, ThinkMode.NONE),
        ({"output_config": {"effort": "low"}, "reasoning_effort": "max"}, ThinkMode.HIGH),
    ],
)
def test_thinking(fields: dict[str, Any], mode: ThinkMode) -> None:
    assert parse(n_ctx=MAX_THINK_CTX, **fields).think is mode


def test_an_unknown_effort_is_refused() -> None:
    assert refusal(output_config={"effort": "huge"}).message == "invalid JSON request"


def test_options() -> None:
    options = parse(
        model="m", max_tokens=5, stop_sequences=["a", "", 1], stop="ignored", temperature=0, stream=True
    ).options
    assert (options.model, options.max_tokens, options.stops, options.stream) == ("m", 5, ("a",), True)
    assert options.sampling.temperature == 0


@pytest.mark.parametrize(
    ("choice", "expected"),
    [
        (None, ToolChoice()),
        ({"type": "auto", "disable_parallel_tool_use": True}, ToolChoice()),
        ({"type": "any"}, ToolChoice(required=True)),
        ({"type": "tool", "name": "read"}, ToolChoice(required=True, name="read")),
        ({"type": "other"}, ToolChoice()),
        ("auto", ToolChoice()),
    ],
)
def test_tool_choice(choice: Any, expected: ToolChoice) -> None:
    request = parse(tools=TOOLS, tool_choice=choice)
    assert request.tool_choice == expected
    assert len(request.tools_raw) == 2


def test_tool_choice_none_hides_the_tools() -> None:
    assert parse(tools=TOOLS, tool_choice={"type": "none"}) == TurnRequest()


def test_a_choice_that_cannot_be_honoured_is_refused() -> None:
    unknown = refusal(tools=TOOLS, tool_choice={"type": "tool", "name": "write"})
    assert unknown.message == "tool_choice names an unknown tool: write"
    assert refusal(tools=TOOLS, tool_choice={"type": "tool"}).message == "invalid JSON request"
    assert refusal(tool_choice={"type": "any"}).message == "tool_choice any needs tools"


def test_structured_output() -> None:
    body = (
        '{"messages":[],"output_config":{"format":{"schema": {"type" : "object", "x":1.0},'
        '"type":"json_schema"},"effort":"low"}}'
    )
    request = parse_request(body.encode(), ParseContext(100))
    assert request.output == OutputFormat("json_schema", '{"type" : "object", "x":1.0}')
    assert parse(output_config={"format": None}).output is None


def test_an_unknown_output_format_is_named() -> None:
    wrong = refusal(output_config={"format": {"type": "lark", "schema": {}}})
    assert wrong.message == "output_config.format type lark is not supported"
    wanted: Any
    for wanted in ({"type": "json_schema"}, {"schema": {}}, {"type": "json_schema", "schema": "s"}):
        assert refusal(output_config={"format": wanted}).message == "invalid JSON request"


@pytest.mark.parametrize(
    "fields",
    [
        {"messages": {}},
        {"messages": [5]},
        {"messages": [{"role": 5}]},
        {"messages": [{"content": 5}]},
        {"messages": [{"content": [5]}]},
        {"messages": [{"content": [{"type": 5}]}]},
        {"messages": [{"content": [{"type": "text", "text": 5}]}]},
        {"messages": [{"content": [{"type": "thinking", "thinking": []}]}]},
        {"messages": [{"role": "assistant", "content": [{"type": "tool_use", "id": "1"}]}]},
        {"messages": [{"role": "assistant", "content": [{"type": "tool_use", "id": 1, "name": "f"}]}]},
        {"messages": [{"content": [{"type": "tool_result", "tool_use_id": 1}]}]},
        {"system": 5},
        {"system": [{"text": 5}]},
        {"tools": {}},
        {"tools": [5]},
        {"thinking": "on"},
        {"output_config": []},
        {"output_config": {"format": "json"}},
        {"stop_sequences": {}},
        {"max_tokens": "5"},
        {"stream": 1},
    ],
)
def test_wrong_types_are_refused(fields: dict[str, Any]) -> None:
    assert refusal(**fields).message == "invalid JSON request"


def test_messages_are_needed() -> None:
    for body in (b"{}", b'{"messages":null}'):
        with pytest.raises(RequestError, match="missing messages"):
            parse_request(body, ParseContext(100))


# -- answers to calls
# ------------------------------------------------------------------------------------------------------


def test_full_replay_is_accepted_without_live_state() -> None:
    request = parse(messages=[ASK, assistant(tool_use("1"), tool_use("2")), user(result("2"), result("1"))])
    assert request.continues == ()
    assert request.answers == ("2", "1")
    assert len(request.messages) == 3


@pytest.mark.parametrize(
    "messages",
    [
        [user(result("1"))],
        [user(result("1")), assistant(tool_use("1"))],
        [{"role": "user", "content": [tool_use("1")]}, user(result("1"))],
        [assistant(tool_use("2")), user(result("2"), result("1"))],
    ],
)
def test_unknown_ids_are_refused(messages: list[Any]) -> None:
    assert refusal(messages=messages).message == (
        "Anthropic continuation state is not available for tool_use_id 1; "
        "retry by replaying the full messages history"
    )


def test_live_ids_continue_the_last_turn() -> None:
    request = parse(live=["1", "2"], system="s", tools=TOOLS, messages=[user(result("1"), result("2"), "go")])
    results = "<tool_result>ok</tool_result><tool_result>ok</tool_result>"
    assert request.continues == ("1", "2")
    assert request.messages == (Message("user", f"{results}go"), Message("system", "s"))


def test_the_tail_holds_the_end_marker_the_results_and_the_opening_of_the_answer() -> None:
    trailing = {"role": "system", "content": "Be brief."}
    request = parse(live=["1"], system="s", tools=TOOLS, messages=[user(result("1")), user("go"), trailing])
    expected = f"{EOS}{USER}<tool_result>ok</tool_result>{USER}go{ASSISTANT}"
    assert request.continues == ("1",)
    assert render_continuation(request.messages, ThinkMode.HIGH).text == f"{expected}{THINK_OPEN}"
    assert render_continuation(request.messages, ThinkMode.NONE).text == f"{expected}{THINK_CLOSE}"


def test_what_stands_before_the_hidden_turn_is_left_to_the_session() -> None:
    request = parse(
        live=["3"],
        messages=[ASK, assistant(tool_use("1")), user(result("1")), user("more"), user(result("3"))],
    )
    assert request.continues == ("3",)
    assert request.messages == (Message("user", "<tool_result>ok</tool_result>"),)


def test_a_hidden_turn_that_is_not_the_last_is_refused() -> None:
    messages = [user(result("1")), assistant("done"), ASK]
    assert "for tool_use_id 1;" in refusal(live=["1"], messages=messages).message


# -- any input
# ------------------------------------------------------------------------------------------------------

ANY_TEXT = st.text(st.characters(), max_size=4)


def values(numbers: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.recursive(
        st.none() | st.booleans() | st.integers() | numbers | ANY_TEXT,
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(ANY_TEXT, inner, max_size=3),
        max_leaves=6,
    )


ANY = values(st.floats())


def some(**members: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    """An object with any of these members."""
    return st.fixed_dictionaries({}, optional=members)


def block(kind: str, **members: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries({"type": st.just(kind), **members})


IDS = st.sampled_from(["1", "2", "live"])
OBJECTS = st.dictionaries(ANY_TEXT, values(st.floats(allow_nan=False, allow_infinity=False)), max_size=3)
TEXT = block("text", text=ANY_TEXT)
TEXTS = st.lists(TEXT | ANY_TEXT, max_size=3)
CALL = block("tool_use", id=IDS, name=ANY_TEXT, input=OBJECTS)
RESULT = block("tool_result", tool_use_id=IDS, content=TEXTS | ANY_TEXT)
THINKING = block("thinking", thinking=ANY_TEXT, signature=ANY_TEXT)
SPOKEN = st.builds(assistant, TEXT | CALL | THINKING, TEXT | CALL)
ASKED = st.builds(user, TEXT | RESULT, RESULT | ANY_TEXT)
OTHER = st.fixed_dictionaries({"role": st.sampled_from(["system", "tool", "critic"]), "content": TEXTS})
# With a first turn that makes calls, so that results are not all refused.
MESSAGES = st.builds(
    lambda first, rest: [*first, *rest],
    st.sampled_from([[], [assistant(tool_use("1"), tool_use("2"))]]),
    st.lists(SPOKEN | ASKED | OTHER, max_size=3),
)
CHOICES = st.sampled_from(["auto", "any", "tool", "none"])
OPTIONS = some(
    model=ANY_TEXT,
    system=TEXTS | ANY_TEXT,
    tools=st.lists(st.fixed_dictionaries({"name": st.just("f"), "input_schema": OBJECTS}), max_size=2),
    tool_choice=st.fixed_dictionaries({"type": CHOICES, "name": st.just("f")}),
    max_tokens=st.integers(),
    temperature=st.floats(0, 2),
    stop_sequences=st.lists(ANY_TEXT, max_size=2),
    stream=st.booleans(),
    thinking=some(type=st.sampled_from(["enabled", "disabled"]), budget_tokens=st.integers()),
    output_config=some(
        effort=st.sampled_from(["low", "max", "none"]),
        format=st.fixed_dictionaries({"type": st.just("json_schema"), "schema": OBJECTS}),
    ),
)
VALID = st.builds(lambda options, messages: {**options, "messages": messages}, OPTIONS, MESSAGES)


def fields(value: Any) -> list[tuple[Any, Any]]:
    """Every place inside of a value: its container, and its key or index."""
    keys: Any = value if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ()
    return [place for key in keys for place in [(value, key), *fields(value[key])]]


@st.composite
def bodies(draw: st.DrawFn) -> Any:
    """A valid body with anything in up to two of its fields."""
    body = json.loads(json.dumps(draw(VALID)))
    for _ in range(draw(st.integers(0, 2))):
        container, key = draw(st.sampled_from(fields(body)))
        container[key] = draw(ANY)
    return body


@given(bodies() | ANY)
def test_any_json_is_a_turn_or_a_refusal(body: Any) -> None:
    context = ParseContext(1000, lambda call_id: call_id == "live")
    try:
        request = DIALECT.parse(json.dumps(body).encode(), context)
    except RequestError as refused:
        assert refused.status == 400
        json.loads(anthropic_error_body(refused.status, refused.message))
        return
    if request.continues:
        rendered = render_continuation(request.messages, request.think)
    else:
        rendered = render_chat(request.messages, request.tools_raw, request.think, format_texts())
    encode(rendered.text).decode()


@given(MESSAGES)
def test_each_call_keeps_its_own_input(messages: list[Any]) -> None:
    """Whatever stands beside it: text, other calls, messages without any."""
    text = json.dumps({"messages": messages})
    found = read_items(text, json.loads(text))
    blocks = [b for m in messages if m["role"] == "assistant" for b in m["content"]]
    assert [call.arguments for item in found for call in item.message.tool_calls] == [
        json.dumps(b["input"]) for b in blocks if b["type"] == "tool_use"
    ]


@given(st.binary(max_size=40))
def test_any_bytes_are_a_turn_or_a_refusal(body: bytes) -> None:
    with pytest.raises(RequestError):
        DIALECT.parse(body, ParseContext(1000))


# -- replies
# ------------------------------------------------------------------------------------------------------

USAGE = Usage(10, 7, 3)


def whole(reply: Reply) -> Any:
    return json.loads(MessagesWriter("msg_1", "m").whole(1, reply))


def stream(reply: Reply, *emissions: Emission) -> list[tuple[str, Any]]:
    writer = MessagesWriter("msg_1", "m")
    out = writer.start(1, Usage(reply.usage.prompt, reply.usage.cached, 0))
    out += b"".join(writer.emit(2, e) for e in emissions)
    return records(out + writer.finish(3, reply))


def test_the_bytes_of_a_whole_reply() -> None:
    reply = Reply("r", 'c"', (ToolCall("toolu_1", "f", '{"z":1,"a":2}'),), "tool_calls", USAGE)
    assert MessagesWriter("msg_1", "m").whole(1, reply).decode() == (
        '{"id":"msg_1","type":"message","role":"assistant","model":"m","content":['
        '{"type":"thinking","thinking":"r","signature":"msg_1"},{"type":"text","text":"c\\""},'
        '{"type":"tool_use","id":"toolu_1","name":"f","input":{"z":1,"a":2}}],"stop_reason":"tool_use",'
        '"stop_sequence":null,"usage":{"input_tokens":3,"output_tokens":3,"cache_read_input_tokens":7,'
        '"cache_creation_input_tokens":0,"cache":{"live":7,"resident":0,"disk":0,"read":3}}}\n'
    )


def test_usage_adds_up_to_the_prompt_in_both_modes() -> None:
    """ds4-server says input 0, creation 3; what was neither read from nor written for a cache is input."""
    reply = Reply("", "c", (), "stop", USAGE)
    expected = {
        "input_tokens": 3,
        "cache_read_input_tokens": 7,
        "cache_creation_input_tokens": 0,
        "cache": {"live": 7, "resident": 0, "disk": 0, "read": 3},
    }
    assert whole(reply)["usage"] == {**expected, "output_tokens": 3}
    assert stream(reply)[0][1]["message"]["usage"] == {**expected, "output_tokens": 0}


@pytest.mark.parametrize(
    ("finish", "stop", "reason", "sequence"),
    [
        ("stop", None, "end_turn", None),
        ("stop", "X", "stop_sequence", "X"),
        ("length", None, "max_tokens", None),
        ("tool_calls", None, "tool_use", None),
    ],
)
def test_stop_reasons(finish: Finish, stop: str | None, reason: str, sequence: str | None) -> None:
    reply = Reply("", "c", (), finish, USAGE, stop=stop)
    assert (whole(reply)["stop_reason"], whole(reply)["stop_sequence"]) == (reason, sequence)
    delta = dict(stream(reply))["message_delta"]
    assert delta["delta"] == {"stop_reason": reason, "stop_sequence": sequence}
    assert delta["usage"] == {"output_tokens": 3}


def test_the_order_of_a_stream() -> None:
    reply = Reply("ab", "c", (ToolCall("toolu_1", "f", "{}"),), "tool_calls", USAGE)
    events = stream(
        reply,
        Emission(Reasoning("a")),
        Emission(Reasoning("b")),
        Emission(Content("c")),
        Emission(CallStart(0, "f"), "toolu_1"),
        Emission(CallArguments(0, '{"p":"echo partial')),
        Emission(CallArguments(0, ' done"}')),
    )
    assert [(name, e.get("index"), e.get("delta", {}).get("type")) for name, e in events] == [
        ("message_start", None, None),
        ("content_block_start", 0, None),
        ("content_block_delta", 0, "thinking_delta"),
        ("content_block_delta", 0, "thinking_delta"),
        ("content_block_delta", 0, "signature_delta"),
        ("content_block_stop", 0, None),
        ("content_block_start", 1, None),
        ("content_block_delta", 1, "text_delta"),
        ("content_block_stop", 1, None),
        ("content_block_start", 2, None),
        ("content_block_delta", 2, "input_json_delta"),
        ("content_block_delta", 2, "input_json_delta"),
        ("content_block_stop", 2, None),
        ("message_delta", None, None),
        ("message_stop", None, None),
    ]
    starts = [e["content_block"] for name, e in events if name == "content_block_start"]
    assert starts == [
        {"type": "thinking", "thinking": "", "signature": ""},
        {"type": "text", "text": ""},
        {"type": "tool_use", "id": "toolu_1", "name": "f", "input": {}},
    ]
    fragments = [e["delta"]["partial_json"] for _, e in events if e.get("index") == 2 and "delta" in e]
    assert fragments == ['{"p":"echo partial', ' done"}']


@pytest.mark.parametrize("reasoning", ["", "r"])
def test_a_reply_without_text_gets_an_empty_block(reasoning: str) -> None:
    reply = Reply(reasoning, "", (), "length", USAGE, thinking_cut=bool(reasoning))
    shown = stream(reply, *[Emission(Reasoning(reasoning))] if reasoning else [])
    thinking = [{"type": "thinking", "thinking": "r", "signature": "msg_1"}] if reasoning else []
    assert whole(reply)["content"] == [*thinking, {"type": "text", "text": ""}]
    assert joined(shown) == whole(reply)


def test_calls_that_were_not_streamed_come_at_the_end() -> None:
    calls = (ToolCall("toolu_1", "f", '{"a":1}'), ToolCall("toolu_2", "g", "{}"))
    shown = joined(stream(Reply("", "", calls, "tool_calls", USAGE), Emission(Content("<raw>"))))
    assert shown["content"] == [
        {"type": "text", "text": "<raw>"},
        {"type": "tool_use", "id": "toolu_1", "name": "f", "input": {"a": 1}},
        {"type": "tool_use", "id": "toolu_2", "name": "g", "input": {}},
    ]


def test_a_failed_turn_ends_in_an_error_and_leaves_the_cut_call_open() -> None:
    reply = Reply("", "c", (), "error", USAGE)
    events = stream(
        reply,
        Emission(Content("c")),
        Emission(CallStart(0, "f"), "toolu_1"),
        Emission(CallArguments(0, '{"a":"')),
    )
    assert [name for name, _ in events[-2:]] == ["content_block_delta", "error"]
    assert events[-1][1] == {
        "type": "error", "error": {"type": "api_error", "message": "generation failed"}
    }  # fmt: skip


@given(st.data(), st.booleans())
def test_the_joined_stream_equals_the_whole_reply(data: st.DataObject, ends_early: bool) -> None:
    """Only strings end early here: a stream learns too late that a raw value is not JSON."""
    text = st.text(st.sampled_from('ab <&\n"\\é中{'), max_size=8)
    values = text if ends_early else text | st.integers() | st.lists(st.integers(), max_size=2)
    call = st.tuples(st.sampled_from("fg"), st.dictionaries(text, values))
    calls = [
        ToolCall("", name, json.dumps(arguments, ensure_ascii=False))
        for name, arguments in data.draw(st.lists(call, max_size=2))
    ]
    sampled = f"{data.draw(text)}</think>{data.draw(text)}" + (render_block(calls) if calls else "")
    raw = sampled.encode()
    raw = raw[: data.draw(st.integers(0, len(raw)))] if ends_early else raw
    cuts = sorted(data.draw(st.lists(st.integers(0, len(raw)), max_size=12)))
    machine, turn = DsmlMachine(thinking=True, tools=True), Turn()
    events: list[Event] = []
    for start, end in zip([0, *cuts], [*cuts, len(raw)], strict=True):
        events += machine.feed(raw[start:end])
    events += machine.finish(cut=False)
    turn.add(events)
    called = tuple(ToolCall(f"toolu_{c.index}", c.name, c.arguments) for c in turn.calls)
    finish: Finish = "error" if machine.error else "tool_calls" if machine.done else "stop"
    reply = Reply(turn.reasoning, turn.content, called, finish, Usage(20, 5, len(raw)))
    ids = (f"toolu_{e.index}" if isinstance(e, CallStart) else "" for e in events)
    shown = stream(reply, *map(Emission, events, ids))
    if finish == "error":
        assert shown[-1][0] == "error"
    else:
        assert joined(shown) == whole(reply)


def test_records_of_the_prefill() -> None:
    writer = MessagesWriter("msg_1", "m")
    assert writer.keepalive == b'event: ping\ndata: {"type":"ping"}\n\n'
    assert writer.failure('no "memory"') == (
        b'event: error\ndata: {"type":"error","error":{"type":"api_error","message":"no \\"memory\\""}}\n\n'
    )


def test_the_id_is_random_and_signs_the_thinking() -> None:
    writer = DIALECT.writer(TurnRequest(), "m", ReplyIds(5, lambda: "0" * 24))
    message = json.loads(writer.whole(1, Reply("r", "", (), "stop", USAGE)))
    assert message["id"] == message["content"][0]["signature"] == "msg_" + "0" * 24


# -- refusals
# ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, "invalid_request_error"),
        (401, "authentication_error"),
        (404, "not_found_error"),
        (409, "invalid_request_error"),
        (413, "request_too_large"),
        (429, "rate_limit_error"),
        (500, "api_error"),
        (503, "overloaded_error"),
        (529, "overloaded_error"),
        (599, "api_error"),
    ],
)
def test_errors_have_anthropics_shape(status: int, kind: str) -> None:
    expected = f'{{"type":"error","error":{{"type":"{kind}","message":"a\\"b"}}}}\n'
    assert anthropic_error_body(status, 'a"b').decode() == expected


def test_a_prompt_that_is_too_long() -> None:
    refused = overflow(8192, 8191)
    assert refused.status == 400
    assert refused.body == (
        b'{"type":"error","error":{"type":"invalid_request_error","message":"Prompt has 8192 tokens, but the '
        b'configured context size is 8191 tokens","n_prompt_tokens":8192,"n_ctx":8191}}\n'
    )
