"""Look at samples, check them against real tools, and count: `python -m ds4train.sessions --help`."""

from __future__ import annotations

import argparse
import collections
import random
import time

from . import (
    asks_append,
    asks_change,
    asks_create,
    asks_line,
    asks_rename,
    asks_switch,
    compose,
    phrasings,
    phrasings_more,
    talk,
)
from .grammar import Wordings
from .replay import replay
from .session import body_segments, prefix


def _show(count: int, seed: int, split: str, family: str | None) -> None:
    for i in range(count):
        session = compose.build(random.Random(seed + i), split, 6000, only=family)
        print(
            "".join(x.text for x in body_segments(session.steps))
            .replace("<｜User｜>", "\n<｜User｜>")
            .replace("<｜Assistant｜>", "\n<｜Assistant｜>")
        )
        print("=" * 100)


def _check(count: int, seed: int, split: str, family: str | None) -> None:
    bad = 0
    for i in range(count):
        session = compose.build(random.Random(seed + i), split, 9000, only=family)
        for problem in replay(session):
            bad += 1
            print(f"seed {seed + i}: {problem}")
    print(f"{count} sessions replayed, {bad} differences")


def _stats(count: int, seed: int, split: str) -> None:
    families: collections.Counter[str] = collections.Counter()
    chars, start = 0, time.perf_counter()
    for i in range(count):
        session = compose.build(random.Random(seed + i), split, 9000)
        families.update(t.family for t in session.tasks)
        chars += sum(len(x.text) for x in session.document())
    took = time.perf_counter() - start
    print(
        f"{chars / took:,.0f} characters/s with the prefix ({len(prefix())} characters), "
        f"{chars / count:,.0f} a document"
    )
    total = sum(families.values())
    print("  ".join(f"{name} {n / total:.1%}" for name, n in families.most_common()))
    asks = (asks_append, asks_change, asks_create, asks_line, asks_rename, asks_switch)
    for module in (phrasings, phrasings_more, talk, *asks):
        for name, value in vars(module).items():
            if isinstance(value, Wordings):
                lines, ways = value.count()
                print(f"{name}: {lines} lines, {ways} wordings")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--show", type=int, default=0)
    parser.add_argument("--check", type=int, default=0)
    parser.add_argument("--stats", type=int, default=0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--split", default="train", choices=("train", "heldout"))
    parser.add_argument("--family", default=None)
    options = parser.parse_args()
    if options.show:
        _show(options.show, options.seed, options.split, options.family)
    if options.check:
        _check(options.check, options.seed, options.split, options.family)
    if options.stats:
        _stats(options.stats, options.seed, options.split)


if __name__ == "__main__":
    main()
