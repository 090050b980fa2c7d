"""One engine under the stop-watch: a process that obeys one-line JSON orders on stdin.

Each engine runs in a process (and virtual environment) of its own, so that `bench.engine` can let
them take turns on the same cores within one run. An order is `{"context": C, "decode": N,
"prefill": M}`: forget everything, fill C tokens (not timed), decode N tokens one by one (timed),
read M more in one go (timed). The reply gives the seconds and the process's resident memory.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol, TextIO

KEPT = ("VmRSS", "RssAnon", "RssFile")


class Engine(Protocol):
    def reset(self) -> None: ...
    def eval(self, tokens: Sequence[int]) -> None:
        """Append tokens; when this returns, the logits of the last one are there to read."""


def text_tokens(start: int, count: int, vocab: int) -> list[int]:
    """Token ids all over the vocabulary, the same for each engine, no control tokens."""
    return [300 + (start + i) * 7919 % (vocab - 300) for i in range(count)]


def resident_mb() -> dict[str, float]:
    """This process's resident memory in MB (10^6 bytes), in all, its own, and mapped from files."""
    lines = Path("/proc/self/status").read_text().splitlines()
    fields = dict(line.split(":", 1) for line in lines)
    return {name: int(fields[name].split()[0]) * 1024 / 1e6 for name in KEPT}


def _seconds(work: Callable[[], None]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def _measure(engine: Engine, order: dict[str, int], vocab: int) -> dict[str, float]:
    context, decode, prefill = order["context"], order["decode"], order["prefill"]
    engine.reset()
    if context:
        engine.eval(text_tokens(0, context, vocab))
    single = [[token] for token in text_tokens(context, decode, vocab)]

    def decode_all() -> None:
        for token in single:
            engine.eval(token)

    batch = text_tokens(context + decode, prefill, vocab)
    return {"decode_s": _seconds(decode_all), "prefill_s": _seconds(lambda: engine.eval(batch))}


def serve(load: Callable[[Path, int, int], tuple[Engine, int]], out: TextIO) -> None:
    """argv: model, threads, context. Load, report how long that took, then obey orders until stdin ends."""
    path, threads, context = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
    before = resident_mb()
    start = time.perf_counter()
    engine, vocab = load(path, threads, context)
    loaded_s = time.perf_counter() - start

    def reply(values: dict[str, float]) -> None:
        memory = {name: now - before[name] for name, now in resident_mb().items()}
        out.write(json.dumps(values | memory) + "\n")
        out.flush()

    reply({"load_s": loaded_s})
    for line in sys.stdin:
        reply(_measure(engine, json.loads(line), vocab))
