"""When sessions go to disk, where in them, and what comes back."""

from __future__ import annotations

import resource
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ds4agent.engine.binding import BLOCK, Ds4Error
from ds4agent.engine.checkpoints import PAID, Moments
from ds4agent.engine.job import Failed
from ds4agent.wire.dsml_render import render_block
from ds4agent.wire.message import ToolCall
from ds4agent.wire.template import ASSISTANT, USER
from tests.unit.engine.cache_parts import BLOCK_BYTES, NEVER, Engine, raw
from tests.unit.engine.engine_parts import BASH, assistant
from tests.unit.engine.scripted import ScriptedSession

U, A = 3, 4
MARKS = (U, A)
TEXT = "The quick brown fox jumps over the lazy dog. "
USER_SAYS = {"role": "user", "content": TEXT * 3}
AND_NOW = {"role": "user", "content": "And now?"}
CALL = render_block([ToolCall("", "bash", '{"command":"ls"}')])


def words(n: int, start: str = "") -> str:
    """n bytes."""
    return (start + TEXT * (n // len(TEXT) + 1))[:n]


# -- Moments
# ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("moments", "n", "at"),
    [
        (Moments(), 11011, 10240),
        (Moments(), 1695, 1695),
        (Moments(trim=0, align=1000), 3500, 3000),
        (Moments(trim=0, align=0), 3500, 3500),
        (Moments(), 544, 544),
        (Moments(), 2080, 2048),
        (Moments(), 2079, 2079),
    ],
)
def test_where_a_prompt_is_cut_that_nothing_divides(moments: Moments, n: int, at: int) -> None:
    assert moments.trimmed(n) == at
    assert moments.stops([99] * n, 0, MARKS)[at] == "cold"


@pytest.mark.parametrize(
    ("tokens", "at"),
    [
        ([9] * 600 + [U, 9, A], 600),
        ([9] * 600 + [U, 9, 9, U, 9, A], 603),
        ([9] * 600 + [U, 9, A, 9, U, 9, A], 600),
        ([9] * 511 + [U, 9, A], None),
        ([9] * 512 + [U, 9, A], 512),
        ([9] * 600 + [A, 9, U], None),
        ([9] * 600 + [U, 9, 9], 600),
        ([9] * 600, None),
    ],
    ids=[
        "one user message", "two: the second", "several turns: the first one", "below min", "at min",
        "no user before", "no assistant", "none",
    ],
)  # fmt: skip
def test_the_anchor(tokens: list[int], at: int | None) -> None:
    assert Moments().anchor(tokens, U, A) == at


def test_an_anchor_is_cold_also_behind_a_shorter_shared_part_and_a_length_is_not() -> None:
    tokens = [9] * 600 + [U, 9, A]
    assert Moments().stops(tokens, 0, MARKS) == {600: "cold"}
    assert Moments().stops(tokens, 590, MARKS) == {600: "cold"}
    assert Moments().stops(tokens, 600, MARKS) == {}
    assert Moments().stops([9] * 600, 0, MARKS) == {600: "cold"}
    assert Moments().stops([9] * 600, 590, MARKS) == {}


@pytest.mark.parametrize(("n", "cold"), [(511, False), (512, True), (30000, True), (30001, False)])
def test_prompts_that_are_kept_as_cold_ones(n: int, cold: bool) -> None:
    stops = Moments(interval=0).stops([9] * n, 0, MARKS)
    assert ("cold" in stops.values()) == cold


@pytest.mark.parametrize(
    ("moments", "n", "cached", "at"),
    [
        (Moments(cold_max=0), 10239, 0, []),
        (Moments(cold_max=0), 10240, 0, [10240]),
        (Moments(cold_max=0), 18432, 10240, []),
        (Moments(cold_max=0), 20480, 10240, [20480]),
        (Moments(cold_max=0), 31000, 0, [10240, 20480, 30720]),
        (Moments(cold_max=0, align=0), 29999, 20000, []),
        (Moments(cold_max=0, align=0), 30000, 20000, [30000]),
        (Moments(cold_max=0, align=0, interval=100), 700, 0, [600, 700]),
        (Moments(cold_max=0, interval=0), 99999, 0, []),
    ],
)
def test_continued(moments: Moments, n: int, cached: int, at: list[int]) -> None:
    assert sorted(moments.stops([9] * n, cached, MARKS)) == at


def test_cold_takes_the_place_of_continued() -> None:
    assert Moments().stops([9] * 11011, 0, MARKS) == {10240: "cold"}


# -- Writing
# ----------------------------------------------------------------------------------------------------


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "kv"


def points(engine: Engine) -> list[tuple[int, str]]:
    return sorted((point.n_tokens, point.reason) for point in engine.disk_store.points())


def saves(engine: Engine) -> list[str]:
    """tokens/reason of each save, in order."""
    stored = (line.split() for line in engine.lines if line.startswith("kv cache stored"))
    return [f"{words[3].partition('=')[2]}/{words[5].partition('=')[2]}" for words in stored]


def test_cold_and_continued_in_prefill(folder: Path) -> None:
    moments = Moments(min_tokens=100, cold_max=5000, interval=500, trim=32, align=256)
    engine = Engine(folder, moments=moments)
    engine.raw(raw(words(300) + USER + words(1500) + ASSISTANT))
    # 512 is too near to the cold one.
    assert saves(engine) == ["301/cold", "1024/continued", "1536/continued"]


def test_continued_while_it_writes(folder: Path) -> None:
    """Not in calls: their text is not known before they end."""
    moments = Moments(min_tokens=100, cold_max=0, interval=50, trim=0, align=0)
    engine = Engine(folder, replies=[words(120) + CALL], moments=moments)
    messages: list[Any] = [{"role": "user", "content": "x" * 400}]
    reply = engine.ask(messages=messages, tools=[BASH], thinking=False)
    n, block = reply.usage.prompt, len(CALL)
    written = [int(save.split("/")[0]) for save in saves(engine)]
    assert [at for at in written if at > n] == [at for at in range(0, n + 130, 50) if n < at <= n + 120]
    assert block > 100


def test_a_cold_point_is_not_written_again_as_a_continued_one(folder: Path) -> None:
    moments = Moments(min_tokens=100, cold_max=5000, interval=500, trim=0, align=0)
    engine = Engine(folder, moments=moments)
    engine.raw(raw(words(999)))
    assert saves(engine) == ["500/continued", "1000/cold"]
    engine.raw(raw(words(999)), max_tokens=0)
    assert len(saves(engine)) == 2


def test_idle_checkpoints_are_paid_for_by_rows(folder: Path) -> None:
    """However a session grows: what idle points cost besides rows is at most a fraction of the rows."""
    moments = Moments(min_tokens=100, cold_max=0, interval=0, trim=0, align=0)
    engine = Engine(folder, moments=moments)
    rest = engine.first.rest_size
    for n in range(100, 6000, 90):
        engine.raw(raw(words(n)))
        engine.idle()
    blocks = len(engine.slots.lives[0]) // BLOCK
    idle = len([save for save in saves(engine) if save.endswith("/idle")])
    assert 0 < idle * rest <= blocks * BLOCK_BYTES // PAID
    assert idle >= blocks * BLOCK_BYTES // (PAID * (rest + BLOCK_BYTES))


def test_an_idle_checkpoint_is_written_when_nothing_happens_for_long(folder: Path) -> None:
    engine = Engine(folder, moments=NEVER)
    engine.raw(raw(words(300)))
    engine.idle()
    assert saves(engine) == []
    engine.idle(long=True)
    engine.idle(long=True)
    assert saves(engine) == ["301/idle"]


def test_idle_work_stops_when_something_waits(folder: Path) -> None:
    engine = Engine(folder, n=2, moments=NEVER)
    engine.raw(raw(words(300)))
    engine.raw(raw(words(300, "other")))
    waiting = iter([0, 1])
    engine.checkpoints.idle(engine.slots, lambda: next(waiting), True)
    assert saves(engine) == ["301/idle"]
    assert engine.disk_store.find(raw(words(300, "other")).key) is not None, "the newest goes first"


def test_what_was_loaded_is_not_written_again(folder: Path) -> None:
    engine = Engine(folder, moments=NEVER)
    engine.raw(raw(words(3000)))
    engine.stop()
    again = Engine(folder, moments=NEVER)
    assert again.raw(raw(words(3001))).usage.source == "disk"
    written = again.disk_store.bytes_written
    again.idle()
    assert again.disk_store.bytes_written == written
    assert saves(again) == []


def test_evict_before_a_session_is_given_up(folder: Path) -> None:
    engine = Engine(folder, moments=Moments(min_tokens=200, cold_max=0, interval=0))
    engine.raw(raw(words(199)))
    engine.raw(raw("x" * 150))
    assert points(engine) == [(200, "evict")]
    engine.raw(raw("y" * 300))
    assert points(engine) == [(200, "evict")], "150 tokens are less than min"


def test_a_cut_that_loses_little_writes_nothing(folder: Path) -> None:
    engine = Engine(folder, moments=Moments(min_tokens=200, cold_max=0, interval=0))
    engine.raw(raw(words(1000) + "a" * 60))
    usage = engine.raw(raw(words(1000) + "b" * 60)).usage
    assert usage.cached == 1001 // BLOCK * BLOCK
    assert points(engine) == []


def test_a_cut_that_loses_much_keeps_what_is_lost(folder: Path) -> None:
    engine = Engine(folder, moments=Moments(min_tokens=200, cold_max=0, interval=0))
    first = words(1000) + "a" * 400
    engine.raw(raw(first))
    engine.raw(raw(words(1000) + "b" * 400))
    assert points(engine) == [(1401, "evict")]
    usage = engine.raw(raw(first + "more")).usage
    assert (usage.cached, usage.source) == (1401, "disk")


def test_shutdown_writes_each_session_once(folder: Path) -> None:
    engine = Engine(folder, n=3, moments=Moments(min_tokens=200, cold_max=0, interval=0))
    for text in (words(300), words(400, "other"), "short"):
        engine.raw(raw(text))
    engine.idle(long=True)
    engine.raw(raw(words(350)))
    engine.stop()
    assert saves(engine) == ["401/idle", "301/idle", "351/shutdown"]
    assert "persisting resident KV cache before shutdown slot=0 tokens=351" in engine.lines


def test_what_cannot_be_copied_costs_the_checkpoint_only(folder: Path) -> None:
    engine = Engine(folder, moments=NEVER)
    engine.raw(raw(words(300)))

    def no_memory(_first: int, _n: int) -> memoryview:
        raise Ds4Error("MEMORY", "out of memory")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(engine.slots.lives[0].session, "rows", no_memory)
        engine.idle(long=True)
    assert engine.lines[-1] == "kv cache store failed (idle): out of memory"
    assert engine.raw(raw(words(301))).usage.cached == 301


def test_a_cold_checkpoint_that_fails_is_made_up_for_by_the_next(folder: Path) -> None:
    moments = Moments(min_tokens=100, cold_max=5000, interval=500, trim=0, align=0)
    engine = Engine(folder, moments=moments)
    original, failing = ScriptedSession.rows, [True]

    def rows(session: ScriptedSession, first: int, n: int) -> memoryview:
        if failing and failing.pop():
            raise Ds4Error("MEMORY", "out of memory")
        return original(session, first, n)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ScriptedSession, "rows", rows)
        engine.raw(raw(words(300) + USER + words(600) + ASSISTANT))
    assert "kv cache store failed (cold): out of memory" in engine.lines
    assert saves(engine) == ["500/continued"]
    assert engine.disk_store.stored_blocks(engine.slots.lives[0].tokens) == 500 // BLOCK


