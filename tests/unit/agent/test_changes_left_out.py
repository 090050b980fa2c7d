"""Putting back leaves alone what no look before the command had seen."""

from __future__ import annotations

from pathlib import Path

import pytest

from ds4agent.agent.changes.images import digest_of
from ds4agent.client.cancel import Cancel
from tests.unit.agent.project import GIT, Project

COMMIT = "git -c user.name=a -c user.email=b@c commit -qm x"


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path)


SEEN_ONLY_LATER = {
    "the rule goes": ("git init -q; echo .env > .gitignore; echo mine > .env", "rm .gitignore"),
    "a branch without the rule": (
        f"{GIT} commit -qm x --allow-empty; git checkout -qb rules; echo build/ > .gitignore; "
        f"git add .gitignore; {COMMIT}; mkdir -p build/deep; echo mine > build/deep/file",
        "git checkout -q -",
    ),
    "a repository that becomes a folder": (
        "git init -q; git init -q in; echo mine > in/file",
        "rm -rf in/.git",
    ),
}


@pytest.mark.parametrize("case", SEEN_ONLY_LATER)
def test_what_a_command_made_visible_it_has_not_made(project: Project, case: str) -> None:
    start, script = SEEN_ONLY_LATER[case]
    project.sh(start)
    before = project.picture()
    project.command(f"{script}; mkdir made; echo x > made/file")
    assert project.kinds()["made/file"] == "add"
    assert project.back()[1] == {}
    assert project.picture() == before
    assert project.told == []


@pytest.mark.parametrize("earlier", ["", "an older one"])
def test_a_file_that_a_full_disk_kept_out_of_the_look(project: Project, earlier: str) -> None:
    """The command makes room, so the next look takes it in."""
    keeper = project.command("true")
    if earlier:
        project.sh("echo an older one > mine")
        project.command("true", keeper)
    project.sh("echo important > mine")
    blocked = project.session / "tree/objects" / digest_of(b"important\n")[:2]
    blocked.write_text("no folder can be made here")
    before = project.picture()
    keeper.command_begins(Cancel())
    blocked.unlink()
    project.sh("echo x > made")
    keeper.command_ends(goes_on=False)
    assert project.back() == (["made"], {})
    assert project.picture() == before


def test_an_empty_folder_is_no_secret(project: Project) -> None:
    project.sh("mkdir -p empty/er")
    project.command("echo x > empty/er/file")
    assert project.back() == (["file"], {})


def test_a_project_whose_folder_was_removed_comes_back(project: Project) -> None:
    project.sh("git init -q; mkdir -p deep/er; echo 1 > a; echo 2 > deep/er/b; chmod +x a")
    before = project.picture()
    keeper = project.command("rm -rf ../work")
    for _ in range(2):
        keeper.command_begins(Cancel())
        keeper.command_ends(goes_on=False)
    assert project.back() == (["a", "b"], {})
    assert (project.picture(), project.told) == (before, [])
    project.command("echo more >> a")
    assert project.kinds() == {"a": "update"}
