"""To which session a prompt goes, and what the others lose by that."""

from __future__ import annotations

from ds4agent.engine.slots import LITTLE
from tests.unit.engine.cache_parts import Engine, raw
from tests.unit.engine.scripted import ScriptedSession

BLOCK = 4
LONG = "0123456789" * 100


def held(engine: Engine) -> list[str]:
    """The texts of all sessions, without the beginning."""
    return [engine.vocab.texts(live.tokens[1:]).decode() for live in engine.slots]


def test_the_longest_continuation_wins() -> None:
    engine = Engine(n=3, block=BLOCK)
    engine.hold("abc")
    longest = engine.hold("abcdef")
    engine.hold("ab")
    place = engine.slots.place(raw("abcdefgh"))
    assert (place.live, place.plan.cached, place.origin, place.source) == (longest, 7, None, "live")


def test_a_longer_shared_prefix_wins_over_a_shorter_continuation() -> None:
    """A session that holds the system prompt only does not attract every edit of a long conversation."""
    engine = Engine(n=3, block=BLOCK)
    longest = engine.hold(LONG + "x")
    engine.hold(LONG[:20])
    place = engine.slots.place(raw(LONG))
    assert (place.live, place.origin) == (engine.slots.lives[2], longest)
    assert place.plan.cached == len(LONG) // BLOCK * BLOCK


def test_a_continuation_wins_where_as_little_is_to_be_read() -> None:
    engine = Engine(n=3, block=BLOCK)
    engine.hold(LONG[:23] + "x")
    short = engine.hold(LONG[:23])
    place = engine.slots.place(raw(LONG))
    assert (place.live, place.plan.cached, place.origin) == (short, 24, None)


def test_of_sessions_that_are_alike_the_one_whose_calls_are_answered() -> None:
    engine = Engine(n=3, block=BLOCK)
    caller = engine.hold("abc")
    caller.calls = frozenset(["call_1"])
    newest = engine.hold("abc")
    assert engine.slots.place(raw("abcd"), frozenset(["call_1"])).live is caller
    assert engine.slots.place(raw("abcd"), frozenset(["call_2"])).live is newest
    assert engine.slots.place(raw("abcd")).live is newest


def test_a_fork_of_the_longest_shared_prefix() -> None:
    engine = Engine(n=3, block=BLOCK)
    engine.hold("01234xxxx")
    source = engine.hold("0123456789yyyy")
    place = engine.slots.place(raw("0123456789zz"))
    assert (place.origin, place.plan.cached, place.source) == (source, 8, "resident")
    assert place.live is engine.slots.lives[2]
    engine.slots.take(place)
    assert held(engine) == ["01234xxxx", "0123456789yyyy", "0123456"]
    place.live.append(place.plan.suffix)
    assert held(engine)[1:] == ["0123456789yyyy", "0123456789zz"]


def test_a_session_in_use_can_be_forked() -> None:
    engine = Engine(n=2, block=BLOCK)
    source = engine.hold("0123456789yyyy")
    source.busy = True
    place = engine.slots.place(raw("0123456789"))
    assert (place.origin, place.plan.cached) == (source, 8)
    engine.slots.take(place)
    assert held(engine) == ["0123456789yyyy", "0123456"]
    assert source.busy


def test_one_that_continues_is_left_alone_while_it_is_in_use() -> None:
    engine = Engine(n=2, block=BLOCK)
    engine.hold("01234567").busy = True
    place = engine.slots.place(raw("0123456789"))
    assert place.live is engine.slots.lives[1]
    assert place.origin is engine.slots.lives[0]


def test_of_two_that_share_as_much_the_idle_one() -> None:
    engine = Engine(n=2, block=BLOCK)
    engine.hold("01234567xx").busy = True
    idle = engine.hold("01234567yy")
    place = engine.slots.place(raw("01234567zz"))
    assert (place.live, place.origin) == (idle, None)


