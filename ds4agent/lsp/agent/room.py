"""`ds4/agent/*`: sessions of the agent in the folders of the workspace."""

import asyncio
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ds4agent import paths
from ds4agent.agent import sessions, work
from ds4agent.agent.changes.review import Refusal, Review
from ds4agent.agent.sessions import Session, Summary
from ds4agent.agent.transcript import TranscriptError
from ds4agent.lsp.agent.contract import (
    ChangesOut,
    FileOut,
    Listed,
    PutBackOut,
    PutBackParams,
    RefusedOut,
    ResumeParams,
    SessionParams,
    Started,
    StartParams,
)
from ds4agent.lsp.agent.folders import Folders
from ds4agent.lsp.agent.running import Running
from ds4agent.lsp.app import App
from ds4agent.lsp.messages import Nothing, read
from ds4agent.lsp.protocol import Failed

log = logging.getLogger(__name__)
PUT_BACK = "ds4.putback"


class Agent:
    """The room."""

    def __init__(self, app: App) -> None:
        self._app = app
        self._folders = Folders(app.server)
        self._running: dict[str, Running] = {}
        # From the look at who is at work until one more is: sessions begin one after the other.
        self._beginning = asyncio.Lock()
        on = app.server.on
        on("ds4/agent/start", StartParams, self._start)
        on("ds4/agent/resume", ResumeParams, self._resume)
        on("ds4/agent/interrupt", SessionParams, self._interrupt)
        on("ds4/agent/list", Nothing, self._list)
        on("ds4/agent/changes", SessionParams, self._changes)
        on("ds4/agent/putback", PutBackParams, self._put_back)
        app.server.on_command(PUT_BACK, self._put_back_command)

    def configured(self) -> None:
        """A turn keeps the settings it began with."""

    async def close(self) -> None:
        """Every turn is interrupted, and its transcript whole."""
        running = list(self._running.values())
        for session in running:
            session.interrupt()
        await asyncio.gather(*(session.done for session in running))

    # -- turns -----------------------------------------------------------------------------------------------

    async def _start(self, params: StartParams) -> Started:
        if not params.task.strip():
            raise Failed("the task is empty")
        await self._app.settings_known()
        cwd = self._folders.chosen(params.folder)
        async with self._beginning:
            self._refuse_second(cwd)
            session = await self._opened(lambda: work.begin(self._app.settings, cwd, params.task))
            return self._run(session, params.task)

    async def _resume(self, params: ResumeParams) -> Started:
        if params.task is not None and not params.task.strip():
            raise Failed("the task is empty")
        await self._app.settings_known()
        async with self._beginning:
            session = await self._opened(lambda: work.resume(self._known(params.session).id))
            try:
                if params.task is None and not work.unfinished(session):
                    raise Failed("nothing was left to do in the last turn of this session; give a task")
                if not self._folders.hold(session.cwd):
                    raise Failed(f"{session.cwd}, the folder of the session, is not open in the editor")
                self._refuse_second(session.cwd)
            except Failed:
                session.transcript.close()
                raise
            return self._run(session, params.task)

    def _run(self, session: Session, task: str | None) -> Started:
        def over() -> None:
            del self._running[session.id]

        self._running[session.id] = running = Running(self._app, self._folders, session, task, over)
        running.start()
        return Started(session.id)

    def _refuse_second(self, cwd: Path) -> None:
        """Of two at the same files nobody could say later who changed what."""
        for other in self._running.values():
            if cwd.is_relative_to(other.session.cwd) or other.session.cwd.is_relative_to(cwd):
                raise Failed(
                    f"session {other.session.id} is at work in {other.session.cwd}; interrupt it first"
                )

    async def _opened(self, how: Callable[[], Session]) -> Session:
        opening = asyncio.create_task(asyncio.to_thread(how))
        try:
            return await asyncio.shield(opening)
        except asyncio.CancelledError:
            # The thread opens it all the same, and nobody would ever close it.
            opening.add_done_callback(_let_go)
            raise
        except (*work.REFUSALS, TranscriptError) as error:
            raise Failed(str(error)) from error

    async def _interrupt(self, params: SessionParams) -> dict[str, Any]:
        running = self._running.get(params.session)
        if running is None:
            raise Failed(f"session {params.session} is not at work in this editor")
        running.interrupt()
        return {}

    async def _list(self, _: Nothing) -> list[Listed]:
        found = await asyncio.to_thread(sessions.summaries, paths.sessions())
        return [self._listed(summary) for summary in found if self._folders.hold(Path(summary.cwd))]

    def _listed(self, found: Summary) -> Listed:
        folder = self._folders.uri(Path(found.cwd))
        return Listed(found.id, folder, found.title, found.changed, found.id in self._running)

    # -- what they changed -----------------------------------------------------------------------------------

    async def _changes(self, params: SessionParams) -> ChangesOut:
        summary = self._known(params.session)
        review = Review(paths.sessions() / summary.id, Path(summary.cwd))
        try:
            found = await asyncio.to_thread(review.changes)
        except OSError as error:
            raise Failed(f"what the session changed cannot be read: {error}") from error
        uri = self._folders.uri
        files = tuple(FileOut(uri(change.path), change.kind, change.diff) for change in found)
        return ChangesOut(files, "".join(file.diff for file in files))

    async def _put_back(self, params: PutBackParams) -> PutBackOut:
        if params.session in self._running:
            raise Failed(f"session {params.session} is at work; interrupt it first")
        summary = self._known(params.session)
        only = None if params.uris is None else [self._folders.path(uri) for uri in params.uris]
        # Locked, so that it does not go on elsewhere meanwhile.
        session = await self._opened(lambda: sessions.open_session(paths.sessions(), summary.id))
        restored, refused = await asyncio.to_thread(self._restored, session, only)
        uri = self._folders.uri
        return PutBackOut(
            tuple(map(uri, restored)), tuple(RefusedOut(uri(file.path), file.reason) for file in refused)
        )

    def _restored(self, session: Session, only: list[Path] | None) -> tuple[list[Path], list[Refusal]]:
        """To the end, also when the request is taken back meanwhile: the session is locked until then."""
        try:
            restored, refused = Review(session.folder, session.cwd).put_back(only, self._hands_off)
            if restored:
                session.note_put_back(restored)
        except TranscriptError as error:
            # The files are as they were; only that the model is told of it is lost.
            log.warning("that files were put back is not in the session: %s", error)
        finally:
            session.transcript.close()
        return restored, refused

    def _hands_off(self, path: Path) -> str:
        return "it has unsaved changes in the editor" if self._folders.unsaved(path) else ""

    async def _put_back_command(self, arguments: list[Any]) -> PutBackOut:
        (session, *_) = [*arguments, None]
        return await self._put_back(read(PutBackParams, {"session": session}, PUT_BACK))

    def _known(self, name: str) -> Summary:
        found = sessions.find(paths.sessions(), name)
        if found is None:
            raise Failed(f"there is no session {name}")
        return found


def _let_go(opening: asyncio.Task[Session]) -> None:
    """Close a session that nobody waits for any more."""
    if not opening.cancelled() and opening.exception() is None:
        opening.result().transcript.close()
