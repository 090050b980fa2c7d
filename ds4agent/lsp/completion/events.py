"""What the client tells of: documents, the cursor, copied text, and what became of suggestions."""

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from lsprotocol import types

from ds4agent.lsp import messages
from ds4agent.lsp.app import App
from ds4agent.lsp.completion.items import ACCEPTED
from ds4agent.lsp.document import Document

if TYPE_CHECKING:
    from ds4agent.lsp.completion.room import Completion

log = logging.getLogger(__name__)
PAUSE = "ds4.pause"


@dataclass(frozen=True, slots=True)
class Offered:
    id: str


@dataclass(frozen=True, slots=True)
class Part:
    id: str
    length: int


@dataclass(frozen=True, slots=True)
class Cursor:
    text_document: messages.TextDocument
    position: messages.Position


@dataclass(frozen=True, slots=True)
class Yank:
    text_document: messages.TextDocument
    range: messages.Range


@dataclass(frozen=True, slots=True)
class Pause:
    paused: bool
    uri: str | None = None


class Events:
    """Registers itself; all it knows goes to the room."""

    def __init__(self, app: App, room: "Completion") -> None:
        self._app, self._room = app, room
        server = app.server
        server.answer(types.TEXT_DOCUMENT_DID_OPEN, self._opened)
        server.answer(types.TEXT_DOCUMENT_DID_CHANGE, self._changed)
        server.answer(types.TEXT_DOCUMENT_DID_SAVE, self._saved)
        server.answer(types.TEXT_DOCUMENT_DID_CLOSE, self._closed)
        server.on("ds4/cursor", Cursor, self._cursor)
        server.on("ds4/yank", Yank, self._yanked)
        server.on("ds4/pause", Pause, self._pause)
        server.on("ds4/completion/shown", Offered, self._shown)
        server.on("ds4/completion/accepted", Part, self._accepted)
        server.on("ds4/completion/dismissed", Offered, self._dismissed)
        server.on_command(ACCEPTED, self._all_accepted)
        server.on_command(PAUSE, self._pause_all)

    def _document(self, uri: str) -> Document | None:
        return self._app.server.files.open(uri)

    # -- documents -------------------------------------------------------------------------------------------

    def _opened(self, params: types.DidOpenTextDocumentParams) -> None:
        if document := self._document(params.text_document.uri):
            self._room.ring.take(document, 0)

    def _changed(self, params: types.DidChangeTextDocumentParams) -> None:
        document = self._document(params.text_document.uri)
        change = params.content_changes[-1] if params.content_changes else None
        if document and isinstance(change, types.TextDocumentContentChangePartial):
            self._room.ring.visit(document, change.range.start.line)
            self._room.edited[document.uri] = change.range.start.line

    def _saved(self, params: types.DidSaveTextDocumentParams) -> None:
        document = self._document(params.text_document.uri)
        line = self._room.edited.pop(params.text_document.uri, None)
        if document and line is not None:
            self._room.ring.take(document, line)

    def _closed(self, params: types.DidCloseTextDocumentParams) -> None:
        self._room.take_back(params.text_document.uri)

    async def _cursor(self, params: Cursor) -> None:
        if document := self._document(params.text_document.uri):
            at = document.point(types.Position(params.position.line, params.position.character))
            self._room.ring.visit(document, at[0])
            self._room.rest(document, at)

    async def _yanked(self, params: Yank) -> None:
        if document := self._document(params.text_document.uri):
            start, end = params.range.start, params.range.end
            found = types.Range(
                types.Position(start.line, start.character), types.Position(end.line, end.character)
            )
            self._room.ring.put(document.uri, document.text_of(found))

    # -- suggestions -----------------------------------------------------------------------------------------

    async def _shown(self, params: Offered) -> None:
        self._tell(self._room.tally.shown(params.id))

    async def _accepted(self, params: Part) -> None:
        encoding = str(self._app.server.files.position_encoding or "utf-16")
        self._tell(self._room.tally.accepted(params.id, params.length, encoding))

    async def _dismissed(self, params: Offered) -> None:
        self._tell(self._room.tally.dismissed(params.id))

    async def _all_accepted(self, arguments: list[Any]) -> None:
        self._tell(bool(arguments) and self._room.tally.accepted(str(arguments[0])))

    def _tell(self, news: bool) -> None:
        if news:
            counts = self._room.tally.by_language()
            log.info("completions: %s", counts)
            self._app.board.rest(acceptance=counts)

    async def _pause(self, params: Pause) -> dict[str, bool]:
        if params.paused:
            self._room.paused.add(params.uri)
        else:
            self._room.paused.discard(params.uri)
        self._app.board.rest(phase="paused" if None in self._room.paused else "idle")
        return {"paused": params.paused}

    async def _pause_all(self, arguments: list[Any]) -> dict[str, bool]:
        return await self._pause(Pause(not arguments or bool(arguments[0])))
