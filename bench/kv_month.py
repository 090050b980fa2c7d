"""Tokens read twice and bytes written in a month of use: ds4-server's rules beside ds4agent's, on one
trace.

The trace is bench.kv_trace's. A token counts as read again if the same text up to it has been evaluated
before, whatever became of that state; a text that an edit has changed is new. Seconds are at 300 tokens/s.
Sizes are V4 Flash's: 13,760 bytes a token and 24 MB a checkpoint, for both. Both get the default budget of
4,096 MiB.

Below the table stand the figures of ds4-server's run that one user measured over four weeks, so that the
trace can be judged: that user's server ran with an interval of 25,000 tokens, which is the second row.
"""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from bench.kv_ours import Ours
from bench.kv_trace import Request, Restart, Text, month
from bench.kv_upstream import PREFILL, Limits, Served, Upstream

SEEDS = (4, 5, 6)
RESENDS = 2  # a client gives up after that many


class Policy(Protocol):
    @property
    def name(self) -> str: ...
    @property
    def written(self) -> Counter[str]: ...
    def serve(self, request: Request) -> Served: ...
    def shutdown(self, now: float) -> None: ...


@dataclass(slots=True)
class Seen:
    """Every text that was evaluated, as the tree it makes."""

    nodes: dict[int, int] = field(default_factory=dict)

    def tokens(self, text: Text) -> int:
        """How much of the text's beginning has been evaluated before."""
        known = 0
        for node, end in zip(text.nodes, text.ends, strict=True):
            reached = self.nodes.get(node, 0)
            known = max(known, min(reached, end))
            if reached < end:
                break
        return known

    def add(self, text: Text) -> None:
        for node, end in zip(text.nodes, text.ends, strict=True):
            self.nodes[node] = max(end, self.nodes.get(node, 0))


@dataclass(slots=True)
class Sums:
    """What a policy made of the trace."""

    prompts: int = 0
    prompt_tokens: int = 0
    read: int = 0
    reread: int = 0
    misses: int = 0
    unrelated: int = 0
    timeouts: int = 0
    long_prefills: list[int] = field(default_factory=list)

    def add(self, request: Request, served: Served, seen: Seen) -> None:
        end = served.cached + served.read
        known = min(end, max(served.cached, seen.tokens(request.prompt)))
        self.read += served.read
        self.reread += known - served.cached
        if served.common < served.live:
            self.misses += 1
            self.unrelated += served.common < 1_000
        self.timeouts += not served.answered
        if served.read > 60 * PREFILL:
            self.long_prefills.append(served.read)
        seen.add(request.text if served.answered else request.prompt.cut(end))


def replay(trace: list[Request | Restart], policy: Policy) -> Sums:
    """Send the trace; a client that gave up sends its prompt again."""
    sums, seen = Sums(), Seen()
    for event in trace:
        if isinstance(event, Restart):
            policy.shutdown(event.at)
            continue
        sums.prompts += 1
        sums.prompt_tokens += event.prompt.n
        for _ in range(1 + RESENDS):
            served = policy.serve(event)
            sums.add(event, served, seen)
            if served.answered:
                break
    policy.shutdown(trace[-1].at)
    return sums


def policies() -> list[Policy]:
    return [Upstream(), Upstream(Limits(interval=25_000), "ds4-server, interval 25,000"), Ours()]


def results(seed: int) -> list[tuple[Policy, Sums]]:
    trace = month(seed)
    return [(policy, replay(trace, policy)) for policy in policies()]


def table(months: list[list[tuple[Policy, Sums]]]) -> Iterator[str]:
    """Least and most of several months."""
    yield "| policy | prompt tokens | re-read tokens | seconds re-read | written, GB |"
    yield "|---|---:|---:|---:|---:|"
    for of_one in zip(*months, strict=True):
        name = of_one[0][0].name
        figures = (
            [sums.prompt_tokens for _, sums in of_one],
            [sums.reread for _, sums in of_one],
            [sums.reread / PREFILL for _, sums in of_one],
            [sum(policy.written.values()) / 1e9 for policy, _ in of_one],
        )
        yield f"| {name} | {' | '.join(map(_range, figures))} |"


def _range(values: Sequence[float]) -> str:
    ends = (f"{value:,.0f}" for value in (min(values), max(values)))
    return " to ".join(dict.fromkeys(ends))


def _share(part: float, whole: float) -> str:
    return f"{part / max(1, whole):.0%}"


def _shape(policy: Policy, sums: Sums) -> str:
    total = sum(policy.written.values())
    shares = ", ".join(f"{reason} {_share(size, total)}" for reason, size in policy.written.most_common())
    return (
        f"{policy.name}: {sums.prompts:,} prompts, {sums.misses} met another live text "
        f"({_share(sums.unrelated, sums.misses)} shared < 1,000 tokens); "
        f"prefill {sums.read / PREFILL / 3600:.1f} h, {len(sums.long_prefills)} over 60 s took "
        f"{_share(sum(sums.long_prefills), sums.read)} of it; {sums.timeouts} timeouts; written: {shares}"
    )


MEASURED = (
    "measured: 2,999 prompts, 548 met another live text (55% shared < 1,000 tokens); prefill 34.1 h, "
    "349 over 60 s took 90% of it; written 944 GB (879 GiB): evict 54%, continued 37%"
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--seeds", type=int, nargs="+", default=SEEDS)
    months = [results(seed) for seed in parser.parse_args().seeds]
    print("\n".join(table(months)))
    for of_one in months:
        print()
        for policy, sums in of_one:
            print(_shape(policy, sums))
    print(f"\n{MEASURED}")


if __name__ == "__main__":
    main()
