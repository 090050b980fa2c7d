"""GGUF files in folders: found, and their headers read once for as long as the files stay as they are.

* A folder is walked with what lies in it, links included, each real folder once. What is hidden is left out:
  a file that is still being loaded is hidden or has another ending.
* A header is read again only when inode, size or time of change differ. What could not be read, or changed
  while it was read, is not kept: the next scan looks again.
* Neither a pipe in place of a file nor a slow disk nor a folder without end holds up a scan: files are opened
  without waiting, a header has a time limit and a budget of bytes, a folder a number of entries.
"""

import os
import stat
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from ds4agent.sidecar.model_names import shard
from ds4agent.wire import gguf

SUFFIX = ".gguf"
SECONDS_PER_FILE = 5.0
MAX_ENTRIES = 100_000
MAX_DEPTH = 12

# Device, inode, size and time of change in ns.
Stamp = tuple[int, int, int, int]


@dataclass(frozen=True, slots=True)
class Found:
    """A file that ends in .gguf. Either `header` or `problem` is there."""

    path: Path
    root: Path
    stamp: Stamp
    header: gguf.Header | None = None
    problem: str = ""
    damaged: bool = False

    @property
    def size(self) -> int:
        return self.stamp[2]


@dataclass(slots=True)
class Walk:
    """Paths of one folder and what kept some of it from being seen."""

    paths: list[Path] = field(default_factory=list)
    problems: dict[Path, str] = field(default_factory=dict)


class Scanner:
    """Remembers headers between scans. `clock`: seconds, for the time limit of a file."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._known: dict[Path, Found] = {}

    def scan(self, roots: Iterable[Path]) -> tuple[list[Found], dict[Path, str]]:
        """All files in a fixed order, and problems by path. A folder that is not there holds nothing."""
        found: dict[Path, Found] = {}
        problems: dict[Path, str] = {}
        for root in roots:
            seen = walk(root)
            problems |= seen.problems
            for path in sorted(seen.paths):
                if path not in found and (file := self._file(path, root)):
                    found[path] = file
        # Those without a stamp have to be looked at again.
        self._known = {path: file for path, file in found.items() if file.stamp[1]}
        return list(found.values()), problems

    def beside(self, path: Path) -> list[Found]:
        """One file, or all in its folder where it is part of a split model."""
        split = shard(path.name[: -len(SUFFIX)]) if path.name.lower().endswith(SUFFIX) else None
        glob = sorted(path.parent.iterdir()) if split else [path]
        near = [p for p in glob if not split or p.name.startswith(f"{split.stem}-")]
        return [file for p in near if (file := self._file(p, path.parent))]

    def _file(self, path: Path, root: Path) -> Found | None:
        try:
            before = _stamp(path.stat())
            known = self._known.get(path)
            if known and known.stamp == before:
                return known
            return self._read(path, root, before)
        except FileNotFoundError:
            return None
        except OSError as error:
            return Found(path, root, (0, 0, 0, 0), problem=f"it cannot be read: {error.strerror}")

    def _read(self, path: Path, root: Path, before: Stamp) -> Found:
        handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        try:
            if not stat.S_ISREG(os.fstat(handle).st_mode):
                return Found(path, root, (0, 0, 0, 0), problem="it is not a regular file")
            header, problem = self._header(handle, before[2])
            if _stamp(os.fstat(handle)) != before:
                return Found(path, root, (0, 0, before[2], 0), problem="it is being written")
        finally:
            os.close(handle)
        if problem == _SLOW:
            return Found(path, root, (0, 0, before[2], 0), problem=problem)
        return Found(path, root, before, header, problem, problem.startswith(_DAMAGED))

    def _header(self, handle: int, size: int) -> tuple[gguf.Header | None, str]:
        end = self._clock() + SECONDS_PER_FILE
        reading = gguf.read(size)
        try:
            piece = next(reading)
            while self._clock() < end:
                piece = reading.send(os.pread(handle, piece.n, piece.offset))
        except StopIteration as done:
            header: gguf.Header = done.value
            return header, ""
        except gguf.NotGguf as error:
            return None, f"it is not a GGUF file: {error}"
        except gguf.BadHeader as error:
            return None, f"{_DAMAGED}: {error}"
        return None, _SLOW


_DAMAGED = "its header is damaged"
_SLOW = f"its header could not be read within {SECONDS_PER_FILE:g} s"


def _stamp(about: os.stat_result) -> Stamp:
    return about.st_dev, about.st_ino, about.st_size, about.st_mtime_ns


def walk(root: Path) -> Walk:
    """All visible .gguf files below `root`."""
    result, seen = Walk(), set[tuple[int, int]]()
    left = MAX_ENTRIES
    todo = [(root, 0)]
    while todo:
        folder, depth = todo.pop()
        try:
            about = folder.stat()
            if (key := (about.st_dev, about.st_ino)) in seen:
                continue
            seen.add(key)
            for entry in _visible(folder):
                left -= 1
                if left < 0:
                    result.problems[root] = f"it holds more than {MAX_ENTRIES} files; name a smaller folder"
                    return result
                if _is_folder(entry):
                    if depth == MAX_DEPTH:
                        result.problems[Path(entry.path)] = (
                            f"it is {MAX_DEPTH} folders deep; it was not looked at"
                        )
                    else:
                        todo.append((Path(entry.path), depth + 1))
                elif entry.name.lower().endswith(SUFFIX):
                    result.paths.append(Path(entry.path))
        except (FileNotFoundError, NotADirectoryError):
            continue
        except OSError as error:
            result.problems[folder] = f"it cannot be read: {error.strerror}"
    return result


def _visible(folder: Path) -> Iterator["os.DirEntry[str]"]:
    with os.scandir(folder) as entries:
        yield from (entry for entry in entries if not entry.name.startswith("."))


def _is_folder(entry: "os.DirEntry[str]") -> bool:
    try:
        return entry.is_dir()
    except OSError:
        return False
