"""The messages of an Anthropic request.

Tool results are blocks of a user message here, so they are rendered where they stand in its text, under the
one user marker of that message.

A client may answer calls without showing the turn that made them. Such a turn is known to the session
alone, and only as its end: what the client shows before the answers is dropped, and the results are
appended to the session. It must be the last turn, so answers that an assistant message follows are refused.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import cache, partial

from ds4agent.wire import json_spans
from ds4agent.wire.dsml_values import clean
from ds4agent.wire.errors import CONTINUATION_GONE, RequestError
from ds4agent.wire.fields import Object, as_array, as_object, as_string, invalid, optional, texts
from ds4agent.wire.message import ROLES, Message, ToolCall
from ds4agent.wire.template import RESULT_CLOSE, RESULT_OPEN, escape_result


@dataclass(frozen=True, slots=True)
class Item:
    """A message, and the ids of the calls that it answers if it is a user's."""

    message: Message
    answers: tuple[str, ...]


def read_items(text: str, value: Object) -> list[Item]:
    items = as_array(value["messages"])

    # Most messages are text alone, and finding spans costs far more than parsing does.
    @cache
    def spans() -> list[str]:
        return json_spans.elements(json_spans.member(text, "messages") or "")

    def span(index: int) -> str:
        return spans()[index]

    found = (_item(as_object(item), partial(span, i)) for i, item in enumerate(items))
    return [item for item in found if item is not None]


def _item(item: Object, raw: Callable[[], str]) -> Item | None:
    role = ROLES.get(optional(item, "role", as_string) or "user")
    blocks = _Blocks()
    content = item.get("content")
    if isinstance(content, str):
        blocks.text.append(clean(content))
    elif content is not None:
        given = as_array(content)
        for block, span in zip(given, _spans(given, raw), strict=True):
            blocks.add(block, span)
    if role is None:
        return None
    calls = tuple(blocks.calls) if role == "assistant" else ()
    message = Message(role, "".join(blocks.text), "".join(blocks.thinking), calls)
    return Item(message, tuple(blocks.answers) if role == "user" else ())


def _spans(blocks: list[object], raw: Callable[[], str]) -> list[str]:
    """The JSON text of each block, or nothing if none of them has a part that is kept as text."""
    if not any(isinstance(b, dict) and b.get("type") == "tool_use" for b in blocks):
        return [""] * len(blocks)
    return json_spans.elements(json_spans.member(raw(), "content") or "")


@dataclass(slots=True)
class _Blocks:
    """What the content blocks of one message amount to."""

    text: list[str] = field(default_factory=list)
    thinking: list[str] = field(default_factory=list)
    calls: list[ToolCall] = field(default_factory=list)
    answers: list[str] = field(default_factory=list)

    def add(self, value: object, raw: str) -> None:
        if isinstance(value, str):
            self.text.append(clean(value))
            return
        block = as_object(value)
        match optional(block, "type", as_string):
            case "tool_use":
                self.calls.append(_call(block, raw))
            case "tool_result":
                self._add_result(block)
            case _:
                self.text.append(optional(block, "text", as_string) or "")
                self.thinking.append(optional(block, "thinking", as_string) or "")

    def _add_result(self, block: Object) -> None:
        call_id = optional(block, "tool_use_id", as_string)
        if call_id is not None:
            self.answers.append(call_id)
        content = escape_result("".join(texts(block.get("content"))))
        self.text.append(f"{RESULT_OPEN}{content}{RESULT_CLOSE}")


def _call(block: Object, raw: str) -> ToolCall:
    name = optional(block, "name", as_string)
    if name is None:
        raise invalid()
    arguments = None if block.get("input") is None else json_spans.member(raw, "input")
    return ToolCall(optional(block, "id", as_string) or "", name, arguments or "{}")


def after_hidden_turn(items: Sequence[Item], is_live: Callable[[str], bool]) -> int | None:
    """Where the answers to a turn begin that only the session knows; None if the client shows all turns."""
    declared: set[str] = set()
    hidden: tuple[int, str] | None = None
    for i, item in enumerate(items):
        if item.message.role == "assistant" and hidden is not None:
            raise _gone(hidden[1])
        declared.update(call.id for call in item.message.tool_calls)
        for call_id in item.answers:
            if call_id not in declared:
                if not is_live(call_id):
                    raise _gone(call_id)
                hidden = hidden or (i, call_id)
    return None if hidden is None else hidden[0]


def _gone(call_id: str) -> RequestError:
    return RequestError(400, CONTINUATION_GONE["messages"].format(f" for tool_use_id {call_id}"))


def after_last_turn(items: Sequence[Item]) -> int:
    return max((i + 1 for i, item in enumerate(items) if item.message.role == "assistant"), default=0)


def answers_in(items: Iterable[Item]) -> tuple[str, ...]:
    """Without repetitions, in order."""
    return tuple(dict.fromkeys(call_id for item in items for call_id in item.answers))
