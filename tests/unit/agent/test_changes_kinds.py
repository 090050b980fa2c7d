"""Putting back files, folders and links that took each other's place."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.agent.project import Project


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path)


KINDS = {
    "a folder where a file was": ("echo 1 > x", "rm x; mkdir x; echo 2 > x/y"),
    "an empty one": ("echo 1 > x", "rm x; mkdir x"),
    "a folder where a link was": ("mkdir o; echo 1 > o/f; ln -s o d", "rm d; mkdir d; echo 2 > d/f"),
    "a link where a folder was": ("mkdir d ../o; echo 1 > d/f; echo other > ../o/f", "rm -r d; ln -s ../o d"),
    "moved, and a link to it": ("mkdir d; echo 1 > d/f", "mv d o; ln -s o d"),
}


@pytest.mark.parametrize("case", KINDS)
def test_files_folders_and_links_that_take_each_others_place(project: Project, case: str) -> None:
    start, script = KINDS[case]
    project.sh(start)
    before = project.picture()
    project.command(script)
    assert project.back()[1] == {}
    assert project.picture() == before
    assert project.kinds() == {}


def test_nothing_is_written_through_a_link(project: Project) -> None:
    """Neither by putting a part back, nor after a user has linked a folder to another place."""
    project.sh("mkdir d ../o; echo 1 > d/f; echo other > ../o/f")
    project.command("rm -r d; ln -s ../o d")
    why = "it cannot be put back: a folder on the way to it is a link now"
    assert project.back("d/f") == ([], {"f": why})
    assert (project.root / "o/f").read_text() == "other\n"


def test_what_a_user_keeps_in_a_new_folder_stays(project: Project) -> None:
    project.sh("echo 1 > x")
    project.command("rm x; mkdir x; echo 2 > x/made")
    project.sh("echo mine > x/mine")
    assert project.back() == (["made"], {"x": "it cannot be put back: Directory not empty"})
    project.sh("mv x/mine mine; rmdir x")
    assert project.back() == (["x"], {})
    assert (project.cwd / "x").read_text() == "1\n"


def test_a_file_that_became_private_during_the_session_stays_so(project: Project) -> None:
    project.sh("echo secret > early")
    keeper = project.command("true")
    project.sh("chmod 600 early; umask 077; echo secret > late; cp late tool; chmod 700 tool")
    before = project.picture()
    project.command("echo more >> early; rm late tool", keeper)
    assert project.back() == (["early", "late", "tool"], {})
    assert project.picture() == before
