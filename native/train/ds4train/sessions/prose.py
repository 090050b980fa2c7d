"""Files without settings: notes, logs, tables, licences and small programs with functions to look at or
rename.
"""

from __future__ import annotations

import random

from . import names, values, words
from .configs import Planned, folder


def _lines(rng: random.Random, split: str, low: int, high: int) -> list[str]:
    return [names.sentence(rng, split) for _ in range(rng.randint(low, high))]


def notes(rng: random.Random, split: str) -> Planned:
    name = rng.choice(
        (
            "notes.txt",
            "todo.txt",
            "TODO",
            "TODO.md",
            "NOTES.md",
            "ideas.txt",
            "log.txt",
            "CHANGELOG.md",
            "README.md",
            "README",
            "list.txt",
            "AUTHORS",
            "journal.md",
            "meeting.txt",
            "requirements.txt",
            ".gitignore",
            "",
            "",
            "",
            "",
            "",
            "",
        )
    )
    if not name:
        name = f"{names.file_stem(rng, split)}.{rng.choice(('txt', 'md', 'txt', 'log', 'rst'))}"
    make = {
        "requirements.txt": _requirements,
        ".gitignore": _ignore,
        "AUTHORS": _authors,
        "CHANGELOG.md": _changelog,
    }.get(name)
    if make is None:
        make = rng.choice((_plain, _plain, _bullets, _markdown, _log)) if name != "README.md" else _markdown
    end = "\n" if rng.random() < 0.93 else ""
    return Planned(folder(rng, split) + name, "\n".join(make(rng, split)) + end, "text", prose=True)


def _plain(rng: random.Random, split: str) -> list[str]:
    return _lines(rng, split, 1, 8)


def _bullets(rng: random.Random, split: str) -> list[str]:
    mark = rng.choice(("- ", "* ", "- [ ] ", "", "{n}. "))
    return [mark.replace("{n}", str(i)) + line for i, line in enumerate(_lines(rng, split, 2, 8), 1)]


def _markdown(rng: random.Random, split: str) -> list[str]:
    out = [f"# {names.word(rng, split).title()}", "", *_lines(rng, split, 1, 3)]
    for _ in range(rng.randint(0, 2)):
        out += [
            "",
            f"## {names.word(rng, split).title()}",
            "",
            *[rng.choice(("", "- ")) + s for s in _lines(rng, split, 1, 4)],
        ]
    return out


_LEVELS = ("INFO", "WARN", "ERROR", "DEBUG")


def _log(rng: random.Random, split: str) -> list[str]:
    day = values.value(rng, split, "date").text
    return [
        f"{day} {rng.randint(0, 23):02d}:{rng.randint(0, 59):02d}:{rng.randint(0, 59):02d} "
        f"{rng.choice(_LEVELS)} {s}"
        for s in _lines(rng, split, 2, 10)
    ]


def _requirements(rng: random.Random, split: str) -> list[str]:
    return [
        names.ident(rng, split, "kebab", 1, 2)
        + rng.choice(("==", ">=", "~="))
        + values.value(rng, split, "version").text
        for _ in range(rng.randint(2, 7))
    ]


def _ignore(rng: random.Random, split: str) -> list[str]:
    return rng.sample(
        [
            "__pycache__/",
            "*.pyc",
            ".venv/",
            "build/",
            "dist/",
            "*.log",
            ".env",
            "node_modules/",
            "*.tmp",
            ".DS_Store",
            "coverage/",
        ],
        rng.randint(2, 6),
    )


def _authors(rng: random.Random, split: str) -> list[str]:
    return [
        f"{rng.choice(words.PEOPLE[split])} {names.invented(rng).title()} "
        f"<{values.value(rng, split, 'email').text}>"
        for _ in range(rng.randint(1, 5))
    ]


def _changelog(rng: random.Random, split: str) -> list[str]:
    out = ["# Changelog"]
    for _ in range(rng.randint(1, 3)):
        out += [
            "",
            f"## {values.value(rng, split, 'version').text}",
            "",
            *["- " + s for s in _lines(rng, split, 1, 3)],
        ]
    return out


def table(rng: random.Random, split: str) -> Planned:
    columns = [names.ident(rng, split, "snake", 1, 1) for _ in range(rng.randint(2, 4))]
    kinds = [rng.choice(("int", "word", "float", "date", "str")) for _ in columns]
    rows = [",".join(values.value(rng, split, k).text for k in kinds) for _ in range(rng.randint(2, 9))]
    path = folder(rng, split) + names.file_stem(rng, split) + ".csv"
    return Planned(path, "\n".join([",".join(columns), *rows]) + "\n", "csv", prose=True)


