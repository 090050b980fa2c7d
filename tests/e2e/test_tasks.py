"""The held-out tasks: how many of them the bundled model does through the real agent.

The goal is 85 of 100; native/train/MODEL_CARD.md has the scores of the shipped model and what limits them.
The test prints the rate by family and the distance to the goal, and fails when the rate falls clearly below
what this model reached: then the agent, the engine or the prompts have broken something. A model that is
better raises REACHED; nothing lowers it.

There is more than one set of tasks because a set wears out: once its failures are known, in kind, to whoever
widens the training sessions, its rate says less about tasks that nobody has seen. A set added later is the
fresher measure. Each is a test of its own, so that two workers share them.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.e2e.task_runner import Task, faults, load_tasks, make_repository, private_environment, run_agent

GOAL = 0.85
REACHED = {"first": 0.91, "second": 0.74, "third": 0.59, "fourth": 0.57, "fifth": 0.61}
# The freshest measure: what fails in it is not printed, so that nobody widens the sessions with it in mind.
UNREAD = "fifth"
# Another processor rounds int8 products in another order, which tips a close choice in a task or two.
NOISE = 0.06
PER_FAMILY = 5
FAMILIES = {"append", "change", "create", "find", "fix", "lookup", "plain", "rename", "run", "several"}


@pytest.mark.parametrize("task_set", REACHED)
def test_a_set_covers_every_family(task_set: str) -> None:
    counts = Counter(task.family for task in load_tasks() if task.task_set == task_set)
    assert set(counts) == FAMILIES
    assert min(counts.values()) >= PER_FAMILY
    assert counts.total() >= 48


def test_no_set_is_left_out() -> None:
    assert {task.task_set for task in load_tasks()} == set(REACHED)


def _attempt(task: Task, folder: Path, engine_url: str, env: dict[str, str]) -> list[str]:
    folder.mkdir(parents=True)
    make_repository(folder, task.files, task.commit)
    return faults(task, folder, run_agent(folder, engine_url, env, task.prompt.strip("\n")))


def _table(results: dict[str, dict[str, list[str]]], unread: bool) -> str:
    lines = []
    for family, tasks in results.items():
        done = sum(not found for found in tasks.values())
        lines.append(f"{family:10} {done:3} of {len(tasks)}")
        if not unread:
            lines += [f"    {name}: {'; '.join(found)}" for name, found in tasks.items() if found]
    return "\n".join(lines)


@pytest.mark.slow
@pytest.mark.parametrize("task_set", REACHED)
def test_success_rate(
    task_set: str, engine_url: str, tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    env = private_environment(tmp_path / "home")
    results: dict[str, dict[str, list[str]]] = defaultdict(dict)
    for number, task in enumerate(task for task in load_tasks() if task.task_set == task_set):
        folder = tmp_path / f"{number:02}" / "project"
        results[task.family][task.name] = _attempt(task, folder, engine_url, env)
    outcomes = [not found for tasks in results.values() for found in tasks.values()]
    rate = sum(outcomes) / len(outcomes)
    table = _table(results, unread=task_set == UNREAD)
    summary = f"all        {sum(outcomes)} of {len(outcomes)} = {rate:.0%} (goal {GOAL:.0%})"
    record_property("figures", f"{table}\n{summary}")
    assert rate >= REACHED[task_set] - NOISE, table
