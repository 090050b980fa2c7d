"""A streamed chat completion, put together again.

Pure: bytes of JSON records in, events out, and in the end the whole turn. Text is only ever joined, never
trimmed, because the same bytes go back to the engine with the next request. Fragments of one call are told
apart by their index; an engine that sends a call whole is the same case with one fragment.
"""

import json
from dataclasses import dataclass, field
from typing import Any

from ds4agent.client.errors import EngineFailed


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens of one request. `cached` of the `prompt` ones were not read again, if it says so."""

    prompt: int
    completion: int
    cached: int | None


@dataclass(frozen=True, slots=True)
class Delta:
    """A piece of `content` or `reasoning`."""

    kind: str
    text: str


@dataclass(frozen=True, slots=True)
class CallBegun:
    """The name of a call is known; its arguments are still coming."""

    name: str


@dataclass(frozen=True, slots=True)
class CallGrown:
    """A piece of the arguments of the call that began last."""

    text: str


Part = Delta | CallBegun | CallGrown


@dataclass(slots=True)
class CallParts:
    id: str = ""
    name: str = ""
    arguments: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Reply:
    """What has arrived. `finish` is None until the engine said why it stopped."""

    content: str = ""
    reasoning: str = ""
    calls: list[CallParts] = field(default_factory=list)
    finish: str | None = None
    usage: Usage | None = None


class Assembler:
    """Feed the data of each record; `reply()` is what they amount to so far."""

    def __init__(self) -> None:
        self._content: list[str] = []
        self._reasoning: list[str] = []
        self._calls: dict[int, CallParts] = {}
        self._finish: str | None = None
        self._usage: Usage | None = None

    def feed(self, data: str) -> list[Part]:
        """Raises EngineFailed for an error record or one that is not a completion chunk."""
        try:
            chunk = json.loads(data)
            if "error" in chunk:
                raise EngineFailed(f"the engine failed: {_message(chunk['error'])}")
            if chunk.get("usage"):
                self._usage = _usage(chunk["usage"])
            choices = chunk.get("choices") or ()
            return [event for choice in choices[:1] for event in self._choice(choice)]
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise EngineFailed(f"the engine sent a record that is not a chat chunk: {data[:200]}") from error

    def reply(self) -> Reply:
        calls = [self._calls[index] for index in sorted(self._calls)]
        return Reply("".join(self._content), "".join(self._reasoning), calls, self._finish, self._usage)

    def _choice(self, choice: dict[str, Any]) -> list[Part]:
        self._finish = choice.get("finish_reason") or self._finish
        delta = choice.get("delta") or {}
        events: list[Part] = []
        # Other engines spell it `reasoning`.
        thought = delta.get("reasoning_content") or delta.get("reasoning")
        for kind, text, parts in (
            ("reasoning", thought, self._reasoning),
            ("content", delta.get("content"), self._content),
        ):
            if text:
                parts.append(_string(text))
                events.append(Delta(kind, text))
        for call in delta.get("tool_calls") or ():
            events += self._call(call)
        return events

    def _call(self, call: dict[str, Any]) -> list[Part]:
        index = call.get("index", len(self._calls))
        parts = self._calls.setdefault(index, CallParts())
        known = bool(parts.name)
        function = call.get("function") or {}
        parts.id = parts.id or call.get("id") or ""
        parts.name += function.get("name") or ""
        arguments = _string(function.get("arguments") or "")
        parts.arguments.append(arguments)
        events: list[Part] = [CallBegun(parts.name)] if parts.name and not known else []
        return [*events, CallGrown(arguments)] if arguments else events


def _string(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{value!r} is not a string")
    return value


def _usage(usage: dict[str, Any]) -> Usage:
    cached = (usage.get("prompt_tokens_details") or {}).get("cached_tokens")
    return Usage(
        int(usage["prompt_tokens"]),
        int(usage.get("completion_tokens") or 0),
        None if cached is None else int(cached),
    )


def _message(error: object) -> str:
    return str(error.get("message", error)) if isinstance(error, dict) else str(error)
