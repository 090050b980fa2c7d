"""Families about one field of one record among many alike: looked up, changed, looked up the other way round, and put
right where a check names it. The records are those of records.txt, in the notations of recordforms.py.
"""

from __future__ import annotations

import random
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from . import asklook, manner, names, values, wild
from .grammar import Phrases, Wordings
from .recordforms import Table, Written, is_bare, write
from .spot_asks import ask_for
from .tree import Tree
from .world import World

_READ = Phrases("""
I need the {s}. Read {f}.
The {s} should be in {f}. I read it.
Read {f} to find the {s}.
Look at {f} for the {s}.
""")
_SEARCH = Phrases("""
No file is named. I search the project for {k}.
Where is {k}? Search.
I look for {k} in all files.
""")
_ON_LINE = Phrases("""
The line of {i} is `{l}`; there {k} is {v}.
`{l}` is {i}, and its {k} is {v}.
""")
_COLUMN = Phrases("""
The columns are `{h}`; {k} is column {n}. The row of {i} is `{l}`: column {n} is {v}.
{k} is column {n} of `{h}`. In the row `{l}` that is {v}.
""")
_BELOW = Phrases("""
Below `{h}` stands `{l}`, so it is {v}.
`{h}` comes first, then `{l}`: {v}.
The part of {i} begins with `{h}`; its line is `{l}`. That is {v}.
""")
_ANSWER = Phrases("""
The {s} is {v}.
The {s} is {v} ({f}).
It is {v}, according to {f}.
{f} says {v} for the {s}.
{v}.
""")
_DONE = Phrases("""
I changed the {s} in {f} from {o} to {v}.
The {s} is {v} now (before: {o}).
Done: in {f} the {s} is {v}.
""")
_WHICH = Wordings("""
which {noun} has {said} {v}?
[which|what] {noun} [in {f} |]has {said} {v}[ in {f}|]?
[can you tell me|tell me|please look up|find out] which {noun} in {f} has {v} as {said}
there is a {noun} with {said} {v} in {f}, [which one|what is it called|what's its name]?
{f}: {noun} with {said} {v}?
name the {noun} [whose {said} is {v}|with {said} {v}] ({f})
look into {f} and give me the name of the {noun} whose {said} is {v}
""")


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
    parents = {found.path.rsplit("/", i)[0] for i in range(1, found.path.count("/") + 1)}
    if found.path in tree.files or found.path in tree.folders or parents & set(tree.files):
        return None
    tree.add(found.path, found.text)
    return found


def _pick(world: World) -> tuple[Records, int, int] | None:
    ready = [r for r in world.records if world.tree.files.get(r.path) == r.text]
    if not ready:
        return None
    records = world.rng.choice(ready)
    return records, world.rng.randrange(len(records.table.ids)), world.rng.randrange(len(records.table.keys))


def _said(world: World, records: Records, i: int, j: int) -> str:
    """A phrase for one field of one record."""
    rng, table = world.rng, records.table
    field, name = rng.choice(records.said[j]), table.ids[i]
    noun = (
        f"{table.noun} {name}"
        if rng.random() < 0.3
        else f"the {table.noun} {name}"
        if rng.random() < 0.2
        else name
    )
    return rng.choice(
        (
            f"{field} of {noun}",
            f"{field} of {noun}",
            f"{field} for {noun}",
            f"{name}'s {field}",
            f"{name} {field}",
        )
    )


def facts_of(records: Records, i: int, j: int, said: str, value: str = "") -> dict[str, str]:
    table, written = records.table, records.written
    head = written.lines[written.head if written.how == "columns" else written.at[i]].strip()
    facts = {
        "s": said,
        "f": records.path,
        "i": table.ids[i],
        "k": table.keys[j].replace("_", " "),
        "n": str(j + 2),
    }
    return facts | {"h": head, "l": written.lines[written.cell[i, j]].strip(), "v": value or table.rows[i][j]}


def _find(world: World, records: Records, i: int, said: str, named: bool) -> None:
    """Read the file, or look for the record where no file was named."""
    s, tree, name = world.s, world.tree, records.table.ids[i]
    if not named:
        s.bash(_SEARCH(world.rng, {"k": name}), *tree.grep_all(name, "-rnIF"))
        if records.written.how == "line":
            return
    s.bash(_READ(world.rng, {"s": said, "f": records.path}), *tree.cat(records.path))


def _alone(world: World, records: Records, i: int) -> bool:
    """Whether a search for the record's name finds its file only, so that the request need not name it."""
    name = records.table.ids[i]
    holders = [p for p, text in world.tree.files.items() if name in text]
    return len(name) > 3 and holders == [records.path] and records.text.count(name) == 1


def _seen(world: World, records: Records, facts: dict[str, str]) -> str:
    how = records.written.how
    return (_COLUMN if how == "columns" else _BELOW if how == "block" else _ON_LINE)(world.rng, facts)


