"""Fill-in-the-middle on Python files, in DeepSeek's spelling, in both of the orders an editor may ask in:

    BOS <｜fim▁begin｜> before <｜fim▁hole｜> after <｜fim▁end｜> middle EOS      DeepSeek's own ("psm")
    BOS <｜fim▁begin｜> <｜fim▁hole｜> after <｜fim▁end｜> before middle EOS      for typing ("spm")

The second has what changes with every key at its end: a cache of prefixes keeps all the rest. It reads as the
first with nothing before the hole, of which the middle is known up to the cursor. Either may have chunks of
other files behind <｜fim▁begin｜>, each under a line "# name".

What is cut out is what an editor asks for: the rest of a line from somewhere in it, a whole line or a few,
an argument or operand, the body of a function, the rest of an identifier. The three parts are tokenised
apart, as they are at run time; a word that the cut divides belongs to the middle as a whole, as it does for
an engine that heals tokens. Whole lines are slices of the prepared tokens; only a line that is cut inside
is encoded again, which keeps a sample at about a millisecond.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal, get_args

from ds4train import corpus, tok
from ds4train.document import BOS, EOS, FIM_BEGIN, FIM_END, FIM_HOLE, Document, Segment
from ds4train.sessions import words

Order = Literal["psm", "spm"]
ORDERS: tuple[Order, ...] = get_args(Order)
_SPM_SHARE = 0.5
_EXTRA_SHARE = 0.3
# Of the examples in DeepSeek's order; those for typing all begin at a word, as the engine asks.
_HEALED_SHARE = 0.5
_LONGEST_CHUNK = 240
# Nothing but the middle is learnt. In the order for typing nothing marks where it begins: were the text
# before it learnt too, it would teach that code goes on and on there, and the middle would not end.
_CONTEXT_WEIGHT = 0.0
_IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_]{2,}")
_SPAN = re.compile(r"(?<=[(,=:\[{ ])[\w.\"']+(?:\([^()]*\))?(?=[\s)\],:}]|$)")
_DEF = re.compile(r"\s*(?:async )?def .*:\s*$")


@dataclass(frozen=True)
class Hole:
    """The three parts of a cut, as tokens, and chunks of other files that go in front."""

    before: list[int]
    middle: list[int]
    after: list[int]
    extra: tuple[int, ...] = ()
    spelt: tuple[list[int], list[int]] | None = None  # before and middle, if the cut is inside a word

    def healed(self) -> Hole:
        """The hole as a server asks that heals tokens: from the start of the word that was cut."""
        return replace(self, before=self.spelt[0], middle=self.spelt[1], spelt=None) if self.spelt else self

    def prompt(self, order: Order = "psm") -> list[int]:
        """What the model is given."""
        begin = [tok.BOS_ID, tok.FIM_BEGIN_ID, *self.extra]
        after = [tok.FIM_HOLE_ID, *self.after, tok.FIM_END_ID]
        return [*begin, *self.before, *after] if order == "psm" else [*begin, *after, *self.before]


class _Lines:
    """A window of a file, line by line."""

    def __init__(self, tokens: corpus.Tokens, position: int, before: int, after: int) -> None:
        begin = max(0, position - before)
        window = tokens[begin : position + after]
        starts = corpus.line_starts(window).tolist()
        if position + after < len(tokens) and len(starts) > 2:
            window = window[: starts.pop()]
        self.ids: list[int] = window.tolist()
        # A window that starts inside a line drops that line, as one that ends inside a line did above.
        self.starts: list[int] = (starts if begin == 0 else starts[1:]) or [0]
        self.focus = sum(start <= position - begin for start in self.starts) - 1
        self.focus = max(0, min(self.focus, len(self.starts) - 2))

    def part(self, first: int, last: int) -> list[int]:
        """Tokens of the lines first..last-1."""
        end = self.starts[last] if last < len(self.starts) else len(self.ids)
        return self.ids[self.starts[first] : end]

    def text(self, number: int) -> str:
        """One line, with its newlines."""
        return tok.load().decode(self.part(number, number + 1))

    def __len__(self) -> int:
        return len(self.starts)


def _cut_text(lines: _Lines, number: int, begin: int, end: int, text: str) -> Hole:
    """A hole inside one line, from character `begin` to `end`."""

    def encode(part: str) -> list[int]:
        return tok.load().encode(part, rendered=False)

    above, below = lines.part(0, number), lines.part(number + 1, len(lines))
    spelt = None
    if text[begin - 1 : begin].isalnum() or text[begin - 1 : begin] == "_":
        word = tok.load().last_word(text[:begin])
        spelt = above + encode(text[:word]), encode(text[word:end])
    return Hole(
        above + encode(text[:begin]), encode(text[begin:end]), encode(text[end:]) + below, spelt=spelt
    )


def _rest_of_line(rng: random.Random, lines: _Lines, number: int) -> Hole | None:
    text = lines.text(number)
    body = text.rstrip("\n")
    indent = len(body) - len(body.lstrip())
    if len(body) - indent < 4:
        return None
    return _cut_text(lines, number, rng.randint(indent, len(body) - 1), len(body), text)


def _match_in_line(
    rng: random.Random, lines: _Lines, number: int, pattern: re.Pattern[str]
) -> tuple[str, int, int] | None:
    text = lines.text(number)
    spans = [match.span() for match in pattern.finditer(text)]
    return (text, *rng.choice(spans)) if spans else None


def _identifier(rng: random.Random, lines: _Lines, number: int) -> Hole | None:
    found = _match_in_line(rng, lines, number, _IDENTIFIER)
    if found is None:
        return None
    text, begin, end = found
    return _cut_text(lines, number, rng.randint(begin + 1, end - 1), end, text)


def _expression(rng: random.Random, lines: _Lines, number: int) -> Hole | None:
    found = _match_in_line(rng, lines, number, _SPAN)
    return _cut_text(lines, number, found[1], found[2], found[0]) if found else None


def _whole_lines(rng: random.Random, lines: _Lines, number: int) -> Hole | None:
    last = min(number + rng.choice((1, 1, 1, 2, 2, 3, 4, 5)), len(lines) - 1)
    if last <= number:
        return None
    return Hole(lines.part(0, number), lines.part(number, last), lines.part(last, len(lines)))


def _indented_deeper(text: str, indent: int) -> bool:
    return not text.strip() or len(text) - len(text.lstrip()) > indent


def _function_body(rng: random.Random, lines: _Lines, number: int) -> Hole | None:
    """The whole body of the first function defined at or after the line, if it is short and complete."""
    for head in range(number, min(number + 40, len(lines) - 1)):
        text = lines.text(head)
        if _DEF.match(text):
            last = head + 1
            while last < len(lines) - 1 and _indented_deeper(
                lines.text(last), len(text) - len(text.lstrip())
            ):
                last += 1
            if 0 < last - head - 1 <= 16 and last < len(lines) - 1:
                return Hole(
                    lines.part(0, head + 1),
                    lines.part(head + 1, last),
                    lines.part(last, len(lines)),
                )
    return None


_KINDS: dict[str, tuple[Callable[[random.Random, _Lines, int], Hole | None], float]] = {
    "rest of line": (_rest_of_line, 0.34),
    "lines": (_whole_lines, 0.30),
    "identifier": (_identifier, 0.12),
    "expression": (_expression, 0.14),
    "body": (_function_body, 0.10),
}
KINDS = tuple(_KINDS)
_SHARES = [share for _, share in _KINDS.values()]
_STEMS = sorted(word for split in words.NOUNS.values() for word in split)


def cut(rng: random.Random, limit: int = 1100, split: str = "train", kind: str | None = None) -> Hole:
    """A hole (of one kind, if asked) in a random file; with its answer it stays below `limit` tokens."""
    return _cut(rng, limit, split, kind)[0]


def _cut(rng: random.Random, limit: int, split: str, kind: str | None) -> tuple[Hole, int]:
    """A hole, and the number of its file."""
    part = corpus.load().parts[split, "code"]
    while True:
        file, position = part.place(rng)
        total = rng.randint(min(120, limit - 12), limit - 12)
        before = int(total * rng.uniform(0.3, 0.95))
        lines = _Lines(part.file(file), position, before, total - before)
        name = kind or rng.choices(KINDS, _SHARES)[0]
        hole = _KINDS[name][0](rng, lines, lines.focus) if len(lines) > 2 else None
        if hole is not None and 0 < len(hole.middle) < limit // 2:
            # One cut in eight has nothing after it: completion at the end of a file.
            return (replace(hole, after=[]) if rng.random() < 0.12 else hole), file


def _chunk(rng: random.Random, split: str, file: int) -> list[int]:
    """Whole lines of a file that stands near another one in the corpus: mostly of the same package."""
    part = corpus.load().parts[split, "code"]
    tokens = part.file((file + rng.choice((-3, -2, -1, 1, 2, 3))) % len(part))
    begin = rng.randrange(max(1, len(tokens) - _LONGEST_CHUNK))
    window = tokens[begin : begin + rng.randint(40, _LONGEST_CHUNK)]
    starts = corpus.line_starts(window).tolist()
    first = starts[1] if begin and len(starts) > 2 else 0
    name = f"{rng.choice(_STEMS)}_{rng.choice(_STEMS)}.py"
    head = tok.load().encode(f"# {name}\n", rendered=False)
    return head + window[first : starts[-1]].tolist()


def _example(rng: random.Random, limit: int, split: str) -> tuple[Hole, Order]:
    order: Order = "spm" if rng.random() < _SPM_SHARE else "psm"
    hole = _with_chunks(rng, limit, split)
    return (hole.healed() if order == "spm" or rng.random() < _HEALED_SHARE else hole), order


def _with_chunks(rng: random.Random, limit: int, split: str) -> Hole:
    room = limit - 2 * _LONGEST_CHUNK - 40
    if room < _LONGEST_CHUNK or rng.random() >= _EXTRA_SHARE:
        return cut(rng, limit, split)
    hole, file = _cut(rng, room, split, None)
    extra = [token for _ in range(rng.randint(1, 2)) for token in _chunk(rng, split, file)]
    return replace(hole, extra=tuple(extra))


def sample_tokens(
    rng: random.Random, limit: int = 1100, split: str = "train"
) -> tuple[list[int], list[float]]:
    """Token ids and loss weights of one example."""
    hole, order = _example(rng, limit, split)
    prompt = hole.prompt(order)
    answer = [*hole.middle, tok.EOS_ID]
    return prompt + answer, [_CONTEXT_WEIGHT] * len(prompt) + [1.0] * len(answer)


def sample(rng: random.Random, max_chars: int = 3300, split: str = "train") -> Document:
    """One example as a document."""
    hole, order = _example(rng, max(120, max_chars // 3), split)
    decode = tok.load().decode
    begin, before = BOS + FIM_BEGIN + decode(hole.extra), decode(hole.before)
    after, answer = FIM_HOLE + decode(hole.after) + FIM_END, Segment(decode(hole.middle) + EOS, 1.0)
    prompt = begin + before + after if order == "psm" else begin + after + before
    return [Segment(prompt, _CONTEXT_WEIGHT), answer]
