"""An engine with a disk store of its own, and a client that keeps its own messages."""

from __future__ import annotations

import http.client
import json
import random
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.engine_fixtures import (
    MODULE,
    EngineProcess,
    running_engine,
)

# Small numbers, so that a short conversation has checkpoints of every kind.
SMALL = (
    "--kv-cache-min-tokens", "64", "--kv-cache-continued-interval-tokens", "256",
    "--kv-cache-boundary-trim-tokens", "8", "--kv-cache-boundary-align-tokens", "0",
)  # fmt: skip
WORDS = "the quick brown fox jumps over a lazy dog while seven wizards box with quartz".split()


def words(rng: random.Random, n: int) -> str:
    return " ".join(rng.choices(WORDS, k=n))


@contextmanager
def kv_engine(
    folder: Path, model: Path, *flags: str, program: Sequence[str] = MODULE
) -> Iterator[EngineProcess]:
    """With a store in `folder`/kv."""
    more = ("--model", str(model), "--kv-disk-dir", str(folder / "kv"), *SMALL, *flags)
    with running_engine(folder, *more, program=program) as engine:
        yield engine
        assert "Traceback" not in engine.log.read_text()


@dataclass
class Turn:
    """What a turn came to. `scores`: the log probability of each token, in which any difference of the state
    shows; `usage` is None if the engine went away before it.
    """

    text: str = ""
    scores: list[float] = field(default_factory=list)
    usage: dict[str, Any] | None = None

    @property
    def cache(self) -> dict[str, int]:
        """Tokens by where they came from."""
        assert self.usage is not None
        found: dict[str, int] = self.usage["cache"]
        return found

    @property
    def prompt(self) -> int:
        assert self.usage is not None
        return int(self.usage["prompt_tokens"])

    @property
    def held(self) -> int:
        """Tokens that the session has in the end."""
        assert self.usage is not None
        return int(self.usage["total_tokens"])

    def same(self, other: Turn) -> bool:
        return (self.text, self.scores) == (other.text, other.scores)


def ask(
    port: int, messages: list[dict[str, Any]], seen: Callable[[int], None] = lambda _n: None, **fields: Any
) -> Turn:
    """A streamed turn, greedy. `seen` is called with the number of each record when it has come."""
    body = {"messages": messages, "stream": True, "temperature": 0, "max_tokens": 24, "thinking": False}
    body |= {"stream_options": {"include_usage": True}, "logprobs": True} | fields
    turn = Turn()
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    try:
        connection.request("POST", "/v1/chat/completions", json.dumps(body))
        for n, record in enumerate(_records(connection.getresponse())):
            for choice in record["choices"]:
                turn.text += choice["delta"].get("content") or ""
                turn.scores += [each["logprob"] for each in (choice.get("logprobs") or {}).get("content", [])]
            turn.usage = record.get("usage") or turn.usage
            seen(n)
    except (OSError, http.client.HTTPException):
        turn.usage = None
    finally:
        connection.close()
    return turn


def _records(response: http.client.HTTPResponse) -> Iterator[dict[str, Any]]:
    assert response.status == 200, response.read()
    for line in response:
        if line.startswith(b"data: {") and line.endswith(b"\n"):  # the last one may be cut off
            yield json.loads(line.removeprefix(b"data: "))


@dataclass
class Conversation:
    """The client's side: it grows by one question and one answer a turn."""

    rng: random.Random
    messages: list[dict[str, Any]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.messages.append({"role": "system", "content": words(self.rng, 40)})

    def say(self, n_words: int | None = None) -> None:
        text = words(self.rng, n_words or self.rng.randint(5, 60))
        self.messages.append({"role": "user", "content": text})

    def hear(self, text: str) -> None:
        self.messages.append({"role": "assistant", "content": text})


def uninterrupted(port: int, seed: int, n_turns: int, n_words: int | None = None) -> list[Turn]:
    """The answers in a conversation that nothing happened to."""
    talk, turns = Conversation(random.Random(seed)), []
    for _ in range(n_turns):
        talk.say(n_words)
        turn = ask(port, talk.messages)
        assert turn.usage is not None
        turns.append(turn)
        talk.hear(turn.text)
    return turns
