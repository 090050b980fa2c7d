"""One generation: what a connection asks of the worker, and what it is told while it waits."""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field

from ds4agent.engine.vocab import Prompt
from ds4agent.wire.dsml import Event
from ds4agent.wire.fields import Options
from ds4agent.wire.reply import Reply


@dataclass(frozen=True, slots=True)
class Progress:
    """Prefill goes on: this many of the uncached tokens are read."""

    done: int
    total: int


@dataclass(frozen=True, slots=True)
class Started:
    """The whole prompt is read; tokens follow."""


@dataclass(frozen=True, slots=True)
class Emitted:
    """Parser events, each with the id of its call, or "" """

    events: list[tuple[Event, str]]


@dataclass(frozen=True, slots=True)
class Finished:
    reply: Reply


@dataclass(frozen=True, slots=True)
class Failed:
    """The prompt could not be evaluated; nothing was sampled."""

    message: str


@dataclass(frozen=True, slots=True)
class Dropped:
    """Nobody waits for the rest: the client has gone, or the server stops."""


Message = Progress | Started | Emitted | Finished | Failed | Dropped


@dataclass(eq=False, slots=True)
class Job:
    """`thinking`: the prompt ends with an open think tag. `tool_context`: old reasoning stays in later
    prompts.

    `sink` is called from the worker thread, the last time with Finished, Failed or Dropped.
    """

    prompt: Prompt
    options: Options
    thinking: bool
    tools: bool
    tool_context: bool
    id_prefix: str
    sink: Callable[[Message], None]
    dropped: threading.Event = field(default_factory=threading.Event)
