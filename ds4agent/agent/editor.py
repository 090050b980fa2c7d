"""The `str_replace_editor` tool: view, create, str_replace, insert.

Every text that it returns is part of the model's training, so each is written out once, here. An edit is made
on the whole text of the file in memory (pure functions, tested by property) and then written by `textfile`.
Viewing never changes a file, an edit that fails leaves it byte for byte as it was.

KV effect: an edit costs one short line; what was changed is not echoed back.
"""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ds4agent import paths
from ds4agent.agent import diff, textfile
from ds4agent.agent.output import capped

NAME = "str_replace_editor"
REQUIRED = {
    "view": (),
    "create": ("file_text",),
    "str_replace": ("old_str", "new_str"),
    "insert": ("insert_line", "new_str"),
}
MOST_LINES_NAMED = 20


class EditError(Exception):
    """The call cannot be carried out; the message is the text for the model."""


class BadArguments(EditError):
    """The call itself is malformed."""


@dataclass(frozen=True, slots=True)
class Edited:
    """An edit that was made. `before` is None when the file is new."""

    text: str
    path: str
    before: str | None
    after: str

    def unified(self) -> str:
        return diff.unified(self.path, self.before, self.after)


@dataclass(frozen=True, slots=True)
class Viewed:
    text: str
    path: str


def invalid(why: str) -> BadArguments:
    return BadArguments(f"Error: invalid arguments for {NAME}: {why}.")


@dataclass(frozen=True, slots=True)
class Call:
    """Checked arguments of one call."""

    command: str
    path: str
    arguments: dict[str, Any]

    @classmethod
    def parse(cls, arguments: dict[str, Any]) -> "Call":
        command = arguments.get("command")
        if not isinstance(command, str):
            raise invalid("command is missing" if command is None else "command is not a string")
        if command not in REQUIRED:
            raise BadArguments(f"Error: unknown command {command}.")
        for name in ("path", *REQUIRED[command]):
            if arguments.get(name) is None:
                raise BadArguments(f"Error: missing parameter {name} for {command}.")
        for name in ("path", "file_text", "old_str", "new_str"):
            if not isinstance(arguments.get(name, ""), str):
                raise invalid(f"{name} is not a string")
        path = arguments["path"]
        if not path.strip() or "\0" in path:
            raise invalid("path is empty" if not path.strip() else "path holds a NUL")
        try:
            os.fsencode(path)
        except UnicodeEncodeError as error:
            raise invalid("path holds half a surrogate pair, which no name can") from error
        return cls(command, path, arguments)

    @property
    def edits(self) -> bool:
        return self.command != "view"


class Editor:
    def __init__(self, cwd: Path, spill_path: Callable[[], Path]) -> None:
        self._cwd = cwd
        self._spill_path = spill_path

    def target(self, call: Call) -> Path:
        """The file that the call means."""
        return self._cwd / (paths.expanded(call.path) if call.path.startswith("~/") else call.path)

    def run(self, call: Call) -> Edited | Viewed:
        """Raises EditError with the text for the model."""
        path = self.target(call)
        with _told(call.path):
            if call.command == "view":
                return Viewed(self._view(path, call), call.path)
            made, content = self._made(path, call)
            textfile.write(path, content)
            return made

    def preview(self, call: Call) -> str:
        """The difference that an edit would make; empty if it would fail."""
        try:
            with _told(call.path):
                return self._made(self.target(call), call)[0].unified()
        except EditError:
            return ""

    def _view(self, path: Path, call: Call) -> str:
        span = call.arguments.get("view_range")
        if path.is_dir():
            if span is not None:
                raise invalid("view_range is for files")
            return capped(listing(path), self._spill_path)
        return capped(numbered(textfile.read(path).text, span), self._spill_path)

    def _made(self, path: Path, call: Call) -> tuple[Edited, textfile.TextFile]:
        """An edit and the content it leads to, not yet written."""
        return self._create(path, call) if call.command == "create" else self._edit(path, call)

    @staticmethod
    def _create(path: Path, call: Call) -> tuple[Edited, textfile.TextFile]:
        if path.is_dir():
            raise IsADirectoryError(path)
        before = _text_or_none(path)
        after = textfile.TextFile(call.arguments["file_text"])
        word = "created" if before is None else "overwritten"
        return Edited(f"File {word}: {call.path}", call.path, before, after.text), after

    @staticmethod
    def _edit(path: Path, call: Call) -> tuple[Edited, textfile.TextFile]:
        file = textfile.read(path)
        arguments = call.arguments
        new = _lf(file, arguments["new_str"])
        if call.command == "insert":
            after = insert(file.text, _integer(arguments["insert_line"]), new, call.path)
        else:
            after = replace(file.text, _lf(file, arguments["old_str"]), new, call.path)
        made = Edited(f"File edited: {call.path}", call.path, file.text, after)
        return made, file.with_text(after)


