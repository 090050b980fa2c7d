"""Values as people write them outside of settings: dates in words, prices, sentences with apostrophes, expressions."""

from __future__ import annotations

import random
from collections.abc import Callable

from . import glue, names, wild, words

_MONTHS = "January February March April May June July August September October November December".split()
_DAYS = "Monday Tuesday Wednesday Thursday Friday Saturday Sunday".split()
_FOREIGN = """
café crème naïve Zürich Straße Füße Größe Müller Jürgen Übung schön früh Mädchen mañana señor niño corazón São Paulo
maçã coração Łódź gęś źródło Kraków Čapek příliš žluťoučký kůň håndbok smørbrød Åse fjörður þing garçon élève hôtel
forêt œuvre tåg räksmörgås sjö yö hyvää päivää ışık güneş İzmir çay Malmö Lübeck Nîmes Besançon Ibáñez Nuñez Björk
Guten Morgen buongiorno grazie mille por favor s'il vous plaît tot ziens hasta luego terve kiitos dobrý den tack så mycket
domingo viernes lundi mercredi Dienstag Freitag lunedì sabato zaterdag woensdag abril février März giugno settembre
""".split()
_UNITS = "px em rem pt kg g mg km m cm mm s ms min h days weeks hours seconds items rows % °C K W kW V A Hz MB GB l ml".split()
_COLORS = "red teal navy crimson orchid salmon tomato gold indigo olive maroon plum khaki sienna white black".split()
_APOSTROPHES = (
    """
It's {a} {b}|Don't {a} the {b}|You can't {a} this {b}|We're out of {a}|{A}'s {b}|Who's {a}?|That's all, {A}|{A} isn't {b}
Sorry, {a} wasn't found|Let's {a} the {b}|I'm {A}|They'll {a} at {b}|rock 'n' {a}|{A}, we've {b}|couldn't {a} {b}
""".replace("\n", "|")
    .strip("|")
    .split("|")
)
_PY = (
    """
{a}.strip()|{a}.replace(" ", "-")|{a}.replace("{s}", "{t}").lower()|len({a}) > {n}|{a}["{w}"]|{a}.get("{w}", {n})
" ".join({a}.split())|'{s}'.join({a})|f"{{{a}}}{s}{{{b}}}"|f"{w} {{{a}}}"|{a} * {n} + {m}|({a} + {b}) / {n}
[x * {n} for x in {a}]|sorted({a}, key=len)|sorted({a}, reverse=True)|{a}[{n}:{m}]|{a}[::-1]|max({a}, {n})|{a} % {n} == 0
{a} if {a} else "{w}"|{a}.split("{s}")[0]|"{w}" in {a}|not {a}|{a} is None|{a}.startswith("{w}")|dict(zip({a}, {b}))
{{"{w}": {a}}}|{{k: v for k, v in {a}.items() if v}}|({a}, {b})|str({a}).zfill({n})|{a}.title() + "{t}"|min({a}, {b}, {n})
'"' + {a} + '"'|"'" + {a} + "'"|{a}.encode("utf-8")|round({a} / {n}, {m})|any(x > {n} for x in {a})|sum({a}) // len({a})
""".replace("\n", "|")
    .strip("|")
    .split("|")
)
_JS = (
    """
text.trim()|text.replace(/ /g, "{s}")|text.split("{s}").join('{t}')|text.length > {n}|`${{text}}{s}{w}`|text || "{w}"
text.toUpperCase()|text.slice({n}, {m})|text === '{w}'|[text, "{w}"]|parseInt(text, {n})|text.padStart({n}, "0")|!text
""".replace("\n", "|")
    .strip("|")
    .split("|")
)


def _n(rng: random.Random) -> str:
    return str(rng.randint(0, 99))


def _expression(pool: list[str]) -> Callable[[random.Random, str], str]:
    def make(rng: random.Random, split: str) -> str:
        a, b = rng.choice(("text", "value", names.ident(rng, split, "snake", 1, 1))), names.ident(rng, split)
        return rng.choice(pool).format(
            a=a,
            b=b,
            n=_n(rng),
            m=_n(rng),
            s=rng.choice("-_.,:;/+|# "),
            t=rng.choice("-_.,:;/+=~"),
            w=glue.a_word(rng),
        )

    return make


def _words(rng: random.Random, split: str) -> str:
    many = [
        rng.choice((wild.english(rng, split), glue.a_word(rng)))
        for _ in range(rng.choice((1, 2, 2, 3, 3, 4, 5)))
    ]
    text = " ".join(many)
    return rng.choice((text, text.capitalize(), text.title(), text))


def _apostrophe(rng: random.Random, split: str) -> str:
    return rng.choice(_APOSTROPHES).format(
        a=wild.english(rng, split), b=wild.english(rng, split), A=rng.choice(words.PEOPLE[split])
    )


