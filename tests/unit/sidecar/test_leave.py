"""When a sidecar that was started on demand ends."""

from __future__ import annotations

from asyncio import AbstractEventLoop
from collections.abc import Callable
from typing import cast

from ds4agent.sidecar.leave import Leave


class Clock:
    """What Leave has of a loop, with a time that is set."""

    def __init__(self) -> None:
        self.now = 100.0
        self.due: list[tuple[float, Callable[[], None]]] = []

    def time(self) -> float:
        return self.now

    def call_later(self, delay: float, callback: Callable[[], None]) -> None:
        self.due.append((self.now + delay, callback))

    def until(self, moment: float) -> None:
        while self.due and self.due[0][0] <= moment:
            self.now, callback = self.due.pop(0)
            callback()
        self.now = moment


def leaving(seconds: float = 10.0) -> tuple[Clock, Leave, list[str], list[float]]:
    clock, here, ended = Clock(), list[str](), list[float]()
    leave = Leave(
        cast(AbstractEventLoop, clock), seconds, lambda: bool(here), lambda: ended.append(clock.now)
    )
    return clock, leave, here, ended


def test_nobody_ever_comes() -> None:
    clock, _, _, ended = leaving()
    clock.until(200.0)
    assert ended == [110.0]


def test_the_time_counts_from_the_last_request() -> None:
    clock, leave, _, ended = leaving()
    for moment in (104.0, 113.0, 122.5):
        clock.until(moment)
        leave.came("/v1/chat/completions")
    clock.until(200.0)
    assert ended == [132.5]


def test_who_is_here_is_not_left() -> None:
    clock, leave, here, ended = leaving()
    here.append("somebody")
    clock.until(175.0)
    assert ended == []
    here.clear()
    leave.came("/v1/messages")
    clock.until(300.0)
    assert ended == [185.0]


def test_looking_at_its_health_or_its_counters_keeps_nobody() -> None:
    clock, leave, _, ended = leaving()
    for moment in range(101, 140):
        clock.until(float(moment))
        for path in ("/health", "/v1/health", "/metrics"):
            leave.came(path)
    assert ended == [110.0]


def test_without_a_time_it_stays() -> None:
    clock, _, _, ended = leaving(0.0)
    clock.until(1e9)
    assert ended == []
