"""The file of --trace: its records, line by line, for the ways in which a request can go."""

from __future__ import annotations

import queue
import re
import stat
from pathlib import Path

import pytest

from ds4agent.engine.binding import Ds4Error
from ds4agent.engine.job import Emitted, Failed, Finished, Message, Progress, Started
from ds4agent.engine.trace import FileTrace
from ds4agent.wire.errors import INTERNAL
from tests.unit.engine.engine_parts import BASH, assistant, engine_parts

M = "｜DSML｜"
USER = {"role": "user", "content": "List the files in src"}
CALL = (
    f'\n\n<{M}tool_calls>\n<{M}invoke name="bash">\n<{M}parameter name="command" string="true">ls'
    f"</{M}parameter>\n</{M}invoke>\n</{M}tool_calls>"
)
FIRST = """
===== request 1 DATE =====
kind: chat
model: m
stream: 0
tools: 1
think_mode: high
prompt_tokens: N
effective_prompt_tokens: N
cached_tokens: 0
max_tokens: 5000
temperature: 0.500
top_k: 0
top_p: 1.000
min_p: 0.050
seed: 7
stream_include_usage: 0

--- cache decision ---
live_tokens_before: 0
prompt_tokens: N
live_prompt_common: 0
memory_token_reusable: 0
memory_miss_reason: no-live-checkpoint
tool_replay: mem=0 disk=0 canonical=0 missing_ids=0
cache_source: none
cached_tokens: 0
disk_cached_tokens: 0

--- raw request json ---
BODY

--- rendered prompt ---
PROMPT

--- generated text ---


--- trace: prefill done; decode_max=5000 ctx_room=ROOM ---

Hm.</think>I look.

<｜DSML｜tool_calls>

--- trace: entered tool-call block after ENTERED generated tokens ---


<｜DSML｜invoke name="bash">
<｜DSML｜parameter name="command" string="true">ls</｜DSML｜parameter>
</｜DSML｜invoke>
</｜DSML｜tool_calls>

--- trace: closed tool-call block after CLOSED generated tokens ---



--- parsed message ---
finish: tool_calls
generated_tokens: CLOSED
dsml_start: 1
dsml_end: 1
elapsed_sec: SECONDS

reasoning:
Hm.

content:
I look.

tool_call[0]:
id: ID
name: bash
arguments:
{"command":"ls"}

===== end request 1 =====
"""


def records(path: Path) -> list[str]:
    return [f"\n===== request{part}" for part in path.read_text().split("\n===== request")[1:]]


def test_a_whole_record(tmp_path: Path) -> None:
    path = tmp_path / "trace"
    path.write_text("old")
    with engine_parts("Hm.</think>I look." + CALL, trace=FileTrace(path)) as parts:
        job = parts.job(messages=[USER], tools=[BASH], temperature=0.5, seed=7)
        _, message = parts.last_message(job)
        assert isinstance(message, Finished)
    (record,) = records(path)
    reply = message.reply
    n = len(job.prompt.tokens)
    reasoning = len("Hm.") + 1 + len("I look.")
    known = {
        "DATE": r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d",
        "ROOM": str(100_000 - n),
        "ENTERED": str(reasoning + len(f"\n\n<{M}tool_calls>") - len(M) + 1),
        "CLOSED": str(reply.usage.completion),
        "SECONDS": r"\d+\.\d{3}",
        "ID": reply.calls[0].id,
        ": N": re.escape(f": {n}"),
        # Last, because what they hold is anybody's.
        "BODY": re.escape(job.body.decode()),
        "PROMPT": re.escape(job.prompt.key.replace(b"\xff", b"").decode()),
    }
    pattern = re.escape(FIRST)
    for name, value in known.items():
        pattern = pattern.replace(re.escape(name), value)
    assert re.fullmatch(pattern, record), record
    assert stat.S_IMODE(path.stat().st_mode) & 0o077 in (0, 0o044)  # an old file keeps its mode


def test_a_new_file_is_private(tmp_path: Path) -> None:
    FileTrace(tmp_path / "new")
    assert stat.S_IMODE((tmp_path / "new").stat().st_mode) == 0o600


