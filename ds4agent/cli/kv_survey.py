"""Our files in a KV directory, looked at from outside the engine.

The engine's own rules decide what belongs together and what is damaged (ds4agent.engine.kv), over a folder
whose calls that change something only note it: nothing is set aside, renamed or removed by looking. An
engine may be writing meanwhile. `hold` gives the same survey over the locked folder, on which removals are
real.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ds4agent.engine.kv import read as kvread
from ds4agent.engine.kv.disk import Disk
from ds4agent.engine.kv.files import DAMAGED, POINT, ROWS, TOOLS, Folder, file_name
from ds4agent.engine.kv.index import Entry, Index, Run
from ds4agent.engine.kv.opening import fill
from ds4agent.wire.kvrows import Damage


class _Noting(Folder):
    """Looks only; `removed` names the files that would be gone."""

    def __init__(self, path: Path) -> None:
        """Without the lock, and nothing is made. Raises OSError."""
        self.path = path
        self.removed: list[str] = []
        self._fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)

    def close(self) -> None:
        os.close(self._fd)

    def files(self) -> dict[str, int]:
        return dict(self._ours())

    def remove(self, name: str) -> None:
        self.removed.append(name)


class _Removing(Folder):
    """Holds the lock. Raises LockError when an engine has it."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.removed: list[str] = []

    def files(self) -> dict[str, int]:
        return dict(self._ours())

    def remove(self, name: str) -> None:
        super().remove(name)
        self.removed.append(name)


class Survey(Disk):
    """`sizes`: our files; `problems`: what is wrong, by file; `left_over`: files that nothing refers to."""

    def __init__(self, folder: _Noting | _Removing) -> None:
        noting = _Noting(folder.path)
        super().__init__(noting, Index(b""), 0, lambda line: None)
        self.sizes = noting.files()
        self.problems: dict[str, str] = {}
        self._removed = folder.removed
        try:
            fill(self, 0)
        finally:
            noting.close()
        # What the engine would remove at its start.
        self.left_over = [name for name in self.sizes if name.endswith(".tmp")] + noting.removed
        self.folder = folder

    def set_aside_file(self, name: str, region: str) -> None:
        self.problems[name] = region
        self.damaged[name] = self.sizes.get(name, 0)

    @property
    def removed(self) -> dict[str, int]:
        """Files that were removed, or would be, and their sizes."""
        return {name: self.sizes[name] for name in self._removed if name in self.sizes}

    def orphans(self) -> list[Run]:
        """Runs that no point needs."""
        return [run for run in self.index.runs.values() if not run.n_points]

    def text(self, entry: Entry) -> bytes:
        """The text of the whole blocks. Raises OSError and Damage."""
        runs = [run for run, _ in entry.needs()]
        return b"".join(kvread.run_start(self.folder, file_name(r.id, ROWS)).text for r in reversed(runs))

    def check_contents(self) -> None:
        """Read all rows, frontiers and texts of tool calls too; what is wrong joins the problems."""
        for name in self.sizes:
            with self._noted(name), self.folder.reader(name):
                pass
        for run in self.index.runs.values():
            with self._noted(file_name(run.id, ROWS)) as name:
                start = kvread.run_start(self.folder, name)
                for _ in kvread.run_rows(self.folder, start, run.head.end_block):
                    pass
        for entry in self.index.points.values():
            self._check_point(entry)

    def _check_point(self, entry: Entry) -> None:
        with self._noted(file_name(entry.id, POINT)) as name:
            kvread.frontier(self.folder, name)
        if entry.tools_bytes:
            with self._noted(file_name(entry.id, TOOLS)) as name:
                kvread.tool_texts(self.folder, name)

    @contextmanager
    def _noted(self, name: str) -> Iterator[str]:
        try:
            yield name
        except Damage as error:
            self.problems[name] = str(error)
        except FileNotFoundError:
            pass  # evicted a moment ago
        except OSError as error:
            self.problems[name] = f"cannot be read: {error.strerror}"

    def set_aside_earlier(self) -> list[str]:
        return [name for name in self.sizes if name.endswith(DAMAGED)]

    def bytes_by_kind(self) -> dict[str, int]:
        index = self.index
        orphaned = sum(run.head.size for run in self.orphans())
        return {
            "rows": sum(run.head.size for run in index.runs.values()) - orphaned,
            "frontiers": sum(entry.size for entry in index.points.values()),
            "orphaned rows": orphaned,
            "left over": sum(self.sizes[name] for name in self.left_over),
            "damaged": sum(self.damaged.values()),
        }


@contextmanager
def look(folder: Path) -> Iterator[Survey]:
    """Raises OSError."""
    noting = _Noting(folder)
    try:
        yield Survey(noting)
    finally:
        noting.close()


@contextmanager
def hold(folder: Path) -> Iterator[Survey]:
    """Raises OSError, and LockError while an engine uses the directory."""
    removing = _Removing(folder)
    try:
        yield Survey(removing)
    finally:
        removing.close()
