"""The way to an engine: found or started by the first who needs it, and found anew after it was lost.

Which one it is, is decided where `ds4agent run` decides it too (client.engine). With `auto` and nothing that
runs, the user's sidecar is started, so that all editors, agents and other clients have one engine and one
cache.

Whoever asks for it while it is on its way waits for the same one. An engine that was lost is not looked for
by itself: the next request does that, after a pause if the last attempt failed, so that a dead engine costs
one message and no storm of attempts.
"""

import asyncio
import time
from collections.abc import Callable

from ds4agent.client import engine
from ds4agent.client.cancel import Cancel, Cancelled
from ds4agent.client.errors import EngineError, EngineLost
from ds4agent.client.http import Endpoint

PAUSE_SECONDS = 2.0

# Tokens read, of how many, tokens a second: while an engine of our own reads a prompt.
OnPrefill = Callable[[int, int, float], None]
# The engine that came, or why there is none.
OnChange = Callable[[engine.Engine | EngineError], None]


class Link:
    """One engine, whichever it is. Used from the event loop."""

    def __init__(
        self,
        wanted: engine.Wanted,
        on_prefill: OnPrefill = lambda done, total, rate: None,
        on_change: OnChange = lambda news: None,
    ) -> None:
        self._wanted = wanted
        self._loop = asyncio.get_running_loop()
        self._on_prefill = on_prefill
        self._on_change = on_change
        self._cancel = Cancel()
        self._coming: asyncio.Task[engine.Engine] | None = None
        self._failed: tuple[float, EngineError] | None = None
        self._closed = False

    async def endpoint(self) -> Endpoint:
        """Where it answers. Raises EngineError."""
        return (await self.running()).endpoint

    async def running(self) -> engine.Engine:
        """Waits for as long as it takes to load. Raises EngineError."""
        if self._closed:
            raise EngineLost("the engine was let go, because the settings changed or the server ends")
        if self._failed and time.monotonic() - self._failed[0] < PAUSE_SECONDS:
            raise self._failed[1].with_traceback(None)
        if self._coming is None:
            self._coming = asyncio.create_task(asyncio.to_thread(self._call))
            self._coming.add_done_callback(self._settled)
        coming = self._coming
        try:
            # Who gives up waiting does not take it away from the others.
            return await asyncio.shield(coming)
        except Cancelled as error:
            raise EngineLost("the engine was let go before it was there") from error
        except EngineError as error:
            if self._coming is coming:
                self._coming, self._failed = None, (time.monotonic(), error)
            raise

    def _settled(self, coming: asyncio.Task[engine.Engine]) -> None:
        if coming is not self._coming or coming.cancelled():
            return
        error = coming.exception()
        if error is None:
            self._on_change(coming.result())
        elif isinstance(error, EngineError):
            self._on_change(error)

    def _call(self) -> engine.Engine:
        return engine.call(self._wanted, self._cancel, self._told).wait(self._cancel)

    def _told(self, done: int, total: int, rate: float) -> None:
        """By the thread that reads the engine's log."""
        self._loop.call_soon_threadsafe(self._on_prefill, done, total, rate)

    @property
    def ready(self) -> bool:
        """Whether it answered and has not been lost since."""
        return self.present is not None

    @property
    def present(self) -> engine.Engine | None:
        """The one that is there, or was when it was asked last."""
        coming = self._coming
        if coming is None or not coming.done() or coming.cancelled() or coming.exception():
            return None
        return coming.result()

    async def lost(self, which: engine.Engine | None = None) -> None:
        """It did not answer: the next request looks for one again. `which`: nothing to do if by now another
        one is there.
        """
        present = self.present
        if present is None or (which is not None and which.identity != present.identity):
            return
        self._coming = None
        self._on_change(EngineLost("the engine was lost; the next request looks for one again"))
        await asyncio.to_thread(present.stop)

    async def close(self) -> None:
        """Stop the engine if it is ours."""
        self._closed = True
        self._cancel.set()
        coming, self._coming = self._coming, None
        if coming is not None:
            found = (await asyncio.gather(coming, return_exceptions=True))[0]
            if isinstance(found, engine.Engine):
                await asyncio.to_thread(found.stop)
