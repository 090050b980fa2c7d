"""Tool schemas as they enter the prompt."""

from collections.abc import Iterable

from ds4agent.wire import json_spans
from ds4agent.wire.dsml_values import clean
from ds4agent.wire.errors import RequestError
from ds4agent.wire.fields import Object, as_array, as_object, optional
from ds4agent.wire.request import ToolChoice


def raw_tools(text: str, body: Object) -> tuple[str, ...]:
    """The text of each schema as sent: of the function inside OpenAI's wrapper, else of the whole element."""
    tools = optional(body, "tools", as_array)
    if not tools:
        return ()
    elements = json_spans.elements(json_spans.member(text, "tools") or "[]")
    return tuple(_schema(as_object(item), raw) for item, raw in zip(tools, elements, strict=True))


def _schema(item: Object, raw: str) -> str:
    function = None if item.get("function") is None else json_spans.member(raw, "function")
    return raw if function is None else function


def tool_names(tools_raw: Iterable[str]) -> set[str]:
    """What a client may call these tools by, as text that can be encoded."""
    values = map(json_spans.loads, tools_raw)
    names = (value.get("name") for value in values if isinstance(value, dict))
    return {clean(name) for name in names if isinstance(name, str)}


def must_call(tools_raw: tuple[str, ...], how: str) -> ToolChoice:
    """Some call is demanded. `how`: the client's word for it. Raises RequestError."""
    if not tool_names(tools_raw):
        raise RequestError(400, f"tool_choice {how} needs tools")
    return ToolChoice(required=True)


def must_call_named(tools_raw: tuple[str, ...], name: str) -> ToolChoice:
    """A call of this tool is demanded. Raises RequestError."""
    if name not in tool_names(tools_raw):
        raise RequestError(400, f"tool_choice names an unknown tool: {name}")
    return ToolChoice(required=True, name=name)
