"""What is read ahead, and what need not be."""

from __future__ import annotations

import pytest

from ds4agent.client.engine import Wanted
from ds4agent.lsp.completion.gap import Gap
from ds4agent.lsp.completion.ring import Ring
from ds4agent.lsp.completion.source import Source
from ds4agent.lsp.completion.writer import Writer
from ds4agent.lsp.link import Link
from tests.standins.hole_engine import hole_engine

pytestmark = pytest.mark.asyncio

URI = "file:///a.py"


@pytest.mark.parametrize(("mode", "asked"), [("fill", 4), ("chat", 8)])
async def test_letters_that_go_on_a_word_are_read_ahead_by_chat_models_only(mode: str, asked: int) -> None:
    async with hole_engine() as engine:
        engine.mode = mode
        link = Link(Wanted(engine.url))
        writer = Writer(Source(lambda: link), pytest.fail)
        await writer.source.use(engine.url, None)
        for text in ("x = h", "x = he", "x = hei", "x = (hei", "x = (heig"):
            await writer.warm(URI, Gap(text, "", ""), Ring())
            await writer.warm(URI, Gap(text, "", ""), Ring())
        assert await writer.suggest(URI, Gap("y = h", "", ""), Ring(), 8) == "filled"
        for text in ("y = h", "y = he", "y = he2"):
            await writer.warm(URI, Gap(text, "", ""), Ring())
        assert len(engine.asked) == asked
        await writer.source.close()
        await link.close()
