"""A session under construction: the messages, the repository they speak of, and a record that can be
replayed for real.

Families call `user`, `call` (which simulates the tool and records its result) and `answer`. The rendered
form is held equal to `ds4agent.wire.template.render_chat` by a unit test.
"""

from __future__ import annotations

import functools
import random
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from ..document import Document, Segment  # noqa: TID252
from . import names, stumbling
from .grammar import GIVEN
from .tree import Tree

if TYPE_CHECKING:
    from .history import Commit, History

BOS, EOS, USER, ASSISTANT = (
    "<｜begin▁of▁sentence｜>",
    "<｜end▁of▁sentence｜>",
    "<｜User｜>",
    "<｜Assistant｜>",
)
_PROMPTS = Path(__file__).resolve().parents[4] / "prompts"
TOOL_RESULT_WEIGHT = 0.1
USER_WEIGHT = 0.1


@functools.cache
def prefix() -> str:
    """The frozen head of every agent session, up to the first turn."""
    dsml, agent = _PROMPTS / "dsml", _PROMPTS / "agent"

    def read(path: Path) -> str:
        return path.read_bytes().decode()

    schemas = "\n".join(read(agent / f"tool_{name}.json") for name in ("bash", "str_replace_editor"))
    return (
        BOS
        + read(dsml / "tools_head.txt")
        + schemas
        + read(dsml / "tools_tail.txt")
        + "\n\n"
        + read(agent / "system.txt")
    )


def render_call(tool: str, arguments: dict[str, object]) -> str:
    import json

    lines = [f'<｜DSML｜invoke name="{tool}">']
    for name, value in arguments.items():
        raw = isinstance(value, str)
        text = value if isinstance(value, str) else json.dumps(value, separators=(",", ":"))
        lines.append(
            f'<｜DSML｜parameter name="{name}" string="{json.dumps(raw)}">{text}</｜DSML｜parameter>'
        )
    lines.append("</｜DSML｜invoke>")
    return "\n\n<｜DSML｜tool_calls>\n" + "\n".join(lines) + "\n</｜DSML｜tool_calls>"


@dataclass
class Step:
    """One thing that happened, in order. `kind`: instructions, user, call, answer."""

    kind: str
    text: str = ""
    think: str = ""
    tool: str = ""
    arguments: dict[str, object] = field(default_factory=dict)
    result: str = ""
    learnt: bool = True  # not a mistake


@dataclass
class Task:
    """What one user turn asked for.

    `start` and `goal` are whole trees, `answers` must all occur in the final answer.
    """

    family: str
    prompt: str
    start: dict[str, str]
    goal: dict[str, str] = field(default_factory=dict)
    answers: tuple[str, ...] = ()
    steps: int = 0


class Session:
    def __init__(self, rng: random.Random, split: str, tree: Tree, environment: str) -> None:
        self.rng, self.split, self.tree = rng, split, tree
        self.environment = environment
        self.steps: list[Step] = []
        self.tasks: list[Task] = []
        self.initial = dict(tree.files)
        self.joining = False
        self.history: History | None = None  # of the repository, where questions about it are answered
        self.committed: tuple[dict[str, str], list[Commit]] | None = None  # as the session began
        self._asked: list[str] = []
        self._answered: list[tuple[str, tuple[str, ...]]] = []
        self._carried = ""

    # -- several requests in one message ----------------------------------------------------------------

    def begin_joined(self) -> None:
        """From here until `end_joined`, requests and answers are collected instead of becoming turns."""
        self.joining, self._asked, self._answered, self._carried = True, [], [], ""
        self._mark, self._before = len(self.steps), dict(self.tree.files)

    def end_joined(self, prompt: str) -> None:
        """Put the joined request in front of the collected steps and answer all of it at once."""
        self.joining = False
        self.steps.insert(self._mark, Step("user", self._dated(prompt)))
        self.tasks.append(Task("several", prompt, self._before, steps=self._mark + 1))
        carried, self._carried = self._carried, ""
        self.answer(
            carried + " All parts are done.",
            " ".join(t for t, _ in self._answered),
            *[a for _, more in self._answered for a in more],
        )

    @property
    def asked(self) -> list[str]:
        return self._asked

    # -- what families use ------------------------------------------------------------------------------

    def user(self, family: str, prompt: str) -> None:
        if self.joining:
            self._asked.append(prompt)
            return
        prompt = prompt.replace(GIVEN, "")
        self.steps.append(Step("user", self._dated(prompt)))
        self.tasks.append(Task(family, prompt, dict(self.tree.files), steps=len(self.steps)))

    def _dated(self, prompt: str) -> str:
        """The message of a turn: the first one tells the environment, a later one a new date."""
        if not self.tasks:
            return self.environment + prompt
        if self.rng.random() < 0.03:
            year, month, day = self.rng.randint(2024, 2029), self.rng.randint(1, 12), self.rng.randint(1, 28)
            return f"date: {year}-{month:02d}-{day:02d}\n\n{prompt}"
        return prompt

    def call(self, think: str, tool: str, arguments: dict[str, object], result: str) -> str:
        """Record a tool call that was carried out already; a look may follow one at the wrong place."""
        return self.record(stumbling.before_look(self, think, tool, arguments), tool, arguments, result)

    def record(
        self, think: str, tool: str, arguments: dict[str, object], result: str, learnt: bool = True
    ) -> str:
        """Record a tool call just as it is."""
        self.steps.append(Step("call", "", self._lead(think), tool, arguments, result, learnt))
        return result

    def bash(self, think: str, command: str, result: str) -> str:
        """Record a shell call whose (already simulated) result is `result`."""
        return self.call(think, "bash", {"command": command}, result)

    def edit(self, think: str, **arguments: object) -> str:
        """Run an editor call on the tree and record it."""
        if arguments["command"] == "str_replace":
            think = stumbling.before_edit(self, think, arguments)
        return self.call(think, "str_replace_editor", arguments, self.tree.editor(arguments))

    def _lead(self, think: str) -> str:
        """The closing thought of a joined request's last part goes before the next part's first."""
        carried, self._carried = self._carried, ""
        return f"{carried} Next: {think}" if carried else think

    def answer(self, think: str, text: str, *answers: str) -> None:
        if self.joining:
            self._answered.append((text, answers))
            self._carried = think
            return
        self.steps.append(Step("answer", text, think=think))
        task = self.tasks[-1]
        task.goal, task.answers = dict(self.tree.files), answers
        task.steps = len(self.steps) - task.steps

    # -- rendering --------------------------------------------------------------------------------------

    def document(self) -> Document:
        return [Segment(prefix(), 0.0), *body_segments(self.steps)]

    def messages(self) -> list[dict[str, object]]:
        """OpenAI-shaped messages without the system text (for tests and evaluation)."""
        out: list[dict[str, object]] = []
        for number, step in enumerate(self.steps):
            if step.kind in ("user", "instructions"):
                out.append({"role": "user", "content": step.text})
            elif step.kind == "call":
                call = {"id": f"call_{number}", "name": step.tool, "arguments": step.arguments}
                out.append(
                    {"role": "assistant", "reasoning_content": step.think, "content": "", "call": call}
                )
                out.append({"role": "tool", "tool_call_id": f"call_{number}", "content": step.result})
            else:
                out.append({"role": "assistant", "reasoning_content": step.think, "content": step.text})
        return out


