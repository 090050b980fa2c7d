"""Programs that the tests bring with them, installed once into this checkout's ignored cache."""

from __future__ import annotations

import fcntl
import shutil
from collections.abc import Callable
from pathlib import Path


def once(cache: Path, name: str, install: Callable[[Path], Path]) -> Path:
    """What `install` makes in the folder it is given, from the second time on without it. Workers that run at
    the same time wait for the first one's installation; one that was broken off is begun anew.
    """
    cache.mkdir(parents=True, exist_ok=True)
    folder = cache / name
    with (cache / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        complete = folder / "complete"
        if not complete.exists():
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir()
            complete.write_text(str(install(folder).relative_to(folder)))
        return folder / complete.read_text()
