"""What is thought before each action: the aim that the entry gives, and what every action of its kind says."""

from __future__ import annotations

import random
from collections.abc import Iterator

from ..grammar import Phrases
from .form import Action, choose, fill
from .planted import Planted

_THINK = {
    "read": Phrases("Read {f}.\nI read {f}.\nLook at {f}.\nNow {f}.\nFirst {f}."),
    "view": Phrases("View {f}.\nI look at {f} with line numbers.\nLook at {f}."),
    "grep": Phrases("Find {k} in {f}.\nWhere is {k} in {f}?\nLook for {k} in {f}."),
    "search": Phrases(
        "Search the project for {k}.\nWhich file has {k}? Search.\nI look for {k} in all files."
    ),
    "which": Phrases("Which file has {k}? Search.\nI search all files for {k}.\nFind the file with {k}."),
    "files": Phrases("Which files are there?\nI list the files first.\nSee what is in the project."),
    "find": Phrases("Where is {k}? Find it.\nFind {k} by name.\nI look for the file {k}."),
    "create": Phrases("{f} is new; I write it as it was asked for.\nWrite {f}.\nCreate {f}."),
    "append": Phrases(
        "Append `{b}` to {f}.\nThe new last line of {f} is `{b}`.\n`{b}` goes to the end of {f}."
    ),
    "insert": Phrases("Insert `{b}` in {f} after line {n}.\n`{b}` goes after line {n} of {f}."),
    "run": Phrases("Run `{k}`.\nI run `{k}`.\nNow run `{k}`."),
    "remove": Phrases("Delete {f}.\nRemove {f}."),
    "move": Phrases("Move {k}.\nNow move {k}."),
}
_EDIT = Phrases("""
The line is `{a}`. It becomes `{b}`.
`{a}` is the line. The new line is `{b}`.
The line `{a}` of {f} must be `{b}`.
Change `{a}` to `{b}`.
""")
_EDIT_MANY = Phrases("""
The place in {f} begins with `{a}`. I replace it.
Change {f} at `{a}`.
""")
_RENAME = (
    Phrases("Find every {k}.\nWhere is {k} used?\nI look for all uses of {k}."),
    Phrases("{k} is in {fs}. Replace it with {v} there.\nFiles with {k}: {fs}. The new name is {v}."),
    Phrases("Check that {k} is gone.\nIs any {k} left? Search again."),
)


def _facts(action: Action, planted: Planted) -> dict[str, str]:
    slots = planted.slots
    what = fill(action.argument, slots)
    facts = {"f": what, "k": what, "a": "", "b": "", "n": ""}
    if action.verb == "grep":
        facts["k"], _, facts["f"] = what.rpartition(" in ")
    elif action.verb == "insert":
        facts["f"], _, facts["n"] = what.rpartition(" ")
    elif action.verb == "rename":
        facts["k"], _, rest = what.partition(" to ")
        facts["v"] = rest.partition(" in ")[0]
    if action.old:
        facts["a"] = fill(action.old[0], slots).strip()
    if action.new:
        facts["b"] = fill(action.new[0], slots).strip()
    return facts


def thoughts(action: Action, planted: Planted, rng: random.Random, files: str) -> Iterator[str]:
    """What is thought before each call of an action."""
    facts, aim = _facts(action, planted), fill(choose(action.aim, rng), planted.slots)
    if action.verb == "rename":
        for number, phrases in enumerate(_RENAME):
            lead = f"{aim} " if aim and number == 0 else ""
            yield lead + phrases(rng, facts | {"fs": files})
        return
    many = len(action.old) > 1 or len(action.new) > 1
    phrases = (_EDIT_MANY if many else _EDIT) if action.verb == "edit" else _THINK[action.verb]
    alone = action.verb in ("create", "append", "run", "files") and rng.random() < 0.3
    yield aim if aim and alone else f"{aim} {phrases(rng, facts)}".lstrip()
