"""The sidecar put together: what becomes of each request, and when the engine runs.

Order for a request: is it allowed; do we answer it ourselves; else it takes a place in its lane, the engine
is wanted, and once both say yes it is connected. Its place is free again when its connection ends, for
whatever reason.
"""

import asyncio
import json
import os
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

from ds4agent.sidecar.adopt import Found, find
from ds4agent.sidecar.counters import Usage
from ds4agent.sidecar.dialects import THINKING, reply, thinks_most, with_thinking
from ds4agent.sidecar.guard import OPEN, OWN, Denied, Guard
from ds4agent.sidecar.hang import HangWatch
from ds4agent.sidecar.head import Head
from ds4agent.sidecar.lanes import WEIGHTS, Full, Lanes, Ticket
from ds4agent.sidecar.launcher import Launcher, UnknownModel
from ds4agent.sidecar.leave import Leave
from ds4agent.sidecar.lifecycle import Engine, State, Times
from ds4agent.sidecar.measure import RING_LINES, Measure
from ds4agent.sidecar.process import Launch
from ds4agent.sidecar.relay import Front
from ds4agent.sidecar.settings import SidecarSettings
from ds4agent.sidecar.status import EngineChanged, Queue, Waiting
from ds4agent.sidecar.switch import Load, Switch
from ds4agent.sidecar.token_count import Counting
from ds4agent.sidecar.usage import Observed
from ds4agent.wire.json_peek import peek
from ds4agent.wire.prometheus import CONTENT_TYPE

_LANES = {"/infill": "completion", "/v1/completions": "completion", "/ds4/prefetch": "background"}
LOAD, UNLOAD = f"{OWN}load", f"{OWN}unload"
LANE_FIELD = b"x-ds4agent-lane"


@dataclass(eq=False, slots=True)
class Carried:
    """A request on its way. Times are on the loop's clock; `waited` is None until it is connected."""

    head: Head
    client: str
    lane: str
    since: float
    lanes: Lanes
    ticket: Ticket | None = None
    waited: float | None = None
    observed: Observed = field(default_factory=Observed)
    keepalive: asyncio.TimerHandle | None = None


class TooLarge(Exception):
    """A request of which too little is held for what has to be done with it."""


