"""What a client makes of an Anthropic stream, with every rule about its order checked."""

from __future__ import annotations

import json
from typing import Any


def records(stream: bytes) -> list[tuple[str, Any]]:
    """(event name, data) of each record; every record has both."""
    texts = stream.decode().split("\n\n")
    assert texts.pop() == ""
    out = []
    for text in texts:
        name, data = text.split("\n")
        value = json.loads(data.removeprefix("data: "))
        assert name == f"event: {value['type']}"
        out.append((value["type"], value))
    return out


def joined(events: list[tuple[str, Any]]) -> dict[str, Any]:
    """The message that a stream amounts to."""
    events = [(name, data) for name, data in events if name != "ping"]
    assert [name for name, _ in events].count("message_start") == 1
    message: dict[str, Any] = events[0][1]["message"]
    block: dict[str, Any] | None = None
    arguments = ""
    for name, data in events[1:-2]:
        assert data["index"] == len(message["content"])
        if name == "content_block_start":
            assert block is None
            block, arguments = data["content_block"], ""
        elif name == "content_block_delta":
            assert block is not None
            if data["delta"]["type"] == "input_json_delta":
                arguments += data["delta"]["partial_json"]
            else:
                member = data["delta"]["type"].removesuffix("_delta")
                block[member] += data["delta"][member]
        else:
            assert name == "content_block_stop"
            assert block is not None
            if block["type"] == "tool_use":
                block["input"] = json.loads(arguments)
            message["content"].append(block)
            block = None
    assert block is None
    assert [name for name, _ in events[-2:]] == ["message_delta", "message_stop"]
    message.update(events[-2][1]["delta"])
    message["usage"].update(events[-2][1]["usage"])
    return message
