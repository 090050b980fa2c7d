"""What to load for `REPO`, `REPO:FILE` or a URL, and where it goes.

Files of a repository go into the Hugging Face cache, other files into ds4agent's own folder, with their
digest in a file beside them. A shard of a split model stands for all of them.
"""

import fcntl
import fnmatch
import hashlib
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import unquote, urlsplit

import httpx2
import huggingface_hub

from ds4agent.sidecar import digests, hub
from ds4agent.sidecar.download import Remote, Report, download, version_of
from ds4agent.sidecar.gguf_scan import SUFFIX
from ds4agent.sidecar.hub import Repository
from ds4agent.sidecar.model_names import shard
from ds4agent.sidecar.patience import BUSY, CIRCLES, Patience, Trouble, retry_after, status_problem

_NAMED = 20


@dataclass(frozen=True, slots=True)
class Source:
    """A repository with perhaps a file, or a `url` of something else."""

    repo: str = ""
    file: str = ""
    revision: str = "main"
    url: str = ""


@dataclass(frozen=True, slots=True)
class Places:
    cache: Path
    own: Path


def parse(text: str, revision: str | None) -> Source:
    """What was asked for. Raises Trouble."""
    if re.match(r"https?://", text):
        try:
            return _of_url(text, revision)
        except ValueError as error:
            raise Trouble(f"{text} is no URL: {error}") from error
    repo, _, file = text.partition(":")
    if not re.fullmatch(r"[\w.-]+/[\w.-]+", repo):
        raise Trouble(f"{text!r} is neither OWNER/NAME, OWNER/NAME:FILE nor a URL")
    return Source(repo, file, revision or "main")


def _of_url(url: str, revision: str | None) -> Source:
    parts = urlsplit(url)
    hosts = {"huggingface.co", "hf.co", urlsplit(huggingface_hub.constants.ENDPOINT).netloc}
    path = [unquote(part) for part in parts.path.strip("/").split("/")]
    if parts.netloc not in hosts or len(path) < 2:
        return Source(url=url)
    repo = "/".join(path[:2])
    if len(path) > 4 and path[2] in ("blob", "resolve"):
        return Source(repo, "/".join(path[4:]), revision or path[3])
    if len(path) == 2 or path[2] == "tree":
        return Source(repo, revision=revision or (path[3] if len(path) > 3 else "main"))
    return Source(url=url)


def pull(source: Source, places: Places, report: Report, pause: Callable[[float], None]) -> list[Path]:
    """Load it; the files, the first shard first. Raises Trouble and OSError."""
    client = huggingface_hub.get_session()
    if source.url:
        return [_pull_url(source.url, places.own, client, report, pause)]
    repository = hub.look(source.repo, source.revision, pause)
    links = []
    for file in _chosen(repository, source.file):
        remote = hub.remote(repository, file, places.cache)
        if not remote.target.exists():
            download(remote, client, report, pause)
        links.append(hub.publish(repository, file.rfilename, remote.target, places.cache))
    return links


def _chosen(repository: Repository, wanted: str) -> list[Any]:
    """The files that `wanted` means: a path, a name in any case, a pattern or a part that fits one model."""
    models: dict[str, list[Any]] = {}
    for file in sorted(repository.files, key=lambda file: str(file.rfilename)):
        if file.rfilename.lower().endswith(SUFFIX):
            models.setdefault(_model_of(file.rfilename), []).append(file)
    low = wanted.lower()
    tests: tuple[Callable[[str], bool], ...] = (
        lambda name: name == wanted,
        lambda name: low in (name.lower(), PurePosixPath(name).name.lower()),
        lambda name: fnmatch.fnmatchcase(name.lower(), low),
        lambda name: low in name.lower(),
    )
    for test in tests:
        found = [model for model, files in models.items() if any(test(file.rfilename) for file in files)]
        if len(found) == 1:
            return models[found[0]]
        if found:
            raise Trouble(f"{repository.name} has several, name one: {_listed(found, models)}")
    if models:
        raise Trouble(f"{repository.name} has no {wanted}; it has {_listed(list(models), models)}")
    raise Trouble(f"{repository.name} has no GGUF files")


def _listed(names: list[str], models: dict[str, list[Any]]) -> str:
    sizes = {name: sum(file.size or 0 for file in models[name]) / 1e9 for name in names[:_NAMED]}
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return ", ".join(f"{models[name][0].rfilename} ({size:.1f} GB)" for name, size in sizes.items()) + more


def _model_of(path: str) -> str:
    """The path without a shard's number."""
    found = shard(path[: -len(SUFFIX)])
    return f"{found.stem}/{found.count}" if found else path


def _pull_url(
    url: str, folder: Path, client: httpx2.Client, report: Report, pause: Callable[[float], None]
) -> Path:
    name = unquote(PurePosixPath(urlsplit(url).path).name)
    if not name.lower().endswith(SUFFIX) or name.startswith(".") or "/" in name or "\0" in name:
        raise Trouble(f"{url} does not name a {SUFFIX} file")
    target = folder / name
    if target.exists():
        raise Trouble(f"{target} exists already; remove it first to pull it again")
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    size, version = _probe(url, name, client, pause)
    key = hashlib.sha256(f"{url} {size} {version}".encode()).hexdigest()[:12]
    remote = Remote(url, name, target, folder / f".{name}.{key}.partial", size, None, version=version)
    stale = [path for path in folder.glob(f".{_literal(name)}.*.partial") if path != remote.partial]
    if any(map(_is_in_use, stale)):
        raise Trouble(f"{target} is being loaded by another process, from another address or version")
    found = download(remote, client, report, pause)
    digests.note(target).write_text(f"{found}  {name}\n", "utf-8")
    for path in stale:
        if not _is_in_use(path):
            path.unlink(missing_ok=True)
    return target


def _is_in_use(partial: Path) -> bool:
    """Whether a download holds its lock."""
    try:
        with partial.open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except FileNotFoundError:
        return False
    except BlockingIOError:
        return True
    return False


def _literal(name: str) -> str:
    return re.sub(r"([*?[])", r"[\1]", name)


def _probe(
    url: str, name: str, client: httpx2.Client, pause: Callable[[float], None]
) -> tuple[int | None, str]:
    """The size of what is there now, and what tells its version from a later one."""
    patience = Patience(pause)
    headers = {"Range": "bytes=0-0", "Accept-Encoding": "identity"}
    while True:
        try:
            with client.stream("GET", url, headers=headers, timeout=10.0, follow_redirects=True) as reply:
                if reply.status_code in (200, 206):
                    part = reply.headers.get("content-range", "").rpartition("/")[2]
                    length = reply.headers.get("content-length", "") if reply.status_code == 200 else part
                    return int(length) if length.isdecimal() else None, version_of(reply)
                problem, wait = status_problem(reply.status_code), retry_after(reply.headers)
                if reply.status_code not in BUSY:
                    raise Trouble(f"{name}: {problem}")
        except httpx2.TransportError as error:
            problem, wait = f"{url} cannot be reached: {error or type(error).__name__}", None
        except httpx2.TooManyRedirects as error:
            raise Trouble(f"{url}: {CIRCLES}") from error
        except httpx2.InvalidURL as error:
            raise Trouble(f"{url} is no URL: {error}") from error
        patience.again(problem, False, wait)
