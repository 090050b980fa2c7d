"""Checks of planted faults: scripts with bare asserts, messages, loops and prints, unittest files, self checks."""

from __future__ import annotations

import random
from dataclasses import dataclass

from . import glue, names
from .faults import Piece


@dataclass
class Case:
    """One assertion: `call` as the check writes it (with its module in front where it is imported whole)."""

    call: str
    expected: str
    import_line: str
    target: str


_MESSAGES = (
    "expected {e}", "expected {e}", "expected {e}, got {g}", "expected {e}, got {g}", "expected {e} but got {g}",
    "should be {e}", "{t} should be {e}", "{t} must be {e}", "want {e}, got {g}", "{t} should give {e}",
    "{t}: expected {e}", "{t}: expected {e}, got {g}", "wrong {t}: expected {e}", "got {g}, expected {e}",
    "{t} is {g}, but it must be {e}", "the answer must be {e}", "must equal {e}", "{e} expected, {g} found",
    "got {g} instead of {e}", "{t} has to be {e}", "the right value is {e}", "{t}: {g} != {e}",
    "we promised {e}", "the spec says {e}", "{t} = {g}, want {e}", "bad {t}: {g} (want {e})", "not {e}: {g}",
    "{t} changed! It used to be {e}", "{t} returned {g}. Correct is {e}", "oops, {g} is not {e}", "{w}: want {e}",
    "the {w} check wants {e}", "FAIL {t} (expected {e})", "{t} needs to be {e} ({w})", "it says {g}, {e} is right",
)  # fmt: skip
_DONE = (
    "ok",
    "all good",
    "OK",
    "passed",
    "all checks passed",
    "fine",
    "everything ok",
    "done",
    "0 problems",
    "green",
)


def message(rng: random.Random, case: Case, got: str) -> str:
    """An f-string or a plain literal as source, or nothing where quotes would clash."""
    template = rng.choice(_MESSAGES)
    bare = case.expected.strip('"') if rng.random() < 0.5 else case.expected
    mark = "f" if "{g}" in template else ""
    if mark and "{" in bare:
        return ""
    show = "{" + got + rng.choice(("", "!r", "")) + "}"
    text = template.replace("{e}", bare).replace("{t}", case.target).replace("{w}", glue.a_word(rng))
    text = text.replace("{g}", show)
    quote = next((q for q in ('"', "'") if q not in text), "")
    return f"{mark}{quote}{text}{quote}" if quote and "\\" not in text else ""


def _asserts(rng: random.Random, cases: list[Case]) -> list[str]:
    out, named = [], rng.random() < 0.35
    bare = rng.random() < 0.25
    for case in cases:
        subject = case.call
        if named:
            subject = rng.choice(("got", "result", "value", "actual", "found"))
            out.append(f"{subject} = {case.call}")
        said = "" if bare else message(rng, case, subject)
        out.append(f"assert {subject} == {case.expected}" + (f", {said}" if said else ""))
    return out


def _indent(lines: list[str], by: str = "    ") -> list[str]:
    return [by + x if x else x for x in lines]


def _plain(rng: random.Random, cases: list[Case]) -> list[str]:
    return [*_asserts(rng, cases), f'print("{rng.choice(_DONE)}")']


def _functions(rng: random.Random, cases: list[Case]) -> list[str]:
    """A function for every case, called at the end."""
    out, called = [], []
    for number, case in enumerate(cases):
        name = f"{rng.choice(('check', 'verify', 'ensure', 'probe'))}_{names.word(rng, 'train')}_{number}"
        name = name if name.isidentifier() else f"check_{number}"
        called.append(f"    {name}()")
        out += [f"def {name}():", *_indent(_asserts(rng, [case])), "", ""]
    return [*out, 'if __name__ == "__main__":', *called, f'    print("{rng.choice(_DONE)}")']


def _exits(rng: random.Random, cases: list[Case]) -> list[str]:
    out = []
    for case in cases:
        got = rng.choice(("got", "value", "found"))
        said = message(rng, case, got) or f'"wrong {case.target}"'
        ends = rng.choice(([f"    raise SystemExit({said})"], [f"    print({said})", "    raise SystemExit(1)"],
                           [f"    raise AssertionError({said})"], [f"    raise ValueError({said})"]))  # fmt: skip
        out += [f"{got} = {case.call}", f"if {got} != {case.expected}:", *ends]
    return [*out, f'print("{rng.choice(_DONE)}")']


