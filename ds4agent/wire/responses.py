"""The OpenAI Responses dialect: what POST /v1/responses asks for."""

from functools import partial

from ds4agent.wire import json_spans
from ds4agent.wire.dialect import Dialect
from ds4agent.wire.errors import RequestError, context_overflow, error_body
from ds4agent.wire.fields import (
    Object,
    as_object,
    as_string,
    optional,
    parse_body,
    parse_options,
    parse_think,
)
from ds4agent.wire.message import Message
from ds4agent.wire.output_format import output_format
from ds4agent.wire.request import ParseContext, TurnRequest
from ds4agent.wire.responses_history import History, after_hidden_turn, results_at_end, results_at_start
from ds4agent.wire.responses_input import read_items
from ds4agent.wire.responses_tools import Offer
from ds4agent.wire.responses_writer import writer
from ds4agent.wire.template import ThinkMode

_OPTIONS = frozenset(("model", "max_output_tokens", "max_tokens", "temperature", "top_p", "stream"))
# Conversations that a server would have to keep; the one here is the client's.
_STORED = ("previous_response_id", "conversation")
_SUMMARIES = frozenset(("auto", "concise", "detailed"))


def parse_request(body: bytes, context: ParseContext) -> TurnRequest:
    """Raises RequestError for anything that cannot be served."""
    text, value = parse_body(body)
    options = parse_options(
        {name: given for name, given in value.items() if name in _OPTIONS},
        ("max_output_tokens", "max_tokens"),
    )
    _refuse_stored(value)
    offer = Offer()
    if value.get("tools") is not None:
        offer.add(value["tools"], json_spans.member(text, "tools") or "")
    messages = _messages(text, value, offer)
    start = after_hidden_turn(messages, context.is_live)
    shown = messages if start is None else messages[start:]
    reasoning = optional(value, "reasoning", as_object) or {}
    return TurnRequest(
        messages=shown,
        tools_raw=() if value.get("tool_choice") == "none" else tuple(offer.raw),
        think=_think(reasoning, options.model, context.n_ctx),
        options=options,
        tool_choice=offer.choice(value.get("tool_choice")),
        output=output_format(text, value, ("text", "format"), "text json_object regex json_schema"),
        continues=() if start is None else results_at_start(shown),
        answers=results_at_end(shown),
        offered=offer.by_name,
        summaries=optional(reasoning, "summary", as_string) in _SUMMARIES,
    )


def _refuse_stored(value: Object) -> None:
    for name in _STORED:
        if value.get(name) is not None:
            raise RequestError(400, f"{name} is not supported; replay full input instead")


def _messages(text: str, value: Object, offer: Offer) -> tuple[Message, ...]:
    if value.get("input") is None:
        raise RequestError(400, "missing input")
    history = History(offer, optional(value, "instructions", as_string))
    for item in read_items(value, text):
        history.add(item)
    return history.messages()


def _think(reasoning: Object, model: str | None, n_ctx: int) -> ThinkMode:
    """An effort is a decision to think, whatever the model's name stands for."""
    effort = reasoning.get("effort")
    return parse_think({} if effort is None else {"thinking": True, "reasoning_effort": effort}, model, n_ctx)


def lacks_reasoning(request: TurnRequest) -> bool:
    """Whether calls are replayed without what the model thought before it made them."""
    if request.think is ThinkMode.NONE:
        return False
    answered = {message.tool_call_id for message in request.messages if message.role == "tool"}
    silent = (message.tool_calls for message in request.messages if not message.reasoning)
    return any(call.id in answered for calls in silent for call in calls)


DIALECT = Dialect(
    name="responses",
    call_prefix="call_",
    parse=parse_request,
    writer=writer,
    error=lambda _status, message: error_body(message),
    overflow=partial(context_overflow, "input"),
)
