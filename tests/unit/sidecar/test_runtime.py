"""The runtime file among those who look for a sidecar and those who want to be one."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from ds4agent.sidecar.runtime import AlreadyRunning, Held, Runtime, new_token, read


def test_the_file_is_true_while_it_is_held(tmp_path: Path) -> None:
    path = tmp_path / "folder" / "sidecar.json"
    assert read(path) is None
    held, value = Held(path), Runtime(1, 8010, new_token())
    assert read(path) is None
    held.write(value)
    assert read(path) == value
    assert path.stat().st_mode & 0o777 == 0o600
    with pytest.raises(AlreadyRunning) as caught:
        Held(path)
    assert caught.value.found == value
    held.release()
    assert read(path) is None
    Held(path).release()


def test_those_who_look_keep_nobody_out(tmp_path: Path) -> None:
    path, done = tmp_path / "sidecar.json", threading.Event()
    Held(path).release()

    def look() -> None:
        while not done.is_set():
            read(path)

    readers = [threading.Thread(target=look) for _ in range(2)]
    for reader in readers:
        reader.start()
    try:
        for _ in range(200):
            Held(path).release()
    finally:
        done.set()
        for reader in readers:
            reader.join()
