"""Small programs whose output is known: scripts to run, and modules with a wrong value and a test that says
so.
"""

from __future__ import annotations

import random
from collections.abc import Callable

from . import names, values
from .configs import Planned, Setting, folder
from .kinds import KINDS
from .sandbox import run_script
from .tree import Tree
from .values import Value


def a_constant(rng: random.Random, split: str, kinds: tuple[str, ...]) -> Setting:
    value = values.value(rng, split, rng.choice(kinds))
    key = names.ident(rng, split, "upper", 1, 2)
    literal = KINDS["py"].literal(value)
    return Setting(key, value, f"{key} = {literal}", literal)


def script(rng: random.Random, split: str) -> Planned:
    """A Python program with one or two constants that prints a few lines."""
    a, b = (
        a_constant(rng, split, ("phrase", "word", "str", "version", "host")),
        a_constant(rng, split, ("int",)),
    )
    b = a_constant(rng, split, ("int",)) if b.key == a.key else b
    small = Setting(b.key, Value(str(rng.randint(1, 4)), "int"), "", "")
    small.line, small.literal = f"{small.key} = {small.value.text}", small.value.text

    def w() -> str:
        return names.word(rng, split)

    fn = names.function_name(rng, split)
    say = names.sentence(rng, split)
    shapes: tuple[Callable[[], tuple[list[Setting], list[str]]], ...] = (
        lambda: ([a], [f"print({a.key})"]),
        lambda: ([a], [f'print("{w()}:", {a.key})']),
        lambda: ([b], [f"print({b.key} * {rng.randint(2, 12)})"]),
        lambda: ([a, b], [f'print(f"{{{a.key}}} {{{b.key}}}")']),
        lambda: ([a, small], [f"for i in range({small.key}):", f"    print(i, {a.key})"]),
        lambda: (
            [b],
            [f"def {fn}(n):", f"    return n + {rng.randint(1, 99)}", "", "", f"print({fn}({b.key}))"],
        ),
        lambda: (
            [a],
            [
                f"def {fn}():",
                f"    return {a.key}.upper()",
                "",
                "",
                'if __name__ == "__main__":',
                f"    print({fn}())",
            ],
        ),
        lambda: ([], [f'print("{say}")']),
        lambda: ([], [f"print({rng.randint(2, 99)} + {rng.randint(2, 99)})"]),
        lambda: ([], [f'print("{w()}")', f'print("{w()}")', f'print("{w()}")']),
        lambda: (
            [a],
            [
                "def main():",
                f'    print("{w()} {w()}")',
                f"    print({a.key})",
                "",
                "",
                'if __name__ == "__main__":',
                "    main()",
            ],
        ),
        lambda: (
            [],
            [
                f'items = ["{w()}", "{w()}", "{w()}"]',
                "for item in items:",
                "    print(item)",
                "print(len(items))",
            ],
        ),
        lambda: ([], ["import sys", "", f'print("{say}")', f"sys.exit({rng.randint(1, 9)})"]),
        lambda: (
            [b],
            [
                "total = 0",
                f"for n in [{', '.join(str(rng.randint(1, 40)) for _ in range(3))}]:",
                f"    total += n + {b.key}",
                f'print("{w()}", total)',
            ],
        ),
    )
    settings, body = rng.choice(shapes)()
    head = [s.line for s in settings] + ([""] if settings else [])
    if settings and body[0].startswith("def "):
        head.append("")
    path = (
        rng.choice((folder(rng, split), ""))
        + rng.choice(
            (
                names.ident(rng, split, "snake", 1, 2),
                names.ident(rng, split, "snake", 1, 2),
                "main",
                "hello",
                "run",
                "app",
                "report",
                "demo",
            )
        )
        + ".py"
    )
    return Planned(path, "\n".join(head + body) + "\n", "py", settings)


def shell_script(rng: random.Random, split: str) -> Planned:

    def w() -> str:
        return names.word(rng, split)

    a = a_constant(rng, split, ("str", "int", "version", "word"))
    line = f"{a.key}={a.value.text}"
    body = rng.choice(
        (
            [f'echo "{names.sentence(rng, split)}"'],
            [f'echo "{w()}: ${a.key}"'],
            [f'echo "{w()}"', f'echo "{w()} ${a.key}"'],
            [f'echo "{w()}"', f"exit {rng.randint(1, 9)}"],
        )
    )
    has = any("$" in x for x in body)
    text = ["#!/bin/bash", *([line] if has else []), *body]
    settings = [Setting(a.key, a.value, line, a.value.text)] if has else []
    return Planned(
        folder(rng, split) + names.ident(rng, split, "snake", 1, 2) + ".sh",
        "\n".join(text) + "\n",
        "sh",
        settings,
    )


def run_shell(text: str) -> tuple[str, int]:
    """Output of a script made of assignments, echo and exit."""
    values: dict[str, str] = {}
    out: list[str] = []
    for line in text.split("\n"):
        if line.startswith("echo "):
            said = line[5:].strip().strip("\"'")
            for key in sorted(values, key=len, reverse=True):
                said = said.replace(f"${key}", values[key])
            out.append(said + "\n")
        elif line.startswith("exit "):
            return "".join(out), int(line[5:])
        elif "=" in line and not line.startswith("#"):
            key, _, value = line.partition("=")
            values[key] = value.strip('"')
    return "".join(out), 0


def run(tree: Tree, path: str) -> tuple[str, int]:
    return run_shell(tree.files[path]) if path.endswith(".sh") else run_script(tree, path)


def small_script(rng: random.Random, split: str, ext: str) -> str:
    return (shell_script if ext == "sh" else script)(rng, split).text
