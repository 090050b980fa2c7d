"""Constrained answers, forced calls and log probabilities of real engine processes."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator
from typing import Any

import jsonschema
import pytest

from ds4agent.wire.dsml_render import render_block
from ds4agent.wire.message import ToolCall
from tests.e2e.recitals import ANSWER, REASONING
from tests.engine_fixtures import (
    EngineProcess,
    chat,
    chat_stream,
    exchange,
    post_chat,
    reciting_engine,
    request,
    running_engine,
)

ASK = [{"role": "user", "content": "Describe a small red house by the sea, with its age and its rooms."}]
WORD = {"type": "string", "maxLength": 12}
SMALL = {"type": "integer", "minimum": 0, "maximum": 99}


def closed(**members: Any) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": members,
        "required": list(members),
        "additionalProperties": False,
    }


SCHEMAS: dict[str, Any] = {
    "boolean": {"type": "boolean"},
    "null": {"type": "null"},
    "integer in bounds": {"type": "integer", "minimum": 10, "maximum": 20},
    "exclusive bounds": {"type": "integer", "exclusiveMinimum": 3, "exclusiveMaximum": 5},
    "negative": {"type": "integer", "minimum": -5, "maximum": -1},
    "number in bounds": {"type": "number", "minimum": 0, "maximum": 1},
    "multiple": {"type": "integer", "multipleOf": 5, "minimum": 0, "maximum": 50},
    "enum of strings": {"enum": ["red", "green", "blue"]},
    "enum of kinds": {"enum": [1, "one", None, True]},
    "const": {"const": {"fixed": [1, 2, {"deep": "yes"}]}},
    "pattern": {"type": "string", "pattern": "^[A-Z]{2}-[0-9]{3}$"},
    "length": {"type": "string", "minLength": 3, "maxLength": 5},
    "date": {"type": "string", "format": "date"},
    "time": {"type": "string", "format": "date-time"},
    "uuid": {"type": "string", "format": "uuid"},
    "several types": {"type": ["boolean", "null"]},
    "object": closed(name=WORD, age=SMALL),
    "nested": closed(house=closed(colour={"enum": ["red", "white"]}, rooms=SMALL)),
    "deeply nested": closed(a=closed(b=closed(c=closed(d={"type": "boolean"})))),
    "optional member": {**closed(name=WORD, note=WORD), "required": ["name"]},
    "all optional": {**closed(a=SMALL, b=SMALL), "required": []},
    "map": {"type": "object", "additionalProperties": SMALL, "maxProperties": 2},
    "array": {"type": "array", "items": SMALL, "minItems": 2, "maxItems": 4},
    "array of objects": {"type": "array", "items": closed(n=SMALL), "minItems": 1, "maxItems": 2},
    "array of arrays": {
        "type": "array",
        "items": {"type": "array", "items": {"type": "boolean"}, "minItems": 2, "maxItems": 2},
        "minItems": 2,
        "maxItems": 2,
    },
    "tuple": {"type": "array", "prefixItems": [WORD, SMALL], "items": False, "minItems": 2},
    "empty array": {"type": "array", "maxItems": 0},
    "anyOf": {"anyOf": [closed(kind={"const": "a"}, n=SMALL), closed(kind={"const": "b"}, word=WORD)]},
    "allOf": {"allOf": [{"type": "integer", "minimum": 3}, {"type": "integer", "maximum": 7}]},
    "$ref": {"$defs": {"room": closed(size=SMALL)}, **closed(first={"$ref": "#/$defs/room"})},
    "$ref used twice": {
        "$defs": {"node": closed(leaf={"type": "null"})},
        "type": "array",
        "items": {"$ref": "#/$defs/node"},
        "minItems": 1,
        "maxItems": 3,
    },
    "quoted name": closed(**{'a "b" \\ ü': {"type": "boolean"}}),
    "title and description": {"title": "T", "description": "D", **closed(ok={"type": "boolean"})},
}


@pytest.fixture(scope="module")
def bundled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EngineProcess]:
    with running_engine(tmp_path_factory.mktemp("bundled"), "--ctx", "8192", "--threads", "2") as engine:
        yield engine


@pytest.fixture(scope="module")
def talker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EngineProcess]:
    with reciting_engine(tmp_path_factory.mktemp("talker"), REASONING, ANSWER, "--ctx", "8192") as engine:
        yield engine


def schema_format(schema: Any) -> dict[str, Any]:
    return {"type": "json_schema", "json_schema": {"name": "answer", "schema": schema}}


def check(schema: Any, text: str) -> None:
    jsonschema.validate(json.loads(text), schema, format_checker=jsonschema.FormatChecker())


@pytest.mark.parametrize("temperature", [0, 1])
@pytest.mark.parametrize("name", SCHEMAS)
def test_an_answer_has_the_form_asked_for(bundled: EngineProcess, name: str, temperature: int) -> None:
    reply = chat(
        bundled.port,
        messages=ASK,
        thinking=False,
        temperature=temperature,
        seed=7,
        max_tokens=800,
        response_format=schema_format(SCHEMAS[name]),
    )
    choice = reply["choices"][0]
    assert choice["finish_reason"] == "stop", choice
    check(SCHEMAS[name], choice["message"]["content"])


@pytest.mark.parametrize("name", ["object", "enum of strings", "anyOf", "array of objects"])
def test_the_form_begins_behind_the_reasoning_and_streams(bundled: EngineProcess, name: str) -> None:
    records = chat_stream(
        bundled.port,
        messages=ASK,
        temperature=0,
        max_tokens=2000,
        response_format=schema_format(SCHEMAS[name]),
    )
    deltas = [record["choices"][0]["delta"] for record in records]
    assert "".join(delta.get("reasoning_content", "") for delta in deltas)
    check(SCHEMAS[name], "".join(delta.get("content", "") for delta in deltas))
    assert records[-1]["choices"][0]["finish_reason"] == "stop"


def test_a_model_that_says_something_else_is_held_to_the_form(talker: EngineProcess) -> None:
    schema = closed(colour={"enum": ["red", "blue"]}, n=SMALL)
    reply = chat(talker.port, messages=ASK, temperature=0, response_format=schema_format(schema))
    message = reply["choices"][0]["message"]
    assert message["reasoning_content"] == "".join(REASONING)
    check(schema, message["content"])


def test_a_recursive_schema_is_followed_as_deep_as_there_is_room(bundled: EngineProcess) -> None:
    """A small model writes a chain without end; what there is of it is right."""
    node = closed(leaf={"anyOf": [{"type": "null"}, {"$ref": "#/$defs/node"}]})
    wanted = schema_format({"$defs": {"node": node}, "$ref": "#/$defs/node"})
    reply = chat(bundled.port, messages=ASK, thinking=False, max_tokens=60, response_format=wanted)
    text = reply["choices"][0]["message"]["content"]
    assert re.fullmatch(r'(\{"leaf": ?)+(null)?\}*|(\{"leaf": ?)+\{?("[leaf]*"?:?)?', text), text


def test_any_object(bundled: EngineProcess) -> None:
    """Of a question that the small model has an end for."""
    ask = [{"role": "user", "content": "Say hello as JSON."}]
    reply = chat(
        bundled.port, messages=ask, thinking=False, temperature=0, response_format={"type": "json_object"}
    )
    assert isinstance(json.loads(reply["choices"][0]["message"]["content"]), dict)


@pytest.mark.parametrize("field", ["pattern", "regex"])
def test_a_regular_expression(bundled: EngineProcess, field: str) -> None:
    pattern = "(red|blue) house, [0-9]{2} years"
    reply = chat(
        bundled.port,
        messages=ASK,
        thinking=False,
        temperature=1,
        response_format={"type": "regex", field: pattern},
    )
    assert re.fullmatch(pattern, reply["choices"][0]["message"]["content"])


@pytest.mark.parametrize("path", ["/v1/responses", "/v1/messages"])
def test_the_other_dialects(bundled: EngineProcess, path: str) -> None:
    schema = SCHEMAS["object"]
    wanted = {"type": "json_schema", "name": "answer", "schema": schema}
    fields: dict[str, Any] = {"temperature": 0}
    if path == "/v1/responses":
        fields |= {"input": ASK, "text": {"format": wanted}, "reasoning": {"effort": "none"}}
    else:
        fields |= {"messages": ASK, "max_tokens": 200, "output_config": {"format": wanted}, "thinking": False}
    _, body = exchange(bundled.port, request("POST", path, json.dumps(fields).encode()))
    reply = json.loads(body)
    text = reply["output"][0]["content"][0]["text"] if "output" in reply else reply["content"][0]["text"]
    check(schema, text)


@pytest.mark.parametrize(
    ("wanted", "part"),
    [
        (schema_format({"type": "array", "uniqueItems": True}), "uniqueItems"),
        (schema_format({"not": {"type": "string"}}), "not"),
        (schema_format({"type": "object", "if": {}}), "if"),
        (schema_format({"type": "house"}), "house"),
        ({"type": "regex", "pattern": "(?=a)b"}, "look-around"),
        ({"type": "regex", "pattern": "(a"}, "unclosed group"),
        ({"type": "poem"}, "poem"),
    ],
)
def test_a_format_that_cannot_be_enforced_is_named(
    bundled: EngineProcess, wanted: dict[str, Any], part: str
) -> None:
    head, body = post_chat(bundled.port, messages=ASK, response_format=wanted)
    assert head.startswith("HTTP/1.1 400 ")
    message = json.loads(body)["error"]["message"]
    assert part in message
    assert "\n" not in message


def tool(name: str, **properties: Any) -> dict[str, Any]:
    return {"type": "function", "function": {"name": name, "parameters": closed(**properties)}}


TOOLS = [tool("paint", colour=WORD), tool("measure", what=WORD)]


def test_a_format_and_tools_exclude_each_other(bundled: EngineProcess) -> None:
    head, body = post_chat(bundled.port, messages=ASK, tools=TOOLS, response_format={"type": "json_object"})
    assert head.startswith("HTTP/1.1 400 ")
    assert "tool_choice" in json.loads(body)["error"]["message"]


@pytest.mark.parametrize("thinking", [True, False])
@pytest.mark.parametrize("name", ["paint", "measure"])
def test_a_named_tool_is_called(bundled: EngineProcess, name: str, thinking: bool) -> None:
    choice = {"type": "function", "function": {"name": name}}
    fields = {"messages": ASK, "tools": TOOLS, "tool_choice": choice, "thinking": thinking, "temperature": 0}
    reply = chat(bundled.port, **fields)["choices"][0]
    assert reply["finish_reason"] == "tool_calls", reply
    (call, *_) = reply["message"]["tool_calls"]
    assert call["function"]["name"] == name
    assert isinstance(json.loads(call["function"]["arguments"]), dict)
    assert reply["message"]["content"] == ""
    records = chat_stream(bundled.port, **fields)
    calls = [c for r in records for c in r["choices"][0]["delta"].get("tool_calls", [])]
    assert calls[0]["function"]["name"] == name
    assert (
        "".join(c["function"]["arguments"] for c in calls if c["index"] == 0) == call["function"]["arguments"]
    )


@pytest.mark.parametrize("choice", ["required", {"type": "function", "function": {"name": "a\ud800"}}])
def test_a_tool_whose_name_is_not_text_is_called(bundled: EngineProcess, choice: object) -> None:
    """JSON can spell half a character."""
    fields = {"messages": ASK, "tools": [tool("a\ud800")], "tool_choice": choice, "thinking": False}
    data = json.dumps({**fields, "max_tokens": 9}).encode()  # escaped: as itself it is no UTF-8
    head, body = exchange(bundled.port, request("POST", "/v1/chat/completions", data))
    assert head.startswith("HTTP/1.1 200 "), body


def test_stop_strings_are_not_looked_for_in_what_is_dictated(bundled: EngineProcess) -> None:
    choice = {"type": "function", "function": {"name": "paint"}}
    fields = {"messages": ASK, "tools": TOOLS, "tool_choice": choice, "temperature": 0, "thinking": False}
    reply = chat(bundled.port, stop=["\n\n", "invoke name"], **fields)["choices"][0]
    assert reply["message"]["tool_calls"][0]["function"]["name"] == "paint"


def test_an_answer_that_quotes_a_call_is_no_call(bundled: EngineProcess) -> None:
    block = render_block([ToolCall("", "paint", "{}")])
    wanted = schema_format({"const": block})
    reply = chat(bundled.port, messages=ASK, thinking=False, response_format=wanted)["choices"][0]
    assert reply["finish_reason"] == "stop"
    assert json.loads(reply["message"]["content"]) == block


def test_a_format_of_any_size_is_refused(bundled: EngineProcess) -> None:
    wanted = schema_format({"enum": ["x" * 300_000]})
    head, body = post_chat(bundled.port, messages=ASK, response_format=wanted)
    assert head.startswith("HTTP/1.1 400 ")
    assert "300" in json.loads(body)["error"]["message"]


@pytest.mark.parametrize(
    ("wanted", "reason"),
    [
        ({"type": "regex", "pattern": "a{1000000}"}, "regular expression is too much to follow: lexer error"),
        (schema_format(closed(a={"$ref": "#"})), "JSON schema is too much to follow: parser error"),
    ],
    ids=["regex", "schema"],
)
def test_a_format_that_cannot_be_followed_is_no_answer(
    bundled: EngineProcess, wanted: dict[str, Any], reason: str
) -> None:
    """It compiles; what it takes to follow it is too much, or nothing that ends has this form."""
    fields = {"messages": ASK, "thinking": False, "temperature": 0, "response_format": wanted}
    assert chat(bundled.port, **fields)["choices"][0]["finish_reason"] == "error"
    assert chat_stream(bundled.port, **fields)[-1]["choices"][0]["finish_reason"] == "error"
    assert sum(reason in line for line in bundled.lines) == 2


@pytest.mark.parametrize("tools", [TOOLS, TOOLS[:1]])
def test_some_tool_is_called(bundled: EngineProcess, tools: list[Any]) -> None:
    for temperature in (0, 1):
        reply = chat(
            bundled.port, messages=ASK, tools=tools, tool_choice="required", temperature=temperature, seed=3
        )["choices"][0]
        names = [call["function"]["name"] for call in reply["message"].get("tool_calls", [])]
        assert names
        assert set(names) <= {"paint", "measure"}


def test_a_model_that_would_only_talk_makes_the_call(talker: EngineProcess) -> None:
    """It ends its turn in the middle of the call; closing tags are added, because the model meant to end."""
    choice = {"type": "function", "function": {"name": "paint"}}
    reply = chat(talker.port, messages=ASK, tools=TOOLS, tool_choice=choice, max_tokens=60, temperature=0)
    assert reply["choices"][0]["message"]["reasoning_content"] == "".join(REASONING)
    assert reply["choices"][0]["message"]["content"] == ""


@pytest.mark.parametrize(
    ("fields", "part"),
    [
        ({"tool_choice": "required"}, "needs tools"),
        ({"tools": TOOLS, "tool_choice": {"type": "function", "function": {"name": "sing"}}}, "sing"),
    ],
)
def test_a_choice_that_is_not_offered_is_named(
    bundled: EngineProcess, fields: dict[str, Any], part: str
) -> None:
    head, body = post_chat(bundled.port, messages=ASK, **fields)
    assert head.startswith("HTTP/1.1 400 ")
    assert part in json.loads(body)["error"]["message"]


def test_log_probabilities_of_the_answer(bundled: EngineProcess) -> None:
    fields = {"messages": ASK, "thinking": False, "temperature": 0, "max_tokens": 12}
    choice = chat(bundled.port, logprobs=True, top_logprobs=5, **fields)["choices"][0]
    entries = choice["logprobs"]["content"]
    text = choice["message"]["content"]
    assert b"".join(bytes(entry["bytes"]) for entry in entries).decode().startswith(text)
    for entry in entries:
        top = [other["logprob"] for other in entry["top_logprobs"]]
        assert len(top) == 5
        assert top == sorted(top, reverse=True)
        assert sum(map(math.exp, top)) <= 1 + 1e-5
        assert entry["top_logprobs"][0]["bytes"] == entry["bytes"]  # greedy
        assert entry["logprob"] == top[0]
    records = chat_stream(bundled.port, logprobs=True, top_logprobs=5, **fields)
    streamed = [e for r in records for e in r["choices"][0].get("logprobs", {}).get("content", [])]
    assert streamed == entries
    assert "logprobs" not in chat(bundled.port, **fields)["choices"][0]


def test_reasoning_and_calls_have_no_log_probabilities(talker: EngineProcess) -> None:
    choice = chat(talker.port, messages=ASK, logprobs=True)["choices"][0]
    tokens = [entry["token"] for entry in choice["logprobs"]["content"]]
    assert tokens == ANSWER
    assert all(entry["top_logprobs"] == [] for entry in choice["logprobs"]["content"])
