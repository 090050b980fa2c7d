"""Folders and files as they are found: what is read, what is left out and why, and what is read again."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from ds4agent.sidecar import gguf_scan
from ds4agent.sidecar.gguf_scan import Found, Scanner
from tests.gguf_files import gguf, write


def scan(scanner: Scanner, *roots: Path) -> dict[str, Found]:
    found, problems = scanner.scan(roots)
    assert not problems
    return {file.path.name: file for file in found}


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """File offsets that were read."""
    seen: list[int] = []
    really = os.pread

    def pread(handle: int, n: int, offset: int) -> bytes:
        seen.append(offset)
        return really(handle, n, offset)

    monkeypatch.setattr(os, "pread", pread)
    return seen


def test_visible_files_anywhere_below(tmp_path: Path) -> None:
    for name in (
        "top.gguf",
        "a/Inner.GGUF",
        "a/b/deep.gguf",
        ".hidden.gguf",
        ".cache/x.gguf",
        "a/x.gguf.part",
    ):
        write(tmp_path / name)
    (tmp_path / "folder.gguf").mkdir()
    (tmp_path / "gone.gguf").symlink_to("nowhere")
    assert sorted(scan(Scanner(), tmp_path)) == ["Inner.GGUF", "deep.gguf", "top.gguf"]


def test_links_are_followed_once(tmp_path: Path) -> None:
    write(tmp_path / "disk" / "a.gguf")
    (tmp_path / "root").mkdir()
    (tmp_path / "root" / "link").symlink_to(tmp_path / "disk")
    (tmp_path / "disk" / "round").symlink_to(tmp_path / "root")
    assert list(scan(Scanner(), tmp_path / "root")) == ["a.gguf"]


def test_a_folder_that_is_not_there_holds_nothing(tmp_path: Path) -> None:
    assert scan(Scanner(), tmp_path / "nothing", write(tmp_path / "file.gguf")) == {}


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_a_folder_that_may_not_be_read_is_named(tmp_path: Path) -> None:
    (tmp_path / "closed").mkdir(mode=0)
    _, problems = Scanner().scan([tmp_path])
    assert problems == {tmp_path / "closed": "it cannot be read: Permission denied"}


def test_limits_of_a_folder_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for i in range(5):
        write(tmp_path / f"{i}.gguf")
    deep = tmp_path.joinpath(*"abcdefghijklmn")
    write(deep / "x.gguf")
    _, problems = Scanner().scan([tmp_path])
    assert list(problems.values()) == ["it is 12 folders deep; it was not looked at"]
    monkeypatch.setattr(gguf_scan, "MAX_ENTRIES", 3)
    _, problems = Scanner().scan([tmp_path])
    assert problems[tmp_path] == "it holds more than 3 files; name a smaller folder"


def test_what_is_no_model_says_why(tmp_path: Path) -> None:
    (tmp_path / "zeros.gguf").write_bytes(bytes(1000))
    (tmp_path / "empty.gguf").touch()
    (tmp_path / "cut.gguf").write_bytes(gguf()[:60])
    os.mkfifo(tmp_path / "pipe.gguf")
    found = scan(Scanner(), tmp_path)
    assert not any(file.header for file in found.values())
    assert found["zeros.gguf"].problem.startswith("it is not a GGUF file: it begins with b'\\x00")
    assert found["empty.gguf"].problem == "it is not a GGUF file: it is empty"
    assert found["cut.gguf"].problem.startswith("its header is damaged: at byte")
    assert found["pipe.gguf"].problem == "it is not a regular file"


def test_only_what_changed_is_read_again(tmp_path: Path, reads: list[int]) -> None:
    first, second = write(tmp_path / "a.gguf"), write(tmp_path / "b.gguf")
    (tmp_path / "c.gguf").write_bytes(b"no model")
    scanner = Scanner()
    before = scan(scanner, tmp_path)
    reads.clear()
    assert scan(scanner, tmp_path) == before
    assert reads == []
    write(tmp_path / "new", name="other").replace(second)
    after = scan(scanner, tmp_path)
    assert reads
    assert after["a.gguf"] is before["a.gguf"]
    assert after["b.gguf"].header
    assert after["b.gguf"].header.name == "other"
    first.unlink()
    assert sorted(scan(scanner, tmp_path)) == ["b.gguf", "c.gguf"]


def test_a_file_that_grows_while_it_is_read_is_looked_at_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write(tmp_path / "a.gguf")
    really = os.pread

    def growing(handle: int, n: int, offset: int) -> bytes:
        with path.open("ab") as file:
            file.write(b"more")
        return really(handle, n, offset)

    scanner = Scanner()
    monkeypatch.setattr(os, "pread", growing)
    assert scan(scanner, tmp_path)["a.gguf"].problem == "it is being written"
    monkeypatch.setattr(os, "pread", really)
    assert scan(scanner, tmp_path)["a.gguf"].header


def test_a_file_that_vanishes_or_shrinks_while_it_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write(tmp_path / "a.gguf")
    write(tmp_path / "b.gguf")
    really = os.pread

    def cutting(handle: int, n: int, offset: int) -> bytes:
        if os.fstat(handle).st_ino == inode:
            os.truncate(path, 30)
        return really(handle, n, offset)

    inode = path.stat().st_ino
    monkeypatch.setattr(os, "pread", cutting)
    assert scan(Scanner(), tmp_path)["a.gguf"].problem == "it is being written"

    def removing(root: Path) -> gguf_scan.Walk:
        seen = really_walk(root)
        path.unlink()
        return seen

    really_walk = gguf_scan.walk
    monkeypatch.setattr(gguf_scan, "walk", removing)
    assert list(scan(Scanner(), tmp_path)) == ["b.gguf"]


def test_a_slow_disk_costs_a_file_not_the_scan(tmp_path: Path) -> None:
    write(tmp_path / "a.gguf")
    write(tmp_path / "b.gguf")

    def clock() -> Iterator[float]:
        yield from (0.0, 1.0, gguf_scan.SECONDS_PER_FILE + 1)
        while True:
            yield 100.0

    ticks = clock()
    scanner = Scanner(lambda: next(ticks))
    found = scan(scanner, tmp_path)
    assert found["a.gguf"].problem == "its header could not be read within 5 s"
    assert found["b.gguf"].header
    assert scan(scanner, tmp_path)["a.gguf"].header


def test_files_that_come_and_go_during_scans(tmp_path: Path) -> None:
    """Files are written and removed meanwhile: every scan has whole headers or reasons, never an error."""
    done = threading.Event()
    data = gguf(name="x")

    def churn() -> None:
        for i in range(300):
            part = tmp_path / f"{i % 7}.gguf"
            part.write_bytes(data[: len(data) * (i % 3 + 1) // 3])
            if i % 2:
                part.unlink()
        done.set()

    writer = threading.Thread(target=churn)
    writer.start()
    scanner = Scanner()
    while not done.is_set():
        for file in scan(scanner, tmp_path).values():
            assert bool(file.header) != bool(file.problem)
    writer.join()
