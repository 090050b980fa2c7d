"""One user turn as a state machine over an append-only transcript.

    begin -> request -> reply with calls -> run them -> request ...
                     -> answer                       -> done

The next request is always request.body(head, messages): a pure function of what is on disk. Nothing is sent
before its user text is stored, nothing is run before the call is stored, and nothing stored is ever changed.
So every way out of a turn (answer, limit, Ctrl-C, a lost engine, kill -9) leaves a transcript that the next
turn extends.

How a turn that was cut short is closed decides whether the engine can go on from its live state:
* Interrupted while the engine wrote: what had arrived becomes the assistant's message, even if it is empty,
  because the engine has already written the assistant's marker. A call in the making is dropped.
* Interrupted before the engine had the whole request: nothing is added, it can still be sent.
* Interrupted while a tool ran: each call gets a result that says so.
* Broken off because the model repeated itself (agent.repetition): as when interrupted. The first time in a
  turn user text is added that says so, and the turn goes on; nothing is sent a second time (rule R9). The
  second time the turn fails.
* The engine was lost: nothing is added. The same request can be sent again.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Protocol

from ds4agent import resources
from ds4agent.agent import ledger as books
from ds4agent.agent import message, request
from ds4agent.agent.approval import Approval
from ds4agent.agent.calls import Runner
from ds4agent.agent.events import Emit, Item, ItemCompleted, Status, TurnCompleted, TurnFailed, TurnStarted
from ds4agent.agent.ledger import Ledger
from ds4agent.agent.message import AssistantTurn, ToolCall
from ds4agent.agent.repetition import ReplyWatch
from ds4agent.agent.stream import StreamItems, item_ids
from ds4agent.agent.terminal import ShellError
from ds4agent.agent.tools import Toolbox
from ds4agent.agent.transcript import Transcript
from ds4agent.client import chat
from ds4agent.client.cancel import Cancel, Cancelled
from ds4agent.client.errors import ContextFull, EngineError, EngineLost
from ds4agent.client.reply import Reply


class Line(Protocol):
    """The line to an engine. It may have to be started first, which the first use waits for."""

    @property
    def identity(self) -> str:
        """Tells one engine process from another."""

    def send(self, body: bytes, tell: Callable[[chat.Event], None]) -> Reply:
        """See client.chat.complete."""


# Prompts. User text, never a system message: that would be hoisted to the front of the prompt (rule R4).
SYNTAX_REMINDER = "agent/reminder_syntax.txt"
EMPTY_REMINDER = "agent/reminder_empty.txt"
REPETITION_REMINDER = "agent/reminder_repetition.txt"
_CALL_MARKUP = ("DSML｜tool_calls>", "<tool_calls>")


class NothingToContinue(Exception):
    """A turn without a task was asked for, but the last one is complete."""


@dataclass(frozen=True, slots=True)
class Limits:
    """When a turn is stopped from outside."""

    steps: int = 100
    format_errors: int = 3
    repeats: int = 10
    repetitions: int = 2


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a turn ended. `answer` is the final text; `problem` is one sentence when there is none, `kind` its
    kind where that says more than the status.
    """

    status: Status
    answer: str = ""
    problem: str = ""
    denied: int = 0
    kind: str = ""


