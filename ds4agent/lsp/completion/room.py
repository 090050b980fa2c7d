"""Completion: what an editor asks while somebody types.

One request at a time for each document: a new one cancels the one before it, down to the engine, and that one
is answered with null. So is what has become stale. An automatic request waits for a pause in the typing, one
that was asked for does not, and neither what is known already: the rest of a suggestion that is typed, and
what follows one that was accepted, which is fetched while the user looks at it. One that was asked for has
alternatives in its answer.

While the user rests the engine reads what is new around the cursor and in other files, so that the next key
costs a token or two. Any request ends that.
"""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

from lsprotocol import types

from ds4agent.lsp.app import App
from ds4agent.lsp.completion import items
from ds4agent.lsp.completion.alternatives import Alternatives
from ds4agent.lsp.completion.events import Events
from ds4agent.lsp.completion.gap import Gap, Windows
from ds4agent.lsp.completion.results import Results
from ds4agent.lsp.completion.ring import Ring
from ds4agent.lsp.completion.source import Source
from ds4agent.lsp.completion.tally import Tally
from ds4agent.lsp.completion.writer import ASIDE, Writer
from ds4agent.lsp.document import Document, Point

T = TypeVar("T")
# Without a request and without a key for so long, the user rests.
REST_SECONDS = 0.3
# Of the files in front: some 4,000 tokens, a quarter of the bundled model's context.
EXTRA_CHARACTERS = 12_000
INVOKED = types.InlineCompletionTriggerKind.Invoked