def test_an_empty_one_before_anything_is_cut() -> None:
    engine = Engine(n=2, block=BLOCK)
    engine.hold("0123456789")
    place = engine.slots.place(raw("01234567zz"))
    assert place.live is engine.slots.lives[1]
    assert place.kept == 0
    engine.slots.take(place)
    assert held(engine)[0] == "0123456789"


def test_where_little_is_lost_a_session_is_cut_back() -> None:
    engine = Engine(n=2, block=BLOCK)
    kept = engine.hold("other")
    source = engine.hold(LONG[:20] + "y" * (LITTLE - 4))
    place = engine.slots.place(raw(LONG[:20] + "zz"))
    assert (place.live, place.origin, place.plan.cached, place.kept) == (source, None, 20, 20)
    engine.slots.take(place)
    assert held(engine) == ["other", LONG[:19]]
    assert not kept.busy


def test_where_more_would_be_lost_the_oldest_is_given_up() -> None:
    engine = Engine(n=2, block=BLOCK)
    oldest = engine.hold("other")
    source = engine.hold(LONG[:20] + "y" * LITTLE)
    place = engine.slots.place(raw(LONG[:20] + "zz"))
    assert (place.live, place.origin, place.kept) == (oldest, source, 0)
    engine.slots.take(place)
    assert held(engine) == [LONG[:19], LONG[:20] + "y" * LITTLE]


def test_the_only_session_is_cut_back_whatever_it_loses() -> None:
    engine = Engine(n=1, block=BLOCK)
    source = engine.hold(LONG)
    place = engine.slots.place(raw(LONG[:20] + "zz"))
    assert (place.live, place.origin, place.kept) == (source, None, 20)


def test_a_prompt_of_which_nothing_is_known_takes_the_place_of_the_oldest() -> None:
    engine = Engine(n=2, block=BLOCK)
    oldest, newest = engine.hold("abcdefgh"), engine.hold("ijklmnop")
    place = engine.slots.place(raw("xyz"))
    assert (place.live, place.plan.source, place.plan.cached) == (oldest, "none", 0)
    oldest.used = newest.used + 1
    assert engine.slots.place(raw("xyz")).live is newest
    newest.busy = True
    assert engine.slots.place(raw("xyz")).live is oldest


def test_sessions_are_made_when_they_are_needed() -> None:
    made: list[ScriptedSession] = []
    engine = Engine(n=3, block=BLOCK)
    engine.slots._make = lambda: made.append(engine.first.empty()) or made[-1]  # type: ignore[func-returns-value]
    for text in ("a", "b", "ab", "c", "d"):
        engine.raw(raw(text))
    assert len(made) == len(engine.slots.lives) == 3


def test_jobs_are_taken_on_while_a_session_is_free() -> None:
    engine = Engine(n=2, block=BLOCK)
    assert engine.slots.free
    engine.hold("a").busy = True
    assert engine.slots.free
    engine.hold("b").busy = True
    assert not engine.slots.free


def test_going_to_and_fro_between_two_conversations_reads_nothing_twice() -> None:
    engine = Engine(n=2, block=BLOCK)
    texts = ["first " * 20, "second " * 20]
    for text in texts:
        engine.raw(raw(text))
    for n in range(20):
        before = raw(texts[n % 2])
        texts[n % 2] += f" and {n}"
        usage = engine.raw(raw(texts[n % 2])).usage
        assert (usage.cached, usage.source) == (len(before.tokens), "live")


def test_a_side_request_costs_the_conversation_nothing() -> None:
    engine = Engine(n=2, block=BLOCK)
    engine.raw(raw(LONG + "a"))
    side = engine.raw(raw(LONG + "title?")).usage
    assert (side.cached, side.source) == (len(LONG) // BLOCK * BLOCK, "resident")
    assert engine.raw(raw(LONG + "ab")).usage.cached == len(LONG) + 2
