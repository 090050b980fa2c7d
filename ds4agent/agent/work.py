"""One turn of a session, from settings to its last event: what all front ends of the agent share.

A front end opens a session (`begin` or `resume`), which may be refused, and then carries it out with a line
to an engine, in a thread that may wait. `session.completed` is always the last event, whatever happens.
"""

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ds4agent import config, paths
from ds4agent.agent import events, message, opening, sessions
from ds4agent.agent.approval import Approval, Ask
from ds4agent.agent.events import Emit, Status
from ds4agent.agent.loop import Limits, Line, Loop, NothingToContinue, Outcome
from ds4agent.agent.sessions import Session
from ds4agent.agent.setup import frozen_head
from ds4agent.agent.terminal import ShellError
from ds4agent.agent.tools import Toolbox
from ds4agent.agent.transcript import TranscriptError
from ds4agent.client import chat, engine
from ds4agent.client.cancel import Cancel, Cancelled
from ds4agent.client.errors import EngineError, EngineLost
from ds4agent.client.reply import Reply


class Refused(Exception):
    """What was asked for makes no sense; the message is one sentence for the user."""


# What opening a session may raise, with a sentence for the user.
REFUSALS = (Refused, config.ConfigError, paths.NoHome, sessions.UnknownSession, engine.BadEngine)


def begin(settings: config.Settings, cwd: Path, task: str) -> Session:
    """A new session, locked. Raises TranscriptError."""
    model = settings.model if engine.is_url(settings.engine) else None
    return sessions.create(paths.sessions(), frozen_head(model), cwd, task)


def resume(name: str, cwd: Path | None = None) -> Session:
    """One that is there, locked; `cwd`: the folder that it has to belong to. Raises Refused, UnknownSession,
    TranscriptError (SessionBusy while another process has it).
    """
    session = sessions.open_session(paths.sessions(), name)
    why = ""
    if cwd is not None and session.cwd != cwd:
        why = f"session {session.id} belongs to {session.cwd}, not to {cwd}"
    elif not session.cwd.is_dir():
        why = f"the folder of session {session.id} is gone: {session.cwd}"
    if why:
        session.transcript.close()
        raise Refused(why)
    return session


def unfinished(session: Session) -> bool:
    """Whether its last turn can go on without a new task."""
    return message.unfinished(session.transcript.messages)


class EngineLine:
    """An engine as the loop sees it: waited for when the task is on record, not before. `lost` is told when
    it broke off; the next request asks for one again.
    """

    def __init__(
        self,
        wait: Callable[[], engine.Engine],
        cancel: Cancel,
        lost: Callable[[engine.Engine], None] = lambda engine: None,
    ) -> None:
        self._wait = wait
        self._cancel = cancel
        self._lost = lost
        self._running: engine.Engine | None = None

    @property
    def identity(self) -> str:
        return self._engine().identity

    def send(self, body: bytes, tell: Callable[[chat.Event], None]) -> Reply:
        running = self._engine()
        try:
            return running.send(body, self._cancel, tell)
        except EngineLost:
            self._running = None
            self._lost(running)
            raise

    def _engine(self) -> engine.Engine:
        self._running = self._running or self._wait()
        return self._running


@dataclass(frozen=True, slots=True)
class Turn:
    """One turn of `session`: `task` None goes on with the last one. `touched` hears of every file that is
    changed.
    """

    session: Session
    task: str | None
    resumed: bool
    settings: config.Settings
    line: Line
    ask: Ask
    emit: Emit
    cancel: Cancel
    touched: Callable[[Path], None] = lambda path: None

    def run(self) -> Outcome:
        """Raises REFUSALS and what `guarded` knows."""
        session, settings = self.session, self.settings
        self.emit(events.SessionStarted(session.id, str(session.cwd), self.resumed))
        with ExitStack() as stack:
            toolbox = Toolbox(
                session.cwd,
                session.folder,
                settings.shell_timeout,
                session.shell_cwd,
                warn=self._warn,
                touched=self.touched,
            )
            stack.callback(toolbox.close)
            texts, about = self._texts()
            approval = Approval(settings.approve, session.cwd, self.ask)
            limits = Limits(steps=settings.max_steps)
            loop = Loop(session.transcript, self.line, toolbox, approval, self.emit, self.cancel, limits)
            try:
                return loop.turn(texts, **about)
            except NothingToContinue as error:
                raise Refused(
                    "nothing was left to do in the last turn of this session; give a task"
                ) from error

    def _warn(self, text: str) -> None:
        self.emit(events.Warned(text))

    def _texts(self) -> tuple[list[str] | None, dict[str, Any]]:
        """The user messages of the turn and what is stored with them."""
        if self.task is None:
            return None, {}
        date = opening.today()
        if self.session.transcript.messages:
            session = self.session
            text = opening.later_text(session.last_date, date, self.task, session.put_back)
            return [text], {"date": date}
        return opening.first_texts(self.session.cwd, date, self.task), {"date": date}


def guarded(work: Callable[[], Outcome]) -> Outcome:
    """Every foreseeable failure as an outcome."""
    try:
        return work()
    except REFUSALS as error:
        return Outcome(Status.USAGE, problem=str(error))
    except Cancelled:
        return Outcome(Status.INTERRUPTED, problem="interrupted")
    except EngineLost as error:
        return Outcome(Status.ENGINE_LOST, problem=str(error))
    except (EngineError, TranscriptError, ShellError) as error:
        return Outcome(Status.FAILED, problem=str(error))


def tell_end(outcome: Outcome, session: str, emit: Emit, hint: str = "") -> None:
    """The last events."""
    if outcome.problem:
        emit(events.Failure(outcome.problem, outcome.kind or outcome.status.word))
    emit(events.SessionCompleted(session, outcome.status, outcome.denied, hint))
