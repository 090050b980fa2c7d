"""Counters: what feeds them, how they are shown, and what of them survives."""

from __future__ import annotations

import json
import re
import stat
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ds4agent.sidecar.counter_file import CounterFile
from ds4agent.sidecar.counters import LANES, OTHER, Counters, Usage
from ds4agent.wire.logparse import parse

_NUMBER = r"[0-9.e+-]+"
_LINE = re.compile(
    r"# (HELP [a-z0-9_]+ .+|TYPE [a-z0-9_]+ (counter|histogram))"
    rf'|[a-z0-9_]+(\{{[a-z]+="([^"\\\n]|\\.)*"(,[a-z]+="([^"\\\n]|\\.)*")*\}})? {_NUMBER}'
)


def series(counters: Counters) -> dict[str, float]:
    lines = counters.prometheus().decode().removesuffix("\n").split("\n")
    assert [line for line in lines if not _LINE.fullmatch(line)] == []
    pairs = [line.rsplit(" ", 1) for line in lines if not line.startswith("#")]
    assert len({name for name, _ in pairs}) == len(pairs)
    return {name.removeprefix("ds4agent_"): float(value) for name, value in pairs}


def test_a_request_is_counted_for_its_client_model_and_lane() -> None:
    counters = Counters(0)
    counters.request(Usage("codex", "v4", "agent", 200, 100, 60, 10, 40, 0.3, 2.0, 4.0))
    counters.request(Usage("codex", "v4", "agent", 429))
    got, who = series(counters), 'client="codex",model="v4",lane="agent"'
    assert got[f'requests_total{{{who},status="200"}}'] == 1
    assert got[f'requests_total{{{who},status="429"}}'] == 1
    kinds = ("prompt", "cached", "reread", "output")
    assert [got[f'tokens_total{{{who},kind="{kind}"}}'] for kind in kinds] == [100, 60, 10, 40]
    assert got[f"time_to_first_token_seconds_sum{{{who}}}"] == 2.0
    assert got[f'queue_seconds_bucket{{{who},le="0.25"}}'] == 0
    assert got[f'queue_seconds_bucket{{{who},le="0.5"}}'] == 1
    assert got[f"decode_tokens_per_second_sum{{{who}}}"] == 10.0
    assert got[f"decode_tokens_per_second_count{{{who}}}"] == 1


LOG = """
ds4-server: live kv cache miss live=9 prompt=9 common=2 reason=token-mismatch
ds4-server: thinking live continuation match=visible-prefix cached=29 prompt=36
ds4-server: kv cache hit text tokens=4096 text=11464 quant=2 key=token-text load=1.3 ms file=a.kv
ds4-server: kv cache stored tokens=100 trimmed=0 reason=evict key=token-text size=1.50 MiB save=0.6 ms
ds4-server: kv cache evicted reason=disk-cache-full tokens=7 hits=0 size=0.50 MiB file=/kv/a.kv
ds4-server: kv cache skipped tokens=5 reason=cold because estimated file size 2 MiB exceeds budget 1 MiB
ds4-server: kv cache store failed (cold): No space left on device save=1.0 ms
ds4-server: chat ctx=0..9:9 TOOLS repaired unterminated tool call (2 calls recovered)
ds4-server: chat ctx=0..9:9 gen=3 finish=stop 1.000s
ds4-server: chat ctx=0..9:9 final stream failed
ds4:   streaming expert cache budget=5 entries=5 expert=1 MiB hits=100 misses=20 hit_rate=0.833
ds4:   streaming expert cache budget=5 entries=5 expert=1 MiB hits=150 misses=25 hit_rate=0.833
ds4-server: something new
"""


def test_the_log_is_counted_by_model() -> None:
    counters = Counters(0)
    for line in LOG.strip().splitlines():
        counters.log(parse(line), "v4")
    got = series(counters)

    def value(name: str, label: str) -> float:
        return got[f'{name}_total{{model="v4",{label}}}']

    assert value("cache_misses", 'reason="token-mismatch"') == 1
    assert value("continuations", 'match="visible-prefix"') == 1
    events = ("hit", "stored", "evicted", "skipped", "failed-store")
    assert [value("kv_disk_events", f'event="{event}"') for event in events] == [1] * 5
    assert value("kv_disk_tokens", 'event="hit"') == 4096
    assert value("kv_disk_bytes", 'event="stored"') == 1.5 * 2**20
    assert value("tool_repairs", 'what="repaired"') == 1
    assert value("finishes", 'finish="stop"') == 1
    assert value("broken", 'how="final stream failed"') == 1
    assert [value("expert_cache", f'kind="{kind}"') for kind in ("hits", "misses")] == [150, 25]


