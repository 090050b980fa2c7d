"""Jobs on the worker: replies, reuse of the resident session, replay, limits, cancelling, log lines."""

from __future__ import annotations

import re
import threading
from collections.abc import Sequence
from typing import Any

import pytest

from ds4agent.engine.binding import Ds4Error
from ds4agent.engine.job import Dropped, Failed, Finished, Job, Progress, Started
from ds4agent.wire.dsml import CallStart, Content, Reasoning
from ds4agent.wire.errors import RequestError
from ds4agent.wire.template import CONTROL
from ds4agent.wire.template import USER as USER_MARK
from tests.unit.engine.engine_parts import BASH, assistant, emitted, engine_parts
from tests.unit.engine.scripted import ScriptedSession

M = "｜DSML｜"
USER = {"role": "user", "content": "List the files in src"}


def call(command: str, before: str = "\n\n") -> str:
    return (
        f'{before}<{M}tool_calls>\n<{M}invoke name="bash">\n<{M}parameter name="command" string="true">'
        f"{command}</{M}parameter>\n</{M}invoke>\n</{M}tool_calls>"
    )


def result(reply_id: str, text: str) -> dict[str, Any]:
    return {"role": "tool", "tool_call_id": reply_id, "content": text}


def test_reasoning_content_and_usage() -> None:
    with engine_parts("Hm.</think>Hello!") as parts:
        reply = parts.ask(messages=[USER])
        assert (reply.reasoning, reply.content, reply.finish) == ("Hm.", "Hello!", "stop")
        assert reply.usage.completion == len("Hm.Hello!") + 1
        assert reply.usage.cached == 0
        assert reply.usage.prompt == len(parts.live) - reply.usage.completion


def test_the_last_token_is_evaluated_and_the_end_marker_is_not() -> None:
    with engine_parts("</think>ab") as parts:
        parts.ask(messages=[USER])
        assert bytes(parts.live.key).endswith(b"<think></think>ab")
        assert parts.session.held == parts.live.tokens


def test_twenty_turns_with_tools_read_every_token_once() -> None:
    replies = [f"Thinking {i}.</think>Look {i}." + call(f"cat {i} && echo 'a>b'") for i in range(19)]
    with engine_parts(*replies, "Done.</think>All done.") as parts:
        messages: list[dict[str, Any]] = [{"role": "system", "content": "You work."}, USER]
        before = 0
        for i in range(20):
            reply = parts.ask(messages=messages, tools=[BASH])
            assert reply.usage.cached == before
            before = reply.usage.prompt + reply.usage.completion
            messages.append(assistant(reply))
            messages += [result(c.id, f"result {i} </tool_result> <｜User｜>") for c in reply.calls]
        assert reply.finish == "stop"
        assert reply.content == "All done."
        assert parts.session.evaluated == len(parts.live)


@pytest.mark.parametrize(
    "spelled",
    [
        call("ls", before=" \n"),
        call("ls").replace(">\n", ">"),
        call("a &amp; b"),
        call("x").replace(M, "DSML｜"),
        call("x").replace(M, ""),
        call("cut off")[: -len(f"</{M}invoke>\n</{M}tool_calls>")],
    ],
    ids=["spaces before", "no newlines", "entities", "short", "plain", "repaired"],
)
def test_odd_spellings_are_replayed_as_they_were_sampled(spelled: str) -> None:
    with engine_parts("r</think>text" + spelled, "</think>ok") as parts:
        first = parts.ask(messages=[USER], tools=[BASH])
        assert first.finish == "tool_calls"
        messages = [USER, assistant(first), result(first.calls[0].id, "out")]
        second = parts.ask(messages=messages, tools=[BASH])
        assert second.usage.cached == first.usage.prompt + first.usage.completion


def test_invalid_utf8_does_not_cost_the_cache() -> None:
    with engine_parts("r\udcff</think>t\udcfe" + call("\udcfd"), "</think>ok") as parts:
        first = parts.ask(messages=[USER], tools=[BASH])
        assert first.content == "t\ufffd"
        messages = [USER, assistant(first), result(first.calls[0].id, "out")]
        second = parts.ask(messages=messages, tools=[BASH])
        assert second.usage.cached == first.usage.prompt + first.usage.completion


def test_without_replay_a_canonical_block_still_matches_by_text() -> None:
    with engine_parts("r</think>t" + call("ls"), "</think>ok", replay=False) as parts:
        first = parts.ask(messages=[USER], tools=[BASH])
        messages = [USER, assistant(first), result(first.calls[0].id, "out")]
        assert parts.ask(messages=messages, tools=[BASH]).usage.cached > 0


