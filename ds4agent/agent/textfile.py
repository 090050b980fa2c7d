"""Text files on disk: read whole, written whole or not at all.

A write goes to a temporary file in the same folder, is synced, and takes the old name by rename, so that a
crash leaves the old file or the new one. Mode is kept; a symbolic link stays and its target is replaced.
Line ends: a file that uses CRLF throughout is edited as if it used LF and written back as CRLF; a file that
mixes them is left exactly as it is. UTF-8 only, with or without a byte order mark.
"""

import os
import stat
import tempfile
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

LARGEST = 64 << 20
_BOM = "﻿"


class NotText(Exception):
    """The file is not UTF-8 text, or not a regular file."""


class NotRegular(NotText):
    """It is a pipe, a socket or a device."""


@dataclass(frozen=True, slots=True)
class TextFile:
    """`text` has \\n line ends unless the file mixes them; `crlf` and `bom` restore the rest."""

    text: str
    crlf: bool = False
    bom: bool = False

    def with_text(self, text: str) -> "TextFile":
        return TextFile(text, self.crlf, self.bom)

    def encode(self) -> bytes:
        text = self.text.replace("\n", "\r\n") if self.crlf else self.text
        return ((_BOM if self.bom else "") + text).encode("utf-8", "surrogatepass")


def decode(data: bytes) -> TextFile:
    """Raises NotText when the bytes are not UTF-8 or hold a NUL."""
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise NotText from error
    if "\0" in text:
        raise NotText
    bom = text.startswith(_BOM)
    text = text.removeprefix(_BOM)
    ends = text.count("\r\n")
    # A lone CR or LF anywhere would not survive the way back.
    crlf = ends > 0 and ends == text.count("\n") == text.count("\r")
    return TextFile(text.replace("\r\n", "\n") if crlf else text, crlf, bom)


def read(path: Path) -> TextFile:
    """Raises NotText, FileNotFoundError, IsADirectoryError or another OSError."""
    status = path.stat()
    if stat.S_ISDIR(status.st_mode):
        raise IsADirectoryError(path)
    if not stat.S_ISREG(status.st_mode):  # to open one may fail, wait, or do something
        raise NotRegular
    if status.st_size > LARGEST:
        raise NotText
    return decode(path.read_bytes())


def target(path: Path) -> Path:
    """The file behind links. Of links that lead in a circle one of them: opening it says so."""
    return Path(os.path.realpath(path))


def write(path: Path, content: TextFile) -> None:
    """Replace or create the file behind `path`; missing folders are made. Raises OSError."""
    path = target(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    mode = _mode(path)
    descriptor, name = tempfile.mkstemp(prefix=f".{path.name[:40]}.", suffix=".tmp", dir=path.parent)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content.encode())
            file.flush()
            os.fchmod(descriptor, mode)
            os.fsync(descriptor)
        Path(name).replace(path)
    except BaseException:
        with suppress(OSError):
            Path(name).unlink()
        raise


def _mode(target: Path) -> int:
    """The old file's mode, which must let us write; for a new file what open() would have given."""
    try:
        mode = stat.S_IMODE(target.stat().st_mode)
    except FileNotFoundError:
        return 0o666 & ~_umask()
    if not os.access(target, os.W_OK):
        raise PermissionError(13, "Permission denied", str(target))
    return mode


def _umask() -> int:
    current = os.umask(0o022)
    os.umask(current)
    return current
