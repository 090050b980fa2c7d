"""Ghost text, from the editor's request to the engine's socket and back."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from lsprotocol import types
from pygls.exceptions import JsonRpcException

from tests.ghost import AUTOMATIC, INLINE, INVOKED, begin, ghost, params, place, uri_of
from tests.lsp_client import editor
from tests.standins.hole_engine import HoleEngine, hole_engine

pytestmark = pytest.mark.asyncio
QUICK = {"debounce": 0}
NEVER = {"debounce": 600}


@pytest_asyncio.fixture
async def engine() -> AsyncIterator[HoleEngine]:
    async with hole_engine() as found:
        yield found


def lsp(engine: HoleEngine, **settings: Any) -> dict[str, Any]:
    return {"engine": engine.url, "lsp": {**QUICK, **settings}}


@pytest.mark.parametrize(("encoding", "column"), [("utf-8", 13), ("utf-16", 9), ("utf-32", 8)])
async def test_the_text_belongs_where_the_cursor_is(
    tmp_path: Path, engine: HoleEngine, encoding: str, column: int
) -> None:
    async with editor(tmp_path, encoding=encoding, settings=lsp(engine)) as it:
        uri = it.open(uri_of(tmp_path), 'é💡 = "ü" + x\nnext\n')
        item = await ghost(it, uri, 0, column)
        assert item.insert_text == "filled"
        assert place(item) == (0, column, 0, column)
        assert item.command.command == "ds4.accepted"
        (asked,) = engine.asked
        assert (asked["input_prefix"], asked["prompt"], asked["input_suffix"]) == (
            "", 'é💡 = "ü"', " + x\nnext\n"
        )  # fmt: skip
        assert asked["infill_order"] == "spm"


async def test_the_rest_of_a_line_or_lines(tmp_path: Path, engine: HoleEngine) -> None:
    engine.text = "\n    one = 1\n    two = 2\nthree\nfour\n"
    async with editor(tmp_path, settings=lsp(engine, max_tokens=77)) as it:
        uri = it.open(uri_of(tmp_path), "def f():\nx = \n")
        assert (await ghost(it, uri, 0, 8)).insert_text == "\n    one = 1\n    two = 2"
        engine.text = "1"
        assert (await ghost(it, uri, 1, 4)).insert_text == "1"
        block, line = engine.holes
        assert (block["n_predict"], block["stop"]) == (77, [])
        assert (line["n_predict"], line["stop"]) == (48, ["\n"])


async def test_a_block_that_is_left_ends_the_engines_work(tmp_path: Path, engine: HoleEngine) -> None:
    engine.text, engine.mode = "\n    one\nleft\n", "break"
    async with editor(tmp_path, settings=lsp(engine)) as it:
        uri = it.open(uri_of(tmp_path), "def f():\n")
        assert (await ghost(it, uri, 0, 8)).insert_text == "\n    one"


async def test_windows_line_ends_stay(tmp_path: Path, engine: HoleEngine) -> None:
    engine.text = "\n    one = 1\n    two = 2"
    async with editor(tmp_path, settings=lsp(engine)) as it:
        uri = it.open(uri_of(tmp_path), "import os\r\ndef f():\r\n\r\nend()\r\n")
        item = await ghost(it, uri, 1, 8)
        assert item.insert_text == "\r\n    one = 1\r\n    two = 2"
        assert engine.asked[0]["input_suffix"] == "\n\nend()\n"


async def test_a_new_request_takes_the_one_before_back_down_to_the_engine(
    tmp_path: Path, engine: HoleEngine
) -> None:
    engine.mode = "hang"
    async with editor(tmp_path, settings=lsp(engine)) as it:
        uri = it.open(uri_of(tmp_path), "x = \n")
        first = begin(it, uri, 0, 4)
        await engine.until(lambda: engine.asked)
        it.change(uri, (0, 4), (0, 4), "y")
        engine.mode = "fill"
        item = await ghost(it, uri, 0, 5)
        assert item.insert_text == "filled"
        assert await first is None
        await engine.until(lambda: engine.left == engine.asked[:1])


async def test_a_request_that_is_taken_back_is_answered_with_null(tmp_path: Path, engine: HoleEngine) -> None:
    engine.mode = "hang"
    async with editor(tmp_path, settings=lsp(engine)) as it:
        uri = it.open(uri_of(tmp_path), "x = \n")
        answer = it.client.protocol.send_request(INLINE, params(uri, 0, 4), msg_id="gone")
        await engine.until(lambda: engine.asked)
        it.tell("$/cancelRequest", types.CancelParams(id="gone"))
        await engine.until(lambda: engine.left)
        assert await asyncio.wrap_future(answer) is None


async def test_closing_a_document_takes_its_request_back(tmp_path: Path, engine: HoleEngine) -> None:
    """Opened again it may have another text under the same version."""
    engine.mode = "hang"
    async with editor(tmp_path, settings=lsp(engine)) as it:
        uri = it.open(uri_of(tmp_path), "x = \n")
        answer = begin(it, uri, 0, 4)
        await engine.until(lambda: engine.asked)
        it.tell("textDocument/didClose", types.DidCloseTextDocumentParams(types.TextDocumentIdentifier(uri)))
        it.open(uri, "import os\nx = \n")
        await engine.until(lambda: engine.left)
        assert await answer is None
        engine.mode = "fill"
        assert (await ghost(it, uri, 1, 4)).insert_text == "filled"


async def test_documents_do_not_take_each_others_requests_back(tmp_path: Path, engine: HoleEngine) -> None:
    engine.mode = "hang"
    async with editor(tmp_path, settings=lsp(engine)) as it:
        uris = [it.open(uri_of(tmp_path, name), f"{name[0]} = \n") for name in ("a.py", "b.py")]
        asked = [begin(it, uri, 0, 4) for uri in uris]
        await engine.until(lambda: len(engine.asked) == 2)
        assert engine.left == []
    assert [await answer for answer in asked] == [None, None]


async def test_automatic_requests_wait_and_others_do_not(tmp_path: Path, engine: HoleEngine) -> None:
    async with editor(tmp_path, settings=lsp(engine, **NEVER)) as it:
        uri = it.open(uri_of(tmp_path), "x = \n")
        waiting = begin(it, uri, 0, 4)
        assert (await ghost(it, uri, 0, 4, INVOKED)).insert_text == "filled"
        assert await waiting is None
        assert [ask["temperature"] for ask in engine.asked].count(0) == 1
        assert (await ghost(it, uri, 0, 4, AUTOMATIC)).insert_text == "filled"


async def test_an_answer_for_a_document_that_has_changed_is_null(tmp_path: Path, engine: HoleEngine) -> None:
    engine.mode = "hang"
    async with editor(tmp_path, settings=lsp(engine, debounce=0.05)) as it:
        uri = it.open(uri_of(tmp_path), "x = \n")
        first = begin(it, uri, 0, 4)
        it.change(uri, (0, 0), (0, 0), "new\n")
        assert await first is None
        assert engine.holes == []


@pytest.mark.parametrize(("typed", "rest"), [("fil", "led"), ("é", None), ("filled", None), ("fil\n", None)])
async def test_what_was_typed_ahead_is_not_suggested_again(
    tmp_path: Path, engine: HoleEngine, typed: str, rest: str | None
) -> None:
    engine.gate.clear()
    async with editor(tmp_path, settings=lsp(engine, warm=False)) as it:
        uri = it.open(uri_of(tmp_path), "x = ()\n")
        answer = begin(it, uri, 0, 5)
        await engine.until(lambda: engine.asked)
        it.change(uri, (0, 5), (0, 5), typed)
        await it.ask("ds4/status/get", {})
        engine.gate.set()
        found = await answer
        assert (found and found.items[0].insert_text) == rest
        assert not found or place(found.items[0]) == (0, 8, 0, 8)


async def test_text_that_is_typed_as_suggested_is_not_asked_for(tmp_path: Path, engine: HoleEngine) -> None:
    engine.text = "compute(value)"
    async with editor(tmp_path, settings=lsp(engine, warm=False)) as it:
        uri = it.open(uri_of(tmp_path), "x = \n")
        await ghost(it, uri, 0, 4)
        for n, char in enumerate("compute(", 1):
            it.change(uri, (0, 3 + n), (0, 3 + n), char)
            item = await ghost(it, uri, 0, 4 + n, AUTOMATIC)
            assert (item.insert_text, place(item)) == ("compute(value)"[n:], (0, 4 + n, 0, 4 + n))
        assert len(engine.asked) == 1
        it.change(uri, (0, 12), (0, 12), "X")
        await ghost(it, uri, 0, 13)
        assert len(engine.asked) == 2


async def test_what_follows_is_there_when_it_is_accepted(tmp_path: Path, engine: HoleEngine) -> None:
    async with editor(tmp_path, settings=lsp(engine)) as it:
        uri = it.open(uri_of(tmp_path), "x = \nlast_line = 1\n")
        await ghost(it, uri, 0, 4)
        engine.text = " + more"
        await engine.until(lambda: len(engine.holes) == 2)
        ahead = engine.holes[1]
        assert ahead["prompt"] == "x = filled"
        it.change(uri, (0, 4), (0, 4), "filled")
        assert (await ghost(it, uri, 0, 10)).insert_text == " + more"
        assert len(engine.holes) == 2


async def test_what_is_near_the_cursor_is_read_ahead_once(tmp_path: Path, engine: HoleEngine) -> None:
    async with editor(tmp_path, settings=lsp(engine)) as it:
        it.open(uri_of(tmp_path, "other.py"), "".join(f"value_{n} = {n}\n" for n in range(20)))
        uri = it.open(uri_of(tmp_path), "x = 1\ny = \n")
        here = {"textDocument": {"uri": uri}, "position": {"line": 1, "character": 4}}
        it.tell("ds4/cursor", here)
        await engine.until(lambda: engine.asked)
        warmed = engine.asked[0]
        assert (warmed["n_predict"], warmed["input_prefix"], warmed["prompt"]) == (0, "x = 1\n", "y = ")
        assert [item["filename"] for item in warmed["input_extra"]] == ["other.py"]
        it.tell("ds4/cursor", here)
        await ghost(it, uri, 1, 4)
        assert engine.holes[0]["input_extra"] == warmed["input_extra"]
        yanked = {"start": {"line": 0, "character": 0}, "end": {"line": 1, "character": 0}}
        it.tell("ds4/yank", {"textDocument": {"uri": uri}, "range": yanked})
        with pytest.raises(JsonRpcException, match=r"params\.range"):
            await it.ask("ds4/yank", {"textDocument": {"uri": uri}})


async def test_an_entry_that_is_selected_has_to_agree(tmp_path: Path, engine: HoleEngine) -> None:
    engine.text = "ppend(item)"

    def selected(text: str) -> types.SelectedCompletionInfo:
        return types.SelectedCompletionInfo(
            range=types.Range(types.Position(0, 6), types.Position(0, 7)), text=text
        )

    async with editor(tmp_path, settings=lsp(engine)) as it:
        uri = it.open(uri_of(tmp_path), "items.a\n")
        item = await ghost(it, uri, 0, 7, selected_completion_info=selected("append"))
        assert (item.insert_text, place(item)) == ("append(item)", (0, 6, 0, 7))
        assert await ghost(it, uri, 0, 7, selected_completion_info=selected("apply")) is None


async def test_brackets_that_the_editor_closed_are_not_written_again(
    tmp_path: Path, engine: HoleEngine
) -> None:
    engine.text = "a, b)\n"
    async with editor(tmp_path, settings=lsp(engine)) as it:
        uri = it.open(uri_of(tmp_path), "compute()\n")
        assert (await ghost(it, uri, 0, 8)).insert_text == "a, b"


async def test_the_same_text_for_clients_without_ghost_text(tmp_path: Path, engine: HoleEngine) -> None:
    engine.text = "pute(value)"
    here = types.CompletionParams(types.TextDocumentIdentifier(uri_of(tmp_path)), types.Position(0, 7))
    async with editor(tmp_path, settings=lsp(engine)) as it:
        it.open(uri_of(tmp_path), "x = com\n")
        assert await it.ask(types.TEXT_DOCUMENT_COMPLETION, here) is None
    async with editor(tmp_path, settings=lsp(engine), ghost_text=False) as it:
        it.open(uri_of(tmp_path), "x = com\n")
        (item,) = (await it.ask(types.TEXT_DOCUMENT_COMPLETION, here)).items
        assert (item.label, item.filter_text, item.text_edit.new_text) == ("compute(value)",) * 3
        assert place(item.text_edit) == (0, 4, 0, 7)
        assert item.command.command == "ds4.accepted"


@pytest.mark.parametrize(
    ("settings", "kinds"),
    [
        ({"completion": "off"}, []),
        ({"completion": "invoked"}, [INVOKED]),
        ({"languages_off": ["python"]}, []),
        ({"max_file_kb": 1}, []),
        ({}, [AUTOMATIC, INVOKED]),
    ],
)
async def test_who_does_not_want_it_does_not_get_it(
    tmp_path: Path, engine: HoleEngine, settings: dict[str, Any], kinds: list[Any]
) -> None:
    async with editor(tmp_path, settings=lsp(engine, **settings)) as it:
        uri = it.open(uri_of(tmp_path), "x = \n" + "# more\n" * 200)
        got = [kind for kind in (AUTOMATIC, INVOKED) if await ghost(it, uri, 0, 4, kind)]
        assert got == kinds
        assert bool(engine.asked) == bool(kinds)


async def test_minified_code_is_no_prompt(tmp_path: Path, engine: HoleEngine) -> None:
    """Neither for who asks, nor while the user rests, nor as what stands around the cursor."""
    async with editor(tmp_path, settings=lsp(engine)) as it:
        uri = it.open(uri_of(tmp_path), "var a=1;" * 40_000 + "\nx = \n")
        for kind in (INVOKED, AUTOMATIC):
            assert await it.ask(INLINE, params(uri, 0, 160_000, kind)) is None
        it.tell("ds4/cursor", {"textDocument": {"uri": uri}, "position": {"line": 0, "character": 160_000}})
        assert await it.ask(INLINE, params(uri, 1, 4, INVOKED)) is not None
        assert {(asked["input_prefix"], asked["prompt"]) for asked in engine.asked} == {("", "x = ")}


async def test_a_pause_is_for_automatic_requests_everywhere_or_in_one_document(
    tmp_path: Path, engine: HoleEngine
) -> None:
    async with editor(tmp_path, settings=lsp(engine)) as it:
        uri, other = (it.open(uri_of(tmp_path, name), "x = \n") for name in ("a.py", "b.py"))
        assert await it.ask("ds4/pause", {"paused": True, "uri": uri}) == {"paused": True}
        assert await ghost(it, uri, 0, 4, AUTOMATIC) is None
        assert await ghost(it, other, 0, 4, AUTOMATIC)
        assert await ghost(it, uri, 0, 4, INVOKED)
        await it.ask("ds4/pause", {"paused": False, "uri": uri})
        command = types.ExecuteCommandParams(command="ds4.pause", arguments=[True])
        assert await it.ask(types.WORKSPACE_EXECUTE_COMMAND, command) == {"paused": True}
        assert (await it.ask("ds4/status/get", {}))["phase"] == "paused"
        assert await ghost(it, other, 0, 4, AUTOMATIC) is None


async def test_what_became_of_them_is_counted(tmp_path: Path, engine: HoleEngine) -> None:
    async with editor(tmp_path, settings=lsp(engine)) as it:
        uri = it.open(uri_of(tmp_path), "x = \ny = \n")
        first, second = [(await ghost(it, uri, n, 4)).command.arguments[0] for n in (0, 1)]
        for known in (first, second):
            it.tell("ds4/completion/shown", {"id": known})
        it.tell("ds4/completion/accepted", {"id": first, "length": 2})
        it.tell("ds4/completion/dismissed", {"id": second})
        done = types.ExecuteCommandParams(command="ds4.accepted", arguments=[first])
        await it.ask(types.WORKSPACE_EXECUTE_COMMAND, done)
        counts = (await it.ask("ds4/status/get", {}))["acceptance"]
        assert counts == {"python": {"shown": 2, "accepted": 1, "dismissed": 1, "characters": 6}}


async def test_settings_hold_at_once(tmp_path: Path, engine: HoleEngine) -> None:
    async with editor(tmp_path, settings=lsp(engine, completion="off")) as it:
        uri = it.open(uri_of(tmp_path), "x = \n")
        assert await ghost(it, uri, 0, 4) is None
        it.client.set_configuration({"ds4agent": lsp(engine)})
        it.tell(types.WORKSPACE_DID_CHANGE_CONFIGURATION, types.DidChangeConfigurationParams(settings=None))
        await it.ask("ds4/status/get", {})
        assert (await ghost(it, uri, 0, 4)).insert_text == "filled"
