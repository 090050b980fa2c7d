"""Files that belong together: the shards of a split model, and one file under several names.

Shards are told by their names (`NAME-00002-of-00003.gguf`), and their headers have to agree. The same shards
seen twice (two snapshots of a repository, a link from another folder) are one group; in a Hugging Face cache
the snapshot of `main` goes first, since it is the one that stays.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from ds4agent.sidecar import model_names
from ds4agent.sidecar.gguf_scan import SUFFIX, Found
from ds4agent.sidecar.model_names import HubPlace


@dataclass(frozen=True, slots=True)
class Rejected:
    """`damaged`: it would be a model if its bytes were all there and right."""

    path: Path
    reason: str
    damaged: bool = False


@dataclass(frozen=True, slots=True)
class Group:
    """`folder`: what holds it (for a cache: the snapshot), `label`: that folder's name, "" at the top."""

    stem: str
    folder: Path
    label: str
    files: tuple[Found, ...]
    missing: tuple[str, ...]
    hub: HubPlace | None
    also: tuple[Path, ...] = ()

    @property
    def first(self) -> Found:
        return self.files[0]


def grouped(found: Iterable[Found]) -> tuple[list[Group], list[Rejected]]:
    """Groups in the order of their files, and what cannot be part of one."""
    rejected: list[Rejected] = []
    sets: dict[tuple[Path, str, int], dict[int, Found]] = {}
    for file in found:
        stem = file.path.name[: -len(SUFFIX)]
        shard = model_names.shard(stem)
        if reason := _unusable(file, shard):
            incomplete = bool(file.header and file.header.needs > file.size)
            rejected.append(Rejected(file.path, reason, file.damaged or incomplete))
            continue
        shard = shard or model_names.Shard(stem, 1, 1)
        key = (file.path.parent, shard.stem, shard.count)
        sets.setdefault(key, {})[shard.number] = file
    groups: list[Group] = []
    for (folder, stem, count), files in sets.items():
        missing = [n for n in range(1, count + 1) if n not in files]
        if missing[:1] == [1]:
            reason = f"its first shard, {_shard_name(stem, 1, count)}, is missing"
            rejected += [Rejected(file.path, reason) for file in files.values()]
        else:
            groups.append(_group(folder, stem, count, files, missing))
    return _once(groups), rejected


def _unusable(file: Found, shard: model_names.Shard | None) -> str:
    header = file.header
    if not header:
        return file.problem
    if header.needs > file.size:
        return f"it is not complete: {file.size} of {header.needs} bytes"
    if not shard and header.split_count > 1:
        number = f"{header.split_no + 1} of {header.split_count}"
        return f"it is shard {number}, but its name does not say so; the others cannot be found"
    if shard and (header.split_no + 1, header.split_count) != (shard.number, shard.count):
        inside = f"{header.split_no + 1} of {header.split_count}"
        return f"its name says shard {shard.number} of {shard.count}, its header {inside}"
    return ""


def _group(folder: Path, stem: str, count: int, files: dict[int, Found], missing: list[int]) -> Group:
    in_order = tuple(files[n] for n in sorted(files))
    names = tuple(_shard_name(stem, n, count) for n in missing)
    path, root = in_order[0].path, in_order[0].root
    hub = model_names.hub_place(path.as_posix())
    if not hub:
        label = "" if folder == root else folder.name
        return Group(stem, folder, label, in_order, names, None)
    snapshot = path.parents[hub.file.count("/")]
    parts = [hub.repo.rpartition("/")[2], *(hub.file.split("/")[:-1] if _says_nothing(stem) else [])]
    return Group(stem, snapshot, "-".join(parts), in_order, names, hub)


def _says_nothing(stem: str) -> bool:
    """Whether only the folder tells what a file is."""
    return model_names.model_id("folder", stem, False) == "folder"


def _once(groups: list[Group]) -> list[Group]:
    """Without those that are the same files as an earlier one."""
    kept: dict[tuple[tuple[int, int], ...], Group] = {}
    for group in sorted(groups, key=_is_behind):
        key = tuple(file.stamp[:2] for file in group.files)
        same = kept.setdefault(key, group)
        if same is not group:
            kept[key] = replace(same, also=(*same.also, group.first.path))
    return list(kept.values())


def _is_behind(group: Group) -> bool:
    """Whether `main` of its repository is another snapshot."""
    if not group.hub:
        return False
    main = group.folder.parent.parent / "refs" / "main"
    try:
        return main.read_text("utf-8", "replace").strip() != group.hub.commit
    except OSError:
        return False


def _shard_name(stem: str, number: int, count: int) -> str:
    return f"{stem}-{number:05}-of-{count:05}{SUFFIX}"
