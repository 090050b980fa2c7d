"""Log lines: every recorded one is known, ours come back as they were written, nothing raises."""

from __future__ import annotations

import re
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ds4agent.wire import logevents as ev
from ds4agent.wire import logline
from ds4agent.wire.logparse import parse
from ds4agent.wire.logrecords import LONGEST, Records
from ds4agent.wire.request import Protocol

HERE = Path(__file__).parent
RECORDINGS = HERE.parents[1] / "e2e" / "recordings"
# Of the server's usage text only the first line is in a recording; brackets are remarks of the recordings.
DELIBERATELY_UNKNOWN = re.compile(r"Usage: ds4-server \[options\]|\[.* left out( here)?\]")
_FLAGS = ("RESPPROTO", "TOOLS", "THINKING", "DSML_START", "DSML_END")


def recorded_lines() -> list[str]:
    records, out = Records(), []
    for path in [*sorted(RECORDINGS.glob("*.txt")), HERE / "kv-stderr.txt"]:
        for section in re.split(r"(?m)^== ", path.read_bytes().decode()):
            head, _, body = section.partition("\n")
            if "stderr" in head:
                out += records.feed(body.encode() + b"\n")
        if path.name.startswith("68-"):
            said = re.findall(r"(?ms)^stderr:\n(.*?)\n\n", path.read_text())
            out += records.feed("\n".join(said).replace("<pid>", "4711").encode() + b"\n")
    return out


def test_every_recorded_line_is_known() -> None:
    lines = recorded_lines()
    unknown = {line for line in lines if isinstance(parse(line), ev.Unknown)}
    assert len(lines) > 700
    assert {line for line in unknown if not DELIBERATELY_UNKNOWN.fullmatch(line)} == set()


def test_the_recordings_hold_what_the_parser_is_for() -> None:
    seen = {type(parse(line)) for line in recorded_lines()}
    assert seen >= {
        ev.ContextBuffers, ev.DiskCache, ev.Listening, ev.ShutdownRequested, ev.Persisting, ev.StartFailed,
        ev.Notice, ev.Miss, ev.Continuation, ev.PromptStart, ev.Prefill, ev.Layer, ev.PromptDone, ev.Decode,
        ev.Finish, ev.Broken, ev.ToolCalls, ev.Remembered, ev.CacheHit, ev.CacheStored, ev.CacheSkipped,
        ev.Rebuild, ev.RebuildDone,
    }  # fmt: skip


CHAT = ("chat", 0, 9, frozenset({"TOOLS"}))
LATER = [
    (
        "0521 10:02:00 ds4-server: kv cache hit text RESPPROTO tokens=10240 text=40211 quant=2 "
        "key=token-text load=212.4 ms consumed file=/kv dir/0a=9f.kv",
        ev.CacheHit(10240, 40211, 2, "token-text", 212.4, True, "/kv dir/0a=9f.kv", True),
    ),
    (
        "ds4-server: kv cache evicted reason=disk-cache-full tokens=5 hits=2 size=1.50 MiB file=/kv/a b.kv",
        ev.CacheEvicted("disk-cache-full", 5, 2, 1.5, "/kv/a b.kv"),
    ),
    (
        "ds4-server: kv cache skipped tokens=5 because rendered text is too large",
        ev.CacheSkipped(5, None, "rendered text is too large"),
    ),
    (
        "ds4-server: kv cache load failed RESPPROTO /kv/x.kv: bad magic load=0.1 ms",
        ev.CacheFailed("load", "RESPPROTO /kv/x.kv: bad magic load=0.1 ms"),
    ),
    (
        "ds4-server: kv cache discarded reason=prefill-failed file=/kv/x.kv",
        ev.CacheFailed("discarded", "reason=prefill-failed file=/kv/x.kv"),
    ),
    (
        "ds4-server: live kv cache miss live=23 prompt=7 common=6 vision=match reason=token-mismatch",
        ev.Miss(23, 7, 6, "token-mismatch", "match", False),
    ),
    (
        "ds4-server: live kv cache miss live=23 prompt=7 common=6 reason=token-mismatch slot=3",
        ev.Miss(23, 7, 6, "token-mismatch", None, False),
    ),
    (
        "ds4-server: batched mode enabled resident_sessions=3 prefill_quantum=2048 mixed_prefill_quantum=128 "
        "decode_coalesce_us=2000",
        ev.Batched(3, 2048, 128),
    ),
    (
        "ds4-server: persisting resident KV cache before shutdown slot=1 tokens=700",
        ev.Persisting(700, 1),
    ),
    (
        "ds4-server: chat ctx=0..9:9 TOOLS repaired unterminated tool call (2 calls recovered)",
        ev.Repair(*CHAT, "repaired", 2),
    ),
    (
        "ds4-server: chat ctx=0..9:9 TOOLS invalid tool call returned as assistant text finish=stop "
        "[text_len=9 saw_start=1 saw_end=0 text_snippet: x",
        ev.Repair(*CHAT, "returned-as-text", None),
    ),
    ("ds4-server: chat ctx=0..9:9 TOOLS client disconnected", ev.Broken(*CHAT, "client disconnected")),
    (
        "ds4-server: chat ctx=0..9:9 TOOLS tool checkpoint rebuild chunk 3/9 (33.3%) chunk=0.00 t/s "
        "avg=inf t/s 0.000s",
        ev.Prefill(*CHAT, "tool checkpoint rebuild", 3, 9, 0.0, 0.0, 0.0),
    ),
    ("ds4-server: failed to create KV cache directory /x: denied", ev.Trouble("kv-directory", "")),
    ("ds4-server: accept failed: Too many open files", ev.Trouble("accept", "")),
    ("ds4-kvstore: out of memory", ev.StartFailed("memory", "out of memory", None)),
    ("ds4: gpu prefill token 7/9 layer 3/61", ev.Layer(3, 61)),
    ("ds4: Metal device Apple M3 Ultra, 512.00 GiB RAM", ev.Device("Apple M3 Ultra", 512.0)),
    ("ds4: CUDA loading model tensors 12.50 GiB cached", ev.Loading(12.5)),
    (
        "ds4: Metal model views created in 1.000 ms, residency requested in 2.000 ms, warmup 3.000 ms "
        "(mapped 81920.00 MiB from offset 4.00 MiB)",
        ev.Loaded(None, 81920.0),
    ),
    ("ds4: MTP support model loaded: /m/a b.gguf (draft=1)", ev.Speculator("/m/a b.gguf", 1)),
    ("ds4:   cached expert count: 1005 (6.62 GiB)", ev.ExpertBudget(1005, 6.62)),
    (
        "ds4: Metal SSD streaming cache budget 8.00 GiB / 6.75 MiB per expert = 1213 experts",
        ev.ExpertBudget(1213, 8.0),
    ),
    (
        "ds4: metal SSD streaming total expert budget 10.00 GiB = 3.38 GiB prefill headroom + 6.62 GiB "
        "dynamic cache (1005 experts, 6.75 MiB each)",
        ev.ExpertBudget(1005, 6.62),
    ),
    (
        "ds4:   streaming expert cache budget=1005 experts entries=800 expert=6.75 MiB target=6.62 GiB "
        "live=5.10 GiB, hits=100 misses=20 hit_rate=0.833 wraps=0",
        ev.ExpertCache(800, 100, 20),
    ),
    (
        "\x1b[31mds4: model is not a GGUF file\x1b[0m",
        ev.StartFailed("model", "model is not a GGUF file", None)),
]  # fmt: skip


