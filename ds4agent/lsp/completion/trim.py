"""What of a model's answer is shown.

A model goes on where a person would stop: it writes what stands behind the cursor already, closes the bracket
that the editor has closed, falls back into the line above, leaves the block. All that is cut off, never
changed: what is shown is a beginning of what was written, without blanks at its end. (Only what a chat model
puts around an answer is taken off in front.)
"""

import re

from ds4agent.lsp.completion.gap import Gap
from ds4agent.lsp.completion.shape import Shape, indent

_PAIRS = {")": "(", "]": "[", "}": "{"}
_FENCE = re.compile(r"\A\s*```[^\n]*\n")
_BLANKS = re.compile(r"[ \t]+$", re.MULTILINE)
_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f\ufffd\ud800-\udfff]")
# A line that says less may come twice.
_TELLING = 4


def unfenced(text: str) -> str:
    """A chat model's answer without the fence around it."""
    opened = _FENCE.match(text)
    return text[opened.end() :].partition("\n```")[0] if opened else text


def trim(text: str, gap: Gap, shape: Shape) -> str:
    """What is to be inserted at the cursor; empty: nothing."""
    text = text.replace("\r\n", "\n")
    if found := _CONTROL.search(text):
        text = text[: found.start()]
    text = _in_line(text, gap.tail)
    text = _in_block(text, gap, shape) if shape.lines else text.partition("\n")[0]
    text = _BLANKS.sub("", _new(text, gap)).rstrip()
    return "" if _repeats(text, gap) else text


def is_over(text: str, gap: Gap, shape: Shape) -> bool:
    """Whether nothing that may come would be shown. Only whole lines tell."""
    whole, newline, _ = text.rpartition("\n")
    if not newline:
        return False
    if not shape.lines:
        return True
    return len(_in_block(whole + "\n", gap, shape)) < len(whole)


def _in_line(text: str, tail: str) -> str:
    """Up to what stands right of the cursor."""
    rest = tail.strip()
    if not rest:
        return text
    first, newline, more = text.partition("\n")
    if rest[0] in _PAIRS:
        cut = _unopened(first, rest[0])
    elif rest[0] in "\"'`":
        cut = first.find(rest[0])
    else:
        cut = _overlap(first, rest)
    return first + newline + more if cut < 0 else first[:cut]


def _unopened(text: str, close: str) -> int:
    """Where a bracket is closed that was opened before the text; -1: nowhere."""
    depth = 0
    for at, char in enumerate(text):
        depth += (char == _PAIRS[close]) - (char == close)
        if depth < 0:
            return at
    return -1


def _overlap(text: str, rest: str) -> int:
    """Where the rest begins, or a part of it with which the text ends; -1: nowhere."""
    if len(rest) >= _TELLING and (at := text.find(rest)) >= 0:
        return at
    return next((len(text) - n for n in range(len(rest), 0, -1) if text.endswith(rest[:n])), -1)


def _in_block(text: str, gap: Gap, shape: Shape) -> str:
    """Up to the first line that is less deep. A bracket that closes the block belongs to it."""
    lines = text.split("\n")
    for number, line in enumerate(lines[1:], 1):
        if not line.strip() or indent(line) >= shape.deep:
            continue
        closes = line.strip() in (")", "]", "}", ");", "};", "],", "},", "),")
        own = closes and indent(line) == indent(gap.head) and not _stands_below(line, gap)
        return "\n".join(lines[: number + own])
    return text


def _stands_below(line: str, gap: Gap) -> bool:
    below = next((other for other in gap.below if other.strip()), "")
    return line.strip() == below.strip() or gap.tail.strip().startswith(line.strip())


def _new(text: str, gap: Gap) -> str:
    """Up to where it begins to repeat itself or what stands below."""
    below = next((line.strip() for line in gap.below if line.strip()), "")
    lines = text.split("\n")
    for number, line in enumerate(lines[1:], 1):
        said = line.strip()
        if len(said) < _TELLING:
            continue
        if said in (below, lines[number - 1].strip()):
            return "\n".join(lines[:number])
    return text


def _repeats(text: str, gap: Gap) -> bool:
    """Whether it makes the cursor's line what stands above or below it."""
    first, newline, _ = text.partition("\n")
    line = (gap.head + first + ("" if newline else gap.tail)).strip()
    below = next((other.strip() for other in gap.below if other.strip()), "")
    return bool(first.strip()) and len(line) >= _TELLING and line in (gap.above.strip(), below)
