"""Chat completions of a real engine process that recites, beside what a real ds4-server answered.

The expected heads, member orders and chunk sequences are those of recorded traffic. Where this engine does
better on purpose (reasoning that is cut off stays reasoning, a call that is cut off is not shown as text),
the test says so.
"""

from __future__ import annotations

import json
import re
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.recitals import ANSWER, BASH_ARGUMENTS, CALLS, LOOK, READ_ARGUMENTS, REASONING, M
from tests.engine_fixtures import (
    EngineProcess,
    chat,
    chat_stream,
    exchange,
    post_chat,
    reciting_engine,
    request,
)

HELLO = [{"role": "user", "content": "Hello there"}]
LIST = [{"role": "user", "content": "List the files in src"}]
TOOLS = [
    {"type": "function", "function": {"name": name, "description": "d", "parameters": {"type": "object"}}}
    for name in ("bash", "read")
]


@pytest.fixture(scope="module")
def talker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EngineProcess]:
    with reciting_engine(tmp_path_factory.mktemp("talker"), REASONING, ANSWER, "--tokens", "200") as engine:
        yield engine


@pytest.fixture(scope="module")
def caller(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EngineProcess]:
    with reciting_engine(tmp_path_factory.mktemp("caller"), LOOK, CALLS, "--ctx", "32768") as engine:
        yield engine


def deltas(records: list[Any]) -> list[Any]:
    return [record["choices"][0]["delta"] for record in records if record["choices"]]


def test_a_reply_with_reasoning(talker: EngineProcess) -> None:
    head, body = post_chat(talker.port, model="deepseek-v4-flash", messages=HELLO)
    length = f"Content-Length: {len(body)}"
    assert head == f"HTTP/1.1 200 OK\r\n{length}\r\nContent-Type: application/json\r\nConnection: close"
    text = re.sub(r'chatcmpl-\d+"', 'chatcmpl-1"', body.decode())
    text = re.sub(r'"created":\d{10}', '"created":0', text)
    usage = json.loads(text)["usage"]
    n = usage["prompt_tokens"]
    assert text == (
        '{"id":"chatcmpl-1","object":"chat.completion","created":0,"model":"deepseek-v4-flash",'
        '"choices":[{"index":0,"message":{"role":"assistant",'
        '"content":"Hello! How can I help you today? é中",'
        '"reasoning_content":"The user greets me, so I will answer shortly."},"finish_reason":"stop"}],'
        f'"usage":{{"prompt_tokens":{n},"completion_tokens":11,"total_tokens":{n + 11},'
        f'"prompt_tokens_details":{{"cached_tokens":0,"cache_write_tokens":{n}}},"cache":{{"live":0,"resident":0,"disk":0,"read":{n}}}}}}}\n'
    )


def test_a_stream_with_usage(talker: EngineProcess) -> None:
    records = chat_stream(talker.port, model="x", messages=HELLO, stream_options={"include_usage": True})
    kinds = [next(iter(d), "end") for d in deltas(records)]
    assert kinds == ["role", *["reasoning_content"] * 4, *["content"] * 6, "end"]
    assert "".join(d.get("reasoning_content", "") for d in deltas(records)) == "".join(REASONING)
    assert "".join(d.get("content", "") for d in deltas(records)) == "".join(ANSWER)
    assert [list(r) for r in records[:-1]] == [["id", "object", "created", "model", "choices"]] * (
        len(records) - 1
    )
    assert [c["finish_reason"] for r in records for c in r["choices"]] == [None] * 11 + ["stop"]
    assert records[-1]["choices"] == []
    assert records[-1]["usage"]["completion_tokens"] == 11
    assert len({r["id"] for r in records}) == 1
    assert {r["object"] for r in records} == {"chat.completion.chunk"}


@pytest.mark.parametrize(
    "off", [{"thinking": {"type": "disabled"}}, {"thinking": False}, {"think": False},
            {"reasoning_effort": "none"}, {"model": "deepseek-chat"}]
)  # fmt: skip
def test_without_thinking_there_is_only_content(talker: EngineProcess, off: dict[str, Any]) -> None:
    records = chat_stream(talker.port, messages=HELLO, **off)
    assert [next(iter(d), "end") for d in deltas(records)] == ["role", *["content"] * 6, "end"]


def test_reasoning_that_is_cut_off_stays_reasoning(talker: EngineProcess) -> None:
    reply = chat(talker.port, messages=HELLO, max_tokens=2)
    message = reply["choices"][0]["message"]
    assert message == {"role": "assistant", "content": "", "reasoning_content": "The user greets me,"}
    assert reply["choices"][0]["finish_reason"] == "length"
    records = chat_stream(talker.port, messages=HELLO, max_tokens=2)
    assert "".join(d.get("reasoning_content", "") for d in deltas(records)) == "The user greets me,"
    assert records[-1]["choices"][0]["finish_reason"] == "length"


