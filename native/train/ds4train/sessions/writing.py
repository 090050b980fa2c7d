"""Files that are described instead of given: small programs, key/value files."""

from __future__ import annotations

import json
import random
from dataclasses import dataclass

from . import names, values, words
from .grammar import Wordings
from .values import Value
from .world import World


@dataclass(frozen=True)
class Described:
    """What the user says the file does (`does`: verb phrase), and its text."""

    ext: str
    noun: str
    does: str
    text: str


def _quoted(rng: random.Random, text: str) -> str:
    mark = rng.choice(("'", '"', "`", '"'))
    return f"{mark}{text}{mark}"


def _say(rng: random.Random, split: str) -> str:
    return rng.choice((
        lambda: names.sentence(rng, split), lambda: values.value(rng, split, "phrase").text, lambda: names.invented(rng), lambda: names.word(rng, split),
        lambda: f"Hello, {rng.choice(words.PEOPLE[split])}!", lambda: f"{names.word(rng, split)} {rng.randint(1, 999)}", lambda: f"Hello {names.invented(rng).title()}",
    ))()  # fmt: skip


def describe(rng: random.Random, split: str) -> Described:
    say, fn = _say(rng, split), names.function_name(rng, split)
    n, m = rng.randint(2, 99), rng.randint(2, 9)
    q, show = (
        _quoted(rng, say),
        rng.choice(("prints", "prints", "outputs", "displays", "should print", "prints out")),
    )
    gives = rng.choice(("returns", "returns", "that returns", "returning")).removeprefix("that ")
    has = rng.choice(("defines", "has", "contains", "with"))
    a, b = names.ident(rng, split, "snake", 1, 1), names.ident(rng, split, "snake", 1, 1)
    a, b = (a, b) if a != b and rng.random() < 0.4 else ("a", "b")
    word, op = rng.choice((("sum", "+"), ("product", "*"), ("difference", "-")))
    script = rng.choice(("Python script", "Python program", "script", "Python file", "program"))
    shell = rng.choice(("shell script", "bash script"))
    value = values.value(rng, split, rng.choice(("int", "phrase", "word", "float", "version")))
    literal = value.text if value.kind in ("int", "float") else f'"{value.text}"'
    up = names.ident(rng, split, "upper", 1, 2)
    items = [names.word(rng, split) for _ in range(3)]
    return rng.choice((
        lambda: Described("py", script, f"{show} {q}", f'print("{say}")\n'),
        lambda: Described("py", script, f"{show} {q}", f'print("{say}")\n'),
        lambda: Described("py", script, f"{show} the text {q}", f'print("{say}")\n'),
        lambda: Described("py", script, f"{show} the number {n}", f"print({n})\n"),
        lambda: Described("py", script, f"{show} {n} {rng.choice(('times', '*'))} {m}", f"print({n} * {m})\n"),
        lambda: Described("py", script, f"{show} the sum of {n} and {m}", f"print({n} + {m})\n"),
        lambda: Described("py", script, f"{show} the numbers from 1 to {m}", f"for i in range(1, {m + 1}):\n    print(i)\n"),
        lambda: Described("py", script, f"{show} {q} {m} times", f'for _ in range({m}):\n    print("{say}")\n'),
        lambda: Described("py", "Python file", f"{has} a function {fn} that {gives} {q}".replace("that returning", "returning"), f'def {fn}():\n    return "{say}"\n'),
        lambda: Described("py", "Python file", f"{has} a function {fn} that {gives} {n}".replace("that returning", "returning"), f"def {fn}():\n    return {n}\n"),
        lambda: Described("py", "Python module", f"{has} a function {fn}({a}, {b}) that returns the {word} of {a} and {b}", f"def {fn}({a}, {b}):\n    return {a} {op} {b}\n"),
        lambda: Described("py", "Python module", f"{has} a function {fn}({a}) that returns {a} {op} {n}", f"def {fn}({a}):\n    return {a} {op} {n}\n"),
        lambda: Described("py", "Python file", f"{has} a constant {up} with the value {value.text if value.kind != 'phrase' else q.replace(say, value.text)}", f"{up} = {literal}\n"),
        lambda: Described("py", "Python file", f"sets {up} to {_quoted(rng, value.text) if value.kind not in ('int', 'float') else value.text}", f"{up} = {literal}\n"),
        lambda: Described("sh", shell, f"{show} {q}", f'#!/bin/bash\necho "{say}"\n'),
        lambda: Described("sh", shell, f"{rng.choice(('echoes', 'echos', 'prints'))} {q}", f'#!/bin/bash\necho "{say}"\n'),
        lambda: _json(rng, split),
        lambda: _json(rng, split),
        lambda: Described("txt", "text file", f"lists {items[0]}, {items[1]} and {items[2]}, one per line", "\n".join(items) + "\n"),
        lambda: Described("py", "Python file", f"{has} a list {a} with the items {', '.join(items[:2])} and {items[2]}", f'{a} = ["{items[0]}", "{items[1]}", "{items[2]}"]\n'),
    ))()  # fmt: skip


