"""The difference that one edit made: a single hunk, found by trimming what both texts share at both ends.

Linear in the size of the file. An edit of the agent is one contiguous change, so the hunk is small.
"""

from dataclasses import dataclass

CONTEXT = 3
NO_NEWLINE = "\\ No newline at end of file"


@dataclass(frozen=True, slots=True)
class Change:
    """Lines (with their ends) that went and came, after `start` lines that stayed."""

    old: list[str]
    new: list[str]
    start: int
    end: int  # lines of the old text up to the end of the change


def _lines(text: str) -> list[str]:
    *whole, last = text.split("\n")
    return [line + "\n" for line in whole] + ([last] if last else [])


def change(before: str, after: str) -> Change:
    """What was replaced by what."""
    old, new = _lines(before), _lines(after)
    shortest = min(len(old), len(new))
    start = 0
    while start < shortest and old[start] == new[start]:
        start += 1
    tail = 0
    while tail < shortest - start and old[-1 - tail] == new[-1 - tail]:
        tail += 1
    return Change(old[start : len(old) - tail], new[start : len(new) - tail], start, len(old) - tail)


def unified(path: str, before: str | None, after: str) -> str:
    """A unified diff; `before` is None for a file that was not there. Empty when nothing changed."""
    found = change(before or "", after)
    if not found.old and not found.new:
        return ""
    old = _lines(before or "")
    head = old[max(0, found.start - CONTEXT) : found.start]
    foot = old[found.end : found.end + CONTEXT]
    rows = [(" ", line) for line in head] + [("-", line) for line in found.old]
    rows += [("+", line) for line in found.new] + [(" ", line) for line in foot]
    around = len(head) + len(foot)
    first = found.start - len(head)
    ranges = f"@@ -{_range(first, len(found.old) + around)} +{_range(first, len(found.new) + around)} @@"
    names = f"--- {'/dev/null' if before is None else 'a/' + path}\n+++ b/{path}\n"
    return names + ranges + "\n" + "".join(_row(sign, line) for sign, line in rows)


def _range(first: int, count: int) -> str:
    """A range in the way of `diff -u`: one-based, and the line before it when it is empty."""
    start = first + 1 if count else first
    return str(start) if count == 1 else f"{start},{count}"


def _row(sign: str, line: str) -> str:
    return sign + line if line.endswith("\n") else f"{sign}{line}\n{NO_NEWLINE}\n"


def one_line(before: str | None, after: str, width: int = 100) -> str:
    """The change on one line, for people: `-old +new`, or how many lines went and came."""
    found = change(before or "", after)
    if before is None:
        return f"+{len(found.new)} lines (new file)"
    if len(found.old) <= 1 and len(found.new) <= 1:
        parts = ["-" + line.strip() for line in found.old] + ["+" + line.strip() for line in found.new]
        text = "  ".join(parts)
        if len(text) <= width:
            return f"{found.start + 1}: {text}" if text else "no change"
    return f"{found.start + 1}: -{len(found.old)} +{len(found.new)} lines"
