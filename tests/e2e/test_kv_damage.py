"""A flipped bit in any region of a stopped engine's store: the next engine names it, sets the file aside, and
writes the right text.
"""

from __future__ import annotations

import random
import re
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from ds4agent.wire.kvpoints import decode_point_start
from ds4agent.wire.kvrows import RUN_HEADER_BYTES, decode_run_head
from tests.context_model import write_context_model
from tests.e2e.kv_engine import Conversation, Turn, ask, kv_engine
from tests.e2e.recitals import CALLS, LOOK
from tests.engine_fixtures import chat, write_reciting_model
from tests.unit.engine.test_kv_damage import REGIONS

TOOLS = [{"type": "function", "function": {"name": name, "parameters": {}}} for name in ("bash", "read")]


@dataclass
class Stopped:
    """The folder of an engine that ended in order, what was asked of it next, and the right answer."""

    folder: Path
    model: Path
    talk: Conversation
    answer: Turn

    def copy(self, to: Path) -> Path:
        shutil.copytree(self.folder / "kv", to / "kv")
        return to / "kv"


@pytest.fixture(scope="module")
def stopped(tmp_path_factory: pytest.TempPathFactory) -> Stopped:
    folder = tmp_path_factory.mktemp("stopped")
    model = folder / "model.gguf"
    write_context_model(model)
    talk = Conversation(random.Random(3))
    with kv_engine(folder, model) as engine:
        for _ in range(3):
            talk.say(60)
            talk.hear(ask(engine.port, talk.messages).text)
    shutil.copytree(folder, folder.with_name("answer"), ignore=shutil.ignore_patterns("lock"))
    talk.say(60)
    with kv_engine(folder.with_name("answer"), model) as engine:
        answer = ask(engine.port, talk.messages)
    assert answer.cache["disk"] > 900
    return Stopped(folder, model, talk, answer)


def longest_point(folder: Path) -> Path:
    def n_tokens(path: Path) -> int:
        return decode_point_start(path.read_bytes(), path.stat().st_size).head.n_tokens

    return max(folder.glob("*.point"), key=n_tokens)


def first_rows(folder: Path) -> Path:
    """The run that everything else continues."""

    def first_block(path: Path) -> int:
        return decode_run_head(path.read_bytes()[:RUN_HEADER_BYTES], path.stat().st_size).first_block

    return min(folder.glob("*.rows"), key=first_block)


def flip(path: Path, where: Callable[[bytes], tuple[int, int]], seed: str) -> None:
    data = bytearray(path.read_bytes())
    start, end = where(bytes(data))
    bit = random.Random(seed).randrange(8 * start, 8 * end)
    data[bit // 8] ^= 1 << bit % 8
    path.write_bytes(data)


HERE = [region for region in REGIONS if region[1] != ".tools"]


@pytest.mark.parametrize(("region", "suffix", "where", "named"), HERE, ids=[r[0] for r in HERE])
def test_a_flipped_bit(
    stopped: Stopped, tmp_path: Path, region: str, suffix: str, where: Callable[[bytes], tuple[int, int]],
    named: str,
) -> None:  # fmt: skip
    kv = stopped.copy(tmp_path)
    path = longest_point(kv) if suffix == ".point" else first_rows(kv)
    flip(path, where, region)
    with kv_engine(tmp_path, stopped.model) as engine:
        now = ask(engine.port, stopped.talk.messages)
        assert now.same(stopped.answer)
        (line,) = (line for line in engine.lines if f"kv cache damaged file={path}: " in line)
        assert re.search(re.sub(r"\d:$", r"\\d+:", named), line)
        assert engine.stop() == 0
    assert path.with_name(path.name + ".damaged").exists()
    # The last point costs what lies behind the one before it; the first rows cost everything.
    assert (now.cache["disk"] > 0) == (suffix == ".point")
    with kv_engine(tmp_path, stopped.model) as engine:
        assert ask(engine.port, stopped.talk.messages).cache["disk"] > 900, "it is whole again"


def test_a_damaged_tool_map_costs_tokens_and_no_calls(tmp_path: Path) -> None:
    """Calls are rendered anew, from what the client sends."""
    model = tmp_path / "model.gguf"
    write_reciting_model(model, LOOK, CALLS)
    messages: list[object] = [{"role": "user", "content": "List the files in src"}]
    with kv_engine(tmp_path, model) as engine:
        message = chat(engine.port, messages=messages, tools=TOOLS)["choices"][0]["message"]
    results = [{"role": "tool", "tool_call_id": c["id"], "content": "r"} for c in message["tool_calls"]]
    messages += [message, *results]
    for region, suffix, where, named in REGIONS:
        if suffix != ".tools":
            continue
        again = tmp_path / region
        shutil.copytree(tmp_path / "kv", again / "kv")
        (path,) = (again / "kv").glob("*.tools")
        flip(path, where, region)
        with kv_engine(again, model) as engine:
            reply = chat(engine.port, messages=messages, tools=TOOLS)
            assert [c["function"]["arguments"] for c in reply["choices"][0]["message"]["tool_calls"]] == [
                c["function"]["arguments"] for c in message["tool_calls"]
            ]
            (line,) = (line for line in engine.lines if f"kv cache damaged file={path}: " in line)
            assert re.search(named, line)
        assert path.with_name(path.name + ".damaged").exists()
