"""One file over HTTP, as often as it takes to have all of it.

1. The partial file is locked, so that two downloads of one file never write into each other, and what it
   holds counts as loaded.
2. What is missing has to fit on the disk, or nothing is asked for.
3. Bytes are appended as they come, from requests that each ask for what follows, so an interruption at any
   moment loses none. A broken connection or a busy server is tried again; only attempts in a row that bring
   nothing new count against the limit. Nothing is written past the size that was announced, and nothing is
   appended to the beginning of another version: a file that changed meanwhile begins anew.
4. When all is there, its digest is computed from the disk. A wrong one ends the partial file: to continue it
   could only fail again.
5. The file is synced and renamed. It never has its name before that.
"""

import fcntl
import os
import re
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

import httpx2

from ds4agent.sidecar import digests
from ds4agent.sidecar.digests import Digest
from ds4agent.sidecar.patience import BUSY, CIRCLES, Patience, Trouble, retry_after, status_problem

# Servers in front of large stores refuse to send more than some tens of GB in one reply.
SEGMENT = 16 << 30
_TIMEOUT = httpx2.Timeout(10.0, read=60.0)

# Stage ("loading" or "checking"), bytes done, bytes in all or None.
Report = Callable[[str, int, int | None], None]


@dataclass(frozen=True, slots=True)
class Remote:
    """A file to load: `size` in bytes and `digest` where they are known before. `version`: of what the
    partial file holds, as `version_of` a reply; "" where only the digest tells.
    """

    url: str
    name: str
    target: Path
    partial: Path
    size: int | None
    digest: Digest | None
    headers: Mapping[str, str] = field(default_factory=dict)
    version: str = ""


class _Broken(Exception):
    """The connection ended before the reply; `wait`: seconds that the server asked for."""

    def __init__(self, why: str, wait: float | None = None) -> None:
        super().__init__(why)
        self.wait = wait


def download(
    remote: Remote,
    client: httpx2.Client,
    report: Report,
    pause: Callable[[float], None],
    segment: int = SEGMENT,
) -> str:
    """Have the file at its target; its sha256 or git digest. Raises Trouble and OSError."""
    remote.partial.parent.mkdir(parents=True, exist_ok=True)
    with _locked(remote) as file:
        done = _Download(remote, client, report, segment, file)
        done.load(Patience(pause))
        found = done.check()
        os.fsync(file.fileno())
        remote.target.parent.mkdir(parents=True, exist_ok=True)
        remote.partial.replace(remote.target)
    return found


@contextmanager
def _locked(remote: Remote) -> Iterator[IO[bytes]]:
    with remote.partial.open("ab", buffering=0) as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise Trouble(f"{remote.name} is being loaded by another process") from error
        if not remote.partial.exists() or not os.path.samestat(
            os.fstat(file.fileno()), remote.partial.stat()
        ):
            raise Trouble(f"{remote.name} was just loaded by another process")
        yield file


