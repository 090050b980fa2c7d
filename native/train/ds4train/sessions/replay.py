"""Sessions carried out for real: bash in a temporary folder for every shell call, the editor's rules on real
files.

What must agree: every tool result (but for folder order, timings and the folder's own name) and the
project after every task.
"""

from __future__ import annotations

import re
import subprocess
import tempfile
from pathlib import Path

from .session import Session, Step
from .tree import Tree, status

_TIME = re.compile(r"in \d+\.\d+s")
_ADDRESS = re.compile(r"0x[0-9a-f]{8,}")


def _real_tree(root: Path) -> dict[str, str]:
    out = {}
    for path in root.rglob("*"):
        if path.is_file() and not {"__pycache__", ".pytest_cache", ".git"} & set(
            path.relative_to(root).parts
        ):
            out[str(path.relative_to(root))] = path.read_text()
    return out


def _allowed(simulated: str) -> bool:
    """A project on a machine without pytest cannot be replayed on one that has it."""
    return "No module named pytest" in simulated


def _normal(text: str, cwd: str, root: str) -> str:
    text = _ADDRESS.sub("0xA", _TIME.sub("in T", text.replace(root, cwd)))
    text = re.sub(r"^/\S*/(?=python3: can't open)", "", text, flags=re.MULTILINE)
    text = re.sub(r"bash: line \d+: ", "bash: ", text)
    return "\n".join(sorted(text.split("\n")))


def _bash(command: str, root: Path) -> str:
    done = subprocess.run(
        ["bash", "-c", command],
        cwd=root,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env={"PATH": _path(), "COLUMNS": "80", **_QUIET, **_IDENTITY},
    )
    return status(re.sub(r"[ \t\r\n]+$", "", done.stdout.decode()), done.returncode)


# No plugin that happens to be installed here may add its lines to what pytest says, nor its cache to a listing.
_QUIET = {
    "PYTHONDONTWRITEBYTECODE": "1",
    "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
    "PYTEST_ADDOPTS": "-p no:cacheprovider",
}
_IDENTITY = {
    f"GIT_{role}_{what}": value
    for role in ("AUTHOR", "COMMITTER")
    for what, value in (("NAME", "A"), ("EMAIL", "a@b.c"))
}


def _repository(root: Path, session: Session) -> None:
    """A real repository with the session's commits; the last one holds all files that were committed."""
    assert session.committed
    files, commits = session.committed
    branch = re.search(r"^git: (.*), [^,]*$", session.environment, re.MULTILINE)
    assert branch

    def git(*arguments: str, **more: str) -> None:
        env = {"PATH": _path(), "HOME": str(root), **_IDENTITY, **more}
        subprocess.run(["git", *arguments], cwd=root, env=env, check=True, capture_output=True)

    now = _real_tree(root)
    for path in now:
        (root / path).unlink()
    for path, text in files.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text)
    git("init", "-q", "-b", branch[1])
    for commit in commits:
        if commit is commits[-1]:
            git("add", "-A", "-f")
        who = {"GIT_AUTHOR_NAME": commit.author, "GIT_AUTHOR_EMAIL": commit.email}
        when = {f"GIT_{role}_DATE": f"{commit.date}T12:00:00" for role in ("AUTHOR", "COMMITTER")}
        git("commit", "-q", "--allow-empty", "-m", commit.subject, **who, **when)
    for path in files:
        (root / path).unlink()
    for path, text in now.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text)


def _path() -> str:
    import os

    return os.environ["PATH"]


def _editor(step: Step, root: Path) -> str:
    """The editor on real files, by way of a tree read from them."""
    import random

    tree = Tree(random.Random(0), str(root))
    for path, text in _real_tree(root).items():
        tree.add(path, text)
    result = tree.editor(step.arguments)
    target = root / str(step.arguments["path"])
    if str(step.arguments["path"]) in tree.files:
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(tree.files[str(step.arguments["path"])])
    return result


def replay(session: Session) -> list[str]:
    """Differences between the simulated and the real course of a session."""
    problems: list[str] = []
    with tempfile.TemporaryDirectory() as name:
        root = Path(name).resolve()
        for path, text in session.initial.items():
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            (root / path).write_text(text)
        if session.committed:
            _repository(root, session)
        goals = iter(session.tasks)
        for step in session.steps:
            if step.kind == "call" and not _allowed(step.result):
                real = (
                    _bash(str(step.arguments["command"]), root)
                    if step.tool == "bash"
                    else _editor(step, root)
                )
                if _normal(real, session.tree.cwd, str(root)) != _normal(
                    step.result, session.tree.cwd, str(root)
                ):
                    problems.append(
                        f"{step.arguments}\n--- simulated\n{step.result}\n--- real\n"
                        f"{real.replace(str(root), session.tree.cwd)}\n"
                    )
            elif step.kind == "answer":
                task = next(goals)
                real_files = _real_tree(root)
                if real_files != task.goal:
                    wrong = [p for p in {*real_files, *task.goal} if real_files.get(p) != task.goal.get(p)]
                    problems.append(f"after {task.prompt!r}: {wrong} differ")
                problems += [f"answer {step.text!r} lacks {a!r}" for a in task.answers if a not in step.text]
    return problems
