"""Replies in the shape of the Responses API: the bytes, the order of events, statuses."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterable, Mapping
from functools import partial
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ds4agent.wire.dialect import Emission
from ds4agent.wire.dsml import (
    BlockEnd,
    CallArguments,
    CallEnd,
    CallStart,
    Content,
    DsmlMachine,
    Event,
    Reasoning,
    Turn,
)
from ds4agent.wire.dsml_render import render_block
from ds4agent.wire.message import ToolCall
from ds4agent.wire.reply import Finish, Reply, Usage
from ds4agent.wire.request import OfferedTool, TurnRequest
from ds4agent.wire.responses_writer import ResponsesWriter
from tests.responses_stream import joined, records, without_ids

USAGE = Usage(10, 7, 3)
NAMES = {
    "ns.f": OfferedTool("f", "function", "ns."),
    "patch": OfferedTool("patch", "custom"),
    "tool_search": OfferedTool("tool_search", "tool_search"),
}


def new_writer(summaries: bool = True, offered: Mapping[str, OfferedTool] = NAMES) -> ResponsesWriter:
    numbers = itertools.count()
    return ResponsesWriter(
        TurnRequest(offered=offered, summaries=summaries), 'm"', lambda: f"{next(numbers):024x}"
    )


def whole(reply: Reply, summaries: bool = True) -> dict[str, Any]:
    body = new_writer(summaries).whole(1, reply)
    assert not body.endswith(b"\n")
    value: dict[str, Any] = json.loads(body)
    return value


def stream(
    reply: Reply, emissions: Iterable[Emission] = (), summaries: bool = True
) -> list[tuple[str, dict[str, Any]]]:
    writer = new_writer(summaries)
    out = [writer.start(1, Usage(10, 7, 0))]
    out += [writer.emit(2, emission) for emission in emissions]
    return records(b"".join(out) + writer.finish(3, reply))


def one_call(name: str, *fragments: str, ended: bool = True) -> list[Emission]:
    text = "".join(fragments)
    emissions = [Emission(CallStart(0, name), "call_1"), *(Emission(CallArguments(0, f)) for f in fragments)]
    return [*emissions, Emission(CallEnd(0, name, text)), Emission(BlockEnd())] if ended else emissions


def test_the_bytes_of_a_whole_reply() -> None:
    calls = (ToolCall("call_1", "g", '{"a":"x"}'), ToolCall("call_2", "ns.f", "{}"))
    assert new_writer().whole(5, Reply("r", 'c"', calls, "tool_calls", USAGE)).decode() == (
        f'{{"id":"resp_{0:024x}","object":"response","created_at":5,"status":"completed","model":"m\\"",'
        f'"output":[{{"id":"rs_{1:024x}","type":"reasoning","status":"completed",'
        '"summary":[{"type":"summary_text","text":"r"}]},'
        f'{{"id":"msg_{2:024x}","type":"message","status":"completed","role":"assistant",'
        '"content":[{"type":"output_text","text":"c\\"","annotations":[]}]},'
        f'{{"id":"fc_{3:024x}","type":"function_call","status":"completed","name":"g","call_id":"call_1",'
        '"arguments":"{\\"a\\":\\"x\\"}"},'
        f'{{"id":"fc_{4:024x}","type":"function_call","status":"completed","name":"f","namespace":"ns.",'
        '"call_id":"call_2","arguments":"{}"}],'
        '"usage":{"input_tokens":10,"input_tokens_details":{"cached_tokens":7,"cache_write_tokens":3},'
        '"output_tokens":3,"output_tokens_details":{"reasoning_tokens":0},"total_tokens":13,'
        '"cache":{"live":7,"resident":0,"disk":0,"read":3}}}'
    )


def test_the_bytes_of_a_streamed_message() -> None:
    writer = new_writer()
    reply = Reply("", "Hi", (), "stop", USAGE)
    out = writer.start(5, USAGE) + writer.emit(6, Emission(Content("Hi"))) + writer.finish(7, reply)
    head = f'"id":"resp_{0:024x}","object":"response","created_at":5,"status":'
    at = f'"item_id":"msg_{1:024x}","output_index":0,"content_index":0'
    item = f'"id":"msg_{1:024x}","type":"message","status":'
    part = '{"type":"output_text","text":"Hi","annotations":[]}'
    done = f'{{{item}"completed","role":"assistant","content":[{part}]}}'
    usage = json.loads(out.decode().split("\n\n")[-2][6:])["response"]["usage"]
    expected = [
        f'{{"type":"response.created","sequence_number":0,"response":{{{head}"in_progress","model":"m\\"",'
        '"output":[]}}',
        f'{{"type":"response.in_progress","sequence_number":1,"response":{{{head}"in_progress",'
        '"model":"m\\"","output":[]}}',
        '{"type":"response.output_item.added","sequence_number":2,"output_index":0,'
        f'"item":{{{item}"in_progress","role":"assistant","content":[]}}}}',
        f'{{"type":"response.content_part.added","sequence_number":3,{at},'
        '"part":{"type":"output_text","text":"","annotations":[]}}',
        f'{{"type":"response.output_text.delta","sequence_number":4,{at},"delta":"Hi"}}',
        f'{{"type":"response.output_text.done","sequence_number":5,{at},"text":"Hi"}}',
        f'{{"type":"response.content_part.done","sequence_number":6,{at},"part":{part}}}',
        f'{{"type":"response.output_item.done","sequence_number":7,"output_index":0,"item":{done}}}',
        f'{{"type":"response.completed","sequence_number":8,"response":{{{head}"completed",'
        f'"model":"m\\"","output":[{done}],"usage":{json.dumps(usage, separators=(",", ":"))}}}}}',
    ]
    assert out.decode() == "".join(f"data: {text}\n\n" for text in expected)


def test_usage_is_the_same_in_both_modes() -> None:
    reply = Reply("", "c", (), "stop", USAGE)
    expected = {
        "input_tokens": 10,
        "input_tokens_details": {"cached_tokens": 7, "cache_write_tokens": 3},
        "output_tokens": 3,
        "output_tokens_details": {"reasoning_tokens": 0},
        "total_tokens": 13,
        "cache": {"live": 7, "resident": 0, "disk": 0, "read": 3},
    }
    assert whole(reply)["usage"] == joined(stream(reply, [Emission(Content("c"))]))["usage"] == expected


def test_the_order_of_a_stream() -> None:
    """Reasoning is closed when the text begins, the text when the call begins."""
    reply = Reply("ab", "c", (ToolCall("call_1", "ns.f", '{"p":"x y"}'),), "tool_calls", USAGE)
    events = stream(
        reply,
        [
            Emission(Reasoning("a")),
            Emission(Reasoning("b")),
            Emission(Content("c")),
            *one_call("ns.f", '{"p":"x', ' y"}'),
        ],
    )
    assert [(name, data.get("output_index")) for name, data in events] == [
        ("created", None),
        ("in_progress", None),
        ("output_item.added", 0),
        ("reasoning_summary_part.added", 0),
        ("reasoning_summary_text.delta", 0),
        ("reasoning_summary_text.delta", 0),
        ("reasoning_summary_text.done", 0),
        ("reasoning_summary_part.done", 0),
        ("output_item.done", 0),
        ("output_item.added", 1),
        ("content_part.added", 1),
        ("output_text.delta", 1),
        ("output_text.done", 1),
        ("content_part.done", 1),
        ("output_item.done", 1),
        ("output_item.added", 2),
        ("function_call_arguments.delta", 2),
        ("function_call_arguments.delta", 2),
        ("function_call_arguments.done", 2),
        ("output_item.done", 2),
        ("completed", None),
    ]
    fragments = [data["delta"] for name, data in events if name == "function_call_arguments.delta"]
    assert fragments == ['{"p":"x', ' y"}']
    done = next(data for name, data in events if name == "function_call_arguments.done")
    assert list(done)[2:] == ["item_id", "output_index", "name", "namespace", "arguments"]
    assert without_ids(joined(events)) == without_ids(whole(reply))


def test_a_namespaced_call_never_shows_the_name_of_the_prompt() -> None:
    reply = Reply("", "", (ToolCall("call_1", "ns.f", "{}"),), "tool_calls", USAGE)
    for value in (whole(reply), *(data for _, data in stream(reply, one_call("ns.f", "{}")))):
        assert "ns.f" not in json.dumps(value)
    item = whole(reply)["output"][0]
    assert (item["name"], item["namespace"]) == ("f", "ns.")


@pytest.mark.parametrize("streamed", [True, False])
def test_a_hosted_tool_search_call(streamed: bool) -> None:
    reply = Reply("", "", (ToolCall("call_1", "tool_search", '{"query":"q"}'),), "tool_calls", USAGE)
    events = stream(reply, one_call("tool_search", '{"query":', '"q"}') if streamed else [])
    added, done = (data["item"] for name, data in events if name.startswith("output_item"))
    assert [name for name, _ in events[2:-1]] == ["output_item.added", "output_item.done"]
    assert list(done) == ["id", "type", "status", "call_id", "execution", "arguments"]
    assert (added["arguments"], done["arguments"]) == ({}, {"query": "q"})
    assert (done["type"], done["execution"], done["call_id"]) == ("tool_search_call", "client", "call_1")
    assert without_ids(joined(events)) == without_ids(whole(reply))


def test_a_user_function_called_tool_search_comes_back_as_a_function() -> None:
    reply = Reply("", "", (ToolCall("call_1", "tool_search", "{}"),), "tool_calls", USAGE)
    offered = {"tool_search": OfferedTool("tool_search")}
    item = json.loads(new_writer(offered=offered).whole(1, reply))["output"][0]
    assert (item["type"], item["arguments"]) == ("function_call", "{}")
    writer = new_writer(offered=offered)
    data = writer.start(1, USAGE) + b"".join(map(partial(writer.emit, 2), one_call("tool_search", "{}")))
    types = {event["item"]["type"] for _, event in records(data + writer.finish(3, reply)) if "item" in event}
    assert types == {"function_call"}


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ('{"input":"*** Begin\\n"}', "*** Begin\n"),
        ('{"arguments":"x"}', "x"),
        ('{"a":"x","b":"y"}', '{"a":"x","b":"y"}'),
        ('{"a":1}', '{"a":1}'),
        ('{"a":"\\ud83d"}', "\ufffd"),
        ("{}", "{}"),
    ],
)
def test_a_custom_call_has_one_text(arguments: str, text: str) -> None:
    reply = Reply("", "", (ToolCall("call_1", "patch", arguments),), "tool_calls", USAGE)
    events = stream(reply, one_call("patch", arguments[:5], arguments[5:]))
    assert [name for name, _ in events[2:-1]] == [
        "output_item.added", "custom_tool_call_input.delta", "custom_tool_call_input.done", "output_item.done"
    ]  # fmt: skip
    item = joined(events)["output"][0]
    assert list(item) == ["id", "type", "status", "name", "call_id", "input"]
    assert (item["type"], item["input"]) == ("custom_tool_call", text)
    assert without_ids(joined(events)) == without_ids(whole(reply))


@pytest.mark.parametrize(
    ("finish", "status", "item_status", "details"),
    [
        ("stop", "completed", "completed", {}),
        ("tool_calls", "completed", "completed", {}),
        ("length", "incomplete", "incomplete", {"incomplete_details": {"reason": "max_tokens"}}),
        (
            "error", "failed", "incomplete",
            {"error": {"code": "server_error", "message": "generation failed"}},
        ),
    ],
)  # fmt: skip
def test_statuses(finish: Finish, status: str, item_status: str, details: dict[str, Any]) -> None:
    reply = Reply("r", "c", (), finish, USAGE)
    shown = joined(stream(reply, [Emission(Reasoning("r")), Emission(Content("c"))]))
    for response in (whole(reply), shown):
        assert response["status"] == status
        assert response["output"][1]["status"] == item_status
        assert {k: response[k] for k in ("error", "incomplete_details") if k in response} == details
    assert whole(reply)["output"][0]["status"] == item_status
    assert shown["output"][0]["status"] == "completed"
    members = ["id", "object", "created_at", "status", "model", *details, "output", "usage"]
    assert list(whole(reply)) == list(shown) == members


@pytest.mark.parametrize("summaries", [True, False])
def test_cut_off_thinking_is_never_content(summaries: bool) -> None:
    reply = Reply("I need", "", (), "length", USAGE, thinking_cut=True)
    shown = joined(stream(reply, [Emission(Reasoning("I need"))], summaries))
    assert without_ids(shown) == without_ids(whole(reply, summaries))
    kinds = [(item["type"], item["status"]) for item in shown["output"]]
    assert kinds == ([("reasoning", "incomplete")] if summaries else [])


def test_reasoning_is_shown_only_if_summaries_were_asked_for() -> None:
    reply = Reply("secret", "c", (), "stop", USAGE)
    events = stream(reply, [Emission(Reasoning("secret")), Emission(Content("c"))], summaries=False)
    assert "secret" not in json.dumps([events, whole(reply, summaries=False)])
    assert [data["output_index"] for name, data in events if name == "output_item.added"] == [0]


def test_an_empty_reply_has_no_items() -> None:
    reply = Reply("", "", (), "length", USAGE)
    assert whole(reply)["output"] == joined(stream(reply))["output"] == []


@pytest.mark.parametrize(
    ("name", "member", "left"),
    [("g", "arguments", '{"a":"'), ("patch", "input", ""), ("tool_search", "arguments", {})],
)
def test_a_call_that_is_cut_off_is_closed_as_incomplete(name: str, member: str, left: object) -> None:
    """Nothing of it can be mistaken for something to run."""
    reply = Reply("", "", (), "error", USAGE)
    shown = joined(stream(reply, one_call(name, '{"a":"', ended=False)))
    (item,) = shown["output"]
    assert (item["status"], item[member], shown["status"]) == ("incomplete", left, "failed")


def test_calls_that_were_not_streamed_come_at_the_end() -> None:
    calls = (ToolCall("call_1", "f", '{"a":1}'), ToolCall("call_2", "g", "{}"))
    events = stream(Reply("", "", calls, "tool_calls", USAGE), [Emission(Content("<raw>"))])
    shown = joined(events)
    assert [item["type"] for item in shown["output"]] == ["message", "function_call", "function_call"]
    deltas = [data["delta"] for name, data in events if name == "function_call_arguments.delta"]
    assert deltas == [item["arguments"] for item in shown["output"][1:]] == ['{"a":1}', "{}"]


def test_records_of_the_prefill() -> None:
    writer = new_writer()
    assert writer.keepalive == b": prefill\n\n"
    assert writer.failure("no") == b'event: error\ndata: {"error":{"message":"no","type":"server_error"}}\n\n'


@given(st.data(), st.booleans(), st.booleans())
def test_events_of_any_split_join_up_to_the_whole_reply(
    data: st.DataObject, ends_early: bool, summaries: bool
) -> None:
    text = st.text(st.sampled_from('ab <&\n"\\é中{'), max_size=8)
    values = text if ends_early else text | st.integers() | st.lists(st.integers(), max_size=2)
    call = st.tuples(st.sampled_from(("g", *NAMES)), st.dictionaries(text, values))
    calls = [
        ToolCall("", name, json.dumps(arguments, ensure_ascii=False))
        for name, arguments in data.draw(st.lists(call, max_size=3))
    ]
    sampled = f"{data.draw(text)}</think>{data.draw(text)}" + (render_block(calls) if calls else "")
    raw = sampled.encode()
    raw = raw[: data.draw(st.integers(0, len(raw)))] if ends_early else raw
    cuts = sorted(data.draw(st.lists(st.integers(0, len(raw)), max_size=12)))
    machine, turn = DsmlMachine(thinking=True, tools=True), Turn()
    events: list[Event] = []
    for start, end in zip([0, *cuts], [*cuts, len(raw)], strict=True):
        events += machine.feed(raw[start:end])
    events += machine.finish(cut=ends_early)
    turn.add(events)
    called = tuple(ToolCall(f"call_{c.index}", c.name, c.arguments) for c in turn.calls)
    finish: Finish = "error" if machine.error else "tool_calls" if machine.done else "stop"
    reply = Reply(
        turn.reasoning, turn.content, called if machine.done else (), finish, USAGE, machine.in_think
    )
    ids = (f"call_{e.index}" if isinstance(e, CallStart) else "" for e in events)
    shown = without_ids(joined(stream(reply, map(Emission, events, ids), summaries)))
    expected = without_ids(whole(reply, summaries))
    if finish == "error":
        # What the stream showed before the turn failed stays shown: reasoning, text and calls that ended.
        assert shown["status"] == expected["status"] == "failed"
        kinds = [item["type"] for item in shown["output"]]
        assert kinds[: len(expected["output"])] == [item["type"] for item in expected["output"]]
    else:
        assert shown == expected
