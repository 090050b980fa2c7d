"""Which engine completes, and what that costs the others: real engines, and upstream's stand-in."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from tests.engine_fixtures import ONE_SESSION, chat, exchange, request, running_engine
from tests.ghost import ghost, uri_of
from tests.lsp_client import editor
from tests.standins import Standin
from tests.standins.hole_engine import hole_engine

pytestmark = pytest.mark.asyncio
CODE = "import os\n\n\ndef total(values):\n    result = 0\n    for value in values:\n        result += \n"
WHERE = (6, 18)


def settings(engine: str, **lsp: Any) -> dict[str, Any]:
    return {"engine": engine, "lsp": {"debounce": 0, **lsp}}


def holes(port: int) -> int:
    """Requests for holes that an engine has answered with 200."""
    _, body = exchange(port, request("GET", "/metrics"))
    found = re.findall(r'ds4_requests_total\{endpoint="/infill",status="200"\} (\d+)', body.decode())
    return sum(map(int, found))


async def test_the_common_engine_if_it_has_room(tmp_path: Path, engine_url: str) -> None:
    port = int(engine_url.rpartition(":")[2])
    before = holes(port)
    async with editor(tmp_path, settings=settings(engine_url)) as it:
        uri = it.open(uri_of(tmp_path), CODE)
        item = await ghost(it, uri, *WHERE)
        assert item is None or "\n" not in item.insert_text
    assert holes(port) == before + 2  # whether it fills any, and this one


async def test_an_engine_of_ones_own_if_the_common_one_has_a_single_session(tmp_path: Path) -> None:
    with running_engine(tmp_path / "engine", *ONE_SESSION) as engine:
        async with editor(tmp_path, settings=settings(f"http://127.0.0.1:{engine.port}")) as it:
            uri = it.open(uri_of(tmp_path), CODE)
            await ghost(it, uri, *WHERE)
            assert not [said for said in it.said if said[0] == "window/showMessage"]
        assert holes(engine.port) == 1  # whether it fills any


async def test_300_completions_cost_a_conversation_nothing(tmp_path: Path, engine_url: str) -> None:
    port = int(engine_url.rpartition(":")[2])
    talk = [{"role": "user", "content": "Which files are there, and what do they do? " * 40}]
    first = chat(port, messages=talk, max_tokens=8, thinking=False)
    async with editor(tmp_path, settings=settings(engine_url, max_tokens=2, warm=False)) as it:
        uri = it.open(uri_of(tmp_path), CODE)
        line, column = WHERE
        for n in range(300):
            typed = "\n" if n % 20 == 19 else "abcdefgh"[n % 8]
            it.change(uri, (line, column), (line, column), typed)
            line, column = (line + 1, 0) if typed == "\n" else (line, column + 1)
            await ghost(it, uri, line, column)
    talk += [first["choices"][0]["message"], {"role": "user", "content": "Go on."}]
    usage = chat(port, messages=talk, max_tokens=1, thinking=False)["usage"]
    kept = first["usage"]["prompt_tokens"] + first["usage"]["completion_tokens"]
    assert usage["prompt_tokens_details"]["cached_tokens"] >= kept - 1


async def test_upstreams_server_is_asked_as_a_chat_model_if_the_user_wants_that(tmp_path: Path) -> None:
    answer = ["```python\n", "value", "\nreturn", " result\n", "```"]
    with Standin.start(tmp_path, text=answer) as engine:
        url = f"http://127.0.0.1:{engine.port}"
        async with editor(tmp_path, settings={"lsp": {"debounce": 0, "completion_engine": url}}) as it:
            uri = it.open(uri_of(tmp_path), CODE)
            assert (await ghost(it, uri, *WHERE)).insert_text == "value"


async def test_what_a_chat_model_is_asked_begins_with_what_stays(tmp_path: Path) -> None:
    async with hole_engine() as engine:
        engine.mode, engine.text = "chat", "value"
        own = {"lsp": {"debounce": 0, "completion_engine": engine.url, "warm": False}}
        async with editor(tmp_path, settings=own) as it:
            uri = it.open(uri_of(tmp_path), CODE)
            assert (await ghost(it, uri, *WHERE)).insert_text == "value"
            it.change(uri, WHERE, WHERE, "X")
            assert (await ghost(it, uri, WHERE[0], WHERE[1] + 1)).insert_text == "value"
    first, second = engine.asked
    assert (first["thinking"], first["temperature"], first["max_tokens"]) == (False, 0, 48)
    system, user = first["messages"]
    assert "cursor" in system["content"]
    assert user["content"] == "<after>\n</after>\n<before>" + CODE[:-1]
    assert second["messages"] == [system, {"role": "user", "content": user["content"] + "X"}]
