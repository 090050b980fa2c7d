"""Where a block of a reply belongs in a document.

In the order of what is surest: the range that the user gave; functions and classes of the same names, if the
document has all that the block defines; the lines that resemble the block most. Nothing is guessed below
that, and a block that leaves code out is refused, because it would take that code out of the document.
"""

import re
from collections import Counter
from collections.abc import Sequence
from difflib import SequenceMatcher
from itertools import pairwise

from lsprotocol import types

from ds4agent.lsp.document import Document
from ds4agent.lsp.edits.indent import restored
from ds4agent.lsp.edits.lines import MOST_PRODUCT, Change, as_lines, changes, text_edits
from ds4agent.lsp.edits.propose import Proposal
from ds4agent.lsp.edits.region import Region
from ds4agent.lsp.edits.symbols import Symbol, symbols
from ds4agent.lsp.edits.workspace import changing
from ds4agent.lsp.excerpt import excerpt, whole_lines
from ds4agent.lsp.protocol import Failed, Server

# Share of a block's lines that the document has to have, and of two lines' characters to be the same line.
ALIKE = 0.5
LABEL = "Apply the block"
_LEFT_OUT = re.compile(
    r"\s*(?:#|//|--|;+|%|/\*|<!--|\{/\*)\s*"
    r"(?:\.\.\.|…|(?:rest|remainder) of|existing (?:code|lines)|same as before)",
    re.I,
)
Part = tuple[Region, list[str]]


def placed(server: Server, document: Document, block: str, given: types.Range | None) -> Proposal:
    """The edit that puts it there. Raises Failed."""
    found = excerpt(server, document)
    lines, new = found.lines, as_lines(block)
    _check_whole(lines, new)
    if given is not None:
        first, last = whole_lines(document, given)
        empty = given.start == given.end
        parts = [((first, first if empty else min(last, len(lines))), new)]
    else:
        parts = _by_name(lines, new) or _by_likeness(lines, new)
    if not parts:
        raise Failed(f"nothing in {found.path} resembles this block; select the lines that it is to replace")
    change: list[Change] = []
    for (first, last), text in sorted(parts):
        change += changes(lines[first:last], restored(lines[first:last], text), first)
    if not change:
        raise Failed(f"{found.path} has this already")
    edits = text_edits(document, change)
    return Proposal(changing(server, found.uri, document.version, edits, LABEL), LABEL)


def _check_whole(lines: Sequence[str], new: Sequence[str]) -> None:
    if not any(line.strip() for line in new):
        raise Failed("the block is empty")
    there = {line.strip() for line in lines}
    for number, line in enumerate(new, 1):
        if _LEFT_OUT.match(line) and line.strip() not in there:
            raise Failed(
                f"the block leaves code out (its line {number}: {line.strip()}), so it was not applied"
            )


def _by_name(lines: Sequence[str], new: Sequence[str]) -> list[Part]:
    """If the block is definitions and nothing else, and the document has each of them once."""
    mine = _outer(new)
    inside = {n for symbol in mine for n in range(symbol.first, symbol.last)}
    if not mine or any(line.strip() for n, line in enumerate(new) if n not in inside):
        return []
    there: dict[str, list[Symbol]] = {}
    for symbol in symbols(lines):
        there.setdefault(symbol.name, []).append(symbol)
    if len({symbol.name for symbol in mine}) < len(mine):
        return []
    if any(len(there.get(symbol.name, ())) != 1 for symbol in mine):
        return []
    parts = [((there[s.name][0].first, there[s.name][0].last), list(new[s.first : s.last])) for s in mine]
    ends = sorted(region for region, _ in parts)
    overlap = any(a[1] > b[0] for a, b in pairwise(ends))
    return [] if overlap else parts


def _outer(lines: Sequence[str]) -> list[Symbol]:
    found: list[Symbol] = []
    for symbol in symbols(lines):
        if not found or symbol.first >= found[-1].last:
            found.append(symbol)
    return found


def _by_likeness(lines: Sequence[str], new: list[str]) -> list[Part]:
    """The stretch of the document that shares most lines with the block, indentation aside."""
    mine, there = [line.strip() for line in new], [line.strip() for line in lines]
    wanted = Counter(line for line in mine if line)
    start = _densest(there, wanted, len(mine))
    low, high = max(0, start - len(mine)), min(len(there), start + 2 * len(mine))
    matcher = SequenceMatcher(None, mine, there[low:high], autojunk=False)
    same = [match for match in matcher.get_matching_blocks() if match.size]
    alike = sum(1 for m in same for line in mine[m.a : m.a + m.size] if line)
    if not same or alike < ALIKE * wanted.total():
        return []
    first, last = low + same[0].b, low + same[-1].b + same[-1].size
    # Lines of the block beside the outermost that are alike may be new versions of their neighbours.
    for n in range(same[0].a - 1, -1, -1):
        if first == 0 or not _versions(mine[n], there[first - 1]):
            break
        first -= 1
    for n in range(same[-1].a + same[-1].size, len(mine)):
        if last == len(there) or not _versions(mine[n], there[last]):
            break
        last += 1
    return [((first, last), new)]


def _densest(there: Sequence[str], wanted: Counter[str], size: int) -> int:
    """Where a window of this size holds most of the wanted lines, each counted as often as it is wanted."""
    held: Counter[str] = Counter()
    best, most, score = 0, -1, 0
    for n, line in enumerate(there):
        held[line] += 1
        score += held[line] <= wanted[line]
        if n >= size:
            gone = there[n - size]
            score -= held[gone] <= wanted[gone]
            held[gone] -= 1
        if score > most:
            best, most = max(0, n - size + 1), score
    return best


def _versions(a: str, b: str) -> bool:
    matcher = SequenceMatcher(None, a, b, autojunk=False)
    if not a or not b or matcher.real_quick_ratio() < ALIKE:
        return False
    # Of a minified file's line the exact figure takes minutes, in which the server would hear nobody.
    return (matcher.quick_ratio() if len(a) * len(b) > MOST_PRODUCT else matcher.ratio()) >= ALIKE
