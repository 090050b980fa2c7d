"""The input of a Responses request, item by item, as it stands in the body."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache, partial

from ds4agent.wire import json_spans
from ds4agent.wire.dsml_values import clean
from ds4agent.wire.errors import RequestError
from ds4agent.wire.fields import Object, as_array, as_object, as_string, invalid, optional

_TEXT_PARTS = frozenset(("input_text", "output_text", "text", "summary_text", "reasoning_text"))


@dataclass(frozen=True, slots=True)
class Item:
    """One element of `input`; `text` gives its JSON text, which is looked for only if it is needed."""

    value: Object
    text: Callable[[], str]

    @property
    def kind(self) -> str:
        return optional(self.value, "type", as_string) or "message"

    @property
    def call_id(self) -> str:
        ids = [optional(self.value, name, as_string) for name in ("call_id", "id")]
        return next((i for i in ids if i is not None), "")

    def raw(self, *names: str) -> str | None:
        """The first of the members that is given: a string's value, else the JSON text."""
        for name in names:
            value = self.value.get(name)
            if value is not None:
                return clean(value) if isinstance(value, str) else json_spans.member(self.text(), name)
        return None


def read_items(value: Object, body: str) -> Iterator[Item]:
    given = value["input"]
    items = [{"content": given}] if isinstance(given, str) else as_array(given)

    @cache
    def texts() -> list[str]:
        return json_spans.elements(json_spans.member(body, "input") or "[]")

    def text(index: int) -> str:
        return texts()[index]

    for i, item in enumerate(items):
        yield Item(as_object(item), partial(text, i))


def text_of(value: object) -> str:
    """A string, null, or an array of strings and of parts that hold text; nothing else can be read."""
    if value is None or isinstance(value, str):
        return clean(value or "")
    return "".join(map(_part_text, as_array(value)))


def _part_text(part: object) -> str:
    if isinstance(part, str):
        return clean(part)
    fields = as_object(part)
    kind = fields.get("type")
    if not isinstance(kind, str):
        raise invalid()
    if kind not in _TEXT_PARTS:
        raise RequestError(
            400, f"a part of type {clean(kind)} cannot be read, only text; leave it out of the input"
        )
    if "text" not in fields:
        raise invalid()
    return optional(fields, "text", as_string) or ""