def _table(rng: random.Random, cases: list[Case]) -> list[str]:
    rows = [f'    ("{c.target}", {c.call}, {c.expected}),' for c in cases]
    said = rng.choice(('f"{name}: expected {want!r}, got {got!r}"', 'f"{name} is {got}, want {want}"',
                       'f"{name} should be {want}"', 'f"wrong {name}: {got!r} instead of {want!r}"'))  # fmt: skip
    return ["CASES = [", *rows, "]", "", "for name, got, want in CASES:", f"    assert got == want, {said}",
            f'print("{rng.choice(_DONE)}")']  # fmt: skip


def _helper(rng: random.Random, cases: list[Case]) -> list[str]:
    """A helper that compares and says what it wants."""
    name = rng.choice(("expect", "same", "check", "eq", "must_be"))
    said = rng.choice(('f"{what}: expected {want!r}, got {got!r}"', 'f"expected {want} for {what}, got {got}"',
                       'f"{what} must be {want}"'))  # fmt: skip
    rows = [f'{name}("{c.target}", {c.call}, {c.expected})' for c in cases]
    return [f"def {name}(what, got, want):", f"    assert got == want, {said}", "", "", *rows,
            f'print("{rng.choice(_DONE)}")']  # fmt: skip


def _collects(rng: random.Random, cases: list[Case]) -> list[str]:
    """All failures are printed, then the script exits with their number or 1."""
    rows = [f'    ("{c.target}", {c.call}, {c.expected}),' for c in cases]
    said = rng.choice(('f"FAIL {name}: got {got!r}, want {want!r}"', 'f"{name}: {got} should be {want}"',
                       'f"- {name} is wrong (expected {want})"'))  # fmt: skip
    end = rng.choice(("    raise SystemExit(1)", "    raise SystemExit(bad)"))
    return ["bad = 0", "for name, got, want in [", *rows, "]:", "    if got != want:", f"        print({said})",
            "        bad += 1", "if bad:", end, f'print("{rng.choice(_DONE)}")']  # fmt: skip


SHAPES = {"plain": (_plain, 5), "functions": (_functions, 3), "exits": (_exits, 3), "table": (_table, 2),
          "helper": (_helper, 2), "collects": (_collects, 2)}  # fmt: skip


def script(rng: random.Random, shape: str, cases: list[Case], head: list[str]) -> str:
    body = SHAPES[shape][0](rng, cases)
    gap = ["", ""] if body[0].startswith("def ") else [""]
    title = [f'"""{names.sentence(rng, "train")}"""', ""] if rng.random() < 0.15 else []
    return "\n".join([*title, *head, *dict.fromkeys(c.import_line for c in cases), *gap, *body]) + "\n"


def unit(rng: random.Random, split: str, cases: list[Case]) -> str:
    """A unittest file: one method a case, or all in one."""
    name = names.ident(rng, split, "pascal", 1, 2)
    name = rng.choice((f"{name}Test", f"Test{name}", f"{name}Tests"))
    rows: list[str] = []
    for number, case in enumerate(cases):
        said = message(rng, case, case.call) if rng.random() < 0.3 else ""
        method = f"test_{names.ident(rng, split, 'snake', 1, 2)}_{number}"
        order = f"self.assertEqual({case.call}, {case.expected}" + (f", {said})" if said else ")")
        rows += [*([""] if rows else []), f"    def {method}(self):", f"        {order}"]
    end = ["", "", 'if __name__ == "__main__":', "    unittest.main()"] if rng.random() < 0.6 else []
    return (
        "\n".join(
            [
                "import unittest",
                "",
                *dict.fromkeys(c.import_line for c in cases),
                "",
                "",
                f"class {name}(unittest.TestCase):",
                *rows,
                *end,
            ]
        )
        + "\n"
    )


def pytest_line(rng: random.Random, case: Case) -> tuple[str, str, str]:
    """(line before, assertion, message) of the one case of a pytest file."""
    simple = case.call.isidentifier() or (
        case.call.endswith(")") and case.call.count("(") == 1 and "[" not in case.call
    )
    before = (
        ""
        if simple and "." not in case.call.split("(")[0] and rng.random() < 0.7
        else f"result = {case.call}"
    )
    subject = "result" if before else case.call
    said = message(rng, case, subject) if rng.random() < 0.5 else ""
    return (
        before,
        f"assert {subject} == {case.expected}" + (f", {said}" if said else ""),
        f", {said}" if said else "",
    )


def own_check(rng: random.Random, pieces: list[Piece]) -> list[str]:
    """Lines at the end of a module that check the module itself."""
    cases = [Case(p.call, p.expected, "", p.target) for p in pieces]
    return [
        "",
        "",
        'if __name__ == "__main__":',
        *_indent(_asserts(rng, cases)),
        f'    print("{rng.choice(_DONE)}")',
    ]