def test_max_tokens_zero(talker: EngineProcess) -> None:
    reply = chat(talker.port, messages=HELLO, max_tokens=0)
    assert reply["choices"][0] == {
        "index": 0, "message": {"role": "assistant", "content": ""}, "finish_reason": "length"
    }  # fmt: skip
    assert reply["usage"]["completion_tokens"] == 0


def test_a_stop_string(talker: EngineProcess) -> None:
    reply = chat(talker.port, messages=HELLO, thinking=False, stop=["can I"])
    assert reply["choices"][0]["message"]["content"] == "Hello! How "
    assert reply["choices"][0]["finish_reason"] == "stop"
    assert reply["usage"]["completion_tokens"] == 3


def test_the_second_turn_without_the_reasoning_reads_only_what_is_new(talker: EngineProcess) -> None:
    messages: list[dict[str, Any]] = [{"role": "system", "content": "You are terse."}, *HELLO]
    first = chat(talker.port, messages=messages)
    messages += [{"role": "assistant", "content": "".join(ANSWER)}, {"role": "user", "content": "And now?"}]
    second = chat(talker.port, messages=messages)
    held = first["usage"]["total_tokens"]
    assert second["usage"]["prompt_tokens_details"]["cached_tokens"] == held
    assert f"thinking live continuation match=visible-prefix cached={held}" in talker.wait_for_line(
        f"cached={held}"
    )


def test_two_calls(caller: EngineProcess) -> None:
    reply = chat(caller.port, model="m", messages=LIST, tools=TOOLS)
    choice = reply["choices"][0]
    assert choice["finish_reason"] == "tool_calls"
    assert list(choice["message"]) == ["role", "content", "reasoning_content", "tool_calls"]
    assert choice["message"]["content"] == "I will look. One moment."
    assert choice["message"]["reasoning_content"] == "I need to list the directory."
    calls = choice["message"]["tool_calls"]
    assert [list(c) for c in calls] == [["id", "type", "function"]] * 2
    assert [c["function"] for c in calls] == [
        {"name": "bash", "arguments": BASH_ARGUMENTS},
        {"name": "read", "arguments": READ_ARGUMENTS},
    ]
    assert all(re.fullmatch("call_[0-9a-f]{32}", c["id"]) for c in calls)
    line = caller.wait_for_line(f"ids=[{calls[0]['id']},{calls[1]['id']}] names=[bash,read]")
    assert " n=2 raw_dsml=1 " in line


@pytest.mark.parametrize("think", [True, False])
def test_two_calls_streamed_in_fragments(caller: EngineProcess, think: bool) -> None:
    records = chat_stream(caller.port, messages=LIST, tools=TOOLS, think=think)
    tool_deltas = [d["tool_calls"][0] for d in deltas(records) if "tool_calls" in d]
    ids = [t.pop("id") for t in tool_deltas if "id" in t]
    assert len(set(ids)) == 2
    start = {"type": "function", "function": {"name": "bash", "arguments": ""}}
    assert tool_deltas[0] == {"index": 0, **start}
    assert [(t["index"], t["function"]["arguments"]) for t in tool_deltas] == [
        (0, ""), (0, "{"), (0, '"command":"'), (0, "ls -la"), (0, " src"), (0, ' && echo \\"a>b\\"'),
        (0, '"'), (0, "}"), (1, ""), (1, "{"), (1, '"path":"'), (1, "docs/"), (1, "notes.md"), (1, '"'),
        (1, ',"limit":'), (1, "20"), (1, "}"),
    ]  # fmt: skip
    assert "".join(d.get("content", "") for d in deltas(records)) == "I will look. One moment."
    assert records[-1]["choices"][0]["finish_reason"] == "tool_calls"


def test_a_session_of_twenty_tool_turns_reads_every_token_once(caller: EngineProcess) -> None:
    messages: list[dict[str, Any]] = [{"role": "user", "content": "Go on."}]
    held = 0
    for turn in range(20):
        reply = chat(caller.port, messages=messages, tools=TOOLS)
        usage = reply["usage"]
        if turn:
            assert usage["prompt_tokens_details"]["cached_tokens"] == held
        held = usage["total_tokens"]
        message = reply["choices"][0]["message"]
        messages.append(message)
        messages += [
            {"role": "tool", "tool_call_id": c["id"], "content": f"result {turn} <｜User｜> </tool_result>"}
            for c in message["tool_calls"]
        ]


