"""A faulty project part in the tree: modules with wrong spots and the check that names what it expects."""

from __future__ import annotations

import random

from . import faults, glue, names
from .faultchecks import Case
from .faults import Piece
from .kits import Kit
from .plantforms import Planted, finish
from .sandbox import namespace
from .tree import Tree


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
    if style == "doctest" and any(p.other for p in pieces):
        return None  # it imports by the bare name
    package = "" if rng.random() < 0.55 else f"{_stem(rng, split)}/"
    stems = [_stem(rng, split)]
    if count > 1 and rng.random() < 0.4 and style not in ("own", "doctest"):
        stems = list({_stem(rng, split) for _ in range(count)})
        if len(stems) < count:
            return None
    of = [stems[i % len(stems)] for i in range(count)]
    beside = style in ("own", "doctest") or (
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
    whole = rng.random() < 0.2 and not (package and not beside) and style not in ("own", "doctest")
    cases = [
        _case(rng, s if beside or not package else f"{package[:-1]}.{s}", p, whole)
        for p, s in zip(pieces, of, strict=True)
    ]
    paths = [f"{package}{s}.py" for s in of]
    made = finish(rng, split, style, package, beside, pieces, paths, cases, files)
    return made if made and _sound(made) else None


def _sound(made: Planted) -> bool:
    for p, path in zip(made.pieces, made.paths, strict=True):
        text = made.files[p.other or path]
        if text.count(p.wrong) != 1 or p.right in text:
            return False
    return True


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
    """Whether pytest shows both values whole; no, if the fault makes one of them raise."""
    scope = dict(namespace(tree, kit.test.path))
    try:
        shown = [repr(eval(x, scope)) for x in (kit.shown, kit.expected)]
    except Exception:
        return False
    return max(map(len, shown)) <= 30


def _uproot(made: Planted, tree: Tree) -> None:
    for path in made.files:
        tree.remove(path)
