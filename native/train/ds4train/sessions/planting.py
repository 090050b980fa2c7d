"""A faulty project part in the tree: modules with wrong spots and the check that names what it expects."""

from __future__ import annotations

import random
from dataclasses import dataclass

from . import faultchecks, faults, glue, names
from .configs import Planned
from .faultchecks import Case
from .faults import Piece
from .kits import Kit
from .sandbox import namespace
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

    def intact(self, tree: Tree) -> bool:
        return all(tree.files.get(p) == t for p, t in self.files.items())


def _stem(rng: random.Random, split: str) -> str:
    while True:
        stem = names.module_stem(rng, split) if rng.random() < 0.7 else glue.a_word(rng)
        if stem not in names.RESERVED and not stem.startswith("test") and stem.isidentifier():
            return stem


def _neighbour(rng: random.Random, split: str) -> list[str]:
    if rng.random() < 0.4:
        return [f"{names.ident(rng, split, 'upper', 1, 2)} = {rng.randint(2, 99)}"]
    name = names.function_name(rng, split)
    return [f"def {name}(value):", f"    return value {rng.choice('+*-')} {rng.randint(2, 50)}"]


def _module(rng: random.Random, split: str, pieces: list[Piece]) -> str:
    blocks = [p.lines for p in pieces] + [_neighbour(rng, split) for _ in range(rng.choice((0, 0, 1, 2)))]
    rng.shuffle(blocks)
    plain = [x for p in pieces for x in p.head if x]
    heads = list(dict.fromkeys(sorted(plain, key=lambda x: x.split()[1])))
    out = [f'"""{names.sentence(rng, split)}"""', ""] if rng.random() < 0.2 else []
    out += [*heads, ""] if heads else []
    for i, block in enumerate(blocks):
        tall = len(block) > 1 or (i and len(blocks[i - 1]) > 1)
        out += ([""] * (2 if tall else 0) if i or heads else []) + block
    return "\n".join(out).replace("\n\n\n\n", "\n\n\n") + "\n"


def _case(rng: random.Random, dotted: str, piece: Piece, whole: bool) -> Case:
    if whole:
        return Case(f"{dotted}.{piece.call}", piece.expected, f"import {dotted}", piece.target)
    return Case(piece.call, piece.expected, f"from {dotted} import {piece.target}", piece.target)


_SCRIPTS = ("check", "check", "checks", "selfcheck", "self_check", "verify", "validate", "sanity", "smoke", "audit",
            "run_checks", "quickcheck", "examples", "expectations", "guard")  # fmt: skip


def make(rng: random.Random, split: str) -> Planted | None:
    """Pieces, modules and a check, or None where they would clash."""
    count = rng.choice((1, 1, 1, 1, 1, 2, 2, 3))
    style = rng.choice(
        ("script",) * 6 + ("own", "own", "unittest", "unittest", "unittest", "pytest", "pytest")
    )
    count = 1 if style == "pytest" else count
    pieces = [faults.piece(rng, split) for _ in range(count)]
    if len({p.target for p in pieces}) < count or len({p.other for p in pieces if p.other}) < sum(
        1 for p in pieces if p.other
    ):
        return None
    if style == "pytest" and pieces[0].expected.startswith("["):
        return None  # its report compares lists item by item
    package = "" if rng.random() < 0.55 else f"{_stem(rng, split)}/"
    stems = [_stem(rng, split)]
    if count > 1 and rng.random() < 0.4 and style != "own":
        stems = list({_stem(rng, split) for _ in range(count)})
        if len(stems) < count:
            return None
    of = [stems[i % len(stems)] for i in range(count)]
    beside = style == "own" or (
        style == "script" and rng.random() < 0.4
    )  # started in the module's own folder
    files: dict[str, str] = {}
    for stem in stems:
        files[f"{package}{stem}.py"] = _module(
            rng, split, [p for p, s in zip(pieces, of, strict=True) if s == stem]
        )
    if any(p.other.endswith(".py") and p.other[:-3] in stems for p in pieces):
        return None
    for p in pieces:
        if p.other.endswith(".py"):
            if package and not beside:
                dotted = f"{package.rstrip('/')}.{p.other[:-3]}"
                path = f"{package}{of[pieces.index(p)]}.py"
                files[path] = files[path].replace(f"from {p.other[:-3]} import", f"from {dotted} import")
            p.other = f"{package}{p.other}"
        if p.other:
            files[p.other] = p.other_text
    whole = rng.random() < 0.2 and not (package and not beside) and style != "own"
    cases = [
        _case(rng, s if beside or not package else f"{package[:-1]}.{s}", p, whole)
        for p, s in zip(pieces, of, strict=True)
    ]
    paths = [f"{package}{s}.py" for s in of]
    made = _finish(rng, split, style, package, beside, pieces, paths, cases, files)
    return made if made and _sound(made) else None


def _sound(made: Planted) -> bool:
    for p, path in zip(made.pieces, made.paths, strict=True):
        text = made.files[p.other or path]
        if text.count(p.wrong) != 1 or p.right in text:
            return False
    return True


def _finish(rng: random.Random, split: str, style: str, package: str, beside: bool, pieces: list[Piece],
            paths: list[str], cases: list[Case], files: dict[str, str]) -> Planted | None:  # fmt: skip
    shape, kit = "", None
    if style == "own":
        check = paths[0]
        files[check] = files[check].rstrip("\n") + "\n".join(["", *faultchecks.own_check(rng, pieces)]) + "\n"
        return Planted(pieces, paths, check, style, shape, f"python3 {check}", files, cases)
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
    return Planted(pieces, paths, check, style, shape, command, files, cases, kit)


def _pytest(rng: random.Random, split: str, check: str, case: Case, piece: Piece) -> tuple[str, Kit]:
    before, line, said = faultchecks.pytest_line(rng, case)
    function = f"test_{names.ident(rng, split, 'snake', 1, 2)}"
    rows = [f"    {x}" for x in (before, line) if x]
    text = "\n".join([case.import_line, "", "", f"def {function}():", *rows]) + "\n"
    planned = Planned(check, text, "code")
    kit = Kit(planned, planned, piece.target, piece.wrong, piece.right, False, "pytest", function, line,
              expected=piece.expected, shown=case.call, message=said, before=before)  # fmt: skip
    return text, kit


def plant(rng: random.Random, split: str, tree: Tree) -> Planted | None:
    """Put one into the tree, if nothing there clashes with its names."""
    made = make(rng, split)
    if made is None or any(p in tree.files or p in tree.folders for p in made.files):
        return None
    tops = {p.split("/")[0] for p in made.files if "/" in p}
    stems = {p.split("/")[0].removesuffix(".py") for p in made.files}
    taken = {f.removesuffix(".py") for f in tree.files} | {f.split("/")[0] for f in tree.files if "/" in f}
    if (
        tops & set(tree.files)
        or (stems - tops) & taken
        or (tops & {s for s in stems if f"{s}.py" in made.files})
    ):
        return None
    if any(
        p.target in text or p.target in names.RESERVED for p in made.pieces for text in tree.files.values()
    ):
        return None
    for path, text in made.files.items():
        tree.add(path, text)
    return made if made.kit is None or _short(made.kit, tree) else _uproot(made, tree)


def _short(kit: Kit, tree: Tree) -> bool:
    """Whether pytest shows both values whole."""
    scope = dict(namespace(tree, kit.test.path))
    return max(len(repr(eval(x, scope))) for x in (kit.shown, kit.expected)) <= 30


def _uproot(made: Planted, tree: Tree) -> None:
    for path in made.files:
        tree.remove(path)
