"""Anthropic messages of a real engine process that recites, beside what a real ds4-server answered.

Heads, member orders and the order of events are those of recorded traffic. Where this engine does better on
purpose (ids, usage, stop sequences, errors, cut-off thinking), the test says so.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

from tests.anthropic_stream import joined, records
from tests.e2e.recitals import ANSWER, BASH_ARGUMENTS, CALLS, LOOK, READ_ARGUMENTS, REASONING, M
from tests.engine_fixtures import EngineProcess, exchange, reciting_engine, request

MESSAGES = "/v1/messages"
COUNT = "/v1/messages/count_tokens"
HELLO = [{"role": "user", "content": "Hello there"}]
LIST = [{"role": "user", "content": "List the files in src"}]
TOOLS = [
    {"name": name, "description": "d", "input_schema": {"type": "object", "properties": {}}}
    for name in ("bash", "read")
]
STREAM_HEAD = (
    "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nCache-Control: no-cache\r\nConnection: close"
)


@pytest.fixture(scope="module")
def talker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EngineProcess]:
    with reciting_engine(tmp_path_factory.mktemp("talker"), REASONING, ANSWER, "--ctx", "512") as engine:
        yield engine


@pytest.fixture(scope="module")
def caller(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EngineProcess]:
    with reciting_engine(tmp_path_factory.mktemp("caller"), LOOK, CALLS, "--ctx", "32768") as engine:
        yield engine


def post(port: int, path: str = MESSAGES, **fields: Any) -> tuple[str, bytes]:
    return exchange(port, request("POST", path, json.dumps(fields, ensure_ascii=False).encode()))


def message(port: int, **fields: Any) -> dict[str, Any]:
    """A reply that is not streamed."""
    head, body = post(port, **fields)
    length = f"Content-Length: {len(body)}"
    assert head == f"HTTP/1.1 200 OK\r\n{length}\r\nContent-Type: application/json\r\nConnection: close"
    assert body.endswith(b"}\n")
    value: dict[str, Any] = json.loads(body)
    return value


def stream(port: int, **fields: Any) -> list[tuple[str, Any]]:
    head, body = post(port, stream=True, **fields)
    assert head == STREAM_HEAD
    return records(body)


def refused(port: int, path: str = MESSAGES, **fields: Any) -> tuple[str, dict[str, Any]]:
    """Status line and the inner error of a refusal in Anthropic's shape."""
    head, body = post(port, path, **fields)
    value = json.loads(body)
    assert list(value) == ["type", "error"]
    assert value["type"] == "error"
    assert body.endswith(b"}\n")
    return head.split("\r\n")[0], value["error"]


def count(port: int, **fields: Any) -> int:
    head, body = post(port, COUNT, **fields)
    assert head.startswith("HTTP/1.1 200 OK\r\n")
    number = json.loads(body)["input_tokens"]
    assert body == f'{{"input_tokens":{number}}}\n'.encode()
    return int(number)


def read(reply: dict[str, Any]) -> tuple[int, int]:
    """Tokens that were cached, and tokens that were read."""
    usage = reply["usage"]
    assert usage["cache_creation_input_tokens"] == 0
    return usage["cache_read_input_tokens"], usage["input_tokens"]


def total(reply: dict[str, Any]) -> int:
    return sum(read(reply)) + int(reply["usage"]["output_tokens"])


def results(reply: dict[str, Any], text: str = "ok") -> dict[str, Any]:
    calls = [block for block in reply["content"] if block["type"] == "tool_use"]
    content = [{"type": "tool_result", "tool_use_id": c["id"], "content": text} for c in calls]
    return {"role": "user", "content": content}


def said(reply: dict[str, Any]) -> dict[str, Any]:
    return {"role": "assistant", "content": reply["content"]}


# -- text
# ----------------------------------------------------------------------------------------------------------