def _json(rng: random.Random, split: str) -> Described:
    data: dict[str, object] = {}
    spoken = []
    for _ in range(rng.randint(1, 3)):
        key = names.ident(rng, split, rng.choice(("snake", "camel")), 1, 2)
        value: Value = values.value(rng, split, rng.choice(("int", "word", "str", "bool", "version")))
        data[key] = (
            int(value.text)
            if value.kind == "int"
            else value.text == "true"
            if value.kind == "bool"
            else value.text
        )
        spoken.append(
            rng.choice(
                (
                    f"{key} set to {value.text}",
                    f"{key} = {value.text}",
                    f'"{key}": {json.dumps(data[key])}',
                    f"the key {key} with the value {value.text}",
                )
            )
        )
    does = "has " + (" and ".join(spoken) if len(spoken) < 3 else f"{spoken[0]}, {spoken[1]} and {spoken[2]}")
    return Described(
        "json", rng.choice(("JSON file", "JSON file", "JSON config")), does, json.dumps(data, indent=2) + "\n"
    )


_WRITE = Wordings("""
create {p}, a {noun} that {does}
create a {noun} {p} that {does}
create a {noun} [called|named] {p} that {does}
create {F} that {does}
create a file {p} that {does}
create a [new |]file [called|named] {p}, it {does}
write a {noun} {p} that {does}
write a {noun} [called|named] {p} that {does}
write {F} that {does}
write a {noun} that {does} [and save it as|in|to] {p}
make a {noun} {p} that {does}
make a {noun} [called|named] {p} which {does}
make {F}, a {noun} that {does}
add a {noun} {p} that {does}
add a [new |]file {p} that {does}
I need a {noun} {p} that {does}
I need a {noun} that {does}. [Call|Name] it {p}
we need {F}, a {noun} which {does}
{p}: a {noun} that {does}. [Create it|Write it|Please write it]
new {noun} {p} that {does}
[generate|produce] a {noun} {p} which {does}
put a {noun} that {does} into {p}
save a {noun} that {does} as {p}
implement {F}, a {noun} that {does}
""")


def create_program(world: World) -> bool:
    rng, s, v = world.rng, world.s, world.voice()
    made = describe(rng, world.split)
    if '"' in made.text.replace('"', "", 2) and "\\" in made.text:
        return False
    path = world.new_path(made.ext)
    slots = {"p": v.quoted(path, v.path_mark), "F": v.path(path), "noun": made.noun, "does": made.does}
    text = (
        _WRITE(rng, world.split, slots)
        .replace("that with ", "with ")
        .replace("which with ", "with ")
        .replace(", it with ", ", with ")
    )
    world.ask("create", text)
    think = rng.choice(
        (
            f"Create {path}: {made.noun}, {made.does}.",
            f"{path} is a new {made.noun}. It {made.does}.",
            f"Write {path} so that it {made.does}.",
        )
    )
    s.edit(think, command="create", path=path, file_text=made.text)
    s.answer(
        f"{path} is written.",
        rng.choice(
            (
                f"I created {path}. It {made.does}.",
                f"{path} is there now; it {made.does}.",
                f"I wrote {path}. It {made.does}.",
            )
        )
        .replace("It with ", "It has ")
        .replace("; it with ", "; it has "),
        path,
    )
    return True
