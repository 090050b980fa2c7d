"""What it costs to have the sidecar between a client and ds4-server.

A sender writes in ds4-server's exact style (one event a write, ended by closing); clients with plain sockets
read it directly and through the sidecar, and, in turns in the same rounds, through a raw asyncio relay (the
floor for Python), nginx if it is installed, and a pass-through on aiohttp. Sender, relay and clients are
processes of their own, so each figure holds what the kernel takes to switch between them. "Added" is against
direct in the same round; figures are medians of the rounds, the 95th percentile is that of the quietest one.
Memory is PSS; computing is that of all threads of the relay.
"""

from __future__ import annotations

import argparse
import json
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

from bench import proxy_exec
from bench.proxy_targets import WIDTH, Target, running_targets

STREAMS, EVENTS, EVERY_MS = 8, 160, 25
SMALL = 300
MANY = 10_000
BODY_BYTES = 64 << 20
FLOOD_BYTES = 200_000_000
LEAVES = 20
LARGE_BYTES = 6 << 20
Rows = dict[str, dict[str, list[float]]]
# Row, unit, how rounds are put together, and the goal of the sidecar: a bound, and of how many times the raw
# relay's figure if there is a second number.
TABLE: tuple[tuple[str, str, Callable[[list[float]], float], float | None, float | None], ...] = (
    ("event, 8 streams, added median", "ms", statistics.median, 0.08, 1.5),
    ("event, 8 streams, added p95", "ms", min, None, None),
    ("events a read", "", statistics.median, 1.05, None),
    ("small request, added to first byte", "ms", statistics.median, 0.35, None),
    ("computing, 100,000 paced events", "s", statistics.median, None, 1.3),
    ("computing, a small request", "ms", statistics.median, 0.4, None),
    ("memory, idle", "MB", max, 20, None),
    ("memory, 8 streams", "MB", max, 22, None),
    ("memory, after 10,000 requests and 64 MiB", "MB", max, None, None),
    ("memory, a stalled reader", "MB more", max, 2, None),
    ("end after leaving before the head", "ms", statistics.median, 2, None),
    ("end after leaving in silent prefill", "ms", statistics.median, 2, None),
    ("end after leaving mid-stream", "ms", statistics.median, 2, None),
    ("the next one after leaving the queue", "ms", statistics.median, 2, None),
    ("seen to leave the queue with 6 MiB", "ms", statistics.median, 2, None),
)


def _client(name: str, *args: Any) -> subprocess.Popen[bytes]:
    argv = [sys.executable, "-m", "bench.proxy_client", name, json.dumps(args)]
    return subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE)


def _result(client: subprocess.Popen[bytes]) -> Any:
    out, _ = client.communicate()
    assert client.returncode == 0
    return json.loads(out)


def _p95(values: list[float]) -> float:
    return sorted(values)[int(len(values) * 0.95)]


def _streams(target: Target) -> dict[str, float]:
    before = target.cpu()
    client = _client("streams", target.port, STREAMS, EVENTS, EVERY_MS)
    time.sleep(EVENTS * EVERY_MS / 2000)
    memory = target.pss()
    found = _result(client)
    delays = found["delays"]
    assert len(delays) == STREAMS * EVENTS, f"{target.name}: {len(delays)} events"
    values = {
        "median": statistics.median(delays),
        "p95": _p95(delays),
        "events a read": len(delays) / found["reads"],
    }
    if target.pid is not None:
        values["computing, 100,000 paced events"] = (target.cpu() - before) / len(delays) * 100_000
        values["memory, 8 streams"] = memory
    return values


def _small(target: Target) -> dict[str, float]:
    before = target.cpu()
    times = _result(_client("small", target.port, SMALL))
    values = {"first byte": statistics.median(times)}
    if target.pid is not None:
        values["computing, a small request"] = (target.cpu() - before) / SMALL * 1000
    return values


