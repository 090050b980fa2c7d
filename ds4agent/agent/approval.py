"""Who may do what. Enforced when a call is carried out, never by changing the tools (rule R6).

* full: everything.
* auto: commands, and edits of files inside the project folder. Edits outside of it are denied. The shell is
  not a sandbox: what a command may touch is what the user may touch.
* ask: every command and edit is shown, and runs when the answer is yes. With nobody to ask it is denied.

Looking at files is free in every mode. A denied call is told to the model as its result and makes the run end
with exit code 4: the user must be able to see that something did not happen.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from ds4agent.agent import textfile

Mode = Literal["ask", "auto", "full"]
# Gets the question, returns the answer; None when nobody is there.
Ask = Callable[[str], bool | None]


@dataclass(frozen=True, slots=True)
class Step:
    """What is about to happen: a question for the user, and the file that would be written, if it is one.
    `details` shows what would change; it is looked up only when somebody is asked.
    """

    question: str
    writes: Path | None = None
    details: Callable[[], str] = lambda: ""


@dataclass(frozen=True, slots=True)
class Approval:
    mode: Mode
    project: Path
    ask: Ask

    def refusal(self, step: Step) -> str | None:
        """Why the step may not happen; None when it may."""
        if self.mode == "full":
            return None
        if self.mode == "auto":
            return self._outside(step)
        answer = self.ask(f"{step.question}\n{step.details()}".rstrip("\n"))
        if answer is None:
            return "nobody is there to approve it"
        return None if answer else "the user said no"

    def _outside(self, step: Step) -> str | None:
        # Resolved, so that a link inside the project is no way out of it.
        if step.writes is None or textfile.target(step.writes).is_relative_to(self.project.resolve()):
            return None
        return f"it is outside the project folder {self.project}"