@pytest.mark.parametrize(("line", "event"), LATER)
def test_lines_of_other_generations(line: str, event: ev.Event) -> None:
    got = parse(line)
    if isinstance(event, ev.Trouble):
        assert isinstance(got, ev.Trouble)
        assert got.what == event.what
    else:
        assert got == event


def test_the_owner_of_the_lock_is_named() -> None:
    text = "another ds4 process is already running (pid 4711); refusing to start"
    assert parse(f"ds4: {text}") == ev.StartFailed("lock", text, 4711)


@pytest.mark.parametrize(
    "line",
    [
        "", "ds4:", "ds4-server: ", "hello", "ds4-server: a new thing happened n=3", "ds4: a new thing",
        "0521 10:00:00 ds4-server: chat ctx=1..2:1 danced", "ds4-server: kv cache stored tokens=many",
        f"ds4-server: live kv cache miss live={'9' * 5000} prompt=1 common=1 reason=x",
    ],
)  # fmt: skip
def test_what_is_not_known_is_kept_whole(line: str) -> None:
    assert parse(line) == ev.Unknown(line)


words = st.text("abcdefgh_-0123456789", min_size=1, max_size=12)
counts = st.integers(0, 1_000_000)
rates = st.floats(0, 1e6).map(lambda x: round(x, 2))
seconds = st.floats(0, 1e5).map(lambda x: round(x, 3))
protocols: st.SearchStrategy[Protocol] = st.sampled_from(
    ("chat", "completions", "infill", "messages", "responses")
)
paths = st.text(st.characters(exclude_categories=["C", "Z"]), min_size=1).map(
    lambda s: f"/kv {s}/{'a' * 40}.kv"
)


@st.composite
def requests(draw: st.DrawFn) -> logline.RequestLog:
    cached, suffix = draw(counts), draw(st.integers(1, 100_000))
    start, end = draw(st.sampled_from(((False, False), (True, False), (True, True))))
    return logline.RequestLog(
        cached, cached + suffix, draw(st.booleans()), draw(protocols), draw(st.booleans()), start, end
    )


def flags(line: logline.RequestLog, sampled: bool = True) -> frozenset[str]:
    on = (line.protocol == "responses", line.tools, line.thinking, line.dsml_start, line.dsml_end)
    named = zip(_FLAGS, on, strict=True)
    return frozenset(name for name, is_on in list(named)[: 5 if sampled else 2] if is_on)


def stamped(text: str) -> ev.Event:
    line = logline.stamped(time.struct_time((2026, 5, 21, 10, 0, 0, 0, 0, 0)), text)
    (only,) = Records().feed(line.encode())
    return parse(only)


