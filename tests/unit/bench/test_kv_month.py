"""The simulated cache policies: ds4-server's against its worked examples, ours against what it promises."""

from itertools import pairwise

import pytest

from bench.kv_month import Seen, replay
from bench.kv_ours import BLOCK, Ours
from bench.kv_trace import Request, Restart, Text, month, shared
from bench.kv_upstream import (
    FIXED_BYTES,
    HALF_LIFE,
    ROW_BYTES,
    File,
    Limits,
    Upstream,
    chunk_ends,
    cold_length,
    continued_step,
    is_continued,
)

DEFAULT = Limits()


def ask(prompt: Text, reply: int = 10, at: float = 0.0, anchor: int = -1, **more: float | bool) -> Request:
    return Request(at, "c", "turn", prompt, prompt.extend(reply), anchor, **more)  # type: ignore[arg-type]


def saved(policy: Upstream) -> list[tuple[str, int]]:
    return sorted((f.reason, f.text.n) for f in policy.files.values())


@pytest.mark.parametrize(
    ("n", "limits", "length"),
    [
        (11_011, DEFAULT, 10_240),
        (1_695, DEFAULT, 1_695),
        (4_910, DEFAULT, 4_096),
        (3_500, Limits(trim=0, align=1_000), 3_000),
        (3_500, Limits(trim=0, align=0), 3_500),
    ],
)
def test_cold_length(n: int, limits: Limits, length: int) -> None:
    assert cold_length(n, -1, limits) == length


@pytest.mark.parametrize(("anchor", "length"), [(511, 10_240), (512, 512), (7_000, 7_000)])
def test_an_anchor_counts_from_the_least_length_on(anchor: int, length: int) -> None:
    assert cold_length(11_011, anchor, DEFAULT) == length


@pytest.mark.parametrize(
    ("n", "last", "limits", "due"),
    [
        (10_239, 0, DEFAULT, False),
        (10_240, 0, DEFAULT, True),
        (18_432, 10_240, DEFAULT, False),
        (20_480, 10_240, DEFAULT, True),
        (20_480, 20_480, DEFAULT, False),
        (29_999, 0, Limits(align=0), False),
        (30_000, 0, Limits(align=0), True),
    ],
)
def test_continued(n: int, last: int, limits: Limits, due: bool) -> None:
    assert is_continued(n, last, limits) is due


def test_steps_are_aligned() -> None:
    assert [continued_step(Limits(interval=i)) for i in (10_000, 25_000)] == [10_240, 26_624]


def test_chunks_end_at_absolute_multiples() -> None:
    assert chunk_ends(0, 5_000) == [2_048, 4_096, 5_000]
    assert chunk_ends(3_000, 7_000) == [4_096, 6_144, 7_000]
    assert chunk_ends(9_000, 11_000) == [11_000], "a short rest is one chunk, and 10,240 is not seen"


def test_a_cold_prompt_is_saved_at_its_anchor_and_on_the_way() -> None:
    policy = Upstream()
    policy.serve(ask(Text().extend(25_000), anchor=7_000))
    assert saved(policy) == [("cold", 7_000), ("continued", 10_240), ("continued", 20_480)]


def test_a_cold_save_suppresses_a_continued_one_at_the_same_length() -> None:
    policy = Upstream()
    policy.serve(ask(Text().extend(11_011)))
    assert saved(policy) == [("cold", 10_240)]


def test_a_cold_prompt_over_the_limit_is_not_saved_as_cold() -> None:
    policy = Upstream()
    policy.serve(ask(Text().extend(30_001), anchor=7_000))
    assert saved(policy) == [("continued", 10_240), ("continued", 20_480)]


def test_a_failed_cold_save_leaves_the_continued_one() -> None:
    policy = Upstream(Limits(budget=167_000_000))
    policy.serve(ask(Text().extend(11_011), anchor=10_500))
    assert saved(policy) == [("continued", 10_240)]


def test_nothing_is_saved_inside_a_tool_call() -> None:
    start = Text().extend(10_200)
    policy, other = Upstream(), Upstream()
    policy.serve(ask(start, reply=80, anchor=600))
    other.serve(ask(start, reply=80, anchor=600, call=70))
    assert ("continued", 10_240) in saved(policy)
    assert ("continued", 10_240) not in saved(other)


def test_the_live_session_is_extended_but_never_cut_back() -> None:
    policy = Upstream()
    first = ask(Text().extend(2_000))
    policy.serve(first)
    assert policy.serve(ask(first.text.extend(50))).cached == 2_010
    assert policy.serve(first).cached == 2_000, "the cold file, not the live session, which went on"
    assert ("evict", 2_070) in saved(policy)


