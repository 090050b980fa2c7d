"""The disk store under a real engine that ends: in order, by kill -9 at any moment, or for want of room."""

from __future__ import annotations

import random
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.context_model import write_context_model
from tests.e2e.kv_engine import (
    Conversation,
    Turn,
    ask,
    kv_engine,
    uninterrupted,
)
from tests.engine_fixtures import EngineProcess

INTERVAL = 256


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("model") / "model.gguf"
    write_context_model(path)
    return path


def expected(folder: Path, model: Path, seed: int, n_turns: int, n_words: int | None = None) -> list[Turn]:
    with kv_engine(folder / "uninterrupted", model) as engine:
        return uninterrupted(engine.port, seed, n_turns, n_words)


def test_every_token_of_the_context_shows(tmp_path: Path, model: Path) -> None:
    """What the other tests rely on: the log probabilities tell two contexts apart that differ far back."""
    with kv_engine(tmp_path, model) as engine:
        talk = Conversation(random.Random(5))
        talk.say(200)
        first = ask(engine.port, talk.messages, max_tokens=1)
        assert ask(engine.port, talk.messages, max_tokens=1).scores == first.scores
        talk.messages[0]["content"] = "T" + talk.messages[0]["content"][1:]
        assert ask(engine.port, talk.messages, max_tokens=1).scores != first.scores


def test_a_restart_in_order(tmp_path: Path, model: Path) -> None:
    turns = expected(tmp_path, model, 1, 6)
    talk = Conversation(random.Random(1))
    held = 0
    for turn in turns:
        talk.say()
        with kv_engine(tmp_path, model) as engine:
            now = ask(engine.port, talk.messages)
            assert engine.stop() == 0
        assert now.same(turn)
        assert now.cache == {"live": 0, "resident": 0, "disk": held, "read": now.prompt - held}
        assert any("kv cache hit text tokens=" in line for line in engine.lines) == (held > 0)
        held = now.held
        talk.hear(now.text)


# -- kill -9
# ----------------------------------------------------------------------------------------------------


@dataclass
class Moment:
    """Behind the `n`-th record of the stream, or the `n`-th line that the turn adds to the log, or after the
    stream's end, when checkpoints are written that had to wait.
    """

    kind: str
    n: int

    @classmethod
    def random(cls, rng: random.Random) -> Moment:
        kind = rng.choice(["record", "record", "line", "line", "after"])
        return cls(kind, rng.randrange({"record": 26, "line": 8, "after": 2}[kind]))

    def kill(self, engine: EngineProcess, talk: Conversation) -> None:
        """At the latest when the turn has ended."""
        if self.kind == "record":
            ask(engine.port, talk.messages, lambda n: engine.process.kill() if n == self.n else None)
        elif self.kind == "line":
            asking = threading.Thread(target=ask, args=(engine.port, talk.messages))
            lines = len(engine.lines) + self.n
            asking.start()
            while asking.is_alive() and len(engine.lines) < lines:
                asking.join(0.001)
            engine.process.kill()
            asking.join()
        else:
            ask(engine.port, talk.messages)
            if self.n:
                engine.wait_for_line(" finish=")
        engine.process.kill()
        assert engine.process.wait(timeout=30) == -signal.SIGKILL


@pytest.mark.parametrize(("seed", "interval"), [(11, INTERVAL), (12, 0)], ids=["continued", "idle"])
def test_killed_at_25_random_moments(tmp_path: Path, model: Path, seed: int, interval: int) -> None:
    """One conversation. After each kill the client sends the turn once more to a new engine, and the text is
    that of a conversation that nothing happened to. With an interval at most the tokens behind its last
    multiple are read again; without one checkpoints are written only when there is nothing to do.
    """
    turns = expected(tmp_path, model, seed, 25)
    flags = ("--kv-cache-continued-interval-tokens", str(interval))
    reason = "continued" if interval else "idle"
    talk, rng, held, lines = Conversation(random.Random(seed)), random.Random(-seed), 0, list[str]()
    for turn in [None, *turns]:
        with kv_engine(tmp_path, model, *flags) as engine:
            if turn is not None:
                now = ask(engine.port, talk.messages)
                assert now.same(turn)
                if interval:
                    assert now.cache["read"] <= now.prompt - held // interval * interval
                held = now.held
                talk.hear(now.text)
            talk.say()
            Moment.random(rng).kill(engine, talk)
            lines += engine.lines
    assert not any("damaged" in line or "failed" in line for line in lines)
    assert any(f" reason={reason} " in line for line in lines)
    assert sum("kv cache hit text " in line for line in lines) >= 20


