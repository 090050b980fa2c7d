"""A turn that ends oddly costs what it did not say, not the turns before it.

The client leaves reasoning out, so that its text and the session part in the first turn already.
"""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from typing import Any

import pytest

from tests.e2e.recitals import ANSWER, REASONING
from tests.engine_fixtures import EngineProcess, chat, exchange, reciting_engine, request

TOOLS: list[Any] = [{"type": "function", "function": {"name": "bash", "parameters": {}}}]
LONG = "A user's long message. " * 40
# More than an end marker, a message of one word and the odd turn itself; less than any long message.
LITTLE = 200


@pytest.fixture(scope="module", params=["1", "4"])
def engine(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[EngineProcess]:
    folder = tmp_path_factory.mktemp("engine")
    with reciting_engine(folder, REASONING, ANSWER, "--batched-session", request.param) as engine:
        yield engine


class Talk:
    """A conversation of a client that leaves reasoning out."""

    def __init__(self, port: int, system: str, **fields: Any) -> None:
        self.port = port
        self.messages: list[Any] = [{"role": "system", "content": system}]
        self.fields = fields

    def say(self, text: str, **odd: Any) -> int:
        """Tokens that were read."""
        self.messages.append({"role": "user", "content": text})
        reply = chat(self.port, messages=self.messages, temperature=0, **self.fields, **odd)
        answer = reply["choices"][0]["message"]["content"]
        self.messages.append({"role": "assistant", "content": answer})
        usage = reply["usage"]
        return int(usage["prompt_tokens"] - usage["prompt_tokens_details"]["cached_tokens"])


@pytest.fixture(params=[{}, {"tools": TOOLS}], ids=["plain", "tools"])
def talk(engine: EngineProcess, request: pytest.FixtureRequest) -> Talk:
    talk = Talk(engine.port, request.node.name, **request.param)
    for n in range(3):
        talk.say(f"{n} {LONG}")
    return talk


@pytest.mark.parametrize(
    "odd",
    [
        {"max_tokens": 0},
        {"max_tokens": 2},
        {"max_tokens": len(REASONING) + 2},
        {"stop": ["can I"]},
        {"stop": ["user"]},
    ],
)
def test_a_turn_that_is_cut(talk: Talk, odd: dict[str, Any]) -> None:
    talk.say(f"Odd. {LONG}", **odd)
    assert talk.say("Go on.") < LITTLE
    assert talk.say("And on.") < LITTLE


def test_an_answer_that_is_cut_is_not_read_at_all(talk: Talk) -> None:
    answered = len(ANSWER) - 1
    whole = talk.say("Whole."), talk.say("Next.")
    cut = talk.say("Whole.", max_tokens=len(REASONING) + 1 + answered), talk.say("Next.")
    assert cut == whole


def test_a_turn_that_is_taken_back(talk: Talk) -> None:
    talk.say(f"Odd. {LONG}", max_tokens=2)
    del talk.messages[-2:]
    assert talk.say("Something else.") < LITTLE
    del talk.messages[-4:]
    assert talk.say("Something else than two turns ago.") < LITTLE


def test_an_answer_that_the_client_throws_away(talk: Talk) -> None:
    """As agents do that were interrupted while the model was thinking: another message, or a longer one."""
    talk.say(f"Odd. {LONG}", max_tokens=2)
    talk.messages.pop()
    assert talk.say("Go on.") < LITTLE
    talk.say(f"Odd. {LONG}", max_tokens=2)
    del talk.messages[-2:]
    assert talk.say(f"Odd. {LONG} And more.") < LITTLE
    assert talk.say("And on.") < LITTLE


def test_a_stream_that_the_client_leaves(engine: EngineProcess, talk: Talk) -> None:
    fields = {
        "messages": [*talk.messages, {"role": "user", "content": f"Odd. {LONG}"}],
        "temperature": 0,
        "stream": True,
        **talk.fields,
    }
    body = json.dumps(fields).encode()
    with socket.create_connection(("127.0.0.1", engine.port)) as sock:
        sock.sendall(request("POST", "/v1/chat/completions", body))
        read = b""
        while b"data:" not in read:  # the prompt is read, and the first token on its way
            read += sock.recv(4096)
    assert talk.say(f"Odd. {LONG}") < LITTLE
    assert talk.say("Go on.") < LITTLE


def test_responses_without_summaries(engine: EngineProcess) -> None:
    items: list[Any] = []

    def say(text: str, **odd: Any) -> int:
        items.append({"role": "user", "content": text})
        body = json.dumps({"input": items, "instructions": "Codex.", **odd}).encode()
        _, reply = exchange(engine.port, request("POST", "/v1/responses", body))
        value = json.loads(reply)
        shown = [part["text"] for item in value["output"] for part in item["content"]]
        items.append({"role": "assistant", "content": "".join(shown)})
        usage = value["usage"]
        return int(usage["input_tokens"] - usage["input_tokens_details"]["cached_tokens"])

    for n in range(3):
        say(f"{n} {LONG}")
    say(f"Odd. {LONG}", max_output_tokens=2)
    assert say("Go on.") < LITTLE


@pytest.mark.parametrize("summary", [None, "auto"])
@pytest.mark.parametrize("limit", [2, len(REASONING) + 1 + len(ANSWER) - 1])
def test_the_items_of_a_response_that_was_cut_are_sent_back(
    engine: EngineProcess, summary: str | None, limit: int
) -> None:
    """As OpenAI's guides do it: `input += response.output`."""
    fields: dict[str, Any] = {"instructions": f"{summary} {limit}", "reasoning": {"summary": summary}}
    items: list[Any] = [{"role": "user", "content": LONG}]

    def respond(**more: Any) -> tuple[str, Any]:
        body = json.dumps({"input": items, **fields, **more}).encode()
        head, reply = exchange(engine.port, request("POST", "/v1/responses", body))
        return head.split("\r\n")[0], json.loads(reply)

    _, cut = respond(max_output_tokens=limit)
    assert cut["status"] == "incomplete"
    items += [*cut["output"], {"role": "user", "content": "Go on."}]
    status, reply = respond()
    assert status == "HTTP/1.1 200 OK"
    usage = reply["usage"]
    assert usage["input_tokens"] - usage["input_tokens_details"]["cached_tokens"] < LITTLE