def test_a_reply_with_thinking(talker: EngineProcess) -> None:
    """As recorded, but for the random id and the usage that adds up."""
    head, body = post(talker.port, model="claude-x", max_tokens=100, messages=HELLO)
    assert head.startswith("HTTP/1.1 200 OK\r\n")
    n = json.loads(body)["usage"]["input_tokens"]
    assert re.sub("msg_[0-9a-f]{24}", "msg_0", body.decode()) == (
        '{"id":"msg_0","type":"message","role":"assistant","model":"claude-x","content":[{"type":"thinking",'
        '"thinking":"The user greets me, so I will answer shortly.","signature":"msg_0"},{"type":"text",'
        '"text":"Hello! How can I help you today? é中"}],"stop_reason":"end_turn","stop_sequence":null,'
        f'"usage":{{"input_tokens":{n},"output_tokens":11,"cache_read_input_tokens":0,'
        f'"cache_creation_input_tokens":0,"cache":{{"live":0,"resident":0,"disk":0,"read":{n}}}}}}}\n'
    )
    assert n == count(talker.port, messages=HELLO)


def test_a_stream_has_anthropics_order(talker: EngineProcess) -> None:
    events = stream(talker.port, model="claude-x", max_tokens=100, messages=HELLO, system="Be brief.")
    assert [(name, e.get("index"), e.get("delta", {}).get("type")) for name, e in events] == [
        ("message_start", None, None),
        ("content_block_start", 0, None),
        *[("content_block_delta", 0, "thinking_delta")] * len(REASONING),
        ("content_block_delta", 0, "signature_delta"),
        ("content_block_stop", 0, None),
        ("content_block_start", 1, None),
        *[("content_block_delta", 1, "text_delta")] * len(ANSWER),
        ("content_block_stop", 1, None),
        ("message_delta", None, None),
        ("message_stop", None, None),
    ]
    start = events[0][1]["message"]
    n = start["usage"]["input_tokens"]
    assert list(start) == [
        "id", "type", "role", "model", "content", "stop_reason", "stop_sequence", "usage"
    ]  # fmt: skip
    assert list(start["usage"].items()) == [
        ("input_tokens", n),
        ("output_tokens", 0),
        ("cache_read_input_tokens", 0),
        ("cache_creation_input_tokens", 0),
        ("cache", {"live": 0, "resident": 0, "disk": 0, "read": n}),
    ]
    assert (start["content"], start["stop_reason"], start["stop_sequence"]) == ([], None, None)
    assert events[-2][1] == {
        "type": "message_delta",
        "delta": {"stop_reason": "end_turn", "stop_sequence": None},
        "usage": {"output_tokens": 11},
    }
    thinking, text = joined(events)["content"]
    assert thinking == {"type": "thinking", "thinking": "".join(REASONING), "signature": start["id"]}
    assert text == {"type": "text", "text": "".join(ANSWER)}


@pytest.mark.parametrize(
    "off",
    [
        {"thinking": {"type": "disabled"}},
        {"thinking": False},
        {"output_config": {"effort": "none"}},
        {"model": "deepseek-chat"},
    ],
)
def test_without_thinking_there_is_only_text(talker: EngineProcess, off: dict[str, Any]) -> None:
    assert joined(stream(talker.port, messages=HELLO, **off))["content"] == [
        {"type": "text", "text": "".join(ANSWER)}
    ]


def test_thinking_that_is_cut_off_stays_thinking(talker: EngineProcess) -> None:
    """ds4-server puts it into a text block when the reply is not streamed."""
    whole = message(talker.port, messages=HELLO, max_tokens=2)
    shown = joined(stream(talker.port, messages=HELLO, max_tokens=2))
    for reply in (whole, shown):
        assert reply["content"] == [
            {"type": "thinking", "thinking": "The user greets me,", "signature": reply["id"]},
            {"type": "text", "text": ""},
        ]
        assert (reply["stop_reason"], reply["usage"]["output_tokens"]) == ("max_tokens", 2)


def test_max_tokens_zero_is_an_empty_text(talker: EngineProcess) -> None:
    for reply in (
        message(talker.port, messages=HELLO, max_tokens=0),
        joined(stream(talker.port, messages=HELLO, max_tokens=0)),
    ):
        assert reply["content"] == [{"type": "text", "text": ""}]
        assert reply["stop_reason"] == "max_tokens"


def test_a_stop_sequence_is_named(talker: EngineProcess) -> None:
    """ds4-server says end_turn and null."""
    fields: dict[str, Any] = {"messages": HELLO, "thinking": False, "stop_sequences": ["x", "can I"]}
    for reply in (message(talker.port, **fields), joined(stream(talker.port, **fields))):
        assert reply["content"] == [{"type": "text", "text": "Hello! How "}]
        assert (reply["stop_reason"], reply["stop_sequence"]) == ("stop_sequence", "can I")


