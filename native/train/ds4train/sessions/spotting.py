"""The family that changes a value wherever files have one: it reads on until the line is seen, then changes that line."""

from __future__ import annotations

from .configs import Planned, Spot
from .grammar import Phrases
from .spot_asks import ask_for, thing
from .spots import fits
from .tree import quote
from .values import other_value
from .world import World

_GREP = Phrases("""
{t} in {f} must become `{v}`. Find {k}.
The new value of {t} is `{v}`. Where is {k} in {f}?
Set {t} in {f} to `{v}`. First I find {k}.
The task: {t} -> `{v}` in {f}. Look for {k}.
""")
_GREP_ALL = Phrases("""
{t} must become `{v}`. No file is named, so I search for {k}.
The new value of {t} is `{v}`. Which file has {k}? Search.
""")
_READ = Phrases("""
{t} in {f} must become `{v}`. I read {f} to see its line.
Which line of {f} is {t}? It gets `{v}`. Read {f}.
The new value of {t} is `{v}`. Read {f}.
Look at {f} for {t}; it becomes `{v}`.
""")
_READ_ON = Phrases("""
That shows {k} at `{l}`, but not {t}. Read on in {f}.
`{l}` is where {k} stands; the value is on another line. I read {f}.
grep shows only `{l}`. I need the lines after it. Look at {f}.
""")
_EDIT = Phrases("""
{t} is in the line `{a}`. It becomes `{b}`.
The line is `{a}`. With the new value: `{b}`.
`{a}` holds {t}. The new line is `{b}`.
In {f} the line is `{a}`. The new line is `{b}`.
The line `{a}` of {f} must be `{b}`.
""")
_SAME_LINE = Phrases("""
`{a}` stands in {c} lines. {t} is line {n}, so I change only line {n}: `{b}`.
{t} is line {n}, `{a}`; other lines say the same. Line {n} becomes `{b}`.
""")
_DONE = Phrases("""
I changed {t} in {f} from `{o}` to `{v}`.
In {f}, {t} is now `{v}` (it was `{o}`).
Done: {t} in {f} is `{v}` now, before it was `{o}`.
{f} now has `{v}` for {t} instead of `{o}`.
I set {t} in {f} to `{v}`; the line is now `{b}`.
""")
_ALREADY = Phrases("""
{t} in {f} is already `{v}`, so I changed nothing.
Nothing to do: {t} in {f} is `{v}` already.
{f} has `{v}` for {t} already; I left it as it is.
""")


def spots(world: World) -> list[tuple[Planned, Spot]]:
    """The places that still stand as they were made."""
    out = []
    for plan in world.alive():
        lines = world.tree.lines(plan.path) if plan.spots else []
        for spot in plan.spots:
            stands = spot.number <= len(lines) and lines[spot.number - 1] == spot.line
            if stands and (not spot.key or any(spot.key.lower() in x.lower() for x in lines)):
                out.append((plan, spot))
    return out


def _findable(world: World, plan: Planned, exact: str) -> bool:
    """Whether a search for the name finds this file and no other."""
    holders = [p for p, text in world.tree.files.items() if exact in text]
    return bool(exact) and len(exact) > 3 and holders == [plan.path] and "/." not in f"/{plan.path}"


def _look(world: World, plan: Planned, spot: Spot, exact: str, said: str, facts: dict[str, str]) -> None:
    """Tool calls until the spot's line has been seen."""
    s, tree, rng = world.s, world.tree, world.rng
    repeated = tree.lines(plan.path).count(spot.line) > 1
    if not said:
        result = s.bash(_GREP_ALL(rng, facts), *tree.grep_all(exact, "-rnIF"))
        result = result.replace(f"./{plan.path}:", "")
        said = plan.path
    elif exact:
        result = s.bash(_GREP(rng, facts), *tree.grep(exact, said, "-nF"))
    else:
        result = s.bash(_READ(rng, facts), *tree.cat(said))
    if said != plan.path:
        again = f"Find {exact} in it." if exact else "Read it."
        lead = world.recover(said, plan.path, again)
        result = s.bash(lead, *(tree.grep(exact, plan.path, "-nF") if exact else tree.cat(plan.path)))
    shown = spot.line in result.split("\n") or f"{spot.number}:{spot.line}" in result.split("\n")
    if shown and not repeated:
        return
    if f"{spot.number}:" in result and shown:
        return
    first = result.split("\n")[0].partition(":")[2].strip() or "nothing"
    facts = {**facts, "l": first, "f": plan.path}
    think = _READ_ON(rng, facts) if exact else f"I need the line numbers of {plan.path}. View it."
    if repeated or rng.random() < 0.3:
        s.edit(think, command="view", path=plan.path)
    else:
        s.bash(think, *tree.cat(plan.path))


def _change(world: World, plan: Planned, spot: Spot, new: str, facts: dict[str, str]) -> None:
    s, tree, rng = world.s, world.tree, world.rng
    lines = tree.lines(plan.path)
    old_line, new_line = spot.line.strip(), new.strip()
    same = [n for n, x in enumerate(lines, 1) if old_line in x]
    facts |= {"a": old_line, "b": new_line, "n": str(spot.number), "c": str(len(same))}
    if tree.files[plan.path].count(old_line) == 1:
        s.edit(_EDIT(rng, facts), command="str_replace", path=plan.path, old_str=old_line, new_str=new_line)
        return
    lines[spot.number - 1] = new
    tree.files[plan.path] = "\n".join(lines) + "\n"
    s.bash(_SAME_LINE(rng, facts), f"sed -i {quote(f'{spot.number}s|.*|{new}|')} {plan.path}", "(no output)")


def change_spot(world: World) -> bool:
    """Change one place; the file may be named without its folder, the value may be what it is already."""
    found = spots(world)
    if not found:
        return False
    rng, s, v = world.rng, world.s, world.voice()
    plan, spot = rng.choice(found)
    before, after = spot.line[: spot.at], spot.line[spot.at + len(spot.value.text) :]
    already = rng.random() < 0.02 and not world.s.joining
    value = spot.value if already else other_value(rng, world.split, spot.value)
    new = before + value.text + after
    if not fits(value, before, after) or (already and rng.random() < 0.5):
        return False
    repeated = world.tree.files[plan.path].count(spot.line.strip()) > 1
    if repeated and (set(new) & set("\\&|\t'") or spot.value.text not in spot.line):
        return False
    said, called, exact = thing(world, v, plan, spot)
    path = "" if _findable(world, plan, exact) and rng.random() < 0.15 else world.said_path(plan.path)
    others = [x.key for x in plan.spots if x.key and x.key != spot.key]
    ask_for(world, v, said, spot.value.text, value.text, path, others)
    facts = {"t": called, "f": path, "v": value.text, "o": spot.value.text, "k": exact}
    _look(world, plan, spot, exact, path, facts)
    facts["f"] = plan.path
    if already:
        facts["a"] = spot.line.strip()
        s.answer(
            f"The line is `{spot.line.strip()}`: that is what was asked for.",
            _ALREADY(rng, facts),
            value.text,
        )
        return True
    _change(world, plan, spot, new, facts)
    s.answer(f"The line in {plan.path} is now `{new.strip()}`.", _DONE(rng, facts), value.text)
    for setting in plan.settings:
        setting.line = "\0" if setting.line == spot.line.strip() else setting.line
    spot.line, spot.value = new, value
    return True
