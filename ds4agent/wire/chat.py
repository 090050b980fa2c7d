"""The OpenAI chat dialect: requests to messages, replies to bytes, with ds4-server's shapes and member
order.
"""

from collections.abc import Iterable
from functools import partial

from ds4agent.wire import json_spans, sse
from ds4agent.wire.dialect import Dialect, Emission, ReplyIds, Writer
from ds4agent.wire.dsml import CallArguments, CallStart, Content, Reasoning
from ds4agent.wire.dsml_values import clean
from ds4agent.wire.errors import RequestError, context_overflow, error_body
from ds4agent.wire.fields import (
    Object,
    as_array,
    as_object,
    as_string,
    invalid,
    optional,
    parse_body,
    parse_options,
    parse_think,
    texts,
)
from ds4agent.wire.json_spans import quote
from ds4agent.wire.message import ROLES, Message, ToolCall
from ds4agent.wire.reply import Reply, Usage
from ds4agent.wire.request import ParseContext, TurnRequest
from ds4agent.wire.tools import raw_tools


def parse_request(body: bytes, context: ParseContext) -> TurnRequest:
    """Raises RequestError for anything that cannot be served."""
    text, value = parse_body(body)
    options = parse_options(value, ("max_tokens", "max_completion_tokens"))
    if value.get("messages") is None:
        raise RequestError(400, "missing messages")
    messages = [
        message
        for i, item in enumerate(as_array(value["messages"]))
        if (message := _message(as_object(item), text, i)) is not None
    ]
    offered = value.get("tool_choice") != "none"
    return TurnRequest(
        messages=tuple(messages),
        tools_raw=raw_tools(text, value) if offered else (),
        think=parse_think(value, options.model, context.n_ctx),
        options=options,
    )


def _message(item: Object, body: str, index: int) -> Message | None:
    role = ROLES.get(optional(item, "role", as_string) or "user")
    calls = optional(item, "tool_calls", as_array) or []
    tool_calls = [
        call for j, c in enumerate(calls) if (call := _call(as_object(c), body, index, j)) is not None
    ]
    if role is None:
        return None
    return Message(
        role=role,
        content="".join(texts(item.get("content"))),
        reasoning="".join(texts(item.get("reasoning_content"))),
        tool_calls=tuple(tool_calls) if role == "assistant" else (),
        tool_call_id=optional(item, "tool_call_id", as_string) or "",
    )


def _call(item: Object, body: str, message: int, index: int) -> ToolCall | None:
    function = optional(item, "function", as_object) or {}
    name = optional(function, "name", as_string)
    arguments = function.get("arguments")
    if name is None or "arguments" not in function:
        return None
    text = clean(arguments) if isinstance(arguments, str) else _raw_arguments(body, message, index)
    return ToolCall(optional(item, "id", as_string) or "", name, text)


def _raw_arguments(body: str, message: int, index: int) -> str:
    """Arguments sent as JSON instead of a string: their text as it stands in the body."""
    raw = json_spans.elements(json_spans.member(body, "messages") or "[]")[message]
    call = json_spans.elements(json_spans.member(raw, "tool_calls") or "[]")[index]
    arguments = json_spans.member(json_spans.member(call, "function") or "{}", "arguments")
    if arguments is None:
        raise invalid()
    return arguments


def _calls_json(calls: Iterable[ToolCall], indexed: bool) -> str:
    parts = []
    for i, call in enumerate(calls):
        index = f'"index":{i},' if indexed else ""
        parts.append(
            f'{{{index}"id":{quote(call.id)},"type":"function","function":'
            f'{{"name":{quote(call.name)},"arguments":{quote(call.arguments)}}}}}'
        )
    return "[" + ",".join(parts) + "]"


class ChatWriter(Writer):
    """Spells one reply, whole or streamed."""

    def __init__(self, reply_id: str, model: str, include_usage: bool) -> None:
        self._id = reply_id
        self._model = model
        self._head = f'{{"id":{quote(reply_id)},"object":"chat.completion.chunk","created":'
        self._tail = f',"model":{quote(model)},"choices":'
        self._include_usage = include_usage
        self._calls_streamed = False

    def whole(self, created: int, reply: Reply) -> bytes:
        message = f'{{"role":"assistant","content":{quote(reply.content)}'
        if reply.reasoning:
            message += f',"reasoning_content":{quote(reply.reasoning)}'
        if reply.calls:
            message += f',"tool_calls":{_calls_json(reply.calls, indexed=False)}'
        return (
            f'{{"id":{quote(self._id)},"object":"chat.completion","created":{created},'
            f'"model":{quote(self._model)},"choices":[{{"index":0,"message":{message}}},'
            f'"finish_reason":"{reply.finish}"}}],"usage":{reply.usage.json()}}}\n'
        ).encode()

    def _chunk(self, created: int, delta: str, finish: str = "null") -> bytes:
        choice = f'[{{"index":0,"delta":{delta},"finish_reason":{finish}}}]'
        return sse.data(f"{self._head}{created}{self._tail}{choice}}}")

    def start(self, created: int, usage: Usage) -> bytes:
        return self._chunk(created, '{"role":"assistant"}')

    def emit(self, created: int, emission: Emission) -> bytes:
        match emission.event:
            case Reasoning(text):
                return self._chunk(created, f'{{"reasoning_content":{quote(text)}}}')
            case Content(text):
                return self._chunk(created, f'{{"content":{quote(text)}}}')
            case CallStart(index, name):
                self._calls_streamed = True
                function = f'{{"name":{quote(name)},"arguments":""}}'
                head = f'"index":{index},"id":{quote(emission.call_id)},"type":"function"'
                call = f'{{{head},"function":{function}}}'
            case CallArguments(index, fragment):
                call = f'{{"index":{index},"function":{{"arguments":{quote(fragment)}}}}}'
            case _:
                return b""
        return self._chunk(created, f'{{"tool_calls":[{call}]}}')

    def finish(self, created: int, reply: Reply) -> bytes:
        out = b""
        if reply.calls and not self._calls_streamed:
            out += self._chunk(created, f'{{"tool_calls":{_calls_json(reply.calls, indexed=True)}}}')
        out += self._chunk(created, "{}", f'"{reply.finish}"')
        if self._include_usage:
            out += sse.data(f'{self._head}{created}{self._tail}[],"usage":{reply.usage.json()}}}')
        return out + sse.DONE


def _writer(request: TurnRequest, model: str, ids: ReplyIds) -> ChatWriter:
    return ChatWriter(f"chatcmpl-{ids.number}", model, request.options.include_usage)


DIALECT = Dialect(
    name="chat",
    call_prefix="call_",
    parse=parse_request,
    writer=_writer,
    error=lambda _status, message: error_body(message),
    overflow=partial(context_overflow, "messages"),
)
