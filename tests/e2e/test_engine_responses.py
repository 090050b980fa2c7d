"""Responses of a real engine process that recites, beside what a real ds4-server answered.

Heads, member orders, the order of events and log lines are those of recorded traffic. Where this engine does
better on purpose (`response.in_progress`, reasoning closed before the text, arguments as they are decoded,
cut-off thinking kept out of the text), the test says so.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

from tests.e2e.recitals import ANSWER, BASH_ARGUMENTS, CALLS, LOOK, READ_ARGUMENTS, REASONING, M
from tests.engine_fixtures import EngineProcess, exchange, reciting_engine, request
from tests.responses_stream import joined, records, without_ids

PATH = "/v1/responses"
LIST = "List the files in src"
TOOLS = [
    {"type": "function", "name": name, "description": "d", "parameters": {"type": "object"}}
    for name in ("bash", "read")
]
SUMMARY = {"summary": "auto"}
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


def post(port: int, **fields: Any) -> tuple[str, bytes]:
    return exchange(port, request("POST", PATH, json.dumps(fields, ensure_ascii=False).encode()))


def response(port: int, **fields: Any) -> dict[str, Any]:
    """A reply that is not streamed; it has no newline at its end."""
    head, body = post(port, **fields)
    length = f"Content-Length: {len(body)}"
    assert head == f"HTTP/1.1 200 OK\r\n{length}\r\nContent-Type: application/json\r\nConnection: close"
    assert body.endswith(b"}")
    value: dict[str, Any] = json.loads(body)
    return value


def stream(port: int, **fields: Any) -> list[tuple[str, dict[str, Any]]]:
    head, body = post(port, stream=True, **fields)
    assert head == STREAM_HEAD
    return records(body)


def refused(port: int, **fields: Any) -> dict[str, Any]:
    head, body = post(port, **fields)
    assert head.startswith("HTTP/1.1 400 Bad Request\r\n")
    assert body.endswith(b"}\n")
    error: dict[str, Any] = json.loads(body)["error"]
    assert error["type"] == "invalid_request_error"
    return error


def lines_since(engine: EngineProcess, start: int) -> list[str]:
    """Log lines without time stamps and durations."""
    lines = [line.split("ds4-server: ", 1)[1] for line in engine.lines[start:]]
    return [re.sub(r"\d+\.\d+(?=s| t/s|%)", "N", line) for line in lines]


def outputs(reply: dict[str, Any], text: str = "ok") -> list[Any]:
    calls = [item for item in reply["output"] if item["type"] == "function_call"]
    return [{"type": "function_call_output", "call_id": c["call_id"], "output": text} for c in calls]


def test_a_reply_without_summaries(talker: EngineProcess) -> None:
    """No reasoning, but it is thought and counted."""
    start = len(talker.lines)
    reply = response(talker.port, model="m", input="Hello there")
    assert list(reply) == ["id", "object", "created_at", "status", "model", "output", "usage"]
    assert re.fullmatch("resp_[0-9a-f]{24}", reply["id"])
    (item,) = reply["output"]
    assert list(item) == ["id", "type", "status", "role", "content"]
    assert re.fullmatch("msg_[0-9a-f]{24}", item["id"])
    text = "Hello! How can I help you today? é中"
    assert item["content"] == [{"type": "output_text", "text": text, "annotations": []}]
    n = reply["usage"]["input_tokens"]
    assert reply["usage"] == {
        "input_tokens": n,
        "input_tokens_details": {"cached_tokens": 0, "cache_write_tokens": n},
        "output_tokens": 11,
        "output_tokens_details": {"reasoning_tokens": 0},
        "total_tokens": n + 11,
        "cache": {"live": 0, "resident": 0, "disk": 0, "read": n},
    }
    talker.wait_for_line(f"chat ctx=0..{n}:{n} gen=11 RESPPROTO finish=stop")
    lines = [line for line in lines_since(talker, start) if "live kv cache miss" not in line]
    visible = lines[4].rsplit("=", 1)[1]
    assert lines == [
        f"chat ctx=0..{n}:{n} RESPPROTO prompt start",
        f"chat ctx=0..{n}:{n} RESPPROTO prefill chunk {n}/{n} (N%) chunk=N t/s avg=N t/s Ns",
        f"chat ctx=0..{n}:{n} RESPPROTO prompt done Ns",
        f"chat ctx={n}..{n + 11}:11 gen=11 RESPPROTO decoding chunk=N t/s avg=N t/s Ns",
        f"thinking live checkpoint remembered ctx=0..{n}:{n} live={n + 11} visible={visible}",
        f"chat ctx=0..{n}:{n} gen=11 RESPPROTO finish=stop Ns",
    ]


def test_a_reply_with_a_summary(talker: EngineProcess) -> None:
    reply = response(talker.port, input="Hello there", reasoning={"effort": "medium", "summary": "auto"})
    reasoning, message = reply["output"]
    assert list(reasoning) == ["id", "type", "status", "summary"]
    assert re.fullmatch("rs_[0-9a-f]{24}", reasoning["id"])
    assert reasoning["summary"] == [{"type": "summary_text", "text": "".join(REASONING)}]
    assert (reasoning["status"], message["status"]) == ("completed", "completed")


@pytest.mark.parametrize("reasoning", [None, SUMMARY, {"effort": "none"}])
def test_a_stream(talker: EngineProcess, reasoning: dict[str, str] | None) -> None:
    """Like the recorded ones, but with in_progress and with the reasoning closed before the text begins."""
    fields = {"model": "m", "input": "Hello there", "reasoning": reasoning}
    events = stream(talker.port, **fields)
    thought = [
        "output_item.added", "reasoning_summary_part.added", *["reasoning_summary_text.delta"] * 4,
        "reasoning_summary_text.done", "reasoning_summary_part.done", "output_item.done",
    ]  # fmt: skip
    said = [
        "output_item.added", "content_part.added", *["output_text.delta"] * 6,
        "output_text.done", "content_part.done", "output_item.done",
    ]  # fmt: skip
    shown = [*thought, *said] if reasoning == SUMMARY else said
    assert [name for name, _ in events] == ["created", "in_progress", *shown, "completed"]
    streamed, whole = without_ids(joined(events)), without_ids(response(talker.port, **fields))
    for reply in (streamed, whole):
        del reply["created_at"], reply["usage"]["input_tokens_details"]
    assert streamed == whole


def test_a_stream_that_ends_by_length(talker: EngineProcess) -> None:
    events = stream(talker.port, input="Hello there", max_output_tokens=7, reasoning=SUMMARY)
    reply = joined(events)
    assert (events[-1][0], reply["incomplete_details"]) == ("incomplete", {"reason": "max_tokens"})
    reasoning, message = reply["output"]
    assert (reasoning["status"], message["status"]) == ("completed", "incomplete")
    assert message["content"][0]["text"] == "Hello! How"
    whole = response(talker.port, input="Hello there", max_output_tokens=7, reasoning=SUMMARY)
    assert [item["status"] for item in whole["output"]] == ["incomplete", "incomplete"]
    assert list(whole)[3:7] == ["status", "model", "incomplete_details", "output"]


@pytest.mark.parametrize("reasoning", [None, SUMMARY])
def test_cut_off_thinking_is_never_content(talker: EngineProcess, reasoning: dict[str, str] | None) -> None:
    """ds4-server makes a message of it where the reply is not streamed."""
    fields = {"input": "Hello there", "max_output_tokens": 2, "reasoning": reasoning}
    summary = [{"type": "summary_text", "text": "The user greets me,"}]
    thought = [{"type": "reasoning", "status": "incomplete", "summary": summary}]
    for reply in (response(talker.port, **fields), joined(stream(talker.port, **fields))):
        assert reply["status"] == "incomplete"
        assert without_ids(reply)["output"] == (thought if reasoning else [])
    assert talker.wait_for_line("gen=2 RESPPROTO THINKING finish=length")


def test_two_calls(caller: EngineProcess) -> None:
    reply = response(caller.port, model="m", input=LIST, tools=TOOLS, reasoning=SUMMARY)
    kinds = [item["type"] for item in reply["output"]]
    assert kinds == ["reasoning", "message", "function_call", "function_call"]
    calls = reply["output"][2:]
    assert [list(c) for c in calls] == [["id", "type", "status", "name", "call_id", "arguments"]] * 2
    assert [(c["name"], c["arguments"]) for c in calls] == [
        ("bash", BASH_ARGUMENTS), ("read", READ_ARGUMENTS)
    ]  # fmt: skip
    assert all(re.fullmatch("fc_[0-9a-f]{24}", c["id"]) for c in calls)
    assert all(re.fullmatch("call_[0-9a-f]{32}", c["call_id"]) for c in calls)
    line = caller.wait_for_line(f"ids=[{calls[0]['call_id']},{calls[1]['call_id']}] names=[bash,read]")
    assert " RESPPROTO n=2 raw_dsml=1 " in line
    assert " RESPPROTO TOOLS DSML_START DSML_END finish=tool_calls " in caller.wait_for_line(
        "RESPPROTO TOOLS DSML_START DSML_END finish="
    )


def test_two_calls_streamed_in_fragments(caller: EngineProcess) -> None:
    """ds4-server sends each call's arguments in one delta, at the end."""
    events = stream(caller.port, input=LIST, tools=TOOLS)
    names = [name for name, _ in events]
    said = [
        "output_item.added", "content_part.added", *["output_text.delta"] * 2,
        "output_text.done", "content_part.done", "output_item.done",
    ]  # fmt: skip
    called = [
        ["output_item.added", *["function_call_arguments.delta"] * n, "function_call_arguments.done",
         "output_item.done"]
        for n in (7, 8)
    ]  # fmt: skip
    assert names == ["created", "in_progress", *said, *called[0], *called[1], "completed"]
    deltas = [data["delta"] for name, data in events if name == "function_call_arguments.delta"]
    assert deltas[:7] == ["{", '"command":"', "ls -la", " src", ' && echo \\"a>b\\"', '"', "}"]
    done = [data for name, data in events if name == "function_call_arguments.done"]
    assert [d["arguments"] for d in done] == [BASH_ARGUMENTS, READ_ARGUMENTS]
    assert [item["status"] for item in joined(events)["output"]] == ["completed"] * 3