def page(rng: random.Random, split: str) -> Planned:
    title = values.value(rng, split, "phrase").text
    body = [f"    <p>{s}</p>" for s in _lines(rng, split, 1, 4)]
    text = [
        "<!DOCTYPE html>",
        "<html>",
        "  <head>",
        f"    <title>{title}</title>",
        "  </head>",
        "  <body>",
        f"    <h1>{title}</h1>",
        *body,
        "  </body>",
        "</html>",
    ]
    return Planned(
        folder(rng, split) + rng.choice(("index.html", "about.html", f"{names.file_stem(rng, split)}.html")),
        "\n".join(text) + "\n",
        "html",
        prose=True,
    )


def _py_function(rng: random.Random, split: str, name: str, callee: str | None) -> list[str]:
    a, b = names.ident(rng, split, "snake", 1, 1), names.ident(rng, split, "snake", 1, 1)
    doc = [f'    """{names.sentence(rng, split)}"""'] if rng.random() < 0.3 else []
    head = f"def {name}({a}, {b}):" if rng.random() < 0.5 and a != b else f"def {name}({a}):"
    result = names.ident(rng, split, "snake", 1, 2)
    bodies: list[list[str]] = [
        [f"    return {a} * {rng.randint(2, 99)}"],
        [f"    {result} = {a} + {rng.randint(1, 50)}", f"    return {result}"],
        [f"    if not {a}:", "        return None", f"    return {a}.strip()"],
        [
            f"    {result} = []",
            f"    for item in {a}:",
            f"        {result}.append(item)",
            f"    return {result}",
        ],
        [f'    return f"{names.word(rng, split)}: {{{a}}}"'],
    ]
    if callee:
        bodies = [[f"    {result} = {callee}({a})", f"    return {result}"], [f"    return {callee}({a})"]]
    return [head, *doc, *rng.choice(bodies)]


def module(rng: random.Random, split: str) -> Planned:
    """A Python module with a few functions that call each other (importable, does nothing when run)."""
    symbols: list[str] = []
    out: list[str] = [f'"""{names.sentence(rng, split)}"""', ""] if rng.random() < 0.4 else []
    for _ in range(rng.randint(1, 4)):
        name = names.function_name(rng, split)
        if name in symbols:
            continue
        callee = rng.choice(symbols) if symbols and rng.random() < 0.5 else None
        out += (["", ""] if out and out[-1] else []) + _py_function(rng, split, name, callee)
        symbols.append(name)
    if rng.random() < 0.25:
        name = names.ident(rng, split, "pascal", 1, 2)
        attribute = names.ident(rng, split, "snake", 1, 1)
        out += [
            "",
            "",
            f"class {name}:",
            f"    def __init__(self, {attribute}):",
            f"        self.{attribute} = {attribute}",
        ]
        symbols.append(name)
    return Planned(
        folder(rng, split) + names.module_stem(rng, split) + ".py",
        "\n".join(out) + "\n",
        "code",
        symbols=symbols,
    )


def foreign(rng: random.Random, split: str) -> Planned:
    """A source file of another language with functions."""
    ext = rng.choice(("js", "ts", "go", "rs", "c", "sh", "java", "rb"))
    how = "snake" if ext in ("rs", "c", "sh", "rb") else "camel"
    symbols, out = (
        [],
        {"go": ["package main", ""], "c": ["#include <stdio.h>", ""], "sh": ["#!/bin/bash", ""]}.get(ext, []),
    )
    for _ in range(rng.randint(1, 3)):
        name, arg, k = (
            names.function_name(rng, split, how),
            names.ident(rng, split, how, 1, 1),
            rng.randint(1, 99),
        )
        out += {
            "js": [f"function {name}({arg}) {{", f"  return {arg} + {k};", "}"],
            "ts": [f"export function {name}({arg}: number): number {{", f"  return {arg} * {k};", "}"],
            "go": [f"func {name}({arg} int) int {{", f"\treturn {arg} + {k}", "}"],
            "rs": [f"pub fn {name}({arg}: i64) -> i64 {{", f"    {arg} - {k}", "}"],
            "c": [f"int {name}(int {arg}) {{", f"    return {arg} + {k};", "}"],
            "sh": [f"{name}() {{", f'    echo "{arg} {k}"', "}"],
            "java": [
                f"class {name.title()} {{",
                f"    static int {name}(int {arg}) {{",
                f"        return {arg} + {k};",
                "    }",
                "}",
            ],
            "rb": [f"def {name}({arg})", f"  {arg} + {k}", "end"],
        }[ext] + [""]
        symbols.append(name)
    return Planned(
        folder(rng, split) + f"{names.ident(rng, split, 'snake', 1, 2)}.{ext}",
        "\n".join(out[:-1]) + "\n",
        "code",
        symbols=symbols,
    )
