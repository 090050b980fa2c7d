"""The two tools: from a call as the model wrote it to the text of its result.

A call is first prepared (arguments checked, the step described), then approved, then run. Every failure is a
result text: the model is told, the loop goes on. Only the loop decides when it has seen too many.
"""

import itertools
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from ds4agent.agent import diff, editor, textfile
from ds4agent.agent.approval import Step
from ds4agent.agent.changes.keeper import Keeper
from ds4agent.agent.editor import BadArguments, EditError, Editor, Viewed
from ds4agent.agent.editor import Call as EditCall
from ds4agent.agent.message import ToolCall
from ds4agent.agent.repeats import STILL_RUNNING
from ds4agent.agent.shell import Shell, ShellResult
from ds4agent.client.cancel import Cancel

SCHEMAS = ("bash", "str_replace_editor")
LOST_SHELL = "[the shell ended and was restarted]"
INTERRUPTED = "[interrupted by the user]"


class MalformedCall(Exception):
    """The model wrote a call that cannot be carried out; the message is its result."""


@dataclass(frozen=True, slots=True)
class Done:
    """A call that ran. `fields` complete its item, `summary` is one line for people."""

    text: str
    fields: dict[str, Any] = field(default_factory=dict)
    failed: bool = False
    interrupted: bool = False
    summary: str = ""


class Job(Protocol):
    """A checked call. `step` is None for what needs no approval."""

    @property
    def kind(self) -> str: ...
    @property
    def fields(self) -> dict[str, Any]: ...
    @property
    def step(self) -> Step | None: ...
    def run(self, cancel: Cancel) -> Done: ...


@dataclass(frozen=True, slots=True)
class BashJob:
    shell: Shell
    command: str
    limit: float
    keeper: Keeper
    kind: str = "command_execution"

    @property
    def fields(self) -> dict[str, Any]:
        return {"command": self.command}

    @property
    def step(self) -> Step | None:
        return Step(f"run: {self.command}") if self.command.strip() else None

    def run(self, cancel: Cancel) -> Done:
        cancel.check()
        self.keeper.command_begins(cancel)
        try:
            result = self.shell.run(self.command, cancel)
        finally:
            self.keeper.command_ends(self.shell.running)
        fields = {"aggregated_output": result.text, "exit_code": result.exit_code}
        failed = result.exit_code != 0 and not result.running
        return Done(bash_text(result, self.limit), fields, failed, result.interrupted, _bash_summary(result))


@dataclass(frozen=True, slots=True)
class EditJob:
    tool: Editor
    call: EditCall
    keeper: Keeper

    @property
    def kind(self) -> str:
        return "file_change" if self.call.edits else "tool_call"

    @property
    def fields(self) -> dict[str, Any]:
        if self.call.edits:
            return {"path": self.call.path}
        return {"tool": editor.NAME, "arguments": self.call.arguments}

    @property
    def step(self) -> Step | None:
        if not self.call.edits:
            return None
        question = f"{self.call.command} {self.call.path}"
        return Step(question, self.tool.target(self.call), lambda: self.tool.preview(self.call))

    def run(self, cancel: Cancel) -> Done:
        cancel.check()
        try:
            if self.call.edits:
                with self.keeper.edit(textfile.target(self.tool.target(self.call))):
                    made = self.tool.run(self.call)
            else:
                made = self.tool.run(self.call)
        except BadArguments as error:
            raise MalformedCall(str(error)) from error
        except EditError as error:
            return Done(str(error), {"error": str(error)}, failed=True, summary=str(error))
        if isinstance(made, Viewed):
            return Done(made.text)
        kind = "add" if made.before is None else "update"
        fields = {"diff": made.unified(), "changes": [{"path": made.path, "kind": kind}]}
        return Done(made.text, fields, summary=diff.one_line(made.before, made.after))


class Toolbox:
    """The tools of one session; `folder` is where spilled output and the shell's scratch file live."""

    def __init__(
        self,
        cwd: Path,
        folder: Path,
        limit: float,
        shell_cwd: Path | None = None,
        environment: Mapping[str, str] | None = None,
        warn: Callable[[str], None] = lambda message: None,
        touched: Callable[[Path], None] = lambda path: None,
    ) -> None:
        spill_path = _fresh_names(folder / "output")
        self._limit = limit
        self.shell = Shell(cwd, folder / "shell", spill_path, limit, environment)
        self.shell.cwd = shell_cwd or cwd
        self._editor = Editor(cwd, spill_path)
        self._keeper = Keeper(folder, cwd, warn, touched)

    def prepare(self, call: ToolCall) -> Job:
        """Raises MalformedCall."""
        arguments = _arguments(call)
        if call.name == "bash":
            command = arguments.get("command")
            if not isinstance(command, str):
                why = "command is missing" if command is None else "command is not a string"
                raise MalformedCall(f"Error: invalid arguments for bash: {why}.")
            if not _encodes(command):
                why = "command holds half a surrogate pair; write the character itself"
                raise MalformedCall(f"Error: invalid arguments for bash: {why}.")
            return BashJob(self.shell, command, self._limit, self._keeper)
        try:
            return EditJob(self._editor, EditCall.parse(arguments), self._keeper)
        except BadArguments as error:
            raise MalformedCall(str(error)) from error

    def close(self) -> None:
        self.shell.close()
        self._keeper.close()


def _fresh_names(folder: Path) -> Callable[[], Path]:
    """File names that no earlier run of the session has used."""
    taken = (
        [int(path.stem) for path in folder.glob("*.txt") if path.stem.isdecimal()] if folder.is_dir() else []
    )
    numbers = itertools.count(max(taken, default=0) + 1)
    return lambda: folder / f"{next(numbers):04d}.txt"


def _arguments(call: ToolCall) -> dict[str, Any]:
    if call.name not in SCHEMAS:
        raise MalformedCall(f"Error: unknown tool {call.name}.")
    try:
        arguments = json.loads(call.arguments)
    except (ValueError, RecursionError) as error:
        raise MalformedCall(f"Error: invalid arguments for {call.name}: not JSON ({error}).") from error
    if not isinstance(arguments, dict):
        raise MalformedCall(f"Error: invalid arguments for {call.name}: not an object.")
    return arguments


def _encodes(text: str) -> bool:
    """Whether it can be written down: JSON may hold half a surrogate pair, files may not."""
    try:
        text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        return False
    return True


def bash_text(result: ShellResult, limit: float) -> str:
    """The result of the bash tool, as the model reads it."""
    lines = [result.text] if result.text else []
    if result.interrupted:
        lines.append(INTERRUPTED)
    elif result.running:
        lines.append(f"{STILL_RUNNING}{limit:g} s; call bash with an empty command to wait for more]")
    elif result.exit_code:
        lines.append(f"[exit code: {result.exit_code}]")
    if result.died:
        lines.append(LOST_SHELL)
    return "\n".join(lines) or "(no output)"


def _bash_summary(result: ShellResult) -> str:
    if result.interrupted:
        return "interrupted"
    if result.running:
        return "still running"
    lines = result.text.count("\n") + 1 if result.text else 0
    return f"exit {result.exit_code}, {lines} line{'s' * (lines != 1)}"
