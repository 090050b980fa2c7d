"""What `status` shows, as a value, and what the sidecar's parts tell of themselves.

Status is never changed: an event makes another one of it (status_events), and its JSON is what clients see
(status_json).
"""

from dataclasses import dataclass

from ds4agent.sidecar.memory import Memory
from ds4agent.wire.logevents import ExpertCache


@dataclass(frozen=True, slots=True)
class EngineChanged:
    """`state`: stopped, loading, ready, stopping, waiting, broken; `why` it came to that."""

    state: str
    why: str = ""
    pid: int | None = None
    port: int = 0
    restarts: int = 0
    last_words: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Serves:
    """The engine's model: `context` in tokens, `size` of its file in bytes; 0: not known."""

    model: str
    context: int = 0
    size: int = 0


@dataclass(frozen=True, slots=True)
class Waiting:
    """`position`: how many come before it; `since`: Unix time; `seconds`: estimated time to its turn."""

    client: str
    lane: str
    position: int
    since: float
    seconds: float


@dataclass(frozen=True, slots=True)
class Queue:
    waiting: tuple[Waiting, ...]
    running: int


@dataclass(frozen=True, slots=True)
class Work:
    """What the engine does. `done` of `total` uncached tokens are read, `base` with the last whole chunk."""

    kind: str
    phase: str
    cached: int
    prompt: int
    total: int
    base: int = 0
    done: float = 0
    generated: int = 0
    rate: float = 0.0


@dataclass(frozen=True, slots=True)
class Kv:
    """Counts of the disk cache since the sidecar's start, and of prompts that left the live cache."""

    hits: int = 0
    hit_tokens: int = 0
    stored: int = 0
    evicted: int = 0
    failed: int = 0
    misses: int = 0
    folder: str = ""


@dataclass(frozen=True, slots=True)
class Sums:
    """Of requests that are over."""

    requests: int = 0
    prompt: int = 0
    cached: int = 0
    output: int = 0


@dataclass(frozen=True, slots=True)
class Trouble:
    text: str
    at: float


@dataclass(frozen=True, slots=True)
class Status:
    engine: EngineChanged = EngineChanged("stopped")
    serves: Serves = Serves("")
    used: int = 0  # tokens in the live context
    buffers: int | None = None  # bytes of context buffers
    chunk: int = 0  # of prefill, in tokens; 0: the whole prompt
    loaded: float = 0.0  # bytes
    persisting: bool = False
    work: Work | None = None
    kv: Kv = Kv()
    experts: ExpertCache | None = None
    sums: Sums = Sums()
    queue: Queue = Queue((), 0)
    memory: Memory | None = None
    error: Trouble | None = None

    @property
    def phase(self) -> str:
        """The engine's state; of a ready one idle, prefill, rebuild, decode, busy; saving before it stops."""
        if self.engine.state == "stopping" and self.persisting:
            return "saving"
        if self.engine.state != "ready":
            return self.engine.state
        if self.work is not None:
            return self.work.phase
        return "busy" if self.queue.running else "idle"

    @property
    def percent(self) -> float | None:
        """Of the load or of the prefill."""
        if self.phase == "loading" and self.serves.size and self.loaded:
            return min(100.0, 100 * self.loaded / self.serves.size)
        if self.work is not None and self.work.phase in ("prefill", "rebuild") and self.work.total:
            return min(100.0, 100 * self.work.done / self.work.total)
        return None
