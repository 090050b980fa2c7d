"""The loop on a scripted engine, over real sockets and with real tools."""

import itertools
import os
import threading
from pathlib import Path

import pytest

from ds4agent import resources
from ds4agent.agent import calls as agent_calls
from ds4agent.agent import events
from ds4agent.agent import loop as agent_loop
from ds4agent.agent.events import Status
from ds4agent.agent.loop import Limits, NothingToContinue
from ds4agent.agent.request import extends
from tests.unit.agent.harness import Bench, messages, results
from tests.unit.client.scripted_engine import HEAD, Pause, Script, ScriptedEngine, call, chunk, refusal, reply


def bash(number: int, command: str) -> tuple[str, str, str]:
    return call(number, "bash", {"command": command})


def edit(number: int, **arguments: object) -> tuple[str, str, str]:
    return call(number, "str_replace_editor", arguments)


def assert_append_only(engine: ScriptedEngine) -> None:
    for old, new in itertools.pairwise(engine.bodies):
        assert extends(old, new)


def test_a_turn_with_tools(tmp_path: Path) -> None:
    script = [
        reply("", "look", [bash(1, "echo one > f; cat f")], tokens=(100, 10, 0)),
        reply(
            "now ",
            "",
            [edit(2, command="str_replace", path="f", old_str="one", new_str="two"), bash(3, "cat f; false")],
        ),
        reply("f says two", "ok"),
    ]
    with ScriptedEngine(script) as engine:
        bench = Bench(tmp_path, engine.url)
        outcome = bench.turn("change it")
    assert (outcome.status, outcome.answer) == (Status.COMPLETED, "f says two")
    assert results(engine.bodies[2]) == ["one", "File edited: f", "two\n[exit code: 1]"]
    assert_append_only(engine)
    kinds = "reasoning command_execution agent_message file_change command_execution reasoning agent_message"
    assert [item["type"] for item in bench.items()] == kinds.split()
    change = bench.items()[3]
    assert change["diff"] == "--- a/f\n+++ b/f\n@@ -1 +1 @@\n-one\n+two\n"
    assert change["changes"] == [{"path": "f", "kind": "update"}]
    assert bench.items()[4]["exit_code"] == 1


def test_what_the_engine_said_goes_back_verbatim(tmp_path: Path) -> None:
    arguments = '{ "command" : "true",\t"x": 1.50 }'
    script = [reply(" text \n\n", "  \n", [("call_x", "bash", arguments)]), reply("done")]
    with ScriptedEngine(script) as engine:
        Bench(tmp_path, engine.url).turn("go")
    said = messages(engine.bodies[1])[1]
    assert (said["content"], said["reasoning_content"]) == (" text \n\n", "  \n")
    function = {"name": "bash", "arguments": arguments}
    assert said["tool_calls"] == [{"id": "call_x", "type": "function", "function": function}]


def test_twenty_turns_extend_one_another(tmp_path: Path) -> None:
    script, total = [], 100
    for number in range(20):
        script.append(
            reply("", "r", [bash(number, f"echo {number}")], tokens=(total, 10, total - 20 if number else 0))
        )
        script.append(reply(f"turn {number}", "", tokens=(total + 15, 5, total + 10)))
        total += 40
    with ScriptedEngine(script) as engine:
        bench = Bench(tmp_path, engine.url)
        for number in range(20):
            assert bench.turn(f"task {number}").answer == f"turn {number}"
    assert_append_only(engine)
    assert [cache.reread_tokens for cache in bench.caches()] == [0] * 40
    assert all(cache.predicted_tokens for cache in bench.caches()[1:])


@pytest.mark.parametrize(
    ("second", "identity", "cause"),
    [
        ((140, 5, 110), "engine 1", None),
        (
            (140, 5, 20),
            "engine 1",
            "the engine lost its cache: another request used it, or it dropped the session",
        ),
        ((140, 5, 0), "engine 2", "the engine was restarted or replaced"),
    ],
)
def test_tokens_read_again_have_a_cause(
    tmp_path: Path, second: tuple[int, int, int], identity: str, cause: str | None
) -> None:
    with ScriptedEngine([reply("a", tokens=(100, 10, 0)), reply("b", tokens=second)]) as engine:
        bench = Bench(tmp_path, engine.url)
        bench.turn("one")
        bench.identity = identity
        bench.turn("two")
    cache = bench.caches()[1]
    assert (cache.predicted_tokens, cache.reread_tokens, cache.cause) == (110, 110 - second[2], cause)


