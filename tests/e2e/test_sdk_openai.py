"""OpenAI's own Python client against a real engine process and through the sidecar: all it has of ours."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import openai
import pytest

from tests.e2e.recitals import ANSWER, BASH_ARGUMENTS, CALLS, LOOK, READ_ARGUMENTS, REASONING
from tests.sidecar_fixtures import WAYS, answering

HELLO: list[Any] = [{"role": "user", "content": "Hello there"}]
N_TALK = len(REASONING) + 1 + len(ANSWER)
FUNCTIONS: list[Any] = [
    {
        "name": name,
        "description": "d",
        "parameters": {"type": "object", "properties": {member: {"type": "string"}}},
    }
    for name, member in (("bash", "command"), ("read", "path"))
]
CHAT_TOOLS: list[Any] = [{"type": "function", "function": function} for function in FUNCTIONS]
TOOLS: list[Any] = [{"type": "function", **function} for function in FUNCTIONS]
EXPECTED = [("bash", BASH_ARGUMENTS), ("read", READ_ARGUMENTS)]


def client_of(folder: Path, through: str, reasoning: list[str], answer: list[str]) -> Iterator[openai.OpenAI]:
    """A client without retries, proxies and keys, of an engine or of a sidecar that has one."""
    with (
        answering(through, folder, reasoning, answer) as port,
        openai.OpenAI(
            base_url=f"http://127.0.0.1:{port}/v1",
            api_key="none",
            max_retries=0,
            http_client=openai.DefaultHttpxClient(trust_env=False),
        ) as client,
    ):
        yield client


@pytest.fixture(scope="module", params=WAYS)
def talker(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[openai.OpenAI]:
    yield from client_of(tmp_path_factory.mktemp("talker"), request.param, REASONING, ANSWER)


@pytest.fixture(scope="module", params=WAYS)
def caller(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[openai.OpenAI]:
    yield from client_of(tmp_path_factory.mktemp("caller"), request.param, LOOK, CALLS)


def test_the_models(talker: openai.OpenAI) -> None:
    (model,) = talker.models.list().data
    assert talker.models.retrieve(model.id) == model


# -- chat completions
# ------------------------------------------------------------------------------------------------------


def test_a_chat_completion(talker: openai.OpenAI) -> None:
    completion = talker.chat.completions.create(model="m", messages=HELLO)
    (choice,) = completion.choices
    assert (choice.message.content, choice.finish_reason) == ("".join(ANSWER), "stop")
    assert choice.message.to_dict()["reasoning_content"] == "".join(REASONING)
    assert completion.usage is not None
    assert completion.usage.completion_tokens == N_TALK


def test_a_chat_stream(talker: openai.OpenAI) -> None:
    with talker.chat.completions.stream(
        model="m", messages=HELLO, stream_options={"include_usage": True}
    ) as stream:
        kinds = {event.type for event in stream}
        completion = stream.get_final_completion()
    assert {"chunk", "content.delta", "content.done"} <= kinds
    assert completion.choices[0].message.content == "".join(ANSWER)
    assert completion.choices[0].finish_reason == "stop"
    assert completion.usage is not None
    assert completion.usage.completion_tokens == N_TALK


@pytest.mark.parametrize("streamed", [False, True])
def test_a_chat_loop_of_three_tool_turns_reads_every_token_once(
    caller: openai.OpenAI, streamed: bool
) -> None:
    messages: list[Any] = [{"role": "user", "content": f"Go on, streamed={streamed}."}]
    held = 0
    for turn in range(3):
        fields: dict[str, Any] = {"model": "m", "messages": messages, "tools": CHAT_TOOLS}
        completion: Any
        if streamed:
            with caller.chat.completions.stream(**fields, stream_options={"include_usage": True}) as stream:
                completion = stream.get_final_completion()
        else:
            completion = caller.chat.completions.create(**fields)
        assert completion.usage.prompt_tokens_details.cached_tokens == held or not turn
        held = completion.usage.total_tokens
        (choice,) = completion.choices
        assert choice.finish_reason == "tool_calls"
        calls = choice.message.tool_calls
        assert [(c.function.name, c.function.arguments) for c in calls] == EXPECTED
        messages.append(choice.message.to_dict())
        messages += [{"role": "tool", "tool_call_id": c.id, "content": f"{turn}"} for c in calls]


# -- Responses
# ------------------------------------------------------------------------------------------------------


def test_a_response(talker: openai.OpenAI) -> None:
    response = talker.responses.create(model="m", input="Hello there", reasoning={"summary": "auto"})
    assert response.output_text == "".join(ANSWER)
    assert response.status == "completed"
    reasoning, message = response.output
    assert reasoning.type == "reasoning"
    assert [part.text for part in reasoning.summary] == ["".join(REASONING)]
    assert message.type == "message"
    assert response.usage is not None
    assert response.usage.output_tokens == N_TALK


def test_a_response_that_is_cut_off(talker: openai.OpenAI) -> None:
    response = talker.responses.create(model="m", input="Hello there", max_output_tokens=2)
    assert (response.status, response.output_text, response.error) == ("incomplete", "", None)


def test_raw_events_are_typed(talker: openai.OpenAI) -> None:
    stream = talker.responses.create(model="m", input="Hello there", stream=True, instructions="Be brief.")
    events = list(stream)
    assert [event.sequence_number for event in events] == list(range(len(events)))
    texts = [event.delta for event in events if event.type == "response.output_text.delta"]
    assert texts == ANSWER
    last = events[-1]
    assert last.type == "response.completed"
    assert last.response.output_text == "".join(ANSWER)


def test_a_response_stream(talker: openai.OpenAI) -> None:
    with talker.responses.stream(model="m", input="Hello there", reasoning={"summary": "auto"}) as stream:
        kinds = [event.type for event in stream]
        response = stream.get_final_response()
    assert kinds[:2] == ["response.created", "response.in_progress"]
    assert kinds[-1] == "response.completed"
    assert response.output_text == "".join(ANSWER)
    assert [item.type for item in response.output] == ["reasoning", "message"]


@pytest.mark.parametrize("summary", [None, "auto"])
@pytest.mark.parametrize("streamed", [False, True])
def test_a_response_loop_of_three_tool_turns_reads_every_token_once(
    caller: openai.OpenAI, streamed: bool, summary: str | None
) -> None:
    """The whole history is replayed, with its reasoning only where summaries were asked for."""
    items: list[Any] = [{"role": "user", "content": f"Go on, {streamed}, {summary}."}]
    held = 0
    for turn in range(3):
        fields: dict[str, Any] = {
            "model": "m", "input": items, "tools": TOOLS, "reasoning": {"summary": summary}
        }  # fmt: skip
        response: Any
        if streamed:
            with caller.responses.stream(**fields) as stream:
                response = stream.get_final_response()
        else:
            response = caller.responses.create(**fields)
        assert response.usage.input_tokens_details.cached_tokens == held or not turn
        held = response.usage.total_tokens
        calls = [item for item in response.output if item.type == "function_call"]
        assert [(c.name, c.arguments) for c in calls] == EXPECTED
        items += [json.loads(item.to_json(exclude_unset=True)) for item in response.output]
        items += [{"type": "function_call_output", "call_id": c.call_id, "output": f"{turn}"} for c in calls]


# -- refusals
# ------------------------------------------------------------------------------------------------------


def test_refusals_are_typed(talker: openai.OpenAI) -> None:
    wrong: Any = "hi"
    with pytest.raises(openai.BadRequestError) as bad:
        talker.responses.create(model="m", input="x", previous_response_id="resp_1")
    assert bad.value.body == {
        "message": "previous_response_id is not supported; replay full input instead",
        "type": "invalid_request_error",
    }
    with pytest.raises(openai.BadRequestError) as bad:
        talker.responses.create(model="m", input="word " * 9000)
    assert (bad.value.code, bad.value.param) == ("context_length_exceeded", "input")
    with pytest.raises(openai.BadRequestError) as bad:
        talker.chat.completions.create(model="m", messages=wrong)
    assert bad.value.type == "invalid_request_error"
    with pytest.raises(openai.NotFoundError):
        talker.responses.retrieve("resp_1")


def test_a_call_that_is_cut_off_fails(caller: openai.OpenAI) -> None:
    limit = len(LOOK) + 1 + 8
    response = caller.responses.create(
        model="m", input="List the files", tools=TOOLS, max_output_tokens=limit
    )
    assert response.status == "failed"
    assert response.error is not None
    assert response.error.message == "generation failed"
