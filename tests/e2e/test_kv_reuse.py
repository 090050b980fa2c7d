"""What a real engine reads again: nothing, or what lies between a point and the first difference."""

from __future__ import annotations

import random
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.context_model import write_context_model
from tests.e2e.kv_engine import Conversation, Turn, ask, kv_engine, words
from tests.e2e.recitals import ANSWER, CALLS, LOOK, REASONING
from tests.engine_fixtures import (
    ONE_SESSION,
    EngineProcess,
    chat,
    running_engine,
    start_engine,
    write_reciting_model,
)

BLOCK = 128
# Behind the text of the last message: the assistant's marker and the closed think tag.
OPENING = 2
TOOLS = [{"type": "function", "function": {"name": name, "parameters": {}}} for name in ("bash", "read")]


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("model") / "model.gguf"
    write_context_model(path)
    return path


@pytest.fixture(params=["1", "4"], ids=["one session", "four"])
def engine(request: pytest.FixtureRequest, model: Path, tmp_path: Path) -> Iterator[EngineProcess]:
    """Without a disk store."""
    with running_engine(tmp_path, "--model", str(model), "--batched-session", request.param) as running:
        yield running


@pytest.fixture
def fresh(model: Path, tmp_path: Path) -> Iterator[EngineProcess]:
    """Another one, for the text of a prompt that is read as a whole."""
    with running_engine(tmp_path / "fresh", "--model", str(model), *ONE_SESSION) as running:
        yield running


def talked(port: int, seed: int, n_turns: int = 4) -> tuple[Conversation, Turn]:
    """A conversation and its last turn, which the client has not kept yet."""
    talk, turn = Conversation(random.Random(seed)), Turn()
    for n in range(n_turns):
        if n:
            talk.hear(turn.text)
        talk.say(100)
        turn = ask(port, talk.messages)
    return talk, turn


def n_tokens(text: str) -> int:
    """As the context model has it: bytes, but for one merge."""
    return len(text) - text.count("he")


def in_full(port: int, messages: list[Any]) -> Turn:
    """Behind another prompt that has nothing in common with it."""
    ask(port, [{"role": "system", "content": "%" * 300}], max_tokens=0)
    turn = ask(port, messages)
    assert turn.cache["read"] >= turn.prompt - BLOCK
    return turn


def test_a_b_a_twenty_times_reads_nothing_again(model: Path, tmp_path: Path) -> None:
    with running_engine(tmp_path, "--model", str(model), "--batched-session", "2") as engine:
        talks = [Conversation(random.Random(seed)) for seed in (1, 2)]
        held = [0, 0]
        for n in range(40):
            talk = talks[n % 2]
            talk.say(20)
            turn = ask(engine.port, talk.messages)
            if n > 1:
                assert turn.cache["live"] == held[n % 2]
            held[n % 2] = turn.held
            talk.hear(turn.text)


def test_a_retry(engine: EngineProcess) -> None:
    """The logits of its last token are needed, so one token has to be read whatever is kept."""
    talk, first = talked(engine.port, 3)
    again = ask(engine.port, talk.messages)
    assert again.same(first)
    assert 0 < again.cache["read"] <= BLOCK


def test_an_edited_last_message(engine: EngineProcess, fresh: EngineProcess) -> None:
    talk, _ = talked(engine.port, 4)
    talk.messages[-1]["content"] = "Edited: " + words(talk.rng, 30)
    turn = ask(engine.port, talk.messages)
    new = n_tokens(talk.messages[-1]["content"]) + OPENING
    assert new <= turn.cache["read"] <= new + BLOCK - 1
    assert turn.same(in_full(fresh.port, talk.messages))


def test_a_stop_string(engine: EngineProcess, fresh: EngineProcess) -> None:
    """The client has the text before it, the session what was sampled, with the string."""
    talk, whole = talked(engine.port, 5)
    stop = whole.text[12:15]
    cut = ask(engine.port, talk.messages, stop=[stop])
    assert cut.text == whole.text[: whole.text.index(stop)]
    talk.hear(cut.text)
    talk.say(10)
    turn = ask(engine.port, talk.messages)
    new = 2 + n_tokens(talk.messages[-1]["content"]) + OPENING
    assert turn.cache["read"] <= new + BLOCK - 1
    assert turn.same(in_full(fresh.port, talk.messages))


def test_a_side_request_in_between(engine: EngineProcess, fresh: EngineProcess) -> None:
    talk, last = talked(engine.port, 6)
    talk.hear(last.text)
    side = [*talk.messages, {"role": "user", "content": "A title, please"}]
    assert ask(engine.port, side).cache["read"] <= 2 + len("A title, please") + OPENING
    talk.say(30)
    turn = ask(engine.port, talk.messages)
    new = 2 + n_tokens(talk.messages[-1]["content"]) + OPENING
    assert turn.cache["read"] <= new + BLOCK - 1
    assert turn.same(in_full(fresh.port, talk.messages))


