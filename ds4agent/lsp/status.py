"""What the server is doing, for a status line: the notification `ds4/status`.

One state for the whole server, because a person looks at one line. Work is reported by whoever does it, as a
`Task` that is open while it lasts; the newest one that is open is shown, and idle when there is none.
"""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Literal

Phase = Literal["idle", "loading", "queued", "prefill", "decode", "lost", "paused"]


@dataclass(frozen=True, slots=True)
class Status:
    """`what`: completion, chat, edit, agent. `percent`, `tokens_per_second`, `seconds_left`: of a prefill;
    `cached_tokens`, `reread_tokens`: of the last request. `context`: of the model, in tokens. `message` is
    for people. `acceptance`: of completions, by language: how many were shown, accepted, dismissed, and
    characters accepted.
    """

    phase: Phase = "idle"
    what: str | None = None
    message: str | None = None
    percent: float | None = None
    tokens_per_second: float | None = None
    seconds_left: float | None = None
    queue_position: int | None = None
    cached_tokens: int | None = None
    reread_tokens: int | None = None
    model: str | None = None
    context: int | None = None
    acceptance: dict[str, dict[str, int]] | None = None


# Until the first word of an answer.
WAITING = ("loading", "queued", "prefill")


class Task:
    """A piece of work in progress. `stop` ends it, as far as it is told to whom that is left."""

    def __init__(self, what: str, changed: Callable[[], None], stop: Callable[[], object]) -> None:
        self.status = Status("prefill", what)
        self.stop = stop
        self._changed = changed

    def show(self, phase: Phase, **about: object) -> None:
        self.status = replace(Status(phase, self.status.what), **about)  # type: ignore[arg-type]
        self._changed()


def _canceller() -> Callable[[], object]:
    current = asyncio.current_task()
    assert current is not None
    return current.cancel


class Board:
    """`tell` gets every new state."""

    def __init__(self, tell: Callable[[Status], None]) -> None:
        self._tell = tell
        self._tasks: list[Task] = []
        self._lost: str | None = None
        self._watchers: list[Callable[[], None]] = []
        self._rest = Status()
        self._shown = Status()

    @property
    def status(self) -> Status:
        return self._shown

    @property
    def tasks(self) -> list[Task]:
        """Those that are open, the newest last."""
        return list(self._tasks)

    def watch(self, changed: Callable[[], None]) -> None:
        """Have it called after every change."""
        self._watchers.append(changed)

    @contextmanager
    def task(self, what: str, stop: Callable[[], object] | None = None) -> Iterator[Task]:
        """Open while the work lasts. Without a `stop` the event loop's task that opens it is cancelled."""
        task = Task(what, self._show, stop or _canceller())
        self._tasks.append(task)
        try:
            yield task
        finally:
            self._tasks.remove(task)
            self._show()

    def rest(self, **about: object) -> None:
        """What is shown while there is no work: members of Status that last."""
        self._rest = replace(self._rest, **about)  # type: ignore[arg-type]
        self._show()

    def lost(self, why: str | None) -> None:
        """There is no engine any more; None: there is one."""
        self._lost = why
        self._show()

    def _show(self) -> None:
        found = self._tasks[-1].status if self._tasks else self._at_rest()
        rest = self._rest
        lasting = {"model": found.model or rest.model, "context": rest.context, "acceptance": rest.acceptance}
        found = replace(found, **lasting)  # type: ignore[arg-type]
        if found != self._shown:
            self._shown = found
            self._tell(found)
        for changed in self._watchers:
            changed()

    def _at_rest(self) -> Status:
        if self._lost and self._rest.phase == "idle":
            return replace(self._rest, phase="lost", message=self._lost)
        return self._rest
