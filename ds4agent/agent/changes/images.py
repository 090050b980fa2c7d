"""Files as they are, exactly: kind, permissions and bytes; and the bytes of those that were kept.

A digest is git's name of a blob, so that what git says of a work tree can be compared with what is noted
here. Contents lie in a folder of their own under that name, written whole before they have it.
"""

import hashlib
import os
import stat
import tempfile
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

Kind = Literal["absent", "file", "link", "other"]
_CHUNK = 1 << 20
_LINK_MODE, _EXECUTABLE_MODE = "120000", "100755"


@dataclass(frozen=True, slots=True)
class State:
    """What is at a path. `mode`: permission bits of a file; `digest`: of its bytes, or of a link's target.
    Other things than files and links (folders, pipes) have neither.
    """

    kind: Kind
    mode: int = 0
    digest: str = ""

    @property
    def executable(self) -> bool:
        return bool(self.mode & stat.S_IXUSR)

    def same(self, other: "State") -> bool:
        """As far as git would tell."""
        mine, others = (self.kind, self.digest, self.executable), (other.kind, other.digest, other.executable)
        return mine == others

    def json(self) -> dict[str, Any]:
        return {"kind": self.kind, "mode": self.mode, "digest": self.digest}

    @classmethod
    def of_json(cls, value: dict[str, Any]) -> "State":
        return cls(value["kind"], int(value["mode"]), str(value["digest"]))

    @classmethod
    def of_git(cls, mode: str, digest: str, bits: int) -> "State | None":
        """From a tree's entry; `bits` are the permissions, of which it knows one. None: it is no file."""
        if mode == "000000":
            return ABSENT
        if mode == _LINK_MODE:
            return cls("link", 0, digest)
        if not mode.startswith("100"):
            return None
        return cls("file", bits | 0o100 if mode == _EXECUTABLE_MODE else bits & ~0o111, digest)


ABSENT = State("absent")


def digest_of(data: bytes) -> str:
    return hashlib.sha1(b"blob %d\0" % len(data) + data, usedforsecurity=False).hexdigest()


def look(path: Path) -> State:
    """What is there now. Behind a folder that is a link is another place, hence nothing. Raises OSError for a
    file that cannot be read.
    """
    if _is_elsewhere(path):
        return ABSENT
    try:
        status = path.lstat()
    except (FileNotFoundError, NotADirectoryError):
        return ABSENT
    if stat.S_ISLNK(status.st_mode):
        return State("link", 0, digest_of(os.fsencode(path.readlink())))
    if not stat.S_ISREG(status.st_mode):
        return State("other")
    with path.open("rb") as file:
        size = os.fstat(file.fileno()).st_size
        found = hashlib.sha1(b"blob %d\0" % size, usedforsecurity=False)
        while data := file.read(_CHUNK):
            found.update(data)
    return State("file", stat.S_IMODE(status.st_mode), found.hexdigest())


def _is_elsewhere(path: Path) -> bool:
    return os.path.realpath(path.parent) != str(path.parent)


class Images:
    """Contents in `folder`, by digest."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def keep(self, path: Path) -> State:
        """What is there now, its bytes kept. Raises OSError."""
        state = look(path)
        if state.kind in ("file", "link") and not self._file(state.digest).exists():
            data = path.read_bytes() if state.kind == "file" else os.fsencode(path.readlink())
            state = State(state.kind, state.mode, self.put(data))
        return state

    def put(self, data: bytes) -> str:
        digest = digest_of(data)
        target = self._file(digest)
        if not target.exists():
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            _write(target, data, 0o600)
        return digest

    def content(self, state: State) -> bytes:
        """The bytes of a state that was kept. Raises OSError."""
        return self._file(state.digest).read_bytes() if state.kind in ("file", "link") else b""

    def restore(self, path: Path, state: State) -> None:
        """Make `path` what it was; whatever file, link or empty folder is there goes. Raises OSError."""
        if _is_elsewhere(path):
            raise OSError("a folder on the way to it is a link now")
        if state.kind == "absent":
            path.unlink(missing_ok=True)
            return
        path.parent.mkdir(parents=True, exist_ok=True)
        data = self.content(state)
        if path.is_dir() and not path.is_symlink():
            path.rmdir()
        if state.kind == "file":
            _write(path, data, state.mode)
            return
        name = _free_name(path)
        name.symlink_to(os.fsdecode(data))
        name.replace(path)

    def _file(self, digest: str) -> Path:
        return self._folder / digest


def _free_name(path: Path) -> Path:
    descriptor, name = tempfile.mkstemp(prefix=".ds4agent-", dir=path.parent)
    os.close(descriptor)
    Path(name).unlink()
    return Path(name)


def _write(path: Path, data: bytes, mode: int) -> None:
    descriptor, name = tempfile.mkstemp(prefix=".ds4agent-", dir=path.parent)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fchmod(descriptor, mode)
            os.fsync(descriptor)
        Path(name).replace(path)
    except BaseException:
        with suppress(OSError):
            Path(name).unlink()
        raise
