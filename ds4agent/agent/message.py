"""Chat messages as the bytes that are sent.

A message is serialised once, when it comes into being, and those bytes are what the transcript holds and what
every request repeats (rules R1, R3). Nothing here trims, orders or normalises.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A call as the engine sent it; `arguments` is JSON text, byte for byte."""

    id: str
    name: str
    arguments: str


@dataclass(frozen=True, slots=True)
class AssistantTurn:
    """What the model said in one request."""

    content: str = ""
    reasoning: str = ""
    calls: tuple[ToolCall, ...] = ()


def encode(value: object) -> bytes:
    """Compact JSON, raw UTF-8; a lone surrogate, which has no UTF-8 form, makes the text ASCII."""
    try:
        return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
    except UnicodeEncodeError:
        return json.dumps(value, separators=(",", ":")).encode()


def system(text: str) -> bytes:
    return encode({"role": "system", "content": text})


def user(text: str) -> bytes:
    return encode({"role": "user", "content": text})


def tool_result(call_id: str, text: str) -> bytes:
    return encode({"role": "tool", "tool_call_id": call_id, "content": text})


def assistant(turn: AssistantTurn) -> bytes:
    message: dict[str, Any] = {"role": "assistant", "content": turn.content}
    if turn.reasoning:
        message["reasoning_content"] = turn.reasoning
    if turn.calls:
        message["tool_calls"] = [
            {"id": c.id, "type": "function", "function": {"name": c.name, "arguments": c.arguments}}
            for c in turn.calls
        ]
    return encode(message)


def calls_of(message: dict[str, Any]) -> tuple[ToolCall, ...]:
    """The calls of a decoded assistant message."""
    return tuple(
        ToolCall(c["id"], c["function"]["name"], c["function"]["arguments"])
        for c in message.get("tool_calls", ())
    )


def unfinished(messages: Sequence[bytes]) -> bool:
    """Whether the last turn can go on without a new task: it is not for the user to speak."""
    return bool(messages) and (bool(pending(messages)) or json.loads(messages[-1])["role"] != "assistant")


def pending(messages: Sequence[bytes]) -> tuple[ToolCall, ...]:
    """Calls without a result, in call order."""
    answered: set[str] = set()
    for raw in reversed(messages):
        message = json.loads(raw)
        if message["role"] == "tool":
            answered.add(message["tool_call_id"])
        elif message["role"] == "assistant":
            return tuple(call for call in calls_of(message) if call.id not in answered)
        else:
            break
    return ()
