"""`ds4/chat/*` and `ds4/explain`."""

import asyncio
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from pygls.uris import to_fs_path

from ds4agent import paths
from ds4agent.agent.request import Head
from ds4agent.agent.transcript import Transcript
from ds4agent.lsp import models
from ds4agent.lsp.app import App
from ds4agent.lsp.chat.asking import Asking, Question
from ds4agent.lsp.chat.context import shown
from ds4agent.lsp.chat.contract import (
    Answer,
    ApplyParams,
    Context,
    ConversationOut,
    ConversationParams,
    ExplainParams,
    SendParams,
    Summary,
)
from ds4agent.lsp.chat.place import placed
from ds4agent.lsp.chat.store import Store
from ds4agent.lsp.chat.turns import numbered
from ds4agent.lsp.edits.region import chosen
from ds4agent.lsp.edits.room import apply
from ds4agent.lsp.excerpt import excerpt, fill, whole_lines
from ds4agent.lsp.messages import Nothing, Position, Range, read
from ds4agent.lsp.protocol import Failed

_MODES = {True: '"thinking":{"type":"enabled"}', False: '"thinking":{"type":"disabled"}'}


class Chat:
    """The room."""

    def __init__(self, app: App) -> None:
        self._app = app
        self._store = Store(paths.data_home() / "chats")
        self._going: set[asyncio.Task[Answer]] = set()
        self._askings: set[Asking] = set()
        on = app.server.on
        on("ds4/chat/send", SendParams, self._send)
        on("ds4/chat/list", Nothing, self._list)
        on("ds4/chat/get", ConversationParams, self._get)
        on("ds4/chat/delete", ConversationParams, self._delete)
        on("ds4/chat/apply", ApplyParams, self._apply)
        on("ds4/explain", ExplainParams, self._explain)
        app.server.on_command("ds4.explain", self._explain_command)

    def configured(self) -> None:
        """A conversation keeps what it began with; the next one begins with the new settings."""

    async def close(self) -> None:
        """What is being answered is taken back, and what had arrived is kept."""
        for asking in self._askings:
            asking.stop()
        await asyncio.gather(*self._going, return_exceptions=True)

    # -- turns -----------------------------------------------------------------------------------------------

    async def _send(self, params: SendParams) -> Answer:
        if not params.text.strip():
            raise Failed("there is no question")
        if params.replaces is not None and params.conversation is None:
            raise Failed("a turn can only be replaced in a conversation")
        parts = tuple(shown(self._app.server, params.context))
        asked = Question(params.text, params.context, parts, params.token)
        return await self._asked(self._begin(params), asked)

    def _begin(self, params: SendParams) -> Callable[[], tuple[str, Transcript]]:
        name = params.conversation
        if name is None:
            return partial(self._store.create, self._head(), self._folder(), params.text)
        if params.replaces is not None:
            return partial(self._store.fork, name, params.replaces, params.text)
        return lambda: (name, self._store.open(name))

    async def _asked(self, begin: Callable[[], tuple[str, Transcript]], asked: Question) -> Answer:
        asking = Asking(self._app, begin, asked)
        task = asyncio.create_task(asking.run())
        self._askings.add(asking)
        self._going.add(task)
        try:
            return await asyncio.shield(task)
        except asyncio.CancelledError:
            asking.stop()
            return await task
        finally:
            self._askings.discard(asking)
            self._going.discard(task)

    async def _explain(self, params: ExplainParams) -> Answer:
        uri = params.text_document.uri
        where = self._explained(uri, params.range)
        context = (Context("file", uri, where), Context("selection", uri, where))
        text = fill("explain")
        parts = tuple(shown(self._app.server, context))
        begin = partial(self._store.create, self._head(), self._folder(), f"Explain {parts[0][0]}")
        return await self._asked(begin, Question(text, context, parts, params.token))

    def _explained(self, uri: str, where: Range) -> Range:
        """What is selected, else what the cursor is in."""
        document = self._app.server.document(uri)
        lines = excerpt(self._app.server, document).lines
        first, last = chosen(lines, *whole_lines(document, where.lsp), where.start == where.end)
        return Range(Position(first, 0), Position(max(last, first + 1), 0))

    async def _explain_command(self, arguments: list[Any]) -> Answer:
        uri, where, *_ = [*arguments, None, None]
        return await self._explain(
            read(ExplainParams, {"textDocument": {"uri": uri}, "range": where}, "ds4.explain")
        )

    def _head(self) -> Head:
        settings = self._app.settings
        return Head(models.name(settings), fill("system"), (), _MODES[settings.lsp.thinking])

    def _folder(self) -> Path:
        folders = [*self._app.server.workspace.folders.values()]
        return Path(to_fs_path(folders[0].uri) or "/") if folders else Path.cwd()

    # -- what there is ---------------------------------------------------------------------------------------

    async def _list(self, _: Nothing) -> list[Summary]:
        return await asyncio.to_thread(self._store.summaries)

    async def _get(self, params: ConversationParams) -> ConversationOut:
        return await asyncio.to_thread(self._store.get, params.conversation)

    async def _delete(self, params: ConversationParams) -> dict[str, Any]:
        await asyncio.to_thread(self._store.delete, params.conversation)
        return {}

    async def _apply(self, params: ApplyParams) -> dict[str, Any]:
        turn = await asyncio.to_thread(self._store.turn, params.conversation, params.turn)
        found = numbered(turn.reply or "")
        if not 0 <= params.block < len(found):
            raise Failed(f"turn {params.turn} has {len(found)} blocks; there is no block {params.block}")
        where = params.range.lsp if params.range else None
        document = self._app.server.document(params.text_document.uri)
        if params.text_document.version not in (None, document.version):
            raise Failed(f"{document.uri} has changed meanwhile")
        proposal = placed(self._app.server, document, found[params.block].text, where)
        applied = await apply(self._app, proposal)
        return {"applied": applied, "edit": self._app.server.plain(proposal.edit)}