def _clock(rng: random.Random, split: str) -> str:
    h, m = rng.randint(1, 12), rng.choice(("00", "15", "30", "45", f"{rng.randint(0, 59):02d}"))
    return rng.choice((f"{h}:{m} {rng.choice(('am', 'pm'))}", f"{h}{rng.choice(('am', 'pm'))}", f"{h + 7}:{m}", "noon", f"{h} o'clock",
                       f"{h + 5}.{m}", f"half past {rng.choice(('six', 'seven', 'nine', 'two'))}"))  # fmt: skip


def _day(rng: random.Random, split: str) -> str:
    d, month = rng.randint(1, 28), rng.choice(_MONTHS)
    return rng.choice((f"{d} {month}", f"{month} {d}", f"{d} {month[:3]}", f"{month} {d}th", f"{d}. {month}", f"the {d}th of {month}",
                       f"{d}/{rng.randint(1, 12)}", f"late {month}", f"mid {month}", f"{rng.choice(_DAYS)} {d} {month}"))  # fmt: skip


def _long_date(rng: random.Random, split: str) -> str:
    d, month, year = rng.randint(1, 28), rng.choice(_MONTHS), rng.randint(1980, 2039)
    return rng.choice((f"{d} {month} {year}", f"{month} {d}, {year}", f"{rng.choice(_DAYS)}, {d} {month} {year}", f"{month} {year}",
                       f"{d}.{rng.randint(1, 12)}.{year}", f"Q{rng.randint(1, 4)} {year}"))  # fmt: skip


def _relative(rng: random.Random, split: str) -> str:
    bits = [glue.a_word(rng) for _ in range(rng.randint(1, 3))]
    return (
        rng.choice(("", "", "./", "../")) + "/".join(bits) + rng.choice(("", f".{glue.extension(rng)}", "/"))
    )


def _money(rng: random.Random, split: str) -> str:
    n = f"{rng.randint(1, 9999)}{rng.choice(('', '', f'.{rng.randint(0, 99):02d}'))}"
    return rng.choice((f"${n}", f"{n} EUR", f"€{n}", f"£{n}", f"{n} USD", f"{n} kr", f"CHF {n}"))


def _regex(rng: random.Random, split: str) -> str:
    w, n = glue.a_word(rng), rng.randint(1, 9)
    return rng.choice((f"^{w}-\\d+$", f"[a-z]{{{n}}}", f"{w}|{glue.a_word(rng)}", f"\\b{w}\\b", f"^[A-Z]{{{n}}}-[0-9]+$", f"({w})+", "\\s+", f"^{w}"))  # fmt: skip


def _range(rng: random.Random, split: str) -> str:
    a, b, c = (rng.randint(0, 19) for _ in range(3))
    return rng.choice((f"^{a}.{b}.{c}", f"~{a}.{b}", f">={a}.{b}", f">={a},<{a + b + 1}", f"{a}.x", f"~={a}.{b}.{c}", f"=={a}.{b}.{c}rc{b}"))  # fmt: skip


def _cron(rng: random.Random, split: str) -> str:
    return rng.choice((f"{rng.randint(0, 59)} {rng.randint(0, 23)} * * *", f"*/{rng.randint(2, 30)} * * * *", f"0 {rng.randint(0, 23)} * * {rng.randint(0, 6)}",
                       "@daily", "@hourly", f"{rng.randint(0, 59)} {rng.randint(0, 23)} {rng.randint(1, 28)} * *"))  # fmt: skip


KINDS: dict[str, Callable[[random.Random, str], str]] = {
    "words": _words,
    "sent": lambda rng, split: names.sentence(rng, split),
    "apos": _apostrophe,
    "foreign": lambda rng, split: " ".join(rng.choice(_FOREIGN) for _ in range(rng.randint(1, 3))),
    "daymonth": _day,
    "longdate": _long_date,
    "clock": _clock,
    "expr": _expression(_PY),
    "jsexpr": _expression(_JS),
    "sep": lambda rng, split: rng.choice(("-", "_", ".", "+", "~", "", ", ", " - ", "/", "::", "|", "--", " ", ";")),
    "relpath": _relative,
    "unit": lambda rng, split: (
        f"{rng.choice((_n(rng), f'{_n(rng)}.{rng.randint(1, 9)}'))}{rng.choice(('', ' '))}{rng.choice(_UNITS)}"
    ),
    "px": lambda rng, split: f"{_n(rng)}{rng.choice(('px', 'em', 'rem', 'vh', 'pt'))}",
    "money2": _money,
    "cron": _cron,
    "range": _range,
    "regex": _regex,
    "cssval": lambda rng, split: rng.choice(_COLORS),
    "numlist": lambda rng, split: ", ".join(_n(rng) for _ in range(rng.randint(2, 5))),
    "flags": lambda rng, split: " ".join(
        rng.sample(("-O2", "-O3", "-g", "-Wall", "-Wextra", "-j4", "-v", "--strict", "-std=c11", "-q", "--no-cache"), rng.randint(1, 3))
    ),
}  # fmt: skip