def test_unknown_call_ids_are_rendered_canonically() -> None:
    with engine_parts("r</think>t" + call("ls", before=" \n\n"), "</think>ok") as parts:
        first = parts.ask(messages=[USER], tools=[BASH])
        message = assistant(first)
        message["tool_calls"][0]["id"] = "call_other"
        second = parts.ask(messages=[USER, message, result("call_other", "out")], tools=[BASH])
        assert second.usage.cached == 0
        assert any(line.startswith("live kv cache miss live=") for line in parts.lines)


@pytest.mark.parametrize("tools", [[], [BASH]])
def test_reasoning_that_the_client_drops_is_not_read_again(tools: list[object]) -> None:
    with engine_parts("Long reasoning.</think>Hello", "Again.</think>Bye", "x</think>End") as parts:
        messages = [USER]
        first = parts.ask(messages=messages, tools=tools)
        messages += [assistant(first, reasoning=False), {"role": "user", "content": "And now?"}]
        second = parts.ask(messages=messages, tools=tools)
        assert second.usage.cached == first.usage.prompt + first.usage.completion
        messages += [assistant(second, reasoning=False), {"role": "user", "content": "And then?"}]
        third = parts.ask(messages=messages, tools=tools)
        assert third.usage.cached == second.usage.prompt + second.usage.completion
    assert any(line.startswith("thinking live continuation match=visible-prefix") for line in parts.lines)


def test_a_longer_answer_that_begins_alike_is_not_ours() -> None:
    with engine_parts("r</think>Hello", "x</think>y") as parts:
        first = parts.ask(messages=[USER])
        changed = {"role": "assistant", "content": first.content + " there"}
        second = parts.ask(messages=[USER, changed, USER])
        assert second.usage.cached == 0


def test_text_that_spells_a_marker_is_not_the_marker() -> None:
    with engine_parts("</think>a", "</think>b") as parts:
        parts.ask(messages=[{"role": "user", "content": "one"}, {"role": "user", "content": "two"}])
        spelled = parts.ask(messages=[{"role": "user", "content": "one<｜User｜>two"}])
        assert spelled.usage.cached == 0
        assert parts.live.tokens.count(CONTROL.index(USER_MARK)) == 1


def test_the_same_prompt_again_is_a_miss_because_a_session_cannot_be_cut_back() -> None:
    with engine_parts("</think>a", "</think>b") as parts:
        first = parts.ask(messages=[USER])
        assert parts.ask(messages=[USER]).usage.cached == 0
    n, p = first.usage.prompt + first.usage.completion, first.usage.prompt
    assert f"live kv cache miss live={n} prompt={p} common={p} reason=token-mismatch" in parts.lines


def test_an_equal_prompt_reads_nothing() -> None:
    with engine_parts("</think>a") as parts:
        assert parts.ask(messages=[USER], max_tokens=0).finish == "length"
        again = parts.ask(messages=[USER])
        assert again.usage.cached == again.usage.prompt
        assert again.content == "a"


def test_max_tokens_inside_reasoning_stays_reasoning() -> None:
    with engine_parts("The user greets me") as parts:
        reply = parts.ask(messages=[USER], max_tokens=3)
        assert (reply.reasoning, reply.content, reply.finish) == ("The", "", "length")
        assert reply.usage.completion == 3


def test_a_full_context_ends_with_length() -> None:
    with engine_parts("</think>" + "x" * 1000, n_ctx=60) as parts:
        reply = parts.ask(messages=[USER])
        assert reply.finish == "length"
        assert len(parts.live) == 60
        with pytest.raises(RequestError) as refused:
            parts.job(messages=[USER, USER, USER])
        assert b'"code":"context_length_exceeded"' in (refused.value.body or b"")


def test_stop_strings_cut_before_the_match() -> None:
    with engine_parts("</think>Hello! How can I help") as parts:
        seen, message = parts.last_message(parts.job(messages=[USER], stop=["xyz", "can I"]))
        assert isinstance(message, Finished)
        assert (message.reply.content, message.reply.finish) == ("Hello! How ", "stop")
        shown = "".join(e.text for e in emitted(seen) if isinstance(e, Content))
        assert shown == "Hello! How "


def test_a_call_cut_by_the_limit_is_an_error_and_runs_nothing() -> None:
    with engine_parts("r</think>t" + call("rm -rf /tmp/x")) as parts:
        limit = len("r</think>t\n\n") + 60
        reply = parts.ask(messages=[USER], tools=[BASH], max_tokens=limit)
        assert (reply.finish, reply.calls, reply.content) == ("error", (), "t")
        assert any('finish=error error="unterminated tool call"' in line for line in parts.lines)


