"""What the KV cache costs and saves, in one run: each figure beside its goal.

All of it with a copy of the bundled model that declares a longer context, on two threads; the engine is a
process of its own, and this one its client. What is compared takes turns, and of repeated measurements the
median counts. Tokens are those of the usage member `cache`; bytes written are those that the log names.
"""

from __future__ import annotations

import argparse
import os
import re
import statistics
import tempfile
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import astuple, dataclass
from itertools import chain, pairwise
from pathlib import Path

from bench import kv_month
from bench.kv_client import Talk, Words, decode_together, engine, long_context_copy
from ds4agent.engine.binding import BLOCK, Model, Session
from ds4agent.engine.kv.store import KvStore
from ds4agent.resources import bundled_model

LONG = 20_000
SUFFIX = 200
CHATS = "--batched-session", "8"
_STORED = re.compile(r"kv cache stored tokens=(\d+) .*reason=(\w+) .*size=([\d.]+) MiB")
_MIB = 1 << 20


@dataclass(frozen=True, slots=True)
class Row:
    what: str
    measured: str
    goal: str = ""

    def __str__(self) -> str:
        return f"| {self.what} | {self.measured} | {self.goal} |"


@dataclass(frozen=True, slots=True)
class Bench:
    folder: Path
    path: Path
    model: Model
    words: Words

    def tokens(self, n: int) -> list[int]:
        return self.model.tokenize(self.words.text(n).encode())[:n]


def _ms(seconds: Iterable[float]) -> str:
    return f"{statistics.median(seconds) * 1e3:,.0f} ms"


# -- turns of long sessions
# ----------------------------------------------------------------------------------------------------


def long_sessions(bench: Bench, rounds: int) -> Iterator[Row]:
    """Two sessions of 20,000 tokens and three lives of one engine."""
    flags = (*CHATS, "--kv-disk-dir", str(bench.folder / "kv"))
    cold, warm, talks = [], [], [Talk(0), Talk(0)]
    for life in range(3):
        with engine(bench.folder / f"life{life}", bench.path, *flags) as process:
            for talk in talks[:life]:
                talk.port = process.port
                turn = talk.say(bench.words.text(SUFFIX))
                assert turn.cache["disk"] >= LONG, f"not from disk: {turn.cache}"
                warm.append(turn.first)
            for talk in talks[life : life + 1]:
                talk.port = process.port
                cold.append(talk.say(bench.words.text(LONG)).first)
            if life == 2:
                yield from _compared(bench, talks[0], rounds)
                yield _taking_turns(bench, talks)
    share = statistics.median(warm) / statistics.median(cold)
    yield Row("restart: load + 200 tokens / cold prefill", f"{share:.1%} ({_ms(warm)} / {_ms(cold)})", "5%")


def _compared(bench: Bench, talk: Talk, rounds: int) -> Iterator[Row]:
    """The engine's turns beside the same evaluation, in a session that is as long all the time."""
    firsts, alone = [], []
    with bench.model.session(65_536) as session:
        session.eval(bench.tokens(talk.held))
        for _ in range(rounds):
            turn = talk.say(bench.words.text(SUFFIX))
            suffix, reply = bench.tokens(turn.read), bench.tokens(turn.completion)
            began = time.perf_counter()
            session.eval(suffix)
            alone.append(time.perf_counter() - began)
            firsts.append(turn.first)
            for token in reply:
                session.eval([token])
        ratio = statistics.median(a / b for a, b in zip(firsts, alone, strict=True))
        said = f"{ratio:.2f}x ({_ms(firsts)} / {_ms(alone)})"
        yield Row("20,000 tokens + 200: first token / evaluation alone", said, "1.05x")
        yield from _forked(bench, session)


def _forked(bench: Bench, session: Session) -> Iterator[Row]:
    before, times = session.memory, []
    for _ in range(5):
        began = time.perf_counter()
        with session.fork():
            times.append(time.perf_counter() - began)
    with session.fork() as fork:
        at_once = session.memory + fork.memory - before
        for one in (session, fork):
            one.eval(bench.tokens(1))
        later = session.memory + fork.memory - before
    yield Row("fork of 20,000 tokens", f"{statistics.median(times) * 1e3:.2f} ms", "50 ms")
    said = f"{at_once / 1e6:.2f} MB, {later / 1e6:.2f} MB"
    yield Row("memory of the fork at once, after one token in both", said, "1 MB")


def _taking_turns(bench: Bench, talks: Sequence[Talk]) -> Row:
    before = sum(talk.reread for talk in talks)
    for number in range(20):
        talks[number % 2].say(bench.words.text(20))
    return Row(
        "two sessions by turns, 20 times: tokens read again", f"{sum(t.reread for t in talks) - before}", "0"
    )


# -- what is written
# ----------------------------------------------------------------------------------------------------


