"""What git makes of a patch: files whose names have to be quoted."""

import os
import subprocess
from pathlib import Path

import pytest

from ds4agent.agent.changes.patch import Side, patch

ABSENT = Side(None)
OLD, NEW = Side("100644", b"a\nb\n"), Side("100644", b"a\nc")
RAW = [
    b"a b",
    b"a b/c  d ",
    b'q"q',
    b"back\\slash",
    b"tab\tx",
    b"two\nlines",
    b"\xff",
    "ü".encode(),
    b"\xc3\xbc\xc3",
]


def _apply(folder: Path, text: str) -> None:
    done = subprocess.run(["git", "apply", "-"], input=text.encode(), cwd=folder, capture_output=True)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("raw", RAW)
def test_git_finds_the_file(tmp_path: Path, raw: bytes) -> None:
    name = os.fsdecode(raw)
    file = tmp_path / name
    for before, after in ((ABSENT, OLD), (OLD, NEW), (NEW, Side("100755", NEW.data)), (NEW, ABSENT)):
        _apply(tmp_path, patch(name, before, after))
        assert file.exists() == (after.mode is not None)
        if file.exists():
            assert file.read_bytes() == after.data
