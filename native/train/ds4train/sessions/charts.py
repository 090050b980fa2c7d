"""Values that need a second look: cells of tables, keys below one of several sections, names that stand for names."""

from __future__ import annotations

import random
import re

from . import names, rich, sights, spelled, wild, words
from .configs import Planned
from .sights import Sight
from .spelled import Noun

_CLEAN = re.compile(r"^[\w .:/@%+-]+$")
# Ending, the line of the name that others refer to, the line that refers to it.
_CHAINS = (
    ("py", "upper", "{b} = {v}", "{k} = {b}"),
    ("py", "upper", "{b} = {v}", '{k} = os.environ.get("{k}", {b})'),
    ("py", "upper", "{b} = {v}", "{k} = {b}  # {d}"),
    ("js", "camel", "const {b} = {v};", "export const {k} = {b};"),
    ("ts", "upper", "const {b} = {v};", "export const {k} = process.env.{k} ?? {b};"),
    ("sh", "upper", "{b}={v}", '{k}="${b}"'),
    ("sh", "upper", "{b}={v}", '{k}="${{{k}:-${b}}}"'),
    ("mk", "upper", "{b} := {t}", "{k} = $({b})"),
    ("ini", "snake", "{b} = {t}", "{k} = %({b})s"),
    ("scss", "kebab", "${b}: {t};", "${k}: ${b};"),
    ("css", "kebab", "  --{b}: {t};", "  --{k}: var(--{b});"),
    ("go", "camel", "const {b} = {v}", "var {k} = {b}"),
    ("rb", "upper", "{b} = {v}", "{k} = {b}"),
    ("env", "upper", "{b}={v}", "{k}=${{{b}}}"),
)


def _simple(rng: random.Random, split: str, noun: Noun) -> tuple[str, str]:
    while True:
        kind = rng.choice(noun.kinds)
        text = rich.text(rng, split, kind)
        if _CLEAN.match(text) and text.strip() == text:
            return kind, text


def _stem(rng: random.Random, split: str, ending: str) -> str:
    return f"{rng.choice(('', '', 'data/', 'docs/', 'config/'))}{names.file_stem(rng, split)}.{ending}"


def _sight(noun: Noun, row: str, kind: str, value: str, line: str, head: str) -> Sight:
    says = (
        f"{noun.word} of {row}",
        f"{row} {noun.word}",
        f"{noun.word} for {row}",
        *(f"{x} of {row}" for x in noun.others),
    )
    return Sight(row, says, (), row, kind, value, line, head, plain=True, direct=False)


def _row_names(rng: random.Random, split: str) -> list[str]:
    make = rng.choice(
        (
            lambda: rng.choice(words.PEOPLE[split]),
            lambda: rng.choice(words.PLACES[split]),
            lambda: wild.english(rng, split),
            lambda: wild.english(rng, split).title(),
            lambda: names.invented(rng),
            lambda: rng.choice(
                ("staging", "production", "testing", "local", "demo", "backup", "canary", "preview")
            ),
        )
    )
    return list(dict.fromkeys(make() for _ in range(rng.randint(2, 7))))


def table(rng: random.Random, split: str) -> Planned:
    """A table in one of several notations; every cell may be asked for."""
    nouns = rng.sample(spelled.nouns(), rng.randint(2, 4))
    rows = _row_names(rng, split)
    cells = [[_simple(rng, split, n) for n in nouns] for _ in rows]
    first = rng.choice(("name", "item", "who", "id", "entry"))
    how = rng.choice(("md", "csv", "tsv", "html", "txt", "json", "yaml", "py"))
    titles = [first, *(n.word for n in nouns)]
    out, tail = [], []
    if how == "md":
        out = ["| " + " | ".join(titles) + " |", "|" + "---|" * len(titles)]
    elif how in ("csv", "tsv"):
        out = [{"csv": ",", "tsv": "\t"}[how].join(titles)]
    elif how == "html":
        out, tail = ["<table>", "<tr>" + "".join(f"<th>{t}</th>" for t in titles) + "</tr>"], ["</table>"]
    elif how == "txt":
        out = ["".join(f"{t:<22}" for t in titles).rstrip()]
    elif how == "json":
        out, tail = ["["], ["]"]
    elif how == "py":
        out, tail = [f"{wild.english(rng, split).upper()} = ["], ["]"]
    lines = []
    for number, (row, made) in enumerate(zip(rows, cells, strict=True)):
        texts = [row, *(text for _, text in made)]
        pairs = list(zip(titles, texts, strict=True))
        last = number == len(rows) - 1
        lines.append(
            {
                "md": "| " + " | ".join(texts) + " |",
                "csv": ",".join(texts),
                "tsv": "\t".join(texts),
                "html": "<tr>" + "".join(f"<td>{t}</td>" for t in texts) + "</tr>",
                "txt": "".join(f"{t:<22} " for t in texts).rstrip(),
                "json": "  {" + ", ".join(f'"{k}": "{t}"' for k, t in pairs) + "}" + ("" if last else ","),
                "yaml": "- {" + ", ".join(f'{k}: "{t}"' for k, t in pairs) + "}",
                "py": "    {" + ", ".join(f'"{k}": "{t}"' for k, t in pairs) + "},",
            }[how]
        )
    seen = [
        _sight(noun, row, kind, text, line.strip(), line.strip())
        for row, made, line in zip(rows, cells, lines, strict=True)
        for noun, (kind, text) in zip(nouns, made, strict=True)
    ]
    return Planned(
        _stem(rng, split, how), "\n".join([*out, *lines, *tail]) + "\n", "scene", sights=tuple(seen)
    )


