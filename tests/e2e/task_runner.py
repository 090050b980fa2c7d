"""Run one hand-written task through the real agent in a real git repository and judge what is left.

A task (`tasks/<set>/<family>.toml`) is a prompt, the files it starts from and what must hold at the end:

    files          path -> text, committed before the agent starts; none: an empty repository
    commit         the subject of that commit, where it matters
    equals         path -> text afterwards; the last newline of a file that is new may be missing
    changed        paths that may differ where the result is judged by `command` alone
    command        shell line that must exit 0 afterwards
    answer         words that the final answer must hold; answer_any: at least one of them;
    answer_lacks   words it must not hold
    no_tools       the answer must come without a tool call

Any other file must be as it was, and nothing may be added but the caches of the tools that were run:
an agent that breaks something on its way to the goal has failed.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

TASKS = Path(__file__).parent / "tasks"
LIMIT_S = 120
NOT_CONTENT = {".git", "__pycache__", ".pytest_cache"}


@dataclass(frozen=True)
class Task:
    task_set: str
    family: str
    name: str
    prompt: str
    files: dict[str, str] = field(default_factory=dict)
    commit: str = "Start"
    equals: dict[str, str] = field(default_factory=dict)
    changed: list[str] = field(default_factory=list)
    command: str | None = None
    answer: list[str] = field(default_factory=list)
    answer_any: list[str] = field(default_factory=list)
    answer_lacks: list[str] = field(default_factory=list)
    no_tools: bool = False


@dataclass(frozen=True)
class Outcome:
    """What one `ds4agent run --json` did."""

    exit_code: int
    events: list[dict[str, Any]]
    stderr: str

    def of(self, kind: str) -> list[dict[str, Any]]:
        return [event for event in self.events if event["type"] == kind]

    @property
    def answer(self) -> str:
        """The text of the last message."""
        items = [event["item"] for event in self.of("item.completed")]
        return next((item["text"] for item in reversed(items) if item["type"] == "agent_message"), "")

    @property
    def tool_calls(self) -> int:
        kinds = {"command_execution", "file_change", "tool_call"}
        return sum(event["item"]["type"] in kinds for event in self.of("item.completed"))


def load_tasks() -> Iterator[Task]:
    for path in sorted(TASKS.glob("*/*.toml")):
        for entry in tomllib.loads(path.read_text())["task"]:
            yield Task(task_set=path.parent.name, family=path.stem, **entry)


def make_repository(folder: Path, files: Mapping[str, str], subject: str) -> None:
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    who = ["-c", "user.name=Robin Tester", "-c", "user.email=robin@tester.example"]
    for words in (
        ["init", "-q", "-b", "main"],
        ["add", "-A"],
        [*who, "commit", "-q", "--allow-empty", "-m", subject],
    ):
        subprocess.run(["git", *words], cwd=folder, check=True)


def run_agent(folder: Path, engine: str, env: Mapping[str, str], *words: str) -> Outcome:
    """`ds4agent run --json --cwd FOLDER --engine ENGINE WORDS...` as a process of its own."""
    command = [sys.executable, "-m", "ds4agent", "run", "--json", "--cwd", str(folder), "--engine", engine]
    process = subprocess.Popen(
        [*command, *words], env=dict(env), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    try:
        out, err = process.communicate(timeout=LIMIT_S)
    except subprocess.TimeoutExpired:
        # As a person would: Ctrl-C ends the turn, and what was done so far is judged.
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=LIMIT_S)
    return Outcome(process.returncode, [json.loads(line) for line in out.splitlines()], err)


def private_environment(home: Path) -> dict[str, str]:
    """This process's environment with a home folder of its own, so that no user setting leaks in."""
    env = {key: value for key, value in os.environ.items() if not key.startswith(("DS4AGENT_", "XDG_"))}
    env |= {"HOME": str(home), "PYTHONDONTWRITEBYTECODE": "1", "GIT_CONFIG_NOSYSTEM": "1"}
    return env


def _contents(folder: Path) -> dict[str, str]:
    paths = (p for p in folder.rglob("*") if p.is_file() and not NOT_CONTENT & set(p.parts))
    return {str(p.relative_to(folder)): p.read_text(errors="replace") for p in paths}


def _file_faults(task: Task, folder: Path) -> Iterator[str]:
    now = _contents(folder)
    for name, wanted in task.equals.items():
        found = now.get(name)
        same = found == wanted if name in task.files else (found or "").rstrip("\n") == wanted.rstrip("\n")
        if found is None:
            yield f"{name} is missing"
        elif not same:
            yield f"{name} is {found!r}"
    free = {*task.equals, *task.changed}
    for name in sorted(set(now) | set(task.files) - free):
        if name not in free and now.get(name) != task.files.get(name):
            yield f"{name} was touched"


def _answer_faults(task: Task, outcome: Outcome) -> Iterator[str]:
    text = outcome.answer.casefold()
    missing = [word for word in task.answer if word.casefold() not in text]
    wrong = [word for word in task.answer_lacks if word.casefold() in text]
    if missing or wrong or (task.answer_any and not any(w.casefold() in text for w in task.answer_any)):
        yield f"answer is {outcome.answer!r}"
    if task.no_tools and outcome.tool_calls:
        yield f"{outcome.tool_calls} tool calls for a plain question"


def faults(task: Task, folder: Path, outcome: Outcome) -> list[str]:
    """Why the task is not done; empty if it is."""
    found = [] if outcome.exit_code == 0 else [f"exit code {outcome.exit_code}: {outcome.stderr[-300:]}"]
    found += _file_faults(task, folder)
    found += _answer_faults(task, outcome)
    if task.command:
        check = subprocess.run(["sh", "-c", f"PYTHONDONTWRITEBYTECODE=1 {task.command}"], cwd=folder,
                               capture_output=True, text=True, timeout=60, check=False)  # fmt: skip
        if check.returncode:
            found.append(f"`{task.command}` fails: {(check.stdout + check.stderr)[-200:]}")
    return found
