"""Calls that lead nowhere, and calls that only look like it."""

import itertools
import json
from collections.abc import Iterable
from pathlib import Path

import pytest

from ds4agent.agent import message
from ds4agent.agent.events import Status
from ds4agent.agent.message import AssistantTurn, ToolCall
from ds4agent.agent.repeats import CallGuard
from ds4agent.agent.transcript import read_records
from tests.unit.agent.harness import Bench, results
from tests.unit.client.scripted_engine import ScriptedEngine, call, reply

Step = tuple[str, str]  # a command and its result


def made(command: str, number: int = 0) -> ToolCall:
    return ToolCall(f"call_{number}", "bash", json.dumps({"command": command}))


def notes(steps: Iterable[Step]) -> tuple[list[str], int | None]:
    """The notes, one call a reply, and after how many calls the turn ends."""
    guard, found = CallGuard(), []
    for number, (command, result) in enumerate(steps, 1):
        guard.reply()
        found.append(guard.see(made(command), result))
        if guard.circles:
            return found, number
    return found, None


def circle(*commands: str, times: int = 12) -> list[Step]:
    return [(command, f"result of {command}") for command in commands] * times


@pytest.mark.parametrize(("size", "told", "ended"), [(2, 7, 8), (3, 10, 11)])
def test_a_circle_is_told_once_and_then_ended(size: int, told: int, ended: int) -> None:
    found, end = notes(circle(*"ABC"[:size]))
    assert end == ended
    assert found[: told - 1] == [""] * (told - 1)
    assert found[told - 1] == (
        f"\n[this call has given the same result 4 times within the last {told} calls; "
        "try something else, or give your answer]"
    )


def test_the_same_call_with_the_same_result() -> None:
    found, end = notes(circle("A"))
    assert end == 5
    row = "\n[this is the same call for the {}th time in a row; try something else]"
    assert found == ["", "", *[row.format(n) for n in (3, 4, 5)]]


def test_the_order_of_arguments_does_not_matter() -> None:
    guard = CallGuard()
    for number in range(3):
        pair = ['"a":1', '"b":2']
        guard.see(ToolCall("c", "bash", "{" + ",".join(pair[:: 1 if number % 2 else -1]) + "}"), str(number))
    assert guard.row == 3


@pytest.mark.parametrize(
    "steps",
    [
        # Tests that go on failing alike while something else is edited each time.
        [step for n in range(20) for step in ((f"edit {n}", "File edited: f"), ("make test", "2 failed"))],
        # One file looked at again and again between other work.
        [step for n in range(20) for step in ((f"a {n}", ""), ("cat f", "f"), (f"b {n}", ""))],
        # The same command, but it tells something new each time.
        [("tail log", str(n)) for n in range(9)],
        # Waiting.
        [("sleep 30; gh run view", "in progress")] * 40,
        [("", "[still running after 300 s; call bash with an empty command to wait for more]")] * 40,
        # A short circle that is left.
        [*circle("A", "B", times=3), ("C", "c"), *circle("D", "E", times=3)],
    ],
)
def test_work_is_no_circle(steps: list[Step]) -> None:
    assert notes(steps)[1] is None


def test_waiting_is_not_remarked() -> None:
    assert set(notes([("sleep 5", "")] * 20)[0]) == {""}


def test_calls_of_one_reply_end_nothing_because_nobody_has_read_the_note() -> None:
    guard = CallGuard()
    guard.reply()
    for command, result in circle("A", "B", times=6):
        guard.see(made(command), result)
    assert not guard.circles
    guard.reply()
    guard.see(made("A"), "result of A")
    assert guard.circles


def test_a_turn_that_is_taken_up_goes_on_counting() -> None:
    steps = circle("A", "B", times=4)
    live, history = CallGuard(), [message.user("go")]
    for number, (command, result) in enumerate(steps):
        resumed = CallGuard.taken_up(history)
        live.reply()
        resumed.reply()
        wanted = made(command, number)
        note = live.see(wanted, result)
        assert (resumed.see(wanted, result), resumed.circles) == (note, live.circles)
        history.append(message.assistant(AssistantTurn("", "", (wanted,))))
        history.append(message.tool_result(wanted.id, result + note))
    assert live.circles
    assert not CallGuard.taken_up([*history, message.user("again")]).circles


def bash_circle(length: int) -> list[list[bytes]]:
    return [reply("", "", [call(n, "bash", {"command": f"echo {'ab'[n % 2]}"})]) for n in range(length)]


def test_a_circle_ends_the_turn(tmp_path: Path) -> None:
    with ScriptedEngine([*bash_circle(8), reply("fine")]) as engine:
        bench = Bench(tmp_path, engine.url)
        outcome = bench.turn("go")
        assert (outcome.status, outcome.kind) == (Status.FAILED, "loop")
        assert outcome.problem == "the model kept making the same calls with the same results"
        assert bench.turn("try it differently").answer == "fine"
    seen = results(engine.bodies[7])
    assert seen[:6] == ["a", "b"] * 3
    assert seen[6].startswith("a\n[this call has given the same result 4 times")


def test_circles_are_counted_across_a_kill(tmp_path: Path) -> None:
    with ScriptedEngine(bash_circle(8)) as engine:
        bench = Bench(tmp_path, engine.url)
        bench.turn("go")
        path = bench.path()
    whole = path.read_bytes()
    ends = [end for record, end in read_records(whole) if record.fields.get("role") == "tool"]
    for done, end in itertools.islice(enumerate(ends, 1), 7):
        path.write_bytes(whole[:end])
        with ScriptedEngine(bash_circle(8)[done:]) as again:
            assert Bench(tmp_path, again.url).turn().kind == "loop"
        assert again.bodies == engine.bodies[done:]