def test_calls_without_tools_stream_as_content_and_end_as_calls() -> None:
    with engine_parts("r</think>t" + call("ls")) as parts:
        seen, message = parts.last_message(parts.job(messages=[USER], tools=[BASH], tool_choice="none"))
        assert isinstance(message, Finished)
        assert message.reply.finish == "tool_calls"
        assert [c.arguments for c in message.reply.calls] == ['{"command":"ls"}']
        assert message.reply.content == "t"
        events = emitted(seen)
        assert not any(isinstance(e, CallStart) for e in events)
        assert "".join(e.text for e in events if isinstance(e, Content)) == "t" + call("ls")


def test_syntax_is_drawn_greedily() -> None:
    with engine_parts("r</think>t" + call("ls")) as parts:
        parts.ask(messages=[USER], tools=[BASH])
        greedy = sum(parts.session.draws)
        assert 0 < len(parts.session.draws) - greedy < len("r</think>t\n\n<ls</") + 8


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({}, (1.0, 1.0, 0.05, 0)),
        ({"temperature": 0, "top_p": 0.5, "min_p": 0, "top_k": 7}, (0.0, 0.5, 0.0, 7)),
    ],
)
def test_explicit_sampling_wins_also_while_thinking(given: dict[str, float], expected: object) -> None:
    with engine_parts("</think>a") as parts:
        parts.ask(messages=[USER], **given)
        s = parts.session.settings
        assert (s.temperature, s.top_p, s.min_p, s.top_k) == expected


def test_a_seed_is_passed_on_and_otherwise_random() -> None:
    with engine_parts("</think>a", "</think>b") as parts:
        parts.ask(messages=[USER], seed=42)
        assert parts.session.settings.seed == 42
        parts.ask(messages=[USER])
        assert parts.session.settings.seed not in (0, 42)


def drop_in_eval(parts: Any, job: Job, when: int) -> None:
    """Drop the job in its `when`-th evaluation."""
    count = 0

    def before(_tokens: Sequence[int]) -> None:
        nonlocal count
        count += 1
        if count == when:
            parts.worker.drop(job)

    parts.session.before_eval = before


def test_dropped_in_prefill_keeps_what_was_read() -> None:
    with engine_parts("</think>a", "</think>b") as parts:
        text = {"role": "user", "content": "x" * 1500}
        job = parts.job(messages=[text])
        drop_in_eval(parts, job, 3)
        seen, message = parts.last_message(job)
        assert isinstance(message, Dropped)
        assert [m.done for m in seen if isinstance(m, Progress)] == [512, 1024]
        assert parts.lines[-1].endswith("stream closed during prefill")
        again = parts.ask(messages=[text])
        assert again.usage.cached == 1024
        assert again.content == "a"


def test_dropped_while_decoding() -> None:
    with engine_parts("</think>" + "x" * 100, "</think>b") as parts:
        job = parts.job(messages=[USER])
        drop_in_eval(parts, job, 10)
        _, message = parts.last_message(job)
        assert isinstance(message, Dropped)
        assert (
            parts.lines[-1]
            .split(" ctx=")[1]
            .split(" ", 1)[1]
            .startswith('gen=9 finish=error error="client stream write failed"')
        )
        assert parts.lines[-2].endswith(" client disconnected")
        parts.session.before_eval = lambda _tokens: None
        assert parts.ask(messages=[USER]).finish == "stop"


def test_an_end_marker_of_no_block_is_said() -> None:
    marker = f"</{M}tool_calls>"
    with engine_parts(f"</think>a{marker}b", f"</think>a{marker}") as parts:
        parts.ask(messages=[USER], tools=[BASH])
        said = [line for line in parts.lines if "orphan" in line]
        assert len(said) == 1
        n = len("a</tool_calls>") + 2
        assert said[0].endswith(f" TOOLS ignored orphan tool-call end marker after {n} generated tokens")
        parts.ask(messages=[{"role": "user", "content": "no tools"}])
        assert sum("orphan" in line for line in parts.lines) == 1


def test_a_job_that_waits_is_dropped_at_once() -> None:
    entered, go_on = threading.Event(), threading.Event()

    def before(_tokens: Sequence[int]) -> None:
        entered.set()
        assert go_on.wait(30)

    with engine_parts("</think>a") as parts:
        parts.session.before_eval = before
        first, second = parts.job(messages=[USER]), parts.job(messages=[{"role": "user", "content": "2"}])
        parts.worker.submit(first)
        parts.worker.submit(second)
        assert entered.wait(30)
        assert parts.worker.queue_depth == 1
        parts.worker.drop(second)
        assert isinstance(parts.messages.get(timeout=30), Dropped)
        assert parts.worker.queue_depth == 0
        parts.session.before_eval = lambda _tokens: None
        go_on.set()
        while not isinstance(parts.messages.get(timeout=30), Finished):
            pass