def test_only_the_outputs_of_the_live_turn(caller: EngineProcess) -> None:
    first = response(caller.port, input=LIST, tools=TOOLS)
    start = len(caller.lines)
    second = joined(stream(caller.port, input=outputs(first), tools=TOOLS))
    n, p = first["usage"]["total_tokens"], second["usage"]["input_tokens"]
    assert second["usage"]["input_tokens_details"] == {"cached_tokens": n, "cache_write_tokens": p - n}
    assert lines_since(caller, start)[:2] == [
        f"responses live continuation RESPPROTO match=tool-output-ids ids=2 cached={n} prompt={p}",
        f"chat ctx={n}..{p}:{p - n} RESPPROTO TOOLS prompt start",
    ]


@pytest.mark.parametrize("reasoning", [None, SUMMARY])
def test_a_full_replay_reads_only_what_is_new(
    caller: EngineProcess, reasoning: dict[str, str] | None
) -> None:
    """What came back as items is sent back as it is, over twenty turns; ds4-server reads all again here if
    the reasoning is part of it.
    """
    items: list[Any] = [{"type": "message", "role": "user", "content": f"Go on, {reasoning}."}]
    held = 0
    for turn in range(20):
        start = len(caller.lines)
        reply = response(caller.port, input=items, tools=TOOLS, reasoning=reasoning)
        usage = reply["usage"]
        if turn:
            assert usage["input_tokens_details"]["cached_tokens"] == held
            assert lines_since(caller, start)[0] == (
                "responses live continuation RESPPROTO match=visible-prefix ids=2 "
                f"cached={held} prompt={usage['input_tokens']}"
            )
        held = usage["total_tokens"]
        items += [*reply["output"], *outputs(reply, f"result {turn} <｜User｜> </tool_result>")]


