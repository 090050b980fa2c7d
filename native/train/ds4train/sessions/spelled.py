"""The forms in which values stand in files (`forms.txt`), what can be asked for (`sights.txt`), and how a form spells a
value.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

NUMERIC = ("number", "port", "small", "two", "three", "four", "float", "money", "negative")


@dataclass(frozen=True)
class Form:
    ending: str
    case: str
    spelling: str
    head: tuple[str, ...]
    entry: tuple[str, ...]
    foot: tuple[str, ...]


@dataclass(frozen=True)
class Noun:
    word: str
    kinds: tuple[str, ...]
    others: tuple[str, ...]
    questions: tuple[str, ...]


@cache
def forms() -> list[Form]:
    text = Path(__file__).with_name("forms.txt").read_text(encoding="utf-8")
    out = []
    for part in text.split("=== ")[1:]:
        title, _, body = part.partition("\n")
        head, _, rest = body.partition("<<\n")
        entry, _, foot = rest.partition(">>\n")
        pieces = [tuple(x.split("\n")[:-1]) for x in (head, entry, foot)]
        ending, case, spelling = title.split()
        out.append(Form(ending, case, spelling, *pieces))
    return out


def _cells(cell: str) -> tuple[str, ...]:
    """Comma-separated, but the choices after `choice:` belong together."""
    plain, mark, choices = cell.strip().partition("choice:")
    found = [x.strip() for x in plain.split(",") if x.strip()]
    return tuple(found + ([mark + choices] if mark else []))


@cache
def nouns() -> list[Noun]:
    lines = Path(__file__).with_name("sights.txt").read_text(encoding="utf-8").splitlines()
    rows = [line.split("|") for line in lines]
    return [Noun(r[0].strip(), _cells(r[1]), _cells(r[2]), _cells(r[3])) for r in rows]


def literal(value: str, kind: str, spelling: str) -> str | None:
    """The value as the form writes it; None where that needs an escape."""
    if kind in NUMERIC and spelling not in ("sql", "sh"):
        return value
    if kind == "flag" and value in ("true", "false") and spelling not in ("sql", "sh"):
        return value.title() if spelling.startswith("py") else value
    if "\\" in value:
        return None
    if spelling == "sh":
        return (
            value
            if re.fullmatch(r"[\w.:/@-]+", value)
            else None
            if re.search('["$`!]', value)
            else f'"{value}"'
        )
    if spelling == "yaml":
        return value if re.fullmatch(r"[A-Za-z][\w ./-]*", value) else None if '"' in value else f'"{value}"'
    marks = {"py": "\"'", "py1": "'\"", "js": "'\"", "sql": "'"}.get(spelling, '"')
    mark = next((m for m in marks if m not in value), None)
    return f"{mark}{value}{mark}" if mark else None


def fits(value: str, form: Form, literal: str | None) -> bool:
    forbidden = {
        "xml": '<>&"',
        "html": '<>&"',
        "csv": ',;"',
        "tsv": "\t",
        "css": '"\\',
        "md": "|*`",
        "sh": '"`$;',
    }
    if form.spelling != "bare":
        return literal is not None
    return not set(value) & set(forbidden.get(form.ending, "")) and (form.ending != "md" or "#" not in value)