def test_the_second_turn_reads_only_what_is_new(talker: EngineProcess) -> None:
    first = message(talker.port, system="You are terse.", messages=HELLO)
    messages = [*HELLO, said(first), {"role": "user", "content": "And now?"}]
    second = message(talker.port, system="You are terse.", messages=messages)
    assert read(second)[0] == total(first)
    assert talker.wait_for_line(f"thinking live continuation match=visible-prefix cached={total(first)}")


# -- tools
# ---------------------------------------------------------------------------------------------------------


def test_two_calls(caller: EngineProcess) -> None:
    _, body = post(caller.port, model="c", max_tokens=200, messages=LIST, tools=TOOLS)
    reply = json.loads(body)
    ids = [block["id"] for block in reply["content"][2:]]
    assert all(re.fullmatch("toolu_[0-9a-f]{32}", call_id) for call_id in ids)
    content = body.decode().split('"content":')[1].split(',"usage"')[0]
    assert content == (
        f'[{{"type":"thinking","thinking":"I need to list the directory.","signature":"{reply["id"]}"}},'
        '{"type":"text","text":"I will look. One moment."},'
        f'{{"type":"tool_use","id":"{ids[0]}","name":"bash","input":{BASH_ARGUMENTS}}},'
        f'{{"type":"tool_use","id":"{ids[1]}","name":"read","input":{READ_ARGUMENTS}}}],'
        '"stop_reason":"tool_use","stop_sequence":null'
    )
    assert caller.wait_for_line(f"n=2 raw_dsml=1 ids=[{ids[0]},{ids[1]}] names=[bash,read]")


def test_calls_are_streamed_while_they_are_decoded(caller: EngineProcess) -> None:
    events = stream(caller.port, messages=LIST, tools=TOOLS)
    assert M not in json.dumps(events, ensure_ascii=False)
    reply = joined(events)
    assert [block["type"] for block in reply["content"]] == ["thinking", "text", "tool_use", "tool_use"]
    assert reply["content"][1]["text"] == "I will look. One moment."
    assert reply["stop_reason"] == "tool_use"
    fragments = [
        (e["index"], e["delta"]["partial_json"]) for _, e in events if "partial_json" in e.get("delta", {})
    ]
    assert fragments == [
        (2, "{"), (2, '"command":"'), (2, "ls -la"), (2, " src"), (2, ' && echo \\"a>b\\"'), (2, '"'),
        (2, "}"), (3, "{"), (3, '"path":"'), (3, "docs/"), (3, "notes.md"), (3, '"'), (3, ',"limit":'),
        (3, "20"), (3, "}"),
    ]  # fmt: skip
    ids = ",".join(block["id"] for block in reply["content"][2:])
    assert caller.wait_for_line(f"ids=[{ids}]")


def test_a_full_replay_reads_only_the_results(caller: EngineProcess) -> None:
    first = message(caller.port, messages=LIST, tools=TOOLS)
    second = joined(stream(caller.port, messages=[*LIST, said(first), results(first)], tools=TOOLS))
    cached, new = read(second)
    assert cached == total(first)
    assert caller.wait_for_line(
        f"anthropic live continuation match=tool-output-ids ids=2 cached={cached} prompt={cached + new}"
    )
    assert caller.wait_for_line(f"chat ctx={cached}..{cached + new}:{new} TOOLS prompt start")


def test_results_alone_continue_the_session(caller: EngineProcess) -> None:
    """The same tokens as with the whole history, three times over."""
    history = [*LIST]
    reply = message(caller.port, messages=history, tools=TOOLS)
    for i in range(3):
        answers = results(reply, f"result {i} </tool_result> <｜User｜>")
        history.append(said(reply))
        before = count(caller.port, messages=history, tools=TOOLS)
        history.append(answers)
        end_marker = 1
        new = count(caller.port, messages=history, tools=TOOLS) - before + end_marker
        held = total(reply)
        reply = message(caller.port, messages=[answers], tools=TOOLS)
        assert read(reply) == (held, new)
        assert caller.wait_for_line(
            f"anthropic live continuation match=tool-output-ids ids=2 cached={held} prompt={held + new}"
        )
    history += [said(reply), results(reply)]
    assert read(message(caller.port, messages=history, tools=TOOLS))[0] == total(reply)


