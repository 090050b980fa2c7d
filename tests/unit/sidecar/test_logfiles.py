"""Log files: real files, a real full disk, and a disk that stands still."""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ds4agent.sidecar.logfiles import LogWriter, Ring, RotatingLog


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def all_lines(path: Path, count: int) -> list[str]:
    files = [path.with_name(f"{path.name}.{n}") for n in range(count - 1, 0, -1)]
    return [line for file in [*files, path] if file.exists() for line in file.read_text().splitlines()]


@given(st.integers(1, 9), st.lists(st.integers(0, 40)))
def test_the_ring_numbers_all_lines(size: int, cuts: list[int]) -> None:
    ring = Ring(size)
    seen, cursor, total = 0, 0, 0
    for cut in cuts:
        for _ in range(cut):
            ring.add(str(total))
            total += 1
        got = ring.since(cursor)
        assert got == [str(n) for n in range(max(cursor, total - size), total)]
        seen += len(got)
        cursor = ring.total
    assert ring.total == total
    assert ring.last(3) == [str(n) for n in range(max(total - min(3, size), 0), total)]


@given(
    lines=st.lists(st.text("abc", max_size=30), max_size=60), count=st.integers(1, 4), batch=st.integers(1, 9)
)
def test_files_are_bounded_and_hold_the_end(
    tmp_path_factory: pytest.TempPathFactory, lines: list[str], count: int, batch: int
) -> None:
    path = tmp_path_factory.mktemp("log") / "engine.log"
    log = RotatingLog(path, size=100, count=count)
    for start in range(0, len(lines), batch):
        log.write(lines[start : start + batch])
    log.close()
    kept = all_lines(path, count)
    assert kept == lines[len(lines) - len(kept) :]
    assert len(kept) == len(lines) or sum(map(len, kept)) > 100 * (count - 1) // 2
    assert len(list(path.parent.iterdir())) <= count
    assert all(file.stat().st_size <= 100 for file in path.parent.iterdir())


def test_only_the_owner_reads(tmp_path: Path) -> None:
    path = tmp_path / "logs" / "engine.log"
    log = RotatingLog(path, size=10, count=3)
    log.write(["first line", "second line"])
    assert mode(path.parent) == 0o700
    assert [mode(file) for file in path.parent.iterdir()] == [0o600, 0o600]


def test_an_older_file_is_continued_and_made_private(tmp_path: Path) -> None:
    path = tmp_path / "engine.log"
    path.write_text("before\n")
    path.chmod(0o644)
    log = RotatingLog(path)
    log.write(["after"])
    assert path.read_text() == "before\nafter\n"
    assert mode(path) == 0o600


def test_a_removed_folder_and_a_moved_file_are_made_again(tmp_path: Path) -> None:
    path = tmp_path / "logs" / "engine.log"
    log = RotatingLog(path)
    log.write(["one"])
    shutil.rmtree(path.parent)
    log.write(["two"])
    path.rename(path.with_name("moved"))
    log.write(["three"])
    assert path.with_name("moved").read_text() == "two\n"
    assert path.read_text() == "three\n"


def test_what_cannot_be_written_is_counted(tmp_path: Path) -> None:
    folder = tmp_path / "logs"
    folder.write_text("a file where the folder should be")
    log = RotatingLog(folder / "engine.log")
    log.write(["one", "two"])
    log.write(["three"])
    folder.unlink()
    log.write(["four"])
    assert (folder / "engine.log").read_text() == "ds4agent: 3 lines lost here: File exists\nfour\n"


FULL_DISK = """
import resource, sys
from pathlib import Path
from ds4agent.sidecar.logfiles import RotatingLog
log = RotatingLog(Path(sys.argv[1]))
_, most = resource.getrlimit(resource.RLIMIT_FSIZE)
resource.setrlimit(resource.RLIMIT_FSIZE, (25, most))
log.write(["123456789", "this one is torn", "this one is lost"])
log.write(["this one, too"])
resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))
log.write(["there is room again"])
"""


def test_a_full_disk_loses_lines_and_says_so(tmp_path: Path) -> None:
    path = tmp_path / "engine.log"
    subprocess.run([sys.executable, "-c", FULL_DISK, path], check=True)
    first, torn, lost, last = path.read_text().splitlines()
    assert (first, torn, last) == ("123456789", "this one is tor", "there is room again")
    assert lost.startswith("ds4agent: 3 lines lost here: ")


def test_a_file_that_cannot_be_moved_is_emptied(tmp_path: Path) -> None:
    path = tmp_path / "engine.log"
    path.with_name("engine.log.1").mkdir()
    (tmp_path / "engine.log.1" / "in the way").touch()
    log = RotatingLog(path, size=18, count=2)
    log.write(["one one one one", "two"])
    assert path.read_text() == "two\n"


def test_a_disk_that_stands_still_holds_nobody_up(tmp_path: Path) -> None:
    path = tmp_path / "engine.log"
    os.mkfifo(path)  # opening it for writing waits for a reader
    writer = LogWriter(RotatingLog(path), waiting=5)
    for n in range(100):
        writer.write(str(n))
    with path.open() as reader:
        assert writer.close(60)
        lines = reader.read().splitlines()
    kept = [line for line in lines if line.isdigit()]
    (lost,) = [line for line in lines if not line.isdigit()]
    assert kept == sorted(kept, key=int)
    assert lost == f"ds4agent: {100 - len(kept)} lines lost here: the disk was too slow"


def test_the_writer_keeps_every_line_in_order(tmp_path: Path) -> None:
    writer = LogWriter(RotatingLog(tmp_path / "engine.log"))
    for n in range(3000):
        writer.write(str(n))
    assert writer.close(60)
    assert (tmp_path / "engine.log").read_text().split() == [str(n) for n in range(3000)]
