"""The engine's life, with real small processes; the clock of the loop can be moved on."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from ds4agent.sidecar import breaker
from ds4agent.sidecar.adopt import Found
from ds4agent.sidecar.hang import HangWatch
from ds4agent.sidecar.lifecycle import Engine, State, Times
from ds4agent.sidecar.process import Launch, LaunchError
from tests.standins import free_port
from tests.unit.sidecar.movable import MovableLoop

# An engine that listens, does what its argument says, and says so.
CHILD = r"""
import os, signal, socket, sys, threading, time
def say(text): os.write(2, (text + "\n").encode())
asked = []
def on_term(*_):
    if "deaf" in what: return say("heard")
    if asked: os._exit(130)
    asked.append(1)
    for i in range(4 if "slow" in what else 0):
        say("persisting %d" % i); time.sleep(0.3)
    say("bye"); os._exit(0)
what = sys.argv[1]
signal.signal(signal.SIGTERM, on_term)
if "fails" in what: say("ds4: no such model"); sys.exit(1)
if "mute" in what:
    say("loading")
    while True: time.sleep(1)
sock = socket.create_server(("127.0.0.1", 0))
say("listening on http://127.0.0.1:%d" % sock.getsockname()[1])
if "busy" in what: threading.Thread(target=lambda: [None for _ in iter(int, 1)], daemon=True).start()
while True:
    client, _ = sock.accept()
    client.close()
