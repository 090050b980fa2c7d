"""Who fills a hole: an engine with /infill, or a chat model that is asked to.

Both are given what stays first and what is typed last. What they write comes in pieces; closing the generator
closes the socket, which ends the engine's work.
"""

import json
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any, Protocol

from ds4agent.client import aio
from ds4agent.client.errors import EngineFailed, EngineLost
from ds4agent.client.http import Endpoint
from ds4agent.lsp.completion.gap import Gap
from ds4agent.lsp.completion.shape import Shape
from ds4agent.resources import prompt
from ds4agent.wire.sse_reader import Record

Extra = Sequence[dict[str, str]]


@dataclass(frozen=True, slots=True)
class Draw:
    """How a token is chosen. Without a temperature it is the likeliest, and the seed says nothing."""

    temperature: float = 0
    seed: int = 0

    @property
    def fields(self) -> dict[str, float]:
        """Of a request."""
        return {"temperature": self.temperature} | ({"seed": self.seed} if self.temperature else {})


LIKELIEST = Draw()


class Filler(Protocol):
    """`chats`: what it writes may stand in a fence. `heals`: letters before the cursor are not read, since
    the model writes the word that they begin (see ds4agent.engine.healing).
    """

    chats: bool
    heals: bool

    def write(
        self, gap: Gap, extra: Extra, shape: Shape, most: int, lane: str, draw: Draw = LIKELIEST
    ) -> AsyncGenerator[str]:
        """What belongs at the cursor, `most` tokens of it. Raises EngineError."""

    async def warm(self, gap: Gap, extra: Extra, lane: str) -> None:
        """Have the prompt read, and nothing written."""


class Infill:
    """`infill_order` and healing, the default, are ours; llama-server has an order of its own, does not mind,
    and reads the letters with the next key.
    """

    chats = False
    heals = True

    def __init__(self, endpoint: Endpoint) -> None:
        self._endpoint = endpoint

    async def write(
        self, gap: Gap, extra: Extra, shape: Shape, most: int, lane: str, draw: Draw = LIKELIEST
    ) -> AsyncGenerator[str]:
        stop = [] if shape.lines else ["\n"]
        body = self._body(gap, extra) | {"n_predict": shape.tokens(most), "stop": stop, "stream": True}
        body |= draw.fields
        async with aclosing(_records(self._endpoint, "/infill", body, lane)) as records:
            async for record in records:
                yield str(record.get("content") or "")
                if record.get("stop"):
                    return
        raise EngineLost(f"the engine at {self._endpoint.url} broke off in the middle of a completion")

    async def warm(self, gap: Gap, extra: Extra, lane: str) -> None:
        await aio.ask(self._endpoint, "/infill", self._body(gap, extra) | {"n_predict": 0}, lane)

    def _body(self, gap: Gap, extra: Extra) -> dict[str, Any]:
        head = gap.head
        return {
            "infill_order": "spm",
            "input_extra": list(extra),
            "input_prefix": gap.before[: len(gap.before) - len(head)],
            "prompt": head,
            "input_suffix": gap.tail + gap.after,
            "cache_prompt": True,
            "temperature": 0,
        }


class ChatFiller:
    """The text before the cursor ends the message, so that a cache of prefixes keeps all the rest."""

    chats = True
    heals = False

    def __init__(self, endpoint: Endpoint) -> None:
        self._endpoint = endpoint

    async def write(
        self, gap: Gap, extra: Extra, shape: Shape, most: int, lane: str, draw: Draw = LIKELIEST
    ) -> AsyncGenerator[str]:
        body = self._body(gap, extra) | {"max_tokens": shape.tokens(most), "stop": ["\n\n\n", "</before>"]}
        body |= draw.fields
        async with aclosing(_records(self._endpoint, "/v1/chat/completions", body, lane)) as records:
            async for record in records:
                yield _delta(record)

    async def warm(self, gap: Gap, extra: Extra, lane: str) -> None:
        body = self._body(gap, extra) | {"max_tokens": 1}
        async with aclosing(_records(self._endpoint, "/v1/chat/completions", body, lane)) as records:
            async for _ in records:
                pass

    def _body(self, gap: Gap, extra: Extra) -> dict[str, Any]:
        files = "".join(f'<file name="{item["filename"]}">\n{item["text"]}\n</file>\n' for item in extra)
        text = f"{files}<after>{gap.tail}{gap.after}</after>\n<before>{gap.before}"
        return {
            "messages": [
                {"role": "system", "content": prompt("lsp/fill.txt")},
                {"role": "user", "content": text},
            ],
            "thinking": False,
            "temperature": 0,
            "stream": True,
        }


async def _records(
    endpoint: Endpoint, path: str, body: dict[str, Any], lane: str
) -> AsyncGenerator[dict[str, Any]]:
    data = json.dumps(body, ensure_ascii=False).encode("utf-8", "replace")
    async with aclosing(aio.events(endpoint, path, data, lane)) as events:
        async for event in events:
            if isinstance(event, Record):
                yield _object(event.data, endpoint, path)


def _object(data: str, endpoint: Endpoint, path: str) -> dict[str, Any]:
    try:
        found = json.loads(data)
    except ValueError:
        found = None
    if not isinstance(found, dict) or "error" in found:
        raise EngineFailed(f"{endpoint.url}{path} answered what is no completion: {data[:80]!r}")
    return found


def _delta(record: dict[str, Any]) -> str:
    choices = record.get("choices")
    choice = choices[0] if isinstance(choices, list) and choices else None
    delta = choice.get("delta") if isinstance(choice, dict) else None
    return str(delta.get("content") or "") if isinstance(delta, dict) else ""
