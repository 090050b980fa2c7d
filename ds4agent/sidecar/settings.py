"""All that the sidecar is told, as one value that goes through a pipe as JSON."""

import json
from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class ModelSettings:
    """A model that can be loaded. `names`: what else it is called, in lower case; `most_ctx` 0: unknown.
    `think_max`: the machine can hold the context without which the effort `max` means nothing. `context` 0
    and `idle` None: as for all models.
    """

    id: str
    path: str
    size: int = 0
    most_ctx: int = 0
    names: tuple[str, ...] = ()
    think_max: bool = False
    context: int = 0
    idle: float | None = None


# For the environment of the process. Without these glibc keeps what the bodies of a busy hour took: it raises
# its own threshold with each large block that is freed.
ALLOCATOR = {
    "MALLOC_ARENA_MAX": "1",
    "MALLOC_MMAP_THRESHOLD_": "65536",
    "MALLOC_TRIM_THRESHOLD_": "131072",
}


@dataclass(frozen=True, slots=True)
class EngineSettings:
    """`url`: an engine that runs already, "host:port"; else `program` is started with one of `models`, the
    first if nobody names one, and what `options` (those of launch_options.Options) say; or else `argv` as it
    is. `flags`: what the program takes, see Capabilities. `port` 0: any. `environment`: what the engine's
    differs in from the sidecar's, None: not set. All of it would be too much for one variable.

    `adopt`: the lock file by whose holder an engine is found that runs already, "": none is looked for. Times
    in seconds, 0: never.
    """

    argv: tuple[str, ...] = ()
    program: tuple[str, ...] = ()
    support: str = ""
    digest: str = ""
    flags: dict[str, str] = field(default_factory=dict)
    options: dict[str, Any] = field(default_factory=dict)
    models: tuple[ModelSettings, ...] = ()
    kv_root: str = ""
    environment: dict[str, str | None] = field(default_factory=dict)
    url: str = ""
    port: int = 0
    width: int = 1
    ready: float = 600.0
    idle: float = 0.0
    hang: float = 180.0
    grace: float = 20.0
    preload: bool = False
    adopt: str = ""


@dataclass(frozen=True, slots=True)
class SidecarSettings:
    """`state_folder`: of the engine's log and the counters. `keys`: pairs of a client's name and its key.
    `keepalive`: seconds of silence between signs of life. `any_port`: another one if `port` is taken.
    `leave`: seconds without a client after which it ends, 0: never.
    """

    engine: EngineSettings
    runtime_file: str
    state_folder: str
    host: str = "127.0.0.1"
    port: int = 8010
    any_port: bool = False
    leave: float = 0.0
    keys: tuple[tuple[str, str], ...] = ()
    hosts: tuple[str, ...] = ()
    origins: tuple[str, ...] = ()
    max_queue: int = 64
    keepalive: float = 10.0

    def to_json(self) -> str:
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> "SidecarSettings":
        value = json.loads(text)
        engine = value.pop("engine")
        for name in ("argv", "program"):
            engine[name] = tuple(engine[name])
        engine["models"] = tuple(
            ModelSettings(**{**model, "names": tuple(model["names"])}) for model in engine["models"]
        )
        for name in ("hosts", "origins"):
            value[name] = tuple(value[name])
        value["keys"] = tuple((name, key) for name, key in value["keys"])
        return cls(engine=EngineSettings(**engine), **value)
