"""Realistic files from `projects.txt`: natural keys, natural values, nesting, prose that states facts.

A file of the table begins with `=== path`; in its text `⟪kind;said;said⟫` is a value of that kind (values.py), with
the words in which people speak of it. A value with words is a fact that may be asked for or changed.
"""

from __future__ import annotations

import random
import re
from functools import cache
from pathlib import Path

from . import glue, names, values
from .configs import Planned, Setting, folder
from .values import Value

_SLOT = re.compile("⟪([^⟫]*)⟫")
_KEY = re.compile(r"""^[\s"'-]*(?:const |export |--)?([A-Za-z_][\w.-]*)["']?\s*(?:[:=]|\?=|:=)\s*""")


@cache
def _table() -> list[tuple[str, str]]:
    text = Path(__file__).with_name("projects.txt").read_text(encoding="utf-8")
    out = []
    for part in text.split("=== ")[1:]:
        path, _, body = part.partition("\n")
        out.append((path, body))
    return out


def _value(rng: random.Random, split: str, kind: str) -> Value:
    if kind == "glob":
        return Value(glue.glob(rng), "glob")
    return values.value(rng, split, kind)


def scene(rng: random.Random, split: str) -> Planned:
    """One file of the table with fresh values; its place and name vary a little."""
    path, body = rng.choice(_table())
    path = path.replace("⟪⟫", names.file_stem(rng, split))
    r = rng.random()
    if r < 0.12 and not path.startswith("."):
        path = folder(rng, split) + path
    elif r < 0.3 and "." in path.rsplit("/", 1)[-1][1:] and "/" not in path and path[0].islower():
        path = f"{names.file_stem(rng, split)}.{path.rsplit('.', 1)[-1]}"
    settings: list[Setting] = []
    lines = []
    for template in body.rstrip("\n").split("\n"):
        found: list[tuple[tuple[str, ...], Value]] = []

        def fill(match: re.Match[str], found: list[tuple[tuple[str, ...], Value]] = found) -> str:
            kind, *says = match[1].split(";")
            value = _value(rng, split, kind)
            found.append((tuple(says), value))
            return value.text

        line = _SLOT.sub(fill, template)
        lines.append(line)
        key = _KEY.match(line)
        for says, value in found:
            if says:
                name = key[1] if key and len(found) == 1 else ""
                settings.append(Setting(name, value, line.strip(), value.text, says=says))
    text = "\n".join(lines) + "\n"
    settings = [s for s in settings if s.line.count(s.literal) == 1]
    return Planned(path, text, "scene", settings)
