"""Replies in the shape of the Responses API.

A stream shows one item at a time: the next one closes the one before, so that reasoning is done when the
text begins, and a call can be run while the one behind it is still being written. What was shown as done is
what the response at the end lists.
"""

from collections.abc import Callable, Iterable

from ds4agent.wire import sse
from ds4agent.wire.dialect import Emission, OpenAIWriter, ReplyIds
from ds4agent.wire.dsml import CallArguments, CallEnd, CallStart, Content, Reasoning
from ds4agent.wire.json_spans import quote
from ds4agent.wire.message import ToolCall
from ds4agent.wire.reply import Finish, Reply, Usage
from ds4agent.wire.request import OfferedTool, TurnRequest
from ds4agent.wire.responses_items import (
    MESSAGE,
    REASONING,
    CallItem,
    Event,
    Item,
    Status,
    TextItem,
    TextKind,
)

# Status of the response, and what is said about it.
_ENDS: dict[Finish, tuple[str, str]] = {
    "stop": ("completed", ""),
    "tool_calls": ("completed", ""),
    "length": ("incomplete", '"incomplete_details":{"reason":"max_tokens"},'),
    "error": ("failed", '"error":{"code":"server_error","message":"generation failed"},'),
}


def _usage_json(usage: Usage) -> str:
    return (
        f'{{"input_tokens":{usage.prompt},"input_tokens_details":{{"cached_tokens":{usage.cached},'
        f'"cache_write_tokens":{usage.prompt - usage.cached}}},"output_tokens":{usage.completion},'
        f'"output_tokens_details":{{"reasoning_tokens":0}},"total_tokens":{usage.prompt + usage.completion},'
        f"{usage.cache}}}"
    )


def input_tokens(n_tokens: int) -> bytes:
    """The body of a reply of /v1/responses/input_tokens."""
    return f'{{"object":"response.input_tokens","input_tokens":{n_tokens}}}\n'.encode()


class ResponsesWriter(OpenAIWriter):
    """Spells one reply, whole or streamed."""

    def __init__(self, request: TurnRequest, model: str, new_id: Callable[[], str]) -> None:
        self._offered = request.offered
        self._summaries = request.summaries
        self._model = model
        self._new_id = new_id
        self._id = f"resp_{new_id()}"
        self._created = 0
        self._sequence = 0
        self._open: Item | None = None
        self._items: list[str] = []
        self._calls_streamed = False

    # -- a whole reply
    # ----------------------------------------------------------------------------------------------

    def whole(self, created: int, reply: Reply) -> bytes:
        status = _item_status(reply)
        items: list[str] = []
        if reply.reasoning and self._summaries:
            item = TextItem(REASONING, self._new_id(), 0, reply.reasoning)
            items.append(item.json("incomplete" if reply.thinking_cut else status))
        if reply.content:
            items.append(TextItem(MESSAGE, self._new_id(), 0, reply.content).json(status))
        items += [self._call(call.id, call.name, call.arguments).json(status) for call in reply.calls]
        return self._response(created, reply, items).encode()

    def _call(self, call_id: str, name: str, arguments: str | None = None) -> CallItem:
        tool = self._offered.get(name, OfferedTool(name))
        return CallItem(self._new_id(), len(self._items), call_id, tool, arguments)

    def _head(self, created: int, status: str) -> str:
        return (
            f'{{"id":{quote(self._id)},"object":"response","created_at":{created},"status":"{status}",'
            f'"model":{quote(self._model)},'
        )

    def _response(self, created: int, reply: Reply, items: Iterable[str]) -> str:
        status, details = _ENDS[reply.finish]
        head, output = self._head(created, status), ",".join(items)
        return f'{head}{details}"output":[{output}],"usage":{_usage_json(reply.usage)}}}'

    # -- a stream
    # ----------------------------------------------------------------------------------------------

    def start(self, created: int, usage: Usage) -> bytes:
        self._created = created
        response = f'"response":{self._head(created, "in_progress")}"output":[]}}'
        return self._records([("created", response), ("in_progress", response)])

    def emit(self, created: int, emission: Emission) -> bytes:
        match emission.event:
            case Reasoning(text):
                return self._text(REASONING, text) if self._summaries else b""
            case Content(text):
                return self._text(MESSAGE, text)
            case CallStart(_, name):
                self._calls_streamed = True
                return self._begin(lambda: self._call(emission.call_id, name))
            case CallArguments(_, fragment) if self._open is not None:
                return self._records(self._open.delta(fragment))
            case CallEnd(_, _, arguments) if isinstance(self._open, CallItem):
                self._open.arguments = arguments
                return self._close("completed")
        return b""

    def finish(self, created: int, reply: Reply) -> bytes:
        out = self._close(self._last_status(reply))
        if not self._calls_streamed:
            out += b"".join(map(self._late_call, reply.calls))
        response = self._response(self._created, reply, self._items)
        return out + self._records([(_ENDS[reply.finish][0], f'"response":{response}')])

    def _last_status(self, reply: Reply) -> Status:
        """Reasoning is complete once it was closed, whatever became of the turn; a call once it has ended."""
        if isinstance(self._open, CallItem):
            return "incomplete"
        if isinstance(self._open, TextItem) and self._open.kind is REASONING:
            return "incomplete" if reply.thinking_cut else "completed"
        return _item_status(reply)

    def _late_call(self, call: ToolCall) -> bytes:
        """A call that nobody offered a tool for: found when the turn was read again at its end."""
        item = self._call(call.id, call.name)
        out = self._begin(lambda: item) + self._records(item.delta(call.arguments))
        item.arguments = call.arguments
        return out + self._close("completed")

    def _text(self, kind: TextKind, text: str) -> bytes:
        out = b""
        if not (isinstance(self._open, TextItem) and self._open.kind is kind):
            out = self._begin(lambda: TextItem(kind, self._new_id(), len(self._items)))
        assert self._open is not None
        return out + self._records(self._open.delta(text))

    def _begin(self, item: Callable[[], Item]) -> bytes:
        """The item is made when the one before it is closed, because that settles its index."""
        out = self._close("completed")
        self._open = item()
        return out + self._records(self._open.opening())

    def _close(self, status: Status) -> bytes:
        item, self._open = self._open, None
        if item is None:
            return b""
        self._items.append(item.json(status))
        return self._records(item.closing(status))

    def _records(self, events: Iterable[Event]) -> bytes:
        return b"".join(map(self._record, events))

    def _record(self, event: Event) -> bytes:
        kind, members = event
        number, self._sequence = self._sequence, self._sequence + 1
        return sse.data(f'{{"type":"response.{kind}","sequence_number":{number},{members}}}')


def _item_status(reply: Reply) -> Status:
    return "incomplete" if reply.finish in ("length", "error") else "completed"


def writer(request: TurnRequest, model: str, ids: ReplyIds) -> ResponsesWriter:
    return ResponsesWriter(request, model, ids.random)
