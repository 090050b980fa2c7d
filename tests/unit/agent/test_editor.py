"""The str_replace_editor tool: exact texts, and edits that change what they should and nothing else."""

import os
import socket
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from ds4agent.agent.editor import BadArguments, Call, EditError, Editor, insert, lines_of, numbered, replace


def run(folder: Path, **arguments: Any) -> str:
    editor = Editor(folder, lambda: folder / "spill.txt")
    try:
        return editor.run(Call.parse(arguments)).text
    except EditError as error:
        return str(error)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "pkg" / "deep" / "deeper").mkdir(parents=True)
    (tmp_path / "a.txt").write_text("one\ntwo\nthree\n")
    (tmp_path / "pkg" / "m.py").write_text("x = 1\n")
    (tmp_path / "pkg" / "deep" / "n.py").write_text("")
    (tmp_path / ".hidden").write_text("h")
    (tmp_path / "empty").mkdir()
    return tmp_path


def test_view_file(project: Path) -> None:
    assert run(project, command="view", path="a.txt") == "     1\tone\n     2\ttwo\n     3\tthree"
    assert run(project, command="view", path="a.txt", view_range=[2, -1]) == "     2\ttwo\n     3\tthree"
    assert run(project, command="view", path="a.txt", view_range=[1, 99]).count("\n") == 2
    assert run(project, command="view", path="pkg/deep/n.py") == "(empty file)"
    assert run(project, command="view", path=str(project / "pkg/m.py")) == "     1\tx = 1"


def test_view_folder(project: Path) -> None:
    assert run(project, command="view", path=".") == "a.txt\nempty/\npkg/\npkg/deep/\npkg/m.py"
    assert run(project, command="view", path="empty") == "(empty folder)"


def test_a_folder_that_cannot_be_read_is_not_called_empty(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (project / "closed").mkdir(mode=0)
    (project / "empty/closed").mkdir(mode=0)
    project.chmod(0o755)
    monkeypatch.chdir(project)
    # Root may read everything; nobody else reaches it but from here.
    user = os.geteuid()
    try:
        if user == 0:
            os.seteuid(65534)
        closed, around = (run(Path(), command="view", path=name) for name in ("closed", "empty"))
    finally:
        os.seteuid(user)
    assert closed == "Error: closed: Permission denied."
    assert around == "closed/"


def test_view_is_capped(project: Path) -> None:
    (project / "long.txt").write_text("word\n" * 9000)
    text = run(project, command="view", path="long.txt")
    assert f"characters left out; the whole output is in {project / 'spill.txt'} ...]" in text
    assert text.endswith("  9000\tword")


def test_create(project: Path) -> None:
    assert run(project, command="create", path="new/b.txt", file_text="hi\n") == "File created: new/b.txt"
    assert (project / "new/b.txt").read_text() == "hi\n"
    assert run(project, command="create", path="a.txt", file_text="") == "File overwritten: a.txt"
    assert (project / "a.txt").read_text() == ""


def test_str_replace(project: Path) -> None:
    assert (
        run(project, command="str_replace", path="a.txt", old_str="two", new_str="2") == "File edited: a.txt"
    )
    assert (project / "a.txt").read_text() == "one\n2\nthree\n"


def test_insert(project: Path) -> None:
    for line, text in ((0, "zero"), (4, "end\n")):
        assert (
            run(project, command="insert", path="a.txt", insert_line=line, new_str=text)
            == "File edited: a.txt"
        )
    assert (project / "a.txt").read_text() == "zero\none\ntwo\nthree\nend\n"


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ({"command": "view", "path": "no.txt"}, "Error: no.txt does not exist."),
        (
            {"command": "str_replace", "path": "no", "old_str": "a", "new_str": "b"},
            "Error: no does not exist.",
        ),
        (
            {"command": "str_replace", "path": "a.txt", "old_str": "four", "new_str": "4"},
            "Error: old_str was not found in a.txt.",
        ),
        (
            {"command": "str_replace", "path": "a.txt", "old_str": "o", "new_str": "0"},
            "Error: old_str occurs 2 times in a.txt (lines 1, 2); add context to make it unique.",
        ),
        (
            {"command": "insert", "path": "a.txt", "insert_line": 4, "new_str": "x"},
            "Error: insert_line 4 is outside 0..3 of a.txt.",
        ),
        ({"command": "create", "path": "pkg", "file_text": ""}, "Error: pkg is a folder."),
        ({"command": "insert", "path": "pkg", "insert_line": 0, "new_str": ""}, "Error: pkg is a folder."),
        ({"command": "create", "path": "x"}, "Error: missing parameter file_text for create."),
        (
            {"command": "str_replace", "path": "a.txt", "old_str": "a"},
            "Error: missing parameter new_str for str_replace.",
        ),
        ({"command": "view"}, "Error: missing parameter path for view."),
        ({"command": "delete", "path": "a.txt"}, "Error: unknown command delete."),
        ({"path": "a.txt"}, "Error: invalid arguments for str_replace_editor: command is missing."),
        (
            {"command": "view", "path": "a.txt", "view_range": [4, 2]},
            "Error: invalid arguments for str_replace_editor: view_range [4, 2] is outside 1..3.",
        ),
        (
            {"command": "insert", "path": "a.txt", "insert_line": "x", "new_str": "y"},
            "Error: invalid arguments for str_replace_editor: insert_line is not an integer.",
        ),
        (
            {"command": "insert", "path": "a.txt", "insert_line": "1" * 5000, "new_str": "y"},
            "Error: invalid arguments for str_replace_editor: insert_line has too many digits.",
        ),
        (
            {"command": "str_replace", "path": "a.txt", "old_str": "", "new_str": "y"},
            "Error: invalid arguments for str_replace_editor: old_str is empty.",
        ),
    ],
)
def test_errors(project: Path, arguments: dict[str, Any], text: str) -> None:
    before = (project / "a.txt").read_bytes()
    assert run(project, **arguments) == text
    assert (project / "a.txt").read_bytes() == before


