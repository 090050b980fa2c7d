"""Responses input as a conversation.

A turn of the model comes as several items (reasoning, message, calls) and becomes one message. Reasoning is
kept until the message or the call that it led to; if something else comes first, more reasoning included, it
becomes a message of its own, so that the order in the prompt is the order in which things happened.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import takewhile

from ds4agent.wire import json_spans
from ds4agent.wire.errors import CONTINUATION_GONE, RequestError
from ds4agent.wire.fields import as_string, optional
from ds4agent.wire.message import ROLES, Message, ToolCall
from ds4agent.wire.responses_input import Item, text_of
from ds4agent.wire.responses_tools import Offer

# Calls to tools that the API's host would run, by the name that the prompt shows them under.
_HOSTED = {
    "local_shell_call": "local_shell",
    "web_search_call": "web_search_call",
    "tool_search_call": "tool_search",
    "image_generation_call": "image_generation_call",
}
_CALLS = frozenset(("function_call", "custom_tool_call", *_HOSTED))
_CLIENT_OUTPUTS = frozenset(("function_call_output", "custom_tool_call_output"))
_HOSTED_OUTPUTS = frozenset(
    (
        "local_shell_call_output",
        "web_search_call_output",
        "tool_search_output",
        "tool_search_call_output",
        "image_generation_call_output",
    )
)
_TEXTS = frozenset(("message", "reasoning"))
_BOOKKEEPING = frozenset(("compaction", "context_compaction"))
_GONE = CONTINUATION_GONE["responses"]


@dataclass(slots=True)
class _Draft:
    """A turn of the model to which calls may still be added."""

    content: str
    reasoning: str
    calls: list[ToolCall]

    def message(self) -> Message:
        return Message("assistant", self.content, self.reasoning, tuple(self.calls))


class History:
    """Collects messages item by item; tools that a search has found go into the offer."""

    def __init__(self, offer: Offer, instructions: str | None) -> None:
        self._done = [Message("system", instructions)] if instructions else []
        self._draft: _Draft | None = None
        self._offer = offer
        self._reasoning = ""

    def messages(self) -> tuple[Message, ...]:
        """All that was added. Reasoning that led to nothing is a turn of its own."""
        self._flush()
        self._finish()
        return tuple(self._done)

    def add(self, item: Item) -> None:
        """Raises RequestError for an item that is unknown, or is a call that its turn left unfinished."""
        kind = item.kind
        _check_status(item)
        if kind in _BOOKKEEPING:
            return
        if kind not in _CALLS and not self._is_answer(item):
            self._flush()
        self._reader(kind)(item)

    def _reader(self, kind: str) -> Callable[[Item], None]:
        if kind in _CALLS:
            return self._call
        if kind in _CLIENT_OUTPUTS or kind in _HOSTED_OUTPUTS:
            return self._result
        readers = {"message": self._message, "reasoning": self._stash}
        if kind not in readers:
            raise RequestError(400, f"an item of type {kind} cannot be read; leave it out of the input")
        return readers[kind]

    def _flush(self) -> None:
        if self._reasoning:
            self._begin("")

    def _finish(self) -> None:
        if self._draft is not None:
            self._done.append(self._draft.message())
            self._draft = None

    def _begin(self, content: str) -> _Draft:
        """A turn of the model."""
        self._finish()
        self._draft = _Draft(content, self._take_reasoning(), [])
        return self._draft

    def _push(self, message: Message) -> None:
        self._finish()
        self._done.append(message)

    def _take_reasoning(self) -> str:
        taken, self._reasoning = self._reasoning, ""
        return taken

    @staticmethod
    def _is_answer(item: Item) -> bool:
        return item.kind == "message" and item.value.get("role") == "assistant"

    def _message(self, item: Item) -> None:
        role = ROLES.get(optional(item.value, "role", as_string) or "user")
        content = text_of(item.value.get("content"))
        if role == "assistant":
            self._begin(content)
        elif role is not None:
            self._push(Message(role, content))
        else:
            self._finish()

    def _stash(self, item: Item) -> None:
        texts = (text_of(item.value.get(name)) for name in ("summary", "content"))
        self._reasoning = "\n".join(filter(None, texts))

    def _call(self, item: Item) -> None:
        """A message that has reasoning of its own takes no more."""
        draft = self._draft or self._begin("")
        draft.reasoning = draft.reasoning or self._take_reasoning()
        draft.calls.append(ToolCall(item.call_id, _call_name(item), _call_arguments(item)))

    def _result(self, item: Item) -> None:
        names: tuple[str, ...] = ("output",)
        if item.kind in _HOSTED_OUTPUTS:
            names = ("output", "result", "tools")
            if item.kind == "tool_search_output" and item.value.get("tools") is not None:
                self._offer.add(item.value["tools"], json_spans.member(item.text(), "tools") or "")
        output = item.value.get("output")
        text = text_of(output) if isinstance(output, list) else item.raw(*names)
        self._push(Message("tool", text or "", tool_call_id=item.call_id))


def _check_status(item: Item) -> None:
    """Clients send back what they got, and of a turn that was cut off that is its text as far as it came; a
    call that lacks its end was never made.
    """
    status = optional(item.value, "status", as_string) or "completed"
    if status == "completed" or (status == "incomplete" and item.kind in _TEXTS):
        return
    raise RequestError(400, f"a {item.kind} item has the status {status}; leave it out of the input")


def _call_name(item: Item) -> str:
    if item.kind in _HOSTED:
        return _HOSTED[item.kind]
    name = optional(item.value, "name", as_string) or ""
    space = optional(item.value, "namespace", as_string) or ""
    return space + name if item.kind == "function_call" and name else name


def _call_arguments(item: Item) -> str:
    hosted = ("action",) if item.kind in _HOSTED else ()
    given = item.raw(*hosted, "arguments", "input")
    return "{}" if given is None else given


def after_hidden_turn(messages: Sequence[Message], is_live: Callable[[str], bool]) -> int | None:
    """Where the results begin that answer calls which the input does not show; None: it shows all calls.

    A result without an id belongs to whatever came before it. Raises RequestError if the session does not
    have such a call either.
    """
    declared = {""}
    start: int | None = None
    for i, message in enumerate(messages):
        declared.update(call.id for call in message.tool_calls)
        if message.role != "tool" or message.tool_call_id in declared:
            continue
        if not is_live(message.tool_call_id):
            raise RequestError(400, _GONE.format(f" for call_id {message.tool_call_id}"))
        start = i if start is None else start
    while start and messages[start - 1].role == "tool" and is_live(messages[start - 1].tool_call_id):
        start -= 1
    return start


def results_at_start(messages: Sequence[Message]) -> tuple[str, ...]:
    """Ids of the results that the messages begin with."""
    run = takewhile(lambda message: message.role == "tool", messages)
    return tuple(message.tool_call_id for message in run if message.tool_call_id)


def results_at_end(messages: Sequence[Message]) -> tuple[str, ...]:
    """Ids of the results behind the last turn of the model."""
    run = takewhile(lambda message: message.role != "assistant", reversed(messages))
    ids = [message.tool_call_id for message in run if message.role == "tool" and message.tool_call_id]
    return tuple(reversed(ids))