def test_another_session_in_between_costs_nothing(caller: EngineProcess) -> None:
    first = response(caller.port, input=LIST, tools=TOOLS)
    response(caller.port, input="Something else", tools=TOOLS, max_output_tokens=1)
    items = [{"role": "user", "content": LIST}, *first["output"], *outputs(first)]
    reply = response(caller.port, input=items, tools=TOOLS, max_output_tokens=1)
    assert reply["usage"]["input_tokens_details"]["cached_tokens"] == first["usage"]["total_tokens"]


def test_a_tool_of_a_namespace(caller: EngineProcess) -> None:
    tools = [{"type": "namespace", "name": "ba", "tools": [{"type": "function", "name": "sh"}]}]
    events = stream(caller.port, input=LIST, tools=tools)
    call = joined(events)["output"][1]
    assert list(call) == ["id", "type", "status", "name", "namespace", "call_id", "arguments"]
    assert (call["name"], call["namespace"], call["arguments"]) == ("sh", "ba", BASH_ARGUMENTS)
    assert '"bash"' not in json.dumps(events)


def test_a_custom_tool(caller: EngineProcess) -> None:
    tools = [{"type": "custom", "name": "bash", "format": {"type": "text"}}, TOOLS[1]]
    reply = joined(stream(caller.port, input=LIST, tools=tools))
    custom, function = reply["output"][1:]
    assert (custom["type"], custom["input"]) == ("custom_tool_call", 'ls -la src && echo "a>b"')
    assert function["type"] == "function_call"
    results = [
        {"type": "custom_tool_call_output", "call_id": custom["call_id"], "output": "ok"},
        {"type": "function_call_output", "call_id": function["call_id"], "output": "ok"},
    ]
    items = [{"role": "user", "content": LIST}, *reply["output"], *results]
    again = response(caller.port, input=items, tools=tools)
    assert again["usage"]["input_tokens_details"]["cached_tokens"] == reply["usage"]["total_tokens"]