# -- Reading
# ----------------------------------------------------------------------------------------------------


@pytest.fixture
def stored(folder: Path) -> Iterator[Engine]:
    """A new engine on a folder with points at 300, 600 and 900 tokens of one sequence."""
    before = Engine(folder, moments=Moments(min_tokens=1, cold_max=0, interval=300, trim=0, align=0))
    before.raw(raw(words(950)))
    before.disk_store.close()
    engine = Engine(folder, n=2, moments=NEVER)
    assert points(engine) == [(n, "continued") for n in (300, 600, 900)]
    yield engine
    engine.disk_store.close()


def test_the_longest_point_is_loaded_with_its_tokens(stored: Engine) -> None:
    prompt = raw(words(950) + "and more")
    usage = stored.raw(prompt).usage
    assert (usage.cached, usage.source) == (900, "disk")
    assert stored.slots.lives[0].tokens == prompt.tokens
    assert sum("kv cache hit text tokens=900 " in line for line in stored.lines) == 1


@pytest.mark.parametrize(("same", "cached"), [(899, 900), (898, 600), (599, 600), (598, 300), (298, 0)])
def test_a_changed_byte_is_no_match(stored: Engine, same: int, cached: int) -> None:
    assert stored.raw(raw(words(same) + "#" * 100)).usage.cached == cached


