"""How one cell of a file of records is spoken of, found and changed."""

from __future__ import annotations

from .grammar import Phrases
from .records import Records, new_line
from .world import World

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


def pick(world: World) -> tuple[Records, int, int] | None:
    ready = [r for r in world.records if world.tree.files.get(r.path) == r.text]
    if not ready:
        return None
    records = world.rng.choice(ready)
    return records, world.rng.randrange(len(records.table.ids)), world.rng.randrange(len(records.table.keys))


def said_of(world: World, records: Records, i: int, j: int) -> str:
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


def seen(world: World, records: Records, facts: dict[str, str]) -> str:
    how = records.written.how
    return (_COLUMN if how == "columns" else _BELOW if how == "block" else _ON_LINE)(world.rng, facts)


def change_cell(world: World, records: Records, i: int, j: int, value: str) -> None:
    """Change one cell: its line alone where that is unique, else from the record's header on."""
    s, written = world.s, records.written
    number, start = written.cell[i, j], written.at[i]
    old, new = written.lines[number], new_line(records, i, j, value)
    assert new is not None  # fresh_value saw to that
    think = seen(world, records, facts_of(records, i, j, records.table.keys[j]))
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