@contextmanager
def _told(path: str) -> Iterator[None]:
    """What the system refuses, in words for the model."""
    try:
        yield
    except FileNotFoundError as error:
        raise EditError(f"Error: {path} does not exist.") from error
    except IsADirectoryError as error:
        raise EditError(f"Error: {path} is a folder.") from error
    except textfile.NotText as error:
        raise EditError(f"Error: {path} is not a text file.") from error
    except OSError as error:
        raise EditError(f"Error: {path}: {error.strerror or error}.") from error


def _lf(file: textfile.TextFile, text: str) -> str:
    return text.replace("\r\n", "\n") if file.crlf else text


def _text_or_none(path: Path) -> str | None:
    """What a file held before it is overwritten; "" for one that is not text."""
    try:
        return textfile.read(path).text
    except FileNotFoundError:
        return None
    except textfile.NotRegular:  # a pipe or a device is not to be replaced by a file
        raise
    except textfile.NotText:
        return ""


def _integer(value: object) -> int:
    if isinstance(value, str) and value.strip().isdecimal():
        try:
            return int(value)
        except ValueError as error:  # Python stops at 4300 digits
            raise invalid("insert_line has too many digits") from error
    if isinstance(value, bool) or not isinstance(value, int):
        raise invalid("insert_line is not an integer")
    return value


# -- pure text ---------------------------------------------------------------------------------------------


def lines_of(text: str) -> list[str]:
    """The lines without their ends; a newline at the end does not begin another line."""
    if not text:
        return []
    return text.removesuffix("\n").split("\n")


def replace(text: str, old: str, new: str, path: str) -> str:
    """`text` with its only occurrence of `old` replaced."""
    if not old:
        raise invalid("old_str is empty")
    found = list(_occurrences(text, old))
    if not found:
        raise EditError(f"Error: old_str was not found in {path}.")
    if len(found) > 1:
        numbers = [str(text.count("\n", 0, at) + 1) for at in found[:MOST_LINES_NAMED]]
        more = ", ..." if len(found) > MOST_LINES_NAMED else ""
        raise EditError(
            f"Error: old_str occurs {len(found)} times in {path} (lines {', '.join(numbers)}{more}); "
            "add context to make it unique."
        )
    return text[: found[0]] + new + text[found[0] + len(old) :]


def _occurrences(text: str, old: str) -> Iterator[int]:
    """Starts of all occurrences, overlapping ones too: either of two would be a guess."""
    at = text.find(old)
    while at >= 0:
        yield at
        at = text.find(old, at + 1)


def insert(text: str, line: int, new: str, path: str) -> str:
    """`text` with `new` as whole lines after line `line`."""
    last = len(lines_of(text))
    if not 0 <= line <= last:
        raise EditError(f"Error: insert_line {line} is outside 0..{last} of {path}.")
    block = new if new.endswith("\n") else new + "\n"
    pieces = text.split("\n")
    head = "".join(piece + "\n" for piece in pieces[:line])
    return head + block + text[len(head) :]


def numbered(text: str, span: object) -> str:
    """Lines with their numbers, or those of a [first, last] range where -1 is the end."""
    lines = lines_of(text)
    first, last = (1, len(lines)) if span is None else _span(span, len(lines))
    if not lines:
        return "(empty file)"
    return "\n".join(f"{n:>6}\t{lines[n - 1]}" for n in range(first, last + 1))


def _span(span: object, count: int) -> tuple[int, int]:
    if not (isinstance(span, list) and len(span) == 2 and all(type(n) is int for n in span)):
        raise invalid("view_range is not two integers")
    first, last = span
    last = count if last == -1 else min(last, count)
    if not 1 <= first <= max(count, 1) or (last < first and count):
        raise invalid(f"view_range {span} is outside 1..{count}")
    return first, last


def listing(folder: Path) -> str:
    """Two levels of a folder, sorted; folders end in a slash, hidden names are left out."""
    names: list[str] = []
    for name, is_folder in _entries(folder):
        names.append(name + "/" * is_folder)
        if is_folder:
            with suppress(OSError):  # not ours to read, or gone
                names += [f"{name}/{inner}" + "/" * deep for inner, deep in _entries(folder / name)]
    return "\n".join(sorted(names)) or "(empty folder)"


def _entries(folder: Path) -> list[tuple[str, bool]]:
    with os.scandir(folder) as found:
        # A link to a folder is named as one but not entered: it may lead anywhere.
        return [(e.name, e.is_dir(follow_symlinks=False)) for e in found if not e.name.startswith(".")]
