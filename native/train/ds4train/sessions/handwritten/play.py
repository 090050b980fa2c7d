"""The family of tasks written by hand: their files are planted when a project is made, and played when their turn comes.

Every action is carried out on a copy of the project first. If the drawn values get in its way (an edit that fits
two places, a word that other files hold as well) the task is left out this time, before anything was said.
"""

from __future__ import annotations

import copy
import random
import re
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..asking import IMPERATIVE
from ..grammar import Phrases
from ..tree import NO_OUTPUT, Tree, is_word_match, status
from .form import Action, Entry, choose, draw, entries, fill

if TYPE_CHECKING:
    from ..world import World

_HELD_OUT = 10
_OPENERS = IMPERATIVE | frozenset(
    "the a an can could would will please i we it in what which where who how my our".split()
)
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
_OVER = Phrases("That is done.\nAll is done.\nEverything asked for is done.\nNothing is left to do.")
Call = tuple[str, dict[str, object], str]


class Unplayable(Exception):
    """The drawn values do not allow this task in this project."""


@dataclass
class Planted:
    entry: Entry
    slots: dict[str, str]
    files: dict[str, str]

    def intact(self, tree: Tree) -> bool:
        return all(tree.files.get(path) == text for path, text in self.files.items())


def plant(rng: random.Random, split: str, tree: Tree, entry: Entry | None = None) -> Planted | None:
    """Put the files of an entry (any, if none is given) into the project; nothing where a name is taken."""
    entry = entry or rng.choice(entries())
    slots = draw(entry, rng, split) | {"cwd": tree.cwd}
    files = {fill(path, slots): fill(text, slots) for path, text in entry.files}
    parents = {path.rsplit("/", i)[0] for path in files for i in range(1, path.count("/") + 1)}
    if (
        set(files) & (set(tree.files) | tree.folders)
        or parents & set(tree.files)
        or len(files) < len(entry.files)
    ):
        return None
    for path, text in files.items():
        tree.add(path, text)
    return Planted(entry, slots, files)


def _wording(entry: Entry, rng: random.Random, split: str) -> tuple[str, bool]:
    """One of the wordings; a tenth of them is kept for evaluation."""
    held = [a for a in entry.asks if zlib.crc32(a[0].encode()) % _HELD_OUT == 0]
    rest = [a for a in entry.asks if a not in held]
    return rng.choice((held or rest) if split == "heldout" else (rest or held))


def _other_quotes(text: str, rng: random.Random) -> str:
    """Quotes of another kind in place of backticks, where nothing clashes."""
    quoted = re.findall("`([^`]+)`", text)
    if (
        "\n" in text
        or text.count("`") != 2 * len(quoted)
        or any(set(x) & set("'\"") or " " in x for x in quoted)
    ):
        return text
    return text.replace("`", rng.choice(("`", "`", "'", '"', "")))


def _request(planted: Planted, world: World) -> tuple[str, bool]:
    rng = world.rng
    wording, named = _wording(planted.entry, rng, world.split)
    text = fill(_other_quotes(choose(wording, rng), rng).replace("\\n", "\n"), planted.slots)
    plain = text.partition(" ")[0].lower() in _OPENERS  # a name at the front keeps its case
    if plain and rng.random() < 0.15:
        text = text[0].lower() + text[1:]
    if rng.random() < 0.12 and re.search("[a-z]{3}[.]$", text):
        text = text[:-1]
    verb = text.partition(" ")[0].lower() in IMPERATIVE and "\n" not in text
    return (world.framed(text) if verb and rng.random() < 0.25 else text), named


def _seen(call: tuple[str, str], planted: Planted) -> tuple[str, str]:
    """A search that found something, and in the task's own files only."""
    hits = {line.split(":", 1)[0].removeprefix("./") for line in call[1].split("\n")}
    if "[exit code: 1]" in hits or not hits <= set(planted.files):
        raise Unplayable
    return call


def _edit(tree: Tree, path: str, old: str, new: str) -> Call:
    """A replacement; a line alone is named without its indentation, as the other families do."""
    if "\n" not in old + new:
        indent = len(old) - len(old.lstrip())
        alike = indent == len(new) - len(new.lstrip()) and tree.files.get(path, "").count(old.strip()) == 1
        old, new = (old.strip(), new.strip()) if alike else (old, new)
    if tree.files.get(path, "").count(old) != 1 or old == new:
        raise Unplayable
    arguments: dict[str, object] = {"command": "str_replace", "path": path, "old_str": old, "new_str": new}
    return "str_replace_editor", arguments, tree.editor(arguments)


