"""The status: what a server's log and the sidecar's parts make of it."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from ds4agent.sidecar.counters import Usage
from ds4agent.sidecar.memory import Amount, Memory
from ds4agent.sidecar.status import EngineChanged, Queue, Serves, Status, Waiting
from ds4agent.sidecar.status_events import Event, reduce
from ds4agent.sidecar.status_json import to_json
from ds4agent.wire.logparse import parse
from ds4agent.wire.logrecords import Records

RECORDED = Path(__file__).parents[1] / "wire" / "kv-stderr.txt"
READY = (EngineChanged("loading"), Serves("v4", 8192, 80 << 30), EngineChanged("ready", pid=7, port=8000))


def after(*events: Event | str, status: Status | None = None) -> Status:
    """Text stands for lines of the log."""
    status = status or Status()
    for i, event in enumerate(events):
        for one in map(parse, event.splitlines()) if isinstance(event, str) else (event,):
            status = reduce(status, one, 1000.0 + i)
    return status


def phases(lines: Iterable[str]) -> list[tuple[str, float | None]]:
    status = after(*READY)
    out: list[tuple[str, float | None]] = []
    for line in lines:
        status = after(line, status=status)
        seen = status.phase, None if status.percent is None else round(status.percent)
        if not out or out[-1] != seen:
            out.append(seen)
    return out


def test_a_recorded_request_goes_through_its_phases() -> None:
    section = RECORDED.read_bytes().decode().split("== ")[2]
    lines = Records().feed(section.encode())
    assert phases(lines)[:9] == [
        ("idle", None), ("prefill", 0), ("prefill", 17), ("prefill", 33), ("prefill", 50), ("prefill", 67),
        ("prefill", 83), ("prefill", 100), ("prefill", 83),
    ]  # fmt: skip
    assert phases(lines)[-2:] == [("decode", None), ("idle", None)]


def test_layers_count_within_their_chunk() -> None:
    head = "ds4-server: chat ctx=0..8192:8192 "
    status = after(
        *READY,
        "ds4-server: context buffers 1.00 MiB (ctx=32768, backend=metal, prefill_chunk=2048, raw_kv_rows=1, "
        "compressed_kv_rows=1)",
        f"{head}prompt start",
        f"{head}prefill chunk 4096/8192 (50.0%) chunk=300.00 t/s avg=250.00 t/s 13.000s",
        "ds4: gpu prefill layer 30/60",
    )
    assert status.percent == 100 * (4096 + 1024) / 8192
    got = to_json(status, 0.0)
    assert got["tokens_per_second"] == 300.0
    assert got["seconds_left"] == round((8192 - 5120) / 300, 1)
    assert got["model"] == {
        "model": "v4", "context": 32768, "size": 80 << 30, "used": 4096, "buffers": 1 << 20
    }  # fmt: skip
    assert got["request"] == {
        "kind": "chat", "cached": 0, "prompt": 8192, "total": 8192, "generated": 0, "done": 5120
    }  # fmt: skip


def test_decoding_moves_the_context() -> None:
    status = after(
        *READY,
        "ds4-server: chat ctx=5..9:4 prompt start\nds4-server: chat ctx=5..9:4 prompt done 0.100s\n"
        "ds4-server: chat ctx=9..59:50 gen=50 THINKING decoding chunk=24.10 t/s avg=23.80 t/s 4.202s",
    )
    got = to_json(status, 0.0)
    assert (got["phase"], got["percent"], got["tokens_per_second"]) == ("decode", None, 24.1)
    assert got["model"]["used"] == 59
    assert got["request"]["generated"] == 50


def test_a_load_has_a_percent_and_a_stop_tells_that_it_saves() -> None:
    loading = after(
        EngineChanged("loading"),
        Serves("v4", 0, 80 << 30),
        "ds4: CUDA loading model tensors 20.00 GiB cached",
    )
    assert (loading.phase, loading.percent) == ("loading", 25.0)
    stopping = after(EngineChanged("stopping"), status=loading)
    assert stopping.phase == "stopping"
    saving = after("ds4-server: persisting current KV cache before shutdown tokens=9", status=stopping)
    assert saving.phase == "saving"
    assert after(EngineChanged("stopped"), status=saving).phase == "stopped"
    again = after(EngineChanged("stopped"), EngineChanged("loading"), status=saving)
    assert (again.phase, again.percent) == ("loading", None)


def test_an_engine_without_a_log_is_busy_or_idle() -> None:
    assert after(*READY, Queue((), 1)).phase == "busy"
    assert after(*READY, Queue((), 0)).phase == "idle"


def test_a_dead_engine_does_no_work_and_leaves_its_reason() -> None:
    status = after(
        *READY,
        "ds4-server: chat ctx=5..9:4 prompt start",
        EngineChanged("waiting", "the engine ended with signal 9", restarts=1),
    )
    got = to_json(status, 0.0)
    assert (got["phase"], got["request"]) == ("waiting", None)
    assert got["error"] == {"text": "the engine ended with signal 9", "at": 1004.0}
    assert got["engine"]["restarts"] == 1


def test_a_start_that_fails_says_why() -> None:
    status = after("ds4: cannot open model 'absent.gguf': No such file or directory")
    assert status.error is not None
    assert status.error.text == "cannot open model 'absent.gguf': No such file or directory"


def test_cache_queue_sums_and_memory() -> None:
    status = after(
        "ds4-server: kv cache hit text tokens=4096 text=1 quant=2 key=token-text load=1.3 ms file=a.kv\n"
        "ds4-server: kv cache stored tokens=1 trimmed=0 reason=cold key=a size=1.00 MiB save=1.0 ms\n"
        "ds4-server: kv cache store failed (cold): full save=1.0 ms\n"
        "ds4-server: live kv cache miss live=9 prompt=9 common=2 reason=token-mismatch\n"
        "ds4:   streaming expert cache budget=5 entries=5 expert=1 MiB hits=3 misses=1",
        Usage("pi", "v4", "agent", 200, 100, 80, 0, 7),
        Usage("pi", "v4", "agent", 200, 10, 0, 0, 3),
        Queue((Waiting("codex", "agent", 0, 990.0, 12.34),), 1),
        Memory(5, Amount(1, 2), 10, 4),
    )
    got = to_json(status, 1000.0)
    assert got["kv"] == {
        "hits": 1, "hit_tokens": 4096, "stored": 1, "evicted": 0, "failed": 1, "misses": 1, "folder": ""
    }  # fmt: skip
    assert got["experts"] == {"hits": 3, "misses": 1}
    assert got["totals"] == {"requests": 2, "prompt": 110, "cached": 80, "output": 10}
    assert got["waiting"] == [
        {"client": "codex", "lane": "agent", "position": 0, "waited": 10.0, "seconds": 12.3}
    ]
    assert got["memory"] == {"process": 5, "device": {"used": 1, "total": 2}, "total": 10, "available": 4}


lines = st.sampled_from(RECORDED.read_text().replace("\r", "\n").splitlines())
changes = st.builds(
    EngineChanged, st.sampled_from(("stopped", "loading", "ready", "stopping", "waiting", "broken"))
)


@given(st.lists(lines.map(parse) | changes))
def test_any_order_of_events_gives_a_status(events: list[Event]) -> None:
    status = Status()
    for event in events:
        status = reduce(status, event, 0.0)
        got = json.loads(json.dumps(to_json(status, 0.0), allow_nan=False))
        assert got["percent"] is None or 0 <= got["percent"] <= 100
        assert got["seconds_left"] is None or got["seconds_left"] >= 0
