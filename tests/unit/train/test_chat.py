"""Generated chats: the format, and that answers which copy are right."""

from __future__ import annotations

import random
import re

import pytest

pytest.importorskip("tokenizers")

from ds4train import chat, chat_lists, chat_tasks
from ds4train.document import ASSISTANT, BOS, EOS, USER, text_of

TURN = re.compile(r"<｜User｜>.+?<｜Assistant｜>(?:<think>.*?)?</think>.+?<｜end▁of▁sentence｜>", re.DOTALL)


@pytest.mark.parametrize("split", ["train", "heldout"])
def test_a_conversation_is_turns_after_an_optional_system_text(split: str) -> None:
    rng = random.Random(11)
    for _ in range(500):
        text = text_of(chat.sample(rng, split=split))
        head, _, body = text.partition(USER)
        assert head.startswith(BOS)
        assert TURN.sub("", USER + body) == ""
        assert text.count(USER) == text.count(ASSISTANT) == text.count("</think>") == text.count(EOS)


def test_only_the_last_turn_thinks() -> None:
    rng = random.Random(12)
    for _ in range(300):
        turns = text_of(chat.sample(rng)).split(USER)[1:]
        assert not any("<think>" in turn for turn in turns[:-1])


def test_every_topic_answers_in_both_splits() -> None:
    for make, share in chat.TOPICS:
        assert share > 0
        for seed in range(60):
            item = make(random.Random(seed), "train" if seed % 2 else "heldout")
            assert item.user.strip()
            assert item.think.strip()
            assert item.answer.strip()
            assert "{" not in item.think or "{" in item.user + item.answer


def test_what_is_to_be_repeated_is_repeated() -> None:
    for seed in range(200):
        item = chat_tasks.say(random.Random(seed), "train")
        assert item.answer in item.user


def test_sums_are_right() -> None:
    for seed in range(300):
        item = chat_lists.arithmetic(random.Random(seed), "train")
        left, _, right = item.think.partition(" = ")
        assert eval(left) == int(right)
        assert right in item.answer


def test_an_extracted_value_stands_in_the_text() -> None:
    for seed in range(200):
        item = chat_tasks.extract(random.Random(seed), "train")
        assert item.answer.rstrip(".").split(" is ")[-1] in item.user


def test_the_same_seed_gives_the_same_chat() -> None:
    assert chat.sample(random.Random(5)) == chat.sample(random.Random(5))