ARMED_ENGINE = """
import os, signal, sys, threading
left = int(sys.argv.pop(1))
armed = False
def patched(name, original):
    def call(*args, **kwargs):
        global left
        if armed and threading.current_thread().name == "worker":
            left -= 1
            if left < 0:
                if name == "write":
                    original(args[0], bytes(args[1])[: len(args[1]) // 2])
                os.kill(os.getpid(), signal.SIGKILL)
        return original(*args, **kwargs)
    return call
for name in ("write", "pwrite", "fsync", "rename", "replace", "unlink"):
    setattr(os, name, patched(name, getattr(os, name)))
def arm(*_):
    global armed
    armed = True
    sys.stderr.write("armed\\n")
    sys.stderr.flush()
signal.signal(signal.SIGUSR1, arm)
from ds4agent.engine.__main__ import main
sys.exit(main())
"""


@contextmanager
def armed_engine(folder: Path, model: Path, k: int) -> Iterator[EngineProcess]:
    """It is killed at the k-th call with which its worker changes the directory, once it has got SIGUSR1."""
    with kv_engine(folder, model, program=("-c", ARMED_ENGINE, str(k))) as engine:
        yield engine


def test_killed_at_every_write_of_a_checkpoint(tmp_path: Path, model: Path) -> None:
    """Each engine first continues from what the one before it left, then is killed one call later in its
    checkpoint, until one comes to its end.
    """
    turns = expected(tmp_path, model, 21, 30, 80)
    talk, held = Conversation(random.Random(21)), 0
    talk.say(80)
    for k, turn in enumerate(turns):
        with armed_engine(tmp_path, model, k) as engine:
            now = ask(engine.port, talk.messages)
            assert now.same(turn)
            assert now.cache["read"] <= now.prompt - held // INTERVAL * INTERVAL
            assert not any("damaged" in line for line in engine.lines)
            held = now.held
            talk.hear(now.text)
            talk.say(80)
            engine.process.send_signal(signal.SIGUSR1)
            engine.wait_for_line("armed")
            lines = len(engine.lines)
            done = ask(engine.port, talk.messages).usage is not None
            stored = [line for line in engine.lines[lines:] if "kv cache stored" in line]
            if done or stored:
                break
            assert engine.process.wait(timeout=30) == -signal.SIGKILL
    assert stored
    assert k >= 8


# -- No room, no right
# ----------------------------------------------------------------------------------------------------

LIMITED_ENGINE = """
import resource, sys
resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))
from ds4agent.engine.__main__ import main
sys.exit(main())
"""


def test_a_full_disk_costs_the_checkpoints_only(tmp_path: Path, model: Path) -> None:
    """No file may grow beyond some kilobytes, as if the disk were full in the middle of a save."""
    turns = expected(tmp_path, model, 31, 3)
    talk = Conversation(random.Random(31))
    with kv_engine(tmp_path, model, program=("-c", LIMITED_ENGINE)) as engine:
        for turn in turns:
            talk.say()
            now = ask(engine.port, talk.messages)
            assert now.same(turn)
            talk.hear(now.text)
        assert any("kv cache store failed (cold): File too large" in line for line in engine.lines)
        assert engine.stop() == 0
    left = {path.suffix for path in (tmp_path / "kv").iterdir() if path.name != "lock"}
    assert left <= {".rows"}, "whole rows may stay, for the next save"


def test_two_engines_on_one_directory(tmp_path: Path, model: Path) -> None:
    """The second says so and goes on without; when the first has gone, a third one has the directory."""
    (turn,) = expected(tmp_path, model, 41, 1)
    talk = Conversation(random.Random(41))
    talk.say()
    shared = ("--kv-disk-dir", str(tmp_path / "kv"))
    with kv_engine(tmp_path, model) as first:
        assert ask(first.port, talk.messages).same(turn)
        with kv_engine(tmp_path / "second", model, *shared) as second:
            owner = f"in use by another process (pid {first.process.pid})"
            assert owner in second.wait_for_line("KV disk cache")
            now = ask(second.port, talk.messages)
            assert now.same(turn)
            assert now.cache["disk"] == 0
            assert second.stop() == 0
        assert first.stop() == 0
    with kv_engine(tmp_path / "third", model, *shared) as third:
        assert ask(third.port, talk.messages).cache["disk"] > 0
