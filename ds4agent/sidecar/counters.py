"""What the sidecar counts, for as long as its counter file lives: per client, model and lane.

Two sources feed it: a Usage for every request that passed the proxy, and the engine's log. What the log says
cannot be told apart by client, so it is counted by model only. Sets of labels are bounded: names of clients
and models come from outside, and each new one would be a new series; from a number on they count as "other".
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from ds4agent.wire import logevents as ev
from ds4agent.wire.prometheus import RATES, SECONDS, Counter, Damaged, Histogram

OTHER = "other"
LANES = ("interactive", "agent", "background", "completion")
FORMAT = 1
_MIB = 1 << 20
_WHO = ("client", "model", "lane")


@dataclass(frozen=True, slots=True)
class Usage:
    """One request that is over. Seconds are None where the request did not come so far.

    `prompt` tokens hold the `cached` ones; `reread` are those that the engine had read before. `status` is
    the HTTP status that the client got, 0 when it left before there was one.
    """

    client: str
    model: str
    lane: str
    status: int
    prompt: int = 0
    cached: int = 0
    reread: int = 0
    output: int = 0
    queued: float | None = None
    first_token: float | None = None  # since the request came
    decoding: float | None = None  # from the first token to the last


class Names:
    """Lets the first `limit` names through; what comes later is OTHER."""

    def __init__(self, limit: int, known: tuple[str, ...] = ()) -> None:
        self._limit, self.known = limit, set(known)

    def __call__(self, name: str) -> str:
        name = name[:100]
        if name not in self.known:
            if len(self.known) >= self._limit:
                return OTHER
            self.known.add(name)
        return name


class Counters:
    """`since`: Unix time of the first count that is in these numbers. Belongs to one thread."""

    def __init__(self, now: float, clients: int = 24, models: int = 16) -> None:
        self.since = now
        self._client, self._model = Names(clients), Names(models)
        self._lane, self._word = Names(len(LANES), LANES), Names(48)
        self._experts = (0, 0)
        self._families: dict[str, Counter | Histogram] = {}
        counter, histogram = self._counter, self._histogram
        self._requests = counter("requests_total", "Requests by HTTP status.", *_WHO, "status")
        self._tokens = counter("tokens_total", "Tokens: prompt, cached, reread, output.", *_WHO, "kind")
        self._queued = histogram("queue_seconds", "Time in the queue.", SECONDS)
        self._first = histogram("time_to_first_token_seconds", "From request to first token.", SECONDS)
        self._decode = histogram("decode_tokens_per_second", "Rate of one decode.", RATES)
        self._misses = counter("cache_misses_total", "Prompts that left the live cache.", "model", "reason")
        self._went_on = counter(
            "continuations_total", "Prompts that the live cache served by another form.", "model", "match"
        )
        self._disk = counter("kv_disk_events_total", "What the disk cache did.", "model", "event")
        self._disk_bytes = counter("kv_disk_bytes_total", "Bytes of checkpoints.", "model", "event")
        self._disk_tokens = counter("kv_disk_tokens_total", "Tokens of checkpoints.", "model", "event")
        self._rebuilt = counter("tool_rebuild_tokens_total", "Tokens read again for tool calls.", "model")
        self._repairs = counter("tool_repairs_total", "Calls that were not well formed.", "model", "what")
        self._finishes = counter("finishes_total", "Requests by finish reason.", "model", "finish")
        self._broken = counter("broken_total", "Requests whose client or stream went away.", "model", "how")
        self._expert = counter("expert_cache_total", "Experts: hits and misses.", "model", "kind")
        self._starts = counter("engine_starts_total", "Starts of the engine, by reason.", "model", "reason")
        self._see: dict[type[ev.Event], Callable[[str, Any], None]] = {
            ev.Miss: lambda model, e: self._misses.add(1, model, self._word(e.reason)),
            ev.Continuation: lambda model, e: self._went_on.add(1, model, self._word(e.match)),
            ev.PrefixReused: lambda model, e: self._went_on.add(1, model, self._word("prefix")),
            ev.CacheHit: lambda model, e: self._disk_did(model, "hit", e.tokens, None),
            ev.CacheStored: lambda model, e: self._disk_did(model, "stored", e.tokens, e.mib),
            ev.CacheEvicted: lambda model, e: self._disk_did(model, "evicted", e.tokens, e.mib),
            ev.CacheSkipped: lambda model, e: self._disk_did(model, "skipped", e.tokens, None),
            ev.CacheFailed: lambda model, e: self._disk.add(1, model, f"failed-{e.what}"),
            ev.Rebuild: lambda model, e: self._rebuilt.add(e.target - e.cached, model),
            ev.Repair: lambda model, e: self._repairs.add(1, model, self._word(e.what)),
            ev.Finish: lambda model, e: self._finishes.add(1, model, self._word(e.finish)),
            ev.Broken: lambda model, e: self._broken.add(1, model, self._word(e.how)),
            ev.ExpertCache: self._expert_cache,
        }

    def _counter(self, name: str, what: str, *labels: str) -> Counter:
        family = Counter(f"ds4agent_{name}", what, labels)
        self._families[family.name] = family
        return family

    def _histogram(self, name: str, what: str, bounds: tuple[float, ...]) -> Histogram:
        family = Histogram(f"ds4agent_{name}", what, bounds, _WHO)
        self._families[family.name] = family
        return family

    # -- Counting.

    def request(self, usage: Usage) -> None:
        who = self._client(usage.client), self._model(usage.model), self._lane(usage.lane)
        self._requests.add(1, *who, str(usage.status))
        for kind in ("prompt", "cached", "reread", "output"):
            if n := getattr(usage, kind):
                self._tokens.add(n, *who, kind)
        if usage.queued is not None:
            self._queued.observe(max(usage.queued, 0), *who)
        if usage.first_token is not None:
            self._first.observe(max(usage.first_token, 0), *who)
        if usage.output and usage.decoding:
            self._decode.observe(usage.output / max(usage.decoding, 1e-6), *who)

    def engine_started(self, model: str, reason: str) -> None:
        """`reason`: request, crash, hang, switch, context, pinned; the lifecycle's words."""
        self._experts = (0, 0)
        self._starts.add(1, self._model(model), self._word(reason))

    def log(self, event: ev.Event, model: str) -> None:
        """An event of the engine's log, which serves `model` now."""
        see = self._see.get(type(event))
        if see is not None:
            see(self._model(model), event)

    def _disk_did(self, model: str, event: str, tokens: int, mib: float | None) -> None:
        self._disk.add(1, model, event)
        self._disk_tokens.add(tokens, model, event)
        if mib is not None:
            self._disk_bytes.add(round(mib * _MIB), model, event)

    def _expert_cache(self, model: str, event: ev.ExpertCache) -> None:
        """The line counts since the engine's start."""
        before, self._experts = self._experts, (event.hits, event.misses)
        for kind, old, new in zip(("hits", "misses"), before, self._experts, strict=True):
            self._expert.add(new - old if new >= old else new, model, kind)

    # -- Showing and keeping.

    def prometheus(self) -> bytes:
        lines: Iterator[str] = (line for family in self._families.values() for line in family.lines())
        return ("\n".join(lines) + "\n").encode()

    def state(self) -> dict[str, Any]:
        """As JSON: `families` is name -> series, each with its labels."""
        families = {name: family.state() for name, family in self._families.items()}
        return {"format": FORMAT, "since": self.since, "families": families}

    def restore(self, state: dict[str, Any]) -> list[str]:
        """Go on from what `state` returned, before anything is counted. Returns what was not taken over."""
        problems = []
        if isinstance(since := state.get("since"), int | float):
            self.since = min(self.since, since)
        families = state.get("families")
        for name, series in families.items() if isinstance(families, dict) else ():
            try:
                if name in self._families:
                    self._families[name].restore(series)
                    self._know(series)
            except Damaged as error:
                problems.append(f"{name} starts anew: {error}")
        return problems

    def _know(self, series: list[dict[str, Any]]) -> None:
        """Names that have their series already: without this every restart would let others in."""
        names = {"client": self._client, "model": self._model, "lane": self._lane}
        fixed = ("status", "kind", "event")
        for label, value in (pair for row in series for pair in row["labels"].items()):
            if label not in fixed:
                names.get(label, self._word).known.add(str(value))
