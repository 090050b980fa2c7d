"""libds4 beside llama.cpp: the same GGUF, the same threads, the same tokens, in one run.

The machine's speed drifts, so what counts are ratios: both engines are loaded once, in processes of
their own, and take turns on each measurement. Rounds are repeated and the median is given, with the
median of the per-round ratios. Sampling and tokenizing are left out on both sides. Memory is the
growth of resident memory since before the model was loaded.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

CONTEXTS = (0, 1024, 4096)
DECODE, PREFILL = 128, 512
ROOM = max(CONTEXTS) + DECODE + PREFILL + 64
ENGINES = ("libds4", "llama.cpp")
Reply = dict[str, float]


class Probe:
    """One `bench.*_probe` process."""

    def __init__(self, python: str, module: str, model: Path, threads: int) -> None:
        command = [python, "-m", module, str(model), str(threads), str(ROOM)]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.loaded = self._reply()

    def _reply(self) -> Reply:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise SystemExit(f"a probe ended early: {self._process.args!r}")
        reply: Reply = json.loads(line)
        return reply

    def measure(self, context: int) -> Reply:
        assert self._process.stdin is not None
        self._process.stdin.write(
            json.dumps({"context": context, "decode": DECODE, "prefill": PREFILL}) + "\n"
        )
        self._process.stdin.flush()
        return self._reply()

    def close(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(timeout=30)


@contextmanager
def _probes(llama_python: str, model: Path, threads: int) -> Iterator[dict[str, Probe]]:
    made = {
        "libds4": Probe(sys.executable, "bench.libds4_probe", model, threads),
        "llama.cpp": Probe(llama_python, "bench.llama_probe", model, threads),
    }
    try:
        yield made
    finally:
        for probe in made.values():
            probe.close()


def _loads(llama_python: str, model: Path, threads: int, rounds: int) -> dict[str, list[Reply]]:
    """Load the model again and again, in fresh processes, taking turns."""
    found: dict[str, list[Reply]] = {name: [] for name in ENGINES}
    for _ in range(rounds):
        with _probes(llama_python, model, threads) as probes:
            for name, probe in probes.items():
                found[name].append(probe.loaded)
    return found


def _rounds(probes: dict[str, Probe], context: int, rounds: int) -> dict[str, list[Reply]]:
    found: dict[str, list[Reply]] = {name: [] for name in ENGINES}
    for _ in range(rounds):
        for name, probe in probes.items():
            found[name].append(probe.measure(context))
    return found


def _row(title: str, found: dict[str, list[Reply]], key: str, amount: int | None, unit: str) -> str:
    """Medians and the median ratio; a ratio over 1 is in favour of libds4, of a rate as of a cost."""
    ours, theirs = ([reply[key] for reply in found[name]] for name in ENGINES)
    ratio = statistics.median(b / a for a, b in zip(ours, theirs, strict=True))
    medians = [statistics.median(values) for values in (ours, theirs)]
    a, b = (amount / value if amount else value for value in medians)
    digits = 0 if amount else 1
    return f"| {title} | {a:,.{digits}f} | {b:,.{digits}f} | {unit} | {ratio:.2f}x |"


def _milliseconds(found: dict[str, list[Reply]]) -> dict[str, list[Reply]]:
    return {name: [{"ms": reply["load_s"] * 1e3} for reply in replies] for name, replies in found.items()}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--model", type=Path, default=Path("ds4agent/models/bundled.gguf"))
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--llama-python", default=".bench-venv/bin/python", help="has llama-cpp-python")
    args = parser.parse_args()
    size = args.model.stat().st_size / 1e6
    print(
        f"{args.model} ({size:.1f} MB), {args.threads} threads of {os.cpu_count()}, median of {args.rounds}\n"
    )
    print("| measurement | libds4 | llama.cpp | unit | libds4 is better by |\n|---|---|---|---|---|")
    loads = _loads(args.llama_python, args.model, args.threads, args.rounds)
    print(_row("load", _milliseconds(loads), "ms", None, "ms"), flush=True)
    with _probes(args.llama_python, args.model, args.threads) as probes:
        for context in CONTEXTS:
            found = _rounds(probes, context, args.rounds)
            print(_row(f"decode at {context}", found, "decode_s", DECODE, "tokens/s"))
            print(_row(f"prefill at {context}", found, "prefill_s", PREFILL, "tokens/s"), flush=True)
        print(_row("resident, all", found, "VmRSS", None, "MB"))
        print(_row("resident, private", found, "RssAnon", None, "MB"))


if __name__ == "__main__":
    main()
