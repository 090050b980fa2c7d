"""Commands of many kinds with their exact output, and requests about what they print, their end or their exit code."""

from __future__ import annotations

import random

from . import askfind, fixing, manner, names, programs, rich, wild
from .sandbox import Program
from .tree import Tree, quote, status
from .world import World

_RUN = (
    "Run `{c}` and report what it prints.",
    "I run `{c}`.",
    "Run {c}.",
    "The command is `{c}`. Run it.",
)
_CODE = (
    "print({a} + {b} * {n})",
    "print({a} // {n}, {a} % {n})",
    "print({n} ** {n})",
    "print(max({a}, {b}, {n}))",
    "print(sorted([{a}, {b}, {n}]))",
    "print(sum(range({n})))",
    "print(len('{w}'))",
    "print('{w}'[::-1])",
    "print('{w}'.title(), '{x}'.upper())",
    "print('{w}'.replace('{l}', '*'))",
    "print('{w} {x} {w}'.split())",
    "print('-'.join(['{w}', '{x}']))",
    "print(['{w}', '{x}'].index('{x}'))",
    "print({{'{w}': {a}}})",
    "print('{w}' in '{x}{w}')",
    "print({a} > {b}, {a} == {a})",
    "print(f'{{{a}:05d}}')",
    "print('{w}', {a}, sep='{s}')",
    "print(round({a} / {n}, 2))",
    "print(bin({n}), hex({a}))",
    "print(list(range({n})))",
    "print([x * x for x in range({n})])",
    "print('{w}\\n{x}')",
    "for i in range({n}): print(i, '{w}')",
    "import math; print(math.gcd({a}, {b}))",
    "import json; print(json.dumps({{'{w}': [{a}, {b}]}}))",
    "print(type({a}).__name__, type('{w}').__name__)",
    "print(set([{n}, {n}]), tuple([{a}]))",
    "print(str({a}) + '{w}')",
    "print('{w}'.count('{l}'), '{w}'.find('{l}'))",
    "x = {a}; y = x + {n}; print(x, y)",
    "print(all([{a}, 0]), any([{b}, 0]))",
)


def _python(rng: random.Random, split: str, tree: Tree) -> tuple[str, str]:
    w, x = names.word(rng, split), wild.english(rng, split)
    slots = {"a": rng.randint(10, 400), "b": rng.randint(2, 99), "n": rng.randint(2, 5), "w": w, "x": x}
    slots |= {"l": rng.choice(w), "s": rng.choice(("-", ":", "/", ", "))}
    code = rng.choice(_CODE).format(**slots)
    return f'python3 -c "{code}"', status(*Program(tree, ["-c"]).code(code))


def _upper(text: str) -> str:
    return "".join(c.upper() if c.isascii() else c for c in text)


def _shell(rng: random.Random, split: str) -> tuple[str, str, int]:
    """(command, output, exit code) of something that needs no file."""
    w, x, y = (wild.english(rng, split) for _ in range(3))
    a, b, n = rng.randint(2, 99), rng.randint(2, 99), rng.randint(2, 6)
    phrase = rich.text(rng, split, rng.choice(("words", "foreign", "date", "amount", "title", "odd")))
    safe = phrase if not set(phrase) & set("\\'") else f"{w} {x}"
    none = f"{w}{a}.{rng.choice(('txt', 'log', 'csv'))}"
    return rng.choice(
        (
            (f"echo '{safe}'", safe, 0),
            (f"printf '%s\\n' {w} {x} {y}", f"{w}\n{x}\n{y}", 0),
            (f"printf '%03d\\n' {n}", f"{n:03d}", 0),
            (f'for i in {w} {x}; do echo "$i"; done', f"{w}\n{x}", 0),
            (f"for n in $(seq {n}); do echo {w}-$n; done", "\n".join(f"{w}-{i}" for i in range(1, n + 1)), 0),
            (f"seq {a} {n} {a + 3 * n}", "\n".join(str(a + i * n) for i in range(4)), 0),
            (f"seq -s, {n}", ",".join(map(str, range(1, n + 1))), 0),
            (f"echo $(({a} * {b} - {n}))", str(a * b - n), 0),
            (f"echo {w} {x} {y} | wc -w", "3", 0),
            (f"echo {w} | tr a-z A-Z", w.upper(), 0),
            (f"echo {w}:{x}:{y} | cut -d: -f2", x, 0),
            (f"echo {w} {x} {y} | awk '{{print $3}}'", y, 0),
            (f"echo {w} | sed 's/{w[0]}/{n}/g'", w.replace(w[0], str(n)), 0),
            (f"echo {w} | rev", w[::-1], 0),
            (f"echo -n {w} | wc -c", str(len(w)), 0),
            (f"printf '{b}\\n{a}\\n' | sort -n", "\n".join(map(str, sorted((a, b)))), 0),
            (f"printf '{w}\\n{w}\\n{x}\\n' | uniq", f"{w}\n{x}" if w != x else w, 0),
            (f"dirname /{w}/{x}/{y}.txt", f"/{w}/{x}", 0),
            (f"basename /{w}/{x}.{y} .{y}", x, 0),
            (f"[ {a} -gt {b} ] && echo yes || echo no", "yes" if a > b else "no", 0),
            (f"test {w} = {x}", "", 0 if w == x else 1),
            (f"bash -c 'echo {w}; exit {n}'", w, n),
            (f"sh -c 'exit {a}'", "", a),
            (f"cat {none}", f"cat: {none}: No such file or directory", 1),
            (f"head -n {n} {none}", f"head: cannot open '{none}' for reading: No such file or directory", 1),
            (f"ls {none}", f"ls: cannot access '{none}': No such file or directory", 2),
            (f"wc -l {none}", f"wc: {none}: No such file or directory", 1),
            (f"{w}-{x}-tool", f"bash: {w}-{x}-tool: command not found", 127),
            (f'X={a}; echo "$X {w}"', f"{a} {w}", 0),
            (f"expr {a} \\* {n}", str(a * n), 0),
            (f"echo {w} && echo {x}", f"{w}\n{x}", 0),
            (f"false || echo {w}", w, 0),
            (f"echo {w} >&2", w, 0),
        )
    )


