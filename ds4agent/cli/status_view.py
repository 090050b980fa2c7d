"""The status as lines of text. Every member may be missing: the sidecar may be of another version."""

import time
import unicodedata
from collections.abc import Callable, Iterator
from typing import Any

from ds4agent.cli.progress import visible

_GIB = 1 << 30
_LABEL = 9
_COLOURS = {"error": "\x1b[31m", "": "\x1b[1m"}
_RESET = "\x1b[0m"


class _Values(dict[str, Any]):
    """A JSON object that is never in the way: what is not there, or of another type, is the default."""

    def part(self, name: str) -> "_Values":
        value = self.get(name)
        return _Values(value if isinstance(value, dict) else {})

    def number(self, name: str) -> float | None:
        value = self.get(name)
        usable = isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 1e18
        return value if usable else None

    def count(self, name: str) -> int:
        return int(self.number(name) or 0)

    def text(self, name: str) -> str:
        value = self.get(name)
        return visible(" ".join(value.split())) if isinstance(value, str) else ""

    def parts(self, name: str) -> list["_Values"]:
        value = self.get(name)
        return [_Values(v) for v in value if isinstance(v, dict)] if isinstance(value, list) else []


def render(data: dict[str, Any], columns: int, colour: bool) -> list[str]:
    """Lines of at most `columns` columns."""
    values, out = _Values(data), []
    for label, rows in _SECTIONS.items():
        for i, text in enumerate(rows(values)):
            line = fit(f"{label if not i else '':<{_LABEL}} {text}" if label else text, columns)
            out.append(f"{_COLOURS[label]}{line}{_RESET}" if colour and label in _COLOURS else line)
    return out


def fit(text: str, columns: int) -> str:
    """As much of the beginning as fits; some characters take two columns."""
    width = 0
    for i, c in enumerate(text):
        width += 2 if unicodedata.east_asian_width(c) in "WF" else 1
        if width > columns:
            return text[:i]
    return text


def bar(percent: float, width: int = 20) -> str:
    full = round(width * min(max(percent, 0.0), 100.0) / 100)
    return f"[{'#' * full}{'.' * (width - full)}]"


def _join(*parts: str) -> str:
    return "  ".join(filter(None, parts))


def _span(seconds: float) -> str:
    whole = round(seconds)
    return f"{whole} s" if whole < 100 else f"{whole // 60} min {whole % 60:02} s"


def _gib(size: float) -> str:
    return f"{size / _GIB:.1f}"


def _head(v: _Values) -> Iterator[str]:
    percent, rate, left = v.number("percent"), v.number("tokens_per_second"), v.number("seconds_left")
    yield _join(
        v.part("model").text("model") or "no model",
        v.text("phase"),
        f"{percent:.0f}% {bar(percent)}" if percent is not None else "",
        f"{rate:.1f} tokens/s" if rate else "",
        f"{_span(left)} left" if left else "",
    )


def _request(v: _Values) -> Iterator[str]:
    work = v.part("request")
    if work:
        yield _join(
            f"{work.text('kind')} of {work.count('prompt')} tokens, {work.count('cached')} cached",
            f"read {work.count('done')}/{work.count('total')}" if work.count("total") else "",
            f"{work.count('generated')} written" if work.count("generated") else "",
        )


def _context(v: _Values) -> Iterator[str]:
    model = v.part("model")
    size, used = model.count("context"), model.count("used")
    if size:
        percent = 100 * used / size
        yield f"{used}/{size} tokens {bar(percent)} {percent:.0f}%"


def _kv(v: _Values) -> Iterator[str]:
    kv = v.part("kv")
    yield _join(
        f"{kv.count('hits')} hits ({kv.count('hit_tokens')} tokens)",
        f"{kv.count('stored')} stored",
        f"{kv.count('evicted')} evicted",
        f"{kv.count('misses')} live misses",
        f"{kv.count('failed')} failed" if kv.count("failed") else "",
    )
    experts = v.part("experts")
    if total := experts.count("hits") + experts.count("misses"):
        yield f"experts from memory: {100 * experts.count('hits') / total:.1f}% of {total}"


def _totals(v: _Values) -> Iterator[str]:
    totals = v.part("totals")
    if prompt := totals.count("prompt"):
        yield (
            f"{prompt} read, {100 * totals.count('cached') / prompt:.1f}% of them cached; "
            f"{totals.count('output')} written in {totals.count('requests')} requests"
        )


def _queue(v: _Values) -> Iterator[str]:
    waiting = v.parts("waiting")
    yield f"{v.count('running')} running, {len(waiting)} waiting"
    for w in waiting:
        yield (
            f"{w.count('position') + 1:>3}. {w.text('client') or '-':<12} {w.text('lane'):<12} "
            f"waited {_span(w.number('waited') or 0)}, about {_span(w.number('seconds') or 0)} to go"
        )


def _memory(v: _Values) -> Iterator[str]:
    memory = v.part("memory")
    device = memory.part("device")
    process, total, available = (memory.number(n) for n in ("process", "total", "available"))
    said = _join(
        f"engine {_gib(process)} GiB" if process is not None else "",
        f"device {_gib(device.number('used') or 0)}/{_gib(device.number('total') or 0)} GiB"
        if device
        else "",
        f"free {_gib(available)}/{_gib(total)} GiB" if available is not None and total is not None else "",
    )
    if said:
        yield said


def _engine(v: _Values) -> Iterator[str]:
    engine = v.part("engine")
    pid, port = engine.count("pid"), engine.count("port")
    yield _join(
        f"pid {pid}" if pid else "no process",
        f"port {port}" if port else "",
        f"{engine.count('restarts')} restarts",
        engine.text("why"),
    )


def _error(v: _Values) -> Iterator[str]:
    error = v.part("error")
    if error.text("text"):
        at = time.strftime("%H:%M:%S", time.localtime(min(max(error.number("at") or 0, 0), 1e11)))
        yield f"{at} {error.text('text')}"


_SECTIONS: dict[str, Callable[[_Values], Iterator[str]]] = {
    "": _head,
    "request": _request,
    "context": _context,
    "kv cache": _kv,
    "tokens": _totals,
    "queue": _queue,
    "memory": _memory,
    "engine": _engine,
    "error": _error,
}
