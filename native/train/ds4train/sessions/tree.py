"""The in-memory project of a session: a file tree and exact imitations of the tools' results on it.

Only commands that the families write are imitated, each by the method that also spells it, so a command
and its output cannot disagree; `replay.py` runs the same commands for real and compares.
"""

from __future__ import annotations

import random
import re
import zlib

NO_OUTPUT = "(no output)"
SKIP_HIDDEN = "--exclude-dir='.?*'"


def quote(text: str) -> str:
    """Shell quoting the way the agent always does it: single quotes.

    Double ones when the text holds a single quote.
    """
    if "'" not in text:
        return f"'{text}'"
    return '"' + re.sub(r'(["\\$`])', r"\\\1", text) + '"'


def guarded(pattern: str) -> str:
    """A quoted grep pattern that cannot be taken for an option."""
    return ("-e " if pattern.startswith("-") else "") + quote(pattern)


def status(body: str, code: int) -> str:
    """The bash tool's text for an output and an exit code."""
    body = body.rstrip()
    if code == 0:
        return body or NO_OUTPUT
    return f"{body}\n[exit code: {code}]" if body else f"[exit code: {code}]"


def is_word_match(name: str, line: str) -> bool:
    return re.search(rf"(?<!\w){re.escape(name)}(?!\w)", line) is not None


