"""The way to an engine: found or started by the first who needs it, and found anew after it was lost.

Whoever asks for it while it is on its way waits for the same one. An engine that was lost is not looked for
by itself: the next request does that, after a pause if the last attempt failed, so that a dead engine costs
one message and no storm of attempts.
"""

import asyncio
import time
from collections.abc import Callable

from ds4agent.client import engine
from ds4agent.client.cancel import Cancel
from ds4agent.client.errors import EngineError
from ds4agent.client.http import Endpoint

PAUSE_SECONDS = 2.0

# Tokens read, of how many, tokens a second: while an engine of our own reads a prompt.
OnPrefill = Callable[[int, int, float], None]


class Link:
    """One engine, whichever it is. Used from the event loop."""

    def __init__(self, wanted: engine.Wanted, on_prefill: OnPrefill = lambda done, total, rate: None) -> None:
        self._wanted = wanted
        self._loop = asyncio.get_running_loop()
        self._on_prefill = on_prefill
        self._cancel = Cancel()
        self._coming: asyncio.Task[engine.Engine] | None = None
        self._failed: tuple[float, EngineError] | None = None

    async def endpoint(self) -> Endpoint:
        """Where it answers. Raises EngineError."""
        return (await self.running()).endpoint

    async def running(self) -> engine.Engine:
        """Waits for as long as it takes to load. Raises EngineError."""
        if self._failed and time.monotonic() - self._failed[0] < PAUSE_SECONDS:
            raise self._failed[1]
        if self._coming is None:
            self._coming = asyncio.create_task(asyncio.to_thread(self._call))
        coming = self._coming
        try:
            # Who gives up waiting does not take it away from the others.
            return await asyncio.shield(coming)
        except EngineError as error:
            if self._coming is coming:
                self._coming, self._failed = None, (time.monotonic(), error)
            raise

    def _call(self) -> engine.Engine:
        return engine.call(self._wanted, self._cancel, self._told).wait(self._cancel)

    def _told(self, done: int, total: int, rate: float) -> None:
        """By the thread that reads the engine's log."""
        self._loop.call_soon_threadsafe(self._on_prefill, done, total, rate)

    @property
    def ready(self) -> bool:
        """Whether it answered and has not been lost since."""
        coming = self._coming
        return coming is not None and coming.done() and not coming.cancelled() and not coming.exception()

    async def lost(self) -> None:
        """It did not answer: the next request looks for one again."""
        coming, self._coming = self._coming, None
        if coming is not None and coming.done() and not coming.cancelled() and not coming.exception():
            await asyncio.to_thread(coming.result().stop)

    async def close(self) -> None:
        """Stop the engine if it is ours."""
        self._cancel.set()
        coming, self._coming = self._coming, None
        if coming is not None:
            found = (await asyncio.gather(coming, return_exceptions=True))[0]
            if isinstance(found, engine.Engine):
                await asyncio.to_thread(found.stop)
