"""The engine's KV directory: one for each model, so that no model meets another's checkpoints.

A ds4-server that is killed while it writes leaves a temporary file, which nothing ever removes. That is done
here before a launch, but only while this process holds the lock that all ds4 programs take, and never for a
file whose writer lives: with a lock file of its own it may use the same folder.
"""

import os
import re
import zlib
from contextlib import suppress
from pathlib import Path

from ds4agent.engine.lock import LockError, take_lock

_ORPHAN = re.compile(r"[0-9a-f]{40}\.kv\.tmp\.(\d{1,10})")
_NAME_MAX = 80


def folder_name(model: str) -> str:
    """A file name that two different models never share, on no file system."""
    name = re.sub(r"[^a-z0-9.]+", "-", model.lower()).strip("-.")[:_NAME_MAX]
    if name and name == model:
        return name
    return f"{name or 'model'}-{zlib.crc32(model.encode('utf-8', 'surrogateescape')):08x}"


def model_id(file: Path) -> str:
    """Of a model that is known by its file only."""
    return file.stem.lower()


def of_file(root: Path, file: Path) -> Path:
    """The KV directory of such a model, the same one whatever command starts it."""
    return root / folder_name(model_id(file))


def prepare(folder: Path, lock: Path) -> list[str]:
    """Make the folder (0700) if it is missing and remove orphans; their names. Raises OSError."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    orphans = [file for file in folder.iterdir() if _is_orphan(file.name)]
    if not orphans:
        return []
    try:
        held = take_lock(lock)
    except LockError:
        return []
    try:
        return sorted(file.name for file in orphans if _removed(file))
    finally:
        os.close(held)


def _is_orphan(name: str) -> bool:
    match = _ORPHAN.fullmatch(name)
    return match is not None and not _alive(int(match[1]))


def _removed(file: Path) -> bool:
    with suppress(OSError):
        file.unlink()
        return True
    return False


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except OSError:
        return True
    return pid > 0
