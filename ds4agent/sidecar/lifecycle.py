"""The engine as the sidecar keeps it: started when wanted, restarted when it dies, let go when idle.

    stopped -> loading <-> ready -> stopping -> stopped
                  \\         \\
                   +---------+-> waiting (a crash: back-off with jitter) -> loading
                                 broken (too many crashes: a person has to look, or time to pass)

An engine that somebody else started is used as it is, and left running in the end.

An engine that died is started again only if somebody wants it. A start that fails counts as a crash. When the
breaker opens, requests are refused with the engine's last words, until it closes or a start is asked for by
hand.
"""

import asyncio
import random
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum

from ds4agent.sidecar.adopt import Adopted, Found
from ds4agent.sidecar.breaker import Breaker
from ds4agent.sidecar.process import PROBE_SECONDS, EngineProcess, Launch, LaunchError, answers

KILL_GRACE = 0.1


class State(Enum):
    STOPPED = "stopped"
    LOADING = "loading"
    READY = "ready"
    STOPPING = "stopping"
    WAITING = "waiting"
    BROKEN = "broken"


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
        self.process: EngineProcess | Adopted | None = None
        self._breaker = Breaker(self._loop.time, self.jitter)
        self._task: asyncio.Task[None] | None = None
        self._idle: asyncio.TimerHandle | None = None
        self._told_port = 0
        self._killed_for = ""
        self._loads = 0.0  # since when

    @property
    def pid(self) -> int | None:
        return self.process.pid if self.process is not None and self.process.running else None

    @property
    def theirs(self) -> bool:
        """Whether somebody else started it: it serves what it serves."""
        return isinstance(self.process, Adopted)

    @property
    def retry_after(self) -> int:
        """Seconds until a broken engine may be tried again."""
        if self.state is not State.BROKEN:
            return 1
        return max(1, int(self._breaker.left))

    # -- wishes
    # -----------------------------------------------------------------------------------------------

    def want(self, by_hand: bool = False) -> None:
        """Somebody needs it."""
        self.busy()
        if self.state is State.BROKEN and (by_hand or self._breaker.left < 0):
            self._breaker.close()
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
        if self.state is State.READY and self.process is not None:
            self.suspend("a connection broke off")
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
        if state is State.LOADING:
            self._loads = self._loop.time()
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
                self.process = Adopted(found, self._exited)
            else:
                launch = self.launch()
                self.host, self.port = launch.host, launch.port
                self.process = await EngineProcess.start(launch, self._heard, self._exited)
        except (OSError, LaunchError) as error:
            self._crashed(f"the engine did not start: {error}")
            return
        self.changed()  # it has a pid
        await self._until_ready()

    async def _until_ready(self) -> None:
        try:
            async with asyncio.timeout(self.times.ready or None):
                await self._answers()
        except TimeoutError:
            who = f"process {self.pid}, which somebody else started," if self.theirs else "it"
            await self.kill(
                f"the engine did not start: {who} was not ready after {self.times.ready:g} seconds"
            )
        self.resume()

    def suspend(self, why: str) -> None:
        """Nothing more goes there, until `resume`."""
        if self.state is State.READY:
            self._set(State.LOADING, why)

    def resume(self) -> None:
        """Unless something else has happened."""
        if self.state is State.LOADING and self.pid is not None:
            self._breaker.started()
            self._set(State.READY)

    async def _answers(self) -> None:
        """Returns early if the process ends."""
        while self.process is not None and self.process.running:
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
        self.restarts += 1
        start = self._loop.time() - self._loads if self.state is State.LOADING else None
        if (pause := self._breaker.crashed(start)) is None:
            self._set(State.BROKEN, why)
            return
        self._set(State.WAITING, why)
        self._loop.call_later(pause, self._recovered)

    def _recovered(self) -> None:
        """The pause is over; whoever still wants the engine says so in `changed`."""
        if self.state is State.WAITING:
            self._set(State.STOPPED, self.why)

    async def _let_go(self, why: str) -> None:
        if self.process is not None and self.process.running:
            self._set(State.STOPPING, why)
            await self.process.stop(self.times.grace)
        self._set(State.STOPPED, why)

    async def kill(self, why: str) -> None:
        """One that somebody else started is left alone, and looked for again as if it had ended."""
        if self.process is not None and self.process.running:
            self._killed_for = why
            await self.process.stop(KILL_GRACE)
            if self.theirs:
                self._crashed(why)


def _spelled(status: int) -> str:
    return f"signal {-status}" if status < 0 else f"status {status}"