def _leaves(target: Target, sender: int) -> dict[str, float]:
    wanted = (
        ("end after leaving before the head", "do=silent", False),
        ("end after leaving in silent prefill", "do=head", True),
        ("end after leaving mid-stream", f"do=stream&n=100&ms={EVERY_MS}", True),
    )
    return {
        row: statistics.median(_result(_client("leave", target.port, sender, query, wait, LEAVES)))
        for row, query, wait in wanted
    }


def _round(targets: list[Target], rows: Rows) -> None:
    found = {t.name: {**_streams(t), **_small(t)} for t in targets}
    direct = found["direct"]
    added = (
        ("event, 8 streams, added median", "median"),
        ("event, 8 streams, added p95", "p95"),
        ("small request, added to first byte", "first byte"),
    )
    for name, values in found.items():
        for row, of in added:
            value = values.pop(of) if name != "direct" else values[of]
            rows[row][name].append(value - direct[of] if name != "direct" else value)
        for row, value in values.items():
            rows[row][name].append(value)


def _stalled(target: Target, sender: int) -> float:
    """MB that a reader costs who reads nothing."""
    before = target.pss()
    client = _client("stall", target.port, sender, FLOOD_BYTES)
    assert client.stdin is not None
    assert client.stdout is not None
    client.stdout.readline()
    more = target.pss() - before
    sent = int(client.communicate()[0])
    assert sent < FLOOD_BYTES / 2, f"{target.name} has taken {sent} bytes that nobody reads"
    return more


def _once(target: Target, sender: int, rows: Rows) -> None:
    """What is measured at the end, in this order: it leaves its marks on the memory."""
    for row, value in _leaves(target, sender).items():
        rows[row][target.name].append(value)
    if target.name == "direct":
        return
    rows["memory, a stalled reader"][target.name].append(_stalled(target, sender))
    if target.name == "sidecar":
        times = _result(_client("queued", target.port, sender, WIDTH, LEAVES))
        rows["the next one after leaving the queue"][target.name].append(statistics.median(times))
        times = _result(_client("unread", target.port, WIDTH, LARGE_BYTES, LEAVES))
        rows["seen to leave the queue with 6 MiB"][target.name].append(statistics.median(times))
    _result(_client("small", target.port, MANY))
    assert _result(_client("body", target.port, BODY_BYTES)) == "200"
    rows["memory, after 10,000 requests and 64 MiB"][target.name].append(target.pss())


def _goal(row: str, values: dict[str, float], most: float | None, ratio: float | None) -> str:
    if most is None and ratio is None:
        return ""
    bounds = {f"{most:g}": most} if most is not None else {}
    if ratio is not None:
        bounds[f"{ratio:g}x raw"] = ratio * values["raw relay"]
    return f"{' and '.join(bounds)}: {'met' if values['sidecar'] <= min(bounds.values()) else 'MISSED'}"


def _print(names: list[str], rows: Rows) -> None:
    print(
        f"| metric | unit | {' | '.join(names)} | goal of the sidecar |\n|---|---|{'---|' * (len(names) + 1)}"
    )
    for row, unit, together, most, ratio in TABLE:
        values = {name: together(found) for name, found in rows[row].items()}
        cells = [f"{values[name]:.3g}" if values.get(name) is not None else "" for name in names]
        print(f"| {row} | {unit} | {' | '.join(cells)} | {_goal(row, values, most, ratio)} |")


def _free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=3)
    args = parser.parse_args()
    rows: Rows = defaultdict(lambda: defaultdict(list))
    with tempfile.TemporaryDirectory() as folder, running_targets(Path(folder), _free_port()) as targets:
        for target in targets[1:]:
            rows["memory, idle"][target.name].append(target.pss())
        for i in range(args.rounds):
            print(f"round {i + 1} of {args.rounds}", file=sys.stderr)
            _round(targets, rows)
        for target in targets:
            _once(target, targets[0].port, rows)
    print(f"{os.cpu_count()} cores, {args.rounds} rounds; direct: the figure itself, others: added to it\n")
    _print([target.name for target in targets], rows)
    print(f"\n{proxy_exec.measure(2 * args.rounds + 1)}")


if __name__ == "__main__":
    main()
