"""Whether an entry does what it says: it is played with several draws and carried out with real tools."""

from __future__ import annotations

import random
import re
import shutil

from ..replay import replay
from ..session import Session, environment
from ..tree import Tree
from ..world import World
from .form import Entry
from .planted import plant
from .play import handwritten


def _attempt(entry: Entry, seed: int) -> tuple[Session | None, str]:
    """One session of this entry alone, and why there is none."""
    rng = random.Random(seed)
    env, cwd = environment(rng, "train")
    tree = Tree(rng, cwd)
    planted = plant(rng, "train", tree, entry)
    if planted is None:
        return None, "two of its files have the same path"
    session = Session(rng, "train", tree, env)
    world = World(session, [])
    world.tales = [planted]
    if not handwritten(world):
        return None, "unplayable: an edit does not fit once, a search finds nothing, or a path is unknown"
    task = session.tasks[-1]
    said = session.steps[-1].text
    lacking = [x for x in task.answers if x not in said]
    return session, f"the answer lacks {lacking}: {said}" if lacking else ""


_TOOLS = (
    "awk",
    "bc",
    "cc",
    "comm",
    "g++",
    "gcc",
    "jq",
    "lua",
    "make",
    "node",
    "perl",
    "php",
    "ruby",
    "sqlite3",
    "tsort",
    "xmllint",
)


def lacking(entry: Entry) -> set[str]:
    """Programs that its commands or files name and this machine does not have."""
    runs = " ".join(a.argument for a in entry.actions if a.verb == "run")
    said = set(re.findall(r"[\w+]+", " ".join([runs, *(text for _, text in entry.files)]))) if runs else set()
    return {tool for tool in _TOOLS if tool in said and shutil.which(tool) is None}


def problems(entry: Entry, seeds: int) -> list[str]:
    """What is wrong with an entry: nothing, if most draws can be played and do what real tools do."""
    found, refused = [], []
    for seed in range(seeds):
        try:
            session, why = _attempt(entry, seed)
        except Exception as error:  # whatever it is, its author has to know which entry it is
            return [f"{entry.where}: {type(error).__name__}: {error}"]
        if session is None:
            refused.append(why)
        else:
            found += [f"{entry.where}: {x}" for x in ([why] if why else []) + replay(session)]
    if len(refused) > seeds // 2:
        found.append(f"{entry.where}: {len(refused)} of {seeds} draws: {refused[0]}")
    return found
