"""A streamed chat completion for a room: through the link, with the work shown on the status board.

The task that waits is what stops it: cancelled, it closes the connection at once. What had arrived by then is
in `partial`. An engine that turns out to be gone before anything was sent is looked for anew, once; nothing
is sent twice. Silence is no reason to give up, because a long prompt may be the cause, but it is told.
"""

import asyncio
from collections.abc import Callable
from contextlib import aclosing

from ds4agent.client import aio
from ds4agent.client.engine import Engine
from ds4agent.client.errors import EngineLost, NotReached
from ds4agent.client.reply import Assembler, Delta, Part, Reply
from ds4agent.lsp.app import App
from ds4agent.lsp.status import Task
from ds4agent.wire.sse_reader import Record

PATH = "/v1/chat/completions"
LANE = "interactive"
NOTICE_SECONDS = 30.0


def nothing(part: Part) -> None:
    """For who wants the whole reply only."""


class Ask:
    """One request. `tell` gets each part as it arrives; `identity` names the engine's process once known."""

    def __init__(self, app: App, task: Task, tell: Callable[[Part], None] = nothing) -> None:
        self._app = app
        self._task = task
        self._tell = tell
        self.identity = ""
        self._assembler = Assembler()
        # When the engine was heard last, in the loop's seconds, and how often its silence was told since.
        self._heard, self._told = 0.0, 0
        self._alarm: asyncio.TimerHandle | None = None

    @property
    def partial(self) -> Reply:
        return self._assembler.reply()

    async def reply(self, body: bytes) -> Reply:
        """The whole of it. Raises EngineError."""
        engine = await self._engine()
        try:
            try:
                await self._stream(engine, body)
            except NotReached:
                await self._app.link.lost()
                await self._stream(await self._engine(), body)
            reply = self.partial
            if reply.finish is None:
                raise EngineLost("the engine broke off in the middle of its reply")
        except EngineLost:
            await self._app.link.lost()
            raise
        return reply

    async def _engine(self) -> Engine:
        self._task.show("queued" if self._app.link.ready else "loading")
        engine = await self._app.link.running()
        self.identity = engine.identity
        return engine

    async def _stream(self, engine: Engine, body: bytes) -> None:
        self._task.show("prefill")
        clock = asyncio.get_running_loop().time
        self._heard, self._told = clock(), 0
        self._watch()
        try:
            async with aclosing(aio.events(engine.endpoint, PATH, body, LANE)) as stream:
                async for event in stream:
                    if self._told:
                        self._task.show(self._task.status.phase)
                    self._heard, self._told = clock(), 0
                    if isinstance(event, Record):
                        self._take(event)
        finally:
            if self._alarm:
                self._alarm.cancel()

    def _take(self, event: Record) -> None:
        for part in self._assembler.feed(event.data):
            if isinstance(part, Delta) and self._task.status.phase != "decode":
                self._task.show("decode")
            self._tell(part)

    def _watch(self) -> None:
        """Tell of a long silence; only shown, because whoever asked may take it back."""
        loop = asyncio.get_running_loop()
        if loop.time() >= self._heard + (self._told + 1) * NOTICE_SECONDS:
            self._told += 1
            message = f"no word from the engine for {self._told * NOTICE_SECONDS:g} s"
            self._task.show(self._task.status.phase, message=message)
        self._alarm = loop.call_at(self._heard + (self._told + 1) * NOTICE_SECONDS, self._watch)
