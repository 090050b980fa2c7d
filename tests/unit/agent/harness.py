"""A session in a folder of a test, on a scripted engine."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ds4agent.agent import events, sessions
from ds4agent.agent.approval import Approval, Mode
from ds4agent.agent.events import Event
from ds4agent.agent.loop import Limits, Loop, Outcome
from ds4agent.agent.request import Head
from ds4agent.agent.tools import Toolbox
from ds4agent.client import chat
from ds4agent.client.cancel import Cancel
from ds4agent.client.chat import complete
from ds4agent.client.http import Endpoint
from ds4agent.client.reply import Reply

TOOLS = ('{"name":"bash"}', '{"name":"str_replace_editor"}')
HEAD = Head("m", "be brief", TOOLS, '"thinking":{"type":"enabled"}')


@dataclass
class TestLine:
    """A line to a scripted engine, under any name."""

    __test__ = False
    url: str
    cancel: Cancel
    identity: str = "engine 1"

    def send(self, body: bytes, tell: Callable[[chat.Event], None]) -> Reply:
        return complete(Endpoint.parse(self.url), body, self.cancel, tell)


@dataclass
class Bench:
    """Runs turns; `seen` are all events of all turns."""

    root: Path
    url: str
    mode: Mode = "auto"
    answer: bool | None = None
    limits: Limits = field(default_factory=Limits)
    shell_limit: float = 60.0
    seen: list[Event] = field(default_factory=list)
    cancel: Cancel = field(default_factory=Cancel)
    identity: str = "engine 1"
    watch: Callable[[Event], None] = lambda event: None

    @property
    def cwd(self) -> Path:
        path = self.root / "work"
        path.mkdir(exist_ok=True)
        return path

    def session(self) -> sessions.Session:
        """The one session of this bench, created when it is not there."""
        found = sessions.summaries(self.root / "sessions")
        if found:
            return sessions.open_session(self.root / "sessions", found[0].id)
        return sessions.create(self.root / "sessions", HEAD, self.cwd, "a task")

    def path(self) -> Path:
        """The transcript on disk."""
        return next((self.root / "sessions").glob("*/transcript.jsonl"))

    def turn(self, *texts: str) -> Outcome:
        """A turn as a new process would run it; without a text the last one goes on."""
        session = self.session()
        toolbox = Toolbox(self.cwd, session.folder, self.shell_limit)
        line = TestLine(self.url, self.cancel, self.identity)
        approval = Approval(self.mode, self.cwd, lambda question: self.answer)
        transcript = session.transcript
        loop = Loop(transcript, line, toolbox, approval, self._emit, self.cancel, self.limits)
        try:
            return loop.turn(list(texts) or None)
        finally:
            toolbox.close()
            transcript.close()

    def _emit(self, event: Event) -> None:
        self.seen.append(event)
        self.watch(event)

    def stop_at(self, kind: type[Event], delta: str | None = None) -> None:
        """Set the cancel flag when such an event is seen."""

        def watch(event: Event) -> None:
            if isinstance(event, kind) and (delta is None or getattr(event, "delta", None) == delta):
                self.cancel.set()

        self.watch = watch

    def caches(self) -> list[events.Cache]:
        return [event for event in self.seen if isinstance(event, events.Cache)]

    def items(self) -> list[dict[str, Any]]:
        return [event.item.json() for event in self.seen if isinstance(event, events.ItemCompleted)]


def messages(body: bytes) -> list[dict[str, Any]]:
    """The messages of a request after the system text."""
    found: list[dict[str, Any]] = json.loads(body)["messages"]
    return found[1:]


def results(body: bytes) -> list[str]:
    """The tool results in a request."""
    return [m["content"] for m in messages(body) if m["role"] == "tool"]
