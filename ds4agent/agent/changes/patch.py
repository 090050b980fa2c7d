"""One file's difference in the form of `git diff`, so that `git apply` takes it."""

import difflib
import re
from dataclasses import dataclass

CONTEXT = 3
# Beyond it finding the smallest difference takes too long; then all that is in between has changed.
MOST_PAIRS = 4_000_000
MOST_BYTES = 4 << 20
Opcode = tuple[str, int, int, int, int]
_ODD = re.compile(r'["\\\x00-\x1f\x7f\udc80-\udcff]')
NO_NEWLINE = "\\ No newline at end of file\n"


@dataclass(frozen=True, slots=True)
class Side:
    """A file before or after. `mode`: git's, None where there is no file."""

    mode: str | None
    data: bytes = b""


def patch(path: str, before: Side, after: Side) -> str:
    """Empty when nothing differs."""
    if before == after:
        return ""
    was, now = _quoted(f"a/{path}"), _quoted(f"b/{path}")
    head = f"diff --git {was} {now}\n" + _modes(before, after)
    if before.data == after.data:
        return head
    old, new = _text(before.data), _text(after.data)
    names = [was if before.mode else "/dev/null", now if after.mode else "/dev/null"]
    if old is None or new is None:
        return f"{head}Binary files {names[0]} and {names[1]} differ\n"
    return f"{head}--- {names[0]}\n+++ {names[1]}\n{_hunks(_lines(old), _lines(new))}"


def _quoted(name: str) -> str:
    """As git has a name that would not be understood, or is not UTF-8 (with core.quotePath off)."""
    if not _ODD.search(name):
        return name
    return '"' + _ODD.sub(lambda found: _escaped(found[0]), name) + '"'


def _escaped(char: str) -> str:
    if char in '"\\':
        return "\\" + char
    return "".join(f"\\{byte:03o}" for byte in char.encode("utf-8", "surrogateescape"))


def _modes(before: Side, after: Side) -> str:
    if before.mode is None:
        return f"new file mode {after.mode}\n"
    if after.mode is None:
        return f"deleted file mode {before.mode}\n"
    return "" if before.mode == after.mode else f"old mode {before.mode}\nnew mode {after.mode}\n"


def _text(data: bytes) -> str | None:
    if len(data) > MOST_BYTES or b"\0" in data:
        return None
    try:
        return data.decode()
    except UnicodeDecodeError:
        return None


def _lines(text: str) -> list[str]:
    """With their ends, which are LF alone: what CR and form feeds there are is text."""
    *whole, last = text.split("\n")
    return [line + "\n" for line in whole] + ([last] if last else [])


def _hunks(old: list[str], new: list[str]) -> str:
    return "".join(_hunk(group, old, new) for group in _groups(old, new))


def _groups(old: list[str], new: list[str]) -> list[list[Opcode]]:
    """Changes that lie close together, with the lines around them."""
    groups: list[list[Opcode]] = [[]]
    for kind, a, b, c, d in _opcodes(old, new):
        if kind != "equal":
            groups[-1].append((kind, a, b, c, d))
            continue
        before = min(b - a, CONTEXT) if groups[-1] else 0
        after = min(b - a, CONTEXT) if b < len(old) else 0
        if before + after >= b - a:
            groups[-1].append((kind, a, b, c, d) if groups[-1] else (kind, b - after, b, d - after, d))
            continue
        if groups[-1]:
            groups[-1].append((kind, a, a + before, c, c + before))
            groups.append([])
        groups[-1].append((kind, b - after, b, d - after, d))
    return [group for group in groups if any(code[0] != "equal" for code in group)]


def _opcodes(old: list[str], new: list[str]) -> list[Opcode]:
    """What leads from `old` to `new`, as difflib has it."""
    start, tail = _shared(old, new)
    a, b = old[start : len(old) - tail], new[start : len(new) - tail]
    found: list[Opcode] = [("replace", 0, len(a), 0, len(b))]
    if len(a) * len(b) <= MOST_PAIRS:
        found = list(difflib.SequenceMatcher(None, a, b, autojunk=False).get_opcodes())
    codes = [(kind, i + start, j + start, k + start, m + start) for kind, i, j, k, m in found]
    last = ("equal", len(old) - tail, len(old), len(new) - tail, len(new))
    return [
        code
        for code in (("equal", 0, start, 0, start), *codes, last)
        if code[2] > code[1] or code[4] > code[3]
    ]


def _shared(old: list[str], new: list[str]) -> tuple[int, int]:
    """How many lines are the same at the beginning and at the end."""
    shortest = min(len(old), len(new))
    start = next((n for n in range(shortest) if old[n] != new[n]), shortest)
    rest = shortest - start
    return start, next((n for n in range(rest) if old[-1 - n] != new[-1 - n]), rest)


def _hunk(group: list[Opcode], old: list[str], new: list[str]) -> str:
    first, last = group[0], group[-1]
    ranges = f"@@ -{_range(first[1], last[2])} +{_range(first[3], last[4])} @@\n"
    rows: list[str] = []
    for kind, a, b, c, d in group:
        if kind == "equal":
            rows += [_row(" ", line) for line in old[a:b]]
            continue
        rows += [_row("-", line) for line in old[a:b]]
        rows += [_row("+", line) for line in new[c:d]]
    return ranges + "".join(rows)


def _range(start: int, end: int) -> str:
    """One-based; of an empty one the line before it."""
    count = end - start
    first = start + 1 if count else start
    return str(first) if count == 1 else f"{first},{count}"


def _row(sign: str, line: str) -> str:
    return sign + line if line.endswith("\n") else f"{sign}{line}\n{NO_NEWLINE}"
