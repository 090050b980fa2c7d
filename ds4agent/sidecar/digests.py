"""The digest that a file has to have, and the one that it has.

What it has to have is on this disk already: a Hugging Face cache names its blobs by it, a download of theirs
into a folder keeps it in `.cache/huggingface`, and ds4agent writes `FILE.sha256`, which `sha256sum -c` reads.
"""

import hashlib
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

_BLOCK = 4 << 20


@dataclass(frozen=True, slots=True)
class Digest:
    """`kind`: sha256, or git for a file that a repository does not keep apart. `hex` in lower case."""

    kind: str
    hex: str
    source: str


def digest(text: str, source: str) -> Digest | None:
    """A digest by its length; None if `text` is not one."""
    kind = {64: "sha256", 40: "git"}.get(len(text))
    return Digest(kind, text.lower(), source) if kind and re.fullmatch("[0-9a-fA-F]+", text) else None


def known(path: Path) -> Digest | None:
    """The digest that this machine remembers for a file. Raises OSError."""
    return _of_blob(path) or _of_download(path) or _of_note(path)


def note(path: Path) -> Path:
    """The file beside `path` that keeps its digest."""
    return path.with_name(f"{path.name}.sha256")


def compute(path: Path, kind: str, report: Callable[[int], None]) -> str:
    """Read the file; `report` is told the bytes read so far. Raises OSError."""
    with path.open("rb", buffering=0) as file:
        found = hashlib.sha256() if kind == "sha256" else hashlib.sha1(usedforsecurity=False)
        if kind == "git":
            found.update(b"blob %d\0" % path.stat().st_size)
        done = 0
        while block := file.read(_BLOCK):
            found.update(block)
            done += len(block)
            report(done)
    return found.hexdigest()


def _of_blob(path: Path) -> Digest | None:
    """Only the first link counts: a blob may itself be a link into a store with names of another kind."""
    if not path.is_symlink():
        return None
    target = path.parent / path.readlink()
    return digest(target.name, "the repository") if target.parent.name == "blobs" else None


def _of_download(path: Path) -> Digest | None:
    for folder in path.parents:
        about = folder / ".cache/huggingface/download" / path.relative_to(folder)
        lines = _lines(about.with_name(f"{about.name}.metadata"))
        if len(lines) > 1:
            return digest(lines[1].strip(), "the repository")
    return None


def _of_note(path: Path) -> Digest | None:
    words = " ".join(_lines(note(path))[:1]).split()
    return digest(words[0], note(path).name) if words else None


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text("utf-8", "replace").splitlines()
    except (FileNotFoundError, NotADirectoryError):
        return []
