"""How many held-out agent tasks the model does through the real agent, by family.

    python -m ds4train.evaluate MODEL.gguf [--count N] [--seed S]

The tasks come from the generator's held-out split: wordings, names and values that training never saw.
Each runs in a repository of its own through `ds4agent run --json` on one engine process, and is judged by
the files left behind and by the words of the answer.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ds4train.sessions import tasks

_LIMIT_S = 60
_LISTENING = re.compile(r"listening on (http://\S+)")


@contextmanager
def engine(model: Path, home: Path) -> Iterator[str]:
    """An engine process for the model; yields its address."""
    env = os.environ | {"DS4_LOCK_FILE": str(home / "lock")}
    log = home / "engine.log"
    command = [sys.executable, "-m", "ds4agent.engine", "--model", str(model), "--port", "0"]
    with log.open("wb") as out, subprocess.Popen(command, stderr=out, env=env) as process:
        try:
            while not (found := _LISTENING.search(log.read_text(errors="replace"))):
                if process.poll() is not None:
                    raise SystemExit(f"the engine ended:\n{log.read_text(errors='replace')}")
            yield found[1]
        finally:
            process.send_signal(signal.SIGTERM)


def attempt(task: dict[str, Any], folder: Path, url: str, home: Path) -> str:
    """Carry a task out; returns the agent's answer, or why there is none."""
    for name, text in task["files"].items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    who = ["-c", "user.name=Robin Tester", "-c", "user.email=robin@tester.example"]
    for words in (["init", "-q"], ["add", "-A"], [*who, "commit", "-q", "-m", "Start", "--allow-empty"]):
        subprocess.run(["git", *words], cwd=folder, check=True)
    env = os.environ | {"HOME": str(home), "XDG_DATA_HOME": str(home), "PYTHONDONTWRITEBYTECODE": "1"}
    command = [
        sys.executable,
        "-m",
        "ds4agent",
        "run",
        "--json",
        "--cwd",
        str(folder),
        "--engine",
        url,
        "--",
        task["prompt"],
    ]
    try:
        done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=_LIMIT_S, check=False)
    except subprocess.TimeoutExpired:
        return "(out of time)"
    events = [json.loads(line) for line in done.stdout.splitlines()]
    items = [e["item"] for e in events if e["type"] == "item.completed"]
    return next((i["text"] for i in reversed(items) if i["type"] == "agent_message"), "(no answer)")


def judged(task: dict[str, Any], folder: Path, answer: str) -> bool:
    """Whether the files and the answer are as the task wants them."""
    check = task["check"]
    if "run" in check:
        return (
            subprocess.run(
                ["bash", "-c", check["run"]], cwd=folder, capture_output=True, check=False
            ).returncode
            == 0
        )
    paths = [p for p in folder.rglob("*") if p.is_file() and ".git" not in p.relative_to(folder).parts]
    found = {str(p.relative_to(folder)): p.read_text(errors="replace") for p in paths}
    return found == check["files"] and all(words in answer for words in check["answer"])


def main() -> None:
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("model", type=Path)
    ap.add_argument("--count", type=int, default=100)
    ap.add_argument("--seed", type=int, default=1)
    ap.add_argument("--show", action="store_true", help="print the tasks that failed")
    args = ap.parse_args()
    results: dict[str, list[bool]] = defaultdict(list)
    with tempfile.TemporaryDirectory() as scratch, engine(args.model, Path(scratch)) as url:
        for number, task in enumerate(tasks.heldout_tasks(args.count, args.seed)):
            folder = Path(scratch) / f"{number:04}" / "project"
            folder.mkdir(parents=True)
            answer = attempt(task, folder, url, Path(scratch))
            results[task["family"]].append(judged(task, folder, answer))
            if args.show and not results[task["family"]][-1]:
                print(f"{task['family']}: {task['prompt']!r}\n    {answer!r}", flush=True)
    for family, done in results.items():
        print(f"{family:16} {sum(done):4} of {len(done)}")
    every = [x for done in results.values() for x in done]
    print(f"{'all':16} {sum(every):4} of {len(every)} = {sum(every) / len(every):.1%}")


if __name__ == "__main__":
    main()
