"""All that the sidecar is told, as one value that goes through a pipe as JSON."""

import json
from dataclasses import asdict, dataclass, field

# For the environment of the process. Without these glibc keeps what the bodies of a busy hour took: it raises
# its own threshold with each large block that is freed.
ALLOCATOR = {"MALLOC_MMAP_THRESHOLD_": "65536", "MALLOC_TRIM_THRESHOLD_": "131072"}


@dataclass(frozen=True, slots=True)
class EngineSettings:
    """`url`: an engine that runs already, "host:port"; else `argv` is started. `port` 0: the engine chooses.

    Times in seconds, 0: never.
    """

    argv: tuple[str, ...] = ()
    environment: dict[str, str] = field(default_factory=dict)
    url: str = ""
    port: int = 0
    width: int = 1
    ready: float = 600.0
    idle: float = 0.0
    hang: float = 180.0
    grace: float = 20.0
    preload: bool = False


@dataclass(frozen=True, slots=True)
class SidecarSettings:
    """`keys`: pairs of a client's name and its key. `keepalive`: seconds of silence between signs of life."""

    engine: EngineSettings
    runtime_file: str
    host: str = "127.0.0.1"
    port: int = 8010
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
        engine["argv"] = tuple(engine["argv"])
        for name in ("hosts", "origins"):
            value[name] = tuple(value[name])
        value["keys"] = tuple((name, key) for name, key in value["keys"])
        return cls(engine=EngineSettings(**engine), **value)