def growing(bench: Bench, turns: int, tokens: int) -> Iterator[Row]:
    """A session that grows over many turns, with the default moments."""
    folder, reply = bench.folder / "grown", 8
    with engine(bench.folder / "growing", bench.path, "--kv-disk-dir", str(folder)) as process:
        talk = Talk(process.port, [{"role": "system", "content": bench.words.text(1_000)}])
        for left in range(turns, 0, -1):
            talk.say(bench.words.text((tokens - talk.held) // left - reply - 4), reply)
    stored = [match.groups() for line in process.lines if (match := _STORED.search(line))]
    written = sum(float(size) for *_, size in stored) * _MIB
    ends = [0, *sorted(int(n) for n, *_ in stored)]
    final = _final_bytes(bench, folder, talk.held)
    assert written >= 0.99 * sum(f.stat().st_size for f in folder.iterdir()), "more files than the log names"
    counts = {reason: sum(r == reason for _, r, _ in stored) for _, reason, _ in stored}
    named = ", ".join(f"{n} {reason}" for reason, n in counts.items())
    said = f"{written / final:.2f}x ({written / 1e6:.1f} / {final / 1e6:.1f} MB; {named})"
    yield Row(f"{turns} turns to {talk.held:,} tokens: written / final state", said, "1.3x")
    yield Row("tokens lost by a crash at the worst moment", f"{max(b - a for a, b in pairwise(ends)):,}")
    yield Row("tokens read again in these turns", f"{talk.reread}", "0")


def _final_bytes(bench: Bench, folder: Path, n_tokens: int) -> int:
    """The rows of all tokens and one frontier."""
    with bench.model.session(BLOCK) as session:
        block_bytes = session.block_bytes
    store = KvStore(folder, bench.model.fingerprint, block_bytes, 0, print, time.time)
    last = max(store.points(), key=lambda point: point.n_tokens)
    store.close()
    assert last.n_tokens == n_tokens, f"the last checkpoint has {last.n_tokens} tokens of {n_tokens}"
    return n_tokens // BLOCK * block_bytes + last.size


# -- several at once
# ----------------------------------------------------------------------------------------------------


def together(bench: Bench, rounds: int, tokens: int) -> Iterator[Row]:
    """Eight streams at once beside one alone."""
    pairs = []
    with engine(bench.folder / "together", bench.path, *CHATS) as process:
        for _ in range(rounds):
            ones = decode_together(process.port, [bench.words.text(50)], tokens)
            eights = decode_together(process.port, [bench.words.text(50) for _ in range(8)], tokens)
            pairs.append((_flow(ones), _flow(eights)))
    speedup = statistics.median(eight.rate / one.rate for one, eight in pairs)
    one, eight = (
        Flow(*(statistics.median(values) for values in zip(*map(astuple, flows), strict=True)))
        for flows in zip(*pairs, strict=True)
    )
    said = f"{speedup:.2f}x ({eight.rate:,.0f} / {one.rate:,.0f} tokens/s)"
    yield Row("8 sessions at once: sum / one alone", said, "1.0x")
    said = f"{eight.gap:.1f}x ({eight.others:.1f}x counted in tokens; one alone {one.gap:.1f}x)"
    yield Row("longest gap of a client / its fair share", said, "2x")


@dataclass(frozen=True, slots=True)
class Flow:
    """While all decode: tokens/s of all; the longest gap between two tokens of one for the mean gap, in time
    and in tokens of all.
    """

    rate: float
    gap: float
    others: float


def _flow(all_times: Sequence[Sequence[float]]) -> Flow:
    start, end = max(times[0] for times in all_times), min(times[-1] for times in all_times)
    within = [[t for t in times if start <= t <= end] for times in all_times]
    rate = sum(len(times) - 1 for times in within) / (end - start)
    order = sorted((t, number) for number, times in enumerate(within) for t in times)
    places = ([i for i, (_, other) in enumerate(order) if other == number] for number in range(len(within)))
    gap = max(b - a for times in within for a, b in pairwise(times))
    others = max(b - a for of_one in places for a, b in pairwise(of_one))
    return Flow(rate, gap * rate / len(within), others / len(within))


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=7)
    args = parser.parse_args()
    began = time.perf_counter()
    with tempfile.TemporaryDirectory() as name:
        path = long_context_copy(bundled_model(), Path(name) / "model.gguf")
        with Model(path, 2) as model:
            bench = Bench(Path(name), path, model, Words(model, 1))
            print(f"bundled model with a long context, 2 threads of {os.cpu_count()}\n")
            print("| measurement | measured | goal |\n|---|---|---|")
            parts = long_sessions(bench, args.rounds), growing(bench, 200, 60_000), together(bench, 5, 128)
            for row in chain(*parts):
                print(row, flush=True)
    print("\nA month, simulated, three times (python -m bench.kv_month tells more):\n")
    print("\n".join(kv_month.table([kv_month.results(seed) for seed in kv_month.SEEDS])))
    print(f"\n{time.perf_counter() - began:.0f} s")


if __name__ == "__main__":
    main()
