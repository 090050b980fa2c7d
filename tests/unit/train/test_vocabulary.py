"""The committed vocabulary: its layout, and that a name is spelt alike wherever it stands."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.unit.train.gguf_bpe import SlowTokenizer, byte_table

VOCAB = Path(__file__).resolve().parents[3] / "native" / "train" / "vocab"
SPECIALS = [
    "<｜begin▁of▁sentence｜>",
    "<｜end▁of▁sentence｜>",
    "<｜▁pad▁｜>",
    "<｜User｜>",
    "<｜Assistant｜>",
    "<think>",
    "</think>",
    "｜DSML｜",
    "<｜fim▁begin｜>",
    "<｜fim▁hole｜>",
    "<｜fim▁end｜>",
]
TOKENS: list[str] = json.loads((VOCAB / "tokens.json").read_text(encoding="utf-8"))
LINES = (VOCAB / "merges.txt").read_text(encoding="utf-8").splitlines()
MERGES: list[tuple[str, str]] = [(a, b) for a, b in (line.split(" ") for line in LINES)]
SLOW = SlowTokenizer(TOKENS, MERGES)
SPACED = [b for a, b in MERGES if a == "Ġ" and b.isascii() and b.isalpha()]


def test_ids_are_specials_then_bytes_then_one_a_merge() -> None:
    assert len(TOKENS) == len(set(TOKENS)) == 8192
    assert TOKENS[:11] == SPECIALS
    assert TOKENS[11:267] == byte_table()
    assert TOKENS[267:] == [a + b for a, b in MERGES]


def test_letters_digits_and_punctuation_never_share_a_token() -> None:
    for token in TOKENS[267:]:
        text = token.lstrip("Ġ")
        kinds = {"a" if c.isalpha() else "0" if c.isdigit() else "." for c in text if c.isascii()}
        assert len(kinds) <= 1, token
        assert not any(c in "0123456789" for c in text), token


def test_a_space_joins_whole_words_only_and_last() -> None:
    first = next(rank for rank, (a, b) in enumerate(MERGES) if a == "Ġ" and b[0] not in "Ġ")
    assert len(SPACED) == 800
    assert all(a == "Ġ" for a, _ in MERGES[first:])
    assert all(b in TOKENS[:267] or b in TOKENS[267 : 267 + first] for _, b in MERGES[first:])


@pytest.mark.parametrize("before", ["_", "/", '"', ".", "-", "(", "\t", "\n", "=", "'", "://"])
def test_a_word_is_the_same_tokens_after_anything_but_a_space(before: str) -> None:
    for word in [*SPACED, "zorvex", "Quuxify", "getElementById", "HTTPServer"]:
        assert SLOW.encode(before + word) == SLOW.encode(before) + SLOW.encode(word)


def test_a_spaced_word_is_one_token() -> None:
    for word in SPACED:
        assert len(SLOW.encode(word)) == len(SLOW.encode(" " + word)) == 1


@pytest.mark.parametrize(
    "path", ["/tmp/a.py", "~/x", "./run.sh", "../lib", "_name", "--flag", "-v", "$HOME", "@x"]
)
def test_what_begins_a_path_or_flag_is_not_glued_to_a_quote(path: str) -> None:
    for quote in ('"', "'", "(", "=", " ", "[", ", "):
        assert SLOW.encode(quote + path) == SLOW.encode(quote) + SLOW.encode(path)


def test_the_words_of_a_session_are_single_tokens() -> None:
    words = "command path view create insert str editor python bash string true grep README AssertionError"
    assert [word for word in words.split() if len(SLOW.encode(word)) > 1] == []
