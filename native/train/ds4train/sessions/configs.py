"""Files that hold settings, in the spelling of each file kind, with a record of every setting in them."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from . import names, values
from .kinds import EXTENSIONS, KINDS, LISTS, Kind, pick_kind
from .values import Value

if TYPE_CHECKING:
    from .sights import Sight


@dataclass
class Setting:
    key: str
    value: Value
    line: str  # the whole line, stripped
    literal: str  # how the value is spelled in the line
    section: str = ""
    says: tuple[str, ...] = ()  # how people call it; a whole question begins with "?"


@dataclass
class Spot:
    """A value in a file, which may stand on another line than the name by which people know it."""

    key: str  # a name that stands in the file, or nothing
    says: tuple[str, ...]  # what people call it, with ⟪K⟫ for the key
    plain: str  # the name in plain words
    value: Value
    number: int  # of its line, from 1
    line: str  # the whole line
    at: int  # where in the line the value begins
    fits: tuple[str, ...] = ()  # kinds of value that may stand here


@dataclass
class Planned:
    """A generated file and the facts families may ask for."""

    path: str
    text: str
    kind: str
    settings: list[Setting] = field(default_factory=list)
    symbols: list[str] = field(default_factory=list)  # functions, classes
    prose: bool = False
    spots: list[Spot] = field(default_factory=list)  # places of spots.txt
    sights: tuple[Sight, ...] = ()  # values of a file of sights.py


def _rust_type(v: Value) -> str:
    return {"int": "u32", "negative": "i32", "float": "f64", "bool": "bool"}.get(v.kind, "&str")


# What a sed replacement would read as its own syntax.
AWKWARD = frozenset("'|&\\*[]$^")


def twice(rng: random.Random, split: str) -> tuple[Planned, list[tuple[int, Setting]]]:
    """A file in which two sections hold the same key; with the line number of each."""
    kind = rng.choice(("ini", "toml", "ini", "cfg", "yaml"))
    spec = KINDS[kind]
    keys = _keys(rng, split, spec, rng.randint(2, 5))
    groups = _groups(rng, split, keys, 2)
    shared = groups[0][1][0]
    groups[1][1].insert(rng.randint(0, len(groups[1][1])), shared)
    out: list[str] = []
    settings: list[Setting] = []
    _plain(rng, split, kind, spec, groups, out, settings)
    same = [s for s in settings if s.key == shared]
    if len({s.line for s in same}) < 2 or any(set(s.line) & AWKWARD for s in same):
        return twice(rng, split)
    numbers = [n for n, line in enumerate(out, 1) if line.strip() in {s.line for s in same}]
    if len(numbers) != 2:
        return twice(rng, split)
    return Planned(_path(rng, split, kind), "\n".join(out) + "\n", kind), list(
        zip(numbers, same, strict=True)
    )


_CONFIG_STEMS = (
    "config",
    "settings",
    "app",
    "options",
    "defaults",
    "server",
    "project",
    "service",
    "params",
    "prefs",
    "local",
    "prod",
    "dev",
)
_FOLDERS = (
    "config",
    "conf",
    "etc",
    "src",
    "app",
    "settings",
    "deploy",
    "ops",
    "lib",
    "core",
    "services",
    "docs",
    "data",
    "env",
    "scripts",
    "tools",
    "web",
    "api",
)
_C_TYPES = {"u32": "int", "i32": "int", "f64": "double", "bool": "bool", "&str": "char *"}


def folder(rng: random.Random, split: str) -> str:
    """A folder prefix: often none, sometimes nested."""
    r = rng.random()
    if r < 0.5:
        return ""
    first = (
        rng.choice(_FOLDERS) if rng.random() < 0.6 else names.style(names.parts(rng, split, 1, 1), "snake")
    )
    if r < 0.85:
        return first + "/"
    return f"{first}/{names.style(names.parts(rng, split, 1, 1), 'snake')}/"


def _path(rng: random.Random, split: str, kind: str) -> str:
    r = rng.random()
    if r < 0.45 or kind in ("docker",):
        name = rng.choice(KINDS[kind].files)
    elif r < 0.6:
        name = f"{rng.choice(_CONFIG_STEMS)}.{EXTENSIONS.get(kind, kind)}"
    else:
        name = f"{names.file_stem(rng, split)}.{EXTENSIONS.get(kind, kind)}"
    return folder(rng, split) + name


def _setting(rng: random.Random, split: str, spec: Kind, kind: str, key: str, section: str) -> Setting:
    value = values.value(rng, split, rng.choice(spec.values) if spec.values else None)
    while value.kind == "list" and kind not in LISTS:
        value = values.value(rng, split)
    literal = spec.literal(value)
    type_name = _rust_type(value)
    line = spec.line.format(k=key, v=literal, t=_C_TYPES[type_name] if kind == "c" else type_name)
    return Setting(key, value, line, literal, section)


def _keys(rng: random.Random, split: str, spec: Kind, count: int) -> list[str]:
    how = rng.choice(spec.case)
    keys: list[str] = []
    while len(keys) < count:
        low = 2 if how == "dot" else 1
        key = names.key(rng, split, how, low, 3)
        if rng.random() < 0.06 and keys and how in ("snake", "upper", "kebab"):
            joint = "-" if how == "kebab" else "_"
            key = keys[-1] + joint + key  # a longer neighbour: grep shows both
        if key not in keys:
            keys.append(key)
    return keys


def config(rng: random.Random, split: str, kind: str | None = None, size: int | None = None) -> Planned:
    """A settings file of the kind with `size` settings."""
    kind = kind or pick_kind(rng)
    spec = KINDS[kind]
    count = size or rng.choice((1, 2, 3, 4, 4, 5, 6, 7, 8, 10, 12))
    keys = _keys(rng, split, spec, count)
    sections = 0 if not spec.section or rng.random() < 0.4 else rng.randint(1, min(3, count))
    out: list[str] = list(spec.head)
    settings: list[Setting] = []
    if not spec.head and spec.comment and rng.random() < 0.35:
        out += [f"{spec.comment} {names.sentence(rng, split)}", ""]
    tight = rng.random() < 0.12 and kind in ("toml", "ini", "py")
    groups = _groups(rng, split, keys, sections)
    body = _json if kind == "json" else _plain
    body(rng, split, kind, spec, groups, out, settings)
    out += spec.foot
    text = "\n".join(out) + "\n"
    if tight:
        text = text.replace(" = ", "=")
        for s in settings:
            s.line = s.line.replace(" = ", "=")
    return Planned(_path(rng, split, kind), text, kind, settings)


def _groups(rng: random.Random, split: str, keys: list[str], sections: int) -> list[tuple[str, list[str]]]:
    if not sections:
        return [("", keys)]
    cuts = sorted(rng.sample(range(1, len(keys)), sections - 1)) if sections > 1 else []
    bounds = [0, *cuts, len(keys)]
    titles: list[str] = []
    while len(titles) < sections:
        title = names.ident(rng, split, "snake", 1, 1)
        if title not in titles and all(title not in k for k in keys):
            titles.append(title)
    return [(titles[i], keys[bounds[i] : bounds[i + 1]]) for i in range(sections)]


def _plain(
    rng: random.Random,
    split: str,
    kind: str,
    spec: Kind,
    groups: list[tuple[str, list[str]]],
    out: list[str],
    settings: list[Setting],
) -> None:
    for number, (section, keys) in enumerate(groups):
        indent = spec.indent
        if section:
            out += ([""] if number and kind != "yaml" else []) + [spec.section.format(s=section)]
        elif kind == "yaml":
            indent = ""
        for key in keys:
            setting = _setting(rng, split, spec, kind, key, section)
            if spec.comment and rng.random() < 0.06:
                out.append(f"{indent}{spec.comment} {names.sentence(rng, split)}")
            if spec.comment == "#" and kind in ("py", "toml", "yaml") and rng.random() < 0.08:
                setting.line += f"  # {names.sentence(rng, split)}"
            out.append(indent + setting.line)
            settings.append(setting)


def _json(
    rng: random.Random,
    split: str,
    kind: str,
    spec: Kind,
    groups: list[tuple[str, list[str]]],
    out: list[str],
    settings: list[Setting],
) -> None:
    out.append("{")
    step = rng.choice(("  ", "  ", "    "))
    for number, (section, keys) in enumerate(groups):
        depth = step * 2 if section else step
        if section:
            out.append(f'{step}"{section}": {{')
        for at, key in enumerate(keys):
            setting = _setting(rng, split, spec, kind, key, section)
            last = at == len(keys) - 1 and (section or number == len(groups) - 1)
            setting.line += "" if last else ","
            out.append(depth + setting.line)
            settings.append(setting)
        if section:
            out.append(step + ("}" if number == len(groups) - 1 else "},"))
    out.append("}")