def test_an_engine_that_does_not_tell_its_cache(tmp_path: Path) -> None:
    silent = [
        HEAD,
        chunk({"content": "hi"}, "stop"),
        b'data: {"choices":[],"usage":{"prompt_tokens":9}}\n\n',
        b"data: [DONE]\n\n",
    ]
    with ScriptedEngine([silent]) as engine:
        bench = Bench(tmp_path, engine.url)
        assert bench.turn("x").answer == "hi"
    assert bench.caches() == []


@pytest.mark.parametrize(
    ("made", "text"),
    [
        (call(1, "browse", {}), "Error: unknown tool browse."),
        (call(1, "bash", "{not json"), "Error: invalid arguments for bash: not JSON"),
        (call(1, "bash", "[1]"), "Error: invalid arguments for bash: not an object."),
        (call(1, "bash", {}), "Error: invalid arguments for bash: command is missing."),
        (call(1, "bash", {"command": 3}), "Error: invalid arguments for bash: command is not a string."),
        (
            call(1, "bash", '{"command": "echo \\ud83d"}'),
            "Error: invalid arguments for bash: command holds half",
        ),
        (edit(1, command="view"), "Error: missing parameter path for view."),
        (
            edit(1, command=["view"], path="f"),
            "Error: invalid arguments for str_replace_editor: command is not",
        ),
        (
            edit(1, command="view", path="\ud83d"),
            "Error: invalid arguments for str_replace_editor: path holds",
        ),
        (edit(1, command="view", path="none"), "Error: none does not exist."),
    ],
)
def test_a_bad_call_is_answered_not_fatal(tmp_path: Path, made: tuple[str, str, str], text: str) -> None:
    with ScriptedEngine([reply("", "", [made]), reply("I see")]) as engine:
        assert Bench(tmp_path, engine.url).turn("go").status is Status.COMPLETED
    assert results(engine.bodies[1])[0].startswith(text)


def test_ctrl_c_behind_a_tool_leaves_a_turn_that_goes_on(tmp_path: Path) -> None:
    """No engine has the next request, so there is no reply of which nothing had arrived."""
    with ScriptedEngine([reply("", "", [bash(1, "echo done")]), reply("I see")]) as engine:
        bench = Bench(tmp_path, engine.url)
        bench.stop_at(events.ItemCompleted)
        assert bench.turn("go").status is Status.INTERRUPTED
        assert len(engine.bodies) == 1
        bench.cancel.clear()
        bench.watch = lambda event: None
        assert bench.turn().answer == "I see"
    assert [m["role"] for m in messages(engine.bodies[1])] == ["user", "assistant", "tool"]
    assert_append_only(engine)


def test_no_bash_fails_the_turn_and_every_consumer_hears_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with ScriptedEngine([reply("", "", [bash(1, "true")])]) as engine:
        bench = Bench(tmp_path, engine.url)
        outcome = bench.turn("go")
    problem = "bash was not found on PATH; the bash tool needs it"
    assert (outcome.status, outcome.problem) == (Status.FAILED, problem)
    assert [item["status"] for item in bench.items()] == ["failed"]
    assert bench.items()[0]["error"] == problem
    assert isinstance(bench.seen[-1], events.TurnFailed)


def test_links_that_lead_in_a_circle_are_answered_not_fatal(tmp_path: Path) -> None:
    made = edit(1, command="create", path="circle/file", file_text="x")
    with ScriptedEngine([reply("", "", [made]), reply("I see")]) as engine:
        bench = Bench(tmp_path, engine.url)
        (bench.cwd / "circle").symlink_to("circle")
        assert bench.turn("go").status is Status.COMPLETED
    assert results(engine.bodies[1]) == ["Error: circle/file: Too many levels of symbolic links."]


def test_three_malformed_replies_in_a_row_fail(tmp_path: Path) -> None:
    bad = [reply("", "", [call(n, "nope", {})]) for n in range(2)]
    script = [*bad, reply("", "", [bash(9, "true")]), *bad, reply("<｜DSML｜tool_calls>\n<", finish="stop")]
    with ScriptedEngine(script) as engine:
        outcome = Bench(tmp_path, engine.url).turn("go")
    assert (outcome.status, outcome.problem) == (
        Status.FAILED,
        "the model wrote 3 malformed replies in a row",
    )
    assert len(engine.bodies) == 6


