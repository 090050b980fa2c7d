"""A worker on a scripted model, driven job by job."""

from __future__ import annotations

import json
import queue
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from ds4agent.engine.generation import Defaults
from ds4agent.engine.job import Dropped, Emitted, Failed, Finished, Job, Message
from ds4agent.engine.live import Live
from ds4agent.engine.replay import ReplayMap
from ds4agent.engine.server import Server
from ds4agent.engine.slots import Slots
from ds4agent.engine.trace import Trace
from ds4agent.engine.vocab import Vocab
from ds4agent.engine.worker import Worker
from ds4agent.resources import format_texts
from ds4agent.wire import chat
from ds4agent.wire.dialect import Dialect
from ds4agent.wire.models import ModelCard
from ds4agent.wire.reply import Reply
from tests.unit.engine.scripted import ScriptedModel, ScriptedSession

BASH = {"type": "function", "function": {"name": "bash", "parameters": {"type": "object"}}}


class Parts:
    """The engine behind the sockets: a request in, a reply out."""

    def __init__(
        self,
        replies: Sequence[str],
        n_ctx: int = 100_000,
        replay: bool = True,
        trace: Trace | None = None,
        max_queue: int = 0,
        max_sessions: int = 1,
    ) -> None:
        self.session = ScriptedSession(ScriptedModel(), n_ctx, replies)
        self.lines: list[str] = []
        vocab = Vocab(self.session.model)
        memory = ReplayMap(1000) if replay else None
        self.slots = Slots(vocab, self._new_session, max_sessions)
        self.worker = Worker(
            vocab,
            self.slots,
            Defaults(1.0, 5000),
            memory,
            self.lines.append,
            trace=trace,
            max_queue=max_queue,
        )
        card = ModelCard("Scripted One", n_ctx, 5000)
        self.server = Server(
            self.worker, vocab, format_texts(), card, memory, cors=False, keep_bodies=trace is not None
        )
        self.messages: queue.SimpleQueue[Message] = queue.SimpleQueue()

    def _new_session(self) -> ScriptedSession:
        if not self.slots.lives:
            return self.session
        other = self.session.fork()
        other.reset()
        return other

    @property
    def live(self) -> Live:
        """The only session, once there is one."""
        return self.slots.lives[0]

    def job(self, **body: Any) -> Job:
        body.setdefault("model", "m")
        return self.job_of(chat.DIALECT, json.dumps(body, ensure_ascii=False).encode())

    def job_of(self, dialect: Dialect, body: bytes) -> Job:
        job = self.server.job(dialect, body)
        job.sink = self.messages.put
        return job

    def last_message(self, job: Job) -> tuple[list[Message], Message]:
        self.worker.submit(job)
        seen: list[Message] = []
        while not isinstance(message := self.messages.get(timeout=30), Finished | Failed | Dropped):
            seen.append(message)
        return seen, message

    def ask(self, **body: Any) -> Reply:
        _, message = self.last_message(self.job(**body))
        assert isinstance(message, Finished)
        return message.reply


@contextmanager
def engine_parts(
    *replies: str,
    n_ctx: int = 100_000,
    replay: bool = True,
    trace: Trace | None = None,
    max_queue: int = 0,
    max_sessions: int = 1,
) -> Iterator[Parts]:
    parts = Parts(replies, n_ctx, replay, trace, max_queue, max_sessions)
    parts.worker.start()
    try:
        yield parts
    finally:
        parts.worker.stop()
        parts.worker.join()


def emitted(messages: Sequence[Message]) -> list[Any]:
    return [e.event for m in messages if isinstance(m, Emitted) for e in m.emissions]


def assistant(reply: Reply, reasoning: bool = True) -> dict[str, Any]:
    """The message as an OpenAI client keeps and returns it."""
    message: dict[str, Any] = {"role": "assistant", "content": reply.content}
    if reasoning and reply.reasoning:
        message["reasoning_content"] = reply.reasoning
    if reply.calls:
        message["tool_calls"] = [
            {"id": c.id, "type": "function", "function": {"name": c.name, "arguments": c.arguments}}
            for c in reply.calls
        ]
    return message
