"""Repositories of the Hugging Face hub, and the cache that its tools share.

What is loaded goes into that cache in its documented layout: the bytes in `blobs/DIGEST`, a link to them in
`snapshots/COMMIT/FILE`, the commit in `refs/REVISION`. So other programs find it, and it is removed with
their means. We load the bytes ourselves, since the library drops what it has when a download is interrupted.
Nothing that a server says becomes a path before it was checked.

Only commands use this module: the library comes with the extra `ds4agent[pull]` and is large.
"""

import os
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import quote

import httpx2
import huggingface_hub
from huggingface_hub import constants, errors

from ds4agent.sidecar.digests import digest
from ds4agent.sidecar.download import Remote
from ds4agent.sidecar.patience import BUSY, CIRCLES, Patience, Trouble, retry_after, status_problem

# Else the library asks for a list of agents first, to tell the hub which one runs it.
constants.HF_HUB_DISABLE_TELEMETRY = True
_API_TIMEOUT = 10.0
_Answer = TypeVar("_Answer")


@dataclass(frozen=True, slots=True)
class Repository:
    """What a repository holds at one commit. `anonymous`: the login that was there is not accepted."""

    name: str
    revision: str
    commit: str
    files: tuple[Any, ...]
    anonymous: bool


def look(name: str, revision: str, pause: Callable[[float], None]) -> Repository:
    """Ask for the files of a repository. Raises Trouble."""
    api = huggingface_hub.HfApi()
    anonymous = False

    def ask() -> huggingface_hub.ModelInfo:
        return api.model_info(
            name,
            revision=revision,
            files_metadata=True,
            timeout=_API_TIMEOUT,
            token=False if anonymous else None,
        )

    try:
        info = _patiently(ask, name, pause)
    except _Refused:
        if not huggingface_hub.get_token():
            raise
        anonymous = True
        info = _patiently(ask, name, pause)
    commit = info.sha or ""
    if not re.fullmatch("[0-9a-f]{40}", commit):
        raise Trouble(f"{api.endpoint} answers without a commit; it is no hub")
    files = tuple(file for file in info.siblings or () if _is_safe(file.rfilename))
    return Repository(name, revision, commit, files, anonymous)


class _Refused(Trouble):
    """401: no such repository, none for this login, or a login that is not valid."""


def _patiently(ask: Callable[[], _Answer], name: str, pause: Callable[[float], None]) -> _Answer:
    patience = Patience(pause)
    while True:
        try:
            return ask()
        except errors.HfHubHTTPError as error:
            status = error.response.status_code
            if status not in BUSY:
                raise _explained(error, name) from error
            patience.again(f"{name}: {status_problem(status)}", False, retry_after(error.response.headers))
        except errors.OfflineModeIsEnabled as error:
            raise Trouble("HF_HUB_OFFLINE is set; nothing can be pulled") from error
        except errors.HFValidationError as error:
            raise Trouble(f"{name!r} is no name of a repository; it has to be OWNER/NAME") from error
        except httpx2.TransportError as error:
            endpoint = huggingface_hub.constants.ENDPOINT
            patience.again(f"{endpoint} cannot be reached: {error or type(error).__name__}", False, None)
        except httpx2.TooManyRedirects as error:
            raise Trouble(f"{huggingface_hub.constants.ENDPOINT}: {CIRCLES}") from error
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise Trouble(f"{huggingface_hub.constants.ENDPOINT} does not answer like a hub") from error


def _explained(error: errors.HfHubHTTPError, name: str) -> Trouble:
    status = error.response.status_code
    if isinstance(error, errors.GatedRepoError):
        return Trouble(f"{name} is gated: accept its terms on its page, then `hf auth login` or set HF_TOKEN")
    if isinstance(error, errors.RevisionNotFoundError):
        return Trouble(f"{name} has no such revision")
    if isinstance(error, errors.RepositoryNotFoundError) or status in (401, 404):
        kind = _Refused if status == 401 else Trouble
        return kind(f"there is no repository {name}, or it is private: `hf auth login` or set HF_TOKEN")
    return Trouble(f"{name}: {status_problem(status)}")


def _is_safe(path: str) -> bool:
    parts = path.split("/")
    return all(part not in ("", ".", "..") and "\0" not in part for part in parts)


def remote(repository: Repository, file: Any, cache: Path) -> Remote:
    """A file of a repository, to be loaded into the cache. Raises Trouble."""
    found = digest(file.lfs.sha256 if file.lfs else file.blob_id or "", "the repository")
    size = file.size if file.size is not None else file.lfs and file.lfs.size
    if not found or not isinstance(size, int) or size < 0:
        raise Trouble(f"{repository.name} does not say the size and the digest of {file.rfilename}")
    blobs = _folder(repository.name, cache) / "blobs"
    token = None if repository.anonymous else huggingface_hub.get_token()
    base = f"{huggingface_hub.constants.ENDPOINT}/{repository.name}/resolve/{repository.commit}"
    return Remote(
        f"{base}/{quote(file.rfilename)}", file.rfilename, blobs / found.hex,
        blobs / f"{found.hex}.ds4agent.incomplete", size, found,
        {"Authorization": f"Bearer {token}"} if token else {},
    )  # fmt: skip


def publish(repository: Repository, file: str, blob: Path, cache: Path) -> Path:
    """Give a blob its name in the snapshot, and the commit that of the revision."""
    folder = _folder(repository.name, cache)
    link = folder / "snapshots" / repository.commit / file
    link.parent.mkdir(parents=True, exist_ok=True)
    new = link.with_name(f".{link.name}.new")
    new.unlink(missing_ok=True)
    new.symlink_to(os.path.relpath(blob, link.parent))
    new.replace(link)
    if repository.revision != repository.commit:
        ref = folder / "refs" / repository.revision
        ref.parent.mkdir(parents=True, exist_ok=True)
        temporary = ref.with_name(f".{ref.name}.new")
        temporary.write_text(repository.commit)
        temporary.replace(ref)
    return link


def _folder(name: str, cache: Path) -> Path:
    return cache / f"models--{name.replace('/', '--')}"


def removal(paths: list[Path], cache: Path) -> huggingface_hub.DeleteCacheStrategy:
    """How to remove files of a cache together with their blobs, and their repository if nothing is left."""
    info = huggingface_hub.scan_cache_dir(cache)
    repos = [repo for repo in info.repos if any(path.is_relative_to(repo.repo_path) for path in paths)]
    blobs = {file.blob_path for repo in repos for file in _files(repo) if file.file_path in paths}
    chosen = [file for repo in repos for file in _files(repo) if file.blob_path in blobs]
    if not chosen:
        raise Trouble(f"the cache {cache} does not know {', '.join(map(str, paths))}")
    if len(chosen) == sum(len(_files(repo)) for repo in repos):
        return info.delete_revisions(*(revision.commit_hash for repo in repos for revision in repo.revisions))
    return info.delete_files(*chosen)


def _files(repo: Any) -> list[Any]:
    return [file for revision in repo.revisions for file in revision.files]
