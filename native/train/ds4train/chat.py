"""Short English chat turns in the rendered format, without tools.

A conversation is a few exchanges, each made by one topic: small talk and facts from tables (chat_data/),
sums, and tasks that copy, pick or change what the user gave. The last ones matter most: they train exact
copying of names never seen before. The last turn either thinks first or not; without tools earlier reasoning
is dropped.
"""

from __future__ import annotations

import random

from ds4train import chat_code, chat_know, chat_lists, chat_tasks
from ds4train.chat_know import Exchange, Topic
from ds4train.document import ASSISTANT, BOS, END_THINK, EOS, THINK, USER, Document, Segment

_SYSTEM = (
    "You are a helpful assistant",
    "You are a helpful assistant.",
    "You are a helpful coding assistant.",
    "You are a concise assistant. Answer in one sentence.",
    "You are ds4agent-tiny, a small and friendly assistant.",
    "Answer briefly and precisely.",
    "You are a patient programming tutor.",
)
TOPICS: tuple[tuple[Topic, float], ...] = tuple(
    topic for module in (chat_know, chat_tasks, chat_lists, chat_code) for topic in module.TOPICS
)
_SHARES = [share for _, share in TOPICS]
_MAKERS = [make for make, _ in TOPICS]
_USER_WEIGHT = 0.1


def exchange(rng: random.Random, split: str = "train") -> Exchange:
    """One question with a short line of reasoning and an answer."""
    (make,) = rng.choices(_MAKERS, _SHARES)
    return make(rng, split)


def _turn(item: Exchange, thinks: bool) -> list[Segment]:
    head = USER + item.user + ASSISTANT
    if thinks:
        # The engine writes the opening tag itself, so only what follows it is learnt.
        return [
            Segment(head + THINK, _USER_WEIGHT),
            Segment(f"{item.think}{END_THINK}{item.answer}{EOS}", 1.0),
        ]
    return [Segment(head + END_THINK, _USER_WEIGHT), Segment(item.answer + EOS, 1.0)]


def sample(rng: random.Random, max_chars: int = 4000, split: str = "train") -> Document:
    """One conversation of at most about `max_chars` characters."""
    system = rng.choice(_SYSTEM) if rng.random() < 0.5 else ""
    turns = [exchange(rng, split)]
    size = len(system) + len(turns[0])
    for _ in range(rng.choice((0, 0, 0, 1, 1, 2, 3))):
        turns.append(exchange(rng, split))
        size += len(turns[-1])
        if size > max_chars:
            turns.pop()
            break
    thinks = rng.random() < 0.6
    document = [Segment(BOS + system, 0.0)]
    for number, item in enumerate(turns, start=1):
        document += _turn(item, thinks and number == len(turns))
    return document
