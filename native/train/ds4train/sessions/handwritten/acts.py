"""The actions of an entry, carried out on the project in memory."""

from __future__ import annotations

import re
from collections.abc import Iterator

from ..tree import NO_OUTPUT, Tree, is_word_match, status
from .form import Action, fill
from .planted import Planted

Call = tuple[str, dict[str, object], str]


class Unplayable(Exception):
    """The drawn values do not allow this task in this project."""


def _seen(call: tuple[str, str], planted: Planted) -> tuple[str, str]:
    """A search that found something, and in the task's own files only."""
    hits = {line.split(":", 1)[0].removeprefix("./") for line in call[1].split("\n")}
    if "[exit code: 1]" in hits or not hits <= set(planted.files):
        raise Unplayable
    return call


def replacement(action: Action, planted: Planted, tree: Tree) -> dict[str, object]:
    """What the editor is told to replace; a line alone is named without its indentation, as the other families do."""
    path = fill(action.argument, planted.slots)
    old, new = ("\n".join(fill(x, planted.slots) for x in lines) for lines in (action.old, action.new))
    if "\n" not in old + new:
        indent = len(old) - len(old.lstrip())
        alike = indent == len(new) - len(new.lstrip()) and tree.files.get(path, "").count(old.strip()) == 1
        old, new = (old.strip(), new.strip()) if alike else (old, new)
    if tree.files.get(path, "").count(old) != 1 or old == new:
        raise Unplayable
    return {"command": "str_replace", "path": path, "old_str": old, "new_str": new}


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


def calls(action: Action, planted: Planted, tree: Tree) -> Iterator[Call]:
    """Carry one action out on the tree."""
    slots = planted.slots
    what, new = fill(action.argument, slots), fill("\n".join(action.new), slots)
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
        arguments = replacement(action, planted, tree)
        yield editor, arguments, tree.editor(arguments)
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
