"""What else could stand there, for who asks: another suggestion, without a token that is read twice."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from ds4agent.client.aio import ask
from ds4agent.client.http import Endpoint
from ds4agent.lsp.completion import alternatives
from ds4agent.lsp.completion.filler import Infill
from ds4agent.lsp.completion.gap import Gap
from tests.ghost import AUTOMATIC, INLINE, INVOKED, begin, params, uri_of
from tests.lsp_client import Editor, editor
from tests.standins.hole_engine import HoleEngine, hole_engine

pytestmark = pytest.mark.asyncio
CODE = "import os\n\n\ndef total(values):\n    result = 0\n    for value in values:\n        result += \n"


@pytest_asyncio.fixture
async def engine() -> AsyncIterator[HoleEngine]:
    async with hole_engine() as found:
        found.drawn = ["another", "filled", "a third"]
        yield found


def lsp(engine: HoleEngine, **settings: Any) -> dict[str, Any]:
    return {"engine": engine.url, "lsp": {"debounce": 0, "warm": False, **settings}}


async def texts(it: Editor, uri: str, line: int, column: int, kind: Any = INVOKED) -> list[str]:
    found = await it.ask(INLINE, params(uri, line, column, kind))
    return [item.insert_text for item in found.items] if found else []


async def test_the_likeliest_comes_first_and_others_once_each(tmp_path: Path, engine: HoleEngine) -> None:
    async with editor(tmp_path, settings=lsp(engine)) as it:
        uri = it.open(uri_of(tmp_path), "x = \n")
        found = await it.ask(INLINE, params(uri, 0, 4, INVOKED))
        assert [item.insert_text for item in found.items] == ["filled", "another", "a third"]
        assert len({item.command.arguments[0] for item in found.items}) == 3
        # The same prompt each time, and the same again means that nobody is asked.
        prompts = [{k: v for k, v in one.items() if k not in ("temperature", "seed")} for one in engine.asked]
        assert prompts == prompts[:1] * 4
        assert await texts(it, uri, 0, 4) == ["filled", "another", "a third"]
        assert await texts(it, uri, 0, 4, AUTOMATIC) == ["filled"]
        assert len(engine.asked) == 4


async def test_an_automatic_request_is_one_of_the_engine(tmp_path: Path, engine: HoleEngine) -> None:
    async with editor(tmp_path, settings=lsp(engine)) as it:
        uri = it.open(uri_of(tmp_path), "x = \n")
        assert await texts(it, uri, 0, 4, AUTOMATIC) == ["filled"]
        assert [one["temperature"] for one in engine.asked] == [0]
        # Its text is not written again for who asks then.
        assert len(await texts(it, uri, 0, 4)) == 3
        assert [one["temperature"] for one in engine.asked].count(0) == 1


async def test_one_that_is_typed_or_accepted_in_part_goes_on(tmp_path: Path, engine: HoleEngine) -> None:
    async with editor(tmp_path, settings=lsp(engine)) as it:
        uri = it.open(uri_of(tmp_path), "x = \n")
        assert len(await texts(it, uri, 0, 4)) == 3
        it.change(uri, (0, 4), (0, 4), "an")
        assert await texts(it, uri, 0, 6, AUTOMATIC) == ["other"]
        assert len(engine.asked) == 4


async def test_a_model_that_is_sure_says_it_once(tmp_path: Path, engine: HoleEngine) -> None:
    engine.drawn = []
    async with editor(tmp_path, settings=lsp(engine)) as it:
        uri = it.open(uri_of(tmp_path), "x = \n")
        assert await texts(it, uri, 0, 4) == ["filled"]
        assert len(engine.asked) == 1 + len(alternatives.DRAWS)
        assert await texts(it, uri, 0, 4) == ["filled"]
        assert len(engine.asked) == 1 + len(alternatives.DRAWS)


async def test_a_new_request_ends_the_drawing(tmp_path: Path, engine: HoleEngine) -> None:
    async with editor(tmp_path, settings=lsp(engine)) as it:
        uri = it.open(uri_of(tmp_path), "x = \ny = \n")
        assert await texts(it, uri, 0, 4, AUTOMATIC) == ["filled"]
        engine.mode = "hang"
        waiting = begin(it, uri, 0, 4, INVOKED)
        await engine.until(lambda: engine.asked[-1]["temperature"])
        engine.mode = "fill"
        assert await texts(it, uri, 1, 4, AUTOMATIC) == ["filled"]
        assert await waiting is None
        await engine.until(lambda: engine.left)
        # What was there before is still known.
        assert await texts(it, uri, 0, 4, AUTOMATIC) == ["filled"]


async def test_who_sees_nothing_yet_does_not_wait_for_others_for_long(
    tmp_path: Path, engine: HoleEngine
) -> None:
    async with editor(tmp_path, settings=lsp(engine)) as it:
        uri = it.open(uri_of(tmp_path), "x = \n")
        engine.mode = "first"
        assert await texts(it, uri, 0, 4) == ["filled"]
        await engine.until(lambda: engine.left)
        engine.mode = "fill"
        assert len(await texts(it, uri, 0, 4)) == 3


async def test_the_engine_reads_no_token_of_the_prompt_again(engine_url: str) -> None:
    endpoint = Endpoint.parse(engine_url)
    before, _, after = CODE.partition("result += ")
    body = Infill(endpoint)._body(Gap(before + "result += ", "", after), []) | {"n_predict": 12}
    first = await ask(endpoint, "/infill", body)
    for draw in alternatives.DRAWS:
        again = await ask(endpoint, "/infill", body | draw.fields)
        assert again["tokens_evaluated"] == first["tokens_evaluated"]
        assert again["timings"]["prompt_n"] <= 1, again["timings"]


async def test_the_bundled_model_says_more_than_one_thing(tmp_path: Path, engine_url: str) -> None:
    own = {"engine": engine_url, "lsp": {"debounce": 0, "completion_engine": engine_url}}
    async with editor(tmp_path, settings=own) as it:
        uri = it.open(uri_of(tmp_path), CODE)
        found = await texts(it, uri, 6, 18)
        assert len(set(found)) == len(found)
        first = await texts(it, uri, 6, 18, AUTOMATIC)
        assert found[:1] == first
        assert len(found) > 1, found
