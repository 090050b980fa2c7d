"""Code actions, edits and commands: asked for as an editor does, answered by the real engine."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from lsprotocol import types
from pygls.exceptions import JsonRpcException, JsonRpcInvalidParams

from ds4agent.lsp.document import Document
from tests.editors.test_lsp_engine_faults import answering, piece, streamed
from tests.engine_fixtures import EngineProcess, reciting_engine
from tests.lsp_client import Editor, capabilities, editor
from tests.lsp_edits import made

pytestmark = pytest.mark.asyncio

URI = "file:///w/pkg/a.py"
TEXT = """import os

NAME = "é日🙂"


class Greeter:
    # say it twice
    def greet(self, name):
        text = "é日🙂 " + name
        return text
"""
# The function with one line changed, without its indentation, as models answer.
GREET = [
    "Sure:\n\n",
    "```python\n",
    "def greet(self, name):\n",
    '    text = "hello 日🙂 " + name\n',
    "    return text\n",
    "```\n",
]
AFTER = TEXT.replace('text = "é日🙂 "', 'text = "hello 日🙂 "')


@contextmanager
def reciter(folder: Path, answer: Sequence[str]) -> Iterator[EngineProcess]:
    (folder / "engine").mkdir()
    with reciting_engine(folder / "engine", [], answer) as engine:
        yield engine


@pytest.fixture(scope="module")
def greeter(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EngineProcess]:
    with reciter(tmp_path_factory.mktemp("greeter"), GREET) as engine:
        yield engine


def at(engine: EngineProcess) -> tuple[str, str]:
    return "--engine", f"http://127.0.0.1:{engine.port}"


def span(first: int, last: int | None = None) -> types.Range:
    end = first if last is None else last
    return types.Range(types.Position(first, 0), types.Position(end, 0))


def plain(where: types.Range) -> dict[str, Any]:
    ends = {"start": where.start, "end": where.end}
    return {name: {"line": p.line, "character": p.character} for name, p in ends.items()}


async def actions(
    it: Editor,
    where: types.Range,
    *diagnostics: types.Diagnostic,
    uri: str = URI,
    only: Sequence[str] | None = None,
) -> dict[str, Any]:
    """By title."""
    context = types.CodeActionContext(diagnostics=diagnostics, only=only)
    document = types.TextDocumentIdentifier(uri)
    found = await it.client.text_document_code_action_async(types.CodeActionParams(document, where, context))
    return {action.title: action for action in found or ()}


async def resolved(it: Editor, action: types.CodeAction) -> Any:
    return await it.client.code_action_resolve_async(action)


async def run(it: Editor, command: str, *arguments: Any) -> Any:
    return await it.ask(types.WORKSPACE_EXECUTE_COMMAND, types.ExecuteCommandParams(command, arguments))


def document(text: str = TEXT, encoding: str = "utf-16", version: int = 1) -> Document:
    return Document(URI, text, version, "python", encoding)


UNDEFINED = types.Diagnostic(
    range=types.Range(types.Position(8, 8), types.Position(8, 12)),
    message="text is not\n  what it seems",
    severity=types.DiagnosticSeverity.Error,
)


async def test_offers_without_an_engine(tmp_path: Path) -> None:
    async with editor(tmp_path, "--engine", "http://127.0.0.1:9") as it:
        it.open(URI, TEXT)
        assert list(await actions(it, span(8), UNDEFINED)) == [
            "Fix: text is not what it seems",
            "Explain greet",
            "Document greet",
            "Write tests for greet",
            "Simplify greet",
        ]
        assert "Do what the comment says" in await actions(it, span(6))
        assert list(await actions(it, span(2))) == ["Explain this"]
        assert list(await actions(it, span(2, 3))) == ["Explain this", "Simplify this"]
        assert await actions(it, span(1)) == {}
        assert list(await actions(it, span(99))) == []
        fixes = await actions(it, span(8), UNDEFINED, only=["quickfix"])
        assert [a.diagnostics[0].message for a in fixes.values()] == [UNDEFINED.message]
        assert list(await actions(it, span(8), only=["refactor"])) == ["Document greet", "Simplify greet"]
        assert list(await actions(it, span(8), only=["source.organizeImports"])) == []
        assert list(await actions(it, span(0), uri="file:///w/not-open.py")) == []
        assert (await it.ask("ds4/status/get", {})) == {"phase": "idle"}


LONG = "file:///w/long.py"
TESTS = "Write tests for x"


@pytest.mark.parametrize(
    ("uri", "language", "text", "where", "titles"),
    [
        ("file:///a.zz", "zz", "thing x\n  y\n", span(0), ["Explain this"]),
        ("file:///a.zz", "zz", "fn x() {\n  y\n}", span(1), ["Explain x", "Document x", TESTS, "Simplify x"]),
        ("file:///w/a.md", "markdown", "# def\n\ntext\n", span(2), ["Explain this"]),
        ("untitled:1", "python", "def f():\n    pass\n", span(1), ["Explain f", "Document f", "Simplify f"]),
        ("file:///test_a.py", "python", "def f(): 1\n", span(0), ["Explain f", "Document f", "Simplify f"]),
        ("file:///w/a.py", "python", "def f():\n    \0\n", span(1), []),
        ("file:///w/a.py", "python", "x = 1\n" * 400_000, span(1), []),
        ("file:///w/a.py", "python", "", span(0), []),
    ],
)
async def test_offers_make_sense(
    tmp_path: Path, uri: str, language: str, text: str, where: types.Range, titles: list[str]
) -> None:
    async with editor(tmp_path, "--engine", "http://127.0.0.1:9") as it:
        it.open(uri, text, language)
        assert list(await actions(it, where, uri=uri)) == titles


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "utf-32"])
async def test_an_action_is_resolved_into_the_lines_that_change(
    tmp_path: Path, greeter: EngineProcess, encoding: str
) -> None:
    async with editor(tmp_path, *at(greeter), encoding=encoding) as it:
        it.open(URI, TEXT)
        found = await actions(it, span(8), UNDEFINED)
        for title in ("Simplify greet", "Fix: text is not what it seems"):
            action = await resolved(it, found[title])
            assert made(document(encoding=encoding), action.edit) == AFTER
            (change,) = action.edit.document_changes
            assert [(e.range.start.line, e.range.end.line) for e in change.edits] == [(8, 9)]
            (annotation,) = {e.annotation_id for e in change.edits}
            assert action.edit.change_annotations[annotation].needs_confirmation is True
        said = [p for m, p in it.said if m == "ds4/status"]
        assert {p["what"] for p in said if p["phase"] in ("prefill", "decode")} == {"edit"}
        assert said[-1]["phase"] == "idle"


async def test_an_instruction_of_the_users(tmp_path: Path, greeter: EngineProcess) -> None:
    async with editor(tmp_path, *at(greeter)) as it:
        it.open(URI, TEXT)
        params = {
            "textDocument": {"uri": URI},
            "range": plain(span(7, 10)),
            "instruction": "Say hello\nplease",
        }
        answer = await it.ask("ds4/edit", params)
        assert answer["summary"] == "Say hello"
        (change,) = answer["edit"]["documentChanges"]
        assert change["textDocument"] == {"uri": URI, "version": 1}
        it.change(URI, (8, 16), (8, 20), "hello ")
        # The model says what is there now: nothing has to change.
        text = TEXT.splitlines()[8]
        it.change(
            URI, (8, 0), (8, len(text.encode("utf-16-le")) // 2 + 2), '        text = "hello 日🙂 " + name'
        )
        nothing = await it.ask("ds4/edit", params)
        assert nothing["edit"] is None
        assert nothing["summary"].endswith("nothing has to change")
        action = (await actions(it, span(8)))["Simplify greet"]
        with pytest.raises(JsonRpcException, match="nothing has to change"):
            await resolved(it, action)
        with pytest.raises(JsonRpcException, match="say what is to be done"):
            await it.ask("ds4/edit", {**params, "instruction": " "})
        with pytest.raises(JsonRpcInvalidParams, match=r"params\.range is missing"):
            await it.ask("ds4/edit", {"textDocument": {"uri": URI}, "instruction": "x"})


async def test_line_ends_are_kept(tmp_path: Path, greeter: EngineProcess) -> None:
    text = TEXT.replace("\n", "\r\n").replace("import os\r\n", "import os\n")
    async with editor(tmp_path, *at(greeter)) as it:
        it.open(URI, text)
        action = await resolved(it, (await actions(it, span(8)))["Simplify greet"])
        wanted = AFTER.replace("\n", "\r\n").replace("import os\r\n", "import os\n")
        assert made(document(text), action.edit) == wanted


async def test_the_second_action_on_a_file_has_the_file_in_the_cache(
    tmp_path: Path, greeter: EngineProcess
) -> None:
    file = TEXT + "".join(f"CONSTANT_{n} = {n}\n" for n in range(100))
    async with editor(tmp_path, *at(greeter)) as it:
        it.open(URI, file)
        found = await actions(it, span(8))
        cached = []
        for title in ("Simplify greet", "Document greet"):
            await resolved(it, found[title])
            cached.append((await it.ask("ds4/status/get", {}))["cachedTokens"])
        # Of the tiny model, a byte is a token; it can go back to each 64th.
        assert cached[1] > len(file.encode())
        answer = await it.ask("ds4/explain", {"textDocument": {"uri": URI}, "range": plain(span(8))})
        assert answer["usage"]["cachedTokens"] > len(file.encode())


async def test_a_document_that_moved_on_is_left_alone(tmp_path: Path, greeter: EngineProcess) -> None:
    async with editor(tmp_path, *at(greeter)) as it:
        it.open(URI, TEXT)
        action = (await actions(it, span(8)))["Simplify greet"]
        it.change(URI, (0, 0), (0, 0), "\n")
        with pytest.raises(JsonRpcException, match=r"a\.py has changed meanwhile"):
            await resolved(it, action)
        action = (await actions(it, span(9)))["Simplify greet"]
        closed = types.DidCloseTextDocumentParams(types.TextDocumentIdentifier(URI))
        it.client.text_document_did_close(closed)
        with pytest.raises(JsonRpcException, match="is not open"):
            await resolved(it, action)


ENDLESS = ["```python\n", *[f"word{n} = {n}\n" for n in range(9_000)]]


async def test_a_document_that_was_opened_again_is_another_one(tmp_path: Path) -> None:
    """Also under the same version: editors begin to count anew."""
    asked, changed = asyncio.Event(), asyncio.Event()

    async def behave(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.set()
        await changed.wait()
        end = json.dumps({"choices": [{"delta": {}, "finish_reason": "stop"}]})
        writer.write(streamed(piece("```python\nb = 2\n```\n"), end, "[DONE]"))

    async with answering(behave) as url, editor(tmp_path, "--engine", url) as it:
        it.open(URI, "a = 1\n")
        params = {"textDocument": {"uri": URI}, "range": plain(span(0, 1)), "instruction": "x"}
        request = asyncio.ensure_future(it.ask("ds4/edit", params))
        await asked.wait()
        closed = types.DidCloseTextDocumentParams(types.TextDocumentIdentifier(URI))
        it.client.text_document_did_close(closed)
        it.open(URI, "import os\na = 1\n")
        await it.ask("ds4/status/get", {})
        changed.set()
        with pytest.raises(JsonRpcException, match=r"a\.py has changed meanwhile"):
            await request


async def test_while_the_model_writes(tmp_path: Path) -> None:
    """The document changes, or the request is taken back."""
    with reciter(tmp_path, ENDLESS) as engine:
        async with editor(tmp_path, *at(engine)) as it:
            it.open(URI, TEXT)
            params = {"textDocument": {"uri": URI}, "range": plain(span(8)), "instruction": "x"}
            send = it.client.protocol.send_request
            first = asyncio.wrap_future(send("ds4/edit", params, msg_id="first"))
            await it.until(lambda said: any(m == "ds4/status" and p["phase"] == "decode" for m, p in said))
            it.client.protocol.notify(types.CANCEL_REQUEST, types.CancelParams(id="first"))
            with pytest.raises(JsonRpcException, match="is canceled"):
                await first
            await it.until(lambda said: said[-1][0] == "ds4/status" and said[-1][1]["phase"] == "idle")
            command = types.ExecuteCommandParams("ds4.simplify", [URI, plain(span(8))])
            second = asyncio.wrap_future(send(types.WORKSPACE_EXECUTE_COMMAND, command, msg_id="second"))
            await it.until(lambda said: said[-1][0] == "ds4/status" and said[-1][1]["phase"] == "decode")
            it.client.protocol.notify(types.CANCEL_REQUEST, types.CancelParams(id="second"))
            with pytest.raises(JsonRpcException, match="is canceled"):
                await second
            third = asyncio.ensure_future(it.ask("ds4/edit", params))
            await it.until(lambda said: said[-1][0] == "ds4/status" and said[-1][1]["phase"] == "decode")
            it.change(URI, (0, 0), (0, 0), "# ")
            with pytest.raises(JsonRpcException, match=r"cut off|has changed meanwhile"):
                await third
            assert it.edits == []


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (["I would", " rather not."], "prose instead of code"),
        (["\n\n"], "answered with nothing"),
        (["```\n", "\n```\n"], "an empty block"),
        (["```py\n", *[f"a{n} = {n}\n" for n in range(3000)]], "was cut off"),
    ],
    ids=["prose", "nothing", "empty", "cut"],
)
async def test_answers_that_are_no_edit(tmp_path: Path, answer: list[str], why: str) -> None:
    with reciter(tmp_path, answer) as engine:
        async with editor(tmp_path, *at(engine)) as it:
            it.open(URI, TEXT)
            params = {"textDocument": {"uri": URI}, "range": plain(span(8)), "instruction": "x"}
            with pytest.raises(JsonRpcException, match=why) as caught:
                await it.ask("ds4/edit", params)
            assert caught.value.code == -32803
            assert [p for m, p in it.said if m == types.WINDOW_SHOW_MESSAGE] == []


async def test_a_docstring_is_put_into_the_head(tmp_path: Path) -> None:
    answer = ["```python\n", "def greet(self, name):\n", '    """Greet."""\n', "```"]
    with reciter(tmp_path, answer) as engine:
        async with editor(tmp_path, *at(engine)) as it:
            it.open(URI, TEXT)
            action = await resolved(it, (await actions(it, span(8)))["Document greet"])
            head = "    def greet(self, name):\n"
            assert made(document(), action.edit) == TEXT.replace(head, head + '        """Greet."""\n')


async def test_a_comment_is_carried_out(tmp_path: Path) -> None:
    answer = [
        "```python\n",
        "def greet(self, name):\n",
        '    text = "é日🙂 " + name\n',
        "    return text * 2\n",
        "```",
    ]
    with reciter(tmp_path, answer) as engine:
        async with editor(tmp_path, *at(engine)) as it:
            it.open(URI, TEXT)
            action = await resolved(it, (await actions(it, span(6)))["Do what the comment says"])
            wanted = TEXT.replace("    # say it twice\n", "").replace("return text", "return text * 2")
            assert made(document(), action.edit) == wanted
            assert action.edit.change_annotations["ds4agent"].label == "Do: say it twice"


TEST = ["```python\n", "def test_greet():\n", "    assert Greeter().greet('x')\n", "```"]
WRITTEN = "def test_greet():\n    assert Greeter().greet('x')\n"


async def test_tests_go_to_where_tests_are(tmp_path: Path) -> None:
    work = tmp_path / "w"
    (work / "tests").mkdir(parents=True)
    source, target = work / "a.py", work / "tests/test_a.py"
    source.write_text(TEXT)
    with reciter(tmp_path, TEST) as engine:
        async with editor(tmp_path, *at(engine), folders=(work,)) as it:
            it.open(source.as_uri(), TEXT)
            find = actions(it, span(8), uri=source.as_uri())
            action = (await find)["Write tests for greet"]
            edit = (await resolved(it, action)).edit
            create, filled = edit.document_changes
            assert (create.kind, create.uri, create.annotation_id) == ("create", target.as_uri(), "ds4agent")
            assert [e.new_text for e in filled.edits] == [WRITTEN]
            assert edit.change_annotations["ds4agent"].label == "Test greet in tests/test_a.py"
            # In a file that is there, they come last.
            target.write_bytes(b"import a\r\n")
            edit = (await resolved(it, action)).edit
            closed = Document(target.as_uri(), "import a\r\n", None, "python", "utf-16")
            assert made(closed, edit) == "import a\r\n\r\n" + WRITTEN.replace("\n", "\r\n")
            # What the editor holds is newer than what is on disk.
            it.open(target.as_uri(), "import b")
            edit = (await resolved(it, action)).edit
            held = Document(target.as_uri(), "import b", 1, "python", "utf-16")
            assert made(held, edit) == "import b\n\n" + WRITTEN.rstrip("\n")


async def test_clients_that_can_do_less(tmp_path: Path, greeter: EngineProcess) -> None:
    able = capabilities()
    assert able.workspace
    assert able.text_document
    able.workspace.workspace_edit = None
    able.text_document.code_action = types.CodeActionClientCapabilities()
    async with editor(tmp_path, *at(greeter), able=able) as it:
        it.open(URI, TEXT)
        found = await actions(it, span(8), UNDEFINED)
        assert [c.command for c in found.values()] == [
            "ds4.fix",
            "ds4.explain",
            "ds4.docstring",
            "ds4.test",
            "ds4.simplify",
        ]
        for title in ("Fix: text is not what it seems", "Simplify greet"):
            command = found[title]
            answer = await run(it, command.command, *command.arguments)
            assert answer["applied"] is True
            edit: Any = it.edits.pop().edit
            assert edit.document_changes is None
            assert edit.change_annotations is None
            ((uri, edits),) = edit.changes.items()
            assert (uri, [e.new_text for e in edits]) == (URI, ['        text = "hello 日🙂 " + name\n'])
        assert (await run(it, "ds4.edit", URI, plain(span(8)), "Say hello"))["summary"] == "Say hello"
        with pytest.raises(JsonRpcException, match=r"cannot be told to create files; create .*a\.py first"):
            await run(it, "ds4.test", URI, plain(span(8)))


@pytest.mark.parametrize(
    ("command", "arguments", "why"),
    [
        ("ds4.edit", [], "uri is missing"),
        ("ds4.edit", [URI, plain(span(8))], "needs .uri, range, instruction"),
        ("ds4.fix", [URI, plain(span(8)), {"message": 1}], "range is missing"),
        ("ds4.fix", [URI, {"start": 1}], "has to be an object"),
        ("ds4.simplify", ["file:///w/not-open.py", plain(span(0))], "is not open"),
        ("ds4.comment", [URI, plain(span(0))], "nothing to comment at line 1"),
        ("ds4.docstring", [URI, plain(span(0))], "nothing to docstring at line 1"),
        ("ds4.test", [URI, plain(span(0))], "no function or class at line 1"),
        ("ds4.nothing", [], "there is no command ds4.nothing"),
        ("ds4.simplify", [LONG, plain(span(0))], "lines 1 to 1 are too much for one edit"),
    ],
)
async def test_wrong_commands(tmp_path: Path, command: str, arguments: list[Any], why: str) -> None:
    async with editor(tmp_path, "--engine", "http://127.0.0.1:9") as it:
        it.open(URI, TEXT)
        it.open(LONG, "x" * 20_000)
        with pytest.raises(JsonRpcException, match=why):
            await run(it, command, *arguments)
