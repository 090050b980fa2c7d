"""Two or three requests of other families in one message, with a look at the result at the end now and then."""

from __future__ import annotations

import re
from collections.abc import Callable

from . import loose
from . import phrasings_join as ask
from . import phrasings_loose as around
from .asking import capital, dress
from .grammar import GIVEN
from .world import World

Family = Callable[[World], bool]


def _pair(world: World, first: str, second: str) -> str:
    """Two requests as one text; questions and requests of several sentences keep their marks."""
    rng, split = world.rng, world.split
    long = [x.endswith("?") or "\n" in x or re.search(r"[.?!] [A-Z]", x) for x in (first, second)]
    if long[0] or (long[1] and "\n" in second):
        a, b = ((x if x[-1:] in "?!:)" else x + ".") for x in (first, second))
        return ask.APART(rng, split, {"a": a, "b": b, "A": capital(a), "B": capital(b)})
    slots = {"a": first, "b": second, "A": capital(first), "B": capital(second)}
    return ask.PAIR(rng, split, slots)


def several(world: World, families: list[Family]) -> bool:
    """Two or three requests in one message."""
    rng, s = world.rng, world.s
    s.begin_joined()
    count = 2 if rng.random() < 0.75 else 3
    start = len(s.steps)
    for _ in range(30):
        if len(s.asked) == count:
            break
        families[int(rng.random() * len(families))](world)
        if len(s.asked) == count - 1 and rng.random() < 0.25:
            show_edited(world, start)
    if not s.asked:
        s.joining = False
        return False
    cores = [c.strip().rstrip(".") for c in s.asked]
    text = cores[-1]
    if len(cores) == 3 and rng.random() < 0.4:
        mark = rng.choice(("{}. ", "{}) ", "- ", "* ", "Step {}: ", "({}) "))
        text = "\n".join(
            mark.format(i) + (capital(c) if rng.random() < 0.7 else c) for i, c in enumerate(cores, 1)
        )
    else:
        for core in reversed(cores[:-1]):
            text = _pair(world, core, text)
    r = rng.random()
    if "\n" not in text and r < 0.45:
        text = dress(rng, world.split, text, edits=False)
    elif r < 0.7:
        text = loose.message(rng, world.split, text.replace(GIVEN, ""), around.BEFORE, around.AFTER)
    s.end_joined(text.replace(GIVEN, ""))
    return True


def show_edited(world: World, start: int) -> bool:
    """The last part: show the file that an earlier part wrote."""
    rng, s, tree = world.rng, world.s, world.tree
    edited = [str(x.arguments["path"]) for x in s.steps[start:] if x.tool == "str_replace_editor"]
    edited = [p for p in edited if p in tree.files and 0 < len(tree.files[p]) < 600]
    if not edited:
        return False
    path, v = edited[-1], world.voice()
    world.say("show", ask.SHOW(rng, world.split, {"F": v.quoted(path, v.path_mark)}))
    s.bash(
        rng.choice((f"Now show {path}.", f"The last part: cat {path}.", f"Print {path}.")), *tree.cat(path)
    )
    body = tree.files[path].rstrip()
    shown = f"\n\n```\n{body}\n```" if "\n" in body or "`" in body else f" `{body}`"
    s.answer(f"That is {path} now.", f"{path} now says:{shown}", body)
    return True
