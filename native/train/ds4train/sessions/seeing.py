"""Looking values up in the files of sights.py: one among alike, with the line quoted as it really stands there."""

from __future__ import annotations

import random
import re

from . import asklook, manner, names
from .asking import Voice
from .configs import Planned
from .grammar import Phrases
from .sights import Sight
from .world import World

_READ = Phrases("""
I need the {s}. Read {f}.
The {s} should be in {f}. I read it.
Read {f} to find the {s}.
What does {f} say about the {s}? Read it.
Look at {f} for the {s}.
""")
_READ_QUESTION = Phrases("""
The answer should be in {f}. Read it.
I read {f} to answer that.
{f} should say it. Look.
""")
_GREP = Phrases("""
I look up {k} in {f}.
Find {k} in {f}.
Search {f} for {k}.
The value of {k} is in {f}. Look.
""")
_GREP_ALL = Phrases("""
No file is named. I search the project for {k}.
Where is {k}? Search.
I look for {k} in all files.
""")
_MORE = Phrases("""
`{h}` does not show the value yet. Read {f}.
That is only `{h}`. The value comes after it: read {f}.
The line `{h}` has the name but not the value. I read {f}.
Only the name is on that line. Read {f}.
""")
_SEEN = Phrases("""
The line is `{l}`, so it is {v}.
`{l}`: the answer is {v}.
It says `{l}`. That is {v}.
The right line is `{l}`. So {v}.
""")
_BELOW = Phrases("""
Below `{h}` stands `{l}`, so it is {v}.
`{h}` is followed by `{l}`: {v}.
For `{h}` the line is `{l}`. That is {v}.
""")
_OTHERWISE = Phrases("""
No match for {k}: it may be spelled otherwise. Read {f}.
{k} is not found like that. I read {f} to see how it is written.
Nothing for {k}. Read {f}.
""")
_FOLLOW = Phrases("""
`{h}` refers to {x}. What is {x}?
`{h}`: the value is that of {x}. Look it up in {f}.
It is whatever {x} is. Search {f} for {x}.
""")
_THROUGH = Phrases("""
`{h}`, and `{l}`: so it is {v}.
`{h}` takes {x}, and the line is `{l}`. So {v}.
{x} stands for {v}: `{l}`.
""")
_SAID = Phrases("""
The {s} is {v}.
The {s} in {f} is {v}.
According to {f}, the {s} is {v}.
The {s} is {v} (see {f}).
It is {v}, according to {f}.
{f} gives {v} as the {s}.
""")
_NAMED = Phrases("""
`{k}` in {f} is {v}.
The value of `{k}` in {f} is {v}.
In {f}, `{k}` is set to {v}.
`{k}` is {v} (in {f}).
""")
_ANSWERED = Phrases("""
{v}.
{v}, according to {f}.
According to {f}: {v}.
It is {v} ({f}).
""")
_KINDS = "setting option key value entry variable parameter field property constant line item".split()


def standing(world: World) -> list[Planned]:
    return [p for p in world.alive() if p.sights and world.tree.files[p.path] == p.text]


def pick(world: World) -> tuple[Planned, Sight] | None:
    plans = standing(world)
    if not plans:
        return None
    plan = world.rng.choice(plans)
    return plan, world.rng.choice(plan.sights)


def _respelled(rng: random.Random, key: str) -> str:
    """The same name as somebody may remember it."""
    bits = (
        re.sub("([a-z])([A-Z])", r"\1 \2", key)
        .replace("_", " ")
        .replace("-", " ")
        .replace(".", " ")
        .lower()
        .split()
    )
    return names.style(bits, rng.choice(("snake", "kebab", "upper", "camel", "pascal")))


def called_so(rng: random.Random, voice: Voice, sight: Sight, by_name: bool, as_said: str = "") -> str:
    """The name in the file, or words with an article."""
    if not by_name:
        return f"{rng.choice(('the', 'the', 'the', 'our'))} {rng.choice(sight.says[:3] if rng.random() < 0.6 else sight.says)}"
    name = voice.name(as_said or sight.key)
    if rng.random() < 0.55:
        return name
    noun = rng.choice(_KINDS)
    return rng.choice(
        (f"the {noun} {name}", f"the {name} {noun}", f"the value of {name}", f"the {noun} called {name}")
    )


def where(world: World, voice: Voice, path: str) -> str:
    p = voice.quoted(path, voice.path_mark)
    return world.rng.choice((p, p, p, p, p, f"the file {p}", f"file {p}", f"our {p}", f"the {p} file"))


def bare_words(text: str) -> str:
    for article in ("the ", "our "):
        text = text.removeprefix(article)
    return text


