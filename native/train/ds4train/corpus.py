"""Public code and documentation as one array of tokens, and samples of it.

`python -m ds4train.prepare` writes the array once (native/train/data/); it travels to the training machine as
one small compressed file, since the sources themselves are not there. Sampling slices the array: no
tokenising at training time. A held-out one percent of the files, chosen by content hash, never reaches
training.
"""

from __future__ import annotations

import json
import lzma
import random
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import numpy.typing as npt

from ds4train import tok
from ds4train.document import BOS, EOS, Document, Segment

DATA_DIR = Path(__file__).resolve().parent.parent / "data"
TOKENS_FILE = "corpus.u16.xz"
INDEX_FILE = "corpus.json"
# Of the stretches, not counting holes: Python is cut into holes too, the rest is read only here.
_SHARES = {"code": 0.5, "prose": 0.3, "other": 0.2}

Tokens = npt.NDArray[np.uint16]


@dataclass(frozen=True)
class Part:
    """Some of the files, end to end: `starts` has one more entry than there are files."""

    tokens: Tokens
    starts: npt.NDArray[np.int64]

    def pick(self, rng: random.Random) -> tuple[Tokens, int]:
        """A file, as likely as it is long, and a uniformly chosen position in it."""
        file, position = self.place(rng)
        return self.file(file), position

    def place(self, rng: random.Random) -> tuple[int, int]:
        """The number of a file, as likely as it is long, and a uniformly chosen position in it."""
        position = rng.randrange(len(self.tokens))
        file = int(np.searchsorted(self.starts, position, side="right")) - 1
        return file, position - int(self.starts[file])

    def file(self, number: int) -> Tokens:
        """The tokens of one file."""
        return self.tokens[self.starts[number] : self.starts[number + 1]]

    def __len__(self) -> int:
        return len(self.starts) - 1


@dataclass(frozen=True)
class Corpus:
    """All parts, by split ("train", "heldout") and kind ("code", "prose", "other")."""

    parts: dict[tuple[str, str], Part]
    vocabulary: str


@cache
def load(folder: Path = DATA_DIR) -> Corpus:
    """Reads what prepare wrote; refuses tokens that were made with another vocabulary."""
    index = json.loads((folder / INDEX_FILE).read_text(encoding="utf-8"))
    if index["vocabulary"] != tok.fingerprint():
        raise ValueError(
            f"{folder} was prepared with another vocabulary: run python -m ds4train.prepare again"
        )
    with lzma.open(folder / TOKENS_FILE) as file:
        tokens = np.frombuffer(file.read(), dtype="<u2")
    parts: dict[tuple[str, str], Part] = {}
    offset = 0
    for entry in index["parts"]:
        starts = np.concatenate(([0], np.cumsum(entry["lengths"]))).astype(np.int64)
        parts[entry["split"], entry["kind"]] = Part(tokens[offset : offset + int(starts[-1])], starts)
        offset += int(starts[-1])
    return Corpus(parts, index["vocabulary"])


@cache
def newline_table() -> npt.NDArray[np.bool_]:
    """Which tokens end a line. Newlines join only newlines, so a slice after one retokenises the same."""
    return np.array([token.endswith("Ċ") for token in tok.load().tokens])


def line_starts(tokens: Tokens) -> npt.NDArray[np.int64]:
    """Positions at which a line begins, the first position included, the end not."""
    ends = np.flatnonzero(newline_table()[tokens[:-1]]) + 1
    return np.concatenate(([0], ends)).astype(np.int64)


def _window(rng: random.Random, tokens: Tokens, position: int, length: int) -> tuple[int, int]:
    """About `length` tokens around a position, from the start of a line."""
    if len(tokens) <= length or rng.random() < 0.25:
        return 0, min(length, len(tokens))
    begin = max(0, min(position, len(tokens) - length))
    if begin:
        ends = np.flatnonzero(newline_table()[tokens[begin - 1 : begin + 200]])
        begin += int(ends[0]) if len(ends) else 0
    return begin, min(begin + length, len(tokens))


def sample_tokens(rng: random.Random, length: int, split: str = "train") -> list[int]:
    """At most `length` tokens: BOS, a stretch of one file, EOS if it reaches the file's end."""
    (kind,) = rng.choices(list(_SHARES), list(_SHARES.values()))
    tokens, position = load().parts[split, kind].pick(rng)
    begin, end = _window(rng, tokens, position, length - 2)
    ids: list[int] = [tok.BOS_ID, *tokens[begin:end].tolist()]
    return [*ids, tok.EOS_ID] if end == len(tokens) else ids


def sample(rng: random.Random, max_chars: int = 6000, split: str = "train") -> Document:
    """A stretch of one file as a document; all of it is learnt."""
    ids = sample_tokens(rng, max(16, max_chars // 4), split)
    ended = ids[-1] == tok.EOS_ID
    text = tok.load().decode(ids[1 : -1 if ended else None])
    return [Segment(BOS, 0.0), Segment(text, 1.0), *([Segment(EOS, 1.0)] if ended else [])]