@given(requests(), st.data())
def test_the_lines_of_a_request_come_back(line: logline.RequestLog, data: st.DataObject) -> None:
    before = (line.kind, line.cached, line.prompt, flags(line, sampled=False))
    during = (line.kind, line.cached, line.prompt, flags(line))
    total = line.prompt - line.cached
    done, n = data.draw(st.integers(0, total)), data.draw(counts)
    chunk, rate, took = data.draw(rates), data.draw(rates), data.draw(seconds)
    finish = data.draw(st.sampled_from(("stop", "length", "tool_calls", "error")))
    error = data.draw(st.none() | st.just('it "broke" finish=x 1.000s') | words)
    ids, names = data.draw(st.lists(words, max_size=3)), data.draw(st.lists(words, max_size=3))
    said: dict[str, ev.Event] = {
        line.prompt_start(): ev.PromptStart(*before),
        line.prefill(done, chunk, rate, took): ev.Prefill(*before, "prefill", done, total, chunk, rate, took),
        line.prompt_done(took): ev.PromptDone(*before, took),
        line.decoding(7, 9, n, (chunk, rate), took): (
            ev.Decode(line.kind, 7, 9, flags(line), n, chunk, rate, took)
        ),
        line.tool_calls(ids, names): ev.ToolCalls(
            line.cached, line.prompt, len(ids), True, tuple(ids), tuple(names), line.protocol == "responses"
        ),
        line.finish(n, finish, error, took): ev.Finish(*during, n, finish, error, took),
        line.remembered(3, 4): ev.Remembered(line.cached, line.prompt, 3, 4),
        line.repaired(2): ev.Repair(*during, "repaired", 2),
        line.orphan_end(5): ev.Repair(*during, "orphan-end", 5),
        line.disconnected(): ev.Broken(*during, "client disconnected"),
        f"{line.head} stream closed during prefill": ev.Broken(*before, "stream closed during prefill"),
    }
    assert {text: stamped(text) for text in said} == said


@given(st.tuples(counts, counts, counts), protocols, words, rates, seconds, paths, st.booleans())
def test_the_other_lines_come_back(
    n: tuple[int, int, int], protocol: Any, word: str, mib: float, took: float, path: str, on: bool
) -> None:
    a, b, c = n
    responses = protocol == "responses"
    ms = round(took, 1)
    numbers = (a, b, c, a, b)
    said: dict[str, ev.Event] = {
        logline.context_buffers(mib, a, b, c): ev.ContextBuffers(mib, a, "cpu", b, c, a // 4 + 2),
        logline.miss(protocol, a, b, c): ev.Miss(a, b, c, "token-mismatch", None, responses),
        logline.prefix_reused("live", a, b): ev.PrefixReused("live", a, b),
        logline.prefetched(a, a + b, c, took): ev.Prefetched(a, b, c, took),
        logline.disk_hit(a, b, c, word, ms, path): ev.CacheHit(a, b, c, word, ms, False, path, False),
        logline.disk_cache(path, a, numbers, on): (
            ev.DiskCache(path, a, "reject" if on else "accept", *numbers)
        ),
        logline.persisting(a, b if on else None): ev.Persisting(a, b if on else None),
        logline.visible_continuation(protocol, a, b, c): ev.Continuation(
            "responses" if responses else "thinking", "visible-prefix", a if responses else None, b, c
        ),
        logline.call_continuation(protocol, a, b, c): ev.Continuation(
            "responses" if responses else "anthropic", "tool-output-ids", a, b, c
        ),
        logline.reasoning_missing(word, a, b): ev.ReasoningMissing(word, a, b),
    }
    assert {text: stamped(text) for text in said} == said


@given(st.sampled_from(recorded_lines()) | st.text(), st.integers(0, 200), st.text(max_size=3))
def test_damaged_lines_never_raise(line: str, at: int, change: str) -> None:
    parse(line[:at] + change + line[at:])
    parse(line[:at])
    parse(line[:at] + change + line[at + 1 :])


@given(
    st.lists(st.text(st.characters(exclude_characters="\r\n", exclude_categories=["Cs"]), min_size=1)),
    st.data(),
)
def test_records_do_not_depend_on_the_reads(lines: list[str], data: st.DataObject) -> None:
    ends = [data.draw(st.sampled_from(("\n", "\r", "\r\n"))) for _ in lines]
    stream = "".join(line + end for line, end in zip(lines, ends, strict=True)).encode()
    records, got, at = Records(), [], 0
    while at < len(stream):
        size = data.draw(st.integers(1, len(stream)))
        got += records.feed(stream[at : at + size])
        at += size
    assert got + records.end() == lines


def test_a_line_without_end_is_handed_on_in_pieces() -> None:
    records = Records()
    got = [line for _ in range(10) for line in records.feed(b"x" * LONGEST)]
    assert "".join(got + records.end()) == "x" * (10 * LONGEST)
    assert len(got) == 9
    assert max(map(len, got)) == LONGEST
    assert records.feed(b"\xff\xfe\n") == ["\ufffd\ufffd"]
