"""Families about one field of one record among many alike: looked up, changed, looked up the other way round."""

from __future__ import annotations

from . import asklook, manner
from .grammar import Phrases, Wordings
from .recordcells import change_cell, facts_of, pick, said_of, seen
from .records import Records, fresh_value, is_unique
from .spot_asks import ask_for
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


def look_record(world: World) -> bool:
    """One field of one record."""
    picked = pick(world)
    if picked is None:
        return False
    records, i, j = picked
    rng, s, v = world.rng, world.s, world.voice()
    said = said_of(world, records, i, j)
    named = not _alone(world, records, i) or rng.random() < 0.75
    slots = {
        "s": rng.choice(("the ", "the ", "")) + said if "'s " not in said else said,
        "f": v.path(records.path),
    }
    wording = asklook.IN_FILE if named else asklook.NOWHERE
    world.say("lookup", manner.written(rng, world.split, wording, slots, plain=s.joining))
    _find(world, records, i, said, named)
    facts = facts_of(records, i, j, said)
    s.answer(seen(world, records, facts), _ANSWER(rng, facts), facts["v"])
    return True


def which_record(world: World) -> bool:
    """The record that has a value."""
    picked = pick(world)
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
    holders = [p for p, t in world.tree.files.items() if value in t]
    if records.path not in text and holders == [records.path]:
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
    s.answer(seen(world, records, facts) + f" The {records.table.noun} is {name}.", reply, name)
    return True


def change_record(world: World) -> bool:
    """One field of one record gets another value."""
    picked = pick(world)
    if picked is None:
        return False
    records, i, j = picked
    rng, v = world.rng, world.voice()
    value = fresh_value(rng, world.split, records, i, j)
    if value is None or not is_unique(records, i, j):
        return False
    said, old = said_of(world, records, i, j), records.table.rows[i][j]
    named = not _alone(world, records, i) or rng.random() < 0.8
    ask_for(world, v, said if "'s " in said else f"the {said}", old, value, records.path if named else "")
    _find(world, records, i, said, named)
    facts = facts_of(records, i, j, said)
    change_cell(world, records, i, j, value)
    facts |= {"v": value, "o": old}
    world.s.answer(f"The {said} is {value} now.", _DONE(rng, facts), value)
    return True
