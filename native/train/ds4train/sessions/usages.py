"""Files that use a name of another file: importers, tests, documents, with longer names beside it."""

from __future__ import annotations

import random
import re

from . import names, wild
from .configs import Planned, folder


def usage(rng: random.Random, split: str, plan: Planned) -> Planned | None:
    """A file that speaks of one name of `plan`; nothing where the name is no word."""
    pool = plan.symbols or [s.key for s in plan.spots] or [s.key for s in plan.settings]
    pool = [x for x in pool if re.fullmatch(r"[A-Za-z]\w{3,}", x)]
    stem, _, ext = plan.path.rpartition(".")
    if not pool or not stem:
        return None
    name, other = rng.choice(pool), names.ident(rng, split, "snake", 1, 2)
    if rng.random() < 0.35:
        return _document(rng, split, name, plan.path)
    if ext == "py":
        lines = _python(rng, split, name, stem.replace("/", "."))
    elif ext in ("js", "mjs", "ts", "tsx"):
        lines = [f'import {{ {name} }} from "./{stem}.js";', "", f"export const {other} = {name};"]
    elif ext in ("env", "sh", "mk"):
        lines, ext = ["#!/bin/sh", f'echo "${name}"', f'{other.upper()}="${{{name}}}"'], "sh"
    else:
        return _document(rng, split, name, plan.path)
    return Planned(f"{folder(rng, split)}{other}.{ext}", "\n".join(lines) + "\n", "code")


def _python(rng: random.Random, split: str, name: str, module: str) -> list[str]:
    word, extra = names.ident(rng, split, "snake", 1, 1), names.ident(rng, split, "snake", 1, 1)
    use = f"{name}({word})" if name[0].islower() or not name.isupper() else name
    last = module.rpartition(".")[2]
    return rng.choice(
        (
            [f"from {module} import {name}", "", "", f"def {extra}({word}):", f"    return {use}"],
            [f"import {module} as {last[:3]}_", "", f"{extra.upper()} = {last[:3]}_.{name}"],
            [f"from {module} import {name}  # {wild.english(rng, split)}", "", f"{name}_{extra} = {name}", f"print({name}_{extra})"],
            [f"from {module} import {name}", "", "", f"def test_{name}():", f"    {word} = {name}", f"    assert {word} is not None"],
        )
    )  # fmt: skip


def _document(rng: random.Random, split: str, name: str, path: str) -> Planned:
    word, text = wild.english(rng, split), names.sentence(rng, split)
    lines = rng.choice(
        (
            [f"# {word.title()}", "", f"`{name}` is in `{path}`.", "", text],
            [text, f"{path}: {name}, {name}_{word}", f"todo: {name} needs a {word}"],
            [f"- {word}: see {name}", f"- {text}"],
            [f"## {name}", "", text, "", f"Old{name} and {name}s are something else."],
        )
    )
    ext = rng.choice(("md", "txt", "md", "rst"))
    return Planned(
        f"{folder(rng, split)}{names.file_stem(rng, split)}.{ext}",
        "\n".join(lines) + "\n",
        "text",
        prose=True,
    )
