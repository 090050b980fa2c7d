"""What a client makes of a Responses stream, with every rule about its order checked."""

from __future__ import annotations

import json
from typing import Any

_DELTAS = {
    "reasoning_summary_text.delta": "summary",
    "output_text.delta": "content",
    "function_call_arguments.delta": "arguments",
    "custom_tool_call_input.delta": "input",
}


def records(stream: bytes) -> list[tuple[str, dict[str, Any]]]:
    """(type without its prefix, data) of each record; none has an event name, and the numbers have no gap."""
    texts = stream.decode().split("\n\n")
    assert texts.pop() == ""
    out: list[tuple[str, dict[str, Any]]] = []
    for text in texts:
        value = json.loads(text.removeprefix("data: "))
        assert list(value)[:2] == ["type", "sequence_number"]
        assert value["sequence_number"] == len(out)
        out.append((value["type"].removeprefix("response."), value))
    return out


def joined(events: list[tuple[str, dict[str, Any]]]) -> dict[str, Any]:
    """The response that a stream ends with; it must be what its deltas amount to."""
    assert [name for name, _ in events[:2]] == ["created", "in_progress"]
    assert events[0][1]["response"] == events[1][1]["response"]
    items: list[Any] = []
    text: str | None = None
    for name, data in events[2:-1]:
        if name == "output_item.added":
            assert text is None, "an item begins before the last one is done"
            assert data["item"]["status"] == "in_progress"
            text, opened = "", data["item"]
        assert text is not None
        assert data["output_index"] == len(items)
        assert data.get("item_id", opened["id"]) == opened["id"]
        if name in _DELTAS:
            text += data["delta"]
        elif name.endswith(".done") and name != "output_item.done":
            _check_done(name, data, opened, text)
        elif name == "output_item.done":
            item = data["item"]
            assert {**item, "status": 0, **_texts(item, None)} == {
                **opened,
                "status": 0,
                **_texts(item, None),
            }
            assert _texts(item, text) == {k: item[k] for k in _texts(item, text)}
            items.append(item)
            text = None
    assert text is None
    response: dict[str, Any] = events[-1][1]["response"]
    assert events[-1][0] == response["status"]
    assert response["output"] == items
    first = events[0][1]["response"]
    assert {k: first[k] for k in ("id", "created_at", "model")} == {
        k: response[k] for k in ("id", "created_at", "model")
    }
    return response


def _check_done(name: str, data: dict[str, Any], item: dict[str, Any], text: str) -> None:
    if name == "function_call_arguments.done":
        assert data["name"] == item["name"]
        assert data.get("namespace") == item.get("namespace")
        assert json.loads(data["arguments"]) == json.loads(text)
    elif "part" in data:
        assert data["part"]["text"] == text
    else:
        assert data.get("text", data.get("input")) == text


def _texts(item: dict[str, Any], text: str | None) -> dict[str, Any]:
    """The members of a finished item that the deltas make up."""
    match item["type"]:
        case "reasoning":
            return {"summary": [{"type": "summary_text", "text": text}]}
        case "message":
            return {"content": [{"type": "output_text", "text": text, "annotations": []}]}
        case "function_call" if text is not None and item["status"] == "completed":
            # Raw values are streamed as they were sampled, and end without white space.
            same = json.loads(text) == json.loads(item["arguments"])
            return {"arguments": item["arguments"] if same else text}
        case "function_call":
            return {"arguments": text}
        case "custom_tool_call":
            return {"input": text}
        case _:
            return {} if text is not None else {"arguments": None}


def without_ids(response: dict[str, Any]) -> dict[str, Any]:
    """The same with the ids of items and of the response left out."""
    items = [{k: v for k, v in item.items() if k != "id"} for item in response["output"]]
    return {**{k: v for k, v in response.items() if k != "id"}, "output": items}
