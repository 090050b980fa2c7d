"""The first user messages of a session, and the text of the later ones.

Everything that differs between projects, days and working trees is here, in user text, so that the system
text and the tool schemas are the same bytes for every session: one cold checkpoint of the engine serves them
all (rule R2). Instructions of the project come first, in a message of their own, because they change least.
"""

import datetime
import subprocess
from collections.abc import Sequence
from pathlib import Path

from ds4agent import resources

INSTRUCTION_FILES = ("AGENTS.md", "CLAUDE.md")
LONGEST_INSTRUCTIONS = 32_768
GIT_SECONDS = 10
MOST_PUT_BACK = 50


def today() -> str:
    return datetime.date.today().isoformat()


def first_texts(cwd: Path, date: str, task: str) -> list[str]:
    """The user texts that open a session."""
    environment = f"<environment>\ncwd: {cwd}\ndate: {date}\ngit: {git_state(cwd)}\n</environment>\n\n{task}"
    instructions = project_instructions(cwd)
    return [instructions, environment] if instructions else [environment]


def later_text(last_date: str, date: str, task: str, put_back: Sequence[str] = ()) -> str:
    """A later task; the date is told again only when it changed. `put_back`: names of files that are not as
    the model left them, because the user took its changes back.
    """
    told = "" if date == last_date else f"date: {date}\n\n"
    if put_back:
        more = len(put_back) - MOST_PUT_BACK
        names = [*put_back[:MOST_PUT_BACK], *([f"and {more} more"] if more > 0 else [])]
        told += resources.prompt("agent/put_back.txt").format(files=", ".join(names))
    return told + task


def project_instructions(cwd: Path) -> str | None:
    """What AGENTS.md, or else CLAUDE.md, says."""
    for name in INSTRUCTION_FILES:
        try:
            text = (cwd / name).read_text("utf-8")
        except (OSError, UnicodeDecodeError):
            continue
        if len(text) > LONGEST_INSTRUCTIONS:
            left_out = len(text) - LONGEST_INSTRUCTIONS
            text = f"{text[:LONGEST_INSTRUCTIONS]}\n[... {left_out} characters left out; see {name} ...]"
        if text.strip():
            return f"Project instructions from {name}:\n\n{text}"
    return None


def git_state(cwd: Path) -> str:
    """Branch and number of changed files, or none outside a repository."""
    command = ["git", "--no-optional-locks", "-C", str(cwd), "status", "--porcelain=v2", "--branch"]
    try:
        done = subprocess.run(command, capture_output=True, timeout=GIT_SECONDS, stdin=subprocess.DEVNULL)
    except (OSError, subprocess.TimeoutExpired):
        return "none"
    if done.returncode:
        return "none"
    lines = done.stdout.decode("utf-8", "replace").splitlines()
    heads = [line.removeprefix("# branch.head ") for line in lines if line.startswith("# branch.head ")]
    changed = sum(not line.startswith("#") for line in lines)
    state = f"{changed} changed file{'s' * (changed > 1)}" if changed else "clean"
    return f"{heads[0] if heads else '(unknown)'}, {state}"
