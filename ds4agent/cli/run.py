"""`ds4agent run TASK`: one turn of a session, without a person beside it.

stdout is for programs: the final answer alone, or with --json every event, one object a line. stderr is for
people. The exit code says how it ended (agent.events.Status); `session.completed` is always the last event.
"""

import json
import os
import signal
import sys
import termios
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import IO, Any

import click

from ds4agent import config, paths
from ds4agent.agent import events, sessions, work
from ds4agent.agent.events import Event, Status
from ds4agent.agent.loop import Outcome
from ds4agent.agent.sessions import Session
from ds4agent.agent.work import Refused
from ds4agent.cli.progress import Progress, visible
from ds4agent.client import engine
from ds4agent.client.cancel import Cancel

# What is asked about fits on a screen or two.
MOST_LINES_SHOWN = 80


@dataclass(frozen=True, slots=True)
class Asked:
    """The command line."""

    words: tuple[str, ...]
    as_json: bool
    cwd: str | None
    session: str | None
    proceed: bool
    flags: dict[str, Any]


@click.command("run")
@click.argument("words", nargs=-1, metavar="[TASK]")
@click.option("--json", "as_json", is_flag=True, help="Print events, one JSON object a line.")
@click.option("--cwd", metavar="DIR", help="The project folder (default: where you are).")
@click.option("--session", metavar="ID", help="Continue this session.")
@click.option("--continue", "proceed", is_flag=True, help="Continue the last session of the project folder.")
@click.option("--approve", type=click.Choice(["ask", "auto", "full"]), help="Which steps need a yes.")
@click.option("--model", metavar="M", help="A GGUF file, or for an engine at a URL the model's name.")
@click.option("--engine", metavar="E", help="auto, embedded, the path of an engine, or its http address.")
@click.option("--max-steps", type=int, metavar="N", help="Requests to the engine in one turn.")
@click.pass_context
def command(
    ctx: click.Context,
    /,
    words: tuple[str, ...],
    as_json: bool,
    cwd: str | None,
    session: str | None,
    proceed: bool,
    **flags: Any,
) -> None:
    """Carry out TASK in the project folder. `-` reads the task from standard input.

    With --continue or --session and no TASK an unfinished turn goes on where it was.
    """
    ctx.exit(Run(Asked(words, as_json, cwd, session, proceed, flags)).execute().value)


