"""Who may do what."""

from pathlib import Path

import pytest

from ds4agent.agent.approval import Approval, Step


@pytest.mark.parametrize(
    ("path", "inside"),
    [
        ("work/a.txt", True),
        ("work/new/deep/a.txt", True),
        ("work/../work/a.txt", True),
        ("work/../other.txt", False),
        ("workshop/a.txt", False),
        ("work/link/a.txt", False),
        ("work/file-link", False),
        ("/etc/hosts", False),
    ],
)
def test_auto_keeps_edits_in_the_project(tmp_path: Path, path: str, inside: bool) -> None:
    work = tmp_path / "work"
    work.mkdir()
    (work / "link").symlink_to(tmp_path)
    (work / "file-link").symlink_to(tmp_path / "outside.txt")
    refusal = Approval("auto", work, lambda question: None).refusal(Step("edit", tmp_path / path))
    assert refusal == (None if inside else f"it is outside the project folder {work}")


def test_auto_runs_commands(tmp_path: Path) -> None:
    assert Approval("auto", tmp_path, lambda question: None).refusal(Step("run: make")) is None


def test_full_asks_nobody(tmp_path: Path) -> None:
    assert Approval("full", tmp_path, lambda question: False).refusal(Step("x", Path("/etc/x"))) is None


@pytest.mark.parametrize(
    ("answer", "refusal"),
    [(True, None), (False, "the user said no"), (None, "nobody is there to approve it")],
)
def test_ask(tmp_path: Path, answer: bool | None, refusal: str | None) -> None:
    asked: list[str] = []

    def ask(question: str) -> bool | None:
        asked.append(question)
        return answer

    assert Approval("ask", tmp_path, ask).refusal(Step("run: make")) == refusal
    assert Approval("ask", tmp_path, ask).refusal(Step("edit a", None, lambda: "-a\n+b\n")) == refusal
    assert asked == ["run: make", "edit a\n-a\n+b"]