def test_cache_decisions(tmp_path: Path) -> None:
    path = tmp_path / "trace"
    with engine_parts(
        "a</think>b" + CALL, "</think>done", "</think>other", "</think>again", trace=FileTrace(path)
    ) as parts:
        reply = parts.ask(messages=[USER], tools=[BASH])
        turn = assistant(reply)
        result = {"role": "tool", "tool_call_id": reply.calls[0].id, "content": "x"}
        parts.ask(messages=[USER, turn, result], tools=[BASH])
        strange = {**turn, "tool_calls": [{**turn["tool_calls"][0], "id": "call_unknown"}]}
        parts.ask(messages=[USER, strange, result], tools=[BASH])
        parts.ask(messages=[{"role": "user", "content": "Something else"}])
    _, second, third, fourth = records(path)
    assert "memory_token_reusable: 1\nmemory_miss_reason: live-prefix-match\n" in second
    assert "tool_replay: mem=1 disk=0 canonical=0 missing_ids=0\ncache_source: memory-token\n" in second
    assert "first_mismatch" not in second
    assert "tool_replay: mem=0 disk=0 canonical=1 missing_ids=1\ncache_source: none\n" in third
    assert "memory_miss_reason: token-mismatch\n" in fourth
    at = int(re.search(r"first_mismatch: (\d+)", fourth)[1])  # type: ignore[index]
    assert f"live_prompt_common: {at}\n" in fourth
    live, prompt = (
        re.search(rf"{side}_window: (.*)\n", fourth)[1].split()  # type: ignore[index]
        for side in ("live", "prompt")
    )
    before = min(at, 8)
    assert len(live) == before + 9
    assert live[:before] == prompt[:before]
    assert live[before] != prompt[before]


@pytest.mark.parametrize(
    ("replay", "counts"),
    [(True, "mem=1 disk=0 canonical=0 missing_ids=0"), (False, "mem=0 disk=0 canonical=1 missing_ids=1")],
)
def test_calls_are_counted_by_where_their_text_came_from(tmp_path: Path, replay: bool, counts: str) -> None:
    path = tmp_path / "trace"
    with engine_parts("a</think>b" + CALL, "</think>c", replay=replay, trace=FileTrace(path)) as parts:
        reply = parts.ask(messages=[USER], tools=[BASH])
        result = {"role": "tool", "tool_call_id": reply.calls[0].id, "content": "x"}
        parts.ask(messages=[USER, assistant(reply), result], tools=[BASH])
    assert f"\ntool_replay: {counts}\n" in records(path)[1]


def test_a_prefill_that_fails(tmp_path: Path) -> None:
    path = tmp_path / "trace"
    with engine_parts("</think>a", trace=FileTrace(path)) as parts:

        def fail(_tokens: object) -> None:
            raise Ds4Error("MEMORY", "no memory left")

        parts.session.before_eval = fail
        assert isinstance(parts.last_message(parts.job(messages=[USER]))[1], Failed)
    (record,) = records(path)
    assert record.endswith("--- trace: prefill failed: no memory left ---\n\n===== end request 1 =====\n")


@pytest.mark.parametrize("where", [Progress, Started, Emitted, Finished])
def test_an_internal_error_ends_its_record(
    tmp_path: Path, where: type[Message], capfd: pytest.CaptureFixture[str]
) -> None:
    """Those of later requests would wait for it, in memory, for ever."""
    path = tmp_path / "trace"
    with engine_parts("</think>a", "</think>b", trace=FileTrace(path)) as parts:
        job = parts.job(messages=[{"role": "user", "content": "x" * 1000}])
        ended: queue.SimpleQueue[Message] = queue.SimpleQueue()

        def sink(message: Message) -> None:
            if isinstance(message, where):
                raise ZeroDivisionError
            if isinstance(message, Failed):
                ended.put(message)

        job.sink = sink
        parts.worker.submit(job)
        assert ended.get(timeout=30) == Failed(INTERNAL)
        parts.ask(messages=[USER])
        first, second = records(path)
    assert "ZeroDivisionError" in capfd.readouterr().err
    assert first.endswith("===== end request 1 =====\n")
    assert first.count("===== end request") == 1
    assert second.endswith("===== end request 2 =====\n")


def test_without_a_trace_no_body_is_kept() -> None:
    with engine_parts("</think>a") as parts:
        assert parts.job(messages=[USER]).body == b""


def test_a_folder_is_no_trace_file(tmp_path: Path) -> None:
    with pytest.raises(IsADirectoryError):
        FileTrace(tmp_path)


def test_a_full_disk_does_not_end_a_request() -> None:
    with engine_parts("</think>a", trace=FileTrace(Path("/dev/full"))) as parts:
        assert parts.ask(messages=[USER]).content == "a"
