"""What the relay writes of its own, and what it puts into a request for a thinking mode in a name."""

from __future__ import annotations

import json

import pytest

from ds4agent.sidecar.dialects import THINKING, thinks_most, with_thinking
from ds4agent.wire import anthropic, chat, responses
from ds4agent.wire.dialect import Dialect
from ds4agent.wire.request import ParseContext
from ds4agent.wire.template import ThinkMode

USER = [{"role": "user", "content": "a"}]
DIALECTS = [
    ("/v1/chat/completions", chat.DIALECT, {"messages": USER, "thinking": {"type": "enabled"}}),
    ("/v1/messages", anthropic.DIALECT, {"messages": USER, "max_tokens": 5}),
    ("/v1/responses", responses.DIALECT, {"input": "a", "reasoning": {"effort": "low"}}),
]


@pytest.mark.parametrize(("path", "dialect", "body"), DIALECTS)
@pytest.mark.parametrize(
    ("mode", "means"), [("chat", ThinkMode.NONE), ("think", ThinkMode.HIGH), ("think-max", ThinkMode.MAX)]
)
def test_every_api_understands_it(
    path: str, dialect: Dialect, body: dict[str, object], mode: str, means: ThinkMode
) -> None:
    text = json.dumps(body).encode() + b" \n"
    changed = with_thinking(path, text, mode)
    assert changed.startswith(text.rstrip()[:-1])
    assert dialect.parse(changed, ParseContext(1_000_000)).think is means


@pytest.mark.parametrize("path", THINKING)
def test_what_is_no_object_is_left_alone(path: str) -> None:
    assert with_thinking(path, b"[1]", "chat") == b"[1]"
    json.loads(with_thinking(path, b"{ }", "chat"))


@pytest.mark.parametrize(
    ("path", "body", "most"),
    [
        ("/v1/chat/completions", {"reasoning_effort": "max"}, True),
        ("/v1/chat/completions", {"reasoning": {"effort": "max"}}, False),
        ("/v1/chat/completions", {"reasoning_effort": "max", "thinking": {"type": "disabled"}}, False),
        ("/v1/chat/completions", {"messages": [{"content": '"reasoning_effort":"max"'}]}, False),
        ("/v1/chat/completions", {"x": "max", "reasoning_effort": "high"}, False),
        ("/v1/completions", {"reasoning_effort": "max", "think": False}, False),
        ("/v1/responses", {"reasoning": {"effort": "max", "summary": "auto"}}, True),
        ("/v1/responses", {"tools": [{"reasoning": {"effort": "max"}}]}, False),
        ("/v1/messages", {"output_config": {"effort": "max"}}, True),
        ("/v1/messages", {"thinking": {"type": "adaptive"}, "output_config": {"effort": "max"}}, True),
        ("/v1/messages", {"thinking": {"type": "disabled"}, "output_config": {"effort": "max"}}, False),
        ("/infill", {"reasoning_effort": "max"}, False),
    ],
)
def test_the_most_thinking_is_seen_where_each_api_says_it(path: str, body: object, most: bool) -> None:
    assert thinks_most(path, json.dumps(body).encode()) is most


@pytest.mark.parametrize("path", ["/v1/chat/completions", "/v1/completions", "/v1/responses", "/v1/messages"])
def test_the_most_thinking_of_a_models_name_is_seen(path: str) -> None:
    assert thinks_most(path, with_thinking(path, b'{"model":"m"}', "think-max"))
    assert not thinks_most(path, with_thinking(path, b'{"model":"m"}', "think"))