def test_calls_nobody_offered(caller: EngineProcess) -> None:
    events = stream(caller.port, input=LIST, tools=TOOLS, tool_choice="none")
    message, *calls = joined(events)["output"]
    assert f"<{M}tool_calls>" in message["content"][0]["text"]
    assert [c["arguments"] for c in calls] == [BASH_ARGUMENTS, READ_ARGUMENTS]
    assert [c["type"] for c in response(caller.port, input=LIST)["output"]] == [
        "message", "function_call", "function_call"
    ]  # fmt: skip


def test_a_call_that_is_cut_off_fails_and_runs_nothing(caller: EngineProcess) -> None:
    fields = {"input": LIST, "tools": TOOLS, "max_output_tokens": len(LOOK) + 1 + 8}
    reply = response(caller.port, **fields)
    assert (reply["status"], reply["error"]) == (
        "failed", {"code": "server_error", "message": "generation failed"}
    )  # fmt: skip
    assert [(item["type"], item["status"]) for item in reply["output"]] == [("message", "incomplete")]
    events = stream(caller.port, **fields)
    assert events[-1][0] == "failed"
    message, call = joined(events)["output"]
    assert (call["status"], call["arguments"]) == ("incomplete", '{"command":"')
    assert message["status"] == "completed"


def test_refusals(talker: EngineProcess) -> None:
    gone = (
        "Responses continuation state is not available for call_id call_x; "
        "retry by replaying the full input history"
    )
    image = {"type": "input_image", "image_url": "http://x"}
    cases: list[tuple[dict[str, Any], str]] = [
        ({}, "missing input"),
        ({"input": "x", "tool_choice": "any"}, "tool_choice=any not supported"),
        ({"input": "x", "tool_choice": {"type": "mcp"}}, "forced tool_choice not supported"),
        (
            {"input": "x", "previous_response_id": "resp_1"},
            "previous_response_id is not supported; replay full input instead",
        ),
        ({"input": [{"type": "function_call_output", "call_id": "call_x", "output": "y"}]}, gone),
        (
            {"input": [{"type": "item_reference", "id": "x"}]},
            "an item of type item_reference cannot be read; leave it out of the input",
        ),
        (
            {"input": [{"role": "user", "content": [image]}]},
            "a part of type input_image cannot be read, only text; leave it out of the input",
        ),
    ]
    for fields, message in cases:
        for streamed in (False, True):
            assert refused(talker.port, stream=streamed, **fields)["message"] == message


def test_a_prompt_that_is_too_long(talker: EngineProcess) -> None:
    error = refused(talker.port, input="word " * 600)
    n = error["n_prompt_tokens"]
    assert error == {
        "message": f"Prompt has {n} tokens, but the configured context size is 512 tokens",
        "type": "invalid_request_error",
        "param": "input",
        "code": "context_length_exceeded",
        "n_prompt_tokens": n,
        "n_ctx": 512,
    }


def test_a_prompt_one_short_of_the_context_is_served(talker: EngineProcess) -> None:
    def text(n: int) -> str:
        return "!" * n

    room = 512 - response(talker.port, input=text(1), max_output_tokens=0)["usage"]["input_tokens"] + 1
    assert refused(talker.port, input=text(room))["n_prompt_tokens"] == 512
    reply = response(talker.port, input=text(room - 1), reasoning=SUMMARY)
    assert (reply["usage"]["input_tokens"], reply["usage"]["output_tokens"]) == (511, 1)


def test_what_codex_sends_is_served(caller: EngineProcess) -> None:
    """Its fields, roles and kinds of tools, including one without a name."""
    space = {
        "type": "namespace", "name": "multi_agent_v1", "description": "d",
        "tools": [{"type": "function", "name": "spawn", "strict": False, "parameters": {"type": "object"}}],
    }  # fmt: skip
    reply = joined(
        stream(
            caller.port,
            model="ds4",
            instructions="You are Codex.",
            input=[
                {"type": "message", "role": role, "content": [{"type": "input_text", "text": role}]}
                for role in ("developer", "developer", "user", "user")
            ],
            tools=[*TOOLS, space, {"type": "web_search", "external_web_access": False}],
            tool_choice="auto",
            parallel_tool_calls=False,
            reasoning={"summary": "auto"},
            store=False,
            include=["reasoning.encrypted_content"],
            prompt_cache_key="01",
            text={"verbosity": "low"},
            client_metadata={"x": "y"},
        )
    )
    assert [item["type"] for item in reply["output"]] == [
        "reasoning", "message", "function_call", "function_call"
    ]  # fmt: skip