def _rename(tree: Tree, argument: str) -> Iterator[Call]:
    old, _, rest = argument.partition(" to ")
    new, _, path = rest.partition(" in ")
    paths = [path] if path else [p for p in tree.walk() if is_word_match(old, tree.files[p])]
    hidden = any("/." in f"/{p}" and "/" in p for p in paths)
    if (
        not re.fullmatch(r"[\w-]+", old)
        or not paths
        or hidden
        or any(is_word_match(new, tree.files[p]) for p in paths)
    ):
        raise Unplayable
    for step in range(3):
        if step == 1:
            yield _bash(*tree.rename_word(old, new, paths))
        else:
            yield _bash(*(tree.grep(old, path, "-nw") if path else tree.grep_all(old, "-rnIw")))


def _bash(command: str, result: str) -> Call:
    return "bash", {"command": command}, result


def _calls(action: Action, planted: Planted, tree: Tree) -> Iterator[Call]:
    """Carry one action out on the tree."""
    slots, new, old = planted.slots, "\n".join(action.new), "\n".join(action.old)
    what, new, old = fill(action.argument, slots), fill(new, slots), fill(old, slots)
    verb, editor = action.verb, "str_replace_editor"
    if verb == "read":
        yield _bash(*tree.cat(what))
    elif verb == "view":
        arguments: dict[str, object] = {"command": "view", "path": what}
        yield editor, arguments, tree.editor(arguments)
    elif verb == "grep":
        text, _, path = what.rpartition(" in ")
        yield _bash(*tree.grep(text, path, "-nF"))
    elif verb in ("search", "which"):
        yield _bash(*_seen(tree.grep_all(what, "-rnIF" if verb == "search" else "-rlIF"), planted))
    elif verb == "files":
        yield _bash(*tree.view_root())
    elif verb == "find":
        yield _bash(*tree.find_name(what))
    elif verb == "edit":
        yield _edit(tree, what, old, new)
    elif verb == "create":
        arguments = {"command": "create", "path": what, "file_text": fill(action.text, slots)}
        if what in tree.files:
            raise Unplayable
        yield editor, arguments, tree.editor(arguments)
    elif verb == "append":
        yield _bash(*tree.append(what, new))
    elif verb == "insert":
        path, _, at = what.rpartition(" ")
        arguments = {"command": "insert", "path": path, "insert_line": int(at), "new_str": new}
        yield editor, arguments, tree.editor(arguments)
    elif verb == "rename":
        yield from _rename(tree, what)
    elif verb == "run":
        yield _bash(what, status(fill(action.text, slots), action.code))
    else:
        yield _bash(*_moved(tree, verb, what))


def _moved(tree: Tree, verb: str, what: str) -> tuple[str, str]:
    if verb == "remove":
        tree.remove(what)
        return f"rm {what}", NO_OUTPUT
    path, _, new = what.partition(" to ")
    parent = new.rpartition("/")[0]
    made = f"mkdir -p {parent} && " if parent and parent not in tree.folders else ""
    text = tree.files[path]
    tree.remove(path)
    tree.add(new, text)
    return f"{made}mv {path} {new}", NO_OUTPUT


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


def _thoughts(action: Action, planted: Planted, rng: random.Random, files: str) -> Iterator[str]:
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


def _play(planted: Planted, named: bool, tree: Tree) -> list[tuple[Action, list[Call]]]:
    actions = [a for a in planted.entry.actions if not (a.optional and named)]
    return [(action, list(_calls(action, planted, tree))) for action in actions]


def _changed(calls: list[Call]) -> str:
    """The files that a rename's search showed."""
    command = next((str(c[1]["command"]) for c in calls if "sed -i" in str(c[1].get("command"))), "")
    return command.rpartition("/g' ")[2]


def handwritten(world: World) -> bool:
    """Play one of the planted tasks."""
    rng, s, tree = world.rng, world.s, world.tree
    ready = [p for p in world.tales if p.intact(tree)]
    if not ready:
        return False
    planted = rng.choice(ready)
    text, named = _request(planted, world)
    try:
        _play(planted, named, copy.deepcopy(tree))
    except (Unplayable, KeyError):
        return False
    world.tales.remove(planted)
    world.say(planted.entry.family, text)
    played = _play(planted, named, tree)
    for action, calls in played:
        thoughts = _thoughts(action, planted, rng, _changed(calls))
        for think, (tool, arguments, result) in zip(thoughts, calls, strict=True):
            s.call(think, tool, arguments, result)
    _answer(planted, world, played[-1][1][-1])
    return True


def _answer(planted: Planted, world: World, last: Call) -> None:
    from ..fixing import report

    entry, rng = planted.entry, world.rng
    if not entry.says:
        report(world, str(last[1]["command"]), last[2])
        return
    think = fill(choose(entry.see, rng), planted.slots) or _OVER(rng, {})
    said = fill(choose(rng.choice(entry.says), rng).replace("\\n", "\n"), planted.slots)
    world.s.answer(think, said, *(fill(x, planted.slots) for x in entry.answers))