@pytest.mark.parametrize(
    ("odd", "reminder"),
    [
        (reply("", "only thought"), agent_loop.EMPTY_REMINDER),
        (reply(" \n", ""), agent_loop.EMPTY_REMINDER),
        (reply("x <tool_calls> y", ""), agent_loop.SYNTAX_REMINDER),
        (reply("part", "", [("c", "bash", '{"command": "rm')], finish="error"), agent_loop.SYNTAX_REMINDER),
    ],
)
def test_an_odd_turn_is_met_with_appended_user_text(tmp_path: Path, odd: Script, reminder: str) -> None:
    with ScriptedEngine([odd, reply("fine")]) as engine:
        assert Bench(tmp_path, engine.url).turn("go").answer == "fine"
    last = messages(engine.bodies[1])[-2:]
    assert last[0]["role"] == "assistant"
    assert "tool_calls" not in last[0]
    assert last[1] == {"role": "user", "content": resources.prompt(reminder)}
    assert_append_only(engine)


def test_repeated_calls_are_remarked_and_in_the_end_stopped(tmp_path: Path) -> None:
    script = [reply("", "", [call(n, "bash", {"command": "echo x"})]) for n in range(10)]
    with ScriptedEngine(script) as engine:
        outcome = Bench(tmp_path, engine.url, limits=Limits(repeats=5)).turn("go")
    assert outcome.problem == "the model made the same call 5 times in a row"
    seen = results(engine.bodies[-1])
    assert seen == ["x", "x", "x\n[this is the same call for the 3th time in a row; try something else]",
                    "x\n[this is the same call for the 4th time in a row; try something else]"]  # fmt: skip


def test_waiting_for_a_command_is_no_repetition(tmp_path: Path) -> None:
    waits = [reply("", "", [bash(n, "")]) for n in range(2, 6)]
    script = [reply("", "", [bash(1, "sleep 1000")]), *waits, reply("still going")]
    with ScriptedEngine(script) as engine:
        bench = Bench(tmp_path, engine.url, limits=Limits(repeats=3), shell_limit=0.05)
        assert bench.turn("go").status is Status.COMPLETED
    waiting = "[still running after 0.05 s; call bash with an empty command to wait for more]"
    assert results(engine.bodies[-1]) == [waiting] * 5


def test_limits(tmp_path: Path) -> None:
    script = [reply("", "", [bash(n, f"echo {n}")]) for n in range(3)]
    with ScriptedEngine([*script, reply("done")]) as engine:
        bench = Bench(tmp_path, engine.url, limits=Limits(steps=3))
        outcome = bench.turn("go")
        problem = "stopped after 3 requests, the limit of a turn (--max-steps)"
        assert (outcome.status, outcome.problem) == (Status.LIMIT, problem)
        assert bench.turn().answer == "done"
    assert_append_only(engine)
    assert results(engine.bodies[3]) == ["0", "1", "2"]


def test_a_reply_cut_off_by_length_is_a_limit(tmp_path: Path) -> None:
    cut = reply("half", "", [("c", "bash", '{"comm')], finish="length")
    with ScriptedEngine([cut, reply("ok")]) as engine:
        bench = Bench(tmp_path, engine.url)
        assert bench.turn("go").status is Status.LIMIT
        assert bench.turn("shorter").answer == "ok"
    assert messages(engine.bodies[1])[1] == {"role": "assistant", "content": "half"}


def test_context_full(tmp_path: Path) -> None:
    error = {
        "message": "Prompt has 9 tokens, but the configured context size is 8 tokens",
        "code": "context_length_exceeded",
    }
    with ScriptedEngine([refusal(400, {"error": error})]) as engine:
        outcome = Bench(tmp_path, engine.url).turn("go")
    assert outcome.status is Status.LIMIT
    assert "Prompt has 9 tokens" in outcome.problem


@pytest.mark.parametrize(
    ("script", "status", "problem"),
    [
        ([b""], Status.ENGINE_LOST, "closed the connection without an answer"),
        ([HEAD, chunk({"content": "par"})], Status.ENGINE_LOST, "broke off in the middle of its reply"),
        (
            refusal(503, {"error": {"message": "server shutting down"}}),
            Status.ENGINE_LOST,
            "server shutting down",
        ),
        (refusal(400, {"error": {"message": "missing messages"}}), Status.FAILED, "missing messages"),
        (refusal(500, {"error": {"message": "prefill failed"}}), Status.FAILED, "prefill failed"),
        ([HEAD, b'event: error\ndata: {"error":{"message":"no memory"}}\n\n'], Status.FAILED, "no memory"),
        ([HEAD, b"data: nonsense\n\n"], Status.FAILED, "not a chat chunk"),
        ([b"SSH-2.0-OpenSSH\r\n\r\n"], Status.FAILED, "does not speak HTTP"),
    ],
)
def test_engine_trouble_leaves_a_session_that_goes_on(
    tmp_path: Path, script: Script, status: Status, problem: str
) -> None:
    with ScriptedEngine([script, reply("back")]) as engine:
        bench = Bench(tmp_path, engine.url)
        outcome = bench.turn("go")
        assert outcome.status is status
        assert problem in outcome.problem
        assert bench.turn().answer == "back"
    assert engine.bodies[0] == engine.bodies[1]


