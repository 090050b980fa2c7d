"""The models on this machine, and which of them a name in a request means.

A scan makes a `Listing`, which never changes: whoever holds one can go on using it while the next is made.
Every file ends up in exactly one place: in a model (a split model is one entry, with its first shard), in a
speculator, in an entry that it is the same file as, or among the rejected with the reason.

A name is looked up in this order, in any case of letters: an id; an alias of the user; a name that came with
the file (file, path, repository, name for people); then all of these again without a thinking suffix. So an
id that itself ends in `-chat` stays what it is, and a name that fits several models is an error.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from ds4agent.sidecar import model_names
from ds4agent.sidecar.catalog_groups import Group, Rejected, grouped
from ds4agent.sidecar.gguf_scan import SUFFIX, Found, Scanner
from ds4agent.sidecar.model_names import HubPlace, Thinking
from ds4agent.wire.gguf import Header

ARCHITECTURE = "deepseek4"
SPECULATORS = {"deepseek4_mtp_support": "MTP", "deepseek4-dspark": "DSpark"}
# Memory beyond the file itself, without context.
_OVERHEAD_PERCENT = 5
_NAMED_IN_ERRORS = 8


class UnknownModel(LookupError):
    """A name that means no model, or several; the message says what there is."""


@dataclass(frozen=True, slots=True)
class Model:
    """`path`: the file, or the first shard, of `shards`. `missing`: names of shards that are not there."""

    id: str
    name: str
    kind: Literal["model", "speculator"]
    path: Path
    shards: tuple[Path, ...]
    missing: tuple[str, ...]
    root: Path
    size: int
    header: Header
    parameters: int
    variant: str
    hub: HubPlace | None
    also: tuple[Path, ...] = ()

    @property
    def estimate(self) -> int:
        """Bytes of memory that the weights take."""
        return self.size + self.size * _OVERHEAD_PERCENT // 100

    @property
    def problem(self) -> str:
        """Why it cannot be run; "" if nothing is known against it."""
        return f"missing: {', '.join(self.missing)}" if self.missing else ""

    def names(self) -> set[str]:
        """All that it can be asked for by, in lower case."""
        stem = _stem(self.path)
        names = {self.name, stem, f"{stem}{SUFFIX}", str(self.path.relative_to(self.root))}
        for path in (self.path, *self.also):
            names |= {str(path), path.name}
        if self.hub:
            names |= {self.hub.repo, f"{self.hub.repo}/{self.hub.file}", f"{self.hub.repo}:{self.hub.file}"}
        return {name.lower() for name in names}


@dataclass(frozen=True, slots=True)
class Resolved:
    """A model and the thinking mode that its name asked for, which goes before that of the request."""

    model: Model
    thinking: Thinking | None


@dataclass(frozen=True, slots=True)
class Listing:
    """`problems`: folders that could not be read, by path."""

    models: tuple[Model, ...] = ()
    speculators: tuple[Model, ...] = ()
    rejected: tuple[Rejected, ...] = ()
    problems: Mapping[Path, str] = field(default_factory=dict)

    def resolve(self, name: str, aliases: Mapping[str, str] | None = None) -> Resolved:
        """The model that a request means by `name`. Raises UnknownModel."""
        own = {alias.lower(): target for alias, target in (aliases or {}).items()}
        if model := self._called(name, own):
            return Resolved(model, None)
        if (found := model_names.split_thinking(name)) and (model := self._called(found[0], own)):
            return Resolved(model, found[1])
        target = own.get(name.lower())
        if target and (found := model_names.split_thinking(target)) and (model := self._called(found[0], {})):
            return Resolved(model, found[1])
        raise UnknownModel(self._why_not(name, target))

    def find(self, name: str) -> Model:
        """The model or speculator of this name. Raises UnknownModel."""
        found = self._called(name, {}) or _named(self.speculators, name)
        if not found:
            raise UnknownModel(self._why_not(name, None))
        return found

    def _called(self, name: str, aliases: Mapping[str, str]) -> Model | None:
        by_id = {model.id: model for model in self.models}
        if model := by_id.get(name.lower()):
            return model
        if target := aliases.get(name.lower()):
            return self._called(target, {})
        return _named(self.models, name)

    def _why_not(self, name: str, target: str | None) -> str:
        if target:
            return f"the alias {name!r} means {target!r}, and there is no such model; {self._there_are()}"
        if model := _named(self.speculators, name):
            kind = SPECULATORS[model.header.architecture]
            return f"{model.id} is a speculator ({kind}): it runs beside a model, not as one"
        for other in self.rejected:
            if name.lower() in (str(other.path).lower(), other.path.name.lower()):
                return f"{other.path} cannot be used: {other.reason}"
        return f"there is no model {name!r}; {self._there_are()}"

    def _there_are(self) -> str:
        ids = [model.id for model in self.models]
        if not ids:
            return "there are none"
        more = f" and {len(ids) - _NAMED_IN_ERRORS} more" if len(ids) > _NAMED_IN_ERRORS else ""
        return f"there are {', '.join(ids[:_NAMED_IN_ERRORS])}{more}"


def _named(models: tuple[Model, ...], name: str) -> Model | None:
    wanted = name.lower()
    found = [m for m in models if m.id == wanted] or [m for m in models if wanted in m.names()]
    if len(found) > 1:
        raise UnknownModel(f"{name!r} fits {', '.join(model.id for model in found)}; name one of these")
    return found[0] if found else None


class Catalog:
    """Scans the same folders again and again; what has not changed is not read again."""

    def __init__(self, roots: Iterable[Path], scanner: Scanner | None = None) -> None:
        self._roots = tuple(root.absolute() for root in roots)
        self._scanner = scanner or Scanner()

    def scan(self) -> Listing:
        """Look at the folders. Never raises for what lies in them; blocks while it reads."""
        return _listing(*self._scanner.scan(self._roots))

    def look_at(self, path: Path) -> Listing:
        """What one file is, with the other shards that lie beside it."""
        return _listing(self._scanner.beside(path), {})


def _listing(found: list[Found], problems: Mapping[Path, str]) -> Listing:
    groups, rejected = grouped(found)
    kinds: dict[str, list[Group]] = {"model": [], "speculator": []}
    for group in groups:
        kind, reason = _kind(group.first.header)
        if reason:
            rejected += [Rejected(file.path, reason) for file in group.files]
        else:
            kinds[kind].append(group)
    used: set[str] = set()
    models = _entries(kinds["model"], "model", used)
    speculators = _entries(kinds["speculator"], "speculator", used)
    rejected.sort(key=lambda other: other.path)
    return Listing(models, speculators, tuple(rejected), problems)


def _kind(header: Header | None) -> tuple[str, str]:
    """What an architecture is good for; else the reason why not."""
    architecture = header.architecture if header else ""
    if architecture == ARCHITECTURE:
        return "model", ""
    if architecture in SPECULATORS:
        return "speculator", ""
    if not architecture:
        return "", "its header names no architecture"
    return "", f"its architecture is {architecture!r}; ds4-server runs {ARCHITECTURE!r}"


def _entries(groups: list[Group], kind: Literal["model", "speculator"], used: set[str]) -> tuple[Model, ...]:
    """Groups with their names, each one once."""
    crowd: dict[Path, int] = {}
    for group in groups:
        crowd[group.folder] = crowd.get(group.folder, 0) + 1
    return tuple(_entry(group, kind, crowd[group.folder] == 1, used) for group in groups)


def _entry(group: Group, kind: Literal["model", "speculator"], alone: bool, used: set[str]) -> Model:
    header, hub = group.first.header, group.hub
    assert header
    found = model_names.model_id(group.label, group.stem, alone)
    name = _unique(found, hub, used)
    used.add(name)
    called = [group.stem, hub.repo if hub else group.label, header.name]
    return Model(
        name, model_names.display_name(group.label, group.stem, alone), kind, group.first.path,
        tuple(file.path for file in group.files), group.missing, group.first.root,
        sum(file.size for file in group.files), header,
        sum(file.header.parameters for file in group.files if file.header),
        model_names.variant(called, header.blocks), hub, group.also,
    )  # fmt: skip


def _unique(name: str, hub: HubPlace | None, used: set[str]) -> str:
    """`name`, with what tells it apart where another file has it already."""
    marks = [model_names.normalised(hub.repo.partition("/")[0]), hub.commit[:7].lower()] if hub else []
    candidates = [name, *(f"{name}:{mark}" for mark in marks)]
    found = next((candidate for candidate in candidates if candidate not in used), "")
    number = 2
    while not found:
        found = f"{name}:{number}" if f"{name}:{number}" not in used else ""
        number += 1
    return found


def _stem(path: Path) -> str:
    stem = path.name[: -len(SUFFIX)]
    found = model_names.shard(stem)
    return found.stem if found else stem
