"""What differs now from before the session, and putting it back.

All from the notes and contents in the session's folder: no process of the session is needed. A file is put
back only if it is exactly as the session left it, checked for each file just before; so whatever somebody
else did to it is safe, and so is a file of which the notes do not say for sure who changed it.
"""

from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from ds4agent.agent.changes.images import Images, State, look
from ds4agent.agent.changes.journal import Journal, Note
from ds4agent.agent.changes.keeper import IMAGES
from ds4agent.agent.changes.patch import Side, patch


@dataclass(frozen=True, slots=True)
class FileChange:
    """`diff` leads from before the session to now; `name` is the one in it."""

    path: Path
    kind: Literal["add", "update", "delete"]
    diff: str


@dataclass(frozen=True, slots=True)
class Refusal:
    path: Path
    reason: str


class Review:
    """`folder`: of the session, `cwd`: its project. Not for use while the session works."""

    def __init__(self, folder: Path, cwd: Path) -> None:
        self._cwd = cwd
        self._images = Images(folder / IMAGES)
        self._journal = Journal(folder)

    def changes(self) -> list[FileChange]:
        """Of every file that is not as it was, by path. Raises OSError."""
        found = [self._change(path, note.before) for path, note in sorted(self._journal.notes.items())]
        return [change for change in found if change is not None]

    def put_back(
        self, only: Iterable[Path] | None = None, hands_off: Callable[[Path], str] = lambda path: ""
    ) -> tuple[list[Path], list[Refusal]]:
        """Files as they were before, all or only these: which were, and which were not, and why. `hands_off`
        says why one must not be touched.
        """
        notes = dict(sorted(self._journal.notes.items()))
        wanted = list(notes) if only is None else list(only)
        restored: list[Path] = []
        refused: list[Refusal] = []
        for path in _in_order(wanted, notes):
            note = notes.get(path)
            try:
                now = look(path)
                if note and now == note.before:
                    continue
                if why := _refusal(note, now) or hands_off(path):
                    refused.append(Refusal(path, why))
                    continue
                self._restore(path)
            except OSError as error:
                refused.append(Refusal(path, f"it cannot be put back: {error.strerror or error}"))
            else:
                restored.append(path)
        return sorted(restored), sorted(refused, key=lambda refusal: refusal.path)

    def _restore(self, path: Path) -> None:
        before = self._journal.notes[path].before
        self._images.restore(path, before)
        self._journal.back(path)
        if before.kind == "absent":
            self._drop_empty(path.parent)

    def _drop_empty(self, folder: Path) -> None:
        """Folders that hold nothing any more, as git has none either."""
        with suppress(OSError):
            while folder != self._cwd and folder.is_relative_to(self._cwd):
                folder.rmdir()
                folder = folder.parent

    def _change(self, path: Path, before: State) -> FileChange | None:
        now = look(path)
        diff = patch(self._name(path), self._side(before), _side_now(path, now))
        if not diff:
            return None
        kind: Literal["add", "update", "delete"] = "update"
        if before.kind == "absent" or now.kind == "absent":
            kind = "add" if before.kind == "absent" else "delete"
        return FileChange(path, kind, diff)

    def _name(self, path: Path) -> str:
        return str(path.relative_to(self._cwd)) if path.is_relative_to(self._cwd) else str(path).lstrip("/")

    def _side(self, state: State) -> Side:
        return Side(_mode(state), self._images.content(state))


def _refusal(note: Note | None, now: State) -> str:
    """Why it is not put back; empty if it is."""
    if note is None:
        return "the session did not change it"
    if note.others:
        return "somebody else may have changed it between two steps of the session"
    if note.after is None:
        return "the session was broken off while it wrote it"
    if note.after.kind == "other" and now.kind == "absent":
        return ""  # a folder that the session made in its place went with the last file in it
    return "" if now == note.after else "it has been changed since"


def _in_order(wanted: list[Path], notes: dict[Path, Note]) -> list[Path]:
    """What the session made first, the innermost before: a folder or link of its may lie where a file was."""
    made = {path for path in wanted if path in notes and notes[path].before.kind == "absent"}
    return sorted(made, reverse=True) + sorted(set(wanted) - made)


def _side_now(path: Path, state: State) -> Side:
    if state.kind == "link":
        return Side(_mode(state), str(path.readlink()).encode("utf-8", "surrogateescape"))
    return Side(_mode(state), path.read_bytes() if state.kind == "file" else b"")


def _mode(state: State) -> str | None:
    if state.kind == "link":
        return "120000"
    if state.kind != "file":
        return None
    return "100755" if state.executable else "100644"
