"""Families about realistic files: facts asked for, changed, and carried into a new file."""

from __future__ import annotations

from . import phrasings_facts as ask
from . import values
from .configs import Planned, Setting
from .edits import apply_setting
from .grammar import Phrases
from .spot_asks import ask_for
from .tree import quote
from .world import World

_READ = Phrases("""
I need the {s}. Read {f}.
The {s} should be in {f}. I read it.
Look at {f} for the {s}.
Read {f} to find the {s}.
""")
_READ_QUESTION = Phrases("""
The answer should be in {f}. Read it.
I read {f} to answer that.
{f} should say it. Look.
""")
_SEEN = Phrases("""
The line is `{l}`, so it is {v}.
`{l}`: the answer is {v}.
It says `{l}`. That is {v}.
""")
_SAID = Phrases("""
The {s} is {v}.
The {s} in {f} is {v}.
According to {f}, the {s} is {v}.
{f} says that the {s} is {v}.
The {s} is {v} (see {f}).
""")
_ANSWERED = Phrases("""
{v}.
{v}, according to {f}.
According to {f}: {v}.
{f} says: {v}.
It is {v} ({f}).
""")
_EDIT = Phrases("""
The {s} is in the line `{a}`.
`{a}` holds the {s}.
The line with the {s} is `{a}`.
""")
_DONE = Phrases("""
I changed the {s} in {f} from {o} to {v}.
The {s} in {f} is now {v} (it was {o}).
{f} now has {v} as the {s}; before it was {o}.
Done: the {s} in {f} is {v}.
""")


def _pick(world: World) -> tuple[Planned, Setting] | None:
    found = world.facts()
    return world.rng.choice(found) if found else None


def _plain(setting: Setting) -> list[str]:
    return [x for x in setting.says if not x.startswith("?")]


def ask_fact(world: World) -> bool:
    """A fact asked for in plain words: the file is read."""
    rng, s, v = world.rng, world.s, world.voice()
    found = _pick(world)
    if found is None:
        return False
    plan, setting = found
    said = rng.choice(setting.says)
    path = world.said_path(plan.path)
    slots = {"F": v.path(path), "f": v.quoted(path, v.path_mark), "s": said, "q": said[1:]}
    question = said.startswith("?")
    if question and rng.random() < 0.4:
        slots["q"] = slots["q"][:1].lower() + slots["q"][1:]
    wording = ask.ASK_QUESTION if question else ask.ASK
    world.ask("lookup", wording(rng, world.split, slots), edits=False)
    facts = {"s": said, "f": path, "v": setting.value.text, "l": setting.line}
    s.bash((_READ_QUESTION if question else _READ)(rng, facts), *world.tree.cat(path))
    if path != plan.path:
        s.bash(world.recover(path, plan.path, "Read it."), *world.tree.cat(plan.path))
        facts["f"] = plan.path
    s.answer(_SEEN(rng, facts), (_ANSWERED if question else _SAID)(rng, facts), setting.value.text)
    return True


def ask_nowhere(world: World) -> bool:
    """No file is named: the most telling word is searched for."""
    rng, s = world.rng, world.s
    found = _pick(world)
    if found is None:
        return False
    plan, setting = found
    plain = _plain(setting)
    if not plain:
        return False
    said = rng.choice(plain)
    words = [
        w for w in said.split() if len(w) > 3 and w.isalpha() and w not in ("name", "number", "with", "from")
    ]
    if not words:
        return False
    word = words[-1]
    holders = [p for p in world.tree.files if any(x in world.tree.files[p].lower() for x in words)]
    if holders != [plan.path]:
        return False
    world.ask("lookup", ask.ASK_NOWHERE(rng, world.split, {"s": said}), edits=False)
    result = s.bash(
        f"No file is named. I search the project for {word}.", *world.tree.grep_all(word, "-rniIF")
    )
    if setting.line not in result:
        if plan.path not in result:
            s.bash(f"No {word} anywhere. Which files are there?", *world.tree.view_root())
        s.bash(f"The {said} may be in {plan.path}. Read it.", *world.tree.cat(plan.path))
    facts = {"s": said, "f": plan.path, "v": setting.value.text, "l": setting.line}
    s.answer(_SEEN(rng, facts), _SAID(rng, facts), setting.value.text)
    return True


