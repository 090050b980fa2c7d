"""How much of ghost text is right, beside what needs no model.

Lines of files that the model was not trained on are taken out and asked for: *next line*, where the cursor is
behind the line before and the rest of the file stands below; *hole*, where a line is cut in the middle. Right
is what is the line, or the rest of it, character by character. *Saved* is what a person would not have to
type who takes a suggestion, with one key, when it is all the rest of the line: lines are typed from their
first character on until that happens.

Beside the model, with the same text: *n-gram*, what followed the last time that the words before the cursor
(as many as can be found) stood in the file or the other files; *recent line*, the rest of the last line that
begins as this one does.
"""

from __future__ import annotations

import random
import re
from collections.abc import Awaitable, Callable
from contextlib import aclosing
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

from bench.editor_text import PREFIX, SUFFIX, sources
from ds4agent.client.http import Endpoint
from ds4agent.lsp.completion.filler import Extra, Filler, Infill
from ds4agent.lsp.completion.gap import Gap
from ds4agent.lsp.completion.shape import Shape
from ds4agent.lsp.completion.trim import is_over, trim
from tests.engine_fixtures import running_engine

_WORDS = re.compile(r"\w+|[^\w\s]| +|\n")
LONGEST, SHORTEST = 8, 2
LINE = Shape(False)
# Lines that are typed character by character, which takes a request each.
TYPED = 30
Suggest = Callable[[Gap], Awaitable[str]]


@dataclass(frozen=True, slots=True)
class Cut:
    """A place, and what stood there up to the end of its line."""

    gap: Gap
    wanted: str


def cuts(n: int, seed: int = 1) -> list[tuple[Cut, Cut]]:
    """For `n` lines: the whole line, and the rest of it from somewhere inside."""
    rng, found = random.Random(seed), list[tuple[Cut, Cut]]()
    files = sources()
    while len(found) < n:
        lines = rng.choice(files).read_text().split("\n")
        at = rng.randrange(1, max(2, len(lines) - 1))
        line = lines[at] if at < len(lines) else ""
        if len(line.strip()) >= 8:
            found.append((_cut(lines, at, _indent(line)), _cut(lines, at, _inside(rng, line))))
    return found


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip())


def _inside(rng: random.Random, line: str) -> int:
    return rng.randrange(_indent(line) + 2, len(line) - 2)


def _cut(lines: list[str], at: int, column: int) -> Cut:
    before = "\n".join([*lines[max(0, at - PREFIX) : at], lines[at][:column]])
    after = "\n".join(["", *lines[at + 1 : at + 1 + SUFFIX]])
    return Cut(Gap(before, "", after), lines[at][column:])


class _Unhealed(Infill):
    """Goes on from the tokens that the cut left."""

    def _body(self, gap: Gap, extra: Extra) -> dict[str, Any]:
        return super()._body(gap, extra) | {"heal": False}


def by_model(filler: Filler) -> Suggest:
    async def suggest(gap: Gap) -> str:
        text = ""
        async with aclosing(filler.write(gap, [], LINE, 96, "completion")) as pieces:
            async for piece in pieces:
                text += piece
                if is_over(text, gap, LINE):
                    break
        return trim(text, gap, LINE)

    return suggest


async def by_ngram(gap: Gap) -> str:
    words, text = _WORDS.findall(gap.before), gap.before + "\0" + gap.after
    for n in range(min(LONGEST, len(words)), SHORTEST - 1, -1):
        known = "".join(words[-n:])
        end = len(gap.before) - 1
        if (at := text.rfind(known, 0, end)) >= 0 or (at := text.find(known, end + 1)) >= 0:
            return text[at + len(known) :].partition("\n")[0].rstrip("\0")
    return ""


async def by_recent_line(gap: Gap) -> str:
    head, lines = gap.head.strip(), gap.before.split("\n")[:-1]
    if head:
        return next((li.strip()[len(head) :] for li in reversed(lines) if li.strip().startswith(head)), "")
    above = gap.above.strip()
    return next((b.strip() for a, b in reversed(list(pairwise(lines))) if a.strip() == above), "")


async def _saved(cut: Cut, suggest: Suggest) -> int:
    """Characters of the line that did not have to be typed."""
    for typed in range(len(cut.wanted) - 1):
        if await suggest(cut.gap.with_text(cut.wanted[:typed])) == cut.wanted[typed:]:
            return len(cut.wanted) - typed - 1
    return 0


async def measure(folder: Path, n: int) -> None:
    """Prints the table."""
    print("| suggested by | next line right | hole right | characters saved |\n|---|---|---|---|")
    with running_engine(folder, "--threads", "2") as engine:
        endpoint = Endpoint("127.0.0.1", engine.port)
        all_of_them: list[tuple[str, Suggest]] = [
            ("the bundled model", by_model(Infill(endpoint))),
            ("the bundled model, words not healed", by_model(_Unhealed(endpoint))),
            ("n-gram", by_ngram), ("recent line", by_recent_line),
        ]  # fmt: skip
        found, some = cuts(n), cuts(min(n, TYPED))
        characters = sum(len(line.wanted) for line, _ in some)
        for name, suggest in all_of_them:
            lines = sum([await suggest(line.gap) == line.wanted for line, _ in found])
            holes = sum([await suggest(hole.gap) == hole.wanted for _, hole in found])
            saved = sum([await _saved(line, suggest) for line, _ in some])
            print(f"| {name} | {lines / n:.1%} | {holes / n:.1%} | {saved / characters:.1%} |", flush=True)
    print(
        f"\n{n} lines of each kind; {len(some)} typed, of {characters:,} characters; {len(sources())} files."
    )
