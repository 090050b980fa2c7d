"""Programs that end with a traceback, to report or to repair, and files that are not there."""

from __future__ import annotations

import random
from dataclasses import dataclass

from . import glue, names, values, words
from . import phrasings_trouble as ask
from .sandbox import run_script
from .tree import status
from .world import World


@dataclass
class Crash:
    """A program with a mistake. `wrong` becomes `right`; an empty `right` means that nothing here can repair it."""

    lines: list[str]
    wrong: str = ""
    right: str = ""


def _misspelt(rng: random.Random, word: str) -> str:
    """The word with a letter left out, doubled or swapped."""
    at = rng.randint(1, len(word) - 2)
    return rng.choice((word[:at] + word[at + 1 :], word[: at + 1] + word[at:], word[:at] + word[at + 1] + word[at] + word[at + 2 :]))  # fmt: skip


def _name_error(rng: random.Random, split: str) -> Crash:
    name, value = names.ident(rng, split, "snake", 1, 2), rng.randint(2, 99)
    bad = _misspelt(rng, name)
    right, wrong = rng.choice(
        ((f"print({name})", f"print({bad})"), (f"total = {name} * 2", f"total = {bad} * 2"))
    )
    return Crash(
        [f"{name} = {value}", f'print("{glue.a_word(rng)}")', wrong], wrong, right if bad != name else ""
    )


def _key_error(rng: random.Random, split: str) -> Crash:
    data, key = names.ident(rng, split, "snake", 1, 1), names.ident(rng, split, "snake", 1, 2)
    other, bad = glue.a_word(rng) + "_x", _misspelt(rng, key)
    wrong, right = f'print({data}["{bad}"])', f'print({data}["{key}"])'
    return Crash(
        [f'{data} = {{"{key}": {rng.randint(1, 99)}, "{other}": {rng.randint(1, 99)}}}', wrong],
        wrong,
        right if bad != key else "",
    )


def _method(rng: random.Random, split: str) -> Crash:
    word = glue.a_word(rng)
    good = rng.choice(("upper", "lower", "title", "strip", "capitalize"))
    bad = _misspelt(rng, good)
    return Crash(
        [f'word = "{word}"', f"print(word.{bad}())"],
        f"print(word.{bad}())",
        f"print(word.{good}())" if not hasattr("", bad) else "",
    )


def _zero(rng: random.Random, split: str) -> Crash:
    fn, items = names.function_name(rng, split), names.ident(rng, split, "snake", 1, 1) + "_list"
    return rng.choice(
        (
            Crash(
                [f"def {fn}({items}):", f"    return sum({items}) / len({items})", "", "", f"print({fn}([]))"]
            ),
            Crash(["count = 0", f"print({rng.randint(2, 999)} / count)"]),
            Crash([f"size = {rng.randint(2, 99)}", "step = size - size", "print(size // step)"]),
        )
    )


def _other(rng: random.Random, split: str) -> Crash:
    a, b = glue.a_word(rng), glue.a_word(rng)
    n = rng.randint(3, 20)
    return rng.choice(
        (
            Crash([f'items = ["{a}", "{b}"]', f"print(items[{n}])"]),
            Crash([f'number = int("{a}")', "print(number)"]),
            Crash([f'print("{a}" + {n})']),
            Crash([f"import {a}_{b}", "", f"print({a}_{b}.run())"]),
            Crash([f'raise ValueError("{a} {b}")']),
            Crash([f'print("{a}")', f'raise RuntimeError("no {b} left")']),
            Crash(
                [f"def {a}(x):", "    return x", "", "", f"print({a}())"]
                if a.isidentifier() and a not in names.RESERVED
                else ["print(1 / 0)"]
            ),
            Crash(
                [
                    "value = None",
                    f"print(value.{a if a.isidentifier() and a not in names.RESERVED else 'name'})",
                ]
            ),
            Crash([f'text = open("{a}.{b}").read()', "print(text)"]),
        )
    )


def _exits(rng: random.Random, split: str) -> Crash:
    """A message and an exit code, no traceback."""
    a, n, code = names.ident(rng, split, "snake", 1, 2), rng.randint(1, 99), rng.choice((1, 1, 1, 2, 3))
    say = rng.choice(
        (
            f"{a} is too small",
            f"error: {a} must be at least {n + 5}",
            f"{a} missing",
            names.sentence(rng, split),
            f"bad {a}: {n}",
        )
    )
    say = say.replace('"', "").replace("\\", "")
    return Crash(
        [
            "import sys",
            "",
            f"{a} = {n}",
            f"if {a} < {n + 5}:",
            f'    print("{say}")',
            f"    sys.exit({code})",
            f'print("{glue.a_word(rng)}")',
        ]
    )


_FIXABLE = (_name_error, _key_error, _method)
_ANY = (_name_error, _key_error, _method, _zero, _zero, _other, _other, _other, _exits, _exits)


def _place(world: World, crash: Crash) -> str | None:
    """Put the program into the project before the session starts."""
    rng, tree = world.rng, world.tree
    stem = rng.choice(
        (
            names.ident(rng, world.split, "snake", 1, 2),
            rng.choice(words.MODULES[world.split]),
            glue.a_word(rng),
        )
    )
    where = rng.choice(("", "", "", "src/", "scripts/", "bin/", "tools/"))
    path = f"{where}{stem}.py"
    blocked = {*tree.files, *tree.folders}
    if (
        world.s.steps
        or path in blocked
        or where.rstrip("/") in tree.files
        or stem in names.RESERVED
        or not stem.isidentifier()
    ):
        return None
    text = "\n".join(crash.lines) + "\n"
    try:
        compile(text, path, "exec")
    except SyntaxError:
        return None
    tree.add(path, text)
    world.s.initial[path] = text
    return path


