"""The messages of our own, `ds4/*`, as values: what docs/lsp.md describes.

Members are spelt in camelCase on the wire and in snake_case here. A request with a member missing or of a
wrong type is refused with the member's name; members that are not known are ignored, so that a newer client
can talk to an older server.
"""

import types as builtin
from dataclasses import MISSING, dataclass, fields, is_dataclass
from functools import cache
from typing import Any, Literal, TypeVar, Union, cast, get_args, get_origin, get_type_hints

from lsprotocol import types as lsp

T = TypeVar("T")
MOST = 2**31 - 1


class BadParams(ValueError):
    """What is wrong with the parameters, with the member's name."""


@dataclass(frozen=True, slots=True)
class Position:
    line: int
    character: int

    @property
    def lsp(self) -> lsp.Position:
        # Negative numbers and those beyond LSP's `uinteger` are no positions, but no reason to fail either.
        return lsp.Position(*(min(max(n, 0), MOST) for n in (self.line, self.character)))


@dataclass(frozen=True, slots=True)
class Range:
    start: Position
    end: Position

    @property
    def lsp(self) -> lsp.Range:
        return lsp.Range(self.start.lsp, self.end.lsp)


@dataclass(frozen=True, slots=True)
class TextDocument:
    uri: str
    version: int | None = None


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """`severity` as LSP has it: 1 error, 2 warning, 3 information, 4 hint."""

    range: Range
    message: str
    severity: int | None = None


@dataclass(frozen=True, slots=True)
class Nothing:
    """A message without parameters."""


def camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(word.capitalize() for word in rest)


def read(cls: type[T], value: object, where: str = "params") -> T:
    """`value`, as JSON has it, as a `cls`. Raises BadParams."""
    if value is None:
        value = {}
    if not isinstance(value, dict):
        raise BadParams(f"{where} has to be an object")
    hints = _hints(cast(Any, cls))
    found: dict[str, Any] = {}
    for field in fields(cls):  # type: ignore[arg-type]
        name = camel(field.name)
        if value.get(name) is not None:
            found[field.name] = _checked(hints[field.name], value[name], f"{where}.{name}")
        elif field.default is MISSING and field.default_factory is MISSING:
            raise BadParams(f"{where}.{name} is missing")
    return cls(**found)


@cache
def _hints(cls: Any) -> dict[str, Any]:
    return get_type_hints(cls)


def _checked(hint: Any, value: object, where: str) -> Any:
    origin = get_origin(hint)
    if origin in (Union, builtin.UnionType):
        (hint,) = (arg for arg in get_args(hint) if arg is not type(None))
        return _checked(hint, value, where)
    if origin is Literal:
        if value not in get_args(hint):
            raise BadParams(f"{where} has to be one of {', '.join(map(str, get_args(hint)))}")
        return value
    if origin is tuple:
        if not isinstance(value, list):
            raise BadParams(f"{where} has to be a list")
        return tuple(_checked(get_args(hint)[0], item, f"{where}[{n}]") for n, item in enumerate(value))
    if is_dataclass(hint):
        return read(cast(type, hint), value, where)
    if hint is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if not isinstance(value, hint) or (hint is int and isinstance(value, bool)):
        raise BadParams(f"{where} has to be {_NAMES.get(hint, hint.__name__)}")
    return value


_NAMES = {str: "a text", int: "a whole number", float: "a number", bool: "true or false", dict: "an object"}


def write(value: object) -> Any:
    """As JSON: members that are None are left out."""
    if is_dataclass(value) and not isinstance(value, type):
        found = {camel(f.name): write(getattr(value, f.name)) for f in fields(value)}
        return {name: item for name, item in found.items() if item is not None}
    if isinstance(value, list | tuple):
        return [write(item) for item in value]
    if isinstance(value, dict):
        return {name: write(item) for name, item in value.items()}
    return value
