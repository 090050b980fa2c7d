"""What the stand-in of ds4-server does besides behaving well. See ds4_server.py for how to set these."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any

MARK = b"ds4-standin:"
Wait = float | str  # seconds, or the path of a file whose appearance ends the wait


@dataclass(frozen=True)
class Knobs:
    """Loading.

    load: wait while the model loads; load_lines: log lines meanwhile; never_ready: the load never ends and
    says nothing; load_error: `ds4: TEXT` and exit status 1 instead of serving; once: path: the first process
    makes this file, and all later ones behave well; generation: overrides the one of the name; stdout:
    something is printed on stdout; log_noise: unknown log lines after each request.

    Requests (of a request's own too, see ds4_server.py).

    after: the faults below begin behind so many good requests; prefill: wait in prefill; prefill_chunks:
    progress events and log lines in it, the wait is spread between them; keepalive: seconds between
    keepalive comments, checked at each event (None: never); first: wait before the first event of the reply;
    tokens: words of the answer, interval: wait before each; reasoning, text: the words themselves, over
    `tokens`; calls: [[name, arguments], ...]; finish: the finish reason; status: answer with this error
    status; fail: the prefill fails with this text; crash: "accept", "prefill" or "decode": the process dies
    there by SIGABRT; hang: the same places: from there on no byte, no log line, no CPU ("accept": every
    connection, /v1/models too); garbage: bytes that are no HTTP; close: "accept", "head" (behind the
    headers) or "event" (in the middle of one); flood: bytes in all, sent in events of 64 KiB as fast as the
    reader takes them.

    Ending: persist: wait while the state is written at shutdown; ignore_term: SIGTERM does nothing.
    """

    generation: str = ""
    load: Wait = 0.0
    load_lines: int = 3
    never_ready: bool = False
    load_error: str = ""
    once: str = ""
    stdout: str = ""
    log_noise: int = 0
    after: int = 0
    prefill: Wait = 0.0
    prefill_chunks: int = 1
    keepalive: float | None = 5.0
    first: Wait = 0.0
    tokens: int = 4
    interval: Wait = 0.0
    reasoning: list[str] | None = None
    text: list[str] | None = None
    calls: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    finish: str = ""
    status: int = 0
    fail: str = ""
    crash: str = ""
    hang: str = ""
    garbage: bool = False
    close: str = ""
    flood: int = 0
    persist: Wait = 0.0
    ignore_term: bool = False

    def with_values(self, values: dict[str, Any]) -> Knobs:
        """Raises KeyError for a knob that does not exist, so that no test passes for a misspelt one."""
        known = {knob.name for knob in fields(self)}
        for name in values:
            if name not in known:
                raise KeyError(f"the stand-in has no knob {name!r}")
        return replace(self, **values)

    def calm(self) -> Knobs:
        """The same without faults."""
        good = Knobs()
        faults = ("status", "fail", "crash", "hang", "garbage", "close", "flood", "never_ready", "load_error")
        return replace(self, **{name: getattr(good, name) for name in faults})


def of_environment() -> Knobs:
    return Knobs().with_values(json.loads(os.environ.get("DS4_STANDIN", "{}")))


def of_model(knobs: Knobs, model: bytes) -> Knobs:
    """What a model file holds behind the mark wins over the environment."""
    at = model.find(MARK)
    if at < 0:
        return knobs
    values, _ = json.JSONDecoder().raw_decode(model[at + len(MARK) :].decode(errors="replace"))
    return knobs.with_values(values)


def wait(what: Wait, ended: Callable[[], bool] = lambda: False) -> bool:
    """True when the wait is over, False when `ended` turned true before."""
    until = None if isinstance(what, str) else time.monotonic() + what
    while not ended():
        left = 0.005 if until is None else until - time.monotonic()
        if left <= 0 or (isinstance(what, str) and Path(what).exists()):
            return True
        time.sleep(min(left, 0.005))
    return False
