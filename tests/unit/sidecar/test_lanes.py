"""The queue, against all that can come and go in any order."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from ds4agent.sidecar.lanes import WEIGHTS, Full, Lanes, Ticket

LIMIT = 12
CLIENTS = ("", "editor", "agent")
LANES = st.sampled_from(sorted(WEIGHTS))


def most_grants(lane: str, ahead: int) -> float:
    """How many others may be granted before a request with so many of its own client ahead of it.

    Within the lane each client has one turn a round; another lane gets at most as many turns between two of
    this one as its weight is larger, and one more.
    """
    rounds = (ahead + 1) * len(CLIENTS)
    others = sum(weight / WEIGHTS[lane] + 1 for name, weight in WEIGHTS.items() if name != lane)
    return rounds * (1 + others)


@dataclass
class Request:
    lane: str
    client: str
    bound: float
    at: int  # grants before it came
    ticket: Ticket | None = None
    granted: int = field(default=0)  # how often


class LanesMachine(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.now, self.width, self.grants = 0.0, 2, 0
        self.lanes = Lanes(self.width, LIMIT, lambda: self.now)
        self.waiting: list[Request] = []
        self.running: list[Request] = []
        self.history: list[Request] = []

    @initialize(width=st.integers(1, 4))
    def begin(self, width: int) -> None:
        self.width = width
        self.lanes = Lanes(width, LIMIT, lambda: self.now)

    def _granted(self, request: Request) -> None:
        request.granted += 1
        assert request.granted == 1
        assert self.lanes.open
        assert len(self.running) < self.width
        assert self.grants - request.at <= request.bound
        self.grants += 1
        self.history.append(request)
        self.running.append(request)
        if request in self.waiting:
            self.waiting.remove(request)

    @rule(lane=LANES, client=st.sampled_from(CLIENTS))
    def enter(self, lane: str, client: str) -> None:
        ahead = sum(r.lane == lane and r.client == client for r in self.waiting)
        request = Request(lane, client, most_grants(lane, ahead), self.grants)
        may_run = self.lanes.open and len(self.running) < self.width
        full = len(self.waiting) >= LIMIT and not may_run
        self.waiting.append(request)
        try:
            request.ticket = self.lanes.enter(lane, client, lambda: self._granted(request))
        except Full as refusal:
            self.waiting.remove(request)
            assert full
            assert refusal.seconds >= 1
        else:
            assert not full

    @precondition(lambda self: self.waiting or self.running)
    @rule(data=st.data(), seconds=st.floats(0, 100))
    def leave(self, data: st.DataObject, seconds: float) -> None:
        self.now += seconds
        request = data.draw(st.sampled_from([*self.waiting, *self.running]))
        for requests in (self.waiting, self.running):
            if request in requests:
                requests.remove(request)
        assert request.ticket is not None
        self.lanes.leave(request.ticket)
        self.lanes.leave(request.ticket)  # harmless

    @precondition(lambda self: self.running)
    @rule(data=st.data())
    def put_back(self, data: st.DataObject) -> None:
        """The engine was not there, which is known by now."""
        request = data.draw(st.sampled_from(self.running))
        self.running.remove(request)
        self.waiting.append(request)
        request.granted, self.grants = 0, self.grants - 1
        for other in self.waiting:
            other.bound += 1
        self.lanes.open = False
        assert request.ticket is not None
        self.lanes.put_back(request.ticket)
        mine = [t for t in self.lanes.order() if t.lane == request.lane]
        assert mine[0] is request.ticket

    @rule()
    def close_and_open(self) -> None:
        self.lanes.open = not self.lanes.open
        self.lanes.advance()

    @precondition(lambda self: self.waiting)
    @rule()
    def the_order_was_true(self) -> None:
        """Nobody else comes, and one after the other ends."""
        told = [id(ticket) for ticket in self.lanes.order()]
        assert len(told) == len(self.waiting)
        first = len(self.history)
        self.lanes.open = True
        self.lanes.advance()
        while self.running:
            done = self.running.pop(0)
            assert done.ticket is not None
            self.lanes.leave(done.ticket)
        assert [id(r.ticket) for r in self.history[first:]] == told

    @invariant()
    def the_counts_are_true(self) -> None:
        assert len(self.lanes) == len(self.waiting) <= LIMIT + 4  # those that were put back
        assert self.lanes.running == len(self.running)
        assert {id(t) for t in self.lanes.order()} == {id(r.ticket) for r in self.waiting}

    @invariant()
    def nobody_waits_for_nothing(self) -> None:
        assert not (self.waiting and self.lanes.open and len(self.running) < self.width)


TestLanes = LanesMachine.TestCase


def test_a_flood_does_not_keep_others_out() -> None:
    """A thousand of the background, a client with many, and one that comes late: each has its share."""
    order: list[str] = []
    lanes = Lanes(1, 0, lambda: 0.0)
    tickets = {}

    def enter(name: str, lane: str, client: str) -> None:
        tickets[name] = lanes.enter(lane, client, lambda: order.append(name))

    for i in range(1000):
        enter(f"b{i}", "background", "flood")
    for i in range(100):
        enter(f"a{i}", "agent", "busy")
    lanes.open = True
    lanes.advance()
    for _ in range(50):
        lanes.leave(tickets[order[-1]])
    enter("late", "agent", "other")
    enter("now", "interactive", "")
    for _ in range(4):
        lanes.leave(tickets[order[-1]])
    assert {"late", "now"} <= set(order[-4:])
    assert 0.15 < sum(name[0] == "b" for name in order) / len(order) < 0.25


def test_the_wait_is_told_from_what_jobs_took() -> None:
    now = 0.0
    lanes = Lanes(2, 1, lambda: now)
    lanes.open = True
    assert lanes.seconds(0) == 0.0
    running = [lanes.enter("agent", "", lambda: None) for _ in range(2)]
    now = 10.0
    lanes.leave(running[0])
    assert lanes.seconds(0) == pytest.approx(5.0)
    assert lanes.seconds(3) == pytest.approx(20.0)
    lanes.enter("agent", "", lambda: None)
    lanes.enter("agent", "", lambda: None)
    with pytest.raises(Full) as caught:
        lanes.enter("agent", "", lambda: None)
    assert caught.value.seconds == 10
