"""Counters and histograms, in Prometheus' text format and as JSON that can be read back.

A family is one name with a value for each set of labels. Who adds keeps the number of sets small: every new
one is a new series. Families are not locked.
"""

import math
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
SECONDS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0)
RATES = (1.0, 2.5, 5.0, 10.0, 20.0, 35.0, 50.0, 100.0, 250.0, 500.0, 1000.0, 2500.0, 5000.0)
_ESCAPES = str.maketrans({"\\": r"\\", '"': r"\"", "\n": r"\n"})

Labels = tuple[str, ...]


def head(name: str, kind: str, what: str) -> tuple[str, str]:
    return f"# HELP {name} {what}", f"# TYPE {name} {kind}"


def _braces(names: Sequence[str], values: Sequence[str]) -> str:
    pairs = ",".join(f'{n}="{v.translate(_ESCAPES)}"' for n, v in zip(names, values, strict=True))
    return f"{{{pairs}}}" if pairs else ""


class Damaged(ValueError):
    """What was stored is not what this family stores."""


class Counter:
    """Sums that only grow."""

    def __init__(self, name: str, what: str, labels: Labels = ()) -> None:
        self.name, self._what, self._labels = name, what, labels
        self._values: dict[Labels, float] = {} if labels else {(): 0}

    def add(self, n: float, *labels: str) -> None:
        self._values[labels] = self._values.get(labels, 0) + n

    def lines(self) -> Iterator[str]:
        yield from head(self.name, "counter", self._what)
        for labels, value in sorted(self._values.items()):
            yield f"{self.name}{_braces(self._labels, labels)} {value}"

    def state(self) -> list[dict[str, Any]]:
        return [
            {"labels": dict(zip(self._labels, labels, strict=True)), "value": value}
            for labels, value in sorted(self._values.items())
        ]

    def restore(self, state: Any) -> None:
        """Start from what `state` returned. Raises Damaged and changes nothing."""
        read = [(_labels(row, self._labels), _amount(row["value"])) for row in _rows(state, "value")]
        self._values |= dict(read)


class Histogram:
    """Counts of observations up to each bound."""

    def __init__(self, name: str, what: str, bounds: Sequence[float], labels: Labels = ()) -> None:
        self.name, self._what, self._bounds, self._labels = name, what, bounds, labels
        # Counts between bounds, and the sum as their last member.
        self._series: dict[Labels, list[float]] = {} if labels else {(): self._empty()}

    def _empty(self) -> list[float]:
        return [*[0] * (len(self._bounds) + 1), 0.0]

    def observe(self, value: float, *labels: str) -> None:
        series = self._series.get(labels)
        if series is None:
            series = self._series[labels] = self._empty()
        series[bisect_left(self._bounds, value)] += 1
        series[-1] += value

    def lines(self) -> Iterator[str]:
        yield from head(self.name, "histogram", self._what)
        for labels, series in sorted(self._series.items()):
            total = 0.0
            for bound, count in zip((*self._bounds, "+Inf"), series, strict=False):
                total += count
                braces = _braces((*self._labels, "le"), (*labels, str(bound)))
                yield f"{self.name}_bucket{braces} {total:.0f}"
            braces = _braces(self._labels, labels)
            yield f"{self.name}_sum{braces} {series[-1]}"
            yield f"{self.name}_count{braces} {total:.0f}"

    def state(self) -> list[dict[str, Any]]:
        return [
            {
                "labels": dict(zip(self._labels, labels, strict=True)),
                "bounds": list(self._bounds),
                "counts": series[:-1],
                "sum": series[-1],
            }
            for labels, series in sorted(self._series.items())
        ]

    def restore(self, state: Any) -> None:
        """Start from what `state` returned. Raises Damaged and changes nothing."""
        read = {}
        for row in _rows(state, "bounds", "counts", "sum"):
            counts = row["counts"]
            if row["bounds"] != list(self._bounds) or not isinstance(counts, list):
                raise Damaged(f"{self.name} had other bounds")
            if len(counts) != len(self._bounds) + 1:
                raise Damaged(f"{self.name} has {len(counts)} counts")
            read[_labels(row, self._labels)] = [*map(_amount, counts), _amount(row["sum"])]
        self._series |= read


def _rows(state: Any, *members: str) -> Iterable[dict[str, Any]]:
    if not isinstance(state, list):
        raise Damaged("not a list of series")
    for row in state:
        if not isinstance(row, dict) or not {"labels", *members} <= row.keys():
            raise Damaged("not a series")
        yield row


def _labels(row: dict[str, Any], names: Labels) -> Labels:
    labels = row["labels"]
    if not isinstance(labels, dict) or set(labels) != set(names):
        raise Damaged("other labels")
    return tuple(str(labels[name]) for name in names)


def _amount(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < math.inf:
        raise Damaged(f"not an amount: {value!r:.40}")
    return value
