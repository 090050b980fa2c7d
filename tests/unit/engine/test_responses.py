"""The Responses endpoint in front of a scripted model: how a conversation goes on from the session."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ds4agent.engine.job import Failed, Finished, Job
from ds4agent.wire import responses
from ds4agent.wire.dsml_render import render_block
from ds4agent.wire.errors import RequestError
from ds4agent.wire.message import ToolCall
from ds4agent.wire.reply import Reply
from tests.unit.engine.engine_parts import Parts, engine_parts

BLOCK = render_block([ToolCall("", "bash", '{"command":"ls"}'), ToolCall("", "bash", '{"command":"pwd"}')])
TOOLS = [{"type": "function", "name": "bash", "parameters": {"type": "object"}}]
ASK = {"role": "user", "content": "List the files in src"}
CONTINUED = "responses live continuation RESPPROTO match="
MISSING = "responses replay RESPPROTO missing reasoning state; continuing from visible history source="


def job(parts: Parts, items: list[Any], **fields: Any) -> Job:
    body = json.dumps({"input": items, "tools": TOOLS, **fields}, ensure_ascii=False).encode()
    return parts.job_of(responses.DIALECT, body)


def ask(parts: Parts, items: list[Any], **fields: Any) -> Reply:
    _, message = parts.last_message(job(parts, items, **fields))
    assert isinstance(message, Finished)
    return message.reply


def replayed(reply: Reply, reasoning: bool) -> list[Any]:
    """The items of a reply as a client sends them back."""
    thought = {"type": "reasoning", "summary": [{"type": "summary_text", "text": reply.reasoning}]}
    said = {
        "type": "message",
        "role": "assistant",
        "content": [{"type": "output_text", "text": reply.content}],
    }
    calls = [
        {"type": "function_call", "call_id": c.id, "name": c.name, "arguments": c.arguments}
        for c in reply.calls
    ]
    return [*([thought] if reasoning and reply.reasoning else []), *([said] if reply.content else []), *calls]


def results(reply: Reply) -> list[Any]:
    return [{"type": "function_call_output", "call_id": c.id, "output": "ok"} for c in reply.calls]


@pytest.mark.parametrize("reasoning", [False, True])
@pytest.mark.parametrize("tools", [TOOLS, []])
def test_a_full_replay_reads_every_token_once(reasoning: bool, tools: list[Any]) -> None:
    """With or without its reasoning, over calls and over final answers, through several prompts."""
    turns = [
        *(f"Think {i}.</think>Look {i}.{BLOCK}" for i in range(2)), "Done.</think>All done.",
        f"More.</think>{BLOCK}", "</think>Nothing new.", "Bye.</think>Bye.",
    ] if tools else [f"Think {i}.</think>Answer {i}." for i in range(4)]  # fmt: skip
    with engine_parts(*turns) as parts:
        items: list[Any] = [{"role": "developer", "content": "You work."}, ASK]
        held = 0
        for turn in range(len(turns)):
            reply = ask(parts, items, tools=tools)
            assert reply.usage.cached == held
            held = reply.usage.prompt + reply.usage.completion
            items += replayed(reply, reasoning)
            items += results(reply) or [{"role": "user", "content": f"And {turn}?"}]
        assert parts.session.evaluated == len(parts.live)
    lines = [line for line in parts.lines if line.startswith("responses")]
    assert [line.split(" ids=")[0] for line in lines] == [f"{CONTINUED}visible-prefix"] * (len(turns) - 1)


def test_the_lines_of_a_replay_without_reasoning() -> None:
    with engine_parts(f"Think.</think>Look.{BLOCK}", "</think>done") as parts:
        first = ask(parts, [ASK])
        second = ask(parts, [ASK, *replayed(first, False), *results(first)])
    n, p = first.usage.prompt + first.usage.completion, second.usage.prompt
    assert f"{CONTINUED}visible-prefix ids=2 cached={n} prompt={p}" in parts.lines
    assert f"chat ctx={n}..{p}:{p - n} RESPPROTO TOOLS prompt start" in parts.lines
    assert not any(MISSING in line for line in parts.lines)


def test_results_alone_go_on_from_the_session() -> None:
    with engine_parts(f"Think.</think>Look.{BLOCK}", "</think>done") as parts:
        first = ask(parts, [ASK])
        whole = job(parts, [ASK, *replayed(first, True), *results(first)])
        second = ask(parts, results(first))
        assert parts.live.key == whole.prompt.key + b"</think>done"
    n, p = first.usage.prompt + first.usage.completion, second.usage.prompt
    assert second.usage.cached == n
    assert f"{CONTINUED}tool-output-ids ids=2 cached={n} prompt={p}" in parts.lines


def test_a_session_that_moved_on_while_the_results_waited_is_a_conflict() -> None:
    with engine_parts(f"</think>{BLOCK}", "</think>other") as parts:
        late = job(parts, results(ask(parts, [ASK])))
        ask(parts, [{"role": "user", "content": "something else"}])
        _, message = parts.last_message(late)
    assert message == Failed(
        "Responses continuation state is not available; retry by replaying the full input history", 409
    )


def test_a_part_of_the_results_is_a_conflict() -> None:
    """The model would go on as if the other call had given nothing."""
    with engine_parts(f"</think>{BLOCK}", "</think>other") as parts:
        one = results(ask(parts, [ASK]))[:1]
        _, message = parts.last_message(job(parts, one))
    assert isinstance(message, Failed)
    assert message.status == 409


def test_calls_are_live_until_the_next_turn() -> None:
    with engine_parts(f"</think>{BLOCK}", "</think>done") as parts:
        first = ask(parts, [ASK])
        ask(parts, results(first))
        with pytest.raises(RequestError, match=f"for call_id {first.calls[0].id};"):
            job(parts, results(first))


@pytest.mark.parametrize(
    ("reasoning", "effort", "flagged"), [(False, "high", True), (True, "high", False), (False, "none", False)]
)
def test_a_replay_that_lacks_reasoning_is_flagged_where_the_session_is_gone(
    reasoning: bool, effort: str, flagged: bool
) -> None:
    turns = ("Think.</think>Look.", "</think>other", "</think>done")
    if effort == "none":
        turns = ("Look.", "other", "done")
    with engine_parts(turns[0] + BLOCK, *turns[1:]) as parts:
        how = {"reasoning": {"effort": effort}}
        first = ask(parts, [ASK], **how)
        ask(parts, [{"role": "user", "content": "something else"}], **how)
        last = ask(parts, [ASK, *replayed(first, reasoning), *results(first)], **how)
    assert last.usage.cached == 0
    assert [line for line in parts.lines if MISSING in line] == (
        [f"{MISSING}none cached=0 prompt={last.usage.prompt}"] if flagged else []
    )


def test_a_turn_that_was_cut_off_is_no_visible_continuation() -> None:
    with engine_parts("Think.</think>A long answer", "</think>done") as parts:
        first = ask(parts, [ASK], max_output_tokens=len("Think.") + 1 + len("A long"))
        assert first.finish == "length"
        ask(parts, [ASK, *replayed(first, True), {"role": "user", "content": "Go on"}])
    assert not any(line.startswith(CONTINUED) for line in parts.lines)


def test_a_call_in_a_namespace_is_replayed_as_it_was_sampled() -> None:
    space = [{"type": "namespace", "name": "box_", "tools": [{"type": "function", "name": "bash"}]}]
    block = render_block([ToolCall("", "box_bash", '{"command":"ls"}')])
    with engine_parts(f"Think.</think>{block}", "</think>done") as parts:
        first = ask(parts, [ASK], tools=space)
        items = replayed(first, True)
        items[-1] |= {"name": "bash", "namespace": "box_"}
        second = ask(parts, [ASK, *items, *results(first)], tools=space)
    assert second.usage.cached == first.usage.prompt + first.usage.completion