def show(
    world: World, plan: Planned, sight: Sight, by_name: bool, lead: str, path: str, name: str = ""
) -> str:
    """Look at the value, by the name as it was said; returns the closing thought's first sentence."""
    s, rng = world.s, world.rng
    name = name or sight.key
    facts = {
        "k": name,
        "f": path,
        "l": sight.line,
        "v": sight.value,
        "h": sight.key_line,
        "s": lead,
        "x": sight.via,
    }
    if by_name:
        result = s.bash(_GREP(rng, facts), *world.tree.grep(name, path, "-nF"))
    else:
        result = s.bash((_READ if lead else _READ_QUESTION)(rng, facts), *world.tree.cat(path))
    if path != plan.path:
        facts["f"] = plan.path
        again = world.tree.grep(name, plan.path, "-nF") if by_name else world.tree.cat(plan.path)
        result = s.bash(world.recover(path, plan.path, "Look there."), *again)
    if by_name and sight.line not in result:
        more = world.tree.grep(sight.via, plan.path, "-nF") if sight.via else world.tree.cat(plan.path)
        if name != sight.key:
            s.bash(_OTHERWISE(rng, facts), *world.tree.cat(plan.path))
        else:
            s.bash((_FOLLOW if sight.via else _MORE)(rng, facts), *more)
    return _thought(rng, facts)


def _thought(rng: random.Random, facts: dict[str, str]) -> str:
    if facts["x"]:
        return _THROUGH(rng, facts)
    alone = facts["h"] == facts["l"] or not facts["h"]
    return (_SEEN if alone else _BELOW)(rng, facts)


def look_one(world: World) -> bool:
    """One value of a named file, by its name, in words, or as a question."""
    rng, s, v = world.rng, world.s, world.voice()
    found = pick(world)
    if found is None:
        return False
    plan, sight = found
    by_name = not sight.plain and rng.random() < 0.45
    asked = bool(sight.questions) and not by_name and rng.random() < 0.4
    path = world.said_path(plan.path)
    name = _respelled(rng, sight.key) if by_name and rng.random() < 0.1 else sight.key
    if name != sight.key and name in plan.text:
        return False
    called = called_so(rng, v, sight, by_name, name)
    slots = {"s": called, "f": where(world, v, path), "q": rng.choice(sight.questions) if asked else ""}
    bare = not s.joining and rng.random() < 0.16
    extra = [manner.BARE(rng, world.split, {})] if bare else []
    others = [x for x in plan.sights if x.key != sight.key]
    if others and not asked and rng.random() < 0.15:
        other = called_so(rng, v, rng.choice(others), by_name)
        extra.insert(
            0, manner.written(rng, world.split, asklook.NOT_THAT, {"s": called, "t": other}, plain=True) + "."
        )
    wording = asklook.QUESTION if asked else asklook.IN_FILE
    world.say("lookup", manner.written(rng, world.split, wording, slots, extra, plain=s.joining))
    thought = show(world, plan, sight, by_name, "" if asked else bare_words(called), path, name)
    _reply(
        world,
        plan,
        sight,
        thought,
        "" if asked else sight.key if by_name else bare_words(called),
        by_name,
        bare,
    )
    return True


def _reply(
    world: World, plan: Planned, sight: Sight, thought: str, said: str, by_name: bool, bare: bool
) -> None:
    facts = {"s": said, "k": sight.key, "f": plan.path, "v": sight.value}
    full = (_NAMED if by_name else _SAID if said else _ANSWERED)(world.rng, facts)
    full = full.removesuffix(".") if full.endswith((". .", "..", "!.")) else full
    world.s.answer(thought, sight.value if bare else full, sight.value)


def look_nowhere(world: World) -> bool:
    """No file is named: search for the name, or for the most telling word."""
    rng, s, v = world.rng, world.s, world.voice()
    found = pick(world)
    if found is None:
        return False
    plan, sight = found
    by_name = not sight.plain and rng.random() < 0.6
    called = called_so(rng, v, sight, by_name)
    word = sight.key if by_name else max(sight.owner.split(" "), key=len)
    if not by_name and sight.owner not in called:
        return False
    command, result = world.tree.grep_all(word, "-rnIF" if by_name else "-rniIF")
    near = [x for x in result.split("\n") if x.startswith(f"./{plan.path}:")]
    if len(near) != result.count("\n") + 1 or len(near) > 9:
        return False
    bare = not s.joining and rng.random() < 0.14
    extra = [manner.BARE(rng, world.split, {})] if bare else []
    world.say(
        "lookup", manner.written(rng, world.split, asklook.NOWHERE, {"s": called}, extra, plain=s.joining)
    )
    s.bash(_GREP_ALL(rng, {"k": word}), command, result)
    facts = {"h": sight.key_line, "f": plan.path, "l": sight.line, "v": sight.value, "x": sight.via}
    if sight.line not in result:
        more = world.tree.grep(sight.via, plan.path, "-nF") if sight.via else world.tree.cat(plan.path)
        s.bash((_FOLLOW if sight.via else _MORE)(rng, facts), *more)
    _reply(
        world, plan, sight, _thought(rng, facts), sight.key if by_name else bare_words(called), by_name, bare
    )
    return True
