"""Anthropic's own Python client against a real engine process and through the sidecar."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import anthropic
import pytest

from tests.e2e.recitals import ANSWER, CALLS, LOOK, REASONING
from tests.sidecar_fixtures import WAYS, answering

HELLO: list[Any] = [{"role": "user", "content": "Hello there"}]
TOOLS: list[Any] = [
    {
        "name": name,
        "description": "d",
        "input_schema": {"type": "object", "properties": {member: {"type": "string"}}},
    }
    for name, member in (("bash", "command"), ("read", "path"))
]


def client_of(
    folder: Path, through: str, reasoning: list[str], answer: list[str]
) -> Iterator[anthropic.Anthropic]:
    """A client without retries, proxies and keys, of an engine or of a sidecar that has one."""
    with (
        answering(through, folder, reasoning, answer) as port,
        anthropic.Anthropic(
            base_url=f"http://127.0.0.1:{port}",
            api_key="none",
            max_retries=0,
            http_client=anthropic.DefaultHttpxClient(trust_env=False),
        ) as client,
    ):
        yield client


@pytest.fixture(scope="module", params=WAYS)
def talker(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[anthropic.Anthropic]:
    yield from client_of(tmp_path_factory.mktemp("talker"), request.param, REASONING, ANSWER)


@pytest.fixture(scope="module", params=WAYS)
def caller(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[anthropic.Anthropic]:
    yield from client_of(tmp_path_factory.mktemp("caller"), request.param, LOOK, CALLS)


def test_a_message_with_thinking(talker: anthropic.Anthropic) -> None:
    message = talker.messages.create(
        model="claude-x",
        max_tokens=2000,
        messages=HELLO,
        thinking={"type": "enabled", "budget_tokens": 1024},
    )
    thinking, text = message.content
    assert isinstance(thinking, anthropic.types.ThinkingBlock)
    assert isinstance(text, anthropic.types.TextBlock)
    assert (thinking.thinking, thinking.signature) == ("".join(REASONING), message.id)
    assert text.text == "".join(ANSWER)
    assert (message.model, message.stop_reason, message.stop_sequence) == ("claude-x", "end_turn", None)
    assert message.usage.output_tokens == len(REASONING) + 1 + len(ANSWER)


def test_a_message_without_thinking(talker: anthropic.Anthropic) -> None:
    message = talker.messages.create(
        model="m", max_tokens=50, messages=HELLO, thinking={"type": "disabled"}, stop_sequences=["can I"]
    )
    assert [block.to_dict() for block in message.content] == [{"type": "text", "text": "Hello! How "}]
    assert (message.stop_reason, message.stop_sequence) == ("stop_sequence", "can I")


def test_a_stream(talker: anthropic.Anthropic) -> None:
    with talker.messages.stream(model="m", max_tokens=50, messages=HELLO, system="Be brief.") as stream:
        kinds = [event.type for event in stream]
        message = stream.get_final_message()
    assert (kinds[0], kinds[-1]) == ("message_start", "message_stop")
    assert {"thinking", "signature", "text"} <= set(kinds)
    assert [block.to_dict() for block in message.content] == [
        {"type": "thinking", "thinking": "".join(REASONING), "signature": message.id},
        {"type": "text", "text": "".join(ANSWER)},
    ]
    assert message.stop_reason == "end_turn"
    assert message.usage.input_tokens > 0
    assert message.usage.output_tokens == len(REASONING) + 1 + len(ANSWER)


@pytest.mark.parametrize("streamed", [False, True])
def test_a_loop_of_three_tool_turns_reads_every_token_once(
    caller: anthropic.Anthropic, streamed: bool
) -> None:
    messages: list[Any] = [{"role": "user", "content": f"Go on, streamed={streamed}."}]
    held = 0
    for turn in range(3):
        fields: dict[str, Any] = {"model": "m", "max_tokens": 500, "messages": messages, "tools": TOOLS}
        if streamed:
            with caller.messages.stream(**fields) as stream:
                message = stream.get_final_message()
        else:
            message = caller.messages.create(**fields)
        usage = message.usage
        assert message.stop_reason == "tool_use"
        assert usage.cache_read_input_tokens == held or not turn
        assert usage.cache_read_input_tokens is not None
        held = usage.cache_read_input_tokens + usage.input_tokens + usage.output_tokens
        calls = [block for block in message.content if isinstance(block, anthropic.types.ToolUseBlock)]
        assert [(call.name, call.input) for call in calls] == [
            ("bash", {"command": 'ls -la src && echo "a>b"'}),
            ("read", {"path": "docs/notes.md", "limit": 20}),
        ]
        results = [
            {"type": "tool_result", "tool_use_id": call.id, "content": f"{turn}", "is_error": turn == 1}
            for call in calls
        ]
        messages += [
            {"role": "assistant", "content": message.content},
            {"role": "user", "content": results},
        ]


def test_counting_tokens(talker: anthropic.Anthropic) -> None:
    counted = talker.messages.count_tokens(model="m", messages=HELLO, system="Be brief.", tools=TOOLS)
    message = talker.messages.create(model="m", max_tokens=1, messages=HELLO, system="Be brief.", tools=TOOLS)
    assert counted.input_tokens == message.usage.input_tokens


def test_refusals_are_typed(talker: anthropic.Anthropic) -> None:
    with pytest.raises(anthropic.BadRequestError) as bad:
        talker.messages.create(
            model="m",
            max_tokens=5,
            messages=HELLO,
            tools=TOOLS,
            tool_choice={"type": "tool", "name": "write"},
        )
    assert bad.value.body == {
        "type": "error",
        "error": {
            "type": "invalid_request_error",
            "message": "tool_choice names an unknown tool: write",
        },
    }
    with pytest.raises(anthropic.NotFoundError):
        talker.messages.batches.list()


def test_a_call_that_is_cut_off_raises_in_the_stream(caller: anthropic.Anthropic) -> None:
    with (
        pytest.raises(anthropic.APIStatusError, match="generation failed"),
        caller.messages.stream(
            model="m",
            max_tokens=len(LOOK) + 1 + 8,
            messages=[{"role": "user", "content": "List the files in src"}],
            tools=TOOLS,
        ) as stream,
    ):
        stream.until_done()


def test_a_call_that_is_cut_off_raises_and_is_not_tried_again(caller: anthropic.Anthropic) -> None:
    tried: list[object] = []
    client = caller.with_options(max_retries=2)
    client._client.event_hooks["request"] = [tried.append]
    try:
        with pytest.raises(anthropic.InternalServerError, match="generation failed"):
            client.messages.create(
                model="m",
                max_tokens=len(LOOK) + 1 + 8,
                messages=[{"role": "user", "content": "List the files in src"}],
                tools=TOOLS,
            )
    finally:
        client._client.event_hooks["request"] = []
    assert len(tried) == 1
