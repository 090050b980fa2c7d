"""The code evaluation itself: one that knows the files is right, one that says nothing is not."""

from __future__ import annotations

import pytest

pytest.importorskip("tokenizers")

from ds4train import evaluate_code, tok


def _knows_the_files(texts: list[str]) -> evaluate_code.Complete:
    """Completes by looking the prompt up: what really stands between its two sides."""

    def complete(prompt: list[int], most: int, stop: evaluate_code.Stop) -> list[int]:
        before, _, after = tok.load().decode(prompt).partition("<｜fim▁hole｜>")
        before = before.removeprefix("<｜begin▁of▁sentence｜>").removeprefix("<｜fim▁begin｜>")
        after = after.removesuffix("<｜fim▁end｜>")
        whole = next(text for text in texts if before in text and after in text)
        begin = whole.index(before) + len(before)
        text = whole[begin : whole.index(after, begin)] if after else whole[begin:]
        ids: list[int] = tok.load().encode(text, rendered=False)
        end = next((n for n, token in enumerate(ids, start=1) if stop(token)), len(ids))
        return ids[: min(end, most)]

    return complete


def test_a_model_that_knows_the_files_is_always_right(small_corpus: dict[str, str]) -> None:
    complete = _knows_the_files(list(small_corpus.values()))
    assert all(evaluate_code.next_line(complete, 20, seed=4))
    for kind in ("rest of line", "lines", "body"):
        results = [first for _, first in evaluate_code.fill_in(complete, kind, 20, seed=4)]
        # The rest are holes whose surroundings occur twice, or that have nothing after them.
        assert sum(results) >= 16


def test_a_model_that_says_nothing_is_never_right(small_corpus: dict[str, str]) -> None:
    scores = evaluate_code.evaluate(lambda prompt, most, stop: [], count=5)
    assert [score.right for score in scores] == [0] * len(scores)
    assert str(scores[0]).endswith("0/5 = 0.0%")


def test_a_prompt_ends_where_the_line_begins(small_corpus: dict[str, str]) -> None:
    for prompt, line in evaluate_code._line_prompts(20, seed=2):
        before = tok.load().decode(prompt[1:])
        assert before.endswith("\n")
        assert any(before + line in text for text in small_corpus.values())
