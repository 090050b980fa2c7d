"""Sessions that were killed: at every border of records the next request is the one it would have been."""

from pathlib import Path

import pytest

from ds4agent.agent import calls as agent_calls
from ds4agent.agent.events import Status
from ds4agent.agent.loop import NothingToContinue
from ds4agent.agent.transcript import read_records
from tests.unit.agent.harness import Bench, messages, results
from tests.unit.client.scripted_engine import ScriptedEngine, call, reply


def script() -> list[list[bytes]]:
    two = [call(1, "bash", {"command": "echo a"}), call(2, "bash", {"command": "echo b"})]
    return [reply("", "plan", two), reply("", "more", [call(3, "bash", {"command": "echo c"})]), reply("end")]


def borders(path: Path) -> list[tuple[str, int]]:
    """What the record is, and where it ends."""
    return [(record.fields.get("role", record.kind), end) for record, end in read_records(path.read_bytes())]


def test_a_kill_at_every_border(tmp_path: Path) -> None:
    with ScriptedEngine(script()) as engine:
        bench = Bench(tmp_path, engine.url)
        bench.turn("go")
        path = bench.path()
    whole, sent = path.read_bytes(), engine.bodies
    kinds = borders(path)
    expected = "session user assistant call tool call tool assistant call tool assistant turn"
    assert [kind for kind, _ in kinds] == expected.split()
    replies = 0
    for index, (kind, end) in enumerate(kinds):
        replies += kind == "assistant"
        begun_and_lost = kind == "call"
        if index == 0 or begun_and_lost or replies == 3:
            continue
        path.write_bytes(whole[:end])
        with ScriptedEngine(script()[replies:]) as again:
            bench = Bench(tmp_path, again.url)
            assert bench.turn().answer == "end"
        assert again.bodies == sent[replies:], f"cut behind record {index} ({kind})"


def test_a_call_that_may_have_run_in_part_is_not_run_again(tmp_path: Path) -> None:
    with ScriptedEngine(script()) as engine:
        bench = Bench(tmp_path, engine.url)
        bench.turn("go")
        path = bench.path()
    first_call = next(end for kind, end in borders(path) if kind == "call")
    path.write_bytes(path.read_bytes()[:first_call])
    with ScriptedEngine(script()[1:]) as again:
        assert Bench(tmp_path, again.url).turn().answer == "end"
    assert results(again.bodies[0]) == [agent_calls.BROKEN_OFF, "b"]


def test_a_new_task_closes_what_was_left(tmp_path: Path) -> None:
    with ScriptedEngine(script()) as engine:
        bench = Bench(tmp_path, engine.url)
        bench.turn("go")
        path = bench.path()
    assistant = next(end for kind, end in borders(path) if kind == "assistant")
    path.write_bytes(path.read_bytes()[:assistant])
    with ScriptedEngine([reply("other")]) as again:
        assert Bench(tmp_path, again.url).turn("something else").answer == "other"
    assert results(again.bodies[0]) == [agent_calls.NEVER_BEGUN] * 2
    assert messages(again.bodies[0])[-1] == {"role": "user", "content": "something else"}


def test_a_complete_turn_has_nothing_to_continue(tmp_path: Path) -> None:
    with ScriptedEngine([reply("done")]) as engine:
        bench = Bench(tmp_path, engine.url)
        assert bench.turn("go").status is Status.COMPLETED
        with pytest.raises(NothingToContinue):
            bench.turn()


def test_a_session_without_any_task_has_nothing_to_continue(tmp_path: Path) -> None:
    with pytest.raises(NothingToContinue):
        Bench(tmp_path, "http://127.0.0.1:9").turn()


def test_repeats_are_counted_across_a_kill(tmp_path: Path) -> None:
    same = [reply("", "", [call(n, "bash", {"command": "echo x"})]) for n in range(3)]
    with ScriptedEngine([*same, reply("end")]) as engine:
        bench = Bench(tmp_path, engine.url)
        bench.turn("go")
        path = bench.path()
    second_result = [end for kind, end in borders(path) if kind == "tool"][1]
    path.write_bytes(path.read_bytes()[:second_result])
    with ScriptedEngine([same[2], reply("end")]) as again:
        Bench(tmp_path, again.url).turn()
    assert again.bodies == engine.bodies[2:]
