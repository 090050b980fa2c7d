"""A reply while it arrives, as items of the event stream."""

import itertools
import time
from collections.abc import Iterator

from ds4agent.agent.events import (
    Decoded,
    Emit,
    Item,
    ItemCompleted,
    ItemStarted,
    ItemUpdated,
    Waiting,
    Writing,
)
from ds4agent.client.chat import Event, Keepalive, Silence
from ds4agent.client.reply import CallBegun, CallGrown, Delta, Reply

_TYPES = {"content": "agent_message", "reasoning": "reasoning"}


def item_ids() -> Iterator[str]:
    return (f"item_{number}" for number in itertools.count())


class StreamItems:
    """Turns the client's events into items; at most one is open at a time."""

    def __init__(self, emit: Emit, ids: Iterator[str]) -> None:
        self._emit = emit
        self._ids = ids
        self._open: Item | None = None
        self._parts: list[str] = []
        self._first = 0.0
        self._call = Writing("", 0)

    def tell(self, event: Event) -> None:
        match event:
            case Keepalive(text):
                self._emit(Waiting(text))
                return
            case Silence(seconds):
                self._emit(Waiting(f"no word from the engine for {seconds:g} s"))
                return
            case Delta(kind, text):
                self._add(_TYPES[kind], text)
            case CallBegun(name):
                self.close()
                self._call = Writing(name, 0)
            case CallGrown(text):
                self._call = Writing(self._call.tool, self._call.length + len(text))
                self._emit(self._call)
        self._first = self._first or time.monotonic()

    def close(self) -> None:
        """The open item is complete."""
        if self._open:
            done = Item(self._open.id, self._open.type, {"text": "".join(self._parts)})
            self._emit(ItemCompleted(done))
        self._open, self._parts = None, []

    def finish(self, reply: Reply) -> None:
        self.close()
        if reply.usage and self._first:
            self._emit(Decoded(reply.usage.completion, time.monotonic() - self._first))

    def _add(self, kind: str, text: str) -> None:
        if self._open is None or self._open.type != kind:
            self.close()
            self._open = Item(next(self._ids), kind)
            self._emit(ItemStarted(Item(self._open.id, kind, {"text": ""})))
        self._parts.append(text)
        self._emit(ItemUpdated(self._open, text))