def _on_file(world: World) -> tuple[str, str, int] | None:
    """A command on one of the project's files."""
    rng, tree = world.rng, world.tree
    texts = [
        p
        for p, t in tree.files.items()
        if t.endswith("\n") and t.isascii() and "\t" not in t and 0 < len(t) < 900
    ]
    if not texts:
        return None
    f = rng.choice(texts)
    rows = tree.lines(f)
    n = rng.randint(1, min(4, len(rows)))
    words = [w for w in tree.files[f].split() if w.isalpha()] or ["the"]
    w = rng.choice(words)
    has = [x for x in rows if w in x]
    firsts = [(x.split() or [""])[0] for x in rows]
    return rng.choice(
        (
            (f"sort {f}", "\n".join(sorted(rows)), 0),
            (f"sort -r {f} | head -n {n}", "\n".join(sorted(rows, reverse=True)[:n]), 0),
            (f"head -n {n} {f}", "\n".join(rows[:n]), 0),
            (f"tail -n {n} {f}", "\n".join(rows[-n:]), 0),
            (f"tail -n +{n} {f}", "\n".join(rows[n - 1 :]), 0),
            (f"sed -n '{n}p' {f}", rows[n - 1], 0),
            (f"sed -n '1,{n}p' {f}", "\n".join(rows[:n]), 0),
            (f"wc -l < {f}", str(len(rows)), 0),
            (f"wc -w < {f}", str(len(tree.files[f].split())), 0),
            (f"wc -c < {f}", str(len(tree.files[f])), 0),
            (f"wc -l {f}", f"{len(rows)} {f}", 0),
            (f"head -n {n} {f} | tr a-z A-Z", _upper("\n".join(rows[:n])), 0),
            (f"grep -c {quote(w)} {f}", str(len(has)), 0 if has else 1),
            (f"grep {quote(w)} {f}", "\n".join(has), 0 if has else 1),
            (
                f"grep -v {quote(w)} {f}",
                "\n".join(x for x in rows if w not in x),
                0 if len(has) < len(rows) else 1,
            ),
            (f"grep -q {quote(w)} {f} && echo found", "found" if has else "", 0 if has else 1),
            (f"awk '{{print $1}}' {f}", "\n".join(firsts), 0),
            (f"awk 'END {{print NR}}' {f}", str(len(rows)), 0),
            (f"cat {f} | wc -l", str(len(rows)), 0),
            (f"cut -c1-{n + 3} {f}", "\n".join(x[: n + 3] for x in rows), 0),
            (f"test -f {f} && echo there", "there", 0),
            (f"cmp {f} {f}", "", 0),
            (f"diff {f} {f}", "", 0),
            (f"ls {f}", f, 0),
            (f"cat {f}", "\n".join(rows), 0),
        )
    )


def _command(world: World) -> tuple[str, str] | None:
    r = world.rng.random()
    if r < 0.25:
        return _python(world.rng, world.split, world.tree)
    if r < 0.4:
        kinds = ("py", "sh")
        plans = [p for p in world.alive() if p.kind in kinds and p.text == world.tree.files[p.path]]
        plans = [p for p in plans if ("print(" if p.kind == "py" else "echo") in p.text]
        if plans:
            path = world.rng.choice(plans).path
            tool = "bash" if path.endswith(".sh") else "python3"
            return f"{tool} {path}", status(*programs.run(world.tree, path))
    made = _shell(world.rng, world.split) if r < 0.7 else _on_file(world)
    return (made[0], status(*made[1:])) if made else None


def run_wide(world: World) -> bool:
    """Run a command; report what it prints, its last line, how many lines, or its exit code."""
    rng, s = world.rng, world.s
    made = _command(world)
    if made is None:
        return False
    command, result = made
    body, _, code = result.partition("[exit code: ")
    lines = [] if body in ("", "(no output)") else body.strip("\n").split("\n")
    mark = rng.choice(("`", "`", "`", "", "", '"', "'"))
    mark = "`" if mark and mark in command else mark
    slots = {"c": f"{mark}{command}{mark}"}
    r = rng.random()
    what = (
        askfind.EXIT
        if r < 0.1
        else askfind.LAST
        if r < 0.15 and lines
        else askfind.LINES
        if r < 0.2 and lines
        else askfind.RUN
    )
    world.say("run", manner.written(rng, world.split, what, slots, plain=s.joining))
    s.bash(rng.choice(_RUN).format(c=command), command, result)
    if what is askfind.RUN:
        fixing.report(world, command, result)
        return True
    if what is askfind.EXIT:
        number = code.rstrip("]") or "0"
        think = f"It says [exit code: {number}]." if code else "No exit code is shown, so it is 0."
        s.answer(
            think,
            rng.choice((f"The exit code of `{command}` is {number}.", f"It ended with exit code {number}.")),
            number,
        )
    elif what is askfind.LAST:
        s.answer(f"The last line is `{lines[-1]}`.", f"The last line is `{lines[-1]}`.", lines[-1])
    else:
        number = str(len(lines))
        noun = "line" if number == "1" else "lines"
        s.answer(f"I count {number} {noun}.", f"It prints {number} {noun}.", number)
    return True
