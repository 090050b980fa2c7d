"""`make run`: the main job where you can watch it.

Without --dir it makes a small git repository in a temporary folder, with a bug and the check that
shows it, lets `ds4agent run` work there on the engine and model that ship with the project, and then
shows what git and the check say. With --dir it works on a repository of yours and shows the diff.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

FILES = {
    "README.md": "# Tide table\n\nPrints when the ferry may leave. `python3 check.py` must pass.\n",
    "ferry/settings.py": "# Metres of water that the ferry needs below it.\nMIN_DEPTH = 2\nBERTHS = 3\n",
    "ferry/__init__.py": "",
    "check.py": (
        "from ferry import settings\n\n"
        'assert settings.MIN_DEPTH == 4, f"MIN_DEPTH should be 4, is {settings.MIN_DEPTH}"\n'
        'print("all checks passed")\n'
    ),
}
TASK = "python3 check.py fails. Find out why, fix ferry/settings.py and run it again."
CHECK = [sys.executable, "check.py"]


def _say(text: str) -> None:
    print(f"\n\033[1m{text}\033[0m" if sys.stdout.isatty() else f"\n{text}", flush=True)


def _make_repository(folder: Path) -> None:
    for name, text in FILES.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    who = ["-c", "user.name=ds4agent demo", "-c", "user.email=demo@localhost"]
    for words in (
        ["init", "-q"],
        ["add", "-A"],
        [*who, "commit", "-q", "-m", "A ferry that waits for the tide"],
    ):
        subprocess.run(["git", *words], cwd=folder, check=True)


def _agent(folder: Path, task: str) -> int:
    _say(f"ds4agent run --cwd {folder} '{task}'")
    agent = Path(sys.executable).with_name("ds4agent")
    return subprocess.run([agent, "run", "--cwd", folder, task], check=False).returncode


def _is_repository(folder: Path) -> bool:
    """Whether git is here and knows the folder: `git diff` elsewhere answers with all of its usage."""
    asked = ["git", "rev-parse", "--is-inside-work-tree"]
    return bool(shutil.which("git")) and not subprocess.run(asked, cwd=folder, capture_output=True).returncode


def _show_diff(folder: Path) -> None:
    if not _is_repository(folder):
        return
    _say("git diff")
    color = "--color=always" if sys.stdout.isatty() else "--color=never"
    subprocess.run(["git", "--no-pager", "diff", color], cwd=folder, check=False)
    subprocess.run(["git", "status", "--short"], cwd=folder, check=False)


def _show_check(folder: Path) -> int:
    _say("python3 check.py")
    env = os.environ | {"PYTHONDONTWRITEBYTECODE": "1"}
    return subprocess.run(CHECK, cwd=folder, env=env, check=False).returncode


def _refuse(why: str) -> int:
    print(f"make: {why}", file=sys.stderr)
    return 2


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--dir", type=Path, help="a repository of yours instead of the made-up one")
    parser.add_argument("--task", help="what to do there")
    args = parser.parse_args()
    if args.dir:
        folder = args.dir.expanduser()
        if not args.task:
            return _refuse("with a folder of yours, say what to do there: make run DIR=... TASK='...'")
        if not folder.is_dir():
            return _refuse(f"{folder} is not a folder; DIR has to be one")
        code = _agent(folder.resolve(), args.task)
        _show_diff(folder)
        return code
    if not shutil.which("git"):
        return _refuse("no git here, which the example needs: install it (Debian: apt-get install git)")
    with tempfile.TemporaryDirectory(prefix="ds4agent-demo-") as made:
        folder = Path(made)
        _make_repository(folder)
        code = _agent(folder, args.task or TASK)
        _show_diff(folder)
        return code if args.task else code or _show_check(folder)


if __name__ == "__main__":
    sys.exit(main())
