"""What a session changed, and putting it back: real files and real git, with and without a repository."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ds4agent.agent.changes import worktree
from ds4agent.agent.changes.images import digest_of
from ds4agent.agent.changes.patch import Side, patch
from ds4agent.agent.message import ToolCall
from ds4agent.agent.tools import Toolbox
from ds4agent.client.cancel import Cancel, Cancelled
from tests.unit.agent.project import GIT, Project

START = r"""
printf 'one\r\ntwo\r\n' > crlf.txt; printf 'a\nb\r\nc' > mixed.txt; printf '\000\001\377' > data.bin
printf 'echo hi\n' > run.sh; chmod 755 run.sh; ln -s run.sh link; ln -s nowhere broken
echo secret > key; chmod 600 key; mkdir -p deep/er; echo x > deep/er/file; : > empty
printf 'caf\303\251\n' > 'naïve name.txt'
"""


@pytest.fixture(params=["plain", "git", "converted", "subfolder"])
def project(request: pytest.FixtureRequest, tmp_path: Path) -> Project:
    found = Project(tmp_path)
    found.sh(START)
    if request.param == "git":
        found.sh(
            f"{GIT} add -A; git -c user.name=a -c user.email=b@c commit -qm x; echo dirty >> deep/er/file"
        )
    elif request.param == "converted":
        found.sh("printf '* text=auto eol=lf\\n*.txt ident\\n' > .gitattributes; git init -q; git add -A")
    elif request.param == "subfolder":
        subprocess.run(["git", "init", "-q"], cwd=tmp_path, check=True)
    return found


CHANGES = [
    "rm run.sh; rm crlf.txt; rm key data.bin",
    "printf more >> crlf.txt; printf more >> mixed.txt; printf more >> data.bin; chmod -x run.sh",
    "rm link; echo now a file > link; ln -sf key broken; rm -r deep; echo deep > deep",
    "mkdir -p new/folder; echo 1 > new/folder/one; ln -s one new/folder/two; cp run.sh new/run.sh",
    "mv 'naïve name.txt' other; mv crlf.txt deep/; cat mixed.txt > empty",
    "for n in $(seq 50); do echo $n > made$n; done; sed -i s/o/0/ crlf.txt run.sh",
]


@pytest.mark.parametrize("script", CHANGES)
def test_what_a_command_changed_goes_back_exactly(project: Project, script: str) -> None:
    before = project.picture()
    project.command(script)
    assert project.kinds()
    restored, refused = project.back()
    assert restored
    assert (refused, project.told) == ({}, [])
    assert project.picture() == before
    assert project.kinds() == {}


def test_edits_commands_and_new_processes_in_one_session(project: Project) -> None:
    before = project.picture()
    project.edit("crlf.txt", b"edited\r\n")
    project.command("echo again >> crlf.txt; rm key")
    project.edit("brand-new", b"1")
    project.command("rm brand-new; chmod 755 empty")
    assert project.kinds() == {"crlf.txt": "update", "key": "delete", "empty": "update"}
    project.back()
    assert project.picture() == before


def test_a_command_that_still_runs_when_the_turn_ends(tmp_path: Path) -> None:
    """What it did last is its doing; what the user does between two turns is not."""
    project, cancel = Project(tmp_path), Cancel()
    (project.cwd / "mine").write_text("1")
    os.mkfifo(tmp_path / "gate")
    os.mkfifo(tmp_path / "built")
    for script in ("read x < ../gate; echo a > made; echo > ../built; exec sleep 1000", "true"):
        toolbox = Toolbox(project.cwd, project.session, 0.1)
        arguments = json.dumps({"command": script})
        toolbox.prepare(ToolCall("1", "bash", arguments)).run(cancel)
        if script != "true":
            (tmp_path / "gate").write_text("\n")
            (tmp_path / "built").read_text()
        toolbox.close()
        assert project.kinds() == {"made": "add"}
        (project.cwd / "mine").write_text("2")
    assert project.back() == (["made"], {})
    cancel.close()


def test_a_lost_snapshot_costs_only_its_own_step(project: Project) -> None:
    """Its name may be missing after a full disk, its objects after a power cut."""
    for left in ("", "0123456789012345678901234567890123456789"):
        project.session.mkdir(exist_ok=True)
        (project.session / "step").write_text(left)
        project.command("echo more >> run.sh")
    assert len(project.told) == 2
    assert project.kinds() == {"run.sh": "update"}
    assert project.back() == (["run.sh"], {})


CTRL_C = """
import os, signal, sys
from pathlib import Path
from ds4agent.agent.changes.keeper import Keeper
from ds4agent.client.cancel import Cancel
signal.signal(signal.SIGINT, lambda number, frame: print("ctrl-c"))
session, cwd = Path(sys.argv[1]), Path(sys.argv[2])
os.environ["AGENT"] = str(os.getpid())
keeper = Keeper(session, cwd, print, lambda path: None)
keeper.command_begins(Cancel())
(cwd / "run.sh").write_text("changed")
keeper.command_ends(False)
"""
GIT_DURING_CTRL_C = """#!/bin/sh
case "$*" in *" add "*) kill -INT -"$AGENT";; esac
exec {git} "$@"
"""


GIT_THAT_TAKES_LONG = """#!/bin/sh
case "$*" in *" add "*) echo > {folder}/begun; exec sleep 60;; esac
exec {git} "$@"
"""


def git_instead(root: Path, script: str) -> Path:
    """A folder for PATH."""
    programs = root / "bin"
    programs.mkdir()
    (programs / "git").write_text(script.format(git=shutil.which("git"), folder=root))
    (programs / "git").chmod(0o755)
    return programs


def test_ctrl_c_ends_a_long_look_before_a_command(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    os.mkfifo(project.root / "begun")
    keeper, cancel = project.keeper(), Cancel()

    def stop() -> None:
        (project.root / "begun").read_bytes()
        cancel.set()

    with monkeypatch.context() as changed, ThreadPoolExecutor(1) as others:
        programs = git_instead(project.root, GIT_THAT_TAKES_LONG)
        changed.setenv("PATH", f"{programs}:{os.environ['PATH']}")
        stopped = others.submit(stop)
        with pytest.raises(Cancelled):
            keeper.command_begins(cancel)
        stopped.result()
    before = project.picture()
    project.command("echo more >> run.sh", keeper)
    assert project.kinds() == {"run.sh": "update"}
    project.back()
    assert project.picture() == before
    assert project.told == []


def test_ctrl_c_while_git_looks_spoils_no_snapshot(project: Project) -> None:
    """An index that git did not bring to an end would make every file one that the command has made."""
    programs = git_instead(project.root, GIT_DURING_CTRL_C)
    before = project.picture()
    done = subprocess.run(
        [sys.executable, "-c", CTRL_C, str(project.session), str(project.cwd)],
        env=os.environ | {"PATH": f"{programs}:{os.environ['PATH']}"},
        start_new_session=True,
        capture_output=True,
        check=True,
    )
    assert set(done.stdout.split()) == {b"ctrl-c"}
    assert project.kinds() == {"run.sh": "update"}
    project.back()
    assert project.picture() == before


def test_a_look_that_fails_is_told_and_changes_nothing(project: Project) -> None:
    keeper = project.command("true")
    (project.session / "tree/index.lock").touch()
    project.command("echo more >> run.sh", keeper)
    assert project.told == [f"what commands change cannot be put back later: git add failed in {project.cwd}"]
    assert project.kinds() == {}


def test_nothing_of_the_users_repository_is_written(tmp_path: Path) -> None:
    project = Project(tmp_path)
    project.sh(
        f"{START}\n{GIT} add crlf.txt; git -c user.name=a -c user.email=b@c commit -qm x; git add run.sh"
    )
    inside = _bytes(project.cwd / ".git")
    project.command("echo x >> crlf.txt; rm run.sh")
    project.back()
    assert _bytes(project.cwd / ".git") == inside


def _bytes(folder: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_ignored_files_are_looked_at_by_edits_only(tmp_path: Path) -> None:
    project = Project(tmp_path)
    project.sh("git init -q; echo '*.log' > .gitignore; echo old > a.log; echo old > b.log")
    project.command("echo new > a.log")
    project.edit("b.log", b"new\n")
    assert project.kinds() == {"b.log": "update"}
    assert project.back() == (["b.log"], {})


def test_what_others_did_is_safe(project: Project) -> None:
    project.command("echo a > one; echo a > two; echo a > three; echo a > four; rm key")
    project.sh("echo theirs > one; rm two; chmod +x three; echo theirs > key")
    since = "it has been changed since"
    seen = project.picture()
    assert project.back() == (["four"], dict.fromkeys(("key", "one", "three"), since))
    assert project.picture() == {name: value for name, value in seen.items() if name != "four"}


def test_what_others_did_between_two_steps_is_safe(project: Project) -> None:
    keeper = project.command("echo a >> crlf.txt; echo a >> mixed.txt")
    project.sh("echo theirs >> crlf.txt; echo theirs >> mixed.txt; echo theirs >> data.bin")
    project.edit("crlf.txt", b"mine again", keeper)
    project.command("echo again >> mixed.txt; echo mine >> data.bin", keeper)
    reason = "somebody else may have changed it between two steps of the session"
    assert project.back() == (["data.bin"], {"crlf.txt": reason, "mixed.txt": reason})
    assert (project.cwd / "data.bin").read_bytes() == b"\0\1\xfftheirs\n"


def test_a_command_in_the_background_is_the_sessions(project: Project) -> None:
    before = project.picture()
    keeper = project.command("echo 1 > early", goes_on=True)
    project.edit("crlf.txt", b"edited meanwhile", keeper)
    project.sh("echo 2 > late; echo more >> crlf.txt")
    project.command("true", keeper)
    assert project.kinds() == {"early": "add", "late": "add", "crlf.txt": "update"}
    assert project.back()[1] == {}
    assert project.picture() == before


def test_a_step_that_was_broken_off_is_nobodys_for_sure(project: Project) -> None:
    keeper = project.keeper()
    keeper.command_begins(Cancel())
    project.sh("echo half > done")
    project.command("echo x > later")  # by the next process
    assert project.kinds() == {"done": "add", "later": "add"}
    restored, refused = project.back()
    assert (restored, list(refused)) == (["later"], ["done"])


def test_some_go_back_and_the_rest_later(project: Project) -> None:
    before = project.picture()
    project.command("echo x > a; echo x > b")
    assert project.back("b", "nothing") == (["b"], {"nothing": "the session did not change it"})
    assert project.kinds() == {"a": "add"}
    assert project.back() == (["a"], {})
    assert project.picture() == before


def test_after_it_was_put_back_a_file_is_kept_anew(project: Project) -> None:
    project.edit("crlf.txt", b"first")
    project.back()
    project.sh("echo theirs > crlf.txt")
    project.edit("crlf.txt", b"second")
    assert project.back() == (["crlf.txt"], {})
    assert (project.cwd / "crlf.txt").read_bytes() == b"theirs\n"


@pytest.mark.parametrize("limit", ["MOST_FILES", "MOST_BYTES"])
def test_a_tree_that_is_too_big_is_told_once_and_edits_are_still_kept(
    project: Project, monkeypatch: pytest.MonkeyPatch, limit: str
) -> None:
    monkeypatch.setattr(worktree, limit, 3)
    keeper = project.command("echo x > a")
    project.command("echo x > b", keeper)
    project.edit("crlf.txt", b"edited", keeper)
    assert project.told == [
        f"what commands change cannot be put back later: {project.cwd} holds more than can be looked at "
        "before each command"
    ]
    assert project.back() == (["crlf.txt"], {})


def test_without_git_edits_are_kept(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    keeper = project.keeper()
    keeper.command_begins(Cancel())
    keeper.command_ends(False)
    project.edit("crlf.txt", b"edited", keeper)
    assert project.told == ["what commands change cannot be put back later: there is no git"]
    assert project.back() == (["crlf.txt"], {})


def test_a_git_that_was_killed_is_no_hindrance(project: Project) -> None:
    project.command("echo x > a")
    (project.session / "tree/index.lock").touch()
    project.command("echo x > b")
    assert project.kinds() == {"a": "add", "b": "add"}


@pytest.mark.parametrize("torn", [b'{"touch":"/x', b"\n\n", b"[]\n", b'{"left":"/y","after":{}}\n'])
def test_a_torn_note_loses_itself_alone(project: Project, torn: bytes) -> None:
    project.edit("crlf.txt", b"edited")
    with (project.session / "changes.jsonl").open("ab") as file:
        file.write(torn)
    project.edit("mixed.txt", b"edited")
    assert set(project.kinds()) == {"crlf.txt", "mixed.txt"}


def test_the_file_as_git_names_it() -> None:
    assert digest_of(b"") == "e69de29bb2d1d6434b8b29ae775ad8c2e48c5391"


MODES = st.sampled_from(["100644", "100755"])
LINES = st.lists(st.sampled_from(["a\n", "b\r\n", "c\n", "\f\n", "  d\n", "é\n"]), max_size=25)


def _mutations(lines: list[str]) -> st.SearchStrategy[str]:
    def made(edits: list[tuple[int, int, str]]) -> str:
        new = list(lines)
        for at, gone, text in edits:
            new[at : at + gone] = [text] if text else []
        return "".join(new)

    size = len(lines)
    edit = st.tuples(st.integers(0, size), st.integers(0, 3), st.sampled_from(["", "x\n", "no end", "a\n"]))
    return st.lists(edit, max_size=4).map(made)


@given(data=st.data(), before=LINES, old=MODES, new=MODES)
def test_git_applies_a_patch(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject, before: list[str], old: str, new: str
) -> None:
    after = data.draw(_mutations(before)).encode()
    folder = tmp_path_factory.mktemp("patch")
    file = folder / "f"
    file.write_bytes("".join(before).encode())
    file.chmod(int(old, 8) & 0o777)
    made = patch("f", Side(old, file.read_bytes()), Side(new, after))
    if made:
        subprocess.run(["git", "apply", "-"], input=made.encode(), cwd=folder, check=True)
    assert (file.read_bytes(), file.stat().st_mode & 0o777) == (after, int(new, 8) & 0o777)


SIDES: dict[str, Callable[[], tuple[Side, Side]]] = {
    "new file mode": lambda: (Side(None), Side("100644", b"x")),
    "deleted file mode": lambda: (Side("100755", b"x"), Side(None)),
    "Binary files": lambda: (Side("100644", b"\0"), Side("100644", b"\0\0")),
    "new mode 100755": lambda: (Side("100644", b"x"), Side("100755", b"x")),
}


@pytest.mark.parametrize("said", SIDES)
def test_a_patch_says_what_text_cannot(said: str) -> None:
    assert said in patch("f", *SIDES[said]())