class Loop:
    """Turns of one session on one engine."""

    def __init__(
        self,
        transcript: Transcript,
        engine: Line,
        toolbox: Toolbox,
        approval: Approval,
        emit: Emit,
        cancel: Cancel,
        limits: Limits,
    ) -> None:
        self._transcript = transcript
        self._engine = engine
        self._emit = emit
        self._limits = limits
        self._ids: Iterator[str] = item_ids()
        self._ledger = Ledger(transcript.records)
        self._runner = Runner(transcript, toolbox, approval, emit, cancel, self._ids)
        self._usage = {"input_tokens": 0, "cached_input_tokens": 0, "output_tokens": 0}
        self._format_errors = 0
        self._repetitions = 0

    def turn(self, texts: list[str] | None, **about: object) -> Outcome:
        """Run one turn. `texts` are the new user messages, None to go on with an unfinished turn; `about` is
        stored with them. Raises NothingToContinue and TranscriptError.
        """
        pending = self._begin(texts, about)
        self._emit(TurnStarted())
        try:
            outcome = self._steps(pending)
        except Cancelled:
            outcome = Outcome(Status.INTERRUPTED, problem="interrupted")
        except ContextFull as error:
            why = f"the session does not fit into the engine's context; start a new one: {error.message}"
            outcome = Outcome(Status.LIMIT, problem=why, kind="context")
        except EngineLost as error:
            outcome = Outcome(Status.ENGINE_LOST, problem=str(error))
        except (EngineError, ShellError) as error:
            outcome = Outcome(Status.FAILED, problem=str(error), denied=self._runner.denied)
        self._transcript.append("turn", status=outcome.status.word)
        self._tell_end(outcome)
        return outcome

    def _tell_end(self, outcome: Outcome) -> None:
        if outcome.problem:
            self._emit(TurnFailed(outcome.problem, self._usage))
        else:
            self._emit(TurnCompleted(self._usage))

    # -- begin -----------------------------------------------------------------------------------------------

    def _begin(self, texts: list[str] | None, about: dict[str, object]) -> tuple[ToolCall, ...]:
        """Take up what an earlier run left behind; the calls that are still to be run."""
        messages = self._transcript.messages
        left = message.pending(messages)
        if texts is None:
            if not message.unfinished(messages):
                raise NothingToContinue
            begun = self._runner.begun()
            self._runner.close([call for call in left if call.id in begun])
            self._runner.remember(messages)
            return tuple(call for call in left if call.id not in begun)
        self._runner.close(left)
        self._transcript.append("messages", [message.user(text) for text in texts], role="user", **about)
        return ()

    # -- steps -----------------------------------------------------------------------------------------------

    def _steps(self, pending: tuple[ToolCall, ...]) -> Outcome:
        if pending and (outcome := self._run(pending)):
            return outcome
        for _ in range(self._limits.steps):
            try:
                outcome = self._step(self._request())
            except chat.Enough as enough:
                outcome = self._broken_off(enough.partial)
            if outcome:
                return outcome
        steps = f"{self._limits.steps} request{'s' * (self._limits.steps > 1)}"
        return Outcome(Status.LIMIT, problem=f"stopped after {steps}, the limit of a turn (--max-steps)")

    def _request(self) -> Reply:
        """Send the next request, compare the cache, store the reply."""
        body = request.body(self._transcript.head, self._transcript.messages)
        self._ledger.before(body, self._engine.identity)
        items, watch = StreamItems(self._emit, self._ids), ReplyWatch()

        def tell(event: chat.Event) -> None:
            items.tell(event)
            watch.tell(event)

        try:
            reply = self._engine.send(body, tell)
        except chat.Stopped as stopped:
            items.close()
            self._store(stopped.partial, (), odd_end=books.INTERRUPTED)
            raise
        except (EngineError, chat.Enough):
            items.close()
            raise
        items.finish(reply)
        self._account(reply)
        return reply

    def _account(self, reply: Reply) -> None:
        if reply.usage is None:
            return
        self._usage["input_tokens"] += reply.usage.prompt
        self._usage["cached_input_tokens"] += reply.usage.cached or 0
        self._usage["output_tokens"] += reply.usage.completion
        cache = self._ledger.after(reply.usage)
        if cache:
            self._emit(cache)

    def _step(self, reply: Reply) -> Outcome | None:
        """What a reply means for the turn; None to go on."""
        whole = reply.finish not in ("length", "error")
        calls = tuple(
            ToolCall(c.id or f"call_{len(self._transcript.messages)}_{n}", c.name, "".join(c.arguments))
            for n, c in enumerate(reply.calls if whole else [])
        )
        cut = bool(reply.calls) and not calls
        self._store(reply, calls, odd_end=books.CUT if cut else None)
        if calls:
            return self._run(calls)
        if reply.finish == "length":
            return Outcome(Status.LIMIT, problem="the reply was cut off at the engine's limit of tokens")
        if not whole or any(mark in reply.content for mark in _CALL_MARKUP):
            return self._malformed(SYNTAX_REMINDER, "a malformed tool call")
        if not reply.content.strip():
            return self._malformed(EMPTY_REMINDER, "an empty reply")
        return self._answer(reply.content)

    def _answer(self, text: str) -> Outcome:
        denied = self._runner.denied
        return Outcome(Status.DENIED if denied else Status.COMPLETED, text, denied=denied)

    def _run(self, calls: tuple[ToolCall, ...]) -> Outcome | None:
        tally = self._runner.run(calls)
        if tally.interrupted:
            raise Cancelled
        if tally.repeats >= self._limits.repeats:
            return self._failed(f"the model made the same call {tally.repeats} times in a row", "loop")
        if tally.circles:
            return self._failed("the model kept making the same calls with the same results", "loop")
        if tally.malformed:
            return self._count_format_error()
        self._format_errors = 0
        return None

    def _broken_off(self, partial: Reply) -> Outcome | None:
        """The model repeated itself and the engine was stopped."""
        self._store(partial, (), odd_end=books.REPETITION)
        self._repetitions += 1
        if self._repetitions >= self._limits.repetitions:
            return self._failed("the model repeated the same text without end", "repetition")
        told = "the model repeated the same text without end; it was told to go on"
        self._remind(REPETITION_REMINDER, told)
        return None

    def _malformed(self, reminder: str, what: str) -> Outcome | None:
        outcome = self._count_format_error()
        if outcome is None:
            self._remind(reminder, f"the model wrote {what}; it was told to try again")
        return outcome

    def _remind(self, reminder: str, notice: str) -> None:
        text = resources.prompt(reminder)
        self._transcript.append("messages", [message.user(text)], role="user")
        self._emit(ItemCompleted(Item(next(self._ids), "error", {"message": notice})))

    def _count_format_error(self) -> Outcome | None:
        self._format_errors += 1
        if self._format_errors < self._limits.format_errors:
            return None
        return self._failed(f"the model wrote {self._format_errors} malformed replies in a row")

    def _failed(self, problem: str, kind: str = "") -> Outcome:
        return Outcome(Status.FAILED, problem=problem, denied=self._runner.denied, kind=kind)

    def _store(self, reply: Reply, calls: tuple[ToolCall, ...], odd_end: str | None) -> None:
        """Put the assistant's message on record with its figures."""
        about: dict[str, object] = {
            "role": "assistant",
            "engine": self._engine.identity,
            "finish": reply.finish,
        }
        if reply.usage:
            about["usage"] = {"prompt": reply.usage.prompt, "completion": reply.usage.completion}
        if odd_end:
            about["odd_end"] = odd_end
            self._ledger.odd_end(odd_end)
        turn = AssistantTurn(reply.content, reply.reasoning, calls)
        self._transcript.append("messages", [message.assistant(turn)], **about)
