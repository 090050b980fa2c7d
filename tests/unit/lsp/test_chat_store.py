"""Conversations on a disk that fills up."""

from __future__ import annotations

import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from ds4agent.agent import message
from ds4agent.agent.request import Head
from ds4agent.lsp.chat.store import Store
from ds4agent.lsp.protocol import Failed

LONG = "word " * 20_000


@contextmanager
def room_for(size: int) -> Iterator[None]:
    """No file can be longer than so many bytes."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_half_of_a_copy_is_not_left(tmp_path: Path) -> None:
    store = Store(tmp_path)
    name, held = store.create(Head("m", "s", (), "{}"), tmp_path, "One")
    for turn in (1, 2):
        about: dict[str, Any] = {"role": "user", "turn": turn, "text": LONG, "context": [], "shown": []}
        held.append("messages", [message.user(LONG)], **about)
    held.close()
    with room_for(len(LONG)), pytest.raises(Failed, match=r"the conversation cannot be stored: .*large"):
        store.fork(name, 2, "Zwei")
    assert [folder.name for folder in tmp_path.iterdir()] == [name]
    made, copy = store.fork(name, 2, "Zwei")
    copy.close()
    assert [turn.text for turn in store.get(made).turns] == [LONG]
