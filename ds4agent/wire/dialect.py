"""What an API dialect is: reading its requests, and spelling everything that its clients are told.

The server knows nothing else of the four APIs. Requests come in as bytes and leave as a TurnRequest; the turn
comes back as emissions and a reply, and leaves as bytes. Clocks and random numbers are passed in.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from ds4agent.wire import sse
from ds4agent.wire.dsml import Event
from ds4agent.wire.errors import RequestError
from ds4agent.wire.reply import Reply, TokenLogprob, Usage
from ds4agent.wire.request import ParseContext, TurnRequest
from ds4agent.wire.request import Protocol as ProtocolName


@dataclass(frozen=True, slots=True)
class Emission:
    """A parser event on its way to the client. `call_id`: of the call it starts, else "".

    `logprobs`: those of the tokens that the event's text comes from, where they were asked for.
    """

    event: Event
    call_id: str = ""
    logprobs: tuple[TokenLogprob, ...] = ()


@dataclass(frozen=True, slots=True)
class ReplyIds:
    """`number` counts the replies of this process; `random()` gives 24 fresh hex digits."""

    number: int
    random: Callable[[], str]


class ReplyWriter(Protocol):
    """Spells one reply. Times are Unix seconds; every chunk may carry its own."""

    @property
    def keepalive(self) -> bytes:
        """A record that says only that a long prefill goes on."""

    def start(self, created: int, usage: Usage) -> bytes:
        """The prompt is read: `usage` without completion."""

    def emit(self, created: int, emission: Emission) -> bytes:
        """Records for one emission; empty for events that this API does not show."""

    def finish(self, created: int, reply: Reply) -> bytes:
        """Everything from the last emission to the end of the stream."""

    def failure(self, message: str) -> bytes:
        """Ends a stream whose prefill failed after the head was sent."""

    def whole(self, created: int, reply: Reply) -> bytes:
        """The body of a reply that is not streamed."""


class OpenAIWriter:
    """The parts of a ReplyWriter that the OpenAI dialects share."""

    keepalive = sse.KEEPALIVE

    def failure(self, message: str) -> bytes:
        return sse.failure(message)


@dataclass(frozen=True, slots=True)
class Dialect:
    """`parse` raises RequestError for what cannot be served; one without a body of its own gets `error`'s.

    `error` is given status and message, `overflow` the prompt's tokens and the context size. `call_prefix`
    begins the ids of tool calls. `writer` gets the model's id as it is to be echoed. `failed`: the status of
    a whole reply whose turn failed; other than 200 where the API has no way to say so in the reply itself.
    """

    name: ProtocolName
    call_prefix: str
    parse: Callable[[bytes, ParseContext], TurnRequest]
    writer: Callable[[TurnRequest, str, ReplyIds], ReplyWriter]
    error: Callable[[int, str], bytes]
    overflow: Callable[[int, int], RequestError]
    failed: int = 200
