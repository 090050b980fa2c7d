"""What the agent tells the world while it works.

The loop emits these; the JSON writer prints them one object a line, the progress printer shows them to
people. The shapes are those of `codex exec --json`, so that its consumers work: an item is announced, may be
updated, and is completed with everything known about it.
"""

from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from enum import Enum
from typing import Any


class Status(Enum):
    """How a run ended, and the exit code that says so."""

    COMPLETED = 0
    FAILED = 1
    USAGE = 2
    LIMIT = 3
    DENIED = 4
    ENGINE_LOST = 5
    INTERRUPTED = 130

    @property
    def word(self) -> str:
        return self.name.lower()


@dataclass(frozen=True, slots=True)
class Item:
    """A thing that happens within a turn. `fields` depend on the type (see DESIGN.md)."""

    id: str
    type: str
    fields: dict[str, Any] = field(default_factory=dict)

    def json(self) -> dict[str, Any]:
        return {"id": self.id, "type": self.type, **self.fields}


@dataclass(frozen=True, slots=True)
class SessionStarted:
    session_id: str
    cwd: str
    resumed: bool


@dataclass(frozen=True, slots=True)
class TurnStarted:
    pass


@dataclass(frozen=True, slots=True)
class ItemStarted:
    item: Item


@dataclass(frozen=True, slots=True)
class ItemUpdated:
    """`delta` is text that was added to the item."""

    item: Item
    delta: str


@dataclass(frozen=True, slots=True)
class ItemCompleted:
    """`summary` says on one line what came of it; for people only."""

    item: Item
    summary: str = ""


@dataclass(frozen=True, slots=True)
class Cache:
    """Tokens: what should have been in the engine's cache, what was, and what was therefore read twice."""

    predicted_tokens: int
    cached_tokens: int
    prompt_tokens: int
    reread_tokens: int
    cause: str | None


@dataclass(frozen=True, slots=True)
class TurnCompleted:
    usage: dict[str, int]


@dataclass(frozen=True, slots=True)
class TurnFailed:
    message: str
    usage: dict[str, int]


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a run ended. `kind`: repetition or loop where the model went round in circles, else the status."""

    message: str
    kind: str


@dataclass(frozen=True, slots=True)
class Warned:
    """Something the user should know; the work goes on."""

    message: str


@dataclass(frozen=True, slots=True)
class SessionCompleted:
    """`hint` is the command that goes on from here; for people only."""

    session_id: str
    status: Status
    denied: int
    hint: str = ""


@dataclass(frozen=True, slots=True)
class Prefill:
    """The engine reads the prompt: tokens done of those not cached, tokens a second. For people only."""

    done: int
    total: int
    rate: float


@dataclass(frozen=True, slots=True)
class Waiting:
    """The engine gave a sign of life while it works; for people only."""

    text: str


@dataclass(frozen=True, slots=True)
class Writing:
    """A call is being written, so many characters until now; for people only."""

    tool: str
    length: int


@dataclass(frozen=True, slots=True)
class Decoded:
    """One request is over: tokens written and seconds since the first of them. For people only."""

    tokens: int
    seconds: float


Event = (
    SessionStarted
    | TurnStarted
    | ItemStarted
    | ItemUpdated
    | ItemCompleted
    | Cache
    | TurnCompleted
    | TurnFailed
    | Failure
    | Warned
    | SessionCompleted
    | Prefill
    | Waiting
    | Writing
    | Decoded
)
Emit = Callable[[Event], None]

_NAMES: dict[type, str] = {
    SessionStarted: "session.started",
    TurnStarted: "turn.started",
    ItemStarted: "item.started",
    ItemUpdated: "item.updated",
    ItemCompleted: "item.completed",
    Cache: "cache",
    TurnCompleted: "turn.completed",
    TurnFailed: "turn.failed",
    Failure: "error",
    Warned: "warning",
    SessionCompleted: "session.completed",
}


def to_json(event: Event) -> dict[str, Any] | None:
    """The object of an event; None for those that are for people only."""
    name = _NAMES.get(type(event))
    if name is None:
        return None
    match event:
        case ItemStarted(item) | ItemCompleted(item):
            return {"type": name, "item": item.json()}
        case ItemUpdated(item, delta):
            return {"type": name, "item": {**item.json(), "delta": delta}}
        case TurnFailed(message, usage):
            return {"type": name, "error": {"message": message}, "usage": usage}
        case SessionCompleted(session_id, status, denied, _):
            ended = {"status": status.word, "exit_code": status.value, "denied": denied}
            return {"type": name, "session_id": session_id, **ended}
    return {"type": name, **asdict(event)}
