"""The indentation that a model lost, given back.

Models shift a whole answer to the left, or only its first line, or write spaces where the file has tabs. Each
of these mistakes is undone on trial, and the reading is taken that leaves most of the old lines as they were;
the answer as it stands wins a tie only against readings that do not bring it to where the old lines were.
"""

import re
from collections import Counter
from collections.abc import Sequence

_BLANK = re.compile(r"[ \t]*")


def restored(old: Sequence[str], new: Sequence[str]) -> list[str]:
    """`new`, indented as the lines `old` that it replaces; both without line ends."""
    given = list(new)
    if not any(line.strip() for line in old):
        return given
    readings = [reading for base in (_tabs(old, given), given) for reading in _readings(old, base)]
    held = Counter(line for line in old if line.strip())
    wanted = _first(old)

    def fits(reading: list[str]) -> tuple[int, bool]:
        stays = (Counter(line for line in reading if line.strip()) & held).total()
        return stays, _first(reading) == wanted

    return max(readings, key=fits)


def _readings(old: Sequence[str], new: list[str]) -> list[list[str]]:
    found = [new]
    want, have = common(old), common(new)
    if want != have:
        found.append(_moved(new, have, want))
    filled = [n for n, line in enumerate(new) if line.strip()]
    if filled and _first(new) != _first(old):
        first = filled[0]
        found.append([*new[:first], _first(old) + new[first].lstrip(" \t"), *new[first + 1 :]])
    return found


def _moved(lines: Sequence[str], have: str, want: str) -> list[str]:
    return [want + line[len(have) :] if line.strip() else line for line in lines]


def common(lines: Sequence[str]) -> str:
    """White space that all lines begin with that have more than that."""
    found = [indent(line) for line in lines if line.strip()]
    low, high = min(found, default=""), max(found, default="")
    return next((low[:n] for n, sign in enumerate(low) if sign != high[n]), low)


def indent(line: str) -> str:
    found = _BLANK.match(line)
    return found[0] if found else ""


def _first(lines: Sequence[str]) -> str:
    return next((indent(line) for line in lines if line.strip()), "")


def _tabs(old: Sequence[str], new: list[str]) -> list[str]:
    """With tabs in front where the old lines have them and the new ones spaces; the smallest step is one."""
    steps = [len(indent(line)) for line in new if line.strip() and line.startswith(" ")]
    if (
        not steps
        or not any(line.startswith("\t") for line in old)
        or any("\t" in indent(line) for line in new)
    ):
        return new
    step = min(b - a for a, b in zip([0, *sorted(set(steps))], sorted(set(steps)), strict=False))
    found = []
    for line in new:
        depth, rest = divmod(len(indent(line)), step)
        found.append("\t" * depth + " " * rest + line.lstrip(" "))
    return found
