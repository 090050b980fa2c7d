"""The messages `ds4/chat/*` and `ds4/explain`, as docs/lsp.md has them."""

from dataclasses import dataclass
from typing import Any, Literal

from ds4agent.lsp.messages import Diagnostic, Range, TextDocument

Status = Literal["completed", "cancelled", "limit", "failed", "running"]


@dataclass(frozen=True, slots=True)
class Context:
    """What a question is about. `range` is needed but for a file, `diagnostics` for their kind."""

    kind: Literal["selection", "file", "symbol", "diagnostics"]
    uri: str
    range: Range | None = None
    diagnostics: tuple[Diagnostic, ...] = ()


@dataclass(frozen=True, slots=True)
class SendParams:
    """`token` comes back with each delta, so that a client knows its own before it has an answer."""

    text: str
    conversation: str | None = None
    context: tuple[Context, ...] = ()
    replaces: int | None = None
    token: str | None = None


@dataclass(frozen=True, slots=True)
class ExplainParams:
    text_document: TextDocument
    range: Range
    token: str | None = None


@dataclass(frozen=True, slots=True)
class ConversationParams:
    conversation: str


@dataclass(frozen=True, slots=True)
class ApplyParams:
    conversation: str
    turn: int
    block: int
    text_document: TextDocument
    range: Range | None = None


@dataclass(frozen=True, slots=True)
class Delta:
    conversation: str
    turn: int
    kind: Literal["text", "reasoning"]
    text: str
    token: str | None = None


@dataclass(frozen=True, slots=True)
class BlockOut:
    block: int
    language: str
    text: str


@dataclass(frozen=True, slots=True)
class UsageOut:
    """Tokens. `cause`: why some were read twice."""

    prompt_tokens: int
    cached_tokens: int | None
    completion_tokens: int
    reread_tokens: int
    cause: str | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """Of `ds4/chat/send`."""

    conversation: str
    turn: int
    status: Status
    text: str
    blocks: tuple[BlockOut, ...]
    usage: UsageOut | None = None


@dataclass(frozen=True, slots=True)
class Summary:
    conversation: str
    title: str
    turns: int
    updated: float


@dataclass(frozen=True, slots=True)
class TurnOut:
    turn: int
    text: str
    context: list[Any]
    reasoning: str
    reply: str
    status: Status
    blocks: tuple[BlockOut, ...]


@dataclass(frozen=True, slots=True)
class ConversationOut:
    conversation: str
    title: str
    turns: tuple[TurnOut, ...]