def look_record(world: World) -> bool:
    """One field of one record."""
    picked = _pick(world)
    if picked is None:
        return False
    records, i, j = picked
    rng, s, v = world.rng, world.s, world.voice()
    said = _said(world, records, i, j)
    named = not _alone(world, records, i) or rng.random() < 0.75
    slots = {
        "s": rng.choice(("the ", "the ", "")) + said if "'s " not in said else said,
        "f": v.path(records.path),
    }
    wording = asklook.IN_FILE if named else asklook.NOWHERE
    world.say("lookup", manner.written(rng, world.split, wording, slots, plain=s.joining))
    _find(world, records, i, said, named)
    facts = facts_of(records, i, j, said)
    s.answer(_seen(world, records, facts), _ANSWER(rng, facts), facts["v"])
    return True


def which_record(world: World) -> bool:
    """The record that has a value."""
    picked = _pick(world)
    if picked is None:
        return False
    records, i, j = picked
    rng, s, v = world.rng, world.s, world.voice()
    value = records.table.rows[i][j]
    if [row[j] for row in records.table.rows].count(value) > 1:
        return False
    field = rng.choice(records.said[j])
    slots = {"noun": records.table.noun, "said": field, "v": v.value(value), "f": v.path(records.path)}
    text = manner.written(rng, world.split, _WHICH, slots, plain=s.joining)
    world.say("lookup", text)
    named = records.path in text
    if not named and [p for p, t in world.tree.files.items() if value in t] != [records.path]:
        named = True
    if not named:
        s.bash(_SEARCH(rng, {"k": value}), *world.tree.grep_all(value, "-rnIF"))
    s.bash(
        _READ(rng, {"s": f"{records.table.noun} with {field} {value}", "f": records.path}),
        *world.tree.cat(records.path),
    )
    name = records.table.ids[i]
    facts = facts_of(records, i, j, field)
    reply = rng.choice(
        (f"It is {name}.", f"{name}.", f"{name} has {field} {value}.", f"{name} ({records.path}).")
    )
    s.answer(_seen(world, records, facts) + f" The {records.table.noun} is {name}.", reply, name)
    return True


def _new_line(records: Records, i: int, j: int, value: str) -> str | None:
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


def change_cell(world: World, records: Records, i: int, j: int, value: str) -> None:
    """Change one cell: its line alone where that is unique, else from the record's header on."""
    s, written = world.s, records.written
    number, start = written.cell[i, j], written.at[i]
    old, new = written.lines[number], _new_line(records, i, j, value)
    assert new is not None  # fresh_value saw to that
    think = _seen(world, records, facts_of(records, i, j, records.table.keys[j]))
    if records.text.count(old.strip()) == 1:
        think += f" The new line is `{new.strip()}`."
        pair = old.strip(), new.strip()
    else:
        before = written.lines[start:number]
        think += f" The same line stands elsewhere, so I take it with `{before[0].strip()}`. It becomes `{new.strip()}`."
        pair = "\n".join([*before, old]), "\n".join([*before, new])
    s.edit(think, command="str_replace", path=records.path, old_str=pair[0], new_str=pair[1])
    written.lines[number] = new
    records.table.rows[i][j] = value


def fresh_value(rng: random.Random, split: str, records: Records, i: int, j: int) -> str | None:
    """Another value for a cell that can be written there."""
    old = records.table.rows[i][j]
    for _ in range(8):
        value = _value(rng, split, records.kinds[j])
        good = value != old and is_bare(value) == is_bare(old) and not set(value) & set("\"'|,;`\\")
        if good and _new_line(records, i, j, value) is not None:
            return value
    return None


def is_unique(records: Records, i: int, j: int) -> bool:
    """Whether the edit of a cell can be given: its line, or its line with the header, occurs once."""
    written = records.written
    lines = written.lines[written.at[i] : written.cell[i, j] + 1]
    return records.text.count(lines[-1].strip()) == 1 or records.text.count("\n".join(lines)) == 1


def change_record(world: World) -> bool:
    """One field of one record gets another value."""
    picked = _pick(world)
    if picked is None:
        return False
    records, i, j = picked
    rng, v = world.rng, world.voice()
    value = fresh_value(rng, world.split, records, i, j)
    if value is None or not is_unique(records, i, j):
        return False
    said, old = _said(world, records, i, j), records.table.rows[i][j]
    named = not _alone(world, records, i) or rng.random() < 0.8
    ask_for(world, v, said if "'s " in said else f"the {said}", old, value, records.path if named else "")
    _find(world, records, i, said, named)
    facts = facts_of(records, i, j, said)
    change_cell(world, records, i, j, value)
    facts |= {"v": value, "o": old}
    world.s.answer(f"The {said} is {value} now.", _DONE(rng, facts), value)
    return True