def test_files_that_are_not_text(project: Path) -> None:
    (project / "latin").write_bytes(b"caf\xe9\n")
    (project / "nul").write_bytes(b"a\0b")
    for name in ("latin", "nul"):
        assert run(project, command="view", path=name) == f"Error: {name} is not a text file."
        edit = run(project, command="str_replace", path=name, old_str="a", new_str="b")
        assert edit == f"Error: {name} is not a text file."


def test_pipes_sockets_and_devices_stay_what_they_are(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(project)  # a socket's address is short
    os.mkfifo("pipe")
    Path("link").symlink_to("pipe")
    with socket.socket(socket.AF_UNIX) as made:
        made.bind("socket")
        for name in ("pipe", "socket", "link"):
            for call in ({"command": "view"}, {"command": "create", "file_text": "x"}):
                assert run(project, path=name, **call) == f"Error: {name} is not a text file."
    assert run(project, command="view", path="/dev/tty") == "Error: /dev/tty is not a text file."
    assert Path("pipe").is_fifo()
    assert Path("socket").is_socket()


def test_numbers_may_come_as_text(project: Path) -> None:
    assert run(project, command="insert", path="a.txt", insert_line="1", new_str="x") == "File edited: a.txt"


def test_home_folder_in_a_path(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(project))
    assert run(project / "pkg", command="view", path="~/a.txt").endswith("three")


_texts = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=60)


@given(_texts, _texts.filter(bool), _texts, _texts)
def test_replace_touches_only_the_match(head: str, old: str, tail: str, new: str) -> None:
    text = head + old + tail
    starts = [i for i in range(len(text)) if text.startswith(old, i)]
    if len(starts) == 1:
        assert replace(text, old, new, "f") == head + new + tail
    else:
        with pytest.raises(EditError, match=f"occurs {len(starts)} times"):
            replace(text, old, new, "f")


@given(_texts, _texts)
def test_replace_without_a_match_fails(text: str, old: str) -> None:
    assume(old not in text)
    with pytest.raises(EditError, match="was not found"):
        replace(text, old, "x", "f")


@given(st.lists(st.text("abc \t", max_size=5), max_size=8), st.booleans(), st.data())
def test_insert_puts_lines_between_lines(lines: list[str], closed: bool, data: st.DataObject) -> None:
    text = "\n".join(lines) + ("\n" if closed and lines else "")
    have = lines_of(text)
    at = data.draw(st.integers(0, len(have)))
    new = data.draw(st.lists(st.text("xyz", min_size=1, max_size=3), min_size=1, max_size=3))
    result = insert(text, at, "\n".join(new) + data.draw(st.sampled_from(["", "\n"])), "f")
    assert lines_of(result) == have[:at] + new + have[at:]
    assert result.endswith("\n") or (at < len(have) and not text.endswith("\n"))


@given(_texts, st.integers(-3, 12))
def test_insert_outside_fails(text: str, at: int) -> None:
    assume(not 0 <= at <= len(lines_of(text)))
    with pytest.raises(EditError, match="is outside"):
        insert(text, at, "x", "f")


@given(_texts)
def test_numbered_shows_every_line(text: str) -> None:
    shown = numbered(text, None)
    if not text:
        assert shown == "(empty file)"
    else:
        assert shown == "\n".join(f"{n:>6}\t{line}" for n, line in enumerate(lines_of(text), 1))


@given(
    st.dictionaries(
        st.sampled_from(["command", "path", "old_str", "new_str", "insert_line"]),
        st.none() | st.integers() | st.text(max_size=4),
    )
)
def test_any_arguments_are_either_checked_or_refused(arguments: dict[str, Any]) -> None:
    with suppress(BadArguments):
        assert Call.parse(arguments).path == arguments["path"]
