"""Conversations on disk: a folder each with a transcript, as the agent's sessions have, and of the same make.

Several servers may use one store. A transcript is locked while a turn is written, and read anew before each,
so that two editors can take turns in a conversation but not speak at once. Nothing is held in memory between
turns.
"""

import fcntl
import json
import os
import re
import shutil
import time
from contextlib import suppress
from pathlib import Path

from ds4agent.agent import sessions
from ds4agent.agent.request import Head
from ds4agent.agent.transcript import Record, SessionBusy, Transcript, TranscriptError, read_records
from ds4agent.lsp.chat.contract import ConversationOut, Summary
from ds4agent.lsp.chat.turns import Turn, turns
from ds4agent.lsp.protocol import Failed

_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]*")
_TAIL = 4096
TRIES = 5
TRY_SECONDS = 0.02


class Store:
    """Blocking; whoever must not wait calls it in a thread. Everything raises Failed."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def create(self, head: Head, cwd: Path, text: str) -> tuple[str, Transcript]:
        """A conversation without turns. Its title is the first line of the text."""
        try:
            self._root.mkdir(mode=0o700, parents=True, exist_ok=True)
            made = sessions.create(self._root, head, cwd, text)
        except (OSError, TranscriptError) as error:
            raise Failed(f"the conversation cannot be stored: {error}") from error
        return made.id, made.transcript

    def open(self, name: str) -> Transcript:
        """To be written. It is locked until it is closed."""
        file, tries = self._file(name), 1
        while True:
            try:
                return Transcript.open(file)
            except SessionBusy as error:
                # Who reads looks for a moment whether somebody writes.
                if tries == TRIES:
                    raise Failed(
                        "this conversation is being answered already; wait or cancel that"
                    ) from error
            except TranscriptError as error:
                raise Failed(f"the conversation {name} cannot be read: {error}") from error
            tries += 1
            time.sleep(TRY_SECONDS)

    def fork(self, name: str, number: int, text: str) -> tuple[str, Transcript]:
        """A copy of what was said before turn `number`."""
        records, _ = self._read(name)
        found = turns(records)
        if not any(turn.number == number for turn in found):
            raise Failed(f"the conversation {name} has no turn {number}")
        first = records[0].fields
        frozen = first["head"]
        head = Head(frozen["model"], frozen["system"], tuple(frozen["tools"]), frozen["mode"])
        kept = [turn for turn in found if turn.number < number]
        made, copy = self.create(head, Path(first["cwd"]), kept[0].text if kept else text)
        try:
            for turn in kept:
                for record in turn.records:
                    # `sizes` is written with the messages.
                    fields = {k: v for k, v in record.fields.items() if k not in ("type", "sizes")}
                    copy.append(record.kind, record.messages, **fields)
        except TranscriptError as error:
            # Half of a copy is no conversation.
            shutil.rmtree(copy.path.parent, ignore_errors=True)
            copy.close()
            raise Failed(f"the conversation cannot be stored: {error}") from error
        return made, copy

    def get(self, name: str) -> ConversationOut:
        records, running = self._read(name)
        said = [turn.out("running" if running else "failed") for turn in turns(records)]
        return ConversationOut(name, records[0].fields["title"], tuple(said))

    def turn(self, name: str, number: int) -> Turn:
        records, _ = self._read(name)
        for turn in turns(records):
            if turn.number == number:
                return turn
        raise Failed(f"the conversation {name} has no turn {number}")

    def summaries(self) -> list[Summary]:
        """The newest first."""
        found = [
            Summary(item.id, item.title, self._turns(item.id), item.changed)
            for item in sessions.summaries(self._root)
        ]
        return [item for item in found if item.turns]

    def delete(self, name: str) -> None:
        transcript = self.open(name)
        try:
            shutil.rmtree(transcript.path.parent)
        except OSError as error:
            raise Failed(f"the conversation {name} cannot be deleted: {error.strerror}") from error
        finally:
            transcript.close()

    def _file(self, name: str) -> Path:
        file = self._root / name / sessions.FILE
        if not _ID.fullmatch(name) or not file.is_file():
            raise Failed(f"there is no conversation {name}")
        return file

    def _read(self, name: str) -> tuple[list[Record], bool]:
        """Its records, without a last one that is being written, and whether somebody is writing."""
        file = self._file(name)
        try:
            with file.open("rb") as opened:
                running = not _can_lock(opened.fileno())
                records = [record for record, _ in read_records(opened.read())]
        except (OSError, TranscriptError) as error:
            raise Failed(f"the conversation {name} cannot be read: {error}") from error
        if not records:
            raise Failed(f"there is no conversation {name}")
        return records, running

    def _turns(self, name: str) -> int:
        """From the last record, which is that of a turn's end unless one is running or was broken off."""
        with suppress(OSError, ValueError, KeyError, TypeError, IndexError):
            last = json.loads(_tail(self._root / name / sessions.FILE).splitlines()[-1])
            if last["type"] == "turn":
                return int(last["turn"])
        with suppress(Failed):
            found = turns(self._read(name)[0])
            return found[-1].number if found else 0
        return 0


def _tail(file: Path) -> bytes:
    with file.open("rb") as opened:
        opened.seek(max(0, os.fstat(opened.fileno()).st_size - _TAIL))
        return opened.read()


def _can_lock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
        fcntl.flock(descriptor, fcntl.LOCK_UN)
    except OSError:
        return False
    return True