def test_counts_of_a_new_engine_are_added_to_those_of_the_last() -> None:
    counters = Counters(0)
    line = "ds4:   streaming expert cache budget=5 entries=5 expert=1 MiB hits=100 misses=20 hit_rate=0.8"
    for _ in range(2):
        counters.engine_started("v4", "crash")
        counters.log(parse(line), "v4")
    got = series(counters)
    assert got['expert_cache_total{model="v4",kind="hits"}'] == 200
    assert got['engine_starts_total{model="v4",reason="crash"}'] == 2


def test_names_from_outside_are_bounded() -> None:
    counters = Counters(0, clients=2, models=2)
    for n in range(50):
        if n % 10 == 5:  # a restart lets no new names in
            state = counters.state()
            counters = Counters(0, clients=2, models=2)
            assert counters.restore(state) == []
        counters.request(Usage(f'c{n}"\n\\', f"m{n}", f"lane{n}", 200, prompt=1))
    rows = counters.state()["families"]["ds4agent_requests_total"]
    assert {row["labels"]["client"] for row in rows} == {'c0"\n\\', 'c1"\n\\', OTHER}
    assert {row["labels"]["model"] for row in rows} == {"m0", "m1", OTHER}
    assert {row["labels"]["lane"] for row in rows} == {OTHER}
    assert sum(row["value"] for row in rows) == 50
    series(counters)


usages = st.builds(
    Usage,
    st.sampled_from(("pi", "codex")), st.just("v4"), st.sampled_from(LANES), st.sampled_from((200, 499)),
    *[st.integers(0, 10**9)] * 4, *[st.none() | st.floats(0, 1e6)] * 3,
)  # fmt: skip


@given(st.lists(usages, max_size=8), st.lists(usages, max_size=8))
def test_counting_goes_on_after_a_restart(
    tmp_path_factory: pytest.TempPathFactory, before: list[Usage], after: list[Usage]
) -> None:
    file = CounterFile(tmp_path_factory.mktemp("counters") / "state" / "counters.json")
    whole, first, second = Counters(5), Counters(5), Counters(9)
    assert file.load(first) == []
    for usage in before:
        whole.request(usage)
        first.request(usage)
    file.save(first.state())
    assert file.load(second) == []
    for usage in after:
        whole.request(usage)
        second.request(usage)
    assert second.prometheus() == whole.prometheus()
    assert second.state() == whole.state()


def counted(tmp_path: Path) -> Path:
    path = tmp_path / "counters.json"
    counters = Counters(5)
    counters.request(Usage("pi", "v4", "agent", 200, 7, 3, 0, 5, 0.1, 0.2, 0.3))
    CounterFile(path).save(counters.state())
    return path


def test_only_the_owner_reads(tmp_path: Path) -> None:
    assert stat.S_IMODE(counted(tmp_path).stat().st_mode) == 0o600


def test_any_damage_costs_no_more_than_the_file(tmp_path: Path) -> None:
    data = counted(tmp_path).read_bytes()
    for at in range(0, len(data), 61):
        for damaged in (data[:at], data[:at] + b"\xff" + data[at + 1 :], data[:at] + b"0" + data[at:]):
            path = tmp_path / "damaged.json"
            path.write_bytes(damaged)
            counters = Counters(9)
            problems = CounterFile(path).load(counters)
            counters.request(Usage("pi", "v4", "agent", 200))
            series(counters)
            assert path.exists() or "damaged" in problems[0]
            if not path.exists():
                assert path.with_name("damaged.json.damaged").read_bytes() == damaged


@pytest.mark.parametrize("text", ["", "[]", "7", "{}", "[" * 100_000, '{"format": 99}'])
def test_what_is_no_counter_file_is_put_aside(tmp_path: Path, text: str) -> None:
    path = tmp_path / "counters.json"
    path.write_text(text)
    (problem,) = CounterFile(path).load(Counters(0))
    assert "start anew" in problem
    assert path.with_name("counters.json.damaged").read_text() == text


def test_a_family_of_another_form_is_left_out_alone(tmp_path: Path) -> None:
    path = counted(tmp_path)
    state = json.loads(path.read_text())
    families = state["families"]
    families["ds4agent_queue_seconds"][0]["bounds"] = [1.0]
    families["ds4agent_tokens_total"][0]["value"] = -1
    families["ds4agent_of_an_older_version_total"] = [{"labels": {}, "value": 3}]
    del families["ds4agent_finishes_total"]
    path.write_text(json.dumps(state))
    counters = Counters(9)
    problems = CounterFile(path).load(counters)
    assert [re.search(r"ds4agent_\w+", problem[len(str(path)) :])[0] for problem in problems] == [  # type: ignore[index]
        "ds4agent_tokens_total", "ds4agent_queue_seconds",
    ]  # fmt: skip
    got = series(counters)
    assert got['requests_total{client="pi",model="v4",lane="agent",status="200"}'] == 1
    assert counters.since == 5


def test_a_file_that_cannot_be_read_does_not_stop_the_start(tmp_path: Path) -> None:
    (problem,) = CounterFile(tmp_path).load(Counters(0))
    assert "cannot be read" in problem
