"""A checkpoint of the disk store as others see it."""

from dataclasses import dataclass
from pathlib import Path

from ds4agent.engine.kv.index import Entry
from ds4agent.wire.kvpoints import Key


@dataclass(frozen=True, slots=True)
class Point:
    """As it was when asked for; `kind` and `key_bytes` are those of the key that it was found by.

    `size` is in bytes, of its own files; `created` and `last_used` are seconds since 1970.
    """

    id: bytes
    path: Path
    n_tokens: int
    reason: str
    kind: str
    key_bytes: int
    size: int
    created: float
    hits: int
    failures: int
    last_used: float


def seen(entry: Entry, key: Key, path: Path) -> Point:
    head, stats = entry.head, entry.stats
    return Point(
        id=entry.id,
        path=path,
        n_tokens=head.n_tokens,
        reason=head.reason,
        kind=key.kind,
        key_bytes=key.n_bytes,
        size=entry.size,
        created=head.created,
        hits=stats.hits,
        failures=stats.failures,
        last_used=stats.last_used,
    )
