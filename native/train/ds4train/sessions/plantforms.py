"""The check of a planted fault: its file, the command that starts it, a wrapper around that command."""

from __future__ import annotations

import random
from dataclasses import dataclass

from . import faultchecks, glue, names
from .configs import Planned
from .faultchecks import Case
from .faults import Piece
from .kits import Kit
from .tree import Tree


@dataclass
class Planted:
    pieces: list[Piece]
    paths: list[str]  # the module of every piece
    check: str
    style: str  # script, own, unittest, pytest
    shape: str
    command: str
    files: dict[str, str]
    cases: list[Case]
    kit: Kit | None = None  # what pytest's report is made from
    wrapper: str = ""  # a shell script or Makefile that starts the check
    said: str = ""  # what the wrapper prints first
    rule: str = ""  # make's name of the rule that fails

    def intact(self, tree: Tree) -> bool:
        return all(tree.files.get(p) == t for p, t in self.files.items())


_SCRIPTS = ("check", "check", "checks", "selfcheck", "self_check", "verify", "validate", "sanity", "smoke", "audit",
            "run_checks", "quickcheck", "examples", "expectations", "guard")  # fmt: skip


def finish(rng: random.Random, split: str, style: str, package: str, beside: bool, pieces: list[Piece],
            paths: list[str], cases: list[Case], files: dict[str, str]) -> Planted | None:  # fmt: skip
    shape, kit = "", None
    if style == "own":
        check = paths[0]
        files[check] = files[check].rstrip("\n") + "\n".join(["", *faultchecks.own_check(rng, pieces)]) + "\n"
        return Planted(pieces, paths, check, style, shape, f"python3 {check}", files, cases)
    if style == "doctest":
        check = paths[0]
        files[check] = _examples(rng, cases) + files[check]
        good = files[check].count('"""') == 2
        return (
            Planted(pieces, paths, check, style, "", f"python3 -m doctest {check}", files, cases)
            if good
            else None
        )
    stem = paths[0].rsplit("/", 1)[-1][:-3]
    if style == "script":
        shape = rng.choice([n for n, (_, w) in faultchecks.SHAPES.items() for _ in range(w)])
        name = rng.choice(
            (*_SCRIPTS, f"check_{stem}", f"check_{stem}", f"{stem}_check", f"test_{stem}", f"verify_{stem}")
        )
        folder = (
            package if beside else rng.choice(("", "", "", "checks/", "scripts/", "tools/", "ci/", "tests/"))
        )
        head = ["import sys", "", 'sys.path.insert(0, ".")', ""] if folder and not beside else []
        check = f"{folder}{name}.py"
        text = faultchecks.script(rng, shape, cases, head)
        command = f"python3 {check}"
        if head and rng.random() < 0.3:
            text, command = text.replace("\n".join(head) + "\n", ""), f"PYTHONPATH=. {command}"
    elif style == "unittest":
        folder = rng.choice(("", "", "tests/", "tests/", "checks/", "spec/"))
        check = f"{folder}test_{stem}.py" if rng.random() < 0.8 else f"{folder}{stem}_test.py"
        text, dotted = faultchecks.unit(rng, split, cases), check[:-3].replace("/", ".")
        command = f"python3 -m unittest {rng.choice((dotted, dotted, check))}"
        if not folder and "unittest.main()" in text and rng.random() < 0.3:
            command = f"python3 {check}"
    else:
        check = f"{rng.choice(('', 'tests/'))}test_{stem}.py"
        text, kit = _pytest(rng, split, check, cases[0], pieces[0])
        command = f"python3 -m pytest -q {check}"
    if check in files or check[:-3] in {p.other[:-3] for p in pieces}:
        return None
    files[check] = text
    made = Planted(pieces, paths, check, style, shape, command, files, cases, kit)
    if style == "script" and rng.random() < 0.2:
        _wrap(rng, made)
    return made


def _wrap(rng: random.Random, made: Planted) -> None:
    """Start the check from a shell script or a Makefile."""
    say = rng.choice(("", "", "", f"checking {glue.a_word(rng)}", "running the checks"))
    echo = [f'echo "{say}"'] if say else []
    if rng.random() < 0.6:
        made.wrapper = rng.choice(
            (
                "check.sh",
                "ci.sh",
                "run_checks.sh",
                "test.sh",
                "scripts/check.sh",
                "ci/run.sh",
                "bin/verify.sh",
            )
        )
        head = rng.choice(
            (["#!/bin/sh"], ["#!/bin/sh", "set -e"], ["#!/bin/bash", "set -eu"], ["#!/bin/sh", ""])
        )
        text, made.command = (
            "\n".join([*head, *echo, made.command]),
            f"{rng.choice(('sh', 'bash'))} {made.wrapper}",
        )
    else:
        made.wrapper, rule = "Makefile", rng.choice(("check", "check", "test", "verify", "selfcheck"))
        rows = [f"{rule}:", *(f"\t@{x}" for x in [*echo, made.command])]
        before = rng.choice(([], [f".PHONY: {rule}", ""], [f"# {names.sentence(rng, 'train')}", ""]))
        text, made.rule = "\n".join([*before, *rows]), f"Makefile:{len(before) + len(rows)}: {rule}"
        made.command = f"make {rule}"
    made.said = say + "\n" if say else ""
    made.files[made.wrapper] = text + "\n"


def _pytest(rng: random.Random, split: str, check: str, case: Case, piece: Piece) -> tuple[str, Kit]:
    before, line, said = faultchecks.pytest_line(rng, case)
    function = f"test_{names.ident(rng, split, 'snake', 1, 2)}"
    rows = [f"    {x}" for x in (before, line) if x]
    text = "\n".join([case.import_line, "", "", f"def {function}():", *rows]) + "\n"
    planned = Planned(check, text, "code")
    kit = Kit(planned, planned, piece.target, piece.wrong, piece.right, False, "pytest", function, line,
              expected=piece.expected, shown=case.call, message=said, before=before)  # fmt: skip
    return text, kit


def _examples(rng: random.Random, cases: list[Case]) -> str:
    """A module's docstring with an example of every case, for doctest."""
    rows = [x for c in cases for x in (f">>> {c.call}", repr(eval(c.expected)))]
    return "\n".join([f'"""{names.sentence(rng, "train")}', "", *rows, '"""', "", ""])