def test_no_engine_at_all(tmp_path: Path) -> None:
    with ScriptedEngine([]) as engine:
        pass
    outcome = Bench(tmp_path, engine.url).turn("go")
    assert (outcome.status, outcome.problem) == (
        Status.ENGINE_LOST,
        f"no engine answers at {engine.url}: Connection refused",
    )


def test_interrupting_the_engine_keeps_what_had_arrived(tmp_path: Path) -> None:
    pause = Pause()
    script: list[Script] = [
        [HEAD, chunk({"reasoning_content": "thin"}), chunk({"content": "par"}), pause],
        reply("fresh"),
    ]
    with ScriptedEngine(script) as engine:
        bench = Bench(tmp_path, engine.url)
        bench.stop_at(events.ItemUpdated, "par")
        outcome = bench.turn("go")
        assert outcome.status is Status.INTERRUPTED
        assert engine.hung_up.wait(30)
        bench.cancel.clear()
        with pytest.raises(NothingToContinue):
            bench.turn()
        assert bench.turn("again").answer == "fresh"
    said = messages(engine.bodies[1])
    assert said[1:] == [
        {"role": "assistant", "content": "par", "reasoning_content": "thin"},
        {"role": "user", "content": "again"},
    ]
    assert_append_only(engine)


def test_interrupting_a_prefill_closes_the_turn_with_an_empty_message(tmp_path: Path) -> None:
    pause = Pause()
    with ScriptedEngine([[HEAD, b": prefill\n\n", pause], reply("fresh")]) as engine:
        bench = Bench(tmp_path, engine.url)
        bench.stop_at(events.Waiting)
        assert bench.turn("go").status is Status.INTERRUPTED
        bench.cancel.clear()
        bench.turn("again")
    assert [m["role"] for m in messages(engine.bodies[1])] == ["user", "assistant", "user"]


def test_interrupting_a_command_answers_every_call(tmp_path: Path) -> None:
    script = [
        reply("", "", [bash(1, "echo begun; echo > ready; sleep 1000"), bash(2, "echo never")]),
        reply("fine"),
    ]
    with ScriptedEngine(script) as engine:
        bench = Bench(tmp_path, engine.url)
        gate = bench.cwd / "ready"
        os.mkfifo(gate)

        def stop_when_ready() -> None:
            gate.read_bytes()
            bench.cancel.set()

        stopper = threading.Thread(target=stop_when_ready)
        stopper.start()
        assert bench.turn("go").status is Status.INTERRUPTED
        stopper.join()
        bench.cancel.clear()
        assert bench.turn("and now?").answer == "fine"
    assert results(engine.bodies[1]) == ["begun\n[interrupted by the user]", agent_calls.NOT_RUN]
    assert_append_only(engine)


def test_denied_steps_are_told_and_end_with_their_own_status(tmp_path: Path) -> None:
    outside = tmp_path / "outside.txt"
    script = [
        reply("", "", [edit(1, command="create", path=str(outside), file_text="x")]),
        reply("could not"),
    ]
    with ScriptedEngine(script) as engine:
        bench = Bench(tmp_path, engine.url)
        outcome = bench.turn("go")
    assert (outcome.status, outcome.answer, outcome.denied) == (Status.DENIED, "could not", 1)
    assert results(engine.bodies[1]) == [f"Error: denied: it is outside the project folder {bench.cwd}."]
    assert bench.items()[0]["status"] == "declined"
    assert not outside.exists()


@pytest.mark.parametrize(
    ("answer", "text"),
    [
        (True, "hi"),
        (False, "Error: denied: the user said no."),
        (None, "Error: denied: nobody is there to approve it."),
    ],
)
def test_asking(tmp_path: Path, answer: bool | None, text: str) -> None:
    script = [reply("", "", [bash(1, "echo hi"), edit(2, command="view", path=".")]), reply("done")]
    with ScriptedEngine(script) as engine:
        outcome = Bench(tmp_path, engine.url, mode="ask", answer=answer).turn("go")
    assert results(engine.bodies[1]) == [text, "(empty folder)"]
    assert outcome.status is (Status.COMPLETED if answer else Status.DENIED)
