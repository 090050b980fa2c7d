"""Ask the model for an edit, and make it of what it answers.

The document is read when the work is asked for and compared when the answer is there: if it has changed, or
was closed, nothing is proposed, because the lines may no longer be where they were.
"""

from dataclasses import dataclass
from pathlib import Path

from lsprotocol import types
from pygls.uris import from_fs_path, to_fs_path

from ds4agent.agent import message, request
from ds4agent.lsp import models
from ds4agent.lsp.app import App
from ds4agent.lsp.ask import Ask
from ds4agent.lsp.document import Document
from ds4agent.lsp.edits import answer, testfile
from ds4agent.lsp.edits.indent import restored
from ds4agent.lsp.edits.lines import Change, changes, line_end, text_edits
from ds4agent.lsp.edits.work import Plan, Work, plan, symbol_at
from ds4agent.lsp.edits.workspace import Abilities, changing, creating
from ds4agent.lsp.excerpt import PAGE, SHOWN, Excerpt, excerpt, fill, path_of, whole_lines
from ds4agent.lsp.protocol import Failed

MODE = '"thinking":{"type":"disabled"},"temperature":0,"max_tokens":%d'
# Tokens that an answer may have beside one for each character of what it replaces.
MORE_TOKENS = 1024
TEST_TOKENS = 8192


@dataclass(frozen=True, slots=True)
class Proposal:
    """`edit` is None when nothing has to change; `summary` is for the user."""

    edit: types.WorkspaceEdit | None
    summary: str


async def propose(app: App, work: Work) -> Proposal:
    """Raises Failed and EngineError."""
    document = app.server.document(work.uri)
    if work.version is not None and work.version != document.version:
        raise _changed(app, work.uri)
    found = excerpt(app.server, document)
    first, last = whole_lines(document, work.range.lsp)
    if work.do == "test":
        return await _tests(app, document, found, first)
    made = plan(work, found, first, last)
    if made is None:
        raise Failed(f"there is nothing to {work.do} at line {first + 1} of {found.path}")
    return await _rewritten(app, found, made)


async def _rewritten(app: App, found: Excerpt, made: Plan) -> Proposal:
    first, last = made.region
    old = found.lines[first:last]
    size = sum(len(line.encode(errors="replace")) + 1 for line in old)
    # A line that is not shown whole could not come back whole.
    if size > SHOWN or any(len(line) > PAGE for line in old):
        raise Failed(f"lines {first + 1} to {last} are too much for one edit; choose less")
    text = f"{found.file(first)}\n\n{found.part(first, last, 'edit', instruction=made.instruction)}"
    new = await _code(app, text, MORE_TOKENS + size, old)
    document = _unchanged(app, found)
    change = changes(old, restored(old, new), first)
    if not change:
        return Proposal(None, f"{made.label}: nothing has to change")
    edit = changing(app.server, found.uri, document.version, text_edits(document, change), made.label)
    return Proposal(edit, made.label)


async def _tests(app: App, document: Document, found: Excerpt, line: int) -> Proposal:
    symbol = symbol_at(found.lines, line)
    path = to_fs_path(found.uri)
    if symbol is None or path is None:
        raise Failed(f"there is no function or class at line {line + 1} of {found.path} to write tests for")
    where = testfile.target(Path(path), _root(app, Path(path)))
    uri = from_fs_path(str(where.path)) or ""
    name = path_of(app.server, uri)
    if not where.exists and not Abilities(app.server).create:
        raise Failed(f"this editor cannot be told to create files; create {name} first")
    about = {"name": symbol.name, "first": symbol.first + 1, "last": symbol.last, "path": found.path}
    label = f"Test {symbol.name} in {name}"
    if not where.exists:
        text = f"{found.file(line)}\n\n{fill('test', target=name, **about)}"
        new = await _code(app, text, TEST_TOKENS, ())
        _unchanged(app, found)
        end = line_end(document)
        edit = creating(app.server, uri, "".join(row + end for row in new), label)
        return Proposal(edit, label)
    tests = app.server.document_or_file(uri)
    there = excerpt(app.server, tests)
    text = "\n\n".join(
        (found.file(line), there.file(len(there.lines)), fill("test_more", target=name, **about))
    )
    new = await _code(app, text, TEST_TOKENS, ())
    _unchanged(app, found)
    if app.server.document_or_file(uri).source != tests.source:
        raise _changed(app, uri)
    change = Change(len(there.lines), len(there.lines), ("", *new) if there.lines else tuple(new))
    edit = changing(app.server, uri, tests.version, text_edits(tests, [change]), label)
    return Proposal(edit, label)


async def _code(app: App, text: str, tokens: int, old: tuple[str, ...]) -> list[str]:
    head = request.Head(models.name(app.settings), fill("system"), (), MODE % tokens)
    with app.board.task("edit") as task:
        reply = await Ask(app, task).reply(request.body(head, [message.user(text)]))
        if reply.usage:
            app.board.rest(cached_tokens=reply.usage.cached, reread_tokens=None)
    return answer.code(reply, old)


def _unchanged(app: App, found: Excerpt) -> Document:
    document = app.server.files.open(found.uri)
    # One that was closed and opened again may have the version that it had.
    if document is None or excerpt(app.server, document) != found:
        raise _changed(app, found.uri)
    return document


def _changed(app: App, uri: str) -> Failed:
    return Failed(f"{path_of(app.server, uri)} has changed meanwhile, so nothing was changed; ask again")


def _root(app: App, path: Path) -> Path | None:
    roots = [Path(to_fs_path(folder.uri) or "/") for folder in app.server.workspace.folders.values()]
    return max(
        (root for root in roots if path.is_relative_to(root)), key=lambda r: len(r.parts), default=None
    )
