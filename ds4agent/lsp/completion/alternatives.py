"""What else could stand at a cursor, for who asks: drawn at random instead of what is likeliest.

The prompt is that of the first suggestion, to the byte, so that an engine that keeps its state reads none of
it again. The seeds are always the same: who asks twice at one place is told the same.
"""

import asyncio

from ds4agent.lsp.completion.filler import Draw
from ds4agent.lsp.completion.gap import Gap
from ds4agent.lsp.completion.results import Results
from ds4agent.lsp.completion.ring import Ring
from ds4agent.lsp.completion.writer import Writer

MOST = 2
# Warmer and warmer: a model that is sure of itself says the same again.
DRAWS = (Draw(0.7, 1), Draw(1.0, 2), Draw(1.3, 3))
# Seconds for all of them. Who sees the first one already waits for the others alone.
BRIEF, PATIENT = 1.5, 10.0


class Alternatives:
    """Written by `writer`, kept in `results`."""

    def __init__(self, writer: Writer, results: Results) -> None:
        self._writer, self._results = writer, results

    async def likeliest(self, uri: str, gap: Gap, ring: Ring, most: int) -> tuple[str, ...]:
        """The one that the model would write, perhaps empty; none if no engine could say."""
        text = await self._writer.suggest(uri, gap, ring, most)
        if text is None:
            return ()
        self._results.put(uri, gap, text)
        return (text,)

    async def all(self, uri: str, gap: Gap, ring: Ring, most: int) -> tuple[str, ...]:
        """That one, then what else there is, each once."""
        if (known := self._results.all(uri, gap)) is not None:
            return known
        seen = self._results.get(uri, gap)
        texts = list(await self.likeliest(uri, gap, ring, most) if seen is None else (seen,))
        if not texts:
            return ()
        complete = False
        try:
            async with asyncio.timeout(BRIEF if seen is None else PATIENT):
                complete = await self._draw(texts, uri, gap, ring, most)
        except TimeoutError:
            pass  # those that are there by now
        if complete:
            self._results.put_all(uri, gap, tuple(texts))
        return tuple(texts)

    async def _draw(self, texts: list[str], uri: str, gap: Gap, ring: Ring, most: int) -> bool:
        """Whether the engine could say all that it was asked."""
        for draw in DRAWS:
            text = await self._writer.suggest(uri, gap, ring, most, draw=draw)
            if text is None:
                return False
            if text and text not in texts:
                texts.append(text)
            if len(texts) > MOST:
                break
        return True