class Run:
    """One invocation: its outputs, its cancel flag, and the things that have to be put away."""

    def __init__(self, asked: Asked) -> None:
        self._asked = asked
        self._cancel = Cancel()
        self._progress = Progress(sys.stderr)
        self._json = JsonLines(sys.stdout) if asked.as_json else None
        self._session: Session | None = None

    def execute(self) -> Status:
        """Run it, say how it ended, and put everything away. Never raises for what can be foreseen."""
        with ExitStack() as stack:
            outcome = self._answered(work.guarded(lambda: self._turn(stack)))
        name = self._session.id if self._session else ""
        work.tell_end(outcome, name, self._emit, self._hint(outcome))
        return outcome.status

    def _hint(self, outcome: Outcome) -> str:
        """The command that goes on after a turn that did not end well."""
        if (
            not self._session
            or outcome.status in (Status.COMPLETED, Status.USAGE)
            or outcome.kind == "context"
        ):
            return ""
        open_turn = work.unfinished(self._session) and outcome.kind != "loop"
        return f"ds4agent run --session {self._session.id}{'' if open_turn else ' TASK'}"

    def _answered(self, outcome: Outcome) -> Outcome:
        """The answer is on stdout, or it is a failure that it is not."""
        if not outcome.answer or self._json:
            return outcome
        why = _print(outcome.answer)
        return Outcome(Status.FAILED, problem=f"the answer could not be printed: {why}") if why else outcome

    def _emit(self, event: Event) -> None:
        self._progress(event)
        if self._json:
            self._json.write(event)

    def _turn(self, stack: ExitStack) -> Outcome:
        settings = config.load(self._asked.flags)
        task = self._task()
        _on_signals(self._cancel)  # not before: Ctrl-C has to end the reading of a task from the terminal
        cwd = _folder(self._asked.cwd)
        resumed = self._resumed(cwd)
        if resumed:
            stack.callback(resumed.transcript.close)
        coming = engine.call(engine.wanted(settings), self._cancel, self._on_prefill)
        stack.callback(coming.stop)
        session = resumed or self._created(stack, settings, cwd, task or "")
        self._session = session
        line = work.EngineLine(lambda: coming.wait(self._cancel), self._cancel)
        known = resumed is not None
        return work.Turn(session, task, known, settings, line, self._ask, self._emit, self._cancel).run()

    def _created(self, stack: ExitStack, settings: config.Settings, cwd: Path, task: str) -> Session:
        session = work.begin(settings, cwd, task)
        stack.callback(session.transcript.close)
        return session

    def _resumed(self, cwd: Path) -> Session | None:
        """The session that is to be continued; None for a new one."""
        asked = self._asked
        if asked.session and asked.proceed:
            raise Refused("--session and --continue exclude each other")
        if not asked.session and not asked.proceed:
            return None
        name = asked.session or sessions.latest(paths.sessions(), cwd)
        return work.resume(name, cwd if asked.cwd else None)

    def _task(self) -> str | None:
        """The text of the task; None to go on without a new one."""
        asked = self._asked
        if not asked.words:
            if asked.session or asked.proceed:
                return None
            raise Refused("there is no task; give one in quotes, or - to read it from standard input")
        if len(asked.words) > 1:
            raise Refused(f"the task is {len(asked.words)} arguments; put it in quotes")
        task = asked.words[0]
        if task == "-":
            task = sys.stdin.buffer.read().decode("utf-8", "replace")
        if not task.strip():
            raise Refused("the task is empty")
        return task.encode("utf-8", "replace").decode()

    def _on_prefill(self, done: int, total: int, rate: float) -> None:
        self._progress(events.Prefill(done, total, rate))

    def _ask(self, question: str) -> bool | None:
        """Ask on the terminal; None when nobody is there."""
        if not (sys.stdin.isatty() and sys.stderr.isatty()):
            return None
        # What was typed before the question was not an answer to it.
        with suppress(termios.error):
            termios.tcflush(sys.stdin.fileno(), termios.TCIFLUSH)
        sys.stderr.write(f"{visible(_shortened(question))}\nallow this? [y/N] ")
        sys.stderr.flush()
        while not self._cancel.wait_readable(sys.stdin.fileno(), None):
            pass
        return os.read(sys.stdin.fileno(), 4096).decode("utf-8", "replace").strip().lower() in ("y", "yes")


class JsonLines:
    """Events on stdout. A reader that went away does not stop the work."""

    def __init__(self, out: IO[str]) -> None:
        self._out: IO[str] | None = out

    def write(self, event: Event) -> None:
        found = events.to_json(event)
        if found is None or self._out is None:
            return
        try:
            self._out.write(json.dumps(found, ensure_ascii=True, separators=(",", ":")) + "\n")
            self._out.flush()
        except OSError:
            _abandon(self._out)
            self._out = None


def _shortened(question: str) -> str:
    """As much of a long edit as can be read; the beginning and the end of it."""
    lines = question.split("\n")
    if len(lines) <= MOST_LINES_SHOWN:
        return question
    half = MOST_LINES_SHOWN // 2
    left_out = f"... {len(lines) - 2 * half} lines not shown ..."
    return "\n".join([*lines[:half], left_out, *lines[-half:]])


def _print(answer: str) -> str:
    """Why the answer could not be printed; a reader that has seen enough is no failure."""
    try:
        sys.stdout.buffer.write(answer.encode("utf-8", "replace") + b"\n" * (not answer.endswith("\n")))
        sys.stdout.flush()
    except OSError as error:
        _abandon(sys.stdout)
        return "" if isinstance(error, BrokenPipeError) else error.strerror or str(error)
    return ""


def _abandon(out: IO[str]) -> None:
    """Python flushes stdout at exit and would complain that nobody reads."""
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, out.fileno())
    os.close(null)


def _on_signals(cancel: Cancel) -> None:
    """The first signal stops the turn, the second one the process: nothing on disk depends on a clean end."""

    def handle(number: int, frame: FrameType | None) -> None:
        if cancel.is_set():
            os._exit(Status.INTERRUPTED.value)
        cancel.set()

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        if number != signal.SIGHUP or signal.getsignal(number) != signal.SIG_IGN:  # nohup
            signal.signal(number, handle)


def _folder(given: str | None) -> Path:
    path = Path(given) if given is not None else Path()
    if not path.is_dir():
        raise Refused(f"{path} is not a folder")
    return path.resolve()