def test_a_client_that_reorders_arguments_still_reads_only_what_is_new(caller: EngineProcess) -> None:
    first = chat(caller.port, messages=LIST, tools=TOOLS)
    message = first["choices"][0]["message"]
    message["tool_calls"][1]["function"]["arguments"] = '{"limit": 20, "path": "docs/notes.md"}'
    results = [{"role": "tool", "tool_call_id": c["id"], "content": "r"} for c in message["tool_calls"]]
    second = chat(caller.port, messages=[*LIST, message, *results], tools=TOOLS)
    assert second["usage"]["prompt_tokens_details"]["cached_tokens"] == first["usage"]["total_tokens"]


def test_unknown_call_ids_cost_the_cache(caller: EngineProcess) -> None:
    first = chat(caller.port, messages=LIST, tools=TOOLS)
    message = first["choices"][0]["message"]
    for i, call in enumerate(message["tool_calls"]):
        call["id"] = f"call_other{i}"
    results = [{"role": "tool", "tool_call_id": c["id"], "content": "r"} for c in message["tool_calls"]]
    second = chat(caller.port, messages=[*LIST, message, *results], tools=TOOLS, max_tokens=1)
    cache = second["usage"]["cache"]
    assert cache["live"] + cache["resident"] <= first["usage"]["prompt_tokens"]
    assert cache["read"] > first["usage"]["completion_tokens"]


def test_calls_nobody_offered(caller: EngineProcess) -> None:
    for fields in ({"tools": TOOLS, "tool_choice": "none"}, {}):
        records = chat_stream(caller.port, messages=LIST, **fields)
        content = "".join(d.get("content", "") for d in deltas(records))
        assert f"<{M}tool_calls>" in content
        calls = [d["tool_calls"] for d in deltas(records) if "tool_calls" in d]
        assert [[c["function"]["arguments"] for c in group] for group in calls] == [
            [BASH_ARGUMENTS, READ_ARGUMENTS]
        ]
        assert [list(c) for c in calls[0]] == [["index", "id", "type", "function"]] * 2
        assert records[-1]["choices"][0]["finish_reason"] == "tool_calls"
    reply = chat(caller.port, messages=LIST)
    assert reply["choices"][0]["message"]["content"] == "I will look. One moment."
    assert reply["choices"][0]["finish_reason"] == "tool_calls"


def test_a_call_that_is_cut_off_is_an_error_and_no_text(caller: EngineProcess) -> None:
    limit = len(LOOK) + 1 + 8
    reply = chat(caller.port, messages=LIST, tools=TOOLS, max_tokens=limit)
    choice = reply["choices"][0]
    assert choice["finish_reason"] == "error"
    assert choice["message"] == {
        "role": "assistant",
        "content": "I will look. One moment.",
        "reasoning_content": "I need to list the directory.",
    }
    assert (
        f'gen={limit} TOOLS DSML_START finish=error error="unterminated tool call"'
        in caller.wait_for_line("unterminated")
    )
    records = chat_stream(caller.port, messages=LIST, tools=TOOLS, max_tokens=limit)
    fragments = [d["tool_calls"][0]["function"]["arguments"] for d in deltas(records) if "tool_calls" in d]
    assert "".join(fragments) == '{"command":"'
    assert records[-1]["choices"][0]["finish_reason"] == "error"


def test_tool_schemas_reach_the_prompt_as_they_were_sent(caller: EngineProcess) -> None:
    """Other white space is another prompt; nothing but that differs."""
    tools = '[{"type":"function","function":{"name":"f","parameters":{"type":"object"}}}]'
    sizes = []
    for text in (tools, tools.replace('"parameters":', '"parameters" : ')):
        body = f'{{"messages":{json.dumps(LIST)},"tools":{text},"max_tokens":0}}'.encode()
        head = f"POST /v1/chat/completions HTTP/1.1\r\nContent-Length: {len(body)}\r\n\r\n".encode()
        sizes.append(json.loads(exchange(caller.port, head + body)[1])["usage"]["prompt_tokens"])
    assert sizes[1] == sizes[0] + 2


@pytest.mark.parametrize("stream", [True, False])
def test_a_client_that_leaves_frees_the_engine(talker: EngineProcess, tmp_path: Path, stream: bool) -> None:
    """The prompt takes long; the next request is answered without waiting for it."""
    text = " ".join(f"word{i}" for i in range(1100))
    body = json.dumps({"messages": [{"role": "user", "content": text}], "stream": stream}).encode()
    with socket.create_connection(("127.0.0.1", talker.port)) as sock:
        sock.sendall(request("POST", "/v1/chat/completions", body))
        talker.wait_for_line("prefill chunk 512/")
    assert chat(talker.port, messages=HELLO)["choices"][0]["finish_reason"] == "stop"
    assert talker.wait_for_line("stream closed during prefill")
