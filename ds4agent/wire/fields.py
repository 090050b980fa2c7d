"""Request fields that the API dialects share, with ds4-server's types, defaults and limits.

A field of the wrong type is a 400; `null` means "not given" everywhere (upstream refuses it for scalars,
and SDKs that send every field suffer from that). Unknown fields are skipped.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar

from ds4agent.wire import json_spans
from ds4agent.wire.dsml_values import clean
from ds4agent.wire.errors import INVALID_JSON, RequestError
from ds4agent.wire.template import ThinkMode

INT_MAX = 2**31 - 1
MAX_THINK_CTX = 393216
_MAX_DEPTH = 257
_EFFORTS = {
    "max": ThinkMode.MAX,
    **dict.fromkeys(("xhigh", "high", "medium", "low", "minimal"), ThinkMode.HIGH),
    "none": ThinkMode.NONE,
}

Object = dict[str, object]
T = TypeVar("T")


def invalid() -> RequestError:
    return RequestError(400, INVALID_JSON)


@dataclass(frozen=True, slots=True)
class Sampling:
    """What the client asked for; None leaves the choice to the model file and the server's defaults."""

    temperature: float | None = None
    top_p: float | None = None
    min_p: float | None = None
    top_k: int | None = None
    seed: int | None = None


@dataclass(frozen=True, slots=True)
class Options:
    """Everything about a generation but its prompt."""

    model: str | None = None
    max_tokens: int | None = None
    sampling: Sampling = field(default_factory=Sampling)
    stops: tuple[str, ...] = ()
    stream: bool = False
    include_usage: bool = False
    ignore_eos: bool = False


def parse_body(body: bytes) -> tuple[str, Object]:
    """The body's text and its value, which must be an object."""
    try:
        text = body.decode()
        if text.count("[") + text.count("{") > _MAX_DEPTH and json_spans.depth(text) > _MAX_DEPTH:
            raise invalid()
        value = json_spans.loads(text)
    except (UnicodeDecodeError, json_spans.InvalidJson) as error:
        raise invalid() from error
    return text, as_object(value)


def as_object(value: object) -> Object:
    if not isinstance(value, dict):
        raise invalid()
    return value


def as_array(value: object) -> list[object]:
    if not isinstance(value, list):
        raise invalid()
    return value


def as_string(value: object) -> str:
    if not isinstance(value, str):
        raise invalid()
    return clean(value)


def as_bool(value: object) -> bool:
    if not isinstance(value, bool):
        raise invalid()
    return value


def as_number(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise invalid()
    try:
        number = float(value)
    except OverflowError as error:
        raise invalid() from error
    if not math.isfinite(number):
        raise invalid()
    return number


def as_count(value: object) -> int:
    """Truncated, never negative, never above INT_MAX."""
    return min(max(int(as_number(value)), 0), INT_MAX)


def optional(body: Object, name: str, convert: Callable[[object], T]) -> T | None:
    """The converted member, or None if it is absent or null."""
    value = body.get(name)
    return None if value is None else convert(value)


def texts(value: object) -> list[str]:
    """A string, or the texts of an array's strings and parts; images and other types count as nothing."""
    if isinstance(value, str):
        return [clean(value)]
    if not isinstance(value, list):
        return []
    parts = []
    for part in value:
        if isinstance(part, str):
            parts.append(clean(part))
        elif isinstance(part, dict):
            parts.append(optional(part, "text", as_string) or "")
    return parts


def _stops(value: object) -> tuple[str, ...]:
    if isinstance(value, str):
        value = [value]
    return tuple(clean(s) for s in as_array(value) if isinstance(s, str) and s)


def _seed(value: object) -> int | None:
    return as_count(value) or None


def _include_usage(value: object) -> bool:
    return bool(optional(as_object(value), "include_usage", as_bool))


def parse_options(body: Object, max_tokens: tuple[str, ...], stop: str = "stop") -> Options:
    """`max_tokens`: the names under which the limit may come; the last one given wins."""
    ignore_eos = bool(optional(body, "ignore_eos", as_bool))
    if ignore_eos and body.get("temperature") != 0:
        raise RequestError(400, "ignore_eos requires an explicit temperature of 0")
    limits = [as_count(v) for k, v in body.items() if k in max_tokens and v is not None]
    return Options(
        model=optional(body, "model", as_string),
        max_tokens=limits[-1] if limits else None,
        sampling=Sampling(
            temperature=optional(body, "temperature", as_number),
            top_p=optional(body, "top_p", as_number),
            min_p=optional(body, "min_p", as_number),
            top_k=optional(body, "top_k", as_count),
            seed=optional(body, "seed", _seed),
        ),
        stops=optional(body, stop, _stops) or (),
        stream=bool(optional(body, "stream", as_bool)),
        include_usage=bool(optional(body, "stream_options", _include_usage)),
        ignore_eos=ignore_eos,
    )


def _thinking_switch(body: Object) -> bool | None:
    """What `thinking` and `think` say; None if neither was given."""
    explicit: bool | None = None
    for name in ("thinking", "think"):
        if name not in body:
            continue
        value = body[name]
        if isinstance(value, bool):
            explicit = value
        elif name == "thinking" and isinstance(value, dict):
            explicit = {"enabled": True, "disabled": False}.get(str(value.get("type")), explicit is not False)
        elif name == "thinking" and value is None:
            explicit = explicit is not False
        elif value is not None:
            raise invalid()
    return explicit


def parse_effort(value: object) -> ThinkMode:
    mode = _EFFORTS.get(as_string(value))
    if mode is None:
        raise invalid()
    return mode


def parse_think(body: Object, model: str | None, n_ctx: int) -> ThinkMode:
    """The mode in force. Max needs a context in which it can pay off."""
    enabled = _thinking_switch(body)
    if enabled is None:
        enabled = model != "deepseek-chat"
    effort = optional(body, "reasoning_effort", parse_effort) or ThinkMode.HIGH
    if not enabled or effort is ThinkMode.NONE:
        return ThinkMode.NONE
    return ThinkMode.HIGH if n_ctx < MAX_THINK_CTX else effort
