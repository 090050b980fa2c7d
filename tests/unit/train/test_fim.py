"""Fill-in-the-middle and code samples, on a small corpus of a few standard modules."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

pytest.importorskip("tokenizers")

from ds4train import corpus, fim, prepare, tok
from ds4train.sources import Package, Source


def test_prepared_files_decode_to_their_text(small_corpus: dict[str, str]) -> None:
    part = corpus.load().parts["train", "code"]
    assert [tok.load().decode(part.file(n).tolist()) for n in range(len(part))] == list(small_corpus.values())


def test_the_three_parts_make_a_stretch_of_a_file(small_corpus: dict[str, str]) -> None:
    rng = random.Random(3)
    whole = 0
    for _ in range(300):
        hole = fim.cut(rng, 400)
        decode = tok.load().decode
        before, middle, after = decode(hole.before), decode(hole.middle), decode(hole.after)
        assert any(before + middle + after in text for text in small_corpus.values())
        assert middle
        whole += middle.endswith("\n")
    assert 60 < whole < 200


def test_tokens_are_those_of_the_document(small_corpus: dict[str, str]) -> None:
    for seed in range(200):
        ids, weights = fim.sample_tokens(random.Random(seed), 300)
        assert (ids, weights) == tok.load().encode_document(fim.sample(random.Random(seed), 900))
        assert len(ids) <= 300
        assert ids[:2] == [tok.BOS_ID, tok.FIM_BEGIN_ID]
        assert ids[-1] == tok.EOS_ID
        assert [n for n in ids if n in (8, 9, 10)] == [8, 9, 10]


def test_only_the_middle_is_learnt(small_corpus: dict[str, str]) -> None:
    orders = set()
    for seed in range(50):
        hole, order = fim._example(random.Random(seed), 1100, "train")
        ids, weights = fim.sample_tokens(random.Random(seed), 1100)
        assert ids == [*hole.prompt(order), *hole.middle, tok.EOS_ID]
        assert weights == [0.0] * len(hole.prompt(order)) + [1.0] * (len(hole.middle) + 1)
        orders.add(order)
    assert orders == set(fim.ORDERS)


def test_what_changes_with_every_key_comes_last(small_corpus: dict[str, str]) -> None:
    hole = fim.Hole([20, 21], [22], [23], extra=(19,))
    assert hole.prompt("psm") == [0, 8, 19, 20, 21, 9, 23, 10]
    assert hole.prompt("spm") == [0, 8, 19, 9, 23, 10, 20, 21]


def test_a_healed_hole_begins_at_the_word_that_was_cut(small_corpus: dict[str, str]) -> None:
    rng, text = random.Random(4), tok.load().decode
    moved = 0
    for kind in ("identifier", "rest of line", "expression"):
        for _ in range(100):
            hole = fim.cut(rng, 400, kind=kind)
            healed = hole.healed()
            word = text(hole.before)[len(text(healed.before)) :]
            assert text(healed.before) + text(healed.middle) == text(hole.before) + text(hole.middle)
            cut_inside = text(hole.before)[-1:].isalnum() or text(hole.before)[-1:] == "_"
            assert bool(word) == cut_inside
            line = text(healed.before).rpartition("\n")[2] + text(healed.middle)
            joint = tok.load().encode(line, rendered=False)
            assert not word or healed.middle == joint[-len(healed.middle) :]
            moved += bool(word)
    assert moved > 100


def test_chunks_of_other_files_are_whole_lines_under_a_name(small_corpus: dict[str, str]) -> None:
    chunks = 0
    for seed in range(60):
        hole, _ = fim._example(random.Random(seed), 1100, "train")
        for chunk in tok.load().decode(hole.extra).split("# ")[1:] if hole.extra else ():
            chunks += ".py\n" in chunk
        text = tok.load().decode(hole.extra)
        assert text == "" or text.endswith("\n")
    assert chunks > 10


def test_code_samples_are_stretches_of_files(small_corpus: dict[str, str]) -> None:
    rng = random.Random(5)
    for _ in range(200):
        ids = corpus.sample_tokens(rng, 120)
        ended = ids[-1] == tok.EOS_ID
        text = tok.load().decode(ids[1:-1] if ended else ids[1:])
        assert ids[0] == tok.BOS_ID
        assert len(ids) <= 120
        assert any(text in whole for whole in small_corpus.values())
        assert ended == any(whole.endswith(text) for whole in small_corpus.values())


def test_tokens_of_another_vocabulary_are_refused(tmp_path: Path) -> None:
    prepare.write([Source(Package("self", "MIT"), "a", "text", "code")], tmp_path / "other")
    index = tmp_path / "other" / corpus.INDEX_FILE
    index.write_text(index.read_text().replace(tok.fingerprint(), "0" * 16))
    with pytest.raises(ValueError, match="another vocabulary"):
        corpus.load(tmp_path / "other")
