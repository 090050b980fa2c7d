"""Where the engine is, for editors that ask it themselves."""

from __future__ import annotations

import json
import urllib.request
from pathlib import Path

import pytest
from pygls.exceptions import JsonRpcException

from tests.lsp_client import editor

pytestmark = [pytest.mark.asyncio, pytest.mark.slow]


async def test_the_engine_that_is_named_answers_there(tmp_path: Path, engine_url: str) -> None:
    async with editor(tmp_path, "--engine", engine_url, "--model", "deepseek-v4-flash") as it:
        found = await it.ask("ds4/engine", {})
    assert found == {"url": engine_url, "model": "deepseek-v4-flash"}
    with urllib.request.urlopen(f"{found['url']}/v1/models") as answer:
        assert json.load(answer)["data"]


async def test_one_that_is_not_there_is_said_so(tmp_path: Path) -> None:
    async with editor(tmp_path, "--engine", "http://127.0.0.1:9") as it:
        with pytest.raises(JsonRpcException, match=r"127\.0\.0\.1:9"):
            await it.ask("ds4/engine", {})
