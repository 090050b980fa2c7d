"""What a model is called: its id, its name for people, its variant, and the thinking mode in a name.

An id is made from where the file lies, so it stays the same as long as the file does: lower case, only
`a-z`, `0-9`, `.` and `-`. A file called `model.gguf` says nothing, nor does one that is called like its
folder and alone in it: both take the folder's name. Others are `folder-file`, without saying the folder
twice.
"""

import re
from dataclasses import dataclass
from typing import Literal

Thinking = Literal["chat", "think", "think-max"]
# The longest first: `-think-max` also ends in a word that might have been a suffix of its own.
SUFFIXES: dict[str, Thinking] = {"-think-max": "think-max", "-think": "think", "-chat": "chat"}

_SHARD = re.compile(r"^(?P<stem>.+)-(?P<number>\d{5})-of-(?P<count>\d{5})$")
_GENERIC = re.compile(r"^(gguf|weights|consolidated|model([-_.].*)?)$")
_VARIANT = re.compile(r"deepseek[^a-z0-9]*v4[^a-z0-9]*(flash|pro)(?![a-z])")
_SNAPSHOT = re.compile(r"^(?P<root>.*/)?models--(?P<repo>[^/]+)/snapshots/(?P<commit>[^/]+)/(?P<rest>.+)$")


@dataclass(frozen=True, slots=True)
class Shard:
    """A file of a split model, by its name. `number` counts from 1."""

    stem: str
    number: int
    count: int


@dataclass(frozen=True, slots=True)
class HubPlace:
    """A file in a Hugging Face cache. `root`: the cache; `file`: its path in the repository."""

    root: str
    repo: str
    commit: str
    file: str


def shard(stem: str) -> Shard | None:
    found = _SHARD.match(stem)
    return Shard(found["stem"], int(found["number"]), int(found["count"])) if found else None


def hub_place(path: str) -> HubPlace | None:
    """Where in a Hugging Face cache `path` is."""
    found = _SNAPSHOT.match(path)
    if not found:
        return None
    repo = found["repo"].replace("--", "/", 1)
    return HubPlace((found["root"] or "").rstrip("/"), repo, found["commit"], found["rest"])


def normalised(text: str) -> str:
    return re.sub(r"-+", "-", re.sub(r"[^a-z0-9.]", "-", text.lower())).strip("-.")


def model_id(folder: str, stem: str, alone: bool) -> str:
    """`folder`: name of the folder or repository, "" for none; `alone`: no other model is in it."""
    inside, name = normalised(folder), normalised(stem)
    if inside and not alone:  # `model-q2` beside `model-q4`: the rest tells them apart
        name = name.removeprefix("model-")
    if inside and (not name or _GENERIC.match(name) or name == inside):
        name = inside
    elif inside and not name.startswith(inside):
        name = f"{inside}-{name}"
    return name or "gguf-model"


def display_name(folder: str, stem: str, alone: bool) -> str:
    """As the files are written: `Foo / Bar` where a folder holds several."""
    if not folder:
        return stem
    if model_id(folder, stem, alone) == normalised(folder):
        return folder
    return stem if alone else f"{folder} / {stem}"


def variant(names: list[str], blocks: int | None) -> str:
    """`flash`, `pro` or "": what the model's size says, else what it is called."""
    known = {43: "flash", 61: "pro"}.get(blocks or 0)
    found = next((match[1] for name in names if (match := _VARIANT.search(name.lower()))), "")
    return known or found


def split_thinking(name: str) -> tuple[str, Thinking] | None:
    """The name without a suffix that asks for a thinking mode; None if it has none."""
    for suffix, mode in SUFFIXES.items():
        if name.lower().endswith(suffix) and len(name) > len(suffix):
            return name[: -len(suffix)], mode
    return None
