"""How much is to be written at a cursor: the rest of a line, or lines.

| left of the cursor | right of it | written |
|---|---|---|
| anything | text, be it only a bracket that the editor has closed | the rest of the line, up to that text |
| a line that opens a block | nothing | lines |
| only the indentation, in a block | nothing | lines |
| anything else | nothing | the rest of the line |
"""

import re
from dataclasses import dataclass

from ds4agent.lsp.completion.gap import Gap

_OPENS = re.compile(r"(?:[:{(\[]|=>|->|\b(?:then|do|begin|else))$")
# Tokens of the rest of a line at most.
LINE_TOKENS = 48


@dataclass(frozen=True, slots=True)
class Shape:
    """`lines`: more than one may be written. `deep`: columns by which a line is indented that still belongs
    to it; one that is not ends the text.
    """

    lines: bool
    deep: int = 0

    def tokens(self, most: int) -> int:
        return most if self.lines else min(most, LINE_TOKENS)


def indent(line: str) -> int:
    """Columns; a tab counts as one, since lines are compared with their like only."""
    return len(line) - len(line.lstrip())


def opens(line: str) -> bool:
    """Whether a line opens a block."""
    return bool(_OPENS.search(line.rstrip()))


def shape_of(gap: Gap) -> Shape:
    head = gap.head
    if gap.tail.strip():
        return Shape(False)
    if opens(head):
        return Shape(True, indent(head) + 1)
    if head.strip() or not (head or opens(gap.above)):
        return Shape(False)
    return Shape(True, len(head) or indent(gap.above) + 1)
