"""Tools of the Responses API: what the model reads, and how calls find back to the client's names.

The prompt knows one flat list of names. Namespaces are written in front of the short names, the hosted tool
search becomes a function, and all else enters as it was sent. The mapping from the names in the prompt is
what the writer spells calls with.
"""

from collections.abc import Iterator

from ds4agent.wire import json_spans
from ds4agent.wire.dsml_values import clean
from ds4agent.wire.errors import RequestError
from ds4agent.wire.fields import Object, as_array, as_object, as_string, invalid, optional
from ds4agent.wire.json_spans import quote
from ds4agent.wire.request import OfferedTool, ToolChoice
from ds4agent.wire.tools import must_call, must_call_named

_NO_PARAMETERS = '{"type":"object","properties":{}}'
_SEARCH = "tool_search"
_SEARCH_DESCRIPTION = "Search available tools."


class Offer:
    """The tools of a request, in the order in which they came: its own, then those that a search found."""

    def __init__(self) -> None:
        self.raw: list[str] = []
        self.by_name: dict[str, OfferedTool] = {}

    def add(self, tools: object, text: str) -> None:
        """`text`: the JSON text of the array."""
        items = as_array(tools)
        if not items:
            return
        for value, raw in zip(items, json_spans.elements(text), strict=True):
            for schema, name, tool in _read(as_object(value), raw):
                self.raw.append(schema)
                if name:
                    self.by_name[name] = tool

    def choice(self, value: object) -> ToolChoice:
        """What must be called. Raises RequestError for what cannot be asked for."""
        if value in (None, "auto", "none"):
            return ToolChoice()
        if value == "required":
            return must_call(tuple(self.raw), "required")
        if isinstance(value, str):
            raise RequestError(400, f"tool_choice={clean(value)} not supported")
        forced = as_object(value)
        if forced.get("type") != "function":
            raise RequestError(400, "forced tool_choice not supported")
        name = (optional(forced, "namespace", as_string) or "") + as_string(forced.get("name"))
        return must_call_named(tuple(self.raw), name)


def _read(value: Object, raw: str) -> Iterator[tuple[str, str, OfferedTool]]:
    """(schema text, name in the prompt, tool) of one element; the name may be missing."""
    kind = value.get("type")
    if value.get("function") is not None:
        function = value["function"]
        yield json_spans.member(raw, "function") or "", *_named(function)
    elif kind == "namespace":
        yield from _namespace(value, raw)
    elif kind == _SEARCH:
        yield _rebuilt(_SEARCH, value, raw, _SEARCH_DESCRIPTION), _SEARCH, OfferedTool(_SEARCH, "tool_search")
    else:
        yield raw, *_named(value)


def _named(value: object, namespace: str = "") -> tuple[str, OfferedTool]:
    member = value.get("name") if isinstance(value, dict) else None
    name = clean(member) if isinstance(member, str) else ""
    custom = isinstance(value, dict) and value.get("type") == "custom"
    return namespace + name, OfferedTool(name, "custom" if custom else "function", namespace)


def _namespace(value: Object, raw: str) -> Iterator[tuple[str, str, OfferedTool]]:
    space = as_string(value.get("name"))
    tools = optional(value, "tools", as_array)
    if not tools:
        return
    for inner, text in zip(tools, json_spans.elements(json_spans.member(raw, "tools") or ""), strict=True):
        name, tool = _named(as_object(inner), space)
        if not tool.name:
            raise invalid()
        yield _rebuilt(name, as_object(inner), text), name, tool


def _rebuilt(name: str, value: Object, raw: str, description: str = "") -> str:
    given = optional(value, "description", as_string)
    found = next((n for n in ("parameters", "input_schema") if value.get(n) is not None), None)
    parameters = _NO_PARAMETERS if found is None else json_spans.member(raw, found)
    said = description if given is None else given
    return f'{{"name":{quote(name)},"description":{quote(said)},"parameters":{parameters}}}'