def _ask(world: World, path: str, fix: bool) -> str:
    rng, v = world.rng, world.voice()
    command = f"python3 {path}"
    mark = rng.choice(("`", "", ""))
    slots = {"c": f"{mark}{command}{mark}", "X": v.path(path), "x": v.quoted(path, v.path_mark)}
    world.ask(
        "fix" if fix else "run", (ask.CRASH_FIX if fix else ask.CRASH)(rng, world.split, slots), edits=False
    )
    return command


def _where(result: str, path: str) -> str:
    """`line N` of the innermost frame in the program."""
    numbers = [x.split(", line ")[1].split(",")[0] for x in result.split("\n") if f'{path}", line ' in x]
    return numbers[-1] if numbers else ""


def crash(world: World) -> bool:
    """Run a program that fails and say how."""
    rng, s = world.rng, world.s
    made = rng.choice(_ANY)(rng, world.split)
    path = _place(world, made)
    if path is None:
        return False
    command = _ask(world, path, fix=False)
    result = status(*run_script(world.tree, path))
    s.bash(rng.choice((f"Run `{command}`.", f"I run {command} to see.")), command, result)
    code = result.rsplit("[exit code: ", 1)[-1].rstrip("]") if "[exit code: " in result else "0"
    lines = result.split("\n")
    if "Traceback" not in result:
        said = "\n".join(lines[:-1]) if code != "0" else result
        s.answer(
            f"It ended with exit code {code}.",
            f"`{command}` printed `{said}` and ended with exit code {code}.",
            said,
        )
        return True
    last, number = lines[-2], _where(result, path)
    s.answer(
        f"It ends with `{last}` in line {number}.",
        rng.choice(
            (
                f"`{command}` fails in line {number} of {path}: {last}. The exit code is {code}.",
                f"It crashes with exit code {code}. The error is `{last}`, in line {number} of {path}.",
                f"{path} stops in line {number} with `{last}` (exit code {code}).",
            )
        ),
        last,
    )
    return True


def crash_fix(world: World) -> bool:
    """Repair a misspelling that a traceback shows; say so when the cause lies elsewhere."""
    rng, s = world.rng, world.s
    made = rng.choice(_FIXABLE if rng.random() < 0.8 else _ANY)(rng, world.split)
    if made.right and "\n".join(made.lines).count(made.wrong) != 1:
        return False
    path = _place(world, made) if made.right or not made.wrong else None
    if path is None:
        return False
    command = _ask(world, path, fix=True)
    result = status(*run_script(world.tree, path))
    s.bash(f"First I run {command}.", command, result)
    last = result.split("\n")[-2] if "[exit code" in result else result
    s.bash(f"It says `{last}`. Read {path}.", *world.tree.cat(path))
    if not made.right:
        s.answer(
            "What is right here cannot be seen from the code. I stop and say so.",
            f"`{command}` ends with `{last}`. The code does not show what was meant, so I changed nothing.",
            last,
        )
        return True
    s.edit(
        f"`{made.wrong}` is misspelt. It must be `{made.right}`.",
        command="str_replace",
        path=path,
        old_str=made.wrong,
        new_str=made.right,
    )
    again = status(*run_script(world.tree, path))
    s.bash(f"Run {command} again.", command, again)
    s.answer(
        "It runs now.",
        f"The error was `{last}`: {path} had `{made.wrong}`. It is now `{made.right}` and `{command}` works.",
        path,
    )
    return True


def missing(world: World) -> bool:
    """A request about a file that is not there: look for it, say so, stop."""
    rng, s, v = world.rng, world.s, world.voice()
    if rng.random() < 0.35:
        path = f"{names.file_stem(rng, world.split)}.py"
        if path in world.tree.files or world.tree.find_name(path)[1] != "(no output)":
            return False
        mark = rng.choice(("`", ""))
        command = f"python3 {path}"
        slots = {"c": f"{mark}{command}{mark}", "X": v.path(path), "x": v.quoted(path, v.path_mark)}
        world.ask("run", ask.CRASH(rng, world.split, slots), edits=False)
        error = f"python3: can't open file '{world.tree.cwd}/{path}': [Errno 2] No such file or directory"
        s.bash(f"Run `{command}`.", command, status(error, 2))
    else:
        path = world.new_path()
        if world.tree.find_name(path.rsplit("/", 1)[-1])[1] != "(no output)":
            return False
        value = values.value(rng, world.split).text
        slots = {"F": v.path(path), "p": v.quoted(path, v.path_mark), "v": v.value(value)}
        world.ask("missing", ask.MISSING(rng, world.split, slots), edits=False)
        s.bash(f"Read {path}.", *world.tree.cat(path))
    s.bash(f"{path} is not there. Is it elsewhere?", *world.tree.find_name(path.rsplit("/", 1)[-1]))
    s.answer(
        "There is no such file. I say so and stop.",
        rng.choice(
            (
                f"There is no {path} in this project, so I changed nothing.",
                f"{path} does not exist here, and I found no file of that name.",
                f"I could not find {path}. Nothing was changed.",
            )
        ),
        path,
    )
    return True
