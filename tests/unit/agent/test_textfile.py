"""Whole-file writes that keep what an edit does not mean."""

import os
import stat
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ds4agent.agent import textfile
from ds4agent.agent.textfile import NotText, TextFile, decode


@given(st.text(st.characters(codec="utf-8", exclude_characters="\0")))
def test_decode_and_encode_are_inverse(text: str) -> None:
    assert decode(text.encode()).encode() == text.encode()


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"a\r\nb\r\n", TextFile("a\nb\n", crlf=True)),
        (b"a\r\nb\n", TextFile("a\r\nb\n")),
        (b"a\rb\r\n", TextFile("a\rb\r\n")),
        (b"\xef\xbb\xbfx\n", TextFile("x\n", bom=True)),
        (b"", TextFile("")),
    ],
)
def test_line_ends(data: bytes, expected: TextFile) -> None:
    assert decode(data) == expected


@pytest.mark.parametrize("data", [b"\xff", b"a\0", "x".encode("utf-16")])
def test_other_encodings_are_refused(data: bytes) -> None:
    with pytest.raises(NotText):
        decode(data)


def test_mode_is_kept_and_new_files_follow_the_umask(tmp_path: Path) -> None:
    script, new = tmp_path / "run.sh", tmp_path / "deep" / "new.txt"
    script.write_text("a")
    script.chmod(0o751)
    old = os.umask(0o027)
    try:
        textfile.write(script, TextFile("b"))
        textfile.write(new, TextFile("c"))
    finally:
        os.umask(old)
    assert stat.S_IMODE(script.stat().st_mode) == 0o751
    assert stat.S_IMODE(new.stat().st_mode) == 0o640
    assert [p.name for p in tmp_path.iterdir()] == ["run.sh", "deep"] or len(list(tmp_path.iterdir())) == 2


def test_a_link_stays_and_its_target_changes(tmp_path: Path) -> None:
    target, link = tmp_path / "real" / "t.txt", tmp_path / "link.txt"
    target.parent.mkdir()
    target.write_text("old")
    link.symlink_to(target)
    textfile.write(link, TextFile("new"))
    assert link.is_symlink()
    assert target.read_text() == "new"


def test_a_failed_write_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "f.txt"
    path.write_text("old")

    class Broken(TextFile):
        def encode(self) -> bytes:
            raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match="No space"):
        textfile.write(path, Broken("new"))
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_only_regular_files_are_read(tmp_path: Path) -> None:
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    with pytest.raises(NotText):
        textfile.read(fifo)
    with pytest.raises(IsADirectoryError):
        textfile.read(tmp_path)
    with pytest.raises(FileNotFoundError):
        textfile.read(tmp_path / "none")
