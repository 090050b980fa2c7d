"""The output items of a Responses reply, and the events by which each of them grows.

An item opens with `output_item.added`, gets its text in deltas, and ends with `output_item.done`, which shows
it whole. Events are (type without "response.", members); the writer numbers them.
"""

from dataclasses import dataclass
from typing import Literal, Protocol

from ds4agent.wire import json_spans
from ds4agent.wire.dsml_values import clean
from ds4agent.wire.json_spans import quote
from ds4agent.wire.request import OfferedTool

Status = Literal["in_progress", "completed", "incomplete"]
Event = tuple[str, str]


class Item(Protocol):
    """`json`: the whole item. `opening`, `delta` and `closing` are the events of its life, in this order."""

    def json(self, status: Status) -> str: ...
    def opening(self) -> list[Event]: ...
    def delta(self, text: str) -> list[Event]: ...
    def closing(self, status: Status) -> list[Event]: ...


@dataclass(frozen=True, slots=True)
class TextKind:
    """How an item of one text spells itself. `list`: the member that holds its only part."""

    prefix: str
    type: str
    list: str
    extra: str
    part: str
    part_extra: str
    index: str
    part_event: str
    text_event: str


REASONING = TextKind(
    "rs_", "reasoning", "summary", "", "summary_text", "",
    "summary_index", "reasoning_summary_part", "reasoning_summary_text",
)  # fmt: skip
MESSAGE = TextKind(
    "msg_", "message", "content", '"role":"assistant",', "output_text", ',"annotations":[]',
    "content_index", "content_part", "output_text",
)  # fmt: skip


def _added(index: int, item: str) -> Event:
    return "output_item.added", f'"output_index":{index},"item":{item}'


def _done(index: int, item: str) -> Event:
    return "output_item.done", f'"output_index":{index},"item":{item}'


class TextItem:
    """Reasoning or a message. It is opened for its first text, so that an open one is empty only then."""

    def __init__(self, kind: TextKind, item_id: str, index: int, text: str = "") -> None:
        self.kind = kind
        self._id = kind.prefix + item_id
        self._index = index
        self._text = text
        self._at = f'"item_id":{quote(self._id)},"output_index":{index},"{kind.index}":0'

    def _part(self) -> str:
        return f'{{"type":"{self.kind.part}","text":{quote(self._text)}{self.kind.part_extra}}}'

    def json(self, status: Status) -> str:
        parts = self._part() if self._text else ""
        return (
            f'{{"id":{quote(self._id)},"type":"{self.kind.type}","status":"{status}",{self.kind.extra}'
            f'"{self.kind.list}":[{parts}]}}'
        )

    def opening(self) -> list[Event]:
        part = (f"{self.kind.part_event}.added", f'{self._at},"part":{self._part()}')
        return [_added(self._index, self.json("in_progress")), part]

    def delta(self, text: str) -> list[Event]:
        self._text += text
        return [(f"{self.kind.text_event}.delta", f'{self._at},"delta":{quote(text)}')]

    def closing(self, status: Status) -> list[Event]:
        return [
            (f"{self.kind.text_event}.done", f'{self._at},"text":{quote(self._text)}'),
            (f"{self.kind.part_event}.done", f'{self._at},"part":{self._part()}'),
            _done(self._index, self.json(status)),
        ]


class CallItem:
    """A call. `arguments` is None until the whole of them is known; the deltas are what was sampled so far.

    A custom tool takes one text, and only the end of the arguments tells which it is; a search has an object.
    Both are therefore shown at once, and of a call that was cut off nothing, so that no client runs half of
    it.
    """

    def __init__(
        self, item_id: str, index: int, call_id: str, tool: OfferedTool, arguments: str | None = None
    ) -> None:
        self._id = f"fc_{item_id}"
        self._index = index
        self._call_id = call_id
        self._kind = tool.kind
        space = f'"namespace":{quote(tool.namespace)},' if tool.namespace else ""
        self._name = f'"name":{quote(tool.name)},{space}'
        self._at = f'"item_id":{quote(self._id)},"output_index":{index}'
        self._sampled: list[str] = []
        self.arguments = arguments

    @property
    def _text(self) -> str:
        return "".join(self._sampled) if self.arguments is None else self.arguments

    @property
    def _input(self) -> str:
        return "" if self.arguments is None else custom_input(self.arguments)

    def json(self, status: Status) -> str:
        call_id = f'"call_id":{quote(self._call_id)}'
        kind, members = {
            "function": ("function_call", f'{self._name}{call_id},"arguments":{quote(self._text)}'),
            "custom": ("custom_tool_call", f'{self._name}{call_id},"input":{quote(self._input)}'),
            "tool_search": (
                "tool_search_call",
                f'{call_id},"execution":"client","arguments":{self.arguments or "{}"}',
            ),
        }[self._kind]
        return f'{{"id":{quote(self._id)},"type":"{kind}","status":"{status}",{members}}}'

    def opening(self) -> list[Event]:
        return [_added(self._index, self.json("in_progress"))]

    def delta(self, text: str) -> list[Event]:
        self._sampled.append(text)
        if self._kind != "function":
            return []
        return [("function_call_arguments.delta", f'{self._at},"delta":{quote(text)}')]

    def closing(self, status: Status) -> list[Event]:
        whole = [] if self.arguments is None else self._whole(self.arguments)
        return [*whole, _done(self._index, self.json(status))]

    def _whole(self, arguments: str) -> list[Event]:
        if self._kind == "function":
            members = f'{self._at},{self._name}"arguments":{quote(arguments)}'
            return [("function_call_arguments.done", members)]
        if self._kind == "custom":
            text = quote(self._input)
            return [
                ("custom_tool_call_input.delta", f'{self._at},"delta":{text}'),
                ("custom_tool_call_input.done", f'{self._at},"input":{text}'),
            ]
        return []


def custom_input(arguments: str) -> str:
    """The text for a tool that takes nothing else: the only argument, whatever the model has called it."""
    value = json_spans.loads(arguments)
    values = list(value.values()) if isinstance(value, dict) else []
    if len(values) == 1 and isinstance(values[0], str):
        return clean(values[0])
    return arguments