def change_fact(world: World) -> bool:
    """A fact of a realistic file changes; its line is replaced without its indentation."""
    rng, s, v = world.rng, world.s, world.voice()
    found = _pick(world)
    if found is None:
        return False
    plan, setting = found
    plain = _plain(setting)
    if not plain:
        return False
    said, old = rng.choice(plain), setting.value.text
    value = values.other_value(rng, world.split, setting.value)
    slots = {"F": v.path(plan.path), "f": v.quoted(plan.path, v.path_mark), "s": said}
    slots |= {"v": v.value(value.text), "o": v.value(old)}
    if rng.random() < 0.5:
        ask_for(world, v, f"the {said}", old, value.text, plan.path)
    else:
        wording = ask.CHANGE_FACT_OLD if rng.random() < 0.4 else ask.CHANGE_FACT
        world.ask("change", wording(rng, world.split, slots))
    facts = {"s": said, "f": plan.path, "v": value.text, "o": old, "a": setting.line}
    s.bash(_READ(rng, facts), *world.tree.cat(plan.path))
    apply_setting(world, plan, setting, value, _EDIT(rng, facts).rstrip() + " ")
    s.answer(f"The {said} is {value.text} now.", _DONE(rng, facts), value.text)
    return True


def note_fact(world: World) -> bool:
    """Look a value up and write it into a new file."""
    rng, s, v = world.rng, world.s, world.voice()
    pool = world.facts() + world.settings()
    if not pool:
        return False
    plan, setting = rng.choice(pool)
    plain = _plain(setting)
    if not plain and not setting.key:
        return False
    said = (
        f"the {rng.choice(plain)}"
        if (plain and rng.random() < 0.7) or not setting.key
        else v.name(setting.key)
    )
    new = world.new_path(rng.choice(("txt", "txt", "md", "out", "cfg")))
    slots = {"F": v.path(plan.path), "p": v.quoted(new, v.path_mark), "s": said}
    world.ask("note", ask.NOTE(rng, world.split, slots))
    value = setting.value.text
    bare = said.removeprefix("the ").strip("`'\"")
    if said.startswith("the "):
        s.bash(_READ(rng, {"s": bare, "f": plan.path}), *world.tree.cat(plan.path))
    else:
        s.bash(f"First look up {bare} in {plan.path}.", *world.tree.grep(bare, plan.path, "-nF"))
    s.edit(
        f"The line is `{setting.line}`, the value is {value}. Write {value} to {new}.",
        command="create",
        path=new,
        file_text=value + "\n",
    )
    s.answer(
        f"{new} holds {value}.",
        rng.choice(
            (
                f"{bare} in {plan.path} is {value}; I wrote it to {new}.",
                f"I wrote {value} to {new}.",
                f"{new} now contains {value}, the value of {bare} in {plan.path}.",
            )
        ),
        value,
        new,
    )
    return True


def grep_note(world: World) -> bool:
    """Take the lines that hold a word into a file of their own."""
    rng, s, v = world.rng, world.s, world.voice()
    plans = [p for p in world.alive() if len(world.tree.files[p.path]) < 700]
    if not plans:
        return False
    plan = rng.choice(plans)
    words = [w.strip(",.:;()") for w in world.tree.files[plan.path].split() if w.strip(",.:;()").isalpha()]
    words = [w for w in words if len(w) > 3]
    if not words:
        return False
    word, new = rng.choice(words), world.new_path("txt")
    slots = {"F": v.path(plan.path), "p": v.quoted(new, v.path_mark), "w": v.quoted(word)}
    world.ask("note", ask.GREP_NOTE(rng, world.split, slots))
    hits = [x for x in world.tree.lines(plan.path) if word in x]
    parent = new.rsplit("/", 1)[0] if "/" in new else ""
    made = f"mkdir -p {parent} && " if parent and parent not in world.tree.folders else ""
    world.tree.add(new, "\n".join(hits) + "\n")
    s.bash(
        f"Copy the lines of {plan.path} with {word} to {new} and look at it.",
        f"{made}grep -F {quote(word)} {plan.path} > {new}; cat {new}",
        "\n".join(hits).rstrip(),
    )
    s.answer(f"{new} is there.", f"I wrote the lines of {plan.path} with `{word}` to {new}.", new)
    return True