def test_a_side_request_evicts_and_a_large_file_is_consumed() -> None:
    policy = Upstream()
    long, side = ask(Text().extend(40_000)), ask(Text().extend(300))
    policy.serve(long)
    policy.serve(side)
    assert ("evict", 40_010) in saved(policy)
    assert policy.serve(ask(long.text.extend(5))).cached == 40_010
    assert ("evict", 40_010) not in saved(policy)
    assert policy.last_frontier == 40_010


def test_a_small_file_stays_and_counts_its_hits() -> None:
    policy = Upstream()
    opening = Text().extend(1_000)
    first = ask(opening.extend(100), anchor=1_000)
    policy.serve(first)
    served = policy.serve(ask(opening.extend(200), at=9.0, anchor=1_000))
    file = policy.files[opening.key]
    assert (served.cached, file.hits, file.last_used, policy.last_frontier) == (1_000, 1, 9.0, 1_000)


def test_a_text_that_is_on_disk_is_not_written_again() -> None:
    policy = Upstream()
    policy.serve(ask(Text().extend(1_695)))
    before = policy.written["evict"]
    policy.shutdown(1.0)
    policy.live = next(iter(policy.files.values())).text
    policy.shutdown(2.0)
    assert policy.written["shutdown"] == FIXED_BYTES + ROW_BYTES * 1_705
    assert policy.written["evict"] == before


def files(*made: tuple[int, int, float]) -> dict[tuple[int, int], File]:
    """Files of (tokens, hits, last used)."""
    out = {}
    for n, hits, used in made:
        text = Text().extend(n)
        out[text.key] = File(text, FIXED_BYTES + ROW_BYTES * n, "evict", used, hits)
    return out


def left(policy: Upstream, now: float, protected: tuple[int, int] = (0, 0)) -> list[int]:
    policy.evict(now, protected)
    return sorted(f.text.n for f in policy.files.values())


def test_files_with_fewer_tokens_a_byte_go_first() -> None:
    policy = Upstream(Limits(budget=2 * FIXED_BYTES + ROW_BYTES * 30_000))
    policy.files = files((1_000, 0, 5.0), (9_000, 0, 1.0), (20_000, 0, 1.0))
    assert left(policy, 9.0) == [9_000, 20_000]


def test_the_file_just_written_is_protected() -> None:
    policy = Upstream(Limits(budget=2 * FIXED_BYTES + ROW_BYTES * 21_500))
    policy.files = files((1_000, 0, 5.0), (9_000, 0, 1.0), (20_000, 0, 1.0))
    assert left(policy, 9.0, next(iter(policy.files))) == [1_000, 20_000]


def test_hits_keep_a_file_until_they_are_stale() -> None:
    sizes = Limits(budget=FIXED_BYTES + ROW_BYTES * 9_500)
    for now, kept in ((60.0, 1_000), (20 * HALF_LIFE, 9_000)):
        policy = Upstream(sizes)
        policy.files = files((1_000, 9, 0.0), (9_000, 0, 0.0))
        assert left(policy, now) == [kept]


def test_of_equals_the_older_goes() -> None:
    policy = Upstream(Limits(budget=FIXED_BYTES + ROW_BYTES * 5_500))
    policy.files = files((5_000, 0, 2.0), (5_000, 0, 1.0))
    policy.evict(3.0, (0, 0))
    assert [f.last_used for f in policy.files.values()] == [2.0]


