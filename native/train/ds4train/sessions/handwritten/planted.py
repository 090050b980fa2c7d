"""An entry in a project: its values are drawn and its files are there."""

from __future__ import annotations

import random
from dataclasses import dataclass

from ..tree import Tree
from .form import Entry, draw, entries, fill


@dataclass
class Planted:
    entry: Entry
    slots: dict[str, str]
    files: dict[str, str]

    def intact(self, tree: Tree) -> bool:
        return all(tree.files.get(path) == text for path, text in self.files.items())


def plant(rng: random.Random, split: str, tree: Tree, entry: Entry | None = None) -> Planted | None:
    """Put the files of an entry (any, if none is given) into the project; nothing where a name is taken."""
    entry = entry or rng.choice(entries())
    slots = draw(entry, rng, split) | {"cwd": tree.cwd}
    files = {fill(path, slots): fill(text, slots) for path, text in entry.files}
    if not tree.has_room(set(files)) or len(files) < len(entry.files):
        return None
    for path, text in files.items():
        tree.add(path, text)
    return Planted(entry, slots, files)