def test_a_client_that_leaves_costs_nothing(engine: EngineProcess) -> None:
    """What was read and sampled before is still there."""
    talk, last = talked(engine.port, 7)
    talk.hear(last.text)
    talk.say(30)

    class Gone(Exception):
        pass

    def leave(n: int) -> None:
        if n == 5:
            raise Gone

    with pytest.raises(Gone):
        ask(engine.port, talk.messages, leave, max_tokens=5000)
    turn = ask(engine.port, talk.messages)
    assert turn.cache["read"] <= BLOCK


def test_eight_clients_at_once_get_the_text_they_get_alone(
    model: Path, tmp_path: Path, fresh: EngineProcess
) -> None:
    alone: dict[int, list[Turn]] = {seed: [] for seed in range(8)}
    together: dict[int, list[Turn]] = {seed: [] for seed in range(8)}

    def client(port: int, seed: int, turns: list[Turn]) -> None:
        talk = Conversation(random.Random(seed))
        talk.messages[0]["content"] = "All of them share the first words. " * (20 if seed % 2 else 1)
        for _ in range(4):
            talk.say()
            turns.append(ask(port, talk.messages))
            talk.hear(turns[-1].text)

    for seed, turns in alone.items():
        client(fresh.port, seed, turns)
    with running_engine(tmp_path, "--model", str(model), "--batched-session", "8") as engine:
        clients = [
            threading.Thread(target=client, args=(engine.port, seed, turns))
            for seed, turns in together.items()
        ]
        for thread in clients:
            thread.start()
        for thread in clients:
            thread.join()
    for seed, turns in alone.items():
        assert all(a.same(b) for a, b in zip(turns, together[seed], strict=True)), seed
        held = 0
        for turn in together[seed]:
            assert turn.prompt - turn.cache["read"] >= held, "nobody's session was given up"
            held = turn.held


def test_sessions_that_do_not_fit_are_refused(tmp_path: Path) -> None:
    model = tmp_path / "model.gguf"
    write_context_model(model, 1 << 26)
    sizes = ("--ctx", str(1 << 26), "--batched-session", "256")
    engine = start_engine(tmp_path, "--model", str(model), "--port", "0", *sizes)
    code = engine.process.wait(timeout=30)
    (line,) = engine.lines
    assert code == 1
    assert line.startswith("ds4: 256 resident sessions may need ")
    assert line.endswith(" are free: use fewer (--batched-session) or a smaller context (--ctx)")


@pytest.mark.parametrize("reordered", [False, True])
def test_calls_are_replayed_exactly_after_a_restart(tmp_path: Path, reordered: bool) -> None:
    """The map comes from disk before the prompt is rendered, whatever the client made of the arguments."""
    model = tmp_path / "model.gguf"
    write_reciting_model(model, LOOK, CALLS)
    messages: list[Any] = [{"role": "user", "content": "List the files in src"}]
    held = 0
    for _ in range(3):
        with kv_engine(tmp_path, model) as engine:
            reply = chat(engine.port, messages=messages, tools=TOOLS)
        assert reply["usage"]["cache"]["disk"] == held
        assert reply["usage"]["prompt_tokens_details"]["cached_tokens"] == held
        held = reply["usage"]["total_tokens"]
        message = reply["choices"][0]["message"]
        if reordered:
            message["tool_calls"][1]["function"]["arguments"] = '{"limit": 20, "path": "docs/notes.md"}'
        results = [{"role": "tool", "tool_call_id": c["id"], "content": "r"} for c in message["tool_calls"]]
        messages += [message, *results]


@pytest.mark.parametrize("reasoning", [True, False])
def test_thinking_is_found_after_a_restart(tmp_path: Path, reasoning: bool) -> None:
    """By the text of clients that keep it and of those that leave it out; its tokens are those sampled."""
    model = tmp_path / "model.gguf"
    write_reciting_model(model, REASONING, ANSWER)
    messages: list[Any] = [{"role": "user", "content": "Hello there. " * 10}]
    with kv_engine(tmp_path, model) as engine:
        reply = chat(engine.port, messages=messages)
    message = reply["choices"][0]["message"]
    if not reasoning:
        del message["reasoning_content"]
    messages += [message, {"role": "user", "content": "And now?"}]
    with kv_engine(tmp_path, model) as engine:
        again = chat(engine.port, messages=messages)
    assert again["usage"]["cache"]["disk"] == reply["usage"]["total_tokens"]
