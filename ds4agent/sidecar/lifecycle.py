"""The engine as the sidecar keeps it: started when wanted, restarted when it dies, let go when idle.

    stopped -> loading <-> ready -> stopping -> stopped
                  \\         \\
                   +---------+-> waiting (a crash: back-off with jitter) -> loading
                                 broken (too many crashes: a person has to look, or time to pass)

An engine that somebody else started is used as it is, and left running in the end.

An engine that died is started again only if somebody wants it. A start that fails counts as a crash. After
MOST_CRASHES within CRASH_WINDOW the breaker opens: requests are refused, with the engine's last words, until
the window has passed or a start is asked for by hand.

An engine hangs if requests are being carried and for `hang` seconds it has written no byte, no line of log,
and done no computing. Then what runs is broken off; if that does not wake it up, which its log or its
computing would show, it is killed and restarted.
"""

import asyncio
import random
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum

from ds4agent.sidecar.adopt import Adopted, Found
from ds4agent.sidecar.process import PROBE_SECONDS, EngineProcess, answers, cpu_seconds

MOST_CRASHES = 5
CRASH_WINDOW = 300.0
FIRST_PAUSE = 1.0
LONGEST_PAUSE = 60.0
KILL_GRACE = 0.1


class State(Enum):
    STOPPED = "stopped"
    LOADING = "loading"
    READY = "ready"
    STOPPING = "stopping"
    WAITING = "waiting"
    BROKEN = "broken"


@dataclass(frozen=True, slots=True)
class Launch:
    """How to start an engine. `port` 0: its log says which it took."""

    argv: Sequence[str]
    environment: Mapping[str, str]
    host: str = "127.0.0.1"
    port: int = 0


@dataclass(frozen=True, slots=True)
class Times:
    """In seconds; 0: never."""

    ready: float = 600.0
    idle: float = 0.0
    hang: float = 180.0
    grace: float = 20.0


