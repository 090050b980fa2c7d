"""Who is next: a bounded queue in front of the engine's sessions.

A request has a lane. Lanes share the engine by weight (stride scheduling: each grant moves a lane's clock on
by the inverse of its weight, and the lane with the lowest clock is next; one that was empty starts at the
present). Within a lane clients take turns, and the requests of one client keep their order. So neither a
flood of one client nor a lane of long jobs starves anybody.
"""

import math
from collections import OrderedDict, deque
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field

# The weight of the newest job in the running average of durations.
_NEWEST = 0.2
WEIGHTS = {"interactive": 8, "completion": 8, "agent": 4, "background": 1}


class Full(Exception):
    """As many wait as may. `seconds`: after which it is worth another try."""

    def __init__(self, seconds: int) -> None:
        super().__init__(seconds)
        self.seconds = seconds


@dataclass(eq=False, slots=True)
class Ticket:
    """A request's place. `granted` is called when it is its turn, unless it left before."""

    lane: str
    client: str
    granted: Callable[[], None]
    since: float
    running: bool = False
    began: float = 0.0


@dataclass(slots=True)
class _Lane:
    stride: float
    clock: float = 0.0
    clients: OrderedDict[str, deque[Ticket]] = field(default_factory=OrderedDict)
    length: int = 0

    def push(self, ticket: Ticket) -> None:
        self.clients.setdefault(ticket.client, deque()).append(ticket)
        self.length += 1

    def pop(self) -> Ticket:
        client, waiting = self.clients.popitem(last=False)
        ticket = waiting.popleft()
        if waiting:
            self.clients[client] = waiting  # behind the other clients
        self.length -= 1
        return ticket

    def put_back(self, ticket: Ticket) -> None:
        """As if it had not been popped."""
        self.clients.setdefault(ticket.client, deque()).appendleft(ticket)
        self.clients.move_to_end(ticket.client, last=False)
        self.length += 1

    def remove(self, ticket: Ticket) -> None:
        waiting = self.clients.get(ticket.client)
        if waiting and ticket in waiting:
            waiting.remove(ticket)
            self.length -= 1
            if not waiting:
                del self.clients[ticket.client]

    def order(self) -> Iterator[Ticket]:
        rounds = [list(waiting) for waiting in self.clients.values()]
        for i in range(max(map(len, rounds), default=0)):
            yield from (waiting[i] for waiting in rounds if i < len(waiting))


class Lanes:
    """`width`: how many may run at once; `limit`: how many may wait, 0 for any number; `clock` in seconds.

    While `open` is False nothing is granted: the engine is not there. `beside`: all that share the engine
    with it, itself among them; whoever of theirs has waited longest is next.
    """

    def __init__(self, width: int, limit: int, clock: Callable[[], float]) -> None:
        self._width = width
        self._limit = limit
        self._clock = clock
        self._lanes = {name: _Lane(1 / weight) for name, weight in WEIGHTS.items()}
        self._running: set[Ticket] = set()
        self._average = 0.0
        self.open = False
        self.beside: Collection[Lanes] = (self,)

    def __len__(self) -> int:
        """Of those that wait."""
        return sum(queue.length for queue in self._lanes.values())

    @property
    def running(self) -> int:
        return len(self._running)

    @property
    def _is_free(self) -> bool:
        return self.open and sum(lanes.running for lanes in self.beside) < self._width

    @property
    def oldest(self) -> float:
        """Since when the first of those that wait does; there must be one."""
        return min(t.since for q in self._lanes.values() for waiting in q.clients.values() for t in waiting)

    def enter(self, lane: str, client: str, granted: Callable[[], None]) -> Ticket:
        """Raises Full."""
        if self._limit and len(self) >= self._limit and not self._is_free:
            raise Full(max(1, math.ceil(self.seconds(len(self)))))
        ticket = Ticket(lane, client, granted, self._clock())
        queue = self._lanes[lane]
        if not queue.length:
            queue.clock = max(queue.clock, self._present())
        queue.push(ticket)
        self.advance()
        return ticket

    def leave(self, ticket: Ticket) -> None:
        """It has ended, or its client is gone; more than once does no harm."""
        if ticket in self._running:
            self._running.remove(ticket)
            share = _NEWEST if self._average else 1.0
            self._average += share * (self._clock() - ticket.began - self._average)
        else:
            self._lanes[ticket.lane].remove(ticket)
        self.advance()

    def put_back(self, ticket: Ticket) -> None:
        """It could not run after all: it is the next of its lane again."""
        self._running.remove(ticket)
        ticket.running = False
        lane = self._lanes[ticket.lane]
        lane.clock -= lane.stride
        lane.put_back(ticket)
        self.advance()

    def advance(self) -> None:
        """Grant what can be granted."""
        while waiting := [lanes for lanes in self.beside if len(lanes) and lanes._is_free]:
            (waiting[0] if len(waiting) == 1 else min(waiting, key=lambda lanes: lanes.oldest))._grant()

    def _grant(self) -> None:
        lane = min((q for q in self._lanes.values() if q.length), key=lambda q: q.clock)
        lane.clock += lane.stride
        ticket = lane.pop()
        ticket.running, ticket.began = True, self._clock()
        self._running.add(ticket)
        ticket.granted()

    def _present(self) -> float:
        """The lowest clock of those that wait, else the highest there is."""
        waiting = [q.clock for q in self._lanes.values() if q.length]
        return min(waiting) if waiting else max(q.clock for q in self._lanes.values())

    # -- what it looks like
    # -------------------------------------------------------------------------------------

    def order(self) -> list[Ticket]:
        """Those that wait, in the order in which they will be granted if nobody else comes."""
        lanes = [(q.clock, q.stride, list(q.order())) for q in self._lanes.values() if q.length]
        keyed = [(clock + i * stride, t) for clock, stride, tickets in lanes for i, t in enumerate(tickets)]
        return [ticket for _, ticket in sorted(keyed, key=lambda pair: pair[0])]

    def seconds(self, position: int) -> float:
        """How long the request at this position (from 0) waits, if jobs take what they took lately."""
        return self._average * (position + 1) / self._width
