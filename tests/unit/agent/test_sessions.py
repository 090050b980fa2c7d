"""Finding sessions again."""

import os
import stat
from pathlib import Path

import pytest

from ds4agent.agent import sessions
from ds4agent.agent.sessions import UnknownSession
from tests.unit.agent.harness import HEAD


def make(root: Path, cwd: str, task: str, when: float) -> str:
    session = sessions.create(root, HEAD, Path(cwd), task)
    session.transcript.close()
    os.utime(session.transcript.path, (when, when))
    return session.id


def test_listing_and_the_latest_of_a_folder(tmp_path: Path) -> None:
    root = tmp_path / "sessions"
    old, new, other = (make(root, cwd, f"task {n}", n) for n, cwd in ((1, "/a"), (3, "/a"), (2, "/b")))
    assert [(s.id, s.title, s.status) for s in sessions.summaries(root)] == [
        (new, "task 3", None),
        (other, "task 2", None),
        (old, "task 1", None),
    ]
    assert sessions.latest(root, Path("/a")) == new
    with pytest.raises(UnknownSession, match="no session to continue in /c"):
        sessions.latest(root, Path("/c"))
    assert stat.S_IMODE((root / new).stat().st_mode) == 0o700


def test_opening_by_id_and_by_its_beginning(tmp_path: Path) -> None:
    first = make(tmp_path, "/a", "x", 1)
    second = make(tmp_path, "/a", "y", 2)
    opened = sessions.open_session(tmp_path, second)
    assert (opened.id, opened.cwd, opened.last_date) == (second, Path("/a"), "")
    opened.transcript.close()
    for wrong in ("nope", "", "../x"):
        with pytest.raises(UnknownSession, match="there is no session"):
            sessions.open_session(tmp_path, wrong)
    with pytest.raises(UnknownSession, match="is the beginning of 2 session ids"):
        sessions.open_session(tmp_path, first[:2])


def test_one_is_found_by_its_id_without_a_look_at_the_others(tmp_path: Path) -> None:
    root = tmp_path / "sessions"
    name = make(root, "/a", "x", 1)
    others = [make(root, "/a", "y", 2) for _ in range(3)]
    for other in others:
        # Would be waited for by whoever opens it.
        (root / other / sessions.FILE).unlink()
        os.mkfifo(root / other / sessions.FILE)
    found = sessions.find(root, name)
    assert found is not None
    assert (found.id, found.title) == (name, "x")
    sessions.open_session(root, name).transcript.close()
    (tmp_path / sessions.FILE).write_bytes((root / name / sessions.FILE).read_bytes())
    outside = ("", "..", ".", f"../sessions/{name}", str(root / name), f"{name}/")
    for wrong in (*outside, "nope", "a\0", "\ud800"):
        assert sessions.find(root, wrong) is None


def test_status_and_title(tmp_path: Path) -> None:
    session = sessions.create(tmp_path, HEAD, Path("/a"), "\n  first line  \nsecond")
    session.transcript.append("messages", [b'{"role":"user","content":"x"}'], role="user", date="2026-01-02")
    assert session.last_date == "2026-01-02"
    session.transcript.append("turn", status="denied")
    session.note_put_back([Path("/a/b.py"), Path("/c")])
    assert session.put_back == ["b.py", "/c"]
    session.transcript.close()
    (summary,) = sessions.summaries(tmp_path)
    assert (summary.title, summary.status) == ("first line", "denied")
    assert sessions.create(tmp_path, HEAD, Path("/a"), "z" * 200).id
    assert {len(s.title) for s in sessions.summaries(tmp_path)} == {10, 80}


def test_debris_is_passed_over(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "torn").mkdir()
    (tmp_path / "torn" / sessions.FILE).write_bytes(b'{"type":"sess')
    (tmp_path / "file").write_text("x")
    assert sessions.summaries(tmp_path) == []
    assert sessions.summaries(tmp_path / "none") == []
