"""A session at work: the loop in a thread of its own, everything it tells in the server's.

The thread may wait for the engine, for a command or for the user's yes; its Cancel ends each of these waits
at once. The transcript is closed before the client hears that the session is over, so that whoever hears it
can take it up again.
"""

import asyncio
import threading
from collections.abc import Callable, Coroutine
from concurrent.futures import CancelledError, Future
from contextlib import ExitStack, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

from ds4agent.agent import events, work
from ds4agent.agent.events import Event
from ds4agent.agent.sessions import Session
from ds4agent.client import engine
from ds4agent.client.cancel import Cancel, Cancelled
from ds4agent.lsp.agent.asking import Asking
from ds4agent.lsp.agent.contract import EventOut
from ds4agent.lsp.agent.figures import Figures
from ds4agent.lsp.agent.folders import Folders
from ds4agent.lsp.agent.showing import WRITTEN, Showing
from ds4agent.lsp.app import App

T = TypeVar("T")


class Running:
    """`task` None: the rest of the last turn. `over` is called in the server's thread at the end."""

    def __init__(
        self, app: App, folders: Folders, session: Session, task: str | None, over: Callable[[], None]
    ) -> None:
        self._app = app
        self._folders = folders
        self._over = over
        self.session = session
        self._loop = asyncio.get_running_loop()
        self._cancel = Cancel()
        self._coming: Future[Any] | None = None
        self._unsaved: set[Path] = set()
        self._warned: set[Path] = set()
        self._stack = ExitStack()
        shown = self._stack.enter_context(app.board.task("agent", self.interrupt))
        self._showing = Showing(app, shown)
        self._figures = Figures(app, session.id, shown)
        line = work.EngineLine(self._engine, self._cancel, self._lost)
        asking = Asking(app, session.id, self._wait, self._emit)
        known = bool(session.transcript.messages)
        self._turn = work.Turn(
            session,
            task,
            known,
            app.settings,
            line,
            asking.ask,
            self._emit,
            self._cancel,
            self._touched,
        )
        self.done: asyncio.Future[None] = self._loop.create_future()
        self._thread = threading.Thread(target=self._run, name=f"agent {session.id}", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def interrupt(self) -> None:
        """More than once does no harm."""
        if not self.done.done():
            self._cancel.set()
            if self._coming:
                self._coming.cancel()

    # -- in its thread ---------------------------------------------------------------------------------------

    def _run(self) -> None:
        try:
            outcome = work.guarded(self._turn.run)
        except Exception as error:
            self._later(self._broken, error)
        else:
            self._later(self._closed, lambda: work.tell_end(outcome, self.session.id, self._tell))

    def _emit(self, event: Event) -> None:
        if isinstance(event, events.ItemStarted) and event.item.type not in WRITTEN:
            # Before the step: after it, what is open may differ from the disk because of the step.
            self._unsaved = self._folders.all_unsaved()
            viewed = event.item.fields.get("arguments", {}).get("path")
            if isinstance(viewed, str):
                self._touched((self.session.cwd / viewed).resolve())
        self._later(self._tell, event)

    def _touched(self, path: Path) -> None:
        """The agent works on what is on disk; of a file with other text in the editor that is told, once."""
        if path in self._unsaved and path not in self._warned:
            self._warned.add(path)
            text = f"{path} has unsaved changes in the editor; the agent works with what is on disk"
            self._later(self._tell, events.Warned(text))

    def _engine(self) -> engine.Engine:
        found = self._wait(self._app.link.running())
        return replace(found, endpoint=replace(found.endpoint, lane=engine.LANE))

    def _lost(self, which: engine.Engine) -> None:
        self._later(lambda: self._app.spawn(self._app.link.lost(which)))

    def _wait(self, asked: Coroutine[Any, Any, T]) -> T:
        """What the server's thread makes of it. Raises Cancelled."""
        self._coming = coming = asyncio.run_coroutine_threadsafe(asked, self._loop)
        if self._cancel.is_set():
            coming.cancel()
        try:
            return coming.result()
        except CancelledError as error:
            raise Cancelled from error

    def _later(self, call: Callable[..., Any], *arguments: Any) -> None:
        # Without a loop nobody is left to hear it; the transcript has it.
        with suppress(RuntimeError):
            self._loop.call_soon_threadsafe(call, *arguments)

    # -- in the server's -------------------------------------------------------------------------------------

    def _tell(self, event: Event) -> None:
        self._showing.see(event)
        self._figures.see(event)
        if (found := events.to_json(event)) is not None:
            self._app.server.tell("ds4/agent/event", EventOut(self.session.id, found))

    def _closed(self, tell: Callable[[], None]) -> None:
        self.session.transcript.close()
        self._figures.close()
        self._stack.close()
        self._cancel.close()
        self._over()
        tell()
        self.done.set_result(None)

    def _broken(self, error: Exception) -> None:
        """Not foreseen: in the log with everything, and to the client as a failure."""
        failure = events.Failure(f"the agent failed: {error}", "failed")

        def tell() -> None:
            self._tell(failure)
            self._tell(events.SessionCompleted(self.session.id, events.Status.FAILED, 0))

        self._closed(tell)
        raise error