class Completion:
    """The room; see ds4agent.lsp.app."""

    def __init__(self, app: App) -> None:
        self._app = app
        self._running: dict[str, asyncio.Task[Any]] = {}
        self._resting: asyncio.Task[None] | None = None
        self.paused: set[str | None] = set()
        self.edited: dict[str, int] = {}
        self.results = Results()
        self.tally = Tally()
        self.ring = Ring()
        self.writer = Writer(Source(lambda: app.link), app.warn)
        self.alternatives = Alternatives(self.writer, self.results)
        self._shape()
        answer = app.server.answer
        answer(types.TEXT_DOCUMENT_INLINE_COMPLETION, self._inline, types.InlineCompletionOptions())
        answer(types.TEXT_DOCUMENT_COMPLETION, self._listed, types.CompletionOptions())
        Events(app, self)

    def _shape(self) -> None:
        lsp = self._app.settings.lsp
        self._windows = Windows(lsp.prefix_lines, lsp.suffix_lines)
        self.ring.resize(lsp.chunks, lsp.chunk_lines, EXTRA_CHARACTERS)

    def configured(self) -> None:
        settings = self._app.settings
        self._shape()
        self.results.forget()
        self._app.spawn(self.writer.source.use(settings.lsp.completion_engine, settings.api_key))

    async def close(self) -> None:
        for task in (*self._running.values(), *([self._resting] if self._resting else [])):
            task.cancel()
        await self.writer.source.close()

    # -- requests --------------------------------------------------------------------------------------------

    async def _inline(self, params: types.InlineCompletionParams) -> types.InlineCompletionList | None:
        document = self._app.server.files.open(params.text_document.uri)
        if document is None:
            return None
        at, context = document.point(params.position), params.context
        chosen = items.chosen(document, at, context.selected_completion_info)
        invoked = context.trigger_kind == INVOKED
        found = await self._latest(document.uri, self._suggested(document, document.version, at, invoked))
        fit = [item for one in found or () if (item := items.inline(document, one, chosen, self.tally))]
        return types.InlineCompletionList(fit) if fit else None

    async def _listed(self, params: types.CompletionParams) -> types.CompletionList | None:
        document = self._app.server.files.open(params.text_document.uri)
        if document is None or self._shows_inline():
            return None
        at = document.point(params.position)
        found = await self._latest(
            document.uri, self._suggested(document, document.version, at, invoked=False)
        )
        return types.CompletionList(True, [items.listed(document, found[0], self.tally)]) if found else None

    def _shows_inline(self) -> bool:
        """A client that has ghost text would show the same twice."""
        found = self._app.server.client_capabilities.text_document
        return bool(found and found.inline_completion)

    async def _latest(self, uri: str, work: Coroutine[Any, Any, T]) -> T | None:
        """What it comes to; None if it was taken back, or another one for the document came."""
        self.take_back(uri)
        self._stir()
        self._running[uri] = task = asyncio.ensure_future(work)
        try:
            return await task
        except asyncio.CancelledError:
            task.cancel()
            return None
        finally:
            if self._running.get(uri) is task:
                del self._running[uri]

    def take_back(self, uri: str) -> None:
        """What is asked for this document is answered with null."""
        if task := self._running.get(uri):
            task.cancel()

    # -- suggestions -----------------------------------------------------------------------------------------

    async def _suggested(
        self, document: Document, version: int | None, at: Point, invoked: bool
    ) -> list[items.Suggestion]:
        """The first one is what a request that is automatic gets."""
        await self._app.settings_known()
        if document.version != version or not self._wanted(document, invoked):
            return []
        gap = self._windows.gap(document, at)
        if not gap.is_text:
            return []
        texts = await self._texts(document, gap, invoked)
        found = [items.Suggestion(gap, at, text) for text in texts if text]
        if document.version != version:
            return [left for one in found if (left := items.typed_ahead(document, one))]
        if found:
            self._rest(document, at, found[0].text)
        return found

    async def _texts(self, document: Document, gap: Gap, invoked: bool) -> tuple[str, ...]:
        version, lsp = document.version, self._app.settings.lsp
        if not invoked:
            known = self.results.get(document.uri, gap)
            if known is not None:
                return (known,)
            await asyncio.sleep(lsp.debounce)
            if document.version != version:
                return ()
        ask = self.alternatives.all if invoked else self.alternatives.likeliest
        with self._app.board.task("completion") as task:
            task.show("decode")
            return await ask(document.uri, gap, self.ring, lsp.max_tokens)

    def _wanted(self, document: Document, invoked: bool) -> bool:
        lsp = self._app.settings.lsp
        if lsp.completion == "off" or document.language_id in lsp.languages_off:
            return False
        if document.size > lsp.max_file_kb * 1024:
            return False
        return invoked or (lsp.completion == "auto" and not self.paused & {None, document.uri})

    # -- rest ------------------------------------------------------------------------------------------------

    def rest(self, document: Document, at: Point) -> None:
        """The cursor is there, and nothing is asked."""
        if self._wanted(document, invoked=False):
            self._rest(document, at)

    def _rest(self, document: Document, at: Point, text: str = "") -> None:
        self._stir()
        self._resting = self._app.spawn(self._while_resting(document, at, text))

    def _stir(self) -> None:
        if self._resting:
            self._resting.cancel()

    async def _while_resting(self, document: Document, at: Point, text: str) -> None:
        version, lsp = document.version, self._app.settings.lsp
        await asyncio.sleep(REST_SECONDS)
        if not lsp.warm or document.version != version or self._others_work():
            return
        if not self._windows.gap(document, at).is_text:
            return
        if text:
            await self._fetch_ahead(document, self._windows.gap(document, at).with_text(text))
        self.ring.settle(document.uri)
        await self.writer.warm(document.uri, self._windows.gap(document, at), self.ring)

    async def _fetch_ahead(self, document: Document, gap: Gap) -> None:
        """What follows the suggestion once it is accepted."""
        if self.results.get(document.uri, gap) is None:
            found = await self.writer.suggest(
                document.uri, gap, self.ring, self._app.settings.lsp.max_tokens, ASIDE
            )
            if found is not None:
                self.results.put(document.uri, gap, found)

    def _others_work(self) -> bool:
        """A chat or an agent's turn has the engine's time before anything that is only read ahead."""
        return self._app.board.status.what not in (None, "completion")
