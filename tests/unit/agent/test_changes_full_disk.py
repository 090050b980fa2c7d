"""A disk that becomes full while notes are written; a limit on the size of files breaks a write off, too."""

from __future__ import annotations

import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from ds4agent.client.cancel import Cancel
from tests.unit.agent.project import Project

NOTES = "changes.jsonl"


@pytest.fixture
def project(tmp_path: Path) -> Project:
    found = Project(tmp_path)
    found.sh("echo old > a; echo old > b")
    found.edit("a", b"the session's")
    return found


@contextmanager
def room(project: Project, size: int) -> Iterator[None]:
    """For so many bytes of notes."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, ((project.session / NOTES).stat().st_size + size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.mark.parametrize("size", [0, 1, 10, 30])
def test_a_note_that_found_half_its_room_costs_nobody_a_file(project: Project, size: int) -> None:
    """It says that somebody else changed the file; there is room again for the next one."""
    (project.cwd / "a").write_text("theirs")
    keeper = project.keeper()
    step = keeper.edit(project.cwd / "a")
    with room(project, size):
        step.__enter__()
    (project.cwd / "a").write_text("theirs, edited")
    step.__exit__(None, None, None)
    assert project.told == [f"{project.cwd / 'a'} cannot be put back later: File too large"]
    assert project.back() == ([], {"a": "it has been changed since"})
    assert (project.cwd / "a").read_text() == "theirs, edited"


@pytest.mark.parametrize("size", [0, 10])
def test_what_could_not_be_noted_is_told(project: Project, size: int) -> None:
    before = (project.session / NOTES).read_bytes()
    keeper = project.keeper()
    keeper.command_begins(Cancel())
    project.sh("echo new > b; echo new > c")
    (project.session / NOTES).write_bytes(before + b" " * (1 << 20) + b"\n")  # more than git writes
    with room(project, size):
        keeper.command_ends(goes_on=False)
    assert project.told == [f"{project.cwd / 'b'} and 1 more cannot be put back later: File too large"]
    assert set(project.kinds()) == {"a"}
    project.command("echo newer > b")
    assert project.back() == (["a", "b"], {})
    assert (project.cwd / "b").read_text() == "new\n"


def test_an_edit_whose_end_could_not_be_noted_is_told(project: Project) -> None:
    step = project.keeper().edit(project.cwd / "b")
    step.__enter__()
    (project.cwd / "b").write_text("new")
    with room(project, 10):
        step.__exit__(None, None, None)
    assert project.told == [f"{project.cwd / 'b'} cannot be put back later: File too large"]
    assert project.back()[1] == {"b": "the session was broken off while it wrote it"}
