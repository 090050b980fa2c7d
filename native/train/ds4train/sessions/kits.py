"""Modules with one wrong spot, and tests whose assertion says what is expected."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass

from . import names, values, words
from .configs import Planned, folder
from .kinds import KINDS
from .programs import a_constant


@dataclass
class Kit:
    """A module with one wrong spot, and its test.

    `wrong` and `right` are the line before and after (stripped).
    """

    module: Planned
    test: Planned
    target: str  # what the test calls or reads
    wrong: str
    right: str
    constant: bool  # the wrong line itself names the target
    style: str  # pytest, unittest, script
    function: str  # the test function
    line: str  # the failing line of the test
    left: str = ""
    expected: str = ""
    shown: str = ""  # the left expression
    message: str = ""
    before: str = ""  # the line that computes `result`, where the assertion is about that
    marks: str = "F"  # pytest's progress: one letter a test


_OPERATIONS: tuple[tuple[str, str, str, str, str, Callable[[int, int], int]], ...] = (
    ("add", "a, b", "return a {op} b", "-", "+", lambda x, y: x + y),
    ("subtract", "a, b", "return a {op} b", "+", "-", lambda x, y: x - y),
    ("multiply", "a, b", "return a {op} b", "+", "*", lambda x, y: x * y),
    ("total", "x, y", "return x {op} y", "-", "+", lambda x, y: x + y),
    ("area", "width, height", "return width {op} height", "+", "*", lambda x, y: x * y),
    ("difference", "a, b", "return a {op} b", "+", "-", lambda x, y: x - y),
    ("product", "a, b", "return a {op} b", "-", "*", lambda x, y: x * y),
    ("plus", "a, b", "return a {op} b", "*", "+", lambda x, y: x + y),
    ("minus", "a, b", "return a {op} b", "*", "-", lambda x, y: x - y),
    ("power", "a, b", "return a {op} b", "*", "**", lambda x, y: x**y),
    ("largest", "a, b", "return {op}(a, b)", "min", "max", max),
    ("smallest", "a, b", "return {op}(a, b)", "max", "min", min),
    ("maximum", "a, b", "return {op}(a, b)", "min", "max", max),
    ("minimum", "a, b", "return {op}(a, b)", "max", "min", min),
)


def kit(rng: random.Random, split: str) -> Kit:
    """A bug of one of the shapes, with neighbours around it that are right."""
    base = "" if rng.random() < 0.75 else folder(rng, split).split("/")[0].rstrip("/")
    stem = names.module_stem(rng, split)
    while stem in names.RESERVED or stem.startswith("test"):
        stem = names.module_stem(rng, split)
    r = rng.random()
    old = values.value(
        rng,
        split,
        rng.choice(
            ("int", "int", "float", "phrase", "word", "str", "version", "negative", "duration", "host")
        ),
    )
    new = values.other_value(rng, split, old)
    py = KINDS["py"].literal
    if r < 0.33:
        target = names.ident(rng, split, "upper", 1, 3)
        wrong, right, body, call = (
            f"{target} = {py(old)}",
            f"{target} = {py(new)}",
            [f"{target} = {py(old)}"],
            target,
        )
        expected, constant = py(new), True
    elif r < 0.62:
        target = names.function_name(rng, split)
        wrong, right = f"return {py(old)}", f"return {py(new)}"
        body, call, expected, constant = [f"def {target}():", f"    {wrong}"], f"{target}()", py(new), False
    elif r < 0.72:
        target, key = names.ident(rng, split, "upper", 1, 2), names.ident(rng, split, "snake", 1, 2)
        wrong, right = f'"{key}": {py(old)},', f'"{key}": {py(new)},'
        other = names.ident(rng, split, "snake", 1, 2)
        body = [
            f"{target} = {{",
            f"    {wrong}",
            f'    "{other if other != key else other + "_x"}": {rng.randint(1, 99)},',
            "}",
        ]
        call, expected, constant = f'{target}["{key}"]', py(new), False
    elif r < 0.9:
        verb, args, shape, bad, good, op = rng.choice(_OPERATIONS)
        noun = rng.choice(words.NOUNS[split])
        target = rng.choice((verb, f"{verb}_{noun}", f"{verb}_{noun}", f"{noun}_{verb}"))
        wrong, right = shape.format(op=bad), shape.format(op=good)
        while True:
            x, y = rng.randint(2, 12), rng.randint(2, 12)
            bad_value = {"-": x - y, "+": x + y, "*": x * y, "min": min(x, y), "max": max(x, y)}[bad]
            if op(x, y) != bad_value:
                break
        body, call, expected, constant = (
            [f"def {target}({args}):", f"    {wrong}"],
            f"{target}({x}, {y})",
            str(op(x, y)),
            False,
        )
    elif r < 0.95:
        target, who = names.function_name(rng, split), rng.choice(words.PEOPLE[split])
        good, bad = rng.sample(
            ("Hello", "Hi", "Welcome", "Goodbye", "Dear", "Hey", names.invented(rng).title()), 2
        )
        shape, said = rng.choice(
            (
                ('return "{x}, " + name', "{x}, {n}"),
                ('return "{x} " + name', "{x} {n}"),
                ('return f"{x}, {{name}}!"', "{x}, {n}!"),
                ('return f"{x} {{name}}"', "{x} {n}"),
            )
        )
        wrong, right = (
            shape.replace("{{", "{").replace("}}", "}").replace("{x}", bad),
            shape.replace("{{", "{").replace("}}", "}").replace("{x}", good),
        )
        body, call, expected, constant = (
            [f"def {target}(name):", f"    {wrong}"],
            f'{target}("{who}")',
            '"' + said.format(x=good, n=who) + '"',
            False,
        )
    else:
        w, k = names.word(rng, split), rng.sample(range(1, 60), 3)
        verb, args, wrong, right, given, expected = rng.choice(
            (
                ("shout", "text", "return text.lower()", "return text.upper()", f'"{w}"', f'"{w.upper()}"'),
                (
                    "whisper",
                    "text",
                    "return text.upper()",
                    "return text.lower()",
                    f'"{w.upper()}"',
                    f'"{w.lower()}"',
                ),
                ("first", "items", "return items[1]", "return items[0]", str(k), str(k[0])),
                ("last", "items", "return items[0]", "return items[-1]", str(k), str(k[-1])),
                ("count", "items", "return len(items) + 1", "return len(items)", str(k), "3"),
                ("total", "items", "return max(items)", "return sum(items)", str(k), str(sum(k))),
                ("double", "n", "return n * 3", "return n * 2", str(k[0]), str(k[0] * 2)),
                ("increment", "n", "return n - 1", "return n + 1", str(k[0]), str(k[0] + 1)),
                ("square", "n", "return n + n", "return n * n", str(k[0] + 2), str((k[0] + 2) ** 2)),
                ("is_even", "n", "return n % 2 == 1", "return n % 2 == 0", str(k[0] * 2), "True"),
            )
        )
        target = rng.choice(
            (verb, f"{verb}_{rng.choice(words.NOUNS[split])}", f"{verb}_{names.invented(rng)}")
        )
        body, call, constant = [f"def {target}({args}):", f"    {wrong}"], f"{target}({given})", False
    return _assemble(rng, split, base, stem, target, wrong, right, body, call, expected, constant)


def _assemble(
    rng: random.Random,
    split: str,
    base: str,
    stem: str,
    target: str,
    wrong: str,
    right: str,
    body: list[str],
    call: str,
    expected: str,
    constant: bool,
) -> Kit:
    taken = {target}

    def neighbours(count: int) -> list[list[str]]:
        made = []
        for _ in range(count):
            if constant:
                c = a_constant(rng, split, ("int", "word", "float", "version"))
                name, piece = c.key, [c.line]
            else:
                name = names.function_name(rng, split)
                piece = [f"def {name}(value):", f"    return value {rng.choice('+*-')} {rng.randint(2, 50)}"]
            if name not in taken:
                taken.add(name)
                made.append(piece)
        return made

    pieces = [*neighbours(rng.choice((0, 0, 1, 2))), body, *neighbours(rng.choice((0, 0, 1, 2)))]
    gap = [] if constant else ["", ""]
    lines: list[str] = (
        [f'"""{names.sentence(rng, split)}"""', *(["", ""] if not constant else [""])]
        if rng.random() < 0.25
        else []
    )
    for i, piece in enumerate(pieces):
        lines += (gap if i else []) + piece
    prefix = f"{base}/" if base else ""
    module = Planned(f"{prefix}{stem}.py", "\n".join(lines) + "\n", "code")
    style = rng.choice(("pytest", "pytest", "pytest", "unittest", "script", "script"))
    extra = _passing(rng, split, stem, [p for p in pieces if p is not body], style)
    test, function, line, message, before = _test(rng, split, style, stem, target, call, expected, extra)
    name = (
        f"test_{stem}.py"
        if style != "script"
        else rng.choice((f"check_{stem}.py", f"check_{stem}.py", "check.py", "verify.py", f"test_{stem}.py"))
    )
    where = "tests/" if style in ("pytest", "unittest") and not prefix and rng.random() < 0.25 else prefix
    planned = Planned(f"{where}{name}", test, "code")
    starts = [x for x in test.split("\n") if x.startswith("def test_")]
    marks = "".join("F" if x.startswith(f"def {function}(") else "." for x in starts) or "F"
    return Kit(
        module,
        planned,
        target,
        wrong,
        right,
        constant,
        style,
        function,
        line,
        expected=expected,
        shown=call,
        message=message,
        before=before,
        marks=marks,
    )


def _passing(
    rng: random.Random, split: str, stem: str, others: list[list[str]], style: str
) -> list[tuple[str, list[str]]]:
    """(imported name, test function) for neighbours that are right."""
    out: list[tuple[str, list[str]]] = []
    for piece in others:
        if style != "pytest" or rng.random() < 0.4 or not piece[0].startswith("def "):
            continue
        name = piece[0].removeprefix("def ").split("(")[0]
        number = rng.randint(1, 30)
        result = eval(piece[1].strip().removeprefix("return "), {"value": number})
        out.append((name, [f"def test_{name}():", f"    assert {name}({number}) == {result}"]))
    return list({name: (name, lines) for name, lines in out}.values())


_MESSAGES = (
    "expected {e}",
    "expected {e}",
    "expected {e}, got {g}",
    "expected {e}, got {g}",
    "expected {e} but got {g}",
    "should be {e}",
    "{t} should be {e}",
    "{t} must be {e}",
    "want {e}, got {g}",
    "{t} should return {e}",
    "{t}: expected {e}",
    "wrong value for {t}, expected {e}",
    "got {g}, expected {e}",
    "{t} is wrong: expected {e}, got {g}",
    "the answer must be {e}",
    "must equal {e}",
    "{e} expected",
    "got {g} instead of {e}",
    "{t} has to be {e}",
    "the right value is {e}",
)


def _message(rng: random.Random, target: str, expected: str, got: str) -> str:
    """The assertion's message as source text (with its comma), or nothing."""
    if rng.random() < 0.35:
        return ""
    text = rng.choice(_MESSAGES)
    if '"' in got and "{g}" in text:
        text = "expected {e}"
    if text.startswith("{e}") and '"' in expected:
        text = "expected {e}"
    mark = "f" if "{g}" in text else ""
    if mark and "{" in expected:
        return ""
    text = text.replace("{e}", expected).replace("{t}", target).replace("{g}", "{" + got + "}")
    quote = "'" if '"' in text else '"'
    return "" if quote in text or "\\" in text else f", {mark}{quote}{text}{quote}"


