"""A request in other words still holds all that the agent has to copy from it."""

from __future__ import annotations

import random
import re
from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from native.train.ds4train.sessions.handwritten.form import choose, entries
from native.train.ds4train.sessions.otherwise import otherwise, table, words_of

_COPIED = re.compile(r"⟪[^⟫]*⟫|`[^`]*`|\"[^\"]*\"")


def test_what_is_copied_stays() -> None:
    rng, changed = random.Random(3), 0
    for entry in rng.sample(entries(), 600):
        wording = choose(rng.choice(entry.asks)[0], rng)
        said = otherwise(rng, wording, entry.fixed_words)
        changed += said != wording
        for copied in _COPIED.findall(wording):
            assert copied in said, f"{entry.where}: {said}"
        for word in set(re.findall(r"[A-Za-z]+", _COPIED.sub("", wording))):
            if word.lower() in entry.fixed_words:
                assert word in said, f"{entry.where}: {word!r} is not in {said!r}"
    assert 150 < changed < 450


@given(st.text(max_size=80), st.integers())
def test_words_that_are_kept_stand_in_any_text(text: str, seed: int) -> None:
    said = otherwise(random.Random(seed), text, words_of(text))
    assert all(word in said for word in re.findall(r"[A-Za-z]+", text))


def test_a_text_with_private_characters_is_left_alone() -> None:
    text = "Remove the \ue000 folder, please"
    assert {otherwise(random.Random(n), text, frozenset()) for n in range(50)} == {text}


def test_words_are_exchanged_for_those_of_the_table() -> None:
    said = Counter(otherwise(random.Random(n), "Remove the folder", frozenset()) for n in range(300))
    words = {word.lower() for text in said for word in text.split()}
    assert {"remove", *table()["remove"][0].split(), "folder", *table()["folder"]} <= words
    kept = {otherwise(random.Random(n), "Remove the folder", words_of("remove folder")) for n in range(100)}
    assert all("Remove" in text and "folder" in text for text in kept)


def test_the_table_exchanges_no_word_for_itself() -> None:
    assert all(
        others and word not in others and len(set(others)) == len(others) for word, others in table().items()
    )
