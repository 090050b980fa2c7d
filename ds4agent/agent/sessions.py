"""Sessions on disk: one folder each, with the transcript and the output that did not fit into it."""

import json
import os
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from ds4agent.agent.request import Head
from ds4agent.agent.transcript import Transcript, TranscriptError

FILE = "transcript.jsonl"
TITLE_LENGTH = 80
# The record of what the user took back between two turns.
PUT_BACK = "put_back"
_TAIL = 16_384
# Of a session that was killed before its first record was whole, and of a name that is none.
_UNREADABLE = (OSError, ValueError, KeyError, TypeError)


class UnknownSession(Exception):
    """No session, or more than one, is meant; the message is one sentence for the user."""


@dataclass(frozen=True, slots=True)
class Summary:
    """What a list of sessions shows. `status` is that of the last turn, None when it did not end."""

    id: str
    cwd: str
    title: str
    changed: float
    status: str | None


@dataclass(frozen=True, slots=True)
class Session:
    id: str
    folder: Path
    cwd: Path
    transcript: Transcript

    @property
    def shell_cwd(self) -> Path:
        """Where the shell was when the session was left."""
        found = [r.fields["shell_cwd"] for r in self.transcript.records if "shell_cwd" in r.fields]
        return Path(found[-1]) if found else self.cwd

    @property
    def last_date(self) -> str:
        """The date that the model was told last."""
        dates = [record.fields["date"] for record in self.transcript.records if "date" in record.fields]
        return str(dates[-1]) if dates else ""

    @property
    def put_back(self) -> list[str]:
        """Names of the files that the user has put back since the model was told something last."""
        found: dict[str, None] = {}
        for record in self.transcript.records:
            if "date" in record.fields:
                found.clear()
            elif record.kind == PUT_BACK:
                found.update(dict.fromkeys(record.fields["files"]))
        return list(found)

    def note_put_back(self, files: Iterable[Path]) -> None:
        """The model is told with the next task. Raises TranscriptError."""
        names = [str(f.relative_to(self.cwd)) if f.is_relative_to(self.cwd) else str(f) for f in files]
        self.transcript.append(PUT_BACK, files=names)


def create(root: Path, head: Head, cwd: Path, task: str) -> Session:
    """A new session. Raises TranscriptError when it cannot be stored."""
    name = f"{time.strftime('%Y%m%d-%H%M%S')}-{os.urandom(3).hex()}"
    folder = root / name
    try:
        folder.mkdir(mode=0o700, parents=True)
    except OSError as error:
        raise TranscriptError(f"no session can be stored in {root}: {error.strerror}") from error
    transcript = Transcript.create(folder / FILE, head, cwd=str(cwd), title=_title(task))
    return Session(name, folder, cwd, transcript)


def open_session(root: Path, name: str) -> Session:
    """Take up a session by its id or the unique beginning of one."""
    summary = find(root, name) or _only(root, name)
    folder = root / summary.id
    return Session(summary.id, folder, Path(summary.cwd), Transcript.open(folder / FILE))


def find(root: Path, name: str) -> Summary | None:
    """The session of that id, however many others there are."""
    if name in ("", "..") or Path(name).name != name:
        return None
    try:
        return _summary(root / name)
    except _UNREADABLE:
        return None


def _only(root: Path, beginning: str) -> Summary:
    found = [summary for summary in summaries(root) if summary.id.startswith(beginning)] if beginning else []
    if not found:
        raise UnknownSession(f"there is no session {beginning!r}; `ds4agent sessions` lists them")
    if len(found) > 1:
        raise UnknownSession(f"{beginning!r} is the beginning of {len(found)} session ids; give more of it")
    return found[0]


def latest(root: Path, cwd: Path) -> str:
    """The id of the session that was last active in a folder."""
    here = [summary for summary in summaries(root) if summary.cwd == str(cwd)]
    if not here:
        raise UnknownSession(f"there is no session to continue in {cwd}")
    return max(here, key=lambda summary: summary.changed).id


def summaries(root: Path) -> list[Summary]:
    """All sessions that have a readable beginning, the newest first. Raises TranscriptError."""
    return sorted(_scan(root), key=lambda summary: summary.changed, reverse=True)


def _scan(root: Path) -> Iterator[Summary]:
    try:
        folders = list(root.iterdir())
    except (FileNotFoundError, NotADirectoryError):
        return
    except OSError as error:  # made by root, once
        raise TranscriptError(f"the sessions in {root} cannot be read: {error.strerror}") from error
    for folder in folders:
        try:
            yield _summary(folder)
        except _UNREADABLE:
            continue


def _summary(folder: Path) -> Summary:
    with (folder / FILE).open("rb") as file:
        first = json.loads(file.readline())
        status = os.fstat(file.fileno())
        file.seek(max(0, status.st_size - _TAIL))
        end = file.read().rstrip(b"\n").split(b"\n")
    return Summary(folder.name, first["cwd"], first["title"], status.st_mtime, _end_status(end))


def _end_status(lines: list[bytes]) -> str | None:
    """That of the last turn, if nothing but taking changes back came after it."""
    try:
        for line in reversed(lines):
            record = json.loads(line)
            if record["type"] != PUT_BACK:
                return str(record["status"]) if record["type"] == "turn" else None
    except (ValueError, KeyError, TypeError):
        pass
    return None


def _title(task: str) -> str:
    """The first line of the first task: no request is spent on a title (rule R7)."""
    line = next((line.strip() for line in task.splitlines() if line.strip()), "")
    return line if len(line) <= TITLE_LENGTH else line[: TITLE_LENGTH - 3] + "..."