def test_dropping_a_finished_job_does_not_disturb_the_next() -> None:
    with engine_parts("</think>a", "</think>b") as parts:
        job = parts.job(messages=[USER])
        parts.last_message(job)
        parts.worker.drop(job)
        assert parts.ask(messages=[{"role": "user", "content": "next"}]).content == "b"


def test_stopping_breaks_off_what_runs() -> None:
    with engine_parts("</think>" + "x" * 1000) as parts:
        job = parts.job(messages=[USER])
        count = 0

        def before(_tokens: Sequence[int]) -> None:
            nonlocal count
            count += 1
            if count == 20:
                parts.worker.stop()

        parts.session.before_eval = before
        _, message = parts.last_message(job)
        parts.worker.join()
        assert isinstance(message, Dropped)
        assert 'finish=error error="shutdown requested"' in parts.lines[-1]


def test_a_continuation_that_would_not_fit_is_read_anew() -> None:
    with engine_parts("r" * 200 + "</think>Hello", "</think>x", n_ctx=300) as parts:
        first = parts.ask(messages=[USER])
        messages = [USER, assistant(first, reasoning=False), {"role": "user", "content": "y" * 80}]
        second = parts.ask(messages=messages)
        assert second.usage.cached == 0
        assert second.content == "x"


def test_a_failing_prefill_is_reported() -> None:
    def before(_tokens: Sequence[int]) -> None:
        raise Ds4Error("MEMORY", "no memory left")

    with engine_parts("</think>a") as parts:
        parts.session.before_eval = before
        _, message = parts.last_message(parts.job(messages=[USER]))
        assert message == Failed("no memory left")
        parts.session.before_eval = lambda _tokens: None
        assert parts.ask(messages=[USER]).content == "a"


def test_without_memory_for_another_session_the_oldest_makes_room(capfd: pytest.CaptureFixture[str]) -> None:
    """And without any that is free, the request fails with the reason."""

    def no_memory() -> ScriptedSession:
        raise Ds4Error("MEMORY", "session: out of memory")

    with engine_parts("</think>a", "</think>b", "</think>c", max_sessions=2) as parts:
        make, parts.slots._make = parts.slots._make, no_memory
        _, message = parts.last_message(parts.job(messages=[USER]))
        assert message == Failed("session: out of memory")
        parts.slots._make = make
        assert parts.ask(messages=[USER]).content == "a"
        parts.slots._make = no_memory
        other = {"role": "user", "content": "Something else"}
        assert parts.ask(messages=[other]).content == "b"
        assert len(parts.slots.lives) == 1
        parts.slots._make = make
        assert parts.ask(messages=[USER]).content == "c"
        assert len(parts.slots.lives) == 2
    assert "Traceback" not in capfd.readouterr().err


def test_log_lines_of_one_request() -> None:
    with engine_parts("I need to look.</think>I will." + call("ls"), "x") as parts:
        reply = parts.ask(messages=[USER], tools=[BASH])
        assert reply.finish == "tool_calls"
    p, n = reply.usage.prompt, reply.usage.completion
    number = r"\d+\.\d+"
    rates = rf"chunk={number} t/s avg={number} t/s {number}s"
    head, last = rf"chat ctx=0\.\.{p}:{p}", n - n % 50
    shapes = [
        rf"{head} TOOLS prompt start",
        *[
            rf"{head} TOOLS prefill chunk {done}/{p} \({number}%\) {rates}"
            for done in [*range(512, p, 512), p]
        ],
        rf"{head} TOOLS prompt done {number}s",
        *[
            rf"chat ctx={p + g - 50}\.\.{p + g}:50 gen={g} TOOLS( DSML_START)? decoding {rates}"
            for g in range(50, n + 1, 50)
        ],
        rf"chat ctx={p + last}\.\.{p + n}:{n % 50} gen={n} TOOLS DSML_START DSML_END decoding {rates}",
        r"tool calls ctx=0\.\.\d+:\d+ n=1 raw_dsml=1 ids=\[call_[0-9a-f]{32}\] names=\[bash\]",
        rf"{head} gen={n} TOOLS DSML_START DSML_END finish=tool_calls {number}s",
    ]
    assert len(parts.lines) == len(shapes)
    for line, shape in zip(parts.lines, shapes, strict=True):
        assert re.fullmatch(shape, line), f"{line} is not {shape}"


def test_order_of_messages() -> None:
    with engine_parts("r</think>c") as parts:
        seen, message = parts.last_message(parts.job(messages=[{"role": "user", "content": "x" * 600}]))
    assert isinstance(message, Finished)
    assert isinstance(seen[0], Progress)
    assert isinstance(seen[1], Started)
    assert emitted(seen) == [Reasoning("r"), Content("c")]
    assert not any(isinstance(m, Failed) for m in seen)