class _Download:
    """The loading of one file into `file`, which is open for appending."""

    def __init__(
        self, remote: Remote, client: httpx2.Client, report: Report, segment: int, file: IO[bytes]
    ) -> None:
        self._remote, self._client, self._report = remote, client, report
        self._segment, self._file = segment, file
        self._have = os.fstat(file.fileno()).st_size
        self._size, self._version = remote.size, remote.version

    def load(self, patience: Patience) -> None:
        """Ask until nothing is missing."""
        if self._size is not None and self._have > self._size:
            self._cut()
        self._check_space()
        self._report("loading", self._have, self._size)
        most, finished = self._have, self._have == self._size
        while not finished:
            try:
                finished = self._request()
            except _Broken as error:
                patience.again(str(error), self._have > most, error.wait)
            most = max(most, self._have)

    def check(self) -> str:
        """The digest of what lies on the disk, which is the right one."""
        wanted = self._remote.digest
        kind = wanted.kind if wanted else "sha256"
        found = digests.compute(
            self._remote.partial, kind, lambda done: self._report("checking", done, self._have)
        )
        if wanted and found != wanted.hex:
            self._remote.partial.unlink()
            raise Trouble(
                f"{self._remote.name} is not what {wanted.source} says: its {kind} digest is {found}, "
                f"expected {wanted.hex}; it was removed, pull it again"
            )
        return found

    def _check_space(self) -> None:
        if self._size is None:
            return
        missing, folder = self._size - self._have, self._remote.partial.parent
        free = shutil.disk_usage(folder).free
        if missing > free:
            needs = f"{self._remote.name} needs {missing / 1e9:.1f} GB more"
            raise Trouble(f"{needs}, and {folder} has {free / 1e9:.1f} GB free")

    def _request(self) -> bool:
        """One request; whether nothing is missing after it."""
        last = self._have + self._segment - 1
        headers = {
            **self._remote.headers,
            "Range": f"bytes={self._have}-{last}",
            "Accept-Encoding": "identity",
        }
        try:
            with self._client.stream(
                "GET", self._remote.url, headers=headers, timeout=_TIMEOUT, follow_redirects=True
            ) as reply:
                if self._is_past_the_end(reply):
                    self._size = self._have
                    return True
                self._begin(reply)
                # As they come: what is gathered for larger pieces would be lost with the connection.
                for chunk in reply.iter_raw():
                    self._append(chunk)
        except httpx2.TransportError as error:
            raise _Broken(f"the connection broke: {error or type(error).__name__}") from error
        except httpx2.TooManyRedirects as error:
            raise Trouble(f"{self._remote.name}: {CIRCLES}") from error
        if self._size is None:
            if reply.status_code == 206 and self._have > last:
                return False  # all that was asked for: there may be more
            self._size = self._have  # a reply of unknown length that came to its end
        if self._have < min(last + 1, self._size):
            raise _Broken("the reply ended before its end")
        return self._have == self._size

    def _is_past_the_end(self, reply: httpx2.Response) -> bool:
        """Where the size was not known before, this is how a server tells that there is no more."""
        ends = reply.status_code == 416 and self._size is None and self._have > 0
        return ends and reply.headers.get("content-range", "").strip() == f"bytes */{self._have}"

    def _begin(self, reply: httpx2.Response) -> None:
        """Whether the reply is the one that was asked for."""
        if reply.status_code in BUSY:
            raise _Broken(status_problem(reply.status_code), retry_after(reply.headers))
        if reply.status_code == 416 and self._have:
            self._cut()
            raise _Broken("the server has less of the file than is loaded; from the start again")
        if reply.status_code not in (200, 206):
            raise Trouble(f"{self._remote.name}: {status_problem(reply.status_code)}")
        if reply.headers.get("content-encoding", "identity") != "identity":
            raise Trouble(f"{self._remote.name}: the server sends it compressed, against what was asked")
        start, total = _range(reply)
        if self._size is not None and total is not None and total != self._size:
            raise Trouble(f"{self._remote.name}: the server says {total} bytes, {self._size} were announced")
        if start == 0 and self._have:
            self._cut()
        self._same_version(reply, start)
        if start != self._have:
            raise Trouble(f"{self._remote.name}: the server sends byte {start}, asked for was {self._have}")
        if self._size is None:
            self._size = total
            self._check_space()

    def _same_version(self, reply: httpx2.Response, start: int) -> None:
        """Without a digest nothing else would show that two versions make up the file."""
        version = version_of(reply)
        if start == 0 or self._remote.digest:
            self._version = version
        elif version != self._version:
            self._cut()
            raise _Broken("the file changed on the server; from the start again")

    def _append(self, chunk: bytes) -> None:
        room = len(chunk) if self._size is None else self._size - self._have
        rest = memoryview(chunk)[:room]
        while rest:
            n = self._file.write(rest)
            rest = rest[n:]
            self._have += n
        self._report("loading", self._have, self._size)
        if len(chunk) > room:
            raise Trouble(f"{self._remote.name}: the server sends more than the {self._size} bytes announced")

    def _cut(self) -> None:
        self._file.truncate(0)
        self._have = 0


def version_of(reply: httpx2.Response) -> str:
    """What tells a file from a later one under its address; "" if the server does not say."""
    return str(reply.headers.get("etag") or reply.headers.get("last-modified") or "")


def _range(reply: httpx2.Response) -> tuple[int, int | None]:
    """The first byte of a reply, and the size of the whole file where it tells."""
    headers: Any = reply.headers
    if reply.status_code == 200:
        length = headers.get("content-length", "")
        return 0, int(length) if length.isdecimal() else None
    found = re.fullmatch(r"bytes (\d+)-\d+/(\d+|\*)", headers.get("content-range", "").strip())
    if not found:
        raise Trouble(f"the server sends a part without saying which: {headers.get('content-range', '')!r}")
    return int(found[1]), None if found[2] == "*" else int(found[2])
