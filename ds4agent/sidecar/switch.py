"""Which model the one engine has, while requests for several wait.

A request needs a *load*: a model, and perhaps a context that is larger than usual. Every load has lanes of
its own; those that the running engine satisfies are open. Another load gets the engine when the present one
has nothing to do, or when somebody has waited for it for PATIENCE seconds: then no more is granted to the
present one, and the switch is made when what runs has ended. So conversations on one model are not torn apart
by one request for another, and nobody waits for ever.
"""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from ds4agent.sidecar.lanes import Lanes

PATIENCE = 15.0


@dataclass(frozen=True, slots=True)
class Load:
    """`model` "": whatever there is, as with an engine that somebody else started. `context`: tokens that it
    has to have at least, 0: as it comes.
    """

    model: str = ""
    context: int = 0

    def satisfies(self, other: "Load") -> bool:
        if not self.model:
            return True  # nothing else can be had
        return other.model in ("", self.model) and self.context >= other.context


class Switch:
    """`running` is the load of the engine, None while none is ready."""

    def __init__(self, make: Callable[[], Lanes], clock: Callable[[], float]) -> None:
        self._make = make
        self._clock = clock
        self._lanes: dict[Load, Lanes] = {}
        self.running: Load | None = None

    def __iter__(self) -> Iterator[Lanes]:
        return iter(self._lanes.values())

    @property
    def busy(self) -> int:
        return sum(lanes.running for lanes in self)

    @property
    def waiting(self) -> int:
        return sum(map(len, self))

    def lanes(self, load: Load) -> Lanes:
        """Where a request for this load waits: with those for the running one, if that will do."""
        if self.running is not None and self.running.satisfies(load):
            load = self.running
        if load not in self._lanes:
            lanes = self._lanes[load] = self._make()
            lanes.beside = self._lanes.values()
            lanes.open = self.running is not None and self.running.satisfies(load)
        return self._lanes[load]

    def open(self, ready: bool) -> None:
        """Grant what may be granted."""
        for load, lanes in list(self._lanes.items()):
            lanes.open = ready and self.running is not None and self.running.satisfies(load)
        self._advance()

    def _advance(self) -> None:
        """Once it is known of all which are open: who has waited longest is next."""
        for lanes in list(self):
            lanes.advance()

    def next_load(self) -> Load | None:
        """That of the request which has waited longest; None if none waits."""
        since = {load: lanes.oldest for load, lanes in self._lanes.items() if len(lanes)}
        return min(since, key=lambda load: since[load]) if since else None

    def decide(self) -> tuple[Load | None, float | None]:
        """For a ready engine: the load to switch to now, if any, and the seconds after which to ask again.

        Requests for the present load are held back while somebody has waited too long for another, and no
        longer: who has waited may leave.
        """
        assert self.running is not None
        others = {
            load: lanes.oldest
            for load, lanes in self._lanes.items()
            if len(lanes) and not self.running.satisfies(load)
        }
        left = min(others.values(), default=math.inf) + PATIENCE - self._clock()
        ours = [lanes for held, lanes in self._lanes.items() if self.running.satisfies(held)]
        for lanes in ours:
            lanes.open = left > 0
        self._advance()
        if not others:
            return None, None
        load = min(others, key=lambda load: others[load])
        if not self.busy and (left <= 0 or not any(map(len, ours))):
            return load, None
        return None, max(left, 0.0) if left > 0 else None
