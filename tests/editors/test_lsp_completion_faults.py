"""Engines that die, hang or talk nonsense, and files that are no code: the editor hears of it once."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from ds4agent.client.engine import Wanted
from ds4agent.lsp.completion.gap import Gap
from ds4agent.lsp.completion.ring import Ring
from ds4agent.lsp.completion.source import Source
from ds4agent.lsp.completion.writer import Writer
from ds4agent.lsp.link import Link
from tests.ghost import begin, ghost, uri_of
from tests.lsp_client import Editor, editor
from tests.standins.hole_engine import hole_engine

pytestmark = pytest.mark.asyncio
TEXT = "a = \nb = \nc = \nd = \n"


def settings(url: str, **lsp: Any) -> dict[str, Any]:
    return {"engine": url, "lsp": {"debounce": 0, **lsp}}


def told(it: Editor) -> list[str]:
    return [params.message for method, params in it.said if method == "window/showMessage"]


@pytest.mark.parametrize(
    ("mode", "message"),
    [
        ("garbage", "does not speak HTTP"),
        ("nonsense", "answered what is no completion: '[1, 2'"),
        ("break", "broke off in the middle of a completion"),
        ("fail", "the engine failed (500): out of order"),
    ],
)
async def test_an_engine_that_fails_is_told_of_once_and_asked_again(
    tmp_path: Path, mode: str, message: str
) -> None:
    async with hole_engine() as engine, editor(tmp_path, settings=settings(engine.url)) as it:
        uri = it.open(uri_of(tmp_path), TEXT)
        engine.mode = mode
        for line in range(3):
            assert await ghost(it, uri, line, 4) is None
        assert len(engine.asked) == 3
        engine.mode = "fill"
        assert (await ghost(it, uri, 3, 4)).insert_text == "filled"
        (said,) = told(it)
        assert message in said


async def test_a_dead_engine_is_told_of_once_and_found_when_it_is_back(tmp_path: Path) -> None:
    async with hole_engine() as engine, editor(tmp_path, settings=settings(engine.url)) as it:
        uri = it.open(uri_of(tmp_path), TEXT)
        assert await ghost(it, uri, 0, 4)
        port = engine.port
        engine.stop()
        for line in (1, 2, 3, 1):
            assert await ghost(it, uri, line, 4) is None
        assert [f"no engine answers at {engine.url}" in said for said in told(it)] == [True]
        async with hole_engine(port):
            async with asyncio.timeout(20):
                while await ghost(it, uri, 2, 4) is None:
                    pass
        assert len(told(it)) == 1


async def test_an_engine_that_hangs_is_given_up_and_its_socket_closed() -> None:
    async with hole_engine() as engine:
        engine.mode, said = "hang", list[str]()
        source = Source(lambda: link)
        link = Link(Wanted(engine.url))
        writer = Writer(source, said.append, patience=0.3)
        for _ in range(2):
            assert await writer.suggest("file:///a.py", Gap("x = ", "", ""), Ring(), 8) is None
        assert said == ["no completion: the engine has not answered for 0.3 s"]
        await engine.until(lambda: len(engine.left) == 2)
        engine.mode = "fill"
        assert await writer.suggest("file:///a.py", Gap("x = ", "", ""), Ring(), 8) == "filled"
        await link.close()


async def test_while_an_engine_hangs_all_else_is_answered(tmp_path: Path) -> None:
    async with hole_engine() as engine, editor(tmp_path, settings=settings(engine.url)) as it:
        uri = it.open(uri_of(tmp_path), TEXT)
        engine.mode = "hang"
        waiting = begin(it, uri, 0, 4)
        await engine.until(lambda: engine.asked)
        assert (await it.ask("ds4/status/get", {}))["what"] == "completion"
    assert await waiting is None


async def test_an_engine_that_does_not_exist_is_told_of_once(tmp_path: Path) -> None:
    async with editor(tmp_path, settings=settings("/no/such/engine")) as it:
        uri = it.open(uri_of(tmp_path), TEXT)
        for line in range(3):
            assert await ghost(it, uri, line, 4) is None
        (said,) = told(it)
        assert "/no/such/engine" in said


async def test_a_huge_file_is_left_alone(tmp_path: Path) -> None:
    async with hole_engine() as engine, editor(tmp_path, settings=settings(engine.url)) as it:
        huge = it.open(uri_of(tmp_path, "huge.py"), "value = 12345\n" * (50_000_000 // 14))
        assert await ghost(it, huge, 2_000_000, 8) is None
        it.change(huge, (2_000_000, 8), (2_000_000, 8), "x")
        it.change(huge, (100, 0), (100, 0), "new\nlines\n")
        assert await ghost(it, huge, 2_000_002, 9) is None
        uri = it.open(uri_of(tmp_path), TEXT)
        assert (await ghost(it, uri, 0, 4)).insert_text == "filled"
        assert len(engine.asked) == 1


async def test_a_huge_file_may_be_allowed_and_costs_its_window(tmp_path: Path) -> None:
    async with (
        hole_engine() as engine,
        editor(tmp_path, settings=settings(engine.url, max_file_kb=100_000)) as it,
    ):
        huge = it.open(uri_of(tmp_path, "huge.py"), "value = 12345\n" * (50_000_000 // 14))
        assert (await ghost(it, huge, 2_000_000, 8)).insert_text == "filled"
        assert len(engine.asked[0]["input_prefix"]) == 256 * 14


@pytest.mark.parametrize(
    ("language", "text"),
    [("brainfuck", "+++ = \n"), ("", "x = \n"), ("python", "x\u2028\x0c = ?\r\r\n"), ("python", "x")],
)
async def test_any_language_and_any_text(tmp_path: Path, language: str, text: str) -> None:
    async with hole_engine() as engine, editor(tmp_path, settings=settings(engine.url)) as it:
        uri = it.open(uri_of(tmp_path), text, language)
        assert await ghost(it, uri, 0, 3) is not None
        assert await ghost(it, uri, 99, 99) is not None
        assert await ghost(it, "file:///not/open.py", 0, 0) is None


async def test_a_binary_file_is_left_alone(tmp_path: Path) -> None:
    async with hole_engine() as engine, editor(tmp_path, settings=settings(engine.url)) as it:
        uri = it.open(uri_of(tmp_path), "\x7fELF\x00\x01\x02\nx = \n")
        assert await ghost(it, uri, 1, 4) is None
        assert engine.asked == []


async def test_a_file_that_was_deleted_is_still_edited(tmp_path: Path) -> None:
    async with hole_engine() as engine, editor(tmp_path, settings=settings(engine.url)) as it:
        (tmp_path / "gone.py").write_text("x = \n")
        uri = it.open(uri_of(tmp_path, "gone.py"), "x = \n")
        (tmp_path / "gone.py").unlink()
        assert (await ghost(it, uri, 0, 4)).insert_text == "filled"
