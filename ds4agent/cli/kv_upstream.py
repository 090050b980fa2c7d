"""ds4-server's files in a KV directory. Reading them changes nothing, and ds4-server may run meanwhile."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from ds4agent.wire import kvc

_HALF_LIFE_S = 6 * 3600


@dataclass(frozen=True, slots=True)
class CacheFile:
    """A file in which nothing wrong was found."""

    path: Path
    size: int
    header: kvc.Header
    text: bytes
    payload: kvc.Payload | None
    calls: dict[bytes, bytes]

    @property
    def last_used(self) -> int:
        return self.header.last_used or self.header.created

    def worth(self, now: float) -> float:
        """ds4-server's own measure: it evicts the file with the least first."""
        age = max(0.0, now - self.last_used)
        hits: float = self.header.hits * 2 ** -(age / _HALF_LIFE_S)
        return (hits + 1) * self.header.n_tokens / self.size


@dataclass(slots=True)
class CacheFiles:
    """`problems`: what is wrong, by file name; those files are not in `files`."""

    files: list[CacheFile]
    problems: dict[str, str]
    sizes: dict[str, int]


def scan(folder: Path) -> CacheFiles:
    """All that can be checked is checked. Raises OSError when the directory cannot be read."""
    found = CacheFiles([], {}, dict(_named(folder)))
    for name in sorted(found.sizes):
        try:
            found.files.append(_read(folder / name))
        except kvc.KvcError as error:
            found.problems[name] = str(error)
        except FileNotFoundError:
            del found.sizes[name]  # evicted a moment ago
        except OSError as error:
            found.problems[name] = f"cannot be read: {error.strerror}"
    return found


def _named(folder: Path) -> Iterator[tuple[str, int]]:
    with os.scandir(folder) as entries:
        for entry in entries:
            if kvc.is_file_name(entry.name) and entry.is_file(follow_symlinks=False):
                yield entry.name, entry.stat(follow_symlinks=False).st_size


def _read(path: Path) -> CacheFile:
    with path.open("rb") as file:
        size = os.fstat(file.fileno()).st_size
        header = kvc.header(file.read(kvc.HEADER_BYTES), size)
        text = file.read(header.text_bytes)
        kvc.check_text(text, header, path.name)
        payload = kvc.payload(file.read(kvc.PAYLOAD_HEADER_BYTES), header)
        if payload and payload.version == 1:
            kvc.check_tokens(file.read(4 * payload.n_tokens), payload)
            file.seek(header.payload_offset + payload.counts_offset)
            kvc.check_rows(file.read(payload.counts_bytes), payload, header)
        file.seek(header.tool_map_offset)
        calls = kvc.tool_map(file.read()) if header.has_tool_map else {}
    return CacheFile(path, size, header, text, payload, calls)
