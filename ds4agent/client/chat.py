"""Ask an engine: its models, and one streamed chat completion at a time."""

import json
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass

from ds4agent.client.cancel import Cancel, Cancelled, NotSent
from ds4agent.client.errors import EngineFailed, EngineLost
from ds4agent.client.http import Endpoint, Patience, exchange
from ds4agent.client.reply import Assembler, Part, Reply
from ds4agent.wire.sse_reader import Comment, SseReader

PROBE_SECONDS = 2.0


@dataclass(frozen=True, slots=True)
class Keepalive:
    """The engine is still at work; what it wrote."""

    text: str


@dataclass(frozen=True, slots=True)
class Silence:
    """Nothing at all came for so many seconds. No reason to give up: a long prompt may be the cause."""

    seconds: float


Event = Part | Keepalive | Silence


@dataclass(frozen=True, slots=True)
class ModelInfo:
    id: str
    owned_by: str
    context: int


class Stopped(Cancelled):
    """Cancelled in the middle of a reply; `partial` is what had arrived."""

    def __init__(self, partial: Reply) -> None:
        super().__init__()
        self.partial = partial


class Enough(Exception):
    """Raised by who is told about a reply, to have no more of it. `partial` is what had arrived."""

    partial: Reply


def models(endpoint: Endpoint, cancel: Cancel) -> list[ModelInfo]:
    """What GET /v1/models lists."""
    body = b"".join(exchange(endpoint, "GET", "/v1/models", b"", cancel, Patience(PROBE_SECONDS)))
    try:
        return [
            ModelInfo(str(m["id"]), str(m.get("owned_by", "")), int(m.get("context_length") or 0))
            for m in json.loads(body)["data"]
        ]
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise EngineFailed(f"{endpoint.url}/v1/models is not a list of models") from error


def complete(endpoint: Endpoint, body: bytes, cancel: Cancel, tell: Callable[[Event], None]) -> Reply:
    """Send a streaming chat request and put the reply together.

    Raises EngineLost when the stream ends before the engine said why it stopped, Stopped when cancelled, and
    NotSent when that was before the engine had the request.
    Whatever `tell` raises ends the exchange too; to Enough is added what had arrived.
    """
    assembler = Assembler()
    patience = Patience(tell=lambda seconds: tell(Silence(seconds)))
    # Closed here and now, not when the collector comes by: it is the socket's end that stops an engine.
    with closing(exchange(endpoint, "POST", "/v1/chat/completions", body, cancel, patience)) as stream:
        try:
            _read(stream, assembler, tell)
        except NotSent:
            raise
        except Cancelled as error:
            raise Stopped(assembler.reply()) from error
        except Enough as enough:
            enough.partial = assembler.reply()
            raise
    reply = assembler.reply()
    if reply.finish is None:
        raise EngineLost(f"the engine at {endpoint.url} broke off in the middle of its reply")
    return reply


def _read(stream: Iterator[bytes], assembler: Assembler, tell: Callable[[Event], None]) -> None:
    """Everything up to [DONE], or to the end of the stream."""
    reader = SseReader()
    for data in stream:
        for event in reader.feed(data):
            if isinstance(event, Comment):
                tell(Keepalive(event.text))
            elif event.data == "[DONE]":
                return
            else:
                for found in assembler.feed(event.data):
                    tell(found)