def _test(
    rng: random.Random,
    split: str,
    style: str,
    stem: str,
    target: str,
    call: str,
    expected: str,
    extra: list[tuple[str, list[str]]],
) -> tuple[str, str, str, str, str]:
    """(text, function, failing line, message source, line before)."""
    function = f"test_{target.lower()}" if rng.random() < 0.7 else f"test_{names.word(rng, split)}"
    dotted = rng.random() < 0.15 and not extra
    full = f"{stem}.{call}" if dotted else call
    head = (
        f"import {stem}"
        if dotted
        else f"from {stem} import {', '.join(sorted({target, *(n for n, _ in extra)}))}"
    )
    before = (
        rng.choice(("result", "value", "actual", "got"))
        if "(" in call and style != "unittest" and rng.random() < 0.2
        else ""
    )
    subject, before = (before, f"{before} = {full}") if before else (full, "")
    message = _message(rng, target, expected, subject) if style != "unittest" else ""
    line = f"assert {subject} == {expected}{message}"
    steps = [before, line] if before else [line]
    if style == "script":
        more = rng.random()
        done = rng.choice(("ok", "all good", "passed", "OK", "all tests passed", names.word(rng, split)))
        if more < 0.3:
            text = [
                head,
                "",
                "",
                f"def {function}():",
                *[f"    {x}" for x in steps],
                "",
                "",
                'if __name__ == "__main__":',
                f"    {function}()",
                f'    print("{done}")',
            ]
        else:
            text = [head, "", *steps, f'print("{done}")']
    elif style == "unittest":
        line = f"self.assertEqual({full}, {expected})"
        name = names.ident(rng, split, "pascal", 1, 2)
        text = [
            "import unittest",
            "",
            head,
            "",
            "",
            f"class {name}Test(unittest.TestCase):",
            f"    def {function}(self):",
            f"        {line}",
            "",
            "",
            'if __name__ == "__main__":',
            "    unittest.main()",
        ]
    else:
        tests = [lines for _, lines in extra if lines[0] != f"def {function}():"]
        tests.insert(rng.randint(0, len(tests)), [f"def {function}():", *[f"    {x}" for x in steps]])
        text = [head]
        for lines in tests:
            text += ["", "", *lines]
    return "\n".join(text) + "\n", function, line, message, before
