"""Notes about touched files: an append-only file of the session, one JSON object a line.

`touch`: the session is about to change a path for the first time, which was `before`. `left`: the session
left it as `after`. `others`: between two changes of the session somebody else changed it. `back`: it was put
back, so the next touch is a first one again. A torn last line is no note.
"""

import json
import os
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ds4agent.agent.changes.images import State

FILE = "changes.jsonl"


@dataclass(frozen=True, slots=True)
class Note:
    """A touched path. `after` is None while the session is at it; `others`: somebody else was, too."""

    before: State
    after: State | None = None
    others: bool = False


class Journal:
    """The notes of a session's folder. Paths are absolute."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / FILE
        self.notes: dict[Path, Note] = {}
        try:
            lines = self._path.read_bytes().split(b"\n")[:-1]
        except FileNotFoundError:
            lines = []
        for line in lines:
            try:
                self._apply(json.loads(line))
            except (ValueError, KeyError, TypeError):
                continue  # a line that was torn, and went on after

    def touch(self, path: Path, before: State) -> None:
        self._add({"touch": str(path), "before": before.json()})

    def left(self, path: Path, after: State) -> None:
        self._add({"left": str(path), "after": after.json()})

    def others(self, path: Path) -> None:
        self._add({"others": str(path)})

    def back(self, path: Path) -> None:
        self._add({"back": str(path)})

    def _apply(self, line: dict[str, Any]) -> None:
        if "touch" in line:
            self.notes[Path(line["touch"])] = Note(State.of_json(line["before"]))
        elif "left" in line:
            path = Path(line["left"])
            self.notes[path] = replace(self.notes[path], after=State.of_json(line["after"]))
        elif "others" in line:
            path = Path(line["others"])
            self.notes[path] = replace(self.notes[path], others=True)
        else:
            self.notes.pop(Path(line["back"]), None)

    def _add(self, line: dict[str, Any]) -> None:
        """On disk, whole, before it is acted upon. Raises OSError; then nothing is noted."""
        self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        data = json.dumps(line, separators=(",", ":")).encode() + b"\n"
        descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        try:
            size = os.fstat(descriptor).st_size
            if size and os.pread(descriptor, 1, size - 1) != b"\n":
                data = b"\n" + data
            try:
                while data:  # a disk that becomes full takes a part
                    data = data[os.write(descriptor, data) :]
                os.fsync(descriptor)
            except OSError:
                with suppress(OSError):
                    os.ftruncate(descriptor, size)
                raise
        finally:
            os.close(descriptor)
        self._apply(line)