"""


class Life:
    """An engine and what is to be seen of it."""

    def __init__(self, loop: MovableLoop, what: str, times: Times) -> None:
        self.loop, self.what = loop, what
        self.states: list[State] = []
        self.lines: list[str] = []
        self._moved = asyncio.Event()
        self.wanted: Callable[[], bool] = lambda: False
        self.engine = Engine(self._launch, self._line, self._changed, times, jitter=lambda: 0.5)

    def _launch(self) -> Launch:
        if self.what == "unlaunchable":
            raise LaunchError("no model is chosen: run ds4agent models")
        if self.what == "nowhere":
            return Launch(["/nonexistent/ds4-server"], {})
        return Launch([sys.executable, "-S", "-E", "-c", CHILD, self.what], dict(os.environ))

    def _line(self, line: str) -> None:
        self.lines.append(line)
        self._moved.set()

    def _changed(self) -> None:
        if self.states[-1:] != [self.engine.state]:
            self.states.append(self.engine.state)
        self._moved.set()
        if self.engine.state is State.STOPPED and self.wanted():
            self.loop.call_soon(self.engine.want)

    async def until(self, true: Callable[[], bool]) -> None:
        while not true():
            self._moved.clear()
            await asyncio.wait_for(self._moved.wait(), 30 + self.loop.ahead)

    async def reach(self, state: State) -> None:
        await self.until(lambda: self.engine.state is state)

    @property
    def state(self) -> State:
        return self.engine.state

    @property
    def pid(self) -> int:
        assert self.engine.pid is not None
        return self.engine.pid


@pytest.fixture
def loop() -> Iterator[MovableLoop]:
    with asyncio.Runner(loop_factory=MovableLoop) as runner:
        loop = runner.get_loop()
        assert isinstance(loop, MovableLoop)
        yield loop


Act = Callable[[Life], Coroutine[Any, Any, None]]


def live(loop: MovableLoop, what: str, act: Act, times: Times | None = None) -> Life:
    async def run() -> Life:
        async with _life(loop, what, times or Times(grace=5.0)) as life:
            await act(life)
        return life

    return loop.run_until_complete(run())


@asynccontextmanager
async def _life(loop: MovableLoop, what: str, times: Times) -> AsyncIterator[Life]:
    life = Life(loop, what, times)
    try:
        yield life
    finally:
        if life.engine.pid is not None and not life.engine.theirs:
            os.kill(life.engine.pid, signal.SIGKILL)
        await life.engine.stop()


def test_started_when_wanted_and_stopped_for_good(loop: MovableLoop) -> None:
    async def act(life: Life) -> None:
        assert life.engine.pid is None
        life.engine.want()
        life.engine.want()
        await life.reach(State.READY)
        assert life.engine.port > 0
        pid = life.pid
        await life.engine.stop()
        assert life.engine.pid is None
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)

    life = live(loop, "good", act)
    assert life.states[:4] == [State.LOADING, State.READY, State.STOPPING, State.STOPPED]
    assert life.lines[-1] == "bye"


def test_a_crash_nobody_minds_is_not_mended(loop: MovableLoop) -> None:
    async def act(life: Life) -> None:
        life.engine.want()
        await life.reach(State.READY)
        os.kill(life.pid, signal.SIGKILL)
        await life.reach(State.WAITING)
        assert life.engine.why == "the engine ended with signal 9"
        for seconds, state in ((0.9, State.WAITING), (0.2, State.STOPPED), (1000, State.STOPPED)):
            await loop.move(seconds)
            assert life.state is state
        assert life.engine.pid is None

    live(loop, "good", act)


def test_a_crash_somebody_minds_is_mended(loop: MovableLoop) -> None:
    async def act(life: Life) -> None:
        life.wanted = lambda: True
        life.engine.want()
        await life.reach(State.READY)
        first = life.pid
        os.kill(first, signal.SIGKILL)
        await life.reach(State.WAITING)
        await loop.move(1.1)
        await life.reach(State.READY)
        assert life.pid != first
        assert life.engine.restarts == 1
        life.wanted = lambda: False

    live(loop, "good", act)


def test_pauses_double_and_the_breaker_opens_and_closes(loop: MovableLoop) -> None:
    async def act(life: Life) -> None:
        life.wanted = lambda: True
        life.engine.want()
        for crash in range(breaker.MOST_CRASHES - 1):
            await life.reach(State.WAITING)
            pause = breaker.FIRST_PAUSE * 2**crash
            await loop.move(pause - 0.5)
            assert life.state is State.WAITING, crash
            await loop.move(0.6)
            await life.until(lambda: life.engine.state in (State.WAITING, State.BROKEN))
        await life.reach(State.BROKEN)
        assert life.engine.why == "the engine ended with status 1"
        assert list(life.engine.last_words)[-1] == "ds4: no such model"
        assert 0 < life.engine.retry_after < breaker.CRASH_WINDOW
        starts = life.states.count(State.LOADING)
        life.engine.want()
        await loop.move(10)
        assert (life.engine.state, life.states.count(State.LOADING)) == (State.BROKEN, starts)
        life.wanted = lambda: False
        life.what = "good"
        await loop.move(breaker.CRASH_WINDOW)
        life.engine.want()
        await life.reach(State.READY)

    live(loop, "fails", act)


def test_a_broken_engine_is_started_by_hand(loop: MovableLoop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(breaker, "MOST_CRASHES", 1)

    async def act(life: Life) -> None:
        life.engine.want()
        await life.reach(State.BROKEN)
        life.what = "good"
        life.engine.want()
        assert life.state is State.BROKEN
        life.engine.want(by_hand=True)
        await life.reach(State.READY)

    live(loop, "fails", act)


def test_crashes_long_ago_do_not_count(loop: MovableLoop) -> None:
    async def act(life: Life) -> None:
        life.wanted = lambda: True
        life.engine.want()
        for _ in range(breaker.MOST_CRASHES + 2):
            await life.reach(State.READY)
            await loop.move(breaker.CRASH_WINDOW)
            os.kill(life.pid, signal.SIGKILL)
            await life.reach(State.WAITING)
            await loop.move(1.1)
        life.wanted = lambda: False

    assert State.BROKEN not in live(loop, "good", act).states


@pytest.mark.parametrize(
    ("what", "why"),
    [("unlaunchable", "no model is chosen: run ds4agent models"), ("nowhere", "No such file or directory")],
)
def test_what_cannot_be_started_says_why(loop: MovableLoop, what: str, why: str) -> None:
    async def act(life: Life) -> None:
        life.engine.want()
        await life.reach(State.WAITING)
        assert life.engine.why.startswith("the engine did not start: ")
        assert why in life.engine.why

    live(loop, what, act)


def test_an_engine_that_is_never_ready(loop: MovableLoop) -> None:
    async def act(life: Life) -> None:
        life.engine.want()
        await life.until(lambda: bool(life.lines))
        pid = life.pid
        await loop.move(301)
        await life.reach(State.WAITING)
        assert life.engine.why == "the engine did not start: it was not ready after 300 seconds"
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)

    live(loop, "mute deaf", act, Times(ready=300.0))


def test_one_that_is_never_ready_is_not_tried_for_ever(loop: MovableLoop) -> None:
    """However long a start may take."""

    async def act(life: Life) -> None:
        life.wanted = lambda: True
        life.engine.want()
        for state in (State.WAITING, State.BROKEN):
            life.lines.clear()
            await life.until(lambda: "loading" in life.lines)
            await loop.move(601)
            await life.reach(state)
            await loop.move(1.1)
        assert life.engine.why == "the engine did not start: it was not ready after 600 seconds"
        assert breaker.CRASH_WINDOW - 30 < life.engine.retry_after <= breaker.CRASH_WINDOW
        life.engine.want()
        assert life.state is State.BROKEN
        life.what = "good"
        await loop.move(breaker.CRASH_WINDOW)
        life.engine.want()
        await life.reach(State.READY)
        life.wanted = lambda: False

    live(loop, "mute", act, Times(ready=600.0))


def test_one_of_somebody_else_that_never_answers(loop: MovableLoop) -> None:
    """It is not ours to kill, but another one is started as soon as it is gone."""

    async def act(life: Life) -> None:
        life.engine.find = lambda: Found(os.getpid(), "127.0.0.1", free_port())
        life.engine.want()
        await life.until(lambda: life.engine.theirs)
        await loop.move(301)
        await life.reach(State.WAITING)
        who = f"process {os.getpid()}, which somebody else started,"
        assert life.engine.why == f"the engine did not start: {who} was not ready after 300 seconds"
        life.engine.find, life.wanted = lambda: None, lambda: True
        await loop.move(1.1)
        await life.reach(State.READY)
        assert not life.engine.theirs
        life.wanted = lambda: False

    live(loop, "good", act, Times(ready=300.0))


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="a process's state is read from /proc")
def test_one_of_somebody_else_whose_parent_does_not_ask_for_it_has_ended(loop: MovableLoop) -> None:
    async def act(life: Life) -> None:
        with socket.create_server(("127.0.0.1", 0)) as port, subprocess.Popen(["sleep", "600"]) as theirs:
            life.engine.find = lambda: Found(theirs.pid, *port.getsockname())
            life.engine.want()
            await life.reach(State.READY)
            theirs.kill()
            os.waitid(os.P_PID, theirs.pid, os.WEXITED | os.WNOWAIT)
            await loop.move(1.1)
            assert life.state is State.WAITING

    live(loop, "good", act)


def test_let_go_when_idle_and_loaded_again(loop: MovableLoop) -> None:
    async def act(life: Life) -> None:
        life.engine.want()
        await life.reach(State.READY)
        life.engine.rest()
        await loop.move(59)
        life.engine.want()  # a request
        await loop.move(59)
        assert life.state is State.READY
        life.engine.rest()
        await loop.move(61)
        await life.reach(State.STOPPED)
        assert life.engine.why == "idle"
        life.engine.want()
        await life.reach(State.READY)

    live(loop, "good", act, Times(idle=60.0))


def test_wanted_again_while_it_is_let_go(loop: MovableLoop) -> None:
    async def act(life: Life) -> None:
        life.engine.want()
        await life.reach(State.READY)
        life.engine.rest()
        await loop.move(61)
        await life.reach(State.STOPPING)
        life.wanted = lambda: True
        life.engine.want()
        await life.reach(State.READY)
        life.wanted = lambda: False

    life = live(loop, "slow", act, Times(idle=60.0, grace=5.0))
    assert "persisting 3" in life.lines  # it was not cut short


def test_stopped_while_it_is_let_go(loop: MovableLoop) -> None:
    """A second SIGTERM would cut short what the first one had it write."""

    async def act(life: Life) -> None:
        life.engine.want()
        await life.reach(State.READY)
        life.engine.rest()
        await loop.move(61)
        await life.until(lambda: life.lines[-1] == "persisting 0")
        await life.engine.stop()
        assert life.lines[-2:] == ["persisting 3", "bye"]

    live(loop, "slow", act, Times(idle=60.0, grace=5.0))


def test_the_grace_follows_the_log(loop: MovableLoop) -> None:
    """0.3 s between lines and 0.5 s of grace: more than a second of writing, and not killed."""

    async def act(life: Life) -> None:
        life.engine.want()
        await life.reach(State.READY)
        await life.engine.stop()
        assert life.lines[-5:] == [*(f"persisting {i}" for i in range(4)), "bye"]

    live(loop, "slow", act, Times(grace=0.5))


def test_no_grace_for_one_that_does_nothing(loop: MovableLoop) -> None:
    async def act(life: Life) -> None:
        life.engine.want()
        await life.reach(State.READY)
        stopping = loop.create_task(life.engine.stop())
        await life.until(lambda: life.lines[-1] == "heard")
        assert not stopping.done()
        await loop.move(60)
        await stopping
        assert life.engine.pid is None

    live(loop, "deaf", act, Times(grace=60.0))


@pytest.mark.parametrize("moment", [State.LOADING, State.WAITING])
def test_stopped_in_the_middle_of_a_start(loop: MovableLoop, moment: State) -> None:
    async def act(life: Life) -> None:
        life.engine.want()
        await life.reach(moment)
        await life.engine.stop()
        await loop.move(1000)
        assert (life.engine.state, life.engine.pid) == (State.STOPPED, None)

    live(loop, "mute" if moment is State.LOADING else "fails", act)


HANG = Times(hang=8.0)


async def _watched(life: Life, last_byte: float | None, broken: list[float]) -> asyncio.Task[None]:
    life.engine.want()
    await life.reach(State.READY)

    def break_off() -> None:
        broken.append(life.loop.time())
        if "wakes" in life.what:
            os.kill(life.pid, signal.SIGTERM)  # a deaf one says a line to this

    return life.loop.create_task(HangWatch(life.engine, lambda: last_byte, break_off).run())


async def _pass_time(life: Life, task: asyncio.Task[None], enough: Callable[[], bool]) -> None:
    """Seconds are skipped, but those in which the engine's computing is measured are real."""
    for _ in range(60):
        if enough():
            break
        life.loop.ahead += 1.5
        await asyncio.sleep(0.05)
    task.cancel()


