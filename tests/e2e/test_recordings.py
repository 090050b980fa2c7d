"""The engine process beside recorded traffic of a real ds4-server: every exchange in its order, compared in
headers, members, events, texts and log lines.

Where ours differs on purpose, differences.py says how and docs/compat.md why; any other difference fails.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from tests.e2e.differences import DIFFERENCES, Forms, Instead, expected
from tests.e2e.recitals import CALLS, LOOK
from tests.e2e.recorded import (
    CALL_ID,
    Exchange,
    body_form,
    exchanges,
    head_form,
    log_form,
    recording,
    server_log,
    wire_request,
)
from tests.engine_fixtures import ONE_SESSION, exchange, reciting_engine

COMPAT = Path(__file__).parents[2] / "docs" / "compat.md"
# Turns that end by a number of tokens, which is another text with another vocabulary.
CUT = frozenset("07 08 09 18 23 36 37 46 47 48 49 61".split())
# In as many pieces as the recorded server's vocabulary makes of it.
GREETING = (
    ["Th", "e user", " gre", "ets", " m", "e, so", " I will", " answer s", "hortly."],
    ["Hel", "lo", "! How", " can I", " help", " you", " today", "? é中"],
)


@dataclass
class Series:
    """Recordings of one server, in the order in which they were made. `log`: that of its whole life."""

    files: tuple[str, ...]
    pieces: tuple[list[str], list[str]]
    flags: str
    log: str | None = None


def _files(first: int, last: int) -> tuple[str, ...]:
    return tuple(f"{n:02}" for n in range(first, last + 1))


SERIES = {
    "greeting": Series(_files(1, 26), GREETING, "-c 1024 -n 200 --kv-disk-dir kv1", log="27"),
    "calls": Series(_files(28, 49), (LOOK, CALLS), "-c 8192"),
    "options": Series(
        _files(58, 62),
        (LOOK, CALLS),
        "-c 8192 --cors --kv-disk-dir kv3 --kv-disk-space-mb 1 --kv-cache-reject-different-quant "
        "--disable-exact-dsml-tool-replay",
        log="64",
    ),
}


@dataclass
class Answered:
    recorded: Exchange
    head: str
    body: str
    log: list[str] = field(default_factory=list)


@dataclass
class Replay:
    """What one engine answered, the log of its whole life, and its exit status."""

    answers: dict[str, list[Answered]]
    lines: list[str]
    status: int


@cache
def _replayed(series: str) -> Replay:
    """All exchanges of a series against one engine; ids of calls in a history are those of our replies."""
    how = SERIES[series]
    answers: dict[str, list[Answered]] = {number: [] for number in how.files}
    ids: dict[str, str] = {}
    with TemporaryDirectory(prefix="recordings-") as folder:
        with reciting_engine(
            Path(folder), *how.pieces, *ONE_SESSION, *how.flags.split(), title="DeepSeek V4 Flash"
        ) as engine:
            seen = len(engine.lines)
            for number, recorded in ((n, e) for n in how.files for e in exchanges(recording(n))):
                head, data = exchange(engine.port, wire_request(_with_ids(recorded.request, ids)))
                body = data.decode("utf-8", "replace")
                ids |= dict(zip(_call_ids(recorded.body), _call_ids(body), strict=False))
                log = engine.lines[seen:]
                seen += len(log)
                answers[number].append(Answered(recorded, head, body, log))
            status = engine.stop()
        return Replay(answers, engine.lines, status)


def _with_ids(request: str, ids: dict[str, str]) -> str:
    return CALL_ID.sub(lambda found: ids.get(found[0], found[0]), request)


def _call_ids(body: str) -> list[str]:
    return list(dict.fromkeys(CALL_ID.findall(body)))


def _forms(head: str, body: str, log: list[str], texts: bool) -> Forms:
    return {"head": head_form(head), "body": body_form(body, texts), "log": log_form(log)}


def _faults(answered: Answered, number: str) -> list[str]:
    recorded = answered.recorded
    difference = DIFFERENCES.get(recorded.name) or DIFFERENCES.get(number)
    if isinstance(difference, Instead):
        status = f"HTTP/1.1 {difference.status} "
        if answered.head.startswith(status) and difference.part in answered.body:
            return []
        return [f"{recorded.name}: not {difference}: {answered.head} {answered.body}"]
    ours = _forms(answered.head, answered.body, answered.log, number not in CUT)
    theirs = _forms(recorded.head, recorded.body, recorded.log, number not in CUT)
    theirs = expected(theirs, recorded.name, number)
    return [
        f"{recorded.name} {part}:\n  recorded {theirs[part]}\n  ours     {ours[part]}"
        for part in ours
        if ours[part] != theirs[part]
    ]


@pytest.mark.parametrize(
    ("series", "number"), [(name, number) for name, how in SERIES.items() for number in how.files]
)
def test_recorded_traffic(series: str, number: str) -> None:
    answers = _replayed(series).answers[number]
    assert answers
    faults = [fault for answered in answers for fault in _faults(answered, number)]
    assert not faults, "\n".join(faults)


@pytest.mark.parametrize(("series", "number"), [(n, how.log) for n, how in SERIES.items() if how.log])
def test_a_servers_whole_log(series: str, number: str) -> None:
    """Start and end; what stands between them belongs to the requests, line by line."""
    replay = _replayed(series)
    asked = [line for answers in replay.answers.values() for answered in answers for line in answered.log]
    start = next(i for i, line in enumerate(replay.lines) if "listening on" in line) + 1
    end = start + len(asked)
    assert replay.lines[start:end] == asked
    assert replay.status == 0
    ours: Forms = {"log": log_form(replay.lines[:start] + replay.lines[end:])}
    assert ours == expected({"log": log_form(server_log(number))}, number)


def test_every_difference_is_explained() -> None:
    titles = {line.removeprefix("## ") for line in COMPAT.read_text().splitlines() if line.startswith("## ")}
    assert {difference.title for difference in DIFFERENCES.values()} <= titles
