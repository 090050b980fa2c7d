"""Lines that someone may want in a file."""

from __future__ import annotations

from . import glue, names, values, words
from .world import World


def safe_line(line: str) -> bool:
    """Whether echo with our quoting keeps the line whole in an interactive shell."""
    return (
        bool(line)
        and "\t" not in line
        and not line.startswith("-n")
        and not ("'" in line and "!" in line)
        and line == line.strip()
    )


def a_line(world: World) -> str:
    """A line someone may want in a file.

    A word, a sentence, a setting, code, with odd characters now and then.
    """
    rng, split = world.rng, world.split

    def n(how: str = "snake") -> str:
        return names.ident(rng, split, how, 1, 2)

    value = values.value(rng, split).text
    while True:
        if rng.random() < 0.22:
            line = glue.text(rng)
            if safe_line(line):
                return line
            continue
        line = rng.choice((
            lambda: names.sentence(rng, split), lambda: names.sentence(rng, split), lambda: names.sentence(rng, split), lambda: names.invented(rng),
            lambda: f"{n()} = {value}", lambda: f"{n('upper')}={value}", lambda: f"{n()}: {value}", lambda: f"- {names.sentence(rng, split)}", lambda: value,
            lambda: f"# {names.sentence(rng, split)}", lambda: f"import {n()}", lambda: f"{n('kebab')}=={values.value(rng, split, 'version').text}", lambda: f"*.{names.invented(rng)}",
            lambda: f"export {n('upper')}={value}", lambda: f"It's {names.sentence(rng, split).lower()}", lambda: f"say \"{names.invented(rng)}\" to {rng.choice(words.PEOPLE[split])}",
            lambda: f"cost: ${rng.randint(1, 999)}", lambda: f"{n()},{value},{rng.randint(0, 99)}", lambda: f"print('{names.invented(rng)}')", lambda: f"<p>{names.sentence(rng, split)}</p>",
            lambda: f"{names.invented(rng)} {names.invented(rng)} {names.invented(rng)}", lambda: f"path\\to\\{n()}", lambda: f"{rng.randint(1, 99)}. {names.sentence(rng, split)}",
            lambda: f"{names.sentence(rng, split)} ({names.invented(rng)})", lambda: f"TODO: {names.sentence(rng, split)}", lambda: f"{names.invented(rng)}@{values.host(rng, split)}",
            lambda: "".join(rng.choice("abcdefghijklmnopqrstuvwxyzABCDEFGHIJ0123456789_") for _ in range(rng.randint(6, 20))),
            lambda: " ".join(str(rng.randint(0, 999)) for _ in range(rng.randint(2, 6))),
        ))()  # fmt: skip
        if safe_line(line):
            return line
