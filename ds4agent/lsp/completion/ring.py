"""Pieces of the user's other files, which the model reads in front of the one that is edited.

Pieces come from documents that are opened, edited, saved, visited, and from text that is copied. They wait
until the user rests; then all that is new goes to the end of what a document is completed with. Nothing is
taken out in front, because all behind it would have to be read again; only when there are too many is the
older half let go at once. Of two pieces that are nearly the same words the first stays.
"""

import re
from collections import OrderedDict, deque
from dataclasses import dataclass
from pathlib import PurePosixPath
from urllib.parse import unquote, urlsplit

from ds4agent.lsp.document import Document

# Documents whose lists are remembered; each has its own, without itself.
MOST_LISTS = 16
MOST_WAITING = 64
# Shared words, of all, from which on two pieces count as one.
ALIKE = 0.9
# Lines nearer than this to where one was taken last do not make another one.
FAR = 32
FEWEST_WORDS = 8
LONGEST_LINE = 400
_WORD = re.compile(r"\w+")


@dataclass(frozen=True, slots=True)
class Chunk:
    """`words`: what it says, for comparing."""

    uri: str
    name: str
    text: str
    words: frozenset[str]

    def like(self, other: "Chunk") -> bool:
        shared = 2 * len(self.words & other.words)
        return shared >= ALIKE * (len(self.words) + len(other.words))


class Ring:
    def __init__(self) -> None:
        self.resize(0, 0, 0)
        self._waiting: deque[tuple[int, Chunk]] = deque(maxlen=MOST_WAITING)
        self._count = 0
        self._lists: OrderedDict[str, tuple[int, list[Chunk]]] = OrderedDict()
        self._taken: dict[str, int] = {}

    def resize(self, most: int, lines: int, characters: int) -> None:
        """`most`: pieces in a list; `lines`: of a piece; `characters`: of a list."""
        self._most, self._lines, self._characters = most, lines, characters

    def visit(self, document: Document, line: int) -> None:
        """The cursor came here, or a line was changed."""
        last = self._taken.get(document.uri)
        if last is None or abs(line - last) > FAR:
            self.take(document, line)

    def take(self, document: Document, line: int) -> None:
        """The piece around a line."""
        first = max(0, min(line - self._lines // 2, len(document.lines) - self._lines))
        self._taken[document.uri] = line
        self.put(document.uri, "".join(document.lines[first : first + self._lines]))

    def put(self, uri: str, text: str) -> None:
        """A piece of text from this document."""
        lines = text.replace("\r\n", "\n").split("\n")[: self._lines]
        text = "\n".join(line for line in lines if len(line) <= LONGEST_LINE).strip("\n")
        words = frozenset(_WORD.findall(text))
        if len(words) < FEWEST_WORDS or "\0" in text:
            return
        self._count += 1
        self._waiting.append((self._count, Chunk(uri, name_of(uri), text, words)))

    def settle(self, uri: str) -> bool:
        """What is new joins the list of this document; whether that changed it."""
        seen, held = self._lists.get(uri, (0, []))
        for number, chunk in self._waiting:
            if number > seen and chunk.uri != uri and not any(map(chunk.like, held)):
                held = [*held, chunk]
        before = self._lists.get(uri, (0, []))[1]
        if self._too_much(held):
            held = self._newer(held)
        self._lists[uri] = self._count, held
        self._lists.move_to_end(uri)
        while len(self._lists) > MOST_LISTS:
            self._lists.popitem(last=False)
        return held != before

    def extra(self, uri: str) -> list[dict[str, str]]:
        """The list of a document, as /infill takes it; the same until settle()."""
        held = self._lists.get(uri, (0, []))[1]
        return [{"filename": chunk.name, "text": chunk.text} for chunk in held]

    def _too_much(self, held: list[Chunk]) -> bool:
        return len(held) > self._most or sum(len(chunk.text) for chunk in held) > self._characters

    def _newer(self, held: list[Chunk]) -> list[Chunk]:
        """Half of what there is room for, so that it is long until it has to be done again."""
        room, kept = self._characters // 2, deque[Chunk]()
        for chunk in reversed(held[len(held) - (self._most + 1) // 2 :]):
            room -= len(chunk.text)
            if room < 0:
                break
            kept.appendleft(chunk)
        return list(kept)


def name_of(uri: str) -> str:
    return PurePosixPath(unquote(urlsplit(uri).path)).name or "untitled"
