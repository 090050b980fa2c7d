"""The fast tokenizer against the slow one, on everything text can hold."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

pytest.importorskip("tokenizers")

from ds4train import tok
from ds4train.document import BOS, DSML, EOS, SPECIALS, THINK, Segment

from tests.unit.train.gguf_bpe import SlowTokenizer

FAST = tok.load()
SLOW = SlowTokenizer(FAST.tokens, tok.read_merges())
_PIECES = [
    *"  \n\t\r_-./\"'(){}[]<>=abcXYZ019é中文ひカ—“”😀\u00a0\u2028\u0301\x00\x7f½Ⅷ٣｜",
    "the", "File", " name", "\r\n", "    ", "\n\n\n", "theory", "don't", "x_1",
    "0x1F", "==", "...", "\u1e9e", "ß",
]  # fmt: skip


@pytest.mark.parametrize("path", sorted(Path(__file__).resolve().parents[3].joinpath("prompts").rglob("*.*")))
def test_prompts(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert FAST.encode(text, rendered=False) == SLOW.encode(text)


def test_this_file() -> None:
    text = Path(__file__).read_text(encoding="utf-8")
    assert FAST.encode(text, rendered=False) == SLOW.encode(text)


@given(st.lists(st.sampled_from(_PIECES), max_size=40).map("".join))
def test_mixed_pieces(text: str) -> None:
    assert FAST.encode(text, rendered=False) == SLOW.encode(text)


@given(st.text(max_size=60))
def test_any_text_survives(text: str) -> None:
    assert FAST.decode(FAST.encode(text, rendered=False)) == text
    assert FAST.decode(FAST.encode(text, rendered=True)) == text


@given(st.lists(st.sampled_from([*SPECIALS, "a", " b", "\n", "<", "think", "｜", " "]), max_size=20))
def test_rendered_text_maps_specials_and_only_them(parts: list[str]) -> None:
    text = "".join(parts)
    assert FAST.decode(FAST.encode(text)) == text
    assert not set(FAST.encode(text, rendered=False)) & set(range(11))


def test_specials_have_their_ids() -> None:
    assert FAST.encode("".join(SPECIALS)) == list(range(11))
    assert FAST.encode(BOS + "hello" + EOS) == [0, *FAST.encode("hello"), 1]
    assert FAST.encode(f"<{DSML}invoke") == [*FAST.encode("<"), 7, *FAST.encode("invoke")]


def test_documents_are_tokenised_segment_by_segment() -> None:
    document = [Segment(BOS + "You are", 0.0), Segment(THINK + "so it is" + EOS, 1.0)]
    ids, weights = FAST.encode_document(document)
    assert ids == FAST.encode("".join(segment.text for segment in document))
    assert weights == [0.0] * (len(ids) - weights.count(1.0)) + [1.0] * weights.count(1.0)


def test_a_batch_is_the_same_as_one_by_one() -> None:
    rng = random.Random(7)
    texts = ["".join(rng.choices(_PIECES, k=30)) for _ in range(50)]
    assert FAST.encode_batch(texts) == [FAST.encode(text) for text in texts]


def test_a_cut_character_decodes_as_a_replacement() -> None:
    first, *_ = FAST.encode("😀", rendered=False)
    assert FAST.decode([first]) == "\ufffd"
