"""Files in which values stand in every way that files have, from `spots.txt`.

A part begins with `=== paths`, then lines of the file's head (`<`) and foot (`>`) and its forms: the style of the
name, the kinds of value, the lines, what people call it. A file holds a few forms with fresh names and values, now and
then the same form with a longer name or with an equal value beside it, so that only the request tells which one is
meant.
"""

from __future__ import annotations

import random
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from . import names, values, wild
from .configs import Planned, Setting, Spot
from .values import Value

_SLOT = re.compile("⟪([kvwabAtn]?)⟫")
_MARK = "\x02"
_SAID_SLOT = re.compile("⟪([abAkw])⟫")


@dataclass(frozen=True)
class Form:
    case: str
    kinds: tuple[str, ...]
    body: str
    says: tuple[str, ...]


@dataclass(frozen=True)
class Part:
    paths: tuple[str, ...]
    joint: str
    head: tuple[str, ...]
    foot: tuple[str, ...]
    forms: tuple[Form, ...]


def _kinds(text: str) -> tuple[str, ...]:
    groups = [[g] if g.startswith("choice:") else g.split(",") for g in text.split(";")]
    return tuple(kind for group in groups for kind in group)


@cache
def _parts() -> list[Part]:
    out = []
    for part in Path(__file__).with_name("spots.txt").read_text(encoding="utf-8").split("=== ")[1:]:
        paths, *rows = part.rstrip("\n").split("\n")
        paths, _, joint = paths.partition(" ¦ ")
        head = tuple(r[2:] for r in rows if r.startswith("< "))
        foot = tuple(r[2:] for r in rows if r.startswith("> "))
        forms = []
        for row in rows:
            if row[:2] not in ("< ", "> "):
                case, kinds, body, says = (*re.split(" ?¦ ?(?=.|$)", row), "")[:4]
                body = re.split(" ¦ ?", row)[2].replace("\\n", "\n").replace("\\t", "\t")
                forms.append(Form(case, _kinds(kinds), body, tuple(says.split(";")) if says else ("⟪K⟫",)))
        out.append(Part(tuple(paths.split(",")), joint, head, foot, tuple(forms)))
    return out


def spoken(key: str) -> str:
    """Max_retry_count, maxRetryCount and MAX-RETRY-COUNT are all "max retry count"."""
    return " ".join(re.findall(r"[A-Z]?[a-zà-ÿ]+|[A-Z]+(?![a-z])|\d+", key)).lower()


def fits(value: Value, before: str, after: str) -> bool:
    """Whether the value can stand between these texts without changing what they say."""
    text, quote = value.text, before[-1:]
    if quote in "\"'`" and quote and quote in text:
        return False
    if before.rstrip().endswith((">", "<")) and set(text) & set("<>&"):
        return False
    edge = text == "" or text != text.strip()
    if edge and not (quote and quote in "\"'`"):
        return False
    if "|" in text and ("|" in before or not quote or quote not in "\"'`"):
        return False
    if after.startswith(",") and quote not in ("", "'", '"', " ") and "," in text:
        return False
    return "\\" not in text or before.endswith('r"')


def fresh(rng: random.Random, split: str, kinds: tuple[str, ...], before: str, after: str) -> Value | None:
    for _ in range(8):
        value = values.value(rng, split, rng.choice(kinds))
        if fits(value, before, after):
            return value
    return None


@dataclass
class _Item:
    text: str  # the value stands between two marks
    spot: Spot


def _item(rng: random.Random, split: str, form: Form, beside: str, same: Value | None) -> _Item | None:
    key = "" if form.case == "-" else names.beside(rng, split, form.case, beside)
    a, b = names.ident(rng, split, "snake", 1, 2), names.ident(rng, split, "snake", 1, 2)
    given = {
        "k": key,
        "w": key[:1].lower() + key[1:],
        "a": a,
        "b": b,
        "A": a.upper(),
        "t": wild.english(rng, split),
        "n": str(rng.randint(0, 999)),
    }
    before, _, after = form.body.partition("⟪v⟫")
    start = _SLOT.sub(lambda m: given[m[1]], before)
    end = _SLOT.sub(lambda m: given[m[1]], after)
    usable = same is not None and same.kind in form.kinds and fits(same, start, end)
    value = same if usable else fresh(rng, split, form.kinds, start, end)
    if a == b or value is None:
        return None
    says = tuple(_SAID_SLOT.sub(lambda m: given[m[1]], s).replace("⟪W⟫", spoken(key)) for s in form.says)
    text = f"{start}{_MARK}{value.text}{_MARK}{end}"
    return _Item(text, Spot(key, says, spoken(key), value, 0, "", 0, form.kinds))


def _apart(a: Spot, b: Spot) -> bool:
    """Whether every way to speak of one cannot mean the other."""
    return a.key != b.key and not (set(a.says) & set(b.says)) - {s for s in a.says if "⟪K⟫" in s}


def _items(rng: random.Random, split: str, part: Part) -> list[_Item]:
    out: list[_Item] = []
    forms = rng.sample(part.forms, min(len(part.forms), rng.randint(1, 4)))
    for _ in range(rng.randint(2, 7)):
        last = out[-1].spot if out else None
        again = rng.random() < 0.25
        item = _item(
            rng,
            split,
            rng.choice(forms),
            last.key if last else "",
            last.value if last and again else None,
        )
        if item and all(_apart(item.spot, x.spot) for x in out):
            out.append(item)
    return out


def spot_file(rng: random.Random, split: str) -> Planned:
    """A file of one part; every value in it can be asked for and changed."""
    part = rng.choice(_parts())
    items = _items(rng, split, part)
    body = (part.joint + "\n").join(x.text for x in items)
    given = names.ident(rng, split, "snake", 1, 2)
    lines = [r.replace("⟪A⟫", given.upper()) for r in part.head] + body.split("\n") + list(part.foot)
    spots = iter(x.spot for x in items)
    found: list[Spot] = []
    for number, line in enumerate(lines, 1):
        if _MARK in line:
            spot = next(spots)
            spot.number, spot.at = number, line.index(_MARK)
            spot.line = lines[number - 1] = line.replace(_MARK, "")
            found.append(spot)
    path = rng.choice(part.paths).replace("⟪⟫", names.file_stem(rng, split))
    text = "\n".join(lines).rstrip("\n") + "\n"
    return Planned(
        path,
        text,
        "scene",
        _settings(found, text),
        [s.key for s in found if re.fullmatch(r"[A-Za-z_]\w{3,}", s.key) and s.key not in s.line],
        spots=found,
    )


def _settings(spots: list[Spot], text: str) -> list[Setting]:
    """The plain ones as settings, which every family knows how to treat."""
    return [
        Setting(s.key, s.value, s.line.strip(), s.value.text)
        for s in spots
        if s.says == ("⟪K⟫",) and s.line.count(s.value.text) == 1 and text.count(s.line.strip()) == 1 and s.key in s.line
    ]  # fmt: skip
