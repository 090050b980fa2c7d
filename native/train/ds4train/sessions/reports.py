"""pytest's short report for one test file with one test, as `python3 -m pytest -q` prints it (80 columns)."""

from __future__ import annotations

import difflib
import random

from .kits import Kit
from .sandbox import namespace
from .tree import Tree, status

_WIDTH = 80


def _progress(mark: str) -> str:
    return f"{mark}{'[100%]':>{_WIDTH - 1 - len(mark)}}"


def seconds(rng: random.Random) -> str:
    return f"0.{rng.randint(1, 9):02d}" if rng.random() < 0.9 else f"0.{rng.randint(10, 60)}"


def passed(rng: random.Random, count: int) -> str:
    return f"{_progress('.' * count)}\n{count} passed in {seconds(rng)}s"


def _explain(left: object, right: object) -> list[str]:
    """The lines below `assert left == right` for texts; nothing for numbers."""
    if not (isinstance(left, str) and isinstance(right, str)):
        return []
    diff = [line.strip("\n") for line in difflib.ndiff(right.splitlines(True), left.splitlines(True))]
    return ["", *diff]


def failed(rng: random.Random, tree: Tree, kit: Kit, rootdir_path: str) -> str:
    """The report of the kit's failing test; `rootdir_path` is the test file relative to where pytest ran."""
    lines = tree.lines(kit.test.path)
    number = next(i for i, x in enumerate(lines) if x.strip() == kit.line)
    start = next(i for i, x in enumerate(lines) if x.startswith(f"def {kit.function}("))
    scope = dict(namespace(tree, kit.test.path))
    if kit.before:
        exec(kit.before, scope)
    expression = kit.line.removeprefix("assert ").split(" == ")[0]
    left, right = eval(expression, scope), eval(kit.expected, scope)
    message = eval(kit.message.removeprefix(", "), scope) if kit.message else ""
    headline = f"assert {left!r} == {right!r}"
    body = _explain(left, right)
    where = [] if body else _where(expression, left)
    if message:
        first, rest = f"AssertionError: {message}", [headline, *body, *where]
    else:
        whole = "\n".join([headline, *body, *where])
        first, rest = (
            (headline if repr(whole).startswith("'") else f"AssertionError: {headline}"),
            [*body, *where],
        )
    shown = [
        "    " + x if i != number else ">   " + x for i, x in enumerate(lines[start : number + 1], start)
    ]
    title = f" {kit.function} "
    out = [_progress(kit.marks), f"{' FAILURES ':=^{_WIDTH}}", f"{title:_^{_WIDTH}}", "", *shown]
    out += [
        f"E       {first}",
        *[f"E       {x}" if x.startswith(("assert", " +")) else f"E         {x}" for x in rest],
    ]
    out += ["", f"{rootdir_path}:{number + 1}: AssertionError", f"{' short test summary info ':=^{_WIDTH}}"]
    summary = f"FAILED {rootdir_path}::{kit.function} - {first}"
    out += [
        summary if len(summary) <= _WIDTH else summary[: _WIDTH - 3] + "...",
        _tally(kit.marks) + f" in {seconds(rng)}s",
    ]
    return "\n".join(out)


def collected(rng: random.Random, tree: Tree, kit: Kit, path: str) -> str | None:
    """The report of a test file whose assertion stands outside of any function: it fails while it is read."""
    lines = tree.lines(path)
    number = next(i for i, x in enumerate(lines, 1) if x.strip() == kit.line)
    scope = dict(namespace(tree, kit.module.path))
    if kit.before:
        return None
    expression = kit.line.removeprefix("assert ").split(" == ")[0]
    if "." in expression.split("(")[0]:
        return None
    left, right = eval(expression, scope), eval(kit.expected, scope)
    if max(len(repr(left)), len(repr(right))) > 50:
        return None
    message = eval(kit.message.removeprefix(", "), scope) if kit.message else ""
    rest = []
    if expression.endswith(")"):
        name, _, given = expression.partition("(")
        address = f"0x7f{rng.randrange(16**10):010x}"
        rest = [f" +  where {left!r} = <function {name} at {address}>({given.replace(chr(34), chr(39))}"]
    headline = f"assert {left!r} == {right!r}"
    if message:
        first, rest = f"AssertionError: {message}", [headline, *rest]
    else:
        plain = repr("\n".join([headline, *rest])).startswith("'")
        first = headline if plain else f"AssertionError: {headline}"
    title = f" ERROR collecting {path} "
    summary = f"ERROR {path} - {first}"
    return "\n".join(
        [
            "",
            f"{' ERRORS ':=^{_WIDTH}}",
            f"{title:_^{_WIDTH}}",
            f"{path}:{number}: in <module>",
            f"    {kit.line}",
            *[f"E   {x}" for x in [first, *rest]],
            f"{' short test summary info ':=^{_WIDTH}}",
            summary if len(summary) <= _WIDTH else summary[: _WIDTH - 3] + "...",
            f"{' Interrupted: 1 error during collection ':!^{_WIDTH}}",
            f"1 error in {seconds(rng)}s",
        ]
    )


def doctest(tree: Tree, path: str, examples: list[tuple[str, str]]) -> str:
    """What `python3 -m doctest` says of a module whose own docstring holds the examples."""
    lines, name = tree.lines(path), path.rsplit("/", 1)[-1].removesuffix(".py")
    scope = dict(namespace(tree, path))
    out, bad = [], 0
    for call, expected in examples:
        got, want = eval(call, scope), eval(expected)
        if got != want:
            bad += 1
            where = f'File "{tree.cwd}/{path}", line {lines.index(f">>> {call}") + 1}, in {name}'
            out += [
                "*" * 70,
                where,
                "Failed example:",
                f"    {call}",
                "Expected:",
                f"    {want!r}",
                "Got:",
                f"    {got!r}",
            ]
    if not bad:
        return status("", 0)
    tally = f"{bad:4d} of {len(examples):3d} in {name}"
    out += ["*" * 70, "1 items had failures:", tally, f"***Test Failed*** {bad} failures."]
    return status("\n".join(out), 1)


def _tally(marks: str) -> str:
    good = marks.count(".")
    return "1 failed" + (f", {good} passed" if good else "")


def _where(expression: str, left: object) -> list[str]:
    """`where` lines for a call or an attribute; names and subscripts have none."""
    if expression.endswith(")") and "." in expression.split("(")[0]:
        return []  # the module's repr holds an absolute path; such tests are not reported by pytest here
    if expression.endswith(")"):
        return [f" +  where {left!r} = {expression.replace(chr(34), chr(39))}"]
    if "." in expression and "[" not in expression:
        return [f" +  where {left!r} = {expression}"]
    return []
