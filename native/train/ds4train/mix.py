"""Mixes the sources into rows of T + 1 tokens with a loss weight and a source per token.

The shares are kept by token: the next document comes from the source that is furthest behind. A whole session
always starts a row (in use, one starts at position 0 too), and the rest of its row is filled with short
documents, each with its own BOS. A row therefore wastes only the few tokens into which no document fits.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache

import numpy as np
from numpy.typing import NDArray

from ds4train.document import BOS, Document

SOURCES = ("sessions", "code", "fim", "chat")
DEFAULT_SHARES = {"sessions": 0.62, "code": 0.16, "fim": 0.10, "chat": 0.12}
BOS_ID, PAD_ID = 0, 2
# A weight is kept in tenths in the low bits of a byte, the source above it.
WEIGHT_LEVELS = 10
WEIGHT_BITS = 4
_SMALLEST_FILL = 48
# A source is not asked to fill less than this.
_ROOM = {"sessions": 450, "fim": 160}
# Characters: shorter sessions are too rare to ask for.
_LEAST_SESSION = 900

Encoded = tuple[list[int], list[float]]
# A source makes one encoded document of about `limit` tokens at most.
Source = Callable[[random.Random, int], Encoded]


def encode_document(document: Document) -> Encoded:
    """Ids and weights of a document, all its segments in one call; long constant segments are remembered."""
    from ds4train import tok

    encode = tok.load().encode_batch
    texts = [s.text for s in document]
    fresh = [t for t in texts if len(t) < _MEMO_CHARS]
    done = iter(encode(fresh))
    ids: list[int] = []
    weights: list[float] = []
    for segment in document:
        part = next(done) if len(segment.text) < _MEMO_CHARS else _remembered(segment.text)
        ids += part
        weights += [segment.weight] * len(part)
    return ids, weights


_MEMO_CHARS = 1500


@cache
def _memo() -> dict[str, list[int]]:
    return {}


def _remembered(text: str) -> list[int]:
    from ds4train import tok

    memo = _memo()
    if text not in memo:
        if len(memo) > 256:
            memo.clear()
        memo[text] = tok.load().encode(text)
    return memo[text]


class Sessions:
    """Agent sessions: whole ones, and `bare` ones without the instructions that every session begins with.

    The instructions are the larger half of a session and nothing is learnt from them, so a row has one whole
    session and is then filled with bare ones: twice the assistant tokens for the same work.
    """

    def __init__(self) -> None:
        from ds4train import sessions

        self._make = sessions.sample
        first = self._make(random.Random(0), 10_000)[0]
        if first.weight != 0 or not first.text.startswith(BOS):
            raise ValueError("a session does not begin with a segment of instructions")
        self._instructions = first.text
        self._instruction_tokens = len(encode_document([first])[0])
        # Characters per token of what follows, learnt on the way, so that lengths fit the row.
        self._density = 2.2

    def __call__(self, rng: random.Random, limit: int) -> Encoded:
        document = self._sample(rng, limit - self._instruction_tokens)
        ids, weights = self._encode(document[1:])
        head, zeros = encode_document(document[:1])
        return head + ids, zeros + weights

    def bare(self, rng: random.Random, limit: int) -> Encoded:
        ids, weights = self._encode(self._sample(rng, limit - 1)[1:])
        return [BOS_ID, *ids], [0.0, *weights]

    def _sample(self, rng: random.Random, room: int) -> Document:
        """A session whose part after the instructions has about `room` tokens at most."""
        characters = max(_LEAST_SESSION, int(room * self._density * 0.95))
        return self._make(rng, len(self._instructions) + characters)

    def _encode(self, document: Document) -> Encoded:
        ids, weights = encode_document(document)
        characters = sum(len(s.text) for s in document)
        self._density += 0.01 * (characters / len(ids) - self._density)
        return ids, weights


def _chat_source() -> Source:
    from ds4train import chat

    return lambda rng, limit: encode_document(chat.sample(rng))


def _code_source() -> Source:
    from ds4train import corpus

    def make(rng: random.Random, limit: int) -> Encoded:
        ids = corpus.sample_tokens(rng, limit)
        return ids, [0.0, *[1.0] * (len(ids) - 1)]

    return make


def _fim_source() -> Source:
    from ds4train import fim

    return lambda rng, limit: fim.sample_tokens(rng, min(limit, 1100))


def load_sources(shares: dict[str, float]) -> dict[str, Source]:
    """The project's own sources that have a share."""
    makers = {"sessions": Sessions, "code": _code_source, "fim": _fim_source, "chat": _chat_source}
    return {name: makers[name]() for name in SOURCES if shares.get(name, 0) > 0}


def random_sources(shares: dict[str, float], vocab: int = 512) -> dict[str, Source]:
    """Stand-ins for tests and benchmarks: short random runs, each repeated: something to learn."""

    def make(rng: random.Random, limit: int) -> Encoded:
        half = [rng.randrange(11, vocab) for _ in range(rng.randint(16, max(17, limit // 2 - 1)))]
        return [0, *half, *half], [0.0, *[0.1] * len(half), *[1.0] * len(half)]

    return {name: make for name in SOURCES if shares.get(name, 0) > 0}


@dataclass
class RowMaker:
    """Makes rows; one per worker process."""

    length: int
    shares: dict[str, float]
    sources: dict[str, Source]
    rng: random.Random
    made: dict[str, int] = field(default_factory=dict)

    def row(self) -> tuple[NDArray[np.int16], NDArray[np.uint8]]:
        """(tokens [T + 1], codes [T + 1]); see `encode_codes` for the codes."""
        size = self.length + 1
        tokens = np.full(size, PAD_ID, dtype=np.int16)
        codes = np.zeros(size, dtype=np.uint8)
        at = 0
        while size - at >= _SMALLEST_FILL:
            name = self._choose(first=at == 0, room=size - at)
            source = self.sources[name]
            if at and isinstance(source, Sessions):
                source = source.bare
            ids, weights = source(self.rng, size - at)
            n = min(len(ids), size - at)
            tokens[at : at + n] = ids[:n]
            levels = np.rint(np.asarray(weights[:n], dtype=np.float32) * WEIGHT_LEVELS).astype(np.uint8)
            codes[at : at + n] = (SOURCES.index(name) << WEIGHT_BITS) | levels
            self.made[name] = self.made.get(name, 0) + n
            at += n
        return tokens, codes

    def _choose(self, first: bool, room: int) -> str:
        fits = [n for n in self.sources if first or room >= _ROOM.get(n, 0)] or list(self.sources)
        return min(fits, key=lambda n: self.made.get(n, 0) / self.shares[n])
