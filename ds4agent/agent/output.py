"""What a command printed, as the model reads it.

Bytes of a terminal become text once and for good: UTF-8, escape sequences gone, line ends \n, white space at
the end gone. The text is capped here, at ingestion, and never again: a result that was sent is a prefix of
every later request (rule R5). What the cap leaves out is in a file that the model can read; of a command that
never stops printing the file holds the beginning, so that no command fills the disk by what it prints.

Cost: head and tail are kept in memory, the rest goes straight to the file, so a hundred megabytes of output
need a few kilobytes here. KV effect: one result is at most 16,000 characters plus one line.
"""

import codecs
import os
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import IO

CAP = 16_000
HALF = CAP // 2
# Of a file behind a capped text: at four bytes a character what str_replace_editor still views.
LONGEST_SPILL = 16 << 20
# An escape sequence that is longer than this is not one.
LONGEST_ESCAPE = 4096

_COMPLETE = (
    r"\x1b(?:"
    r"\[[0-?]*[ -/]*[@-~]"  # CSI: colours, cursor, modes
    r"|\][^\x07\x1b]*(?:\x07|\x1b\\)"  # OSC: titles, links
    r"|[PX^_][^\x1b]*\x1b\\"  # DCS, SOS, PM, APC
    r"|[ -/]+[0-~]"  # character sets
    r"|[0-OQ-WYZ\\`-~]"  # two-character functions
    r")"
)
# The beginning of a sequence at the end of the text; the next piece may complete it.
_BEGUN = r"\x1b(?:\[[0-?]*[ -/]*|\][^\x07\x1b]*\x1b?|[PX^_][^\x1b]*\x1b?|[ -/]*)\Z"
_ESCAPE = re.compile(f"{_COMPLETE}|(?!{_BEGUN})\x1b")
_LINE_END = re.compile(r"\r+\n")


@dataclass(frozen=True, slots=True)
class Captured:
    """`text` is capped; `spill` is the file with the output when something was left out."""

    text: str
    spill: Path | None = None


class Cleaner:
    """Terminal bytes to plain text, in pieces of any size."""

    def __init__(self) -> None:
        self._decode = codecs.getincrementaldecoder("utf-8")("replace").decode
        self._held = ""

    def feed(self, data: bytes, final: bool = False) -> str:
        # NUL would end the text in a C engine, so it is shown as a byte that is not text.
        text = self._held + self._decode(data, final).replace("\0", "�")
        self._held = ""
        if "\x1b" in text:
            text = _ESCAPE.sub("", text)
        if not final:
            text = self._hold_back(text)
        return _LINE_END.sub("\n", text.replace("\x1b", "")) if "\r" in text else text.replace("\x1b", "")

    def _hold_back(self, text: str) -> str:
        """Keep what the next piece may complete: an escape sequence, a CR before its LF."""
        start = text.find("\x1b")
        if start < 0 or len(text) - start > LONGEST_ESCAPE:
            start = len(text)
        cut = len(text[:start].rstrip("\r"))
        self._held = text[cut:]
        return text[:cut]


class Collector:
    """Head and tail of a stream of terminal bytes; the whole of it in a file once it is over the cap."""

    def __init__(self, spill_path: Callable[[], Path]) -> None:
        self._cleaner = Cleaner()
        self._spill = Spill(spill_path)
        self._head = ""
        self._tail = ""
        self._body = 0  # characters, without white space at the end
        self._blank = ""  # white space that is the end unless more follows
        self._blank_length = 0

    def feed(self, data: bytes) -> None:
        self._add(self._cleaner.feed(data))

    def note(self, line: str) -> None:
        """A line of ours, behind what there is."""
        self._add(self._cleaner.feed(b"", final=True))
        self._blank, self._blank_length = "", 0
        self._add(("\n" if self._body else "") + f"{line}\n")

    def finish(self) -> Captured:
        self._add(self._cleaner.feed(b"", final=True))
        whole = self._spill.close(keep=self._body > CAP)
        if self._body <= CAP:
            return Captured(self._head + self._tail)
        return Captured(shorten(self._head, self._tail[-HALF:], self._body, self._spill.where()), whole)

    def _add(self, text: str) -> None:
        self._spill.write(text)
        core = text.rstrip()
        if core:
            self._commit(self._blank, self._blank_length)
            self._commit(core, len(core))
            self._blank, self._blank_length = "", 0
        self._blank = (self._blank + text[len(core) :])[-CAP:]
        self._blank_length += len(text) - len(core)

    def _commit(self, text: str, length: int) -> None:
        self._body += length
        room = HALF - len(self._head)
        self._head += text[:room]
        self._tail += text[room:] if room else text
        if len(self._tail) > 4 * CAP:
            self._tail = self._tail[-CAP:]


class Spill:
    """The file behind a capped text. It is opened only when the cap is passed."""

    def __init__(self, path: Callable[[], Path]) -> None:
        self._make_path = path
        self._early: list[str] = []
        self._length = self._written = 0
        self._file: IO[str] | None = None
        self._path: Path | None = None
        self._failure = ""

    def write(self, text: str) -> None:
        self._length += len(text)
        if self._failure:
            return
        if self._file is None:
            self._early.append(text)
            if self._length <= CAP:
                return
        try:
            if self._file is None:
                self._path = self._make_path()
                self._file = open_private(self._path)
                text = "".join(self._early)
                self._early.clear()
            room = LONGEST_SPILL - self._written
            self._written += len(text[:room])
            self._file.write(text[:room])
        except OSError as error:
            self._give_up(error)

    def close(self, keep: bool) -> Path | None:
        """Finish the file; None when there is none worth keeping."""
        try:
            if self._file:
                self._file.close()
        except OSError as error:
            self._give_up(error)
        if self._path and not keep:
            self._path.unlink(missing_ok=True)
        return self._path if keep else None

    def where(self) -> str:
        """For the model: what is in which file, or why there is no file."""
        if self._path and self._length > self._written:
            return f"the first {self._written} characters of the output are in {self._path}"
        return f"the whole output is in {self._path or f'lost ({self._failure})'}"

    def _give_up(self, error: OSError) -> None:
        self._failure = error.strerror or str(error)
        self._early.clear()
        if self._path:
            self._path.unlink(missing_ok=True)
        self._path = None


def open_private(path: Path) -> IO[str]:
    """A new file that only its owner can read."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
    return os.fdopen(os.open(path, flags, 0o600), "w", encoding="utf-8", errors="replace", newline="")


def shorten(head: str, tail: str, length: int, where: str) -> str:
    """The one form of a capped text: first and last characters, and where the rest of it is."""
    left_out = length - len(head) - len(tail)
    return f"{head}\n[... {left_out} characters left out; {where} ...]\n{tail}"


def capped(text: str, spill_path: Callable[[], Path]) -> str:
    """A text that is at hand as a whole, capped like the output of a command."""
    if len(text) <= CAP:
        return text
    spill = Spill(spill_path)
    spill.write(text)
    spill.close(keep=True)
    return shorten(text[:HALF], text[-HALF:], len(text), spill.where())
