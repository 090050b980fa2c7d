"""The first user messages."""

import subprocess
from pathlib import Path

from ds4agent.agent.opening import first_texts, git_state, later_text, project_instructions


def git(folder: Path, *words: str) -> None:
    who = ["-c", "user.name=Kim", "-c", "user.email=kim@example.org"]
    subprocess.run(["git", *who, *words], cwd=folder, check=True, capture_output=True)


def test_outside_a_repository(tmp_path: Path) -> None:
    text = f"<environment>\ncwd: {tmp_path}\ndate: 2026-03-04\ngit: none\n</environment>\n\nDo it."
    assert first_texts(tmp_path, "2026-03-04", "Do it.") == [text]


def test_git_states(tmp_path: Path) -> None:
    git(tmp_path, "init", "-q", "-b", "topic")
    assert git_state(tmp_path) == "topic, clean"
    (tmp_path / "a").write_text("1")
    assert git_state(tmp_path) == "topic, 1 changed file"
    git(tmp_path, "add", "a")
    git(tmp_path, "commit", "-q", "-m", "a")
    (tmp_path / "a").write_text("2")
    (tmp_path / "b").write_text("3")
    assert git_state(tmp_path) == "topic, 2 changed files"
    (tmp_path / "sub").mkdir()
    assert git_state(tmp_path / "sub") == "topic, 2 changed files"
    git(tmp_path, "checkout", "-q", "--detach")
    assert git_state(tmp_path) == "(detached), 2 changed files"


def test_instructions_come_first_and_alone(tmp_path: Path) -> None:
    (tmp_path / "CLAUDE.md").write_text("Use tabs.\n")
    assert project_instructions(tmp_path) == "Project instructions from CLAUDE.md:\n\nUse tabs.\n"
    (tmp_path / "AGENTS.md").write_text("Use spaces.")
    texts = first_texts(tmp_path, "2026-03-04", "Go.")
    assert texts[0] == "Project instructions from AGENTS.md:\n\nUse spaces."
    assert texts[1].endswith("</environment>\n\nGo.")


def test_instructions_that_say_nothing_are_left_out(tmp_path: Path) -> None:
    (tmp_path / "AGENTS.md").write_text(" \n")
    (tmp_path / "CLAUDE.md").write_bytes(b"\xff\xfe")
    assert project_instructions(tmp_path) is None


def test_long_instructions_are_cut_once(tmp_path: Path) -> None:
    (tmp_path / "AGENTS.md").write_text("x" * 40_000)
    text = project_instructions(tmp_path)
    assert text is not None
    assert text.endswith("xx\n[... 7232 characters left out; see AGENTS.md ...]")


def test_the_date_is_told_again_only_when_it_changed() -> None:
    assert later_text("2026-03-04", "2026-03-04", "more") == "more"
    assert later_text("2026-03-04", "2026-03-05", "more") == "date: 2026-03-05\n\nmore"


def test_a_later_task_tells_what_was_put_back() -> None:
    told = "The user has put these files back to what they were before this session: a.py, b.py\n\nmore"
    assert later_text("2026-03-04", "2026-03-04", "more", ["a.py", "b.py"]) == told
    many = [f"f{n}" for n in range(60)]
    assert ", f49, and 10 more\n\nmore" in later_text("2026-03-04", "2026-03-04", "more", many)
