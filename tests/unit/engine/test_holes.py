"""Holes have sessions of their own, and cost conversations nothing."""

from __future__ import annotations

import queue
from dataclasses import replace
from functools import partial
from pathlib import Path

from ds4agent.engine.checkpoints import Moments
from ds4agent.engine.job import Finished, Job, Message, Started
from ds4agent.engine.live import Live
from ds4agent.engine.slots import LITTLE
from tests.unit.engine.cache_parts import Engine, PairModel, live_with, raw
from tests.unit.engine.engine_parts import engine_parts
from tests.unit.engine.scripted import ScriptedModel, ScriptedSession

BLOCK = 4
LONG = "0123456789" * (LITTLE // 5)


def hold(engine: Engine, text: str) -> Live:
    live = engine.hold(text)
    live.hole = True
    return live


def test_a_hole_takes_an_empty_session_before_a_conversations() -> None:
    engine = Engine(n=2, block=BLOCK)
    talk = engine.hold("abc")
    place = engine.slots.place_hole(raw("abcd"))
    assert place.live is not talk
    assert place.plan.cached == 0
    engine.slots.take(place, hole=True)
    assert place.live.hole


def test_a_conversation_does_not_go_on_from_a_hole() -> None:
    engine = Engine(n=2, block=BLOCK)
    hole = hold(engine, "abcdefgh")
    place = engine.slots.place(raw("abcdefghij"))
    assert place.live is not hole
    assert (place.plan.cached, place.origin) == (0, None)


def test_half_of_the_sessions_at_most_are_for_holes() -> None:
    engine = Engine(n=4, block=BLOCK)
    oldest, newest = hold(engine, LONG + "a"), hold(engine, "b" + LONG)
    place = engine.slots.place_hole(raw("c" + LONG))
    assert place.live is oldest
    place = engine.slots.place_hole(raw(LONG[:100]))
    assert (place.live, place.origin) == (oldest, None)
    place = engine.slots.place_hole(raw(("b" + LONG)[:100]))
    assert (place.live, place.origin, place.plan.cached) == (oldest, newest, 100)


def test_a_small_change_is_made_in_place() -> None:
    engine = Engine(n=4, block=BLOCK)
    hole = hold(engine, "0123456789")
    place = engine.slots.place_hole(raw("0123456x"))
    assert (place.live, place.origin, place.plan.cached) == (hole, None, 8)
    engine.slots.take(place, hole=True)
    place.live.append(place.plan.suffix)
    assert place.live.tokens == raw("0123456x").tokens


def test_a_hole_that_is_being_filled_is_forked() -> None:
    engine = Engine(n=4, block=BLOCK)
    hole = hold(engine, "0123456789")
    hole.busy = True
    place = engine.slots.place_hole(raw("0123456789ab"))
    assert place.origin is hole
    assert place.live is not hole


def test_a_hole_waits_for_a_session_of_its_own_and_others_pass_it() -> None:
    """Of two sessions one is for holes. A second hole comes, and then the conversation goes on."""
    with engine_parts("</think>hello", "first", "again", "second", max_sessions=2) as parts:
        talk = [{"role": "user", "content": LONG}]
        reply = parts.ask(messages=talk)
        talk += [{"role": "assistant", "content": reply.content}, {"role": "user", "content": "on"}]
        first, second = (
            replace(parts.job(messages=[{"role": "user", "content": c}]), protocol="infill", thinking=False)
            for c in "ab"
        )
        again = parts.job(messages=talk)
        ended: queue.SimpleQueue[tuple[Job, Message]] = queue.SimpleQueue()

        def sink(job: Job, message: Message) -> None:
            if isinstance(message, Started) and job is first:
                parts.worker.submit(second)
                parts.worker.submit(again)
            if isinstance(message, Finished):
                ended.put((job, message))

        for job in (first, second, again):
            job.sink = partial(sink, job)
        parts.worker.submit(first)
        replies = dict(ended.get(timeout=30) for _ in range(3))
    message = replies[again]
    assert isinstance(message, Finished)
    assert message.reply.usage.cached > len(LONG)
    assert {type(replies[job]) for job in (first, second)} == {Finished}


def test_a_hole_waits_only_where_it_would_cost_a_conversation_its_session() -> None:
    engine = Engine(n=4, block=BLOCK)
    assert engine.slots.free_for_hole
    talk = engine.hold("abc")
    hold(engine, "a").busy = True
    assert engine.slots.free_for_hole  # two of four are not made yet
    other = hold(engine, "b")
    assert engine.slots.free_for_hole
    other.busy = True
    assert not engine.slots.free_for_hole
    assert engine.slots.free
    other.hole = other.busy = False
    engine.hold("c")
    assert not engine.slots.free_for_hole  # three conversations
    engine.slots.lives = [talk]
    engine.slots._n = 1
    assert engine.slots.free_for_hole  # there is no other


def test_the_only_session_serves_holes_too() -> None:
    engine = Engine(n=1, block=BLOCK)
    talk = engine.hold("abc")
    assert engine.slots.place_hole(raw("xyz")).live is talk


def test_text_that_goes_on_is_tokenised_again() -> None:
    model = PairModel()
    live = live_with("xxa", session=ScriptedSession(model, 1000))
    live.session.block = 1  # type: ignore[attr-defined]
    prompt = raw("xxab", model)
    assert prompt.tokens[-1] == PairModel.pair
    plan = live.again(prompt)
    assert plan is not None
    assert (plan.cached, plan.suffix) == (len(prompt.tokens) - 1, [PairModel.pair])


def test_the_same_prompt_again_reads_nothing_and_a_part_of_it_one_token() -> None:
    live = live_with("abcdef", session=ScriptedSession(ScriptedModel(), 1000))
    live.session.block = 1  # type: ignore[attr-defined]
    same, part = live.again(raw("abcdef")), live.again(raw("abcd"))
    assert same is not None
    assert part is not None
    assert (same.source, same.suffix) == ("memory-token", [])
    assert (part.source, part.suffix) == ("memory-prefix", raw("d").tokens[1:])


def test_what_fills_a_hole_is_not_kept_and_nothing_of_it_is_written(tmp_path: Path) -> None:
    engine = Engine(tmp_path, n=2, replies=["filled"], moments=Moments(min_tokens=1, trim=0, align=0))
    prompt = raw(LONG)
    job = replace(engine.raw_job(prompt, 100), protocol="infill")
    message = engine.carry_out(job)
    assert isinstance(message, Finished)
    assert message.reply.content == "filled"
    (live,) = engine.slots.lives
    assert live.tokens == prompt.tokens
    engine.idle(long=True)
    engine.stop()
    assert not list(tmp_path.glob("*.point"))
