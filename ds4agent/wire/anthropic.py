"""The Anthropic dialect: what POST /v1/messages and its count_tokens ask for."""

from ds4agent.wire.anthropic_messages import after_hidden_turn, after_last_turn, answers_in, read_items
from ds4agent.wire.anthropic_writer import overflow, writer
from ds4agent.wire.dialect import Dialect
from ds4agent.wire.errors import RequestError, anthropic_error_body
from ds4agent.wire.fields import (
    Object,
    as_array,
    as_object,
    as_string,
    optional,
    parse_body,
    parse_options,
    parse_think,
    texts,
)
from ds4agent.wire.message import Message
from ds4agent.wire.output_format import output_format
from ds4agent.wire.request import ParseContext, ToolChoice, TurnRequest
from ds4agent.wire.template import ThinkMode
from ds4agent.wire.tools import must_call, must_call_named, raw_tools

# Clients put data for billing in front of their system text; it differs in every request.
_NOT_FOR_THE_MODEL = "x-anthropic-"


def parse_request(body: bytes, context: ParseContext) -> TurnRequest:
    """Raises RequestError for anything that cannot be served."""
    text, value = parse_body(body)
    options = parse_options(value, ("max_tokens",), "stop_sequences")
    if value.get("messages") is None:
        raise RequestError(400, "missing messages")
    items = read_items(text, value)
    hidden = after_hidden_turn(items, context.is_live)
    messages = [item.message for item in items[hidden or 0 :]]
    if system := optional(value, "system", _system):
        messages.append(Message("system", system))
    tools, choice = _offer(text, value)
    return TurnRequest(
        messages=tuple(messages),
        tools_raw=tools,
        think=_think(value, options.model, context.n_ctx),
        options=options,
        tool_choice=choice,
        output=output_format(text, value, ("output_config", "format"), "json_schema"),
        continues=() if hidden is None else answers_in(items[hidden:]),
        answers=answers_in(items[after_last_turn(items) :]),
    )


def _system(value: object) -> str:
    """Parts become lines."""
    out = ""
    for part in texts(value if isinstance(value, str) else as_array(value)):
        if not part or part.startswith(_NOT_FOR_THE_MODEL):
            continue
        out += part if not out or out.endswith("\n") else f"\n{part}"
    return out


def _offer(text: str, value: Object) -> tuple[tuple[str, ...], ToolChoice]:
    """The schemas that the model gets to see, and what it must do with them."""
    tools = raw_tools(text, value)
    choice = value.get("tool_choice")
    kind = choice.get("type") if isinstance(choice, dict) else None
    if kind == "none":
        return (), ToolChoice()
    if kind not in ("any", "tool"):
        return tools, ToolChoice()
    if kind == "any":
        return tools, must_call(tools, kind)
    return tools, must_call_named(tools, as_string(as_object(choice).get("name")))


def _think(value: Object, model: str | None, n_ctx: int) -> ThinkMode:
    fields: Object = {name: value[name] for name in ("thinking", "reasoning_effort") if name in value}
    effort = (optional(value, "output_config", as_object) or {}).get("effort")
    if effort is not None:
        fields["reasoning_effort"] = effort
    return parse_think(fields, model, n_ctx)


DIALECT = Dialect(
    name="messages",
    call_prefix="toolu_",
    parse=parse_request,
    writer=writer,
    error=anthropic_error_body,
    overflow=overflow,
    failed=500,
)
