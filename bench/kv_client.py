"""Conversations with an engine process, measured from outside; for bench.kv.

A text of n words is one of n tokens: each word is a token of the bundled model's vocabulary.
"""

from __future__ import annotations

import json
import random
import selectors
import socket
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

from ds4agent.engine.binding import Model
from tests.engine_fixtures import EngineProcess, request, running_engine

_GREEDY = {"thinking": False, "temperature": 0, "stream": True}
_USAGE = {"stream_options": {"include_usage": True}}
_ON = {"ignore_eos": True}
_LONG = 1 << 17
_KEY = b"deepseek4.context_length"


def long_context_copy(model: Path, path: Path) -> Path:
    """The same model, which declares a context of 131,072 tokens: its u32 value follows key and type."""
    data = bytearray(model.read_bytes())
    at = data.index(_KEY) + len(_KEY)
    assert int.from_bytes(data[at : at + 4], "little") == 4, "not a u32"
    data[at + 4 : at + 8] = _LONG.to_bytes(4, "little")
    path.write_bytes(data)
    return path


class Words:
    """Text without meaning, the same for the same seed."""

    def __init__(self, model: Model, seed: int) -> None:
        tokens = (model.token_bytes(token) for token in range(model.n_vocab))
        self._words = [t.decode() for t in tokens if len(t) > 4 and t[:1] == b" " and t[1:].isalpha()]
        self._random = random.Random(seed)

    def text(self, n: int) -> str:
        return "".join(self._random.choices(self._words, k=n))


@dataclass(frozen=True, slots=True)
class Turn:
    """`first`: seconds to the first event with text or an end; `cached` and `read`: tokens of the prompt."""

    first: float
    cache: Mapping[str, int]
    completion: int

    @property
    def read(self) -> int:
        return self.cache["read"]

    @property
    def cached(self) -> int:
        return self.n_tokens - self.completion - self.read

    @property
    def n_tokens(self) -> int:
        """Of the session afterwards."""
        return sum(self.cache.values()) + self.completion


@dataclass(slots=True)
class Talk:
    """One conversation. `reread`: tokens that the session had held and that were read again."""

    port: int
    messages: list[dict[str, str]] = field(default_factory=list)
    held: int = 0
    reread: int = 0

    def say(self, text: str, reply_tokens: int = 8) -> Turn:
        self.messages.append({"role": "user", "content": text})
        body = {"messages": self.messages, "max_tokens": reply_tokens, **_GREEDY, **_USAGE}
        began, first, records = time.perf_counter(), 0.0, list(_stream(self.port, body))
        pieces = []
        for when, record in records:
            for choice in record["choices"]:
                if (piece := choice["delta"].get("content")) or choice["finish_reason"]:
                    first = first or when - began
                    pieces.append(piece or "")
        usage = records[-1][1]["usage"]
        turn = Turn(first, usage["cache"], usage["completion_tokens"])
        self.messages.append({"role": "assistant", "content": "".join(pieces)})
        self.reread += max(0, self.held - turn.cached)
        self.held = turn.n_tokens
        return turn


def _stream(port: int, body: Mapping[str, Any]) -> Iterator[tuple[float, Any]]:
    """The records of a reply, each with the time at which it was there."""
    head = request("POST", "/v1/chat/completions", json.dumps(body).encode())
    with socket.create_connection(("127.0.0.1", port)) as sock:
        sock.sendall(head)
        data = b""
        while piece := sock.recv(1 << 16):
            now = time.perf_counter()
            *events, data = (data + piece).split(b"\n\n")
            for event in events:
                if (at := event.find(b"data: {")) >= 0:
                    yield now, json.loads(event[at + 6 :])
    assert not data, f"no stream: {data[-500:]!r}"


def decode_together(port: int, prompts: Sequence[str], tokens: int) -> list[list[float]]:
    """For each prompt the times at which text of its reply came."""
    times: dict[socket.socket, list[float]] = {}
    with selectors.DefaultSelector() as selector:
        for prompt in prompts:
            body = {"messages": [{"role": "user", "content": prompt}], "max_tokens": tokens, **_GREEDY, **_ON}
            sock = socket.create_connection(("127.0.0.1", port))
            sock.sendall(request("POST", "/v1/chat/completions", json.dumps(body).encode()))
            selector.register(sock, selectors.EVENT_READ)
            times[sock] = []
        while selector.get_map():
            for key, _ in selector.select():
                sock = cast(socket.socket, key.fileobj)
                if data := sock.recv(1 << 16):
                    times[sock] += [time.perf_counter()] * data.count(b'"content":')
                else:
                    selector.unregister(sock)
                    sock.close()
    return list(times.values())


@contextmanager
def engine(folder: Path, model: Path, *flags: str) -> Iterator[EngineProcess]:
    """With two threads and room for 64,000 tokens in each session."""
    with running_engine(folder, "--model", str(model), "--ctx", "65536", "--threads", "2", *flags) as process:
        yield process