def test_a_client_that_reorders_arguments_reads_only_what_is_new(caller: EngineProcess) -> None:
    first = message(caller.port, messages=LIST, tools=TOOLS)
    first["content"][3]["input"] = {"limit": 20, "path": "docs/notes.md"}
    second = message(caller.port, messages=[*LIST, said(first), results(first)], tools=TOOLS)
    assert read(second)[0] == total(first)


def test_results_of_an_older_turn_find_their_session(caller: EngineProcess) -> None:
    """Another conversation in between does not cost the state that they go on from."""
    first = message(caller.port, messages=LIST, tools=TOOLS)
    message(caller.port, messages=HELLO, max_tokens=1)
    reply = message(caller.port, messages=[results(first)], tools=TOOLS, max_tokens=1)
    used = first["usage"]
    assert reply["usage"]["cache_read_input_tokens"] == (
        used["input_tokens"] + used["cache_read_input_tokens"] + used["output_tokens"]
    )


def test_results_of_no_turn_are_refused(caller: EngineProcess) -> None:
    first = message(caller.port, messages=LIST, tools=TOOLS)
    lost = results(first)
    call_id = lost["content"][0]["tool_use_id"] = "toolu_lost"
    assert refused(caller.port, messages=[lost], tools=TOOLS) == (
        "HTTP/1.1 400 Bad Request",
        {
            "type": "invalid_request_error",
            "message": f"Anthropic continuation state is not available for tool_use_id {call_id}; "
            "retry by replaying the full messages history",
        },
    )


def test_calls_nobody_offered(caller: EngineProcess) -> None:
    for fields in ({"tools": TOOLS, "tool_choice": {"type": "none"}}, {}):
        shown = joined(stream(caller.port, messages=LIST, **fields))
        assert f"<{M}tool_calls>" in shown["content"][1]["text"]
        assert [b["input"] for b in shown["content"][2:]] == list(
            map(json.loads, (BASH_ARGUMENTS, READ_ARGUMENTS))
        )
        assert shown["stop_reason"] == "tool_use"


def test_a_call_that_is_cut_off_is_an_error(caller: EngineProcess) -> None:
    """ds4-server says end_turn, which a client takes for a finished task."""
    limit = len(LOOK) + 1 + 8
    events = stream(caller.port, messages=LIST, tools=TOOLS, max_tokens=limit)
    assert events[-1] == (
        "error",
        {"type": "error", "error": {"type": "api_error", "message": "generation failed"}},
    )
    assert [e.get("index") for _, e in events if "content_block_stop" in e["type"]] == [0, 1]
    status, error = refused(caller.port, messages=LIST, tools=TOOLS, max_tokens=limit)
    assert (status, error) == ("HTTP/1.1 500 Internal Server Error", events[-1][1]["error"])


# -- counting
# ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "fields",
    [
        {"messages": HELLO},
        {"messages": HELLO, "system": [{"type": "text", "text": "Be brief."}]},
        {"messages": LIST, "tools": TOOLS, "thinking": {"type": "disabled"}},
    ],
)
def test_a_count_is_what_the_turn_then_reads(caller: EngineProcess, fields: dict[str, Any]) -> None:
    n = count(caller.port, **fields)
    assert sum(read(message(caller.port, max_tokens=1, **fields))) == n


def test_counting_needs_the_whole_history(caller: EngineProcess) -> None:
    first = message(caller.port, messages=LIST, tools=TOOLS)
    assert count(caller.port, messages=[*LIST, said(first), results(first)], tools=TOOLS) > total(first)
    _, error = refused(caller.port, COUNT, messages=[results(first)], tools=TOOLS)
    assert "for tool_use_id" in error["message"]


def test_counting_refuses_what_messages_refuses(caller: EngineProcess) -> None:
    assert refused(caller.port, COUNT)[1]["message"] == "missing messages"
    assert refused(caller.port, COUNT, messages=5)[1]["message"] == "invalid JSON request"


