"""The interpreter's "Did you mean": CPython's choice of the name closest to a misspelt one."""

from __future__ import annotations

from collections.abc import Iterable
from types import TracebackType

_STEP, _CASE = 2, 1


def _distance(a: str, b: str) -> int:
    """Edits between two words; a change of case costs half of what any other does."""
    row = list(range(0, _STEP * len(b) + 1, _STEP))
    for i, x in enumerate(a, 1):
        before, row[0] = row[0], _STEP * i
        for j, y in enumerate(b, 1):
            change = 0 if x == y else _CASE if x.lower() == y.lower() else _STEP
            before, row[j] = row[j], min(row[j] + _STEP, row[j - 1] + _STEP, before + change)
    return row[-1]


def closest(wrong: str, names: Iterable[str]) -> str:
    best, least = "", 1 << 30
    for name in names:
        if name == wrong:
            continue
        cost = _distance(wrong, name)
        if cost <= (len(name) + len(wrong) + 3) * _STEP // 6 and cost < least:
            best, least = name, cost
    return best


def hint(error: Exception, stack: TracebackType | None) -> str:
    """What the interpreter appends to the message of an unknown name or attribute."""
    names: list[str] = []
    if isinstance(error, NameError) and stack is not None:
        while stack.tb_next is not None:
            stack = stack.tb_next
        frame = stack.tb_frame
        names = [*frame.f_locals, *frame.f_globals, *frame.f_builtins]
    elif isinstance(error, AttributeError) and error.obj is not None:
        names = dir(error.obj)
    wanted: str | None = getattr(error, "name", None)
    found = closest(wanted, names) if names and wanted else ""
    return f". Did you mean: '{found}'?" if found else ""
