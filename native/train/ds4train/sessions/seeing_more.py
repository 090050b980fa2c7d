"""More ways to look at the values of sights.py: is it so, two at once, and which one has this value."""

from __future__ import annotations

from . import asklook, manner, words
from .seeing import bare_words, called_so, pick, show, standing, where
from .world import World


def is_it(world: World) -> bool:
    """Whether a value is what somebody believes."""
    rng, s, v = world.rng, world.s, world.voice()
    found = pick(world)
    if found is None:
        return False
    plan, sight = found
    wrong = [x.value for x in plan.sights if x.value != sight.value and x.kind == sight.kind]
    right = not wrong or rng.random() < 0.5
    claim = sight.value if right else rng.choice(wrong)
    by_name = not sight.plain and rng.random() < 0.45
    called = called_so(rng, v, sight, by_name)
    slots = {
        "s": called,
        "f": where(world, v, plan.path),
        "v": v.value(claim),
        "t": rng.choice(words.PEOPLE[world.split]),
    }
    world.say("lookup", manner.written(rng, world.split, asklook.IS_IT, slots, plain=s.joining))
    thought = show(world, plan, sight, by_name, bare_words(called), plan.path)
    facts = {"c": called if not by_name else f"`{sight.key}`", "v": sight.value, "f": plan.path, "w": claim}
    if right:
        s.answer(
            f"{thought} Yes.",
            rng.choice(("Yes, {c} in {f} is {v}.", "Yes. {f} has {v} for {c}.", "Yes, it is {v}.")).format(
                **facts
            ),
            "Yes",
        )
    else:
        replies = ("No, {c} in {f} is {v}, not {w}.", "No. It is {v} in {f}.", "No, it is {v}, not {w}.")
        s.answer(f"{thought} Not {claim}.", rng.choice(replies).format(**facts), "No", sight.value)
    return True


def look_both(world: World) -> bool:
    """Two values of one file."""
    rng, s, v = world.rng, world.s, world.voice()
    plans = [p for p in standing(world) if len(p.sights) > 1]
    if not plans:
        return False
    plan = rng.choice(plans)
    a, b = rng.sample(plan.sights, 2)
    by_name = not a.plain and rng.random() < 0.45
    said = [called_so(rng, v, x, by_name) for x in (a, b)]
    slots = {"s": said[0], "t": said[1], "f": where(world, v, plan.path)}
    world.say("lookup", manner.written(rng, world.split, asklook.BOTH, slots, plain=s.joining))
    names = [f"`{x.key}`" if by_name else f"the {bare_words(y)}" for x, y in zip((a, b), said, strict=True)]
    s.bash(f"Two values are wanted: {names[0]} and {names[1]}. Read {plan.path}.", *world.tree.cat(plan.path))
    first = names[0][:1].upper() + names[0][1:]
    shown = [x.line if x.line == x.key_line else f"{x.key_line} ... {x.line}" for x in (a, b)]
    s.answer(
        f"`{shown[0]}` and `{shown[1]}`: {a.value} and {b.value}.",
        rng.choice(
            (
                f"{first} is {a.value} and {names[1]} is {b.value}.",
                f"In {plan.path}, {names[0]} is {a.value} and {names[1]} is {b.value}.",
                f"{first}: {a.value}\n{names[1][:1].upper() + names[1][1:]}: {b.value}",
            )
        ),
        a.value,
        b.value,
    )
    return True


def look_back(world: World) -> bool:
    """Which entry has a given value."""
    rng, s, v = world.rng, world.s, world.voice()
    found = pick(world)
    if found is None:
        return False
    plan, sight = found
    if not sight.direct or plan.text.count(sight.value) != 1 or len(sight.value) < 2:
        return False
    slots = {"f": where(world, v, plan.path), "v": v.value(sight.value)}
    world.say("lookup", manner.written(rng, world.split, asklook.REVERSE, slots, plain=s.joining))
    result = s.bash(f"Search {plan.path} for {sight.value}.", *world.tree.grep(sight.value, plan.path, "-nF"))
    lead = f"The line is `{sight.line}`"
    if sight.key_line not in result:
        s.bash(f"{lead}, without a name. Read {plan.path}.", *world.tree.cat(plan.path))
        lead = f"`{sight.line}` belongs to `{sight.key_line}`"
    s.answer(
        f"{lead}, so it is {sight.key}.",
        rng.choice(
            (
                f"`{sight.key}` is {sight.value} in {plan.path}.",
                f"It is `{sight.key}`.",
                f"{sight.value} is the value of `{sight.key}`.",
            )
        ),
        sight.key,
    )
    return True
