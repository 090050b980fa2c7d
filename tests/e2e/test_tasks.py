"""The held-out tasks: the bundled model must do at least 85 of 100 through the real agent."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.e2e.task_runner import Task, faults, load_tasks, make_repository, private_environment, run_agent

WANTED = 0.85
PER_FAMILY = 5
FAMILIES = {"append", "change", "create", "find", "fix", "lookup", "plain", "rename", "run", "several"}


def test_the_tasks_cover_every_family() -> None:
    counts: dict[str, int] = defaultdict(int)
    for task in load_tasks():
        counts[task.family] += 1
    assert set(counts) == FAMILIES
    assert min(counts.values()) >= PER_FAMILY
    assert sum(counts.values()) >= 48


def _attempt(task: Task, folder: Path, engine_url: str, env: dict[str, str]) -> list[str]:
    folder.mkdir(parents=True)
    make_repository(folder, task.files, task.commit)
    return faults(task, folder, run_agent(folder, engine_url, env, task.prompt.strip("\n")))


def _table(results: dict[str, dict[str, list[str]]]) -> str:
    lines = []
    for family, tasks in results.items():
        done = sum(not found for found in tasks.values())
        lines.append(f"{family:10} {done:3} of {len(tasks)}")
        lines += [f"    {name}: {'; '.join(found)}" for name, found in tasks.items() if found]
    return "\n".join(lines)


@pytest.mark.slow
def test_success_rate(
    engine_url: str, tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    env = private_environment(tmp_path / "home")
    results: dict[str, dict[str, list[str]]] = defaultdict(dict)
    for number, task in enumerate(load_tasks()):
        folder = tmp_path / f"{number:02}" / "project"
        results[task.family][task.name] = _attempt(task, folder, engine_url, env)
    outcomes = [not found for tasks in results.values() for found in tasks.values()]
    rate = sum(outcomes) / len(outcomes)
    table = _table(results)
    record_property("figures", f"{table}\nall        {sum(outcomes)} of {len(outcomes)} = {rate:.0%}")
    assert rate >= WANTED, table
