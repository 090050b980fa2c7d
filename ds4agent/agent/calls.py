"""Carry out the calls of one assistant message, in order, and put their results on record.

Before a call runs, that it begins is written to the transcript: after a crash the agent knows which call may
have run in part, and never runs it a second time by itself. Each result is on disk before the next call
begins. Every call gets exactly one result, whatever happens (rule R10).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ds4agent.agent import message
from ds4agent.agent.approval import Approval
from ds4agent.agent.events import Emit, Item, ItemCompleted, ItemStarted
from ds4agent.agent.message import ToolCall
from ds4agent.agent.repeats import CallGuard
from ds4agent.agent.terminal import ShellError
from ds4agent.agent.tools import Done, Job, MalformedCall, Toolbox
from ds4agent.agent.transcript import Transcript
from ds4agent.client.cancel import Cancel, Cancelled

NOT_RUN = "Error: not run; the user interrupted the turn."
NEVER_BEGUN = "Error: not run; the agent was stopped before it came to this call."
BROKEN_OFF = "Error: the agent was stopped while this call ran; look what it did before you run it again."


@dataclass(slots=True)
class Tally:
    """What the calls of a turn amounted to."""

    denied: int = 0
    malformed: bool = False
    interrupted: bool = False
    repeats: int = 0
    circles: bool = False


class Runner:
    """Runs calls for the loop. One instance a turn."""

    def __init__(
        self,
        transcript: Transcript,
        toolbox: Toolbox,
        approval: Approval,
        emit: Emit,
        cancel: Cancel,
        ids: Iterator[str],
    ) -> None:
        self._transcript = transcript
        self._toolbox = toolbox
        self._approval = approval
        self._emit = emit
        self._cancel = cancel
        self._ids = ids
        self._guard = CallGuard()
        self.denied = 0

    def remember(self, messages: Sequence[bytes]) -> None:
        """Count the repeats of a turn that is taken up in its middle."""
        self._guard = CallGuard.taken_up(messages)

    def run(self, calls: Sequence[ToolCall]) -> Tally:
        tally = Tally()
        self._guard.reply()
        for call in calls:
            if tally.interrupted:
                self._record(call, NOT_RUN)
            else:
                self._one(call, tally)
        self.denied += tally.denied
        tally.repeats, tally.circles = self._guard.row, self._guard.circles
        return tally

    def close(self, calls: Sequence[ToolCall]) -> None:
        """Give calls that a stopped agent left behind the result that tells so."""
        begun = self.begun()
        for call in calls:
            self._record(call, BROKEN_OFF if call.id in begun else NEVER_BEGUN)

    def begun(self) -> set[str]:
        """Ids of the calls of the last assistant message that began to run."""
        found = set()
        for record in reversed(self._transcript.records):
            if record.fields.get("role") == "assistant":
                break
            if record.kind == "call":
                found.add(record.fields["id"])
        return found

    def _one(self, call: ToolCall, tally: Tally) -> None:
        try:
            job = self._toolbox.prepare(call)
            done = self._approved(call, job, tally)
        except MalformedCall as error:
            tally.malformed = True
            done = Done(str(error))
            self._malformed(call, str(error))
        except Cancelled:
            done = Done(NOT_RUN, interrupted=True)
        tally.interrupted = done.interrupted
        self._record(call, done.text + self._guard.see(call, done.text))

    def _approved(self, call: ToolCall, job: Job, tally: Tally) -> Done:
        self._cancel.check()
        item = Item(next(self._ids), job.kind, {**job.fields, "status": "in_progress"})
        self._emit(ItemStarted(item))
        refusal = self._approval.refusal(job.step) if job.step else None
        if refusal:
            tally.denied += 1
            done = Done(f"Error: denied: {refusal}.", {"error": f"denied: {refusal}"}, summary="denied")
            status = "declined"
        else:
            self._transcript.append("call", id=call.id)
            try:
                done = self._run(job)
            except ShellError as error:
                about = {**item.fields, "error": str(error), "status": "failed"}
                self._emit(ItemCompleted(Item(item.id, item.type, about), str(error)))
                raise
            status = "failed" if done.failed or done.interrupted else "completed"
        item = Item(item.id, item.type, {**item.fields, **done.fields, "status": status})
        self._emit(ItemCompleted(item, done.summary))
        return done

    def _malformed(self, call: ToolCall, why: str) -> None:
        about = {"tool": call.name, "arguments": call.arguments, "error": why, "status": "failed"}
        self._emit(ItemCompleted(Item(next(self._ids), "tool_call", about)))

    def _run(self, job: Job) -> Done:
        try:
            return job.run(self._cancel)
        except Cancelled:
            return Done(NOT_RUN, {"error": "interrupted"}, interrupted=True)

    def _record(self, call: ToolCall, text: str) -> None:
        about = {"shell_cwd": str(self._toolbox.shell.cwd)} if call.name == "bash" else {}
        self._transcript.append("messages", [message.tool_result(call.id, text)], role="tool", **about)
