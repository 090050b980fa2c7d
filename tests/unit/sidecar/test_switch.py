"""Which model is next, on a clock of the test's own."""

from __future__ import annotations

import pytest

from ds4agent.sidecar.lanes import Lanes, Ticket
from ds4agent.sidecar.switch import PATIENCE, Load, Switch

A, B = Load("a"), Load("b")
WIDE = Load("a", 393_216)


class Bench:
    def __init__(self, width: int = 1) -> None:
        self.now = 0.0
        self.granted: list[str] = []
        self.switch = Switch(lambda: Lanes(width, 0, lambda: self.now), lambda: self.now)

    def enter(self, load: Load, name: str) -> Ticket:
        return self.switch.lanes(load).enter("interactive", name, lambda: self.granted.append(name))

    def run(self, load: Load) -> None:
        self.switch.running = load
        self.switch.open(True)


def test_only_what_the_engine_has_is_granted() -> None:
    bench = Bench()
    bench.enter(A, "a")
    bench.enter(B, "b")
    assert bench.switch.next_load() == A
    bench.run(A)
    assert bench.granted == ["a"]


def test_loads_that_one_engine_satisfies_share_its_places() -> None:
    """Whoever has waited longest is next, whatever load it asked for."""
    bench = Bench(width=2)
    tickets: list[tuple[Lanes, Ticket]] = []
    for load in (A, WIDE, A, WIDE, A):
        bench.now += 1
        lanes = bench.switch.lanes(load)
        tickets.append((lanes, bench.enter(load, f"{len(tickets)}")))
    bench.run(WIDE)
    assert bench.granted == ["0", "1"]
    for lanes, ticket in tickets:
        lanes.leave(ticket)
        assert bench.switch.busy <= 2
    assert bench.granted == ["0", "1", "2", "3", "4"]


def test_another_model_waits_until_there_is_nothing_to_do() -> None:
    bench = Bench()
    bench.run(A)
    first = bench.enter(A, "a1")
    bench.switch.open(True)
    bench.enter(B, "b")
    assert bench.switch.decide() == (None, PATIENCE)
    bench.switch.lanes(A).leave(first)
    assert bench.switch.decide() == (B, None)
    bench.run(B)
    assert bench.granted == ["a1", "b"]


def test_who_has_waited_long_enough_is_next_however_busy_it_is() -> None:
    bench = Bench()
    bench.run(A)
    first = bench.enter(A, "a1")
    bench.switch.open(True)
    bench.enter(B, "b")
    bench.now = PATIENCE
    bench.enter(A, "a2")
    assert bench.switch.decide() == (None, None)
    bench.switch.lanes(A).leave(first)
    assert bench.granted == ["a1"]  # a2 is held back
    assert bench.switch.decide() == (B, None)


@pytest.mark.parametrize("another", [False, True], ids=["nobody", "somebody who came later"])
def test_who_was_held_back_for_one_that_has_left_goes_on(another: bool) -> None:
    bench = Bench()
    bench.run(A)
    first = bench.enter(A, "a1")
    impatient = bench.enter(B, "b")
    bench.now = PATIENCE
    bench.enter(A, "a2")
    if another:
        bench.enter(B, "b2")
    assert bench.switch.decide() == (None, None)
    bench.switch.lanes(B).leave(impatient)
    assert bench.switch.decide() == (None, PATIENCE if another else None)
    bench.switch.lanes(A).leave(first)
    assert bench.granted == ["a1", "a2"]


def test_a_larger_context_serves_smaller_wishes() -> None:
    bench = Bench(width=2)
    bench.run(A)
    bench.enter(WIDE, "wide")
    assert bench.switch.decide() == (WIDE, None)
    bench.run(WIDE)
    bench.enter(A, "a")
    bench.switch.open(True)
    assert bench.granted == ["wide", "a"]
    assert bench.switch.decide() == (None, None)
