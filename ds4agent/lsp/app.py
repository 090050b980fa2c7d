"""The language server put together: what all its rooms share, and the life of the process.

A room (completion, chat, edits, agent) is given the App and registers what it answers. Nothing is started
before the client has initialized, and no engine before somebody asks for one or is about to.
"""

import asyncio
import logging
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any, Protocol

from lsprotocol import types

from ds4agent import config, paths
from ds4agent.client import engine
from ds4agent.client.errors import EngineError
from ds4agent.lsp.link import Link
from ds4agent.lsp.messages import Nothing
from ds4agent.lsp.progress import Progress
from ds4agent.lsp.protocol import Server
from ds4agent.lsp.status import Board, Status

log = logging.getLogger(__name__)
SECTION = "ds4agent"
# A client that says it has settings, and does not tell them, is not waited for longer.
SETTLE_SECONDS = 5.0


class Room(Protocol):
    """A part of the server."""

    def configured(self) -> None:
        """The settings are known or have changed."""

    async def close(self) -> None:
        """The server ends."""


class App:
    """One client's server. `settings` change with the client's; `settled` once its first ones are known."""

    link: Link

    def __init__(
        self, server: Server, flags: Mapping[str, Any], rooms: list[Callable[["App"], Room]]
    ) -> None:
        self.server = server
        self._flags = dict(flags)
        self.settings = config.load(self._flags)
        self.board = Board(self._tell_status)
        self.progress = Progress(self)
        self._rooms = [room(self) for room in rooms]
        self._asks_configuration = False
        self._closing: asyncio.Task[None] | None = None
        # Whether the client has said that it is about to end us.
        self.shut_down = False
        self.settled = asyncio.Event()
        self._background: set[asyncio.Task[Any]] = set()
        self._features()

    def _features(self) -> None:
        answer = self.server.answer
        answer(types.INITIALIZE, self._initialize)
        answer(types.INITIALIZED, self._initialized)
        answer(types.SHUTDOWN, self._shutdown)
        answer(types.WORKSPACE_DID_CHANGE_CONFIGURATION, self._changed)
        self.server.on("ds4/status/get", Nothing, self._status)
        self.server.on("ds4/log", Nothing, self._log)

    def _initialize(self, params: types.InitializeParams) -> None:
        self.server.use_own_documents()
        capabilities = params.capabilities.workspace
        self._asks_configuration = bool(capabilities and capabilities.configuration)
        options = params.initialization_options
        if isinstance(options, dict):
            self._apply(options)
        self._connect()

    async def _initialized(self, _: types.InitializedParams) -> None:
        try:
            await self._ask_configuration()
        finally:
            self.settled.set()

    async def _changed(self, params: types.DidChangeConfigurationParams) -> None:
        if self._asks_configuration:
            await self._ask_configuration()
        elif isinstance(params.settings, dict):
            self._apply(params.settings.get(SECTION, params.settings))

    async def _ask_configuration(self) -> None:
        if not self._asks_configuration:
            return
        item = types.ConfigurationItem(section=SECTION)
        (found,) = await self.server.workspace_configuration_async(types.ConfigurationParams([item]))
        if isinstance(found, dict):
            self._apply(found)

    def _apply(self, given: dict[str, Any]) -> None:
        """Settings of the client, over the file's, below flags. What is wrong is told and changes nothing."""
        before = self.settings
        try:
            self.settings = config.load(self._flags, client=given)
        except config.ConfigError as error:
            self.warn(str(error))
            return
        if self.settings == before:
            return
        if engine.wanted(before) != engine.wanted(self.settings) and hasattr(self, "link"):
            self.spawn(self.link.close())
            self._connect()
        for room in self._rooms:
            room.configured()

    def _connect(self) -> None:
        self.link = Link(engine.wanted(self.settings, on_demand=True), self.progress.prefill, self._engine)

    async def _shutdown(self, _: None) -> None:
        self.shut_down = True
        await self.close()

    async def close(self) -> None:
        """All that is at work ends. Whoever calls it again waits for the same: a client that does not wait
        for the answer to `shutdown` must not end the process in the middle of it.
        """
        if self._closing is None:
            # What still waits would begin behind the rooms that have closed.
            self.server.take_back_all()
            self._closing = asyncio.create_task(self._close())
        await asyncio.shield(self._closing)

    async def _close(self) -> None:
        for room in self._rooms:
            await room.close()
        await self.progress.close()
        if hasattr(self, "link"):
            await self.link.close()

    # -- for rooms -------------------------------------------------------------------------------------------

    async def settings_known(self) -> None:
        """Waits for the client's: who does more than read has to."""
        with suppress(TimeoutError):
            async with asyncio.timeout(SETTLE_SECONDS):
                await self.settled.wait()

    def warn(self, message: str) -> None:
        """One message to the user."""
        log.warning("%s", message)
        self.server.window_show_message(types.ShowMessageParams(types.MessageType.Warning, message))

    def spawn(self, work: Any) -> asyncio.Task[Any]:
        """Work in the background; what goes wrong in it is in the log."""
        task: asyncio.Task[Any] = asyncio.ensure_future(work)
        self._background.add(task)  # the event loop does not keep it
        task.add_done_callback(self._background.discard)
        task.add_done_callback(_logged)
        return task

    # -- status ----------------------------------------------------------------------------------------------

    async def _status(self, _: Nothing) -> Status:
        return self.board.status

    async def _log(self, _: Nothing) -> dict[str, str]:
        return {"path": str(paths.lsp_log())}

    def _tell_status(self, status: Status) -> None:
        self.server.tell("ds4/status", status)

    def _engine(self, news: engine.Engine | EngineError) -> None:
        if isinstance(news, EngineError):
            log.warning("%s", news)
            self.board.lost(str(news))
        else:
            log.info("the engine at %s", news.endpoint.url)
            self.board.lost(None)
            self.spawn(self.progress.learn(news))


def _logged(task: asyncio.Task[Any]) -> None:
    if not task.cancelled() and (error := task.exception()):
        log.error("in the background: %s", error, exc_info=error)
