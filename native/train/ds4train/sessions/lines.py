"""Lines that someone may want in a file."""

from __future__ import annotations

import random
import re

from . import glue, names, naturals, values, wild, words
from .asking import Voice
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


def said_line(rng: random.Random, v: Voice, line: str) -> str:
    """The line within a sentence: quoted, or a few plain words as they are."""
    if re.fullmatch(r"\w+(?: \w+){0,3}", line) and rng.random() < 0.3:
        return line
    return v.quoted(line, v.mark or rng.choice(('"', "'", "`")))


def fenced(rng: random.Random, text: str) -> str:
    """A text as people paste it: mostly as it is."""
    if "```" in text or rng.random() < 0.7:
        return text
    return f"```{rng.choice(('', '', 'text', 'txt'))}\n{text}\n```"


def _natural(rng: random.Random, split: str) -> str:
    """What people put into lists, notes, tables and logs."""

    def of(kind: str) -> str:
        return naturals.KINDS[kind](rng, split)

    word, person = wild.english(rng, split), rng.choice(words.PEOPLE[split])
    return rng.choice((
        lambda: of("apos"), lambda: of("foreign"), lambda: of("words"), lambda: f"{of('words')}: {of('daymonth')}", lambda: f"- {of('words')}",
        lambda: f"* {of('foreign')}", lambda: f"- [ ] {of('words')}", lambda: f"| {word} | {of('words')} |", lambda: f"{person} - {of('words')}",
        lambda: f"{of('longdate')}: {of('apos')}", lambda: f"{word}: {of('money2')}", lambda: f"{rng.randint(1, 12)} x {word} ({of('unit')})",
        lambda: f'{person} said "{of("words")}"', lambda: f"{of('clock')} {of('words')}", lambda: of("relpath"), lambda: f"{word}{of('range')}",
        lambda: f"{of('cron')} /usr/bin/{word} --{glue.a_word(rng)}", lambda: f"{word} = {of('expr')}", lambda: f"alias {word[:3]}='{glue.a_word(rng)} -l'",
        lambda: f'{word.upper()}="{of("words")}"', lambda: f"{word};{of('foreign')};{rng.randint(0, 99)}", lambda: f"> {of('words')}", lambda: f"## {of('words')}",
        lambda: f"{rng.randint(0, 99)},{person},{of('unit')}", lambda: f"[{word}](https://{glue.a_word(rng)}.org/{word})", lambda: f"{person}, {of('words')}, {of('daymonth')}",
        lambda: f"call {person} at {of('clock')}", lambda: f"# {of('apos')}", lambda: f"127.0.0.1 {glue.a_word(rng)}.local", lambda: f"{word}>={rng.randint(0, 9)}.{rng.randint(0, 20)}",
    ))()  # fmt: skip


def a_line(world: World) -> str:
    """A line someone may want in a file.

    A word, a sentence, a setting, code, with odd characters now and then.
    """
    rng, split = world.rng, world.split

    def n(how: str = "snake") -> str:
        return names.ident(rng, split, how, 1, 2)

    value = values.value(rng, split).text
    while True:
        if rng.random() < 0.45:
            line = glue.text(rng) if rng.random() < 0.4 else _natural(rng, split)
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
