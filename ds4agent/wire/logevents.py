"""What ds4-server's log lines say, as values. logparse makes them; names and units are those of the lines.

MiB and GiB are floats as printed, `ms` and `seconds` durations, rates tokens/s. A rate that the server could
not compute (inf, nan) is 0.
"""

from dataclasses import dataclass

Flags = frozenset[str]
Names = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Event:
    """A line that was understood, or Unknown."""


@dataclass(frozen=True, slots=True)
class Unknown(Event):
    """A line of no known form, whole. Kept, because the next generation's news are among these."""

    text: str


@dataclass(frozen=True, slots=True)
class Notice(Event):
    """A known line that changes nothing."""

    text: str


# -- Start and end of the process.


@dataclass(frozen=True, slots=True)
class StartFailed(Event):
    """The process ends after this line. `reason`: lock, model, memory, backend, usage, listen, files."""

    reason: str
    text: str
    pid: int | None  # of the process that holds the instance lock


@dataclass(frozen=True, slots=True)
class Trouble(Event):
    """Something failed and the server goes on. `what`: accept, kv-directory."""

    what: str
    text: str


@dataclass(frozen=True, slots=True)
class Device(Event):
    name: str
    ram_gib: float | None


@dataclass(frozen=True, slots=True)
class Loading(Event):
    """Weights on their way to the device."""

    gib: float


@dataclass(frozen=True, slots=True)
class Loaded(Event):
    """Weights in place, as the backend counts them."""

    gib: float | None
    mib: float | None


@dataclass(frozen=True, slots=True)
class Speculator(Event):
    path: str
    draft: int


@dataclass(frozen=True, slots=True)
class BackendReady(Event):
    backend: str


@dataclass(frozen=True, slots=True)
class ContextBuffers(Event):
    mib: float
    ctx: int
    backend: str
    prefill_chunk: int
    raw_kv_rows: int
    compressed_kv_rows: int


@dataclass(frozen=True, slots=True)
class DiskCache(Event):
    folder: str
    budget_mib: int
    cross_quant: str
    min: int
    cold_max: int
    continued: int
    trim: int
    align: int


@dataclass(frozen=True, slots=True)
class Batched(Event):
    sessions: int
    prefill_quantum: int
    mixed_prefill_quantum: int


@dataclass(frozen=True, slots=True)
class Listening(Event):
    """The server is ready."""

    host: str
    port: int


@dataclass(frozen=True, slots=True)
class ShutdownRequested(Event):
    pass


@dataclass(frozen=True, slots=True)
class Persisting(Event):
    tokens: int
    slot: int | None


# -- Experts that are read from disk.


@dataclass(frozen=True, slots=True)
class ExpertBudget(Event):
    experts: int
    gib: float | None


@dataclass(frozen=True, slots=True)
class ExpertCache(Event):
    """Counts since the start."""

    entries: int
    hits: int
    misses: int


# -- How a prompt relates to what the server holds.


@dataclass(frozen=True, slots=True)
class Miss(Event):
    live: int
    prompt: int
    common: int
    reason: str
    vision: str | None
    responses: bool


@dataclass(frozen=True, slots=True)
class Continuation(Event):
    """`protocol`: responses, anthropic, thinking."""

    protocol: str
    match: str
    ids: int | None
    cached: int
    prompt: int


@dataclass(frozen=True, slots=True)
class ReasoningMissing(Event):
    source: str
    cached: int
    prompt: int


@dataclass(frozen=True, slots=True)
class PrefixReused(Event):
    """Our engine's own."""

    source: str
    cached: int
    prompt: int


@dataclass(frozen=True, slots=True)
class Prefetched(Event):
    """Our engine's own."""

    cached: int
    read: int
    prompt: int
    seconds: float


# -- A request. Lines carry no id; without batching they belong to the one request that runs.


@dataclass(frozen=True, slots=True)
class RequestEvent(Event):
    """`kind`: chat, completion, infill. `flags`: RESPPROTO, TOOLS, THINKING, DSML_START, DSML_END."""

    kind: str
    cached: int
    prompt: int
    flags: Flags


@dataclass(frozen=True, slots=True)
class PromptStart(RequestEvent):
    pass


@dataclass(frozen=True, slots=True)
class Prefill(RequestEvent):
    """`done` of `total` uncached tokens. `phase`: prefill, tool checkpoint rebuild."""

    phase: str
    done: int
    total: int
    chunk_rate: float
    rate: float
    seconds: float


@dataclass(frozen=True, slots=True)
class Layer(Event):
    """Progress within one prefill chunk, without a request's name."""

    layer: int
    layers: int


@dataclass(frozen=True, slots=True)
class PromptDone(RequestEvent):
    seconds: float


@dataclass(frozen=True, slots=True)
class Decode(RequestEvent):
    """`cached` and `prompt` are here the first and last token position of the interval."""

    generated: int
    chunk_rate: float
    rate: float
    seconds: float


@dataclass(frozen=True, slots=True)
class Finish(RequestEvent):
    """Once a completed request; seconds from its prompt start."""

    generated: int
    finish: str
    error: str | None
    seconds: float


@dataclass(frozen=True, slots=True)
class Broken(RequestEvent):
    """The client or its stream is gone. A Finish may follow, or nothing."""

    how: str


@dataclass(frozen=True, slots=True)
class Repair(RequestEvent):
    """What was done about DSML that is not as it should be. `count`: of tokens or calls."""

    what: str
    count: int | None


@dataclass(frozen=True, slots=True)
class ToolCalls(Event):
    cached: int
    prompt: int
    n: int
    raw: bool
    ids: Names
    names: Names
    responses: bool


@dataclass(frozen=True, slots=True)
class Remembered(Event):
    cached: int
    prompt: int
    live: int
    visible: int


# -- The disk cache.


@dataclass(frozen=True, slots=True)
class CacheHit(Event):
    """`text`: bytes of the key."""

    tokens: int
    text: int
    quant: int
    key: str
    ms: float
    consumed: bool
    path: str
    responses: bool


@dataclass(frozen=True, slots=True)
class CacheStored(Event):
    tokens: int
    trimmed: int
    reason: str
    key: str
    mib: float
    ms: float


@dataclass(frozen=True, slots=True)
class CacheEvicted(Event):
    reason: str
    tokens: int
    hits: int
    mib: float
    path: str


@dataclass(frozen=True, slots=True)
class CacheSkipped(Event):
    tokens: int
    reason: str | None
    why: str


@dataclass(frozen=True, slots=True)
class CacheFailed(Event):
    """`what`: store, create, load, damaged, discarded, replaced, other. It costs speed, no more."""

    what: str
    detail: str


# -- Tool calls that are rendered otherwise than they were sampled.


@dataclass(frozen=True, slots=True)
class Canonicalised(Event):
    common: int
    live: int
    canonical: int


@dataclass(frozen=True, slots=True)
class Rebuild(Event):
    """`tokens` have to be read again because the rendering of a call differs from what was sampled."""

    tokens: int
    reason: str
    tail: int
    discard: int
    common: int
    live: int
    target: int
    cached: int
    source: str
    path: str | None


@dataclass(frozen=True, slots=True)
class RebuildDone(Event):
    source: str
    cached: int
    replay: int
    target: int
    seconds: float


@dataclass(frozen=True, slots=True)
class RebuildFailed(Event):
    detail: str