def test_memory_comes_first_where_it_has_as_much(stored: Engine) -> None:
    """Less than MIN_GAIN tokens more are not worth a load."""
    live = stored.hold(words(850))
    usage = stored.raw(raw(words(940))).usage
    assert (usage.cached, usage.source) == (851, "live")
    assert len(live) == 941


def test_what_memory_has_of_it_is_shared(stored: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    """A loaded session begins as a fork; the other one stays."""
    live = stored.hold(words(400) + "#" * 100)
    put: list[int] = []
    original = ScriptedSession.put_rows

    def counted(session: ScriptedSession, tokens: list[int], rows: memoryview) -> None:
        put.append(len(tokens))
        original(session, tokens, rows)

    monkeypatch.setattr(ScriptedSession, "put_rows", counted)
    assert stored.raw(raw(words(940))).usage.source == "disk"
    assert sum(put) == (900 // BLOCK - 401 // BLOCK) * BLOCK
    assert len(live) == 501


def damage(engine: Engine, n_tokens: int) -> None:
    path = next(point.path for point in engine.disk_store.points() if point.n_tokens == n_tokens)
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)


def test_a_damaged_point_is_passed_over_for_the_next(stored: Engine) -> None:
    damage(stored, 900)
    damage(stored, 600)
    usage = stored.raw(raw(words(940))).usage
    assert (usage.cached, usage.source) == (300, "disk")
    assert stored.slots.lives[0].tokens == raw(words(940)).tokens
    assert sum("kv cache damaged" in line for line in stored.lines) == 2
    assert points(stored) == [(300, "continued")]


def test_a_point_whose_continuation_fails_twice_is_set_aside(stored: Engine) -> None:
    failing = [True, True]

    def before(_tokens: Any) -> None:
        if failing and failing.pop():
            raise Ds4Error("MEMORY", "out of memory")

    stored.first.before_eval = before
    for _ in range(2):
        assert points(stored)[-1][0] == 900
        job = replace(stored.job(messages=[USER_SAYS], max_tokens=0), prompt=raw(words(940)))
        assert stored.carry_out(job) == Failed("out of memory")
    assert any("failed 2 times; set aside" in line for line in stored.lines)
    assert points(stored)[-1][0] == 600
    usage = stored.raw(raw(words(940))).usage
    assert (usage.cached, usage.source) == (600, "disk")


def test_one_failure_is_forgotten_when_a_turn_goes_well(stored: Engine) -> None:
    stored.raw(raw(words(940)))
    stored.idle()

    def before(_tokens: Any) -> None:
        raise Ds4Error("MEMORY", "out of memory")

    live = stored.slots.lives[0].session
    assert isinstance(live, ScriptedSession)
    live.before_eval = before
    for n in (950, 960):
        job = replace(stored.job(messages=[USER_SAYS], max_tokens=0), prompt=raw(words(n)))
        assert stored.carry_out(job) == Failed("out of memory")
    assert points(stored)[-1][0] == 900


def test_a_point_serves_every_context_that_has_room_for_it(folder: Path) -> None:
    """One place must be left; a shorter point is taken where the longest has no room."""
    before = Engine(folder, moments=replace(NEVER, interval=300))
    before.raw(raw(words(950)))
    before.disk_store.close()
    for n_ctx, n, cached in ((5000, 940, 900), (942, 940, 900), (800, 700, 600)):
        engine = Engine(folder, moments=NEVER, n_ctx=n_ctx)
        assert engine.raw(raw(words(n))).usage.cached == cached
        engine.disk_store.close()


def test_a_key_that_ends_inside_a_character_is_passed_over_for_the_next(folder: Path) -> None:
    moments = Moments(min_tokens=1, cold_max=0, interval=300, trim=0, align=0)
    before = Engine(folder, moments=moments)
    text = words(598) + "é" + words(100)
    before.raw(raw(text))
    before.stop()
    assert [n for n, _ in points(before)] == [300, 600, 701]
    engine = Engine(folder, moments=NEVER)
    prompt = raw(text[:620] + "#" * 100)
    usage = engine.raw(prompt).usage
    assert (usage.cached, usage.source) == (300, "disk")
    assert engine.slots.lives[0].tokens == prompt.tokens


# -- What is found by another text
# ----------------------------------------------------------------------------------------------------


def restarted(engine: Engine, folder: Path, *replies: str, moments: Moments = NEVER) -> Engine:
    engine.stop()
    return Engine(folder, replies=replies, moments=moments)


@pytest.mark.parametrize("reasoning", [True, False])
@pytest.mark.parametrize("tools", [[], [BASH]], ids=["no tools", "tools"])
def test_a_conversation_is_found_as_clients_send_it(
    folder: Path, reasoning: bool, tools: list[object]
) -> None:
    """With its reasoning or without: what was sampled is what is loaded."""
    engine = Engine(folder, replies=["hm</think>Yes"], moments=NEVER)
    messages: list[Any] = [USER_SAYS]
    messages += [assistant(engine.ask(messages=messages, tools=tools), reasoning), AND_NOW]
    held = engine.slots.lives[0].tokens
    again = restarted(engine, folder, "</think>No")
    usage = again.ask(messages=messages, tools=tools).usage
    assert (usage.source, usage.cached) == ("disk", len(held))
    assert again.at_start[: len(held)] == held
    assert reasoning or any(" key=thinking-visible " in line for line in again.lines)


def test_a_new_conversation_begins_with_what_all_share(folder: Path) -> None:
    """The system prompt is on disk as a point of its own, up to the first question."""
    moments = Moments(min_tokens=100, cold_max=5000, interval=0, trim=8, align=0)
    system = {"role": "system", "content": TEXT * 5}
    engine = Engine(folder, replies=["</think>Yes"], moments=moments)
    engine.ask(messages=[system, USER_SAYS])
    again = restarted(engine, folder, "</think>No", moments=moments)
    usage = again.ask(messages=[system, AND_NOW]).usage
    assert (usage.source, usage.cached) == ("disk", 1 + len(TEXT * 5))


def test_calls_are_replayed_exactly_after_a_restart(folder: Path) -> None:
    """The map comes from disk before the prompt is rendered; the client's spelling does not matter."""
    odd = CALL.replace("ls</", "a  b &amp; c</").replace("tool_calls>\n", "tool_calls>\n\n\n", 1)
    engine = Engine(folder, replies=["hm</think>I look." + odd], moments=NEVER)
    messages: list[Any] = [USER_SAYS]
    reply = engine.ask(messages=messages, tools=[BASH])
    message = assistant(reply)
    message["tool_calls"][0]["function"]["arguments"] = '{ "command" :"something else" }'
    messages += [message, {"role": "tool", "tool_call_id": reply.calls[0].id, "content": "out"}]
    held = engine.slots.lives[0].tokens
    again = restarted(engine, folder, "</think>done")
    usage = again.ask(messages=messages, tools=[BASH]).usage
    assert (usage.source, usage.cached) == ("disk", len(held))
    assert again.at_start[: len(held)] == held


def test_the_tool_map_holds_the_calls_of_its_conversation_only(folder: Path) -> None:
    engine = Engine(folder, n=2, replies=["hm</think>" + CALL, "hm</think>" + CALL], moments=NEVER)
    ids = [engine.ask(messages=[said], tools=[BASH]).calls[0].id for said in (USER_SAYS, AND_NOW)]
    engine.stop()
    store = Engine(folder).disk_store
    texts = {call_id: store.tool_block(call_id) for call_id in ids}
    assert texts == dict.fromkeys(ids, CALL.encode())
    tables = [path for path in folder.iterdir() if path.suffix == ".tools"]
    for path in tables:
        assert sum(call_id.encode() in path.read_bytes() for call_id in ids) == 1
    assert len(tables) == 2


def test_a_call_whose_text_is_not_in_the_session_is_not_in_the_map(folder: Path) -> None:
    moments = Moments(min_tokens=5000, cold_max=0, interval=0)
    engine = Engine(folder, replies=["hm</think>" + CALL], moments=moments)
    (call,) = engine.ask(messages=[USER_SAYS], tools=[BASH]).calls
    engine.raw(raw(words(6000)))
    engine.slots.lives[0].call_ids = frozenset([call.id])
    engine.stop()
    assert points(engine) == [(6001, "shutdown")]
    assert engine.replay.text_of(call.id) is not None
    assert not [path for path in folder.iterdir() if path.suffix == ".tools"]


def test_a_point_that_cannot_be_opened_for_a_moment_is_kept(stored: Engine) -> None:
    """All descriptors are taken, by clients for example; once they are free, it is found again."""
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (3, before[1]))
    try:
        for _ in range(3):
            assert stored.raw(raw(words(940))).usage.cached == 0
            stored.slots.lives[0].reset()
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)
    assert points(stored) == [(n, "continued") for n in (300, 600, 900)]
    assert stored.raw(raw(words(940))).usage.cached == 900


def test_a_point_for_which_there_is_no_memory_is_kept(stored: Engine) -> None:
    def no_memory(*_: object) -> None:
        raise Ds4Error("MEMORY", "rows: out of memory for 7 blocks")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ScriptedSession, "put_rows", no_memory)
        for _ in range(3):
            assert stored.raw(raw(words(940))).usage.cached == 0
            stored.slots.lives[0].reset()
    assert points(stored) == [(n, "continued") for n in (300, 600, 900)]
    assert stored.raw(raw(words(940))).usage.cached == 900
