"""Parameters and answers of `ds4/agent/*`: see docs/lsp.md."""

from dataclasses import dataclass
from typing import Any

from ds4agent.lsp.status import Phase


@dataclass(frozen=True, slots=True)
class StartParams:
    """`folder`: the uri of a workspace folder, else the first."""

    task: str
    folder: str | None = None


@dataclass(frozen=True, slots=True)
class ResumeParams:
    session: str
    task: str | None = None


@dataclass(frozen=True, slots=True)
class SessionParams:
    session: str


@dataclass(frozen=True, slots=True)
class PutBackParams:
    """`uris`: of the files to put back, else all."""

    session: str
    uris: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class Started:
    session: str


@dataclass(frozen=True, slots=True)
class Listed:
    """`updated`: Unix seconds; `running`: in this server."""

    session: str
    folder: str
    title: str
    updated: float
    running: bool


@dataclass(frozen=True, slots=True)
class FileOut:
    uri: str
    kind: str
    diff: str


@dataclass(frozen=True, slots=True)
class ChangesOut:
    files: tuple[FileOut, ...]
    diff: str


@dataclass(frozen=True, slots=True)
class RefusedOut:
    uri: str
    reason: str


@dataclass(frozen=True, slots=True)
class PutBackOut:
    """`restored`: uris."""

    restored: tuple[str, ...]
    refused: tuple[RefusedOut, ...]


@dataclass(frozen=True, slots=True)
class EventOut:
    session: str
    event: dict[str, Any]


@dataclass(frozen=True, slots=True)
class ProgressOut:
    """Of the turn that goes on: `seconds` since it began, tokens until now. `percent`, `tokens_per_second`
    and `seconds_left`: of the prefill.
    """

    session: str
    phase: Phase
    seconds: float
    prompt_tokens: int
    cached_tokens: int
    reread_tokens: int
    completion_tokens: int
    percent: float | None = None
    tokens_per_second: float | None = None
    seconds_left: float | None = None
