"""Which engine completes.

With `auto` the engine that all of ds4agent uses, if it fills holes and has room for several sessions: one
that has a single session would lose a running turn's state to every key. Otherwise a small embedded one of
our own. An engine that was named is used as it is; one without /infill is asked as a chat model.
"""

import asyncio
from collections.abc import Callable

from ds4agent.client import aio, engine
from ds4agent.client.errors import BadRequest, EngineFailed
from ds4agent.client.http import Endpoint
from ds4agent.lsp.completion.filler import ChatFiller, Filler, Infill
from ds4agent.lsp.link import Link

# Answers of an engine that has no /infill, and of one whose model has no tokens for it.
_UNKNOWN, _NO_TOKENS = (404, 405), 501
PROBE = {"input_prefix": "", "input_suffix": "", "n_predict": 0}


class Source:
    """`common`: the way to the engine of all."""

    def __init__(self, common: Callable[[], Link], api_key: str | None = None) -> None:
        self._common = common
        self._api_key = api_key
        self._wanted = "auto"
        self._own: Link | None = None
        self._found: tuple[Link, Endpoint, Filler] | None = None
        self._finding = asyncio.Lock()

    async def use(self, wanted: str, api_key: str | None) -> None:
        """The setting `completion_engine`."""
        if (wanted, api_key) != (self._wanted, self._api_key):
            self._wanted, self._api_key = wanted, api_key
            await self.close()

    async def filler(self) -> Filler:
        """Waits until an engine answers. Raises EngineError."""
        async with self._finding:
            if self._found is not None and self._found[0] in (self._own, self._common()):
                return self._found[2]
            self._found = found = await self._look()
            return found[2]

    async def _look(self) -> tuple[Link, Endpoint, Filler]:
        if self._wanted == "auto":
            common = self._common()
            endpoint = await common.endpoint()
            if await _fills(endpoint) and await _sessions(endpoint) > 1:
                return common, endpoint, Infill(endpoint)
        own = self._own = self._own or Link(self._mine())
        endpoint = await own.endpoint()
        return own, endpoint, Infill(endpoint) if await _fills(endpoint) else ChatFiller(endpoint)

    def _mine(self) -> engine.Wanted:
        if self._wanted in ("auto", "embedded"):
            return engine.Wanted("embedded")
        return engine.Wanted(self._wanted, api_key=self._api_key)

    async def lost(self) -> None:
        """It did not answer: the next one who wants it looks again."""
        found, self._found = self._found, None
        if found is not None:
            await found[0].lost()

    async def close(self) -> None:
        self._found = None
        own, self._own = self._own, None
        if own is not None:
            await own.close()


async def _fills(endpoint: Endpoint) -> bool:
    try:
        await aio.ask(endpoint, "/infill", PROBE, "completion")
    except BadRequest as refused:
        if refused.status in _UNKNOWN:
            return False
        raise
    except EngineFailed as failed:
        if failed.status == _NO_TOKENS:
            return False
        raise
    return True


async def _sessions(endpoint: Endpoint) -> int:
    """As llama-server tells it; an engine that does not tell has one."""
    try:
        return int((await aio.get(endpoint, "/props")).get("total_slots", 1))
    except (BadRequest, TypeError, ValueError):
        return 1
