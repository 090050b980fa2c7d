"""Held-out tasks that a program can check: wordings, names and values that training never sees.

A task is a dict: `family`, `files` (path -> text), `prompt` (without the environment block), and `check`:
  files    path -> exact text after the task (every file of the project)
  answer   strings that the final answer must contain
  run      a shell command that must exit 0 afterwards (only for `fix`, where any right fix counts:
           `files` is left out then)
"""

from __future__ import annotations

import random
from typing import Any

from . import compose

_FAMILIES = (
    "change",
    "change",
    "change_spoken",
    "change_text",
    "rename",
    "lookup",
    "lookup",
    "lookup_spoken",
    "find",
    "append",
    "create_line",
    "create_block",
    "create_lines",
    "create_program",
    "run",
    "run_script",
    "fix",
    "fix",
    "several",
    "question",
)


def heldout_tasks(n: int, seed: int) -> list[dict[str, Any]]:
    """`n` single-request tasks, the families in turn."""
    out: list[dict[str, Any]] = []
    attempt = 0
    while len(out) < n:
        attempt += 1
        family = _FAMILIES[len(out) % len(_FAMILIES)]
        session = compose.build(random.Random(f"{seed}/{attempt}"), "heldout", 5000, tasks=1, only=family)
        if not session.tasks or session.steps[0].kind == "instructions":
            continue
        task = session.tasks[0]
        check: dict[str, Any] = {"files": task.goal, "answer": list(task.answers)}
        if task.family == "fix":
            command = next(str(s.arguments["command"]) for s in session.steps if s.kind == "call")
            check = {"run": command}
        out.append({"family": family, "files": task.start, "prompt": task.prompt, "check": check})
    return out