def test_a_file_of_nearly_the_budget_is_skipped() -> None:
    size = FIXED_BYTES + ROW_BYTES * 5_000
    for slack, stored in ((size // 100 + 1, True), (size // 100 - 1, False)):
        assert Upstream(Limits(budget=size + slack)).save(Text().extend(5_000), "evict", 0.0) is stored


def test_a_client_that_does_not_stream_is_answered_into_the_void() -> None:
    """Its second try finds a session that went on behind the prompt."""
    policy = Upstream()
    slow = ask(Text().extend(60_000), anchor=600, streams=False, patience=100.0)
    assert not policy.serve(slow).answered
    assert policy.serve(slow).cached == 51_200


def test_a_client_that_streams_finds_its_prompt_read() -> None:
    policy = Upstream()
    slow = ask(Text().extend(60_000), patience=100.0)
    assert not policy.serve(slow).answered
    again = policy.serve(slow)
    assert (again.cached, again.read, again.answered) == (60_000, 0, True)


def test_ours_cuts_back_to_a_block_within_the_window() -> None:
    policy = Ours()
    first = ask(Text().extend(20_000))
    policy.serve(first)
    assert policy.serve(first).read == 20_000 % BLOCK
    assert policy.serve(ask(first.text.extend(9))).read == 9, "the answer that the retry left is still there"


def test_ours_keeps_a_session_beside_side_requests() -> None:
    policy = Ours()
    first = ask(Text().extend(20_000))
    policy.serve(first)
    for _ in range(3):
        policy.serve(ask(Text().extend(300)))
    assert policy.serve(ask(first.text.extend(7))).read == 7


def test_ours_cuts_a_session_back_rather_than_give_one_up() -> None:
    policy = Ours(n_sessions=2)
    for n in (20_000, 30_000):
        policy.serve(ask(Text().extend(n)))
    last = policy.sessions[-1].text
    policy.serve(ask(last.cut(29_990).extend(600)))
    assert [s.text.n for s in policy.sessions] == [20_010, 30_600], "in its place: 10 tokens were lost"
    policy.serve(ask(last.cut(29_900).extend(100)))
    assert [s.text.n for s in policy.sessions] == [30_600, 30_010], "a fork, in place of the oldest"


def test_ours_finds_sparser_points_in_a_long_session() -> None:
    policy = Ours()
    long = Text().extend(100_000)
    policy.serve(ask(long))
    served = policy.serve(ask(long.cut(60_000).extend(5)))
    assert 58_000 - BLOCK < served.cached < 60_000 - BLOCK


def test_ours_writes_when_the_rows_pay_or_nothing_happens() -> None:
    policy = Ours()
    first = ask(Text().extend(3_000), anchor=600)
    policy.serve(first)
    policy.serve(ask(first.text.extend(9), at=60.0))
    assert policy.written["idle"] == 0
    text = policy.sessions[-1].text.extend(6_900)
    policy.serve(ask(text, at=120.0))
    policy.serve(ask(Text().extend(300), at=180.0))
    assert policy.written["idle"] == FIXED_BYTES, "55 blocks have come since the cold one"
    policy.serve(ask(policy.sessions[0].text.extend(9), at=240.0))
    policy.serve(ask(Text().extend(300), at=900.0))
    assert policy.written["idle"] == 2 * FIXED_BYTES


def test_ours_does_not_write_while_the_next_prompt_waits() -> None:
    policy = Ours()
    policy.serve(ask(Text().extend(9_000), anchor=600))
    policy.serve(ask(Text().extend(300), at=1.0))
    assert policy.written["idle"] == 0


def test_ours_loads_what_memory_does_not_hold() -> None:
    policy = Ours()
    first = ask(Text().extend(9_000), anchor=600)
    policy.serve(first)
    policy.shutdown(1_000.0)
    served = policy.serve(ask(first.text.extend(50), at=2_000.0))
    assert (served.cached, policy.sessions[-1].saved) == (9_010, 9_010)


def test_ours_writes_rows_once() -> None:
    policy = Ours()
    first = ask(Text().extend(20_000), anchor=7_000)
    policy.serve(first)
    policy.shutdown(1.0)
    assert policy.written["rows"] == 20_010 // BLOCK * BLOCK * ROW_BYTES
    assert policy.serve(ask(first.text.extend(3))).read == 3


def test_ours_keeps_the_budget_and_cold_points_longest() -> None:
    limits = Limits(budget=FIXED_BYTES * 4 + ROW_BYTES * 30_000)
    policy = Ours(limits=limits)
    for i in range(9):
        policy.serve(ask(Text().extend(12_000 + i), at=float(i), anchor=1_000))
        assert policy.store.size <= limits.budget
    assert all(p.reason == "cold" for p in list(policy.store.points.values())[:2])


def test_the_trace_is_the_same_each_time() -> None:
    def numbers(trace: list[Request | Restart]) -> list[tuple[object, ...]]:
        requests = [e for e in trace if isinstance(e, Request)]
        common = [shared(a.text, b.prompt) for a, b in pairwise(requests)]
        return [(r.at, r.kind, r.client, r.prompt.n, n) for r, n in zip(requests[1:], common, strict=True)]

    trace = month()
    assert numbers(trace) == numbers(month())
    assert numbers(trace) != numbers(month(5))


def test_the_anchor_ends_the_project_text_in_all_turns_of_a_session() -> None:
    turns = [e for e in month() if isinstance(e, Request) and e.client == "pi" and e.kind == "turn"]
    assert all(a.anchor == b.anchor for a, b in pairwise(turns) if shared(a.text, b.prompt) == a.text.n)
    assert all(1_725 < turn.anchor < turn.prompt.n for turn in turns)


def test_new_tokens_are_not_counted_as_read_again() -> None:
    requests = [ask(Text().extend(1_000 * i)) for i in range(1, 9)]
    for policy in (Upstream(), Ours()):
        sums = replay(list(requests), policy)
        assert (sums.read, sums.reread) == (36_000, 0)
    sums = replay([*requests, requests[0]], Upstream(Limits(budget=1)))
    assert sums.reread == 1_000


def test_seen_texts_end_where_their_evaluation_ended() -> None:
    seen, text = Seen(), Text().extend(100).extend(100)
    seen.add(text.cut(150))
    assert [seen.tokens(t) for t in (text, text.cut(120), text.cut(100).extend(9))] == [150, 120, 100]
