"""Replies in the exact form of ds4-server's four APIs: whole bodies, and streams record by record."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any


@dataclass
class Turn:
    """One reply: what is answered, and what it cost."""

    id: str
    model: str
    cached: int = 0
    prompt: int = 0
    reasoning: list[str] = field(default_factory=list)
    text: list[str] = field(default_factory=list)
    calls: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    finish: str = "stop"
    generated: int = 0
    include_usage: bool = False

    @property
    def written(self) -> int:
        return self.prompt - self.cached

    @property
    def all_text(self) -> str:
        return "".join(self.text)

    @property
    def all_reasoning(self) -> str:
        return "".join(self.reasoning)


def _compact(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def data(value: object, event: str = "") -> bytes:
    """One SSE record."""
    head = f"event: {event}\n" if event else ""
    return f"{head}data: {_compact(value)}\n\n".encode()


def _random(prefix: str, n_bytes: int) -> str:
    return prefix + os.urandom(n_bytes).hex()


def _openai_usage(turn: Turn) -> dict[str, Any]:
    return {
        "prompt_tokens": turn.prompt,
        "completion_tokens": turn.generated,
        "total_tokens": turn.prompt + turn.generated,
        "prompt_tokens_details": {"cached_tokens": turn.cached, "cache_write_tokens": turn.written},
    }


class Chat:
    """POST /v1/chat/completions."""

    error_event = staticmethod(
        lambda text: data({"error": {"message": text, "type": "server_error"}}, "error")
    )
    context_param = "messages"

    def __init__(self, turn: Turn) -> None:
        self.turn = turn

    def _chunk(self, delta: dict[str, Any], finish: str | None = None) -> bytes:
        return self._record([{"index": 0, "delta": delta, "finish_reason": finish}])

    def _record(self, choices: list[Any], **more: object) -> bytes:
        kind, now = "chat.completion.chunk", int(time.time())
        head = {"id": self.turn.id, "object": kind, "created": now, "model": self.turn.model}
        return data({**head, "choices": choices, **more})

    def head(self) -> Iterator[bytes]:
        yield self._chunk({"role": "assistant"})

    def reasoning(self, piece: str) -> Iterator[bytes]:
        yield self._chunk({"reasoning_content": piece})

    def text(self, piece: str) -> Iterator[bytes]:
        yield self._chunk({"content": piece})

    def end(self) -> Iterator[bytes]:
        for i, (name, arguments) in enumerate(self.turn.calls):
            function = {"name": name, "arguments": ""}
            call = {"index": i, "id": _random("call_", 16), "type": "function", "function": function}
            yield self._chunk({"tool_calls": [call]})
            yield self._chunk({"tool_calls": [{"index": i, "function": {"arguments": _compact(arguments)}}]})
        yield self._chunk({}, self.turn.finish)
        if self.turn.include_usage:
            yield self._record([], usage=_openai_usage(self.turn))
        yield b"data: [DONE]\n\n"

    def whole(self) -> bytes:
        turn = self.turn
        message: dict[str, Any] = {"role": "assistant", "content": turn.all_text}
        if turn.reasoning:
            message["reasoning_content"] = turn.all_reasoning
        if turn.calls:
            message["tool_calls"] = [
                {
                    "id": _random("call_", 16),
                    "type": "function",
                    "function": {"name": name, "arguments": _compact(arguments)},
                }
                for name, arguments in turn.calls
            ]
        body = {
            "id": turn.id,
            "object": "chat.completion",
            "created": int(time.time()),
            "model": turn.model,
            "choices": [{"index": 0, "message": message, "finish_reason": turn.finish}],
            "usage": _openai_usage(turn),
        }
        return _compact(body).encode() + b"\n"


class Completions(Chat):
    """POST /v1/completions."""

    context_param = "prompt"

    def _record(self, choices: list[Any], **more: object) -> bytes:
        kind, now = "text_completion", int(time.time())
        return data(
            {
                "id": self.turn.id,
                "object": kind,
                "created": now,
                "model": self.turn.model,
                "choices": choices,
                **more,
            }
        )

    def head(self) -> Iterator[bytes]:
        return iter(())

    def reasoning(self, piece: str) -> Iterator[bytes]:
        return self.text(piece)

    def text(self, piece: str) -> Iterator[bytes]:
        yield self._record([{"text": piece, "index": 0, "finish_reason": None}])

    def end(self) -> Iterator[bytes]:
        yield self._record([{"text": "", "index": 0, "finish_reason": self.turn.finish}])
        if self.turn.include_usage:
            yield self._record([], usage=_openai_usage(self.turn))
        yield b"data: [DONE]\n\n"

    def whole(self) -> bytes:
        turn = self.turn
        choice = {"text": turn.all_reasoning + turn.all_text, "index": 0, "finish_reason": turn.finish}
        head = {"id": turn.id, "object": "text_completion", "created": int(time.time()), "model": turn.model}
        return _compact({**head, "choices": [choice], "usage": _openai_usage(turn)}).encode() + b"\n"


class Messages:
    """POST /v1/messages."""

    error_event = staticmethod(
        lambda text: data({"type": "error", "error": {"type": "api_error", "message": text}}, "error")
    )

    def __init__(self, turn: Turn) -> None:
        self.turn, self._index, self._open = turn, -1, ""

    def _event(self, name: str, /, **more: object) -> bytes:
        return data({"type": name, **more}, name)

    def _usage(self, generated: int) -> dict[str, int]:
        turn = self.turn
        return {
            "input_tokens": turn.prompt - turn.cached - turn.written,
            "output_tokens": generated,
            "cache_read_input_tokens": turn.cached,
            "cache_creation_input_tokens": turn.written,
        }

    def _message(self, content: list[Any], reason: str | None, generated: int) -> dict[str, Any]:
        head = {"id": self.turn.id, "type": "message", "role": "assistant", "model": self.turn.model}
        stop = {"stop_reason": reason, "stop_sequence": None}
        return {**head, "content": content, **stop, "usage": self._usage(generated)}

    @property
    def _reason(self) -> str:
        return {"tool_calls": "tool_use", "length": "max_tokens"}.get(self.turn.finish, "end_turn")

    def head(self) -> Iterator[bytes]:
        yield self._event("message_start", message=self._message([], None, 0))

    def _start(self, kind: str, block: dict[str, Any]) -> Iterator[bytes]:
        if self._open != kind:
            yield from self._stop()
            self._index, self._open = self._index + 1, kind
            yield self._event("content_block_start", index=self._index, content_block=block)

    def _delta(self, **delta: object) -> bytes:
        return self._event("content_block_delta", index=self._index, delta=delta)

    def _stop(self) -> Iterator[bytes]:
        if self._open == "thinking":
            yield self._delta(type="signature_delta", signature=self.turn.id)
        if self._open:
            yield self._event("content_block_stop", index=self._index)
        self._open = ""

    def reasoning(self, piece: str) -> Iterator[bytes]:
        yield from self._start("thinking", {"type": "thinking", "thinking": "", "signature": ""})
        yield self._delta(type="thinking_delta", thinking=piece)

    def text(self, piece: str) -> Iterator[bytes]:
        yield from self._start("text", {"type": "text", "text": ""})
        yield self._delta(type="text_delta", text=piece)

    def end(self) -> Iterator[bytes]:
        for name, arguments in self.turn.calls:
            block = {"type": "tool_use", "id": _random("toolu_", 16), "name": name, "input": {}}
            yield from self._start(name, block)
            yield self._delta(type="input_json_delta", partial_json=_compact(arguments))
            yield from self._stop()
        yield from self._stop()
        delta = {"stop_reason": self._reason, "stop_sequence": None}
        yield self._event("message_delta", delta=delta, usage={"output_tokens": self.turn.generated})
        yield self._event("message_stop")

    def whole(self) -> bytes:
        turn, content = self.turn, list[Any]()
        if turn.reasoning:
            content.append({"type": "thinking", "thinking": turn.all_reasoning, "signature": turn.id})
        if turn.text or not turn.calls:
            content.append({"type": "text", "text": turn.all_text})
        for name, arguments in turn.calls:
            block = {"type": "tool_use", "id": _random("toolu_", 16), "name": name, "input": arguments}
            content.append(block)
        return _compact(self._message(content, self._reason, turn.generated)).encode() + b"\n"


class Responses:
    """POST /v1/responses. Reasoning is left out, as without `reasoning.summary`."""

    error_event = Chat.error_event
    context_param = "input"

    def __init__(self, turn: Turn) -> None:
        self.turn, self._number = turn, -1
        self._at: dict[str, Any] = {}
        self._id, self._item, self._output = _random("resp_", 12), _random("msg_", 12), list[Any]()

    def _event(self, name: str, /, **more: object) -> bytes:
        self._number += 1
        return data({"type": name, "sequence_number": self._number, **more})

    def _response(self, status: str, **more: object) -> dict[str, Any]:
        head = {"id": self._id, "object": "response", "created_at": int(time.time()), "status": status}
        return {**head, "model": self.turn.model, **more}

    def head(self) -> Iterator[bytes]:
        yield self._event("response.created", response=self._response("in_progress", output=[]))

    def reasoning(self, piece: str) -> Iterator[bytes]:
        return iter(())

    def text(self, piece: str) -> Iterator[bytes]:
        if not self._at:
            item = {
                "id": self._item,
                "type": "message",
                "status": "in_progress",
                "role": "assistant",
                "content": [],
            }
            yield self._event("response.output_item.added", output_index=0, item=item)
            self._at = {"item_id": self._item, "output_index": 0, "content_index": 0}
            part = {"type": "output_text", "text": "", "annotations": []}
            yield self._event("response.content_part.added", **self._at, part=part)
        yield self._event("response.output_text.delta", **self._at, delta=piece)

    def end(self) -> Iterator[bytes]:
        if self._at:
            part = {"type": "output_text", "text": self.turn.all_text, "annotations": []}
            yield self._event("response.output_text.done", **self._at, text=self.turn.all_text)
            yield self._event("response.content_part.done", **self._at, part=part)
            yield self._event("response.output_item.done", output_index=0, item=self._items()[0])
        for i, item in enumerate(self._items()[bool(self._at) :], bool(self._at)):
            started = {**item, "status": "in_progress", "arguments": ""}
            yield self._event("response.output_item.added", output_index=i, item=started)
            at = {"item_id": item["id"], "output_index": i}
            yield self._event("response.function_call_arguments.delta", **at, delta=item["arguments"])
            done = {"name": item["name"], "arguments": item["arguments"]}
            yield self._event("response.function_call_arguments.done", **at, **done)
            yield self._event("response.output_item.done", output_index=i, item=item)
        name = {"length": "incomplete", "error": "failed"}.get(self.turn.finish, "completed")
        yield self._event(f"response.{name}", response=self._final(name))

    def _items(self) -> list[Any]:
        if not self._output:
            status = "incomplete" if self.turn.finish in ("length", "error") else "completed"
            part = {"type": "output_text", "text": self.turn.all_text, "annotations": []}
            head = {"id": self._item, "type": "message", "status": status, "role": "assistant"}
            self._output = [{**head, "content": [part]}] if self.turn.text else []
            for name, arguments in self.turn.calls:
                call = {"id": _random("fc_", 12), "type": "function_call", "status": status, "name": name}
                self._output.append(
                    {**call, "call_id": _random("call_", 16), "arguments": _compact(arguments)}
                )
        return self._output

    def _final(self, status: str) -> dict[str, Any]:
        turn, why = self.turn, dict[str, Any]()
        if status == "incomplete":
            why = {"incomplete_details": {"reason": "max_tokens"}}
        elif status == "failed":
            why = {"error": {"code": "server_error", "message": "generation failed"}}
        usage = {
            "input_tokens": turn.prompt,
            "input_tokens_details": {"cached_tokens": turn.cached, "cache_write_tokens": turn.written},
            "output_tokens": turn.generated,
            "output_tokens_details": {"reasoning_tokens": 0},
            "total_tokens": turn.prompt + turn.generated,
        }
        return self._response(status, **why, output=self._items(), usage=usage)

    def whole(self) -> bytes:
        status = {"length": "incomplete", "error": "failed"}.get(self.turn.finish, "completed")
        return _compact(self._final(status)).encode()


Dialect = Chat | Completions | Messages | Responses
DIALECTS: dict[str, type[Dialect]] = {
    "/v1/chat/completions": Chat,
    "/v1/completions": Completions,
    "/v1/messages": Messages,
    "/v1/responses": Responses,
}