class Tree:
    def __init__(self, rng: random.Random, cwd: str) -> None:
        self.rng, self.cwd = rng, cwd
        self.files: dict[str, str] = {}
        self.folders: set[str] = set()

    def add(self, path: str, text: str) -> None:
        self.files[path] = text
        parts = path.split("/")[:-1]
        for i in range(len(parts)):
            self.folders.add("/".join(parts[: i + 1]))

    def has_room(self, paths: set[str]) -> bool:
        """Whether files of these paths can be made: none is there, nor is one in the place of a folder."""
        parents = {path.rsplit("/", i)[0] for path in paths for i in range(1, path.count("/") + 1)}
        return not (paths & (set(self.files) | self.folders) or parents & (set(self.files) | paths))

    def remove(self, path: str) -> None:
        del self.files[path]

    def lines(self, path: str) -> list[str]:
        text = self.files[path]
        return (text[:-1] if text.endswith("\n") else text).split("\n") if text else []

    # -- the editor -------------------------------------------------------------------------------------

    def editor(self, arguments: dict[str, object]) -> str:
        command, path = str(arguments["command"]), str(arguments["path"])
        if command == "create":
            known = path in self.files
            self.add(path, str(arguments["file_text"]))
            return f"File {'overwritten' if known else 'created'}: {path}"
        if command == "view" and (path == "." or path in self.folders):
            return self._listing("" if path == "." else path + "/")
        if path not in self.files:
            return f"Error: {path} does not exist."
        if command == "view":
            return self._view(path, arguments.get("view_range"))
        if command == "insert":
            return self._insert(path, int(str(arguments["insert_line"])), str(arguments["new_str"]))
        return self._str_replace(path, str(arguments["old_str"]), str(arguments["new_str"]))

    def _view(self, path: str, view_range: object) -> str:
        lines = self.lines(path)
        first, last = view_range if isinstance(view_range, list) else (1, -1)
        last = len(lines) if last == -1 else min(last, len(lines))
        return "\n".join(f"{n:>6}\t{lines[n - 1]}" for n in range(first, last + 1)) or "(empty file)"

    def _listing(self, under: str) -> str:
        found: set[str] = set()
        for path in list(self.files) + [f + "/" for f in self.folders]:
            if not path.startswith(under) or path == under:
                continue
            bits = path[len(under) :].rstrip("/").split("/")
            if any(b.startswith(".") for b in bits):
                continue
            found.add(bits[0] + ("/" if len(bits) > 1 or path.endswith("/") else ""))
            if len(bits) > 1:
                found.add("/".join(bits[:2]) + ("/" if len(bits) > 2 or path.endswith("/") else ""))
        return "\n".join(sorted(found))

    def _insert(self, path: str, at: int, new: str) -> str:
        lines = self.lines(path)
        if not 0 <= at <= len(lines):
            return f"Error: insert_line {at} is outside 0..{len(lines)} of {path}."
        lines[at:at] = new.removesuffix("\n").split("\n")
        self.files[path] = "\n".join(lines) + "\n"
        return f"File edited: {path}"

    def _str_replace(self, path: str, old: str, new: str) -> str:
        text = self.files[path]
        count = text.count(old)
        if count == 0:
            return f"Error: old_str was not found in {path}."
        if count > 1:
            at, where = -1, []
            for _ in range(count):
                at = text.index(old, at + 1 if at < 0 else at + len(old))
                where.append(str(text.count("\n", 0, at) + 1))
            shown = ", ".join(where)
            error = f"Error: old_str occurs {count} times in {path} (lines {shown})"
            return f"{error}; add context to make it unique."
        self.files[path] = text.replace(old, new)
        return f"File edited: {path}"

    def view_root(self) -> tuple[str, str]:
        """All files by name, as find lists them."""
        found = [f"./{p}" for p in self.walk()]
        return "find . -type f -not -path './.git/*'", status("\n".join(found), 0)

    # -- the shell: each returns (command, result) ------------------------------------------------------

    def missing(self, tool: str, path: str, code: int) -> str:
        return status(f"{tool}: {path}: No such file or directory", code)

    def grep(self, pattern: str, path: str, flags: str = "-n") -> tuple[str, str]:
        """grep for a literal (the pattern holds no regex characters, or flags has F) in one file."""
        command = f"grep {flags} {guarded(pattern)} {path}"
        if path not in self.files:
            return command, self.missing("grep", path, 2)
        needle = pattern.lower() if "i" in flags else pattern
        hits = [
            (n, line)
            for n, line in enumerate(self.lines(path), 1)
            if needle in (line.lower() if "i" in flags else line)
            and ("w" not in flags or is_word_match(pattern, line))
        ]
        if "c" in flags:
            return command, status(str(len(hits)), 0 if hits else 1)
        shown = [f"{n}:{line}" for n, line in hits] if "n" in flags else [line for _, line in hits]
        return command, status("\n".join(shown), 0 if hits else 1)

    def grep_all(self, pattern: str, flags: str) -> tuple[str, str]:
        """grep through the whole project; files come in the order of the folder, which is any order."""
        command = f"grep {flags} {SKIP_HIDDEN} {guarded(pattern)} ."
        needle = pattern.lower() if "i" in flags else pattern
        out = []
        for path in self.walk():
            if any(bit.startswith(".") for bit in path.split("/")[:-1]):
                continue
            hits = [
                (n, line)
                for n, line in enumerate(self.lines(path), 1)
                if needle in (line.lower() if "i" in flags else line)
                and ("w" not in flags or is_word_match(pattern, line))
            ]
            if hits and "l" in flags:
                out.append(f"./{path}")
            else:
                out += [f"./{path}:{n}:{line}" for n, line in hits]
        return command, status("\n".join(out), 0 if out else 1)

    def walk(self) -> list[str]:
        """All paths in one plausible folder order that stays the same within a session."""
        salt = len(self.cwd)
        return sorted(self.files, key=lambda p: [zlib.crc32(bit.encode(), salt) for bit in p.split("/")])

    def cat(self, path: str) -> tuple[str, str]:
        if path not in self.files:
            return f"cat {path}", self.missing("cat", path, 1)
        return f"cat {path}", status(self.files[path], 0)

    def tail(self, path: str, count: int) -> tuple[str, str]:
        return f"tail -n {count} {path}", status("\n".join(self.lines(path)[-count:]), 0)

    def find_name(self, name: str) -> tuple[str, str]:
        hits = [f"./{p}" for p in self.walk() if p.rsplit("/", 1)[-1] == name]
        return f"find . -name {quote(name)} -not -path './.git/*'", status("\n".join(hits), 0)

    def ls(self, folder: str = "") -> tuple[str, str]:
        under = folder + "/" if folder else ""
        seen = {
            p[len(under) :].split("/")[0]
            for p in list(self.files) + list(self.folders)
            if p.startswith(under) and p != folder
        }
        shown = sorted(s for s in seen if s and not s.startswith("."))
        return f"ls -1 {folder}".rstrip(), status("\n".join(shown), 0)

    def append(self, path: str, line: str) -> tuple[str, str]:
        """Append one line, completing an unfinished last line first, and show the end of the file."""
        command = f"sed -i '$a\\' {path} && echo {quote(line)} >> {path} && tail -n 2 {path}"
        if path not in self.files:
            return command, status(f"sed: can't read {path}: No such file or directory", 2)
        text = self.files[path]
        self.files[path] = text + ("\n" if text and not text.endswith("\n") else "") + line + "\n"
        return command, status("\n".join(self.lines(path)[-2:]), 0)

    def rename_word(self, old: str, new: str, paths: list[str]) -> tuple[str, str]:
        for path in paths:
            self.files[path] = re.sub(rf"\b{re.escape(old)}\b", new, self.files[path])
        return f"sed -i 's/\\b{old}\\b/{new}/g' {' '.join(paths)}", NO_OUTPUT

    def replace_on_line(self, path: str, number: int, old: str, new: str) -> tuple[str, str]:
        lines = self.lines(path)
        lines[number - 1] = lines[number - 1].replace(old, new, 1)
        self.files[path] = "\n".join(lines) + ("\n" if self.files[path].endswith("\n") else "")
        mark = next(m for m in "/|#%" if m not in old + new)
        return f"sed -i '{number}s{mark}{old}{mark}{new}{mark}' {path}", NO_OUTPUT
