"""The transcript: an append-only file that is the session.

One record a line. A record is written with a single write, synced, and only then acted upon: the request is
sent after its user text is on disk, the next request after the tool's result is. So a kill -9 at any moment
loses at most the record that was being written; that torn last line has no newline and is cut off when the
session is opened again. The next request is computed from the records alone (request.body), hence it is byte
for byte the one that would have been sent.

Messages are kept as the bytes that go over the wire. A record of kind `messages` ends in `"raw":[...]` with
the byte length of each message in `sizes`, so they are taken out by position and never parsed and printed
again. Several messages that belong together (project instructions and the task) share one record: they come
into being together or not at all.

One writer: the file is locked (flock) as long as it is open.
"""

import errno
import fcntl
import json
import os
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ds4agent.agent.message import encode
from ds4agent.agent.request import Head

VERSION = 1
_RAW = b',"raw":['


class TranscriptError(Exception):
    """The session cannot be read or written; the message is one sentence for the user."""


class SessionBusy(TranscriptError):
    """Another process writes this session."""


@dataclass(frozen=True, slots=True)
class Record:
    """A line of the file: its fields, and the messages it holds."""

    fields: dict[str, Any]
    messages: tuple[bytes, ...] = ()

    @property
    def kind(self) -> str:
        return str(self.fields["type"])


def parse(line: bytes) -> Record:
    """A record from its line; raises ValueError or KeyError when it is damaged."""
    fields = json.loads(line)
    if not isinstance(fields, dict) or not isinstance(fields["type"], str):
        raise ValueError("not a record")
    if fields["type"] != "messages":
        return Record(fields)
    # The fields in front of it are numbers and words of ours, so the first match is the member.
    at = line.index(_RAW) + len(_RAW)
    messages = []
    for size in fields["sizes"]:
        messages.append(line[at : at + size])
        at += size + 1
    fields.pop("raw")
    return Record(fields, tuple(messages))


def compose(fields: dict[str, Any], messages: Sequence[bytes] = ()) -> bytes:
    """The line of a record, newline included."""
    if not messages:
        return encode(fields) + b"\n"
    sized = encode({**fields, "sizes": [len(raw) for raw in messages]})
    return sized[:-1] + _RAW + b",".join(messages) + b"]}\n"


def read_records(data: bytes) -> Iterator[tuple[Record, int]]:
    """Whole records with the offset behind each. A last line without a newline is not a record."""
    start, number = 0, 0
    while (end := data.find(b"\n", start)) >= 0:
        number += 1
        try:
            record = parse(data[start:end])
        except (ValueError, KeyError, TypeError) as error:
            if data.find(b"\n", end + 1) < 0:
                return  # the crash was inside this line although its newline reached the disk
            raise TranscriptError(f"line {number} of the session file is damaged") from error
        start = end + 1
        yield record, start


class Transcript:
    """An open session file. `messages` are all messages after the system text, in order."""

    def __init__(self, path: Path, descriptor: int, head: Head, records: list[Record], size: int) -> None:
        self.path = path
        self.head = head
        self.records = records
        self.messages = [raw for record in records for raw in record.messages]
        self._descriptor = descriptor
        self._size = size

    @classmethod
    def create(cls, path: Path, head: Head, **about: Any) -> "Transcript":
        """A new session; `about` (cwd and the like) goes into the first record."""
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = _open_locked(path, os.O_CREAT | os.O_EXCL)
        transcript = cls(path, descriptor, head, [], 0)
        frozen = {"model": head.model, "system": head.system, "tools": head.tools, "mode": head.mode}
        transcript.append("session", version=VERSION, **about, head=frozen)
        folder = os.open(path.parent, os.O_RDONLY)
        os.fsync(folder)
        os.close(folder)
        return transcript

    @classmethod
    def open(cls, path: Path) -> "Transcript":
        """Take up a session: lock it, drop a torn last line, read the rest."""
        descriptor = _open_locked(path, 0)
        try:
            found = list(read_records(path.read_bytes()))
            if not found or found[0][0].kind != "session":
                raise TranscriptError(f"{path} does not begin with a session record")
            records, size = [record for record, _ in found], found[-1][1]
            head = _head(records[0])
            os.ftruncate(descriptor, size)
        except BaseException:
            os.close(descriptor)
            raise
        return cls(path, descriptor, head, records, size)

    def append(self, kind: str, messages: Sequence[bytes] = (), **fields: Any) -> None:
        """Write one record and wait until it is on disk. Raises TranscriptError when it is not."""
        record = {"type": kind, "at": round(time.time(), 3), **fields}
        line = compose(record, messages)
        try:
            written = os.write(self._descriptor, line)
            while written < len(line):
                written += os.write(self._descriptor, line[written:])
            os.fsync(self._descriptor)
        except OSError as error:
            with suppress(OSError):
                os.ftruncate(self._descriptor, self._size)
            why = error.strerror or str(error)
            raise TranscriptError(f"the session could not be written to {self.path}: {why}") from error
        self._size += len(line)
        self.records.append(Record(record, tuple(messages)))
        self.messages.extend(messages)

    def close(self) -> None:
        os.close(self._descriptor)


def _head(first: Record) -> Head:
    frozen = first.fields["head"]
    if first.fields.get("version") != VERSION:
        raise TranscriptError(f"the session file has version {first.fields.get('version')}, not {VERSION}")
    return Head(frozen["model"], frozen["system"], tuple(frozen["tools"]), frozen["mode"])


def _open_locked(path: Path, flags: int) -> int:
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CLOEXEC | flags, 0o600)
    except OSError as error:
        raise TranscriptError(f"{path}: {error.strerror}") from error
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        os.close(descriptor)
        raise SessionBusy("another process is working on this session") from error
    if not os.fstat(descriptor).st_nlink:  # deleted between the two calls above
        os.close(descriptor)
        raise TranscriptError(f"{path}: {os.strerror(errno.ENOENT)}")
    return descriptor
