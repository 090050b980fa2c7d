"""The bundled model's tokenizer, fast: HF `tokenizers` set up to do exactly what the GGUF says.

Three isolating splits (the joyai-llm pre-tokeniser), the byte map of GPT-2, then BPE by merge rank. In
rendered mode the eleven special tokens are matched literally first; otherwise their text is ordinary text.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from functools import cache
from pathlib import Path

from tokenizers import AddedToken, Regex
from tokenizers import Tokenizer as Backend
from tokenizers.decoders import ByteLevel as ByteLevelDecoder
from tokenizers.models import BPE
from tokenizers.pre_tokenizers import ByteLevel, PreTokenizer, Sequence, Split

from ds4train.document import SPECIALS, Document

VOCAB_DIR = Path(__file__).resolve().parent.parent / "vocab"
BOS_ID, EOS_ID, PAD_ID, USER_ID, ASSISTANT_ID, THINK_ID, END_THINK_ID, DSML_ID = range(8)
FIM_BEGIN_ID, FIM_HOLE_ID, FIM_END_ID = 8, 9, 10

SPLITS = (
    r"\p{N}{1,3}",
    r"[一-龥぀-ゟ゠-ヿ]+",
    r"[!\"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+"
    r"|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+"
    r"| ?[\p{P}\p{S}]+[\r\n]*"
    r"|\s*[\r\n]+|\s+(?!\S)|\s+",
)


def read_tokens(folder: Path = VOCAB_DIR) -> list[str]:
    """The vocabulary in id order, byte-mapped as in the GGUF."""
    tokens: list[str] = json.loads((folder / "tokens.json").read_text(encoding="utf-8"))
    return tokens


def read_merges(folder: Path = VOCAB_DIR) -> list[tuple[str, str]]:
    """The merges in rank order."""
    lines = (folder / "merges.txt").read_text(encoding="utf-8").splitlines()
    pairs = (line.split(" ") for line in lines)
    return [(left, right) for left, right in pairs]


def _pre_tokenizer() -> PreTokenizer:
    splits: list[PreTokenizer] = [Split(Regex(pattern), "isolated") for pattern in SPLITS]
    splits.append(ByteLevel(add_prefix_space=False, use_regex=False))
    return Sequence(splits)


def _backend(tokens: list[str], merges: list[tuple[str, str]], specials: bool) -> Backend:
    backend = Backend(BPE(vocab={token: n for n, token in enumerate(tokens)}, merges=merges))
    backend.pre_tokenizer = _pre_tokenizer()
    backend.decoder = ByteLevelDecoder()
    if specials:
        backend.add_special_tokens([AddedToken(text, normalized=False, special=True) for text in SPECIALS])
    return backend


class Tokenizer:
    """Text to ids and back."""

    def __init__(self, folder: Path = VOCAB_DIR) -> None:
        self.tokens = read_tokens(folder)
        merges = read_merges(folder)
        self._rendered = _backend(self.tokens, merges, specials=True)
        self._plain = _backend(self.tokens, merges, specials=False)

    def encode(self, text: str, rendered: bool = True) -> list[int]:
        """Ids of `text`; `rendered` says whether special tokens are matched in it."""
        ids: list[int] = self._pick(rendered).encode(text, add_special_tokens=False).ids
        return ids

    def last_word(self, text: str) -> int:
        """Where the last piece of `text` begins that the pre-tokeniser keeps together, in characters."""
        pieces = self._plain.pre_tokenizer.pre_tokenize_str(text)
        return int(pieces[-1][1][0]) if pieces else 0

    def encode_batch(self, texts: list[str], rendered: bool = True) -> list[list[int]]:
        """`encode` for many texts at once, on all cores the tokenizers library may use."""
        encodings = self._pick(rendered).encode_batch_fast(texts, add_special_tokens=False)
        return [encoding.ids for encoding in encodings]

    def encode_document(self, document: Document) -> tuple[list[int], list[float]]:
        """Ids of a whole document and the loss weight of each."""
        ids: list[int] = []
        weights: list[float] = []
        for segment in document:
            part = self.encode(segment.text)
            ids += part
            weights += [segment.weight] * len(part)
        return ids, weights

    def decode(self, ids: Iterable[int]) -> str:
        """The exact text; bytes that are not UTF-8 become U+FFFD."""
        return self.decode_bytes(ids).decode("utf-8", errors="replace")

    def decode_bytes(self, ids: Iterable[int]) -> bytes:
        """The exact bytes of a token sequence."""
        table = _token_bytes(tuple(self.tokens))
        return b"".join(table[n] for n in ids)

    def _pick(self, rendered: bool) -> Backend:
        return self._rendered if rendered else self._plain


@cache
def _token_bytes(tokens: tuple[str, ...]) -> list[bytes]:
    first = len(SPECIALS)
    # The 256 byte symbols follow the specials in byte order.
    value = {symbol: byte for byte, symbol in enumerate(tokens[first : first + 256])}
    ordinary = (bytes(value[symbol] for symbol in token) for token in tokens[first:])
    return [*(special.encode() for special in SPECIALS), *ordinary]


@cache
def fingerprint(folder: Path = VOCAB_DIR) -> str:
    """A short name for the vocabulary: data and checkpoints made with another one do not fit it."""
    data = (folder / "tokens.json").read_bytes() + (folder / "merges.txt").read_bytes()
    return hashlib.sha256(data).hexdigest()[:16]


@cache
def load() -> Tokenizer:
    """The one tokenizer of this process."""
    return Tokenizer()
