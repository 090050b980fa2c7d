"""What a GGUF tokenizer of this kind means, written down a second time: slow, plain, standard library only.

The pre-tokeniser is spelt out as a scanner over Unicode classes instead of regular expressions, and BPE joins
the adjacent pair of lowest rank until none is left. Tests hold the fast tokenizer to it.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable
from itertools import pairwise

_CJK = ((0x4E00, 0x9FA5), (0x3040, 0x309F), (0x30A0, 0x30FF))
_ASCII_PUNCTUATION = frozenset("!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~")
Splitter = Callable[[str, int], int]


def _kind(character: str) -> str:
    return unicodedata.category(character)[0]


def _is_space(character: str) -> bool:
    # White_Space of Unicode; str.isspace() also accepts U+001C..U+001F, which are not in it.
    return character.isspace() and not "\x1c" <= character <= "\x1f"


def _run(text: str, at: int, accepts: Callable[[str], bool], most: int | None = None) -> int:
    """The end of the longest run of accepted characters."""
    end = at
    while end < len(text) and (most is None or end - at < most) and accepts(text[end]):
        end += 1
    return end


def _digits(text: str, at: int) -> int:
    return _run(text, at, lambda c: _kind(c) == "N", most=3)


def _cjk(text: str, at: int) -> int:
    return _run(text, at, lambda c: any(low <= ord(c) <= high for low, high in _CJK))


def _punctuated_word(text: str, at: int) -> int:
    if text[at] not in _ASCII_PUNCTUATION:
        return at
    end = _run(text, at + 1, lambda c: c.isascii() and c.isalpha())
    return end if end > at + 1 else at


def _word(text: str, at: int) -> int:
    start = at + 1 if text[at] not in "\r\n" and _kind(text[at]) not in "LPS" else at
    end = _run(text, start, lambda c: _kind(c) in "LM")
    if end > start:
        return end
    # A mark may itself have been taken as the optional character in front.
    return _run(text, at, lambda c: _kind(c) in "LM") if start > at else at


def _punctuation(text: str, at: int) -> int:
    start = at + 1 if text[at] == " " else at
    end = _run(text, start, lambda c: _kind(c) in "PS")
    return _run(text, end, lambda c: c in "\r\n") if end > start else at


def _space(text: str, at: int) -> int:
    end = _run(text, at, _is_space)
    if end == at:
        return at
    last_newline = max(text.rfind("\n", at, end), text.rfind("\r", at, end))
    if last_newline >= 0:
        return last_newline + 1
    # A run in front of something else leaves its last character to it, if that is not all of it.
    return end - 1 if end < len(text) and end - at > 1 else end


def _rest(text: str, at: int) -> int:
    for splitter in (_punctuated_word, _word, _punctuation, _space):
        end = splitter(text, at)
        if end > at:
            return end
    return at


def _isolate(pieces: list[str], splitter: Splitter) -> list[str]:
    """Every match becomes a piece; what lies between matches stays as it is."""
    result: list[str] = []
    for piece in pieces:
        at = kept = 0
        while at < len(piece):
            end = splitter(piece, at)
            if end == at:
                at += 1
                continue
            result += [piece[kept:at], piece[at:end]]
            at = kept = end
        result.append(piece[kept:])
    return [piece for piece in result if piece]


def pre_tokens(text: str) -> list[str]:
    """The pieces that no merge may cross."""
    return _isolate(_isolate(_isolate([text], _digits), _cjk), _rest)


def byte_table() -> list[str]:
    """The printable stand-in of each byte."""
    table, extra = [], 0
    for byte in range(256):
        if 33 <= byte <= 126 or 161 <= byte <= 172 or byte >= 174:
            table.append(chr(byte))
        else:
            table.append(chr(256 + extra))
            extra += 1
    return table


class SlowTokenizer:
    """Encodes ordinary text, one merge at a time."""

    def __init__(self, tokens: list[str], merges: list[tuple[str, str]]) -> None:
        self._ids = {token: number for number, token in enumerate(tokens)}
        self._ranks = {merge: rank for rank, merge in enumerate(merges)}
        self._bytes = byte_table()

    def encode(self, text: str) -> list[int]:
        """The ids of `text`, in which special tokens mean nothing."""
        return [self._ids[piece] for part in pre_tokens(text) for piece in self._merged(part)]

    def _merged(self, part: str) -> list[str]:
        pieces = [self._bytes[byte] for byte in part.encode()]
        while len(pieces) > 1:
            ranked = [
                (self._ranks.get(pair, len(self._ranks)), at) for at, pair in enumerate(pairwise(pieces))
            ]
            rank, at = min(ranked)
            if rank == len(self._ranks):
                break
            pieces[at : at + 2] = [pieces[at] + pieces[at + 1]]
        return pieces