@dataclass
class Engine:
    """`launch` is asked before each start and may raise LaunchError; `line` gets the engine's log; `changed`
    is called after each change of `state`. `find`: an engine that runs already, to be used instead.
    """

    launch: Callable[[], Launch]
    line: Callable[[str], None]
    changed: Callable[[], None]
    times: Times = Times()
    jitter: Callable[[], float] = random.random
    find: Callable[[], Found | None] = lambda: None

    state: State = State.STOPPED
    host: str = "127.0.0.1"
    port: int = 0
    last_words: deque[str] = field(default_factory=lambda: deque(maxlen=20))
    restarts: int = 0
    why: str = ""

    def __post_init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._process: EngineProcess | Adopted | None = None
        self._crashes: deque[float] = deque(maxlen=MOST_CRASHES)
        self._task: asyncio.Task[None] | None = None
        self._idle: asyncio.TimerHandle | None = None
        self._told_port = 0
        self._killed_for = ""

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process is not None and self._process.running else None

    @property
    def theirs(self) -> bool:
        """Whether somebody else started it: it serves what it serves."""
        return isinstance(self._process, Adopted)

    @property
    def retry_after(self) -> int:
        """Seconds until a broken engine may be tried again."""
        if self.state is not State.BROKEN:
            return 1
        return max(1, int(self._crashes[0] + CRASH_WINDOW - self._loop.time()))

    # -- wishes
    # -----------------------------------------------------------------------------------------------

    def want(self, by_hand: bool = False) -> None:
        """Somebody needs it."""
        self.busy()
        if self.state is State.BROKEN and (by_hand or self._loop.time() > self._crashes[0] + CRASH_WINDOW):
            self._crashes.clear()
            self._set(State.STOPPED)
        if self.state is State.STOPPED:
            self._set(State.LOADING)
            self._begin(self._start())

    def busy(self) -> None:
        if self._idle is not None:
            self._idle.cancel()
            self._idle = None

    def rest(self) -> None:
        """Nobody needs it now."""
        self.busy()
        if self.times.idle and self.state is State.READY:
            self._idle = self._loop.call_later(self.times.idle, self._rested)

    def _rested(self) -> None:
        if self.state is not State.READY:
            return
        self._set(State.STOPPING, "idle")
        self._begin(self._let_go("idle"))

    def replace(self, why: str) -> None:
        """End it; `launch` says what comes instead, once somebody wants it."""
        if self.state is State.READY:
            self._set(State.STOPPING, why)
            self._begin(self._let_go(why))

    def doubt(self) -> None:
        """A connection broke off: no requests until it is known whether the process is ending, too."""
        if self.state is State.READY and self._process is not None:
            self._set(State.LOADING, "a connection broke off")
            self._begin(self._until_ready())

    async def stop(self) -> None:
        """For good: its cache is written, as far as it does that itself."""
        self.busy()
        if self._task is not None:
            self._task.cancel()
        await self._let_go("the sidecar stops")

    # -- what happens
    # -----------------------------------------------------------------------------------------

    # A state is set before what it stands for begins: in the same turn of the loop somebody else may ask.

    def _begin(self, coroutine: "asyncio._CoroutineLike[None]") -> None:
        self._task = self._loop.create_task(coroutine)

    def _set(self, state: State, why: str = "") -> None:
        self.state, self.why = state, why
        self.changed()

    def _heard(self, line: str) -> None:
        self.last_words.append(line)
        _, said, address = line.partition("listening on http://")
        if said and address.rpartition(":")[2].isdigit():
            self._told_port = int(address.rpartition(":")[2])
        self.line(line)

    async def _start(self) -> None:
        self._told_port, self._killed_for = 0, ""
        try:
            if (found := self.find()) is not None:
                self.host, self.port = found.host, found.port
                self._process = Adopted(found, self._exited)
            else:
                launch = self.launch()
                self.host, self.port = launch.host, launch.port
                self._process = await EngineProcess.start(
                    launch.argv, launch.environment, self._heard, self._exited
                )
        except (OSError, LaunchError) as error:
            self._crashed(f"the engine did not start: {error}")
            return
        await self._until_ready()

    async def _until_ready(self) -> None:
        try:
            async with asyncio.timeout(self.times.ready or None):
                await self._answers()
        except TimeoutError:
            await self._kill(f"the engine did not start: it was not ready after {self.times.ready:g} seconds")
        self._is_ready()

    def _is_ready(self) -> None:
        """Unless something else has happened."""
        if self.state is State.LOADING and self.pid is not None:
            self._set(State.READY)

    async def _answers(self) -> None:
        """Returns early if the process ends."""
        while self._process is not None and self._process.running:
            await asyncio.sleep(PROBE_SECONDS)
            self.port = self.port or self._told_port
            if self.port and await answers(self.host, self.port):
                return

    def _exited(self, status: int) -> None:
        if self.state in (State.LOADING, State.READY):
            self._crashed(self._killed_for or f"the engine ended with {_spelled(status)}")

    def _crashed(self, why: str) -> None:
        if self.state not in (State.LOADING, State.READY):
            return
        self._crashes.append(self._loop.time())
        self.restarts += 1
        recent = [at for at in self._crashes if at > self._loop.time() - CRASH_WINDOW]
        if len(recent) >= MOST_CRASHES:
            self._set(State.BROKEN, why)
            return
        pause = min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** (len(recent) - 1)) * (0.5 + self.jitter())
        self._set(State.WAITING, why)
        self._loop.call_later(pause, self._recovered)

    def _recovered(self) -> None:
        """The pause is over; whoever still wants the engine says so in `changed`."""
        if self.state is State.WAITING:
            self._set(State.STOPPED, self.why)

    async def _let_go(self, why: str) -> None:
        if self._process is not None and self._process.running:
            self._set(State.STOPPING, why)
            await self._process.stop(self.times.grace)
        self._set(State.STOPPED, why)

    async def _kill(self, why: str) -> None:
        if self._process is not None and self._process.running:
            self._killed_for = why
            await self._process.stop(KILL_GRACE)

    # -- an engine that hangs
    # ---------------------------------------------------------------------------------

    async def watch(self, last_byte: Callable[[], float | None], break_off: Callable[[], None]) -> None:
        """Until cancelled. `last_byte`: when one last came for a request that is carried; None: none is."""
        while True:
            await asyncio.sleep(self.times.hang / 4)
            byte, silent_since = last_byte(), self._loop.time() - self.times.hang
            if byte is not None and byte <= silent_since and await self._is_dead_since(silent_since):
                await self._wake_or_kill(break_off)

    async def _wake_or_kill(self, break_off: Callable[[], None]) -> None:
        if self.state is not State.READY:
            return
        broken_off = self._loop.time()
        self._set(State.LOADING, "the engine hangs")  # nothing more goes there
        break_off()
        if await self._is_dead_since(broken_off):
            await self._kill("the engine hung")
        self._is_ready()

    async def _is_dead_since(self, moment: float) -> bool:
        """No line since then, and no computing for a while from now on."""
        process = self._process
        if process is None or process.last_line > moment:
            return False
        before = cpu_seconds(process.pid)
        await asyncio.sleep(max(1.0, self.times.hang / 20))
        after = cpu_seconds(process.pid)
        return (
            process.last_line <= moment and before is not None and after is not None and after - before < 0.02
        )


class LaunchError(Exception):
    """The engine cannot be started as things are; the message says what to do."""


def _spelled(status: int) -> str:
    return f"signal {-status}" if status < 0 else f"status {status}"