def body_segments(steps: list[Step]) -> Document:
    """Segments of the turns: input text is lightly weighted, what the assistant writes fully."""
    out: Document = []
    pending = ""
    for step in steps:
        if step.kind in ("user", "instructions"):
            pending += USER + step.text
            continue
        out.append(Segment(pending + ASSISTANT, USER_WEIGHT))
        if step.kind == "call":
            said = f"<think>{step.think}</think>{render_call(step.tool, step.arguments)}{EOS}"
            out.append(Segment(said, 1.0 if step.learnt else 0.0))
            result = step.result.replace("</tool_result>", "&lt;/tool_result>")
            pending = f"{USER}<tool_result>{result}</tool_result>"
        else:
            out.append(Segment(f"<think>{step.think}</think>{step.text}{EOS}", 1.0))
            pending = ""
    return out


def environment(rng: random.Random, split: str) -> tuple[str, str]:
    """The environment block of a first message, and its cwd."""
    w = names.word
    project = names.style(names.parts(rng, split, 1, 2), rng.choice(("kebab", "snake", "snake")))
    cwd = rng.choice(
        (
            lambda: f"/home/{w(rng, split)}/{project}",
            lambda: f"/home/{w(rng, split)}/{w(rng, split)}/{project}",
            lambda: (
                f"/Users/{w(rng, split)}/{rng.choice(('code', 'src', 'dev', 'projects', 'work'))}/{project}"
            ),
            lambda: (
                f"/tmp/pytest-of-{rng.choice(('root', 'ci', w(rng, split)))}/pytest-{rng.randint(0, 99)}"
                f"/test_{w(rng, split)}{rng.randint(0, 9)}/{rng.choice(('repo', 'project', 'work', project))}"
            ),
            lambda: (
                f"/tmp/tmp{''.join(rng.choice('abcdefghijklmnopqrstuvwxyz0123456789_') for _ in range(8))}"
                f"{rng.choice(('', '/repo', '/project', '/work'))}"
            ),
            lambda: f"/tmp/{project}",
            lambda: f"/work/{project}",
            lambda: f"/root/{project}",
            lambda: f"/workspace/{project}",
            lambda: f"/srv/{w(rng, split)}/{project}",
            lambda: f"/opt/{project}",
            lambda: "/repo",
            lambda: f"/var/lib/{w(rng, split)}/{project}",
            lambda: f"/data/{w(rng, split)}/{project}",
        )
    )()
    branch = rng.choice(
        (
            "main",
            "main",
            "master",
            "master",
            "dev",
            "develop",
            f"feature/{w(rng, split)}",
            f"fix-{w(rng, split)}",
            w(rng, split),
        )
    )
    changed = rng.randint(1, 12)
    state = "clean" if rng.random() < 0.55 else f"{changed} changed file{'s' if changed > 1 else ''}"
    if rng.random() < 0.1:
        state = f"{changed} changed files"
    git = "none" if rng.random() < 0.25 else f"{branch}, {state}"
    date = f"20{rng.randint(24, 29)}-{rng.randint(1, 12):02d}-{rng.randint(1, 28):02d}"
    return f"<environment>\ncwd: {cwd}\ndate: {date}\ngit: {git}\n</environment>\n\n", cwd
