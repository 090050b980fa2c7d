"""One generation: what a connection asks of the worker, and what it is told while it waits."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from ds4agent.engine.constraint import Constraint
from ds4agent.engine.vocab import Prompt
from ds4agent.wire.dialect import Emission
from ds4agent.wire.reply import Reply, Usage
from ds4agent.wire.request import Protocol, TurnRequest


@dataclass(frozen=True, slots=True)
class Progress:
    """Prefill goes on: this many of the uncached tokens are read."""

    done: int
    total: int


@dataclass(frozen=True, slots=True)
class Started:
    """The whole prompt is read; tokens follow. `usage`: without completion."""

    usage: Usage


@dataclass(frozen=True, slots=True)
class Emitted:
    emissions: list[Emission]


@dataclass(frozen=True, slots=True)
class Finished:
    reply: Reply


@dataclass(frozen=True, slots=True)
class Failed:
    """The turn could not be begun; nothing was sampled. `status`: of the reply."""

    message: str
    status: int = 500


@dataclass(frozen=True, slots=True)
class Dropped:
    """Nobody waits for the rest: the client has gone, or the server stops."""


Message = Progress | Started | Emitted | Finished | Failed | Dropped


def _unheard(_message: Message) -> None:
    """Nobody listens yet."""


@dataclass(eq=False, slots=True)
class Job:
    """`thinking`: the prompt ends with an open think tag. `tool_context`: old reasoning stays in later
    prompts. `protocol`: the API that it came through; `call_prefix`: what its call ids begin with.

    `body`: the request as it came, kept for a trace only.

    `forced`: tokens that come first behind the reasoning; `constraint`: what may come behind those, for the
    whole answer if the request names an output format.

    `healed`: the text that the reply begins with because it was taken off the prompt; see healing.py.

    `prefetch`: the prompt is to be read, and nothing else.

    `sink` is called from the worker thread, the last time with Finished, Failed or Dropped; that of a job
    which is dropped while it waits, from the thread that drops it. `created`: on the monotonic clock.
    """

    prompt: Prompt
    request: TurnRequest
    protocol: Protocol
    thinking: bool
    tool_context: bool
    call_prefix: str
    sink: Callable[[Message], None] = _unheard
    body: bytes = b""
    forced: tuple[int, ...] = ()
    constraint: Constraint | None = None
    healed: str = ""
    prefetch: bool = False
    dropped: threading.Event = field(default_factory=threading.Event)
    created: float = field(default_factory=time.monotonic)

    @property
    def is_chat(self) -> bool:
        """Whether the turn belongs to a conversation, in which calls may be made and which may go on."""
        return self.protocol not in ("completions", "infill")

    @property
    def is_hole(self) -> bool:
        """Whether the turn fills a hole: what it writes is not gone on from."""
        return self.protocol == "infill"
