"""The OpenAI chat dialect: requests to messages, replies to bytes, with ds4-server's shapes and member
order.
"""

from collections.abc import Iterable
from functools import partial

from ds4agent.wire import json_spans, sse
from ds4agent.wire.dialect import Dialect, Emission, OpenAIWriter, ReplyIds
from ds4agent.wire.dsml import CallArguments, CallStart, Content, Reasoning
from ds4agent.wire.dsml_values import clean
from ds4agent.wire.errors import RequestError, context_overflow, error_body
from ds4agent.wire.fields import (
    Object,
    as_array,
    as_bool,
    as_count,
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
from ds4agent.wire.output_format import output_format
from ds4agent.wire.reply import Reply, TokenLogprob, Usage
from ds4agent.wire.request import ParseContext, ToolChoice, TurnRequest
from ds4agent.wire.tools import must_call, must_call_named, raw_tools

MAX_TOP_LOGPROBS = 20


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
    tools, choice = _offer(text, value)
    return TurnRequest(
        messages=tuple(messages),
        tools_raw=tools,
        think=parse_think(value, options.model, context.n_ctx),
        options=options,
        tool_choice=choice,
        output=output_format(
            text, value, ("response_format",), "text json_object regex json_schema", ("json_schema", "schema")
        ),
        logprobs=_logprobs(value),
    )


def _offer(text: str, value: Object) -> tuple[tuple[str, ...], ToolChoice]:
    """The schemas that the model gets to see, and what it must do with them."""
    tools, choice = raw_tools(text, value), value.get("tool_choice")
    if choice == "none":
        return (), ToolChoice()
    if choice == "required":
        return tools, must_call(tools, "required")
    if isinstance(choice, dict) and choice.get("type") == "function":
        name = as_string(as_object(choice.get("function")).get("name"))
        return tools, must_call_named(tools, name)
    return tools, ToolChoice()


def _logprobs(value: Object) -> int | None:
    alternatives = optional(value, "top_logprobs", as_count) or 0
    return min(alternatives, MAX_TOP_LOGPROBS) if optional(value, "logprobs", as_bool) else None


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
    call_id = optional(item, "id", as_string) or ""
    function = optional(item, "function", as_object) or {}
    name = optional(function, "name", as_string)
    arguments = function.get("arguments")
    if name is None or "arguments" not in function:
        return None
    text = clean(arguments) if isinstance(arguments, str) else _raw_arguments(body, message, index)
    return ToolCall(call_id, name, text)


def _raw_arguments(body: str, message: int, index: int) -> str:
    """Arguments sent as JSON instead of a string: their text as it stands in the body."""
    raw = json_spans.elements(json_spans.member(body, "messages") or "[]")[message]
    call = json_spans.elements(json_spans.member(raw, "tool_calls") or "[]")[index]
    arguments = json_spans.member(json_spans.member(call, "function") or "{}", "arguments")
    if arguments is None:
        raise invalid()
    return arguments


def _text_of(token: bytes) -> str:
    return quote(token.decode("utf-8", "replace"))


def _entry(token: bytes, value: float) -> str:
    # JSON has no infinity; OpenAI writes a token that was never likely so.
    number = max(value, -9999.0)
    return f'"token":{_text_of(token)},"logprob":{number:.7g},"bytes":{list(token)}'


def _logprobs_json(entries: Iterable[TokenLogprob]) -> str:
    """The member of a choice, with the comma in front of it."""
    items = []
    for entry in entries:
        top = ",".join(f"{{{_entry(token, value)}}}" for token, value in entry.top)
        items.append(f'{{{_entry(entry.token, entry.logprob)},"top_logprobs":[{top}]}}')
    return f',"logprobs":{{"content":[{",".join(items)}]}}'


def _calls_json(calls: Iterable[ToolCall], indexed: bool) -> str:
    parts = []
    for i, call in enumerate(calls):
        index = f'"index":{i},' if indexed else ""
        parts.append(
            f'{{{index}"id":{quote(call.id)},"type":"function","function":'
            f'{{"name":{quote(call.name)},"arguments":{quote(call.arguments)}}}}}'
        )
    return "[" + ",".join(parts) + "]"


class ChatWriter(OpenAIWriter):
    """Spells one reply, whole or streamed."""

    def __init__(self, reply_id: str, model: str, include_usage: bool, logprobs: bool = False) -> None:
        self._id = reply_id
        self._model = model
        self._head = f'{{"id":{quote(reply_id)},"object":"chat.completion.chunk","created":'
        self._tail = f',"model":{quote(model)},"choices":'
        self._include_usage = include_usage
        self._logprobs = logprobs
        self._calls_streamed = False

    def whole(self, created: int, reply: Reply) -> bytes:
        message = f'{{"role":"assistant","content":{quote(reply.content)}'
        if reply.reasoning:
            message += f',"reasoning_content":{quote(reply.reasoning)}'
        if reply.calls:
            message += f',"tool_calls":{_calls_json(reply.calls, indexed=False)}'
        return (
            f'{{"id":{quote(self._id)},"object":"chat.completion","created":{created},'
            f'"model":{quote(self._model)},"choices":[{{"index":0,"message":{message}}}'
            f"{_logprobs_json(reply.logprobs) if self._logprobs else ''},"
            f'"finish_reason":"{reply.finish}"}}],"usage":{reply.usage.json()}}}\n'
        ).encode()

    def _chunk(self, created: int, delta: str, finish: str = "null", logprobs: str = "") -> bytes:
        choice = f'[{{"index":0,"delta":{delta}{logprobs},"finish_reason":{finish}}}]'
        return sse.data(f"{self._head}{created}{self._tail}{choice}}}")

    def start(self, created: int, usage: Usage) -> bytes:
        return self._chunk(created, '{"role":"assistant"}')

    def emit(self, created: int, emission: Emission) -> bytes:
        match emission.event:
            case Reasoning(text):
                return self._chunk(created, f'{{"reasoning_content":{quote(text)}}}')
            case Content(text):
                logprobs = _logprobs_json(emission.logprobs) if self._logprobs else ""
                return self._chunk(created, f'{{"content":{quote(text)}}}', logprobs=logprobs)
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
    wanted = request.logprobs is not None
    return ChatWriter(f"chatcmpl-{ids.number}", model, request.options.include_usage, wanted)


DIALECT = Dialect(
    name="chat",
    call_prefix="call_",
    parse=parse_request,
    writer=_writer,
    error=lambda _status, message: error_body(message),
    overflow=partial(context_overflow, "messages"),
)
