"""Faults whose wrong spot stands in another file than the one that the check imports."""

from __future__ import annotations

import json
import random

from . import glue, names
from .faultvalues import Piece, a_literal_like, keys, text_value, two


def elsewhere(rng: random.Random, split: str) -> Piece:
    """The check names one module, the value stands in another that this one imports."""
    stem = names.module_stem(rng, split)
    while stem in names.RESERVED or stem.startswith("test"):
        stem = names.module_stem(rng, split)
    key, name = names.ident(rng, split, "upper", 1, 2), names.function_name(rng, split)
    if rng.random() < 0.5:
        a, b = two(rng, split)
        lines, call, expected = [f"def {name}():", f"    return {key}"], f"{name}()", b
    else:
        n, x, y = rng.choice((1, 2, 3, 10)), *rng.sample(range(2, 60), 2)
        a, b = str(x), str(y)
        lines, call, expected = (
            [f"def {name}(count):", f"    return count * {key}"],
            f"{name}({n})",
            str(n * y),
        )
    others = [f"{names.ident(rng, split, 'upper', 1, 2)} = {a_literal_like(rng, split, a)}" for _ in range(2)]
    wrong, right = f"{key} = {a}", f"{key} = {b}"
    rows = [x for x in others if not x.startswith(f"{key} ")] + [wrong]
    rng.shuffle(rows)
    head = [f"from {stem} import {key}", "", ""]
    return Piece(lines, name, call, expected, wrong, right, head, f"{stem}.py", "\n".join(rows) + "\n", key)


def data_file(rng: random.Random, split: str) -> Piece:
    """The value stands in a JSON file or a plain list that the module reads."""
    known, name = keys(rng, split, rng.randint(2, 5)), names.function_name(rng, split)
    at, stem = rng.choice(known), rng.choice((glue.a_word(rng), names.word(rng, split)))
    where = rng.choice(("", "", "data/", "conf/", f"{names.word(rng, split)}/"))
    number = rng.random() < 0.6

    def one() -> object:
        return rng.randint(1, 999) if number else text_value(rng, split).text

    held = {k: one() for k in known}
    b = one()
    while b == held[at]:
        b = one()
    arg = rng.choice(("name", "key", "item", "what"))
    shown = json.dumps(b, ensure_ascii=False)
    if rng.random() < 0.6:
        path = f"{where}{stem}.json"
        text = json.dumps(held, indent=2, ensure_ascii=False)
        wrong = f'"{at}": {json.dumps(held[at], ensure_ascii=False)}'
        right, head = f'"{at}": {shown}', ["import json", "", ""]
        body = [f'    with open("{path}") as file:', f"        return json.load(file)[{arg}]"]
    else:
        mark = rng.choice(("=", ": ", " = "))
        path = f"{where}{stem}.{rng.choice(('txt', 'conf', 'cfg', 'list'))}"
        text = "\n".join(f"{k}{mark}{v}" for k, v in held.items())
        wrong, right, head = f"{at}{mark}{held[at]}", f"{at}{mark}{b}", []
        body = [f'    with open("{path}") as file:', "        for line in file:",
                f'            key, _, value = line.strip().partition("{mark}")',
                f"            if key == {arg}:", f"                return {'int(value)' if number else 'value'}"]  # fmt: skip
    lines = [f"def {name}({arg}):", *body]
    call = f'{name}("{at}")'
    return Piece(lines, name, call, shown, wrong, right, head, path, text + "\n", path)
