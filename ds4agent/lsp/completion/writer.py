"""From the text around a cursor to a suggestion: the ring, the engine, the trimming.

An engine that fails is told of once; until it has answered again nothing more is said. Whatever waits for an
engine that hangs is given up after a while.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import aclosing
from typing import TypeVar

from ds4agent.client.cancel import Cancelled
from ds4agent.client.errors import EngineError, EngineLost
from ds4agent.lsp.completion.filler import LIKELIEST, Draw, Extra, Filler
from ds4agent.lsp.completion.gap import Gap
from ds4agent.lsp.completion.ring import Ring
from ds4agent.lsp.completion.shape import shape_of
from ds4agent.lsp.completion.source import Source
from ds4agent.lsp.completion.trim import is_over, trim, unfenced

T = TypeVar("T")
Place = tuple[str, Gap, Extra]
log = logging.getLogger(__name__)
# A real model may read a cold prompt for that long.
PATIENCE_SECONDS = 30.0
LANE, ASIDE = "completion", "background"


class Writer:
    """`tell`: one sentence for the user. `patience`: seconds."""

    def __init__(
        self, source: Source, tell: Callable[[str], None], patience: float = PATIENCE_SECONDS
    ) -> None:
        self.source = source
        self._tell = tell
        self._patience = patience
        self._troubled = False
        self._read: Place | None = None

    async def suggest(
        self, uri: str, gap: Gap, ring: Ring, most: int, lane: str = LANE, draw: Draw = LIKELIEST
    ) -> str | None:
        """What to insert, perhaps nothing. None: no engine could say."""
        shape, extra = shape_of(gap), ring.extra(uri)

        async def written(filler: Filler) -> str:
            text = ""
            async with aclosing(filler.write(gap, extra, shape, most, lane, draw)) as pieces:
                async for piece in pieces:
                    text += piece
                    if is_over(_plain(filler, text), gap, shape):
                        break
            self._read = _place(filler, uri, gap, extra)
            return trim(_plain(filler, text), gap, shape)

        return await self._asked(written)

    async def warm(self, uri: str, gap: Gap, ring: Ring) -> None:
        """Have the engine read what will not change with the next key, if it has not."""
        extra = ring.extra(uri)

        async def warmed(filler: Filler) -> None:
            place = _place(filler, uri, gap, extra)
            if self._read != place:
                await filler.warm(gap, extra, ASIDE)
                self._read = place

        await self._asked(warmed)

    async def _asked(self, ask: Callable[[Filler], Awaitable[T]]) -> T | None:
        try:
            async with asyncio.timeout(self._patience):
                found = await ask(await self.source.filler())
        except Cancelled:
            pass  # the settings name another engine now
        except TimeoutError:
            self._trouble(f"the engine has not answered for {self._patience:g} s")
        except EngineError as error:
            if isinstance(error, EngineLost):
                await self.source.lost()
            self._trouble(str(error))
        else:
            self._troubled = False
            return found
        return None

    def _trouble(self, why: str) -> None:
        log.info("no completion: %s", why)
        if not self._troubled:
            self._tell(f"no completion: {why}")
        self._troubled = True


def _place(filler: Filler, uri: str, gap: Gap, extra: Extra) -> Place:
    """What the engine has read then."""
    return uri, gap.before_word if filler.heals else gap, extra


def _plain(filler: Filler, text: str) -> str:
    return unfenced(text) if filler.chats else text