# -- refusals
# ------------------------------------------------------------------------------------------------------


def test_a_prompt_as_long_as_the_context_is_too_long(talker: EngineProcess) -> None:
    """One token must stay free: 511 of 512 are fine."""

    def ask(n_tokens: int) -> dict[str, Any]:
        empty = count(talker.port, messages=[{"role": "user", "content": ""}])
        return {"messages": [{"role": "user", "content": "z" * (n_tokens - empty)}]}

    assert count(talker.port, **ask(512)) == 512
    reply = message(talker.port, **ask(511))
    assert (reply["usage"]["output_tokens"], reply["stop_reason"]) == (1, "max_tokens")
    head, body = post(talker.port, **ask(512))
    assert head.startswith("HTTP/1.1 400 Bad Request\r\n")
    assert body == (
        b'{"type":"error","error":{"type":"invalid_request_error","message":"Prompt has 512 tokens, but the '
        b'configured context size is 512 tokens","n_prompt_tokens":512,"n_ctx":512}}\n'
    )


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        ({}, "missing messages"),
        ({"messages": None}, "missing messages"),
        ({"messages": {}}, "invalid JSON request"),
        ({"messages": HELLO, "temperature": "hot"}, "invalid JSON request"),
        ({"messages": HELLO, "output_config": {"effort": "ultra"}}, "invalid JSON request"),
        (
            {"messages": HELLO, "tools": TOOLS, "tool_choice": {"type": "tool", "name": "write"}},
            "tool_choice names an unknown tool: write",
        ),
        (
            {"messages": HELLO, "output_config": {"format": {"type": "xml"}}},
            "output_config.format type xml is not supported",
        ),
    ],
)
def test_bad_requests(talker: EngineProcess, fields: dict[str, Any], text: str) -> None:
    """ds4-server answers them in OpenAI's shape, which no client of this API can read."""
    error = {"type": "invalid_request_error", "message": text}
    assert refused(talker.port, **fields) == ("HTTP/1.1 400 Bad Request", error)


def test_null_means_not_given(talker: EngineProcess) -> None:
    names = (
        "model", "max_tokens", "temperature", "top_p", "top_k", "stream", "stop_sequences", "system", "tools",
        "tool_choice", "thinking", "reasoning_effort", "output_config", "metadata",
    )  # fmt: skip
    reply = message(talker.port, messages=HELLO, **dict.fromkeys(names))
    assert reply["model"] == "reciting-model"
    assert reply["stop_reason"] == "end_turn"


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", MESSAGES), ("POST", f"{MESSAGES}/batches"), ("GET", COUNT), ("GET", f"{MESSAGES}?beta=true")],
)
def test_unknown_endpoints_below_messages(talker: EngineProcess, method: str, path: str) -> None:
    head, body = exchange(talker.port, request(method, path))
    assert head.startswith("HTTP/1.1 404 Not Found\r\n")
    expected = {"type": "error", "error": {"type": "not_found_error", "message": "unknown endpoint"}}
    assert json.loads(body) == expected


def test_other_paths_keep_the_common_shape(talker: EngineProcess) -> None:
    _, body = exchange(talker.port, request("GET", "/v1/messages2"))
    assert body == b'{"error":{"message":"unknown endpoint","type":"invalid_request_error"}}\n'


def test_a_body_over_the_limit(talker: EngineProcess) -> None:
    head, body = exchange(
        talker.port, f"POST {MESSAGES} HTTP/1.1\r\nContent-Length: {(64 << 20) + 1}\r\n\r\n".encode()
    )
    assert head.startswith("HTTP/1.1 400 Bad Request\r\n")
    expected = {"type": "error", "error": {"type": "invalid_request_error", "message": "bad HTTP request"}}
    assert json.loads(body) == expected


def test_the_query_and_the_headers_do_not_matter(talker: EngineProcess) -> None:
    body = json.dumps({"messages": HELLO, "max_tokens": 1}).encode()
    head = (
        f"POST {MESSAGES}?beta=true HTTP/1.1\r\nHost: x\r\nanthropic-version: 1999-01-01\r\nx-api-key: k\r\n"
        f"anthropic-beta: a,b\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    assert exchange(talker.port, head.encode() + body)[0].startswith("HTTP/1.1 200 OK\r\n")
