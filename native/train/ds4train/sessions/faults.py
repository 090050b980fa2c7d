"""Pieces of modules with one wrong spot each: constants, entries, defaults, returns, formats, data files.

A piece is what stands in the module that a check imports; the wrong spot may stand elsewhere (in another module, in a
data file), and then the piece only leads there.
"""

from __future__ import annotations

import random

from . import faultlogic, faultplaces, glue, names
from .faultvalues import Piece, a_literal_like, keys, two

__all__ = ["Piece", "piece"]


def constant(rng: random.Random, split: str) -> Piece:
    name = names.ident(rng, split, rng.choice(("upper", "upper", "upper", "snake")), 1, 3)
    a, b = two(rng, split)
    kind = type(eval(b)).__name__
    shape = rng.choice(
        ("{n} = {v}",) * 4 + (f"{{n}}: {kind} = {{v}}", "{n}: Final = {v}", "{n} = {v}  # {c}")
    )
    comment = names.sentence(rng, split)
    wrong, right = (shape.replace("{c}", comment).replace("{n}", name).replace("{v}", v) for v in (a, b))
    head = ["from typing import Final", ""] if "Final" in shape else []
    return Piece([wrong], name, name, b, wrong, right, head)


def returned(rng: random.Random, split: str) -> Piece:
    """A function whose `return` (or the variable before it) holds the value."""
    name = names.function_name(rng, split)
    a, b = two(rng, split)
    r = rng.random()
    doc = [f'    """{names.sentence(rng, split)}"""'] if rng.random() < 0.35 else []
    if r < 0.55:
        wrong, right, rest = f"return {a}", f"return {b}", []
    elif r < 0.8:
        local = rng.choice(("result", "value", "default", "answer", glue.glued(rng)))
        local = "result" if local in names.RESERVED else local
        wrong, right, rest = f"{local} = {a}", f"{local} = {b}", [f"    return {local}"]
    else:
        note = names.sentence(rng, split)
        wrong, right, rest = f"return {a}  # {note}", f"return {b}  # {note}", []
    return Piece([f"def {name}():", *doc, f"    {wrong}", *rest], name, f"{name}()", b, wrong, right)


def entry(rng: random.Random, split: str) -> Piece:
    """An entry of a dict, read directly or by a function whose name says nothing about it."""
    table = names.ident(rng, split, "upper", 1, 2)
    known = keys(rng, split, rng.randint(2, 5))
    at = int(rng.random() * len(known))
    a, b = two(rng, split)
    held = {k: a_literal_like(rng, split, a) for k in known}
    held[known[at]] = a
    wrong, right = f'"{known[at]}": {a},', f'"{known[at]}": {b},'
    lines = [f"{table} = {{", *[f'    "{k}": {v},' for k, v in held.items()], "}"]
    if len(known) < 4 and rng.random() < 0.35:
        wrong, right = (
            f"{table} = {{" + ", ".join(f'"{k}": {v}' for k, v in {**held, known[at]: x}.items()) + "}"
            for x in (a, b)
        )
        lines = [wrong]
    if rng.random() < 0.5:
        return Piece(lines, table, f'{table}["{known[at]}"]', b, wrong, right)
    name, arg = names.function_name(rng, split), rng.choice(("name", "key", "item", "code", "kind"))
    body = rng.choice((f"return {table}[{arg}]", f"return {table}.get({arg})"))
    lines += ["", "", f"def {name}({arg}):", f"    {body}"]
    return Piece(lines, name, f'{name}("{known[at]}")', b, wrong, right)


def attribute(rng: random.Random, split: str) -> Piece:
    """A class attribute, a dataclass field, an enum member, an `__init__` default."""
    name = names.ident(rng, split, "pascal", 1, 2)
    known = [k for k in keys(rng, split, 4) if k.isidentifier() and k.isascii() and k.islower()]
    known = [k for k in known if k not in names.RESERVED][: rng.randint(1, 3)] or ["limit"]
    at = rng.choice(known)
    a, b = two(rng, split)
    if a[0] == "[":
        a, b = "4", "14"
    held = {k: a_literal_like(rng, split, a) for k in known} | {at: a}
    shape = rng.choice(("class", "data", "enum", "init"))
    if shape == "enum":
        held = {k: f"{i}{v}" if v.isdigit() else v for i, (k, v) in enumerate(held.items(), 1)} | {at: a}
        rows = [f"    {k.upper()} = {v}" for k, v in held.items()]
        lines = [f"class {name}(Enum):", *rows]
        wrong, right = f"{at.upper()} = {a}", f"{at.upper()} = {b}"
        call, head = f"{name}.{at.upper()}.value", ["from enum import Enum", "", ""]
        return Piece(lines, name, call, b, wrong, right, head)
    kind = type(eval(a)).__name__
    if shape == "class":
        wrong, right = f"{at} = {a}", f"{at} = {b}"
        rows = [f"    {k} = {v}" for k, v in held.items()]
        return Piece([f"class {name}:", *rows], name, f"{name}.{at}", b, wrong, right)
    if shape == "data":
        wrong, right = f"{at}: {kind} = {a}", f"{at}: {kind} = {b}"
        rows = [f"    {k}: {kind} = {v}" for k, v in held.items()]
        head = ["from dataclasses import dataclass", "", ""]
        return Piece(["@dataclass", f"class {name}:", *rows], name, f"{name}().{at}", b, wrong, right, head)
    wrong, right = f"self.{at} = {a}", f"self.{at} = {b}"
    rows = ["    def __init__(self):", *[f"        self.{k} = {v}" for k, v in held.items()]]
    return Piece([f"class {name}:", *rows], name, f"{name}().{at}", b, wrong, right)


_MAKERS = (
    *(constant,) * 4,
    *(returned,) * 4,
    *(entry,) * 4,
    *(attribute,) * 4,
    *(faultplaces.elsewhere,) * 3,
    *(faultplaces.data_file,) * 3,
)


def piece(rng: random.Random, split: str) -> Piece:
    if rng.random() < 0.36:
        verb = names.function_name(rng, split)
        made = faultlogic.pick(rng, split, verb)
        return Piece(made.lines, verb, made.call, made.expected, made.wrong, made.right)
    return rng.choice(_MAKERS)(rng, split)