class App:
    """A relay.Handler. `leave` is called when it is time to end, as the settings say."""

    def __init__(
        self,
        settings: SidecarSettings,
        token: str,
        launcher: Launcher,
        measure: Measure,
        leave: Callable[[], None],
    ) -> None:
        self._settings = settings
        self._loop = asyncio.get_running_loop()
        hosts = (*settings.hosts, settings.host)
        self._guard = Guard(token, settings.keys, hosts, settings.origins)
        self._counting = Counting(launcher)
        self._switch = Switch(self._new_lanes, self._loop.time)
        self._loading = launcher.first
        self._asked: Load | None = None  # by hand
        self._launcher = launcher
        self._measure = measure
        self._carried: dict[Front, Carried] = {}
        self._again: asyncio.TimerHandle | None = None
        self._started = time.monotonic()
        self.connections: set[Front] = set()
        self._leave = Leave(self._loop, settings.leave, lambda: bool(self.connections), leave)
        engine = settings.engine
        times = Times(engine.ready, engine.idle, engine.hang, engine.grace)
        self.engine = Engine(self._launch, measure.line, self._changed, times, find=self._find)
        if engine.url:
            host, _, port = engine.url.rpartition(":")
            self.engine.host, self.engine.port, self.engine.state = host, int(port), State.READY
            self._changed()
        self._watch: asyncio.Task[None] | None = None
        if engine.hang and not engine.url:
            watch = HangWatch(self.engine, self._last_byte, self._break_off)
            self._watch = self._loop.create_task(watch.run())
        if engine.preload:
            self.engine.want()

    def connection(self, sock: socket.socket) -> None:
        """A client has come."""
        Front(self, self.connections, sock)

    async def close(self) -> None:
        if self._watch is not None:
            self._watch.cancel()
        for front in list(self.connections):
            front.refuse(503, "the sidecar stops")
        if not self._settings.engine.url:
            await self.engine.stop()

    def _new_lanes(self) -> Lanes:
        return Lanes(self._settings.engine.width, self._settings.max_queue, self._loop.time)

    def _launch(self) -> Launch:
        wanted = self._switch.next_load() or self._asked
        self._asked = None
        if wanted is not None and wanted.model:
            self._loading = wanted
        self.engine.times = replace(self.engine.times, idle=self._launcher.idle(self._loading))
        return self._launcher(self._loading)

    def _find(self) -> Found | None:
        lock = self._settings.engine.adopt
        return find(Path(lock)) if lock else None

    # -- a request
    # --------------------------------------------------------------------------------------------

    def begin(self, front: Front, head: Head) -> None:
        client = self._guard.admit(head)
        if isinstance(client, Denied):
            front.refuse(client.status, client.message)
            return
        self._leave.came(head.path)
        if head.method == "OPTIONS":
            front.answer(reply(204, b"", fields=self._cors(head)))
        elif not self._answered(front, head):
            front.client = client

    def ready(self, front: Front, head: Head) -> None:
        if self._counting.takes(front, head, _model, self._measure.context):
            return
        if self.engine.state is State.BROKEN:
            self.engine.want()
        if self.engine.state is State.BROKEN:
            self._refuse_broken(front)
            return
        try:
            load = self._load_of(front, head)
        except UnknownModel as unknown:
            front.refuse(404, str(unknown))
            return
        except TooLarge as large:
            front.refuse(400, str(large))
            return
        lanes = self._switch.lanes(load)
        carried = self._carried[front] = Carried(head, front.client, _lane(head), self._loop.time(), lanes)
        self._enter(front)
        if not front.over:
            every = self._settings.keepalive
            carried.keepalive = self._loop.call_later(every, self._keep_alive, front, carried)

    def _enter(self, front: Front) -> None:
        carried = self._carried.get(front)
        if carried is None:
            return  # its client has gone
        try:
            carried.ticket = carried.lanes.enter(carried.lane, carried.client, partial(self._granted, front))
        except Full as full:
            front.refuse(
                429, "too many requests are waiting; try again later", ("Retry-After", str(full.seconds))
            )
            return
        self.engine.want()
        self._decide()

    def _load_of(self, front: Front, head: Head) -> Load:
        """What the request needs; a thinking mode in the model's name is put into the request. Raises
        UnknownModel, TooLarge.
        """
        usual = self._switch.running or self._usual
        if not self._settings.engine.models or head.path not in THINKING:
            return usual
        load = self._named(front, head) or usual
        if thinks_most(head.path, front.held):
            same = self._switch.running is not None and self._switch.running.model == load.model
            load = self._launcher.for_most_thinking(load, self._measure.context if same else 0)
        return load

    @property
    def _usual(self) -> Load:
        """The model that was loaded last, with the context that it usually has."""
        return Load(self._loading.model)

    def _named(self, front: Front, head: Head) -> Load | None:
        """What the request's model means, None: nothing. Raises UnknownModel, TooLarge."""
        try:
            load, thinking = self._launcher.resolve(_model(front))
        except UnknownModel:
            if len(self._settings.engine.models) == 1:
                return None  # clients bring names of other vendors' models along
            raise
        if thinking is not None:
            if not front.complete:
                raise TooLarge("so large a request has to name its thinking mode in a member of its own")
            front.replace_body(with_thinking(head.path, front.held, thinking))
        return load

    def _granted(self, front: Front) -> None:
        carried = self._carried[front]
        carried.waited = self._loop.time() - carried.since
        front.connect((self.engine.host, self.engine.port))

    def responded(self, front: Front, data: bytes) -> None:
        carried = self._carried.get(front)
        if carried is not None:
            carried.observed.feed(data, self._loop.time())

    def unreached(self, front: Front, error: OSError) -> None:
        """An engine of ours is about to be missed, and the request waits for the next one."""
        ticket = self._carried[front].ticket
        if self._settings.engine.url or ticket is None:
            front.refuse(502, f"the engine does not answer: {error.strerror}")
            return
        self._carried[front].waited = None
        self.engine.doubt()
        self._carried[front].lanes.put_back(ticket)

    def left(self, front: Front, answered: bool) -> None:
        cut = front.response.is_stream and not self._carried[front].observed.is_whole_stream()
        if (cut or not answered) and not self._settings.engine.url:
            self.engine.doubt()

    def ended(self, front: Front) -> None:
        carried = self._carried.pop(front, None)
        if carried is None:
            return
        self._leave.came(carried.head.path)
        if carried.keepalive is not None:
            carried.keepalive.cancel()
        if carried.ticket is not None:
            carried.lanes.leave(carried.ticket)
        self._measure.request(self._usage(front, carried))
        self._decide()
        if not self._carried:
            self.engine.rest()

    def _usage(self, front: Front, carried: Carried) -> Usage:
        seen, now = carried.observed, self._loop.time()
        tokens = seen.tokens()
        waited = carried.waited
        return Usage(
            client=carried.client,
            model=self._loading.model,
            lane=carried.lane,
            status=front.response.status,
            prompt=tokens.prompt or 0,
            cached=tokens.cached or 0,
            output=tokens.output or 0,
            queued=now - carried.since if waited is None else waited,
            first_token=seen.first - carried.since if seen.n_bytes else None,
            decoding=seen.last - seen.first if seen.n_bytes else None,
        )

    def _keep_alive(self, front: Front, carried: Carried) -> None:
        every, now = self._settings.keepalive, self._loop.time()
        quiet = now - max(carried.since, carried.observed.last)
        if quiet >= every * 0.99:
            front.keep_alive()
            quiet = 0.0
        carried.keepalive = self._loop.call_later(every - quiet, self._keep_alive, front, carried)

    # -- the engine
    # -------------------------------------------------------------------------------------------

    def _changed(self) -> None:
        engine, state = self.engine, self.engine.state
        self._measure.engine(
            EngineChanged(
                state.value, engine.why, engine.pid, engine.port, engine.restarts, tuple(engine.last_words)
            )
        )
        load = Load() if engine.theirs else self._loading
        self._switch.running = load if state is State.READY else None
        self._switch.open(state is State.READY)
        if state is State.READY:
            self._decide()
            if not self._carried:
                engine.rest()
        elif state is State.BROKEN:
            for front in list(self._carried):
                self._refuse_broken(front)
        elif state is State.STOPPED and (self._carried or self._asked):
            self._loop.call_soon(self.engine.want)

    def _decide(self) -> None:
        """Whether another model gets the engine now, or when that has to be asked again."""
        if self._again is not None:
            self._again.cancel()
            self._again = None
        if self.engine.state is not State.READY or self._settings.engine.url:
            return
        load, again = self._switch.decide()
        if load is not None:
            self.engine.replace(f"another model is wanted: {load.model}")
        elif again is not None:
            self._again = self._loop.call_later(again, self._decide)

    def _refuse_broken(self, front: Front) -> None:
        last = [line for line in self.engine.last_words if line.strip()]
        words = f"its last words: {last[-1]}" if last else "it said nothing"
        front.refuse(503, f"{self.engine.why}; {words}", ("Retry-After", str(self.engine.retry_after)))

    def _last_byte(self) -> float | None:
        running = [c for c in self._carried.values() if c.waited is not None]
        return max((max(c.since + (c.waited or 0.0), c.observed.last) for c in running), default=None)

    def _break_off(self) -> None:
        for front in [front for front, carried in self._carried.items() if carried.waited is not None]:
            front.refuse(504, "the engine hangs; the request was broken off")

    # -- what we answer ourselves
    # -------------------------------------------------------------------------------

    def _answered(self, front: Front, head: Head) -> bool:
        if head.path in OPEN and head.method in ("GET", "HEAD"):
            front.answer(reply(200, self._health()))
        elif head.path == f"{OWN}status" and head.method == "GET":
            front.answer(reply(200, self._status()))
        elif head.path == "/v1/models" and head.method == "GET" and (cards := self._cards()) is not None:
            front.answer(reply(200, cards))
        elif head.path == "/metrics" and head.method == "GET":
            front.answer(reply(200, self._measure.prometheus(), CONTENT_TYPE))
        elif head.path == f"{OWN}log" and head.method == "GET":
            front.answer(reply(200, "\n".join(self._measure.tail(RING_LINES)).encode() + b"\n", "text/plain"))
        elif head.path in (LOAD, UNLOAD) or head.path.startswith(f"{LOAD}/"):
            self._by_hand(front, head)
        elif head.path.startswith(OWN):
            front.refuse(404, "unknown endpoint")
        else:
            return False
        return True

    def _by_hand(self, front: Front, head: Head) -> None:
        """Load the model that the path names, or the usual one, or let the engine go."""
        if head.method != "POST":
            front.refuse(405, "POST is expected")
            return
        try:
            named = self._launcher.resolve(head.path[len(LOAD) + 1 :] if head.path != UNLOAD else "")[0]
        except UnknownModel as unknown:
            front.refuse(404, str(unknown))
            return
        wanted = None if head.path == UNLOAD else named or self._usual
        problem = self._load_next(wanted)
        if problem:
            front.refuse(409, problem)
        else:
            front.answer(reply(200, self._status()))

    def _load_next(self, wanted: Load | None) -> str:
        """Have this model, or none, without taking the engine from anybody; why that cannot be, or ""."""
        engine, running = self.engine, self._switch.running
        if running is not None and wanted is not None and running.satisfies(wanted):
            return ""
        if self._settings.engine.url or engine.theirs:
            return "the engine was started by somebody else"
        if self._carried or engine.state in (State.LOADING, State.STOPPING):
            return "the engine is busy; try again when it is idle"
        self._asked = wanted
        engine.replace("asked for by hand")
        if wanted is not None:
            engine.want(by_hand=True)
        return ""

    def _cards(self) -> bytes | None:
        return self._launcher.cards(self._switch.running, self._measure.context)

    def _health(self) -> bytes:
        value = {
            "status": "ok" if self.engine.state is not State.BROKEN else "broken",
            "engine": self.engine.state.value,
            "uptime_s": int(time.monotonic() - self._started),
            "queue_depth": self._switch.waiting,
            "busy": self._switch.busy > 0,
        }
        return json.dumps(value, separators=(",", ":")).encode() + b"\n"

    def _status(self) -> bytes:
        unix = time.time() - self._loop.time()
        waiting = tuple(
            Waiting(t.client, t.lane, i, unix + t.since, lanes.seconds(i))
            for lanes in self._switch
            for i, t in enumerate(lanes.order())
        )
        self._measure.queue(Queue(waiting, self._switch.busy))
        return self._measure.status(
            pid=os.getpid(), connections=len(self.connections), tasks=len(asyncio.all_tasks())
        )

    def _cors(self, head: Head) -> list[tuple[str, str]]:
        origin = head.field(b"origin")
        if origin is None or not self._guard.allows(origin):
            return []
        return [
            ("Access-Control-Allow-Origin", origin.decode("latin-1")),
            ("Access-Control-Allow-Methods", "GET, POST, OPTIONS"),
            ("Access-Control-Allow-Headers", "*"),
        ]


def _model(front: Front) -> str:
    """The name that the request gives, a name of any model if it gives none."""
    named = peek(front.held, (b"model",)).get(b"model", b"")
    try:
        name = json.loads(named) if named.startswith(b'"') else ""
    except ValueError:
        return ""
    return str(name)


def _lane(head: Head) -> str:
    wanted = (head.field(LANE_FIELD) or b"").decode("latin-1")
    return wanted if wanted in WEIGHTS else _LANES.get(head.path, "interactive")
