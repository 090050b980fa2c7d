"""The command as a process: what its streams and its surroundings may be."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

MAIN = "from ds4agent.cli.main import main; main()"


def ds4agent(home: Path, *words: str, code: str = MAIN, **options: Any) -> subprocess.CompletedProcess[bytes]:
    environment = {"PATH": os.environ["PATH"], "HOME": str(home), **options.pop("env", {})}
    made = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "check": False, "timeout": 60, **options}
    return subprocess.run([sys.executable, "-c", code, *words], env=environment, **made)


def add_session(home: Path, cwd: str, title: str) -> None:
    folder = home / ".local/share/ds4agent/sessions/one"
    folder.mkdir(parents=True)
    (folder / "transcript.jsonl").write_text(json.dumps({"cwd": cwd, "title": title}) + "\n")


@pytest.mark.parametrize("encoding", ["utf-8", "latin-1"])
def test_what_the_terminal_cannot_show_does_not_end_a_listing(tmp_path: Path, encoding: str) -> None:
    add_session(tmp_path, "/work/caf\udce9", "smile 🙂")
    env = {"PYTHONIOENCODING": encoding}
    listed = ds4agent(tmp_path, "sessions", env=env)
    assert (listed.returncode, listed.stderr) == (0, b"")
    assert b"/work/caf\\udce9" in listed.stdout
    found = json.loads(ds4agent(tmp_path, "sessions", "--json", env=env).stdout)
    assert (found["cwd"], found["title"]) == ("/work/caf\udce9", "smile 🙂")


NO_HOME = f"import pathlib; pathlib.os.path.expanduser = lambda path: path; {MAIN}"


@pytest.mark.parametrize("words", [("sessions",), ("status",), ("run", "task"), ("models", "list")])
def test_a_user_without_a_home_is_told_so(tmp_path: Path, words: tuple[str, ...]) -> None:
    done = ds4agent(tmp_path, *words, code=NO_HOME)
    assert done.returncode == (2 if "run" in words else 1)
    assert done.stderr == (
        b"ds4agent: this user has no home folder; set HOME to where ds4agent may keep its files\n"
    )


@pytest.mark.parametrize(
    "words",
    [
        ("run", "--engine", "~nobody-here/x", "task"),
        ("models", "inspect", "~nobody-here/x"),
        ("engine", "use", "~nobody-here/x"),
        ("exec", "~nobody-here/x"),
        ("serve", "--engine", "~nobody-here/x"),
    ],
)
def test_the_home_of_an_unknown_user_is_a_file_that_is_not_there(
    tmp_path: Path, words: tuple[str, ...]
) -> None:
    done = ds4agent(tmp_path, *words)
    assert done.returncode in (1, 2)
    assert b"~nobody-here/x" in done.stderr
    assert b"internal error" not in done.stderr


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="Linux")
def test_output_on_a_full_disk_is_said_to_be_lost(tmp_path: Path) -> None:
    add_session(tmp_path, "/work", "title")
    with Path("/dev/full").open("wb") as full:
        done = ds4agent(tmp_path, "sessions", stdout=full)
    assert done.returncode == 1
    assert done.stderr == b"ds4agent: the output could not be written: No space left on device\n"


def test_a_reader_that_has_seen_enough_is_no_error(tmp_path: Path) -> None:
    add_session(tmp_path, "/work", "title")
    reader, writer = os.pipe()
    os.close(reader)
    try:
        done = ds4agent(tmp_path, "sessions", stdout=writer)
    finally:
        os.close(writer)
    assert done.stderr == b""


def test_a_title_does_nothing_to_the_terminal(tmp_path: Path) -> None:
    add_session(tmp_path, "/work/a\nb", "\x1b]0;title\x07 and \x08more")
    done = ds4agent(tmp_path, "sessions")
    assert done.stdout.endswith(b"  /work/a\\nb  \\x1b]0;title\\x07 and \\x08more\n")
    assert done.stdout.count(b"\n") == 1


@pytest.mark.parametrize("words", [("sessions",), ("run", "--continue"), ("run", "--session", "one")])
def test_sessions_that_cannot_be_read_are_named(tmp_path: Path, words: tuple[str, ...]) -> None:
    add_session(tmp_path, "/work", "title")
    folder = tmp_path / ".local/share/ds4agent/sessions"
    (folder / "one/transcript.jsonl").unlink()
    (folder / "one").rmdir()
    folder.rmdir()
    folder.symlink_to(folder)  # root, too, cannot read this
    done = ds4agent(tmp_path, *words)
    assert done.returncode == 1
    why = f"the sessions in {folder} cannot be read: Too many levels of symbolic links\n"
    assert done.stderr.decode().endswith(why)
