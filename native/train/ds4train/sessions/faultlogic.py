"""Functions with one wrong spot in what they do: a text, a factor, a bound, a separator, a default argument."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass

from . import glue, names, words


@dataclass
class Logic:
    lines: list[str]
    call: str
    expected: str
    wrong: str
    right: str


def _word(rng: random.Random) -> str:
    return glue.a_word(rng)


def greeting(rng: random.Random, split: str, fn: str) -> Logic:
    starts = ["Hello", "Hi", "Welcome", "Goodbye", "Dear", "Hey", "Good morning", "Bye", "Bonjour", "Hola", "Ciao",
              "Servus", "Moin", "See you", "Thanks", "Farewell", "Aloha", names.invented(rng).title(), _word(rng)]  # fmt: skip
    bad, good = rng.sample(starts, 2)
    end = rng.choice(("", "!", ".", "!", "?"))
    sep = rng.choice((", ", " ", ", ", ": ", " - "))
    if rng.random() < 0.25:
        bad, (one, other) = good, rng.sample(("!", ".", "", "?", "!!"), 2)
    else:
        one = other = end
    who = rng.choice((rng.choice(words.PEOPLE[split]), names.invented(rng).title(), "world"))
    arg = rng.choice(("name", "who", "person", "user", "guest"))
    shape = rng.choice(("f", "plus", "format", "percent"))
    said = f"{good}{sep}{who}{other}"

    def line(start: str, tail: str) -> str:
        if shape == "f":
            return f'return f"{start}{sep}{{{arg}}}{tail}"'
        if shape == "plus":
            return f'return "{start}{sep}" + {arg}' + (f' + "{tail}"' if tail else "")
        if shape == "format":
            return f'return "{start}{sep}{{}}{tail}".format({arg})'
        return f'return "{start}{sep}%s{tail}" % {arg}'

    return Logic([f"def {fn}({arg}):", f"    {line(bad, one)}"], f'{fn}("{who}")', f'"{said}"',
                 line(bad, one), line(good, other))  # fmt: skip


def separator(rng: random.Random, split: str, fn: str) -> Logic:
    """Quotes inside of quotes: join, replace, split."""
    bad, good = rng.sample(("-", "_", ".", "", "/", ", ", "; ", " | ", "+", ":"), 2)
    a, b, c = (_word(rng) for _ in range(3))
    r = rng.random()
    if r < 0.4:
        tail = rng.choice(("", ".lower()", ".strip()"))
        wrong, right = (f'return text{tail}.replace(" ", "{x}")' for x in (bad, good))
        return Logic(
            [f"def {fn}(text):", f"    {wrong}"], f'{fn}("{a} {b}")', f'"{a}{good}{b}"', wrong, right
        )
    if r < 0.75:
        wrong, right = (f'return "{x}".join(items)' for x in (bad, good))
        call = f'{fn}(["{a}", "{b}", "{c}"])'
        return Logic([f"def {fn}(items):", f"    {wrong}"], call, f'"{good.join((a, b, c))}"', wrong, right)
    wrong, right = (f'def {fn}(first, second, sep="{x}"):' for x in (bad, good))
    body = "    return first + sep + second"
    return Logic([wrong, body], f'{fn}("{a}", "{b}")', f'"{a}{good}{b}"', wrong, right)


def factor(rng: random.Random, split: str, fn: str) -> Logic:
    """A factor, an addend or a default argument; the argument is easy to reckon with."""
    bad, good = rng.sample(range(2, 100), 2)
    n = rng.choice((1, 1, 2, 10))
    arg = rng.choice(("amount", "count", "hours", "n", "weight", "days", "pages"))
    r = rng.random()
    if r < 0.35:
        wrong, right = (f"return {arg} * {x}" for x in (bad, good))
        return Logic([f"def {fn}({arg}):", f"    {wrong}"], f"{fn}({n})", str(n * good), wrong, right)
    if r < 0.5:
        wrong, right = (f"return {arg} + {x}" for x in (bad, good))
        return Logic([f"def {fn}({arg}):", f"    {wrong}"], f"{fn}(0)", str(good), wrong, right)
    key = rng.choice(("rate", "price", "factor", "step", "fee", "size", _word(rng)))
    key = "rate" if key in names.RESERVED or key == arg else key
    if r < 0.85:
        wrong, right = (f"def {fn}({arg}, {key}={x}):" for x in (bad, good))
        return Logic([wrong, f"    return {arg} * {key}"], f"{fn}({n})", str(n * good), wrong, right)
    wrong, right = (f"{key} = {x}" for x in (bad, good))
    lines = [f"def {fn}({arg}):", f"    {wrong}", f"    return {arg} * {key}"]
    return Logic(lines, f"{fn}({n})", str(n * good), wrong, right)


def bound(rng: random.Random, split: str, fn: str) -> Logic:
    """Off by one: lengths, indexes, ranges, comparisons at the limit."""
    items = rng.sample(range(2, 90), 3)
    n, w = rng.randint(5, 60), _word(rng)
    shapes: tuple[tuple[str, str, str, str, str], ...] = (
        ("items", f"{items}", "3", "return len(items) + 1", "return len(items)"),
        ("items", f"{items}", "3", "return len(items) - 1", "return len(items)"),
        ("items", f"{items}", str(items[0]), "return items[1]", "return items[0]"),
        ("items", f"{items}", str(items[2]), "return items[-2]", "return items[-1]"),
        ("items", f"{items}", str(items[1:]), "return items[2:]", "return items[1:]"),
        ("n", "4", "[1, 2, 3, 4]", "return list(range(1, n))", "return list(range(1, n + 1))"),
        ("n", "3", "[0, 1, 2]", "return list(range(n + 1))", "return list(range(n))"),
        ("age", str(n), "True", f"return age > {n}", f"return age >= {n}"),
        ("age", str(n), "False", f"return age >= {n}", f"return age > {n}"),
        ("n", str(n), str(n + 1), "return n + 2", "return n + 1"),
        ("n", str(n), str(n - 1), "return n", "return n - 1"),
        ("text", f'"{w}"', f'"{w[:2]}"', "return text[:3]", "return text[:2]"),
        ("text", f'"{w}"', f'"{w[1:]}"', "return text[2:]", "return text[1:]"),
        ("text", f'"{w}"', f'"{w[-1]}"', "return text[-2]", "return text[-1]"),
    )
    arg, given, expected, wrong, right = rng.choice(shapes)
    return Logic([f"def {fn}({arg}):", f"    {wrong}"], f"{fn}({given})", expected, wrong, right)


def branch(rng: random.Random, split: str, fn: str) -> Logic:
    """Two or three branches with a text each; one of them is wrong."""
    texts = list(dict.fromkeys(rng.choice((_word, names.invented))(rng) for _ in range(8)))[:4]
    limit = rng.randint(5, 80)
    arg = rng.choice(("n", "score", "age", "level", "count"))
    at = rng.choice((0, 1))
    good = texts[3]
    shown = list(texts[:2])
    wrong, right = f'return "{shown[at]}"', f'return "{good}"'
    lines = [
        f"def {fn}({arg}):",
        f"    if {arg} < {limit}:",
        f'        return "{shown[0]}"',
        f'    return "{shown[1]}"',
    ]
    given = limit - rng.randint(1, 4) if at == 0 else limit + rng.randint(1, 9)
    return Logic(lines, f"{fn}({given})", f'"{good}"', wrong, right)


def formatted(rng: random.Random, split: str, fn: str) -> Logic:
    """Number formats, cases, units."""
    n, unit = (
        rng.randint(2, 90),
        rng.sample(("km", "m", "kg", "EUR", "USD", "%", "GB", "s", "ms", "pcs", "points"), 2),
    )
    w = _word(rng)
    x = f"{n}.{rng.randint(11, 99)}{rng.randint(1, 4)}"
    shapes: tuple[tuple[str, str, str, str, str], ...] = (
        ("value", str(n), f'"{n} {unit[1]}"', f'return f"{{value}} {unit[0]}"', f'return f"{{value}} {unit[1]}"'),
        ("value", str(n), f'"{n}{unit[1]}"', f'return str(value) + "{unit[0]}"', f'return str(value) + "{unit[1]}"'),
        ("value", x, f'"{float(x):.2f}"', 'return f"{value:.1f}"', 'return f"{value:.2f}"'),
        ("value", x, f'"{float(x):.1f}"', 'return f"{value:.3f}"', 'return f"{value:.1f}"'),
        ("text", f'"{w}"', f'"{w.upper()}"', "return text.lower()", "return text.upper()"),
        ("text", f'"{w}"', f'"{w.title()}"', "return text.upper()", "return text.title()"),
        ("text", f'"{w}"', f'"{w[::-1]}"', "return text", "return text[::-1]"),
        ("name", f'"{w}"', f'"/{w}/"', 'return "/" + name', 'return "/" + name + "/"'),
        ("name", f'"{w}"', f'"{w}.txt"', 'return f"{name}.text"', 'return f"{name}.txt"'),
        ("name", f'"{w}"', f'"https://{w}.example"', 'return f"http://{name}.example"', 'return f"https://{name}.example"'),
        ("name", f'"{w}"', f"\"it's {w}\"", 'return "its " + name', 'return "it\'s " + name'),
        ("n", str(n % 9 + 1), f'"0{n % 9 + 1}"', "return str(n)", "return str(n).zfill(2)"),
    )  # fmt: skip
    arg, given, expected, wrong, right = rng.choice(shapes)
    return Logic([f"def {fn}({arg}):", f"    {wrong}"], f"{fn}({given})", expected, wrong, right)


_MAKERS: tuple[Callable[[random.Random, str, str], Logic], ...] = (
    greeting, greeting, separator, separator, factor, factor, bound, bound, branch, formatted,
)  # fmt: skip


def pick(rng: random.Random, split: str, fn: str) -> Logic:
    return rng.choice(_MAKERS)(rng, split, fn)