def test_one_that_hangs_is_broken_off_and_killed(loop: MovableLoop) -> None:
    broken: list[float] = []

    async def act(life: Life) -> None:
        watch = await _watched(life, loop.time(), broken)
        pid = life.pid
        await _pass_time(life, watch, lambda: life.engine.state is State.WAITING)
        assert life.engine.why == "the engine hung"
        assert len(broken) == 1
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)

    live(loop, "deaf", act, HANG)


def test_one_of_somebody_else_that_hangs_is_broken_off_and_left_alone(loop: MovableLoop) -> None:
    broken: list[float] = []

    async def act(life: Life) -> None:
        with socket.create_server(("127.0.0.1", 0)) as port, subprocess.Popen(["sleep", "600"]) as theirs:
            life.engine.find = lambda: Found(theirs.pid, *port.getsockname())
            watch = await _watched(life, loop.time(), broken)
            await _pass_time(life, watch, lambda: life.engine.state is State.WAITING)
            left_alone = theirs.poll() is None
            theirs.kill()
        life.engine.find = lambda: None
        assert (life.engine.why, len(broken)) == ("the engine hung", 1)
        assert left_alone

    live(loop, "good", act, HANG)


def test_one_that_wakes_up_is_left_alone(loop: MovableLoop) -> None:
    broken: list[float] = []

    async def act(life: Life) -> None:
        watch = await _watched(life, loop.time(), broken)
        await _pass_time(life, watch, lambda: "heard" in life.lines and life.state is State.READY)
        assert len(broken) == 1
        assert life.state is State.READY

    live(loop, "deaf wakes", act, HANG)


def test_nothing_that_is_carried_means_no_hang(loop: MovableLoop) -> None:
    broken: list[float] = []

    async def act(life: Life) -> None:
        watch = await _watched(life, None, broken)
        await _pass_time(life, watch, lambda: False)
        assert life.state is State.READY

    live(loop, "good", act, HANG)
    assert not broken


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="computing is read from /proc")
def test_one_that_computes_does_not_hang(loop: MovableLoop) -> None:
    broken: list[float] = []

    async def act(life: Life) -> None:
        watch = await _watched(life, loop.time(), broken)
        await asyncio.sleep(0)
        loop.ahead += 20.0
        await asyncio.sleep(2.5)  # one measurement takes a second
        watch.cancel()
        assert life.state is State.READY

    live(loop, "busy", act, HANG)
    assert not broken
