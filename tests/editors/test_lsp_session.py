"""The server's life as an editor sees it: start, settings, mistakes, end."""

from __future__ import annotations

from pathlib import Path

import pytest
from pygls.exceptions import JsonRpcException

from tests.lsp_client import editor

pytestmark = pytest.mark.asyncio


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "utf-32"])
async def test_the_position_encoding_is_the_clients(tmp_path: Path, encoding: str) -> None:
    async with editor(tmp_path, encoding=encoding) as it:
        assert it.agreed.capabilities.position_encoding == encoding
        assert await it.ask("ds4/status/get", {}) == {"phase": "idle"}


async def test_a_wrong_setting_is_told_and_changes_nothing(tmp_path: Path) -> None:
    async with editor(tmp_path, settings={"lsp": {"debounce": "soon"}}) as it:
        message = await it.until(lambda said: [p.message for m, p in said if m == "window/showMessage"])
        assert message == [
            "the editor's setting lsp.debounce is 'soon'; it has to be a number of seconds, 0 or more"
        ]


async def test_what_is_not_known_is_an_error_with_its_name(tmp_path: Path) -> None:
    async with editor(tmp_path) as it:
        with pytest.raises(JsonRpcException, match="ds4/nothing"):
            await it.ask("ds4/nothing", {})


async def test_the_process_ends_with_the_session(tmp_path: Path) -> None:
    async with editor(tmp_path) as it:
        process = it.client._server
    assert process is not None
    assert process.returncode == 0