def sections(rng: random.Random, split: str) -> Planned:
    """The same keys below several names."""
    nouns = rng.sample(spelled.nouns(), rng.randint(2, 4))
    rows = _row_names(rng, split)
    how = rng.choice(("ini", "toml", "yaml", "json", "py", "md"))
    head, form, foot, gap = {
        "ini": ("[{r}]", "{k} = {t}", "", 1),
        "toml": ("[{r}]", '{k} = "{t}"', "", 1),
        "yaml": ("{r}:", '  {k}: "{t}"', "", 0),
        "json": ('  "{r}": {{', '    "{k}": "{t}",', '    "ok": true\n  }},', 0),
        "py": ('    "{r}": {{', '        "{k}": "{t}",', "    }},", 0),
        "md": ("## {r}", "- {k}: {t}", "", 1),
    }[how]
    out = {"json": ["{"], "py": [f"{wild.english(rng, split).upper()} = {{"]}.get(how, [])
    seen = []
    for row in rows:
        out.append(head.format(r=row))
        for noun in rng.sample(nouns, rng.randint(1, len(nouns))):
            kind, text = _simple(rng, split, noun)
            key = noun.word if how == "md" else noun.word.replace(" ", "_")
            out.append(form.format(k=key, t=text))
            seen.append(_sight(noun, row, kind, text, out[-1].strip(), head.format(r=row).strip()))
        out += [foot.format()] if foot else []
        out += [""] * gap
    if how == "json":
        out += ['  "version": 1', "}"]
    out += ["}"] if how == "py" else []
    return Planned(_stem(rng, split, how), "\n".join(out).rstrip() + "\n", "scene", sights=tuple(seen))


def chained(rng: random.Random, split: str) -> Planned:
    """Names whose value is another name of the file."""
    ending, case, base_line, line = rng.choice(_CHAINS)
    rows, seen = [], []
    for noun in rng.sample(spelled.nouns(), rng.randint(1, 3)):
        owner = rng.choice((wild.english(rng, split), names.word(rng, split)))
        kind, value = _simple(rng, split, noun)
        bits = [*noun.word.split(" ")]
        key = names.style([owner, *bits], case)
        base = names.style([rng.choice(("default", "base", "common", "shared", "main", "std")), *bits], case)
        literal = value if kind in spelled.NUMERIC and ending != "sh" else f'"{value}"'
        slots = {"k": key, "b": base, "v": literal, "t": value, "d": wild.english(rng, split)}
        rows.append((base_line.format(**slots), line.format(**slots)))
        says = (f"{owner} {noun.word}", f"{noun.word} of the {owner}", f"{noun.word} for the {owner}")
        questions = tuple(q.format(a=owner) for q in noun.questions)
        found = [x.strip() for x in rows[-1]]
        seen.append(
            Sight(
                key,
                says,
                questions,
                owner,
                kind,
                value,
                found[0],
                found[1],
                plain=False,
                via=base,
                direct=False,
            )
        )
    bases, uses = [a for a, _ in rows], [b for _, b in rows]
    if rng.random() < 0.5:
        rng.shuffle(uses)
    top = {"css": [":root {"], "go": ["package main", ""], "py": ["import os", ""], "ini": ["[main]"]}.get(
        ending, []
    )
    text = "\n".join([*top, *bases, "", *uses, *(["}"] if ending == "css" else [])]) + "\n"
    path = ".env" if ending == "env" else _stem(rng, split, ending)
    return Planned(path, text, "scene", sights=tuple(s for s in seen if text.count(s.line) == 1))


def chart(rng: random.Random, split: str) -> Planned:
    return rng.choice((table, table, sections, chained))(rng, split)


def any_sight(rng: random.Random, split: str) -> Planned:
    return (sights.sighted if rng.random() < 0.7 else chart)(rng, split)
