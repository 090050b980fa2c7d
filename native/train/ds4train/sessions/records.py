"""Files of records of one kind: those of records.txt, in the notations of recordforms.py, and what a cell of one can become."""

from __future__ import annotations

import random
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from . import names, values, wild
from .recordforms import Table, Written, is_bare, write
from .tree import Tree


@dataclass
class Records:
    """A planted file of records. `said[j]` are the words for field j."""

    path: str
    table: Table
    written: Written
    said: list[list[str]]
    kinds: list[str]

    @property
    def text(self) -> str:
        return "\n".join(self.written.lines) + "\n"


@cache
def _domains() -> list[tuple[str, list[str], list[tuple[str, list[str], list[str]]]]]:
    """(noun, kinds of names, fields of (key, words, kinds))."""
    out = []
    for line in Path(__file__).with_name("records.txt").read_text(encoding="utf-8").splitlines():
        noun, ids, *fields = line.split(" | ")
        parts = [(x.split(":", 2)[0], x.split(":", 2)[1].split(","), x.split(":", 2)[2]) for x in fields]
        kinds = [(k, s, [c] if c.startswith("choice:") else c.split(",")) for k, s, c in parts]
        out.append((noun, [ids] if ids.startswith("choice:") else ids.split(","), kinds))
    return out


def _value(rng: random.Random, split: str, kind: str) -> str:
    if kind == "code":
        return (
            f"{rng.choice('ABCDGHKMPRSTX')}{rng.choice('ABKX-')}{rng.choice(('-', ''))}{rng.randint(1, 999)}"
        )
    if kind == "camel":
        return names.ident(rng, split, "camel", 2, 2)
    return wild.english(rng, split) if kind == "english" else values.value(rng, split, kind).text


def make(rng: random.Random, split: str) -> Records:
    """A new file of records."""
    noun, id_kinds, fields = rng.choice(_domains())
    chosen = [f for f in fields if rng.random() < 0.8] or [fields[0]]
    count, kind = rng.randint(2, 6), rng.choice(id_kinds)
    ids = list(dict.fromkeys(_value(rng, split, kind) for _ in range(count)))
    kinds = [rng.choice(k) for _, _, k in chosen]
    rows = [[_value(rng, split, k) for k in kinds] for _ in ids]
    if rng.random() < 0.4 and len(ids) > 1:  # the same value in two records
        j = rng.randrange(len(kinds))
        rows[0][j] = rows[-1][j]
    table = Table(noun, ids, [k for k, _, _ in chosen], rows)
    written = write(rng, table)
    plural = noun + ("es" if noun.endswith("s") else "s")
    stem = rng.choice(
        (
            plural,
            noun,
            names.file_stem(rng, split),
            plural.upper() if written.ext in ("md", "txt") else plural,
        )
    )
    folder = rng.choice(("", "", "", "data/", "config/", "conf/", "lib/", f"{wild.english(rng, split)}/"))
    return Records(f"{folder}{stem}.{written.ext}", table, written, [s for _, s, _ in chosen], kinds)


def plant(rng: random.Random, split: str, tree: Tree) -> Records | None:
    """Put a file of records into the project; nothing where its name is taken."""
    found = make(rng, split)
    if not tree.has_room({found.path}):
        return None
    tree.add(found.path, found.text)
    return found


def new_line(records: Records, i: int, j: int, value: str) -> str | None:
    """The line of a cell with another value; nothing where that cannot be told for sure."""
    table, written = records.table, records.written
    line, old = written.lines[written.cell[i, j]], table.rows[i][j]
    if written.how == "columns":
        mark = "|" if written.ext == "md" else "," if written.ext == "sql" else ";" if ";" in line else ","
        cells = line.split(mark)
        at = j + (2 if mark == "|" else 1)
        if len(cells) <= at or cells[at].count(old) != 1:
            return None
        cell = cells[at].replace(old, value)
        cells[at] = f" {value} ".ljust(len(cells[at])) if mark == "|" else cell
        return mark.join(cells)
    key = table.keys[j]
    if written.ext == "go":
        key = "".join(part.capitalize() for part in key.split("_"))
    elif written.ext in ("txt", "md"):
        key = key.replace("_", " ")
    found = re.search(rf"(?<!\w){re.escape(key)}[\"']?\s*[:= ]\s*[\"']?(?={re.escape(old)}(?!\w))", line)
    return line[: found.end()] + value + line[found.end() + len(old) :] if found else None


def fresh_value(rng: random.Random, split: str, records: Records, i: int, j: int) -> str | None:
    """Another value for a cell that can be written there."""
    old = records.table.rows[i][j]
    for _ in range(8):
        value = _value(rng, split, records.kinds[j])
        good = value != old and is_bare(value) == is_bare(old) and not set(value) & set("\"'|,;`\\")
        if good and new_line(records, i, j, value) is not None:
            return value
    return None


def is_unique(records: Records, i: int, j: int) -> bool:
    """Whether the edit of a cell can be given: its line, or its line with the header, occurs once."""
    written = records.written
    lines = written.lines[written.at[i] : written.cell[i, j] + 1]
    return records.text.count(lines[-1].strip()) == 1 or records.text.count("\n".join(lines)) == 1
