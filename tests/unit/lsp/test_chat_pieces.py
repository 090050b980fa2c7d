"""Pieces of a reply: the first at once, what follows within a moment together, nothing lost and in order."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ds4agent.lsp.chat.pieces import MOMENT_SECONDS, Pieces

Told = list[tuple[str, str]]
KINDS = st.sampled_from(["reasoning", "content"])


def whole(told: Told) -> Told:
    """Neighbours of a kind as one."""
    found: Told = []
    for kind, text in told:
        if found and found[-1][0] == kind:
            found[-1] = kind, found[-1][1] + text
        else:
            found.append((kind, text))
    return found


@given(st.lists(st.tuples(KINDS, st.text(min_size=1, max_size=3))))
def test_nothing_is_lost_and_the_first_of_a_kind_does_not_wait(given_pieces: Told) -> None:
    told: Told = []

    async def run() -> None:
        pieces = Pieces(lambda kind, text: told.append((kind, text)))
        last = ""
        for kind, text in given_pieces:
            before = len(told)
            pieces.add(kind, text)
            if kind != last:
                assert told[before:][-1] == (kind, text)
            last = kind
        pieces.flush()

    asyncio.run(run())
    assert whole(told) == whole(given_pieces)
    # Two a run of one kind: its first piece, and the rest.
    assert len(told) <= 2 * len(whole(given_pieces))


@pytest.mark.asyncio
async def test_what_waits_goes_when_the_moment_is_over_and_what_comes_later_at_once() -> None:
    told: asyncio.Queue[str] = asyncio.Queue()
    pieces = Pieces(lambda _, text: told.put_nowait(text))
    for text in "abc":
        pieces.add("content", text)
    assert await told.get() == "a"
    assert told.empty()
    assert await told.get() == "bc"
    pieces.add("content", "d")
    pieces.add("content", "e")
    assert await told.get() == "de"
    # A moment in which nothing came: this begins after that of the pieces.
    later = asyncio.get_running_loop().create_future()
    asyncio.get_running_loop().call_later(MOMENT_SECONDS, later.set_result, None)
    await later
    pieces.add("content", "f")
    assert told.get_nowait() == "f"
