"""Values that are hard to copy: several words, accents, quotes inside of quotes, numbers with units, pieces of code."""

from __future__ import annotations

import random

from . import glue, names, values, wild, words

_ACCENTS = (
    "Zürich Malmö Łódź São Paulo Ærø Besançon Kraków Göteborg Dvořák Núñez Søren Müller Žižka Ångström Élise Jørgensen"
    " señal größe façade crème naïve déjà über año más vélo fête Straße piñata coração maçã påske květen"
).split()
_FOREIGN = (
    "bonjour merci fenêtre maison hasta luego mañana gracias buenos dias guten Abend danke Fenster Schule bitte"
    " ciao grazie giorno arrivederci obrigado bom dia tak god morgen hyvää huomenta dobry den prosim"
    " mercredi viernes Donnerstag lundi sabato torsdag"
).split()
_MONTHS = (
    "January February March April May June July August September October November December Jan Feb Mar Sept Oct Nov Dec"
).split()
_DAYS = "Monday Tuesday Wednesday Thursday Friday Saturday Sunday Mon Tue Wed Thu Fri".split()
_UNITS = "kg g km m cm mm ms s min hours days weeks MB GB KiB px pt em % °C W V Hz kHz l ml eur usd rpm dB items users".split()
_CODE = (
    'text.replace(" ", "{a}")',
    "text.split('{a}')[{n}]",
    "lambda x: x * {n}",
    "sorted({a}, key=len)",
    '"{a}".join({b})',
    "{a}[{n}:-1]",
    "{a} if {b} else None",
    "{a}.get('{b}', {n})",
    "not {a} and {b} > {n}",
    "f'{{{a}}}-{{{b}}}'",
    "len({a}) - {n}",
    "{a} % {n} == 0",
    "[x for x in {a} if x]",
    "^[a-z]{{{n}}}$",
    "\\d+-{a}",
    "SELECT {a} FROM {b}",
    "{a} | sort | uniq -c",
    "python3 {a}.py --{b} {n}",
    "npm run {a}:{b}",
    "rm -rf {a}/*.{b}",
    "{n} {n} * * 1",
    "@{a}/{b}#{n}",
    "s3://{a}/{b}.gz",
    "git@{a}.org:{b}.git",
    "C:\\{a}\\{b}",
    "~/{a}/{b}",
)


def _number(rng: random.Random) -> str:
    return str(rng.choice((rng.randint(0, 12), rng.randint(10, 99), rng.randint(100, 9999))))


def _long_date(rng: random.Random) -> str:
    day, month, year = rng.randint(1, 28), rng.choice(_MONTHS), rng.randint(2019, 2034)
    return rng.choice(
        (
            f"{day} {month}",
            f"{month} {day}",
            f"{day} {month} {year}",
            f"{month} {day}, {year}",
            f"{rng.choice(_DAYS)} {day} {month}",
            f"{day:02d}/{rng.randint(1, 12):02d}/{year}",
            f"{day}.{rng.randint(1, 12)}.{year}",
            f"{rng.choice(_DAYS)} at {rng.randint(0, 23)}:{rng.choice(('00', '15', '30', '45'))}",
            f"end of {month}",
            f"Q{rng.randint(1, 4)} {year}",
            f"{rng.choice(_DAYS)} {rng.choice(('morning', 'noon', 'evening', '9 am', '5 pm', '8:30 pm'))}",
            f"week {rng.randint(1, 52)}",
        )
    )


def _some_words(rng: random.Random, split: str) -> str:
    many = [wild.english(rng, split) for _ in range(rng.randint(2, 5))]
    if rng.random() < 0.3:
        many[int(rng.random() * len(many))] = rng.choice(
            (glue.a_word(rng), names.invented(rng), _number(rng))
        )
    text = " ".join(many)
    return rng.choice((text, text.capitalize(), text.title(), text.capitalize() + "!", ", ".join(many)))


def _quoted(rng: random.Random, split: str) -> str:
    a, b = wild.english(rng, split), wild.english(rng, split)
    return rng.choice(
        (
            f"it's {a}",
            f"{a}'s {b}",
            f"don't {a} the {b}",
            f"{a} 'n' {b}",
            f"we're {a}",
            f"O'{a.title()} & {b.title()}",
        )
    )


def text(rng: random.Random, split: str, what: str) -> str:
    """A value of the given sort (a word of the table in sights.py)."""
    if what == "date":
        return _long_date(rng) if rng.random() < 0.6 else values.value(rng, split, "date").text
    if what == "amount":
        return f"{_number(rng)}{rng.choice(('', ' ', ' '))}{rng.choice(_UNITS)}"
    if what == "words":
        return _some_words(rng, split)
    if what == "odd":
        a, b = names.word(rng, split), names.word(rng, split)
        return rng.choice(_CODE).format(a=a, b=b, n=_number(rng))
    if what == "quoted":
        return _quoted(rng, split)
    if what == "foreign":
        return " ".join(rng.choice(rng.choice((_ACCENTS, _FOREIGN))) for _ in range(rng.randint(1, 3)))
    if what == "who" and rng.random() < 0.3:
        return f"{rng.choice(words.PEOPLE[split])} {rng.choice(_ACCENTS).title()}"
    if what == "flag":
        return rng.choice(("yes", "no", "on", "off", "true", "false", "enabled", "disabled"))
    return values.value(rng, split, {"who": "person", "number": "int"}.get(what, what)).text
