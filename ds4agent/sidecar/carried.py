"""A request on its way: what is known of it, and what is told of it when it is over."""

import asyncio
from dataclasses import dataclass, field

from ds4agent.sidecar.counters import Usage
from ds4agent.sidecar.head import Head
from ds4agent.sidecar.lanes import WEIGHTS, Lanes, Ticket
from ds4agent.sidecar.usage import Observed

LANE_FIELD = b"x-ds4agent-lane"
_LANES = {"/infill": "completion", "/v1/completions": "completion", "/ds4/prefetch": "background"}


def lane_of(head: Head) -> str:
    wanted = (head.field(LANE_FIELD) or b"").decode("latin-1")
    return wanted if wanted in WEIGHTS else _LANES.get(head.path, "interactive")


@dataclass(eq=False, slots=True)
class Carried:
    """Times are on the loop's clock; `waited` is None until it is connected."""

    head: Head
    client: str
    lane: str
    since: float
    lanes: Lanes
    ticket: Ticket | None = None
    waited: float | None = None
    observed: Observed = field(default_factory=Observed)
    keepalive: asyncio.TimerHandle | None = None

    @property
    def last_byte(self) -> float:
        """When one last came, or could have come first."""
        return max(self.since + (self.waited or 0.0), self.observed.last)

    def usage(self, model: str, status: int, now: float) -> Usage:
        """What it took, now that it is over."""
        seen, tokens, waited = self.observed, self.observed.tokens(), self.waited
        return Usage(
            client=self.client,
            model=model,
            lane=self.lane,
            status=status,
            prompt=tokens.prompt or 0,
            cached=tokens.cached or 0,
            output=tokens.output or 0,
            queued=now - self.since if waited is None else waited,
            first_token=seen.first - self.since if seen.n_bytes else None,
            decoding=seen.last - seen.first if seen.n_bytes else None,
        )
