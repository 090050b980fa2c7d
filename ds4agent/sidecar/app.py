"""The sidecar put together: what becomes of each request, and when the engine runs.

Order for a request: is it allowed; do we answer it ourselves; else it takes a place in its lane, the engine
is wanted, and once both say yes it is connected. Its place is free again when its connection ends, for
whatever reason.
"""

import asyncio
import json
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

from ds4agent.sidecar.dialects import reply
from ds4agent.sidecar.guard import OPEN, OWN, Denied, Guard
from ds4agent.sidecar.head import Head
from ds4agent.sidecar.lanes import WEIGHTS, Full, Lanes, Ticket
from ds4agent.sidecar.lifecycle import Engine, Launch, State, Times
from ds4agent.sidecar.relay import Front
from ds4agent.sidecar.settings import SidecarSettings
from ds4agent.sidecar.usage import Observed, Tokens

_LANES = {"/infill": "completion", "/v1/completions": "completion", "/ds4/prefetch": "background"}
LANE_FIELD = b"x-ds4agent-lane"
MODELS = "/v1/models"


@dataclass(eq=False, slots=True)
class Carried:
    """A request on its way. Times are on the loop's clock; `waited` is None until it is connected."""

    head: Head
    client: str
    lane: str
    since: float
    ticket: Ticket | None = None
    waited: float | None = None
    observed: Observed = field(default_factory=Observed)
    keepalive: asyncio.TimerHandle | None = None


@dataclass(frozen=True, slots=True)
class Record:
    """A request that is over. Seconds from its arrival; `status` 0: the client left before there was one."""

    client: str
    lane: str
    path: str
    status: int
    tokens: Tokens
    waited: float
    first: float
    total: float


class App:
    """A relay.Handler. `line` gets the engine's log, `record` what became of each request."""

    def __init__(
        self,
        settings: SidecarSettings,
        token: str,
        line: Callable[[str], None],
        record: Callable[[Record], None] = lambda _record: None,
    ) -> None:
        self._settings = settings
        self._loop = asyncio.get_running_loop()
        self._guard = Guard(token, settings.keys, settings.hosts, settings.origins)
        self._lanes = Lanes(settings.engine.width, settings.max_queue, self._loop.time)
        self._record = record
        self._carried: dict[Front, Carried] = {}
        self._models: bytes | None = None
        self._started = time.monotonic()
        self.connections: set[Front] = set()
        engine = settings.engine
        times = Times(engine.ready, engine.idle, engine.hang, engine.grace)
        self.engine = Engine(self._launch, line, self._changed, times)
        if engine.url:
            host, _, port = engine.url.rpartition(":")
            self.engine.host, self.engine.port, self.engine.state = host, int(port), State.READY
            self._lanes.open = True
        self._watch: asyncio.Task[None] | None = None
        if engine.hang and not engine.url:
            self._watch = self._loop.create_task(self.engine.watch(self._last_byte, self._break_off))
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

    def _launch(self) -> Launch:
        engine = self._settings.engine
        return Launch(engine.argv, engine.environment, port=engine.port)

    # -- a request
    # --------------------------------------------------------------------------------------------

    def begin(self, front: Front, head: Head) -> None:
        client = self._guard.admit(head)
        if isinstance(client, Denied):
            front.refuse(client.status, client.message)
        elif head.method == "OPTIONS":
            front.answer(reply(204, b"", fields=self._cors(head)))
        elif not self._answered(front, head):
            front.client = client

    def ready(self, front: Front, head: Head) -> None:
        if self.engine.state is State.BROKEN:
            self.engine.want()
        if self.engine.state is State.BROKEN:
            self._refuse_broken(front)
            return
        carried = self._carried[front] = Carried(head, front.client, _lane(head), self._loop.time())
        try:
            carried.ticket = self._lanes.enter(carried.lane, carried.client, partial(self._granted, front))
        except Full as full:
            front.refuse(
                429, "too many requests are waiting; try again later", ("Retry-After", str(full.seconds))
            )
            return
        self.engine.want()
        if not front.over:
            every = self._settings.keepalive
            carried.keepalive = self._loop.call_later(every, self._keep_alive, front, carried)

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
        self._lanes.put_back(ticket)

    def left(self, front: Front, answered: bool) -> None:
        cut = front.response.is_stream and not self._carried[front].observed.is_whole_stream()
        if (cut or not answered) and not self._settings.engine.url:
            self.engine.doubt()

    def ended(self, front: Front) -> None:
        carried = self._carried.pop(front, None)
        if carried is None:
            return
        if carried.keepalive is not None:
            carried.keepalive.cancel()
        if carried.ticket is not None:
            self._lanes.leave(carried.ticket)
        seen, now = carried.observed, self._loop.time()
        first = seen.first - carried.since if seen.n_bytes else 0.0
        waited = now - carried.since if carried.waited is None else carried.waited
        path = carried.head.path
        self._record(
            Record(
                carried.client, carried.lane, path, front.response.status, seen.tokens(), waited, first,
                now - carried.since,
            )
        )  # fmt: skip
        if not self._carried:
            self.engine.rest()

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
        state = self.engine.state
        self._lanes.open = state is State.READY
        if state is State.READY:
            self._lanes.advance()
            if not self._carried:
                self.engine.rest()
        elif state is State.BROKEN:
            for front in list(self._carried):
                self._refuse_broken(front)
        elif state is State.STOPPED and self._carried:
            self._loop.call_soon(self.engine.want)

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
        elif head.path == f"{OWN}load" and head.method == "POST":
            self.engine.want(by_hand=True)
            front.answer(reply(200, self._status()))
        elif head.path.startswith(OWN):
            front.refuse(404, "unknown endpoint")
        else:
            return False
        return True

    def _health(self) -> bytes:
        value = {
            "status": "ok" if self.engine.state is not State.BROKEN else "broken",
            "engine": self.engine.state.value,
            "uptime_s": int(time.monotonic() - self._started),
            "queue_depth": len(self._lanes),
            "busy": self._lanes.running > 0,
        }
        return json.dumps(value, separators=(",", ":")).encode() + b"\n"

    def _status(self) -> bytes:
        waiting = [
            {"lane": t.lane, "client": t.client, "position": i, "seconds": round(self._lanes.seconds(i), 1)}
            for i, t in enumerate(self._lanes.order())
        ]
        value = {
            "engine": {
                "state": self.engine.state.value, "pid": self.engine.pid, "port": self.engine.port,
                "restarts": self.engine.restarts, "why": self.engine.why,
                "last_words": list(self.engine.last_words),
            },
            "connections": len(self.connections),
            "tasks": len(asyncio.all_tasks()),
            "running": self._lanes.running,
            "waiting": waiting,
        }  # fmt: skip
        return json.dumps(value, ensure_ascii=False).encode() + b"\n"

    def _cors(self, head: Head) -> list[tuple[str, str]]:
        origin = head.field(b"origin")
        if origin is None or not self._guard.allows(origin):
            return []
        return [
            ("Access-Control-Allow-Origin", origin.decode("latin-1")),
            ("Access-Control-Allow-Methods", "GET, POST, OPTIONS"),
            ("Access-Control-Allow-Headers", "*"),
        ]


def _lane(head: Head) -> str:
    wanted = (head.field(LANE_FIELD) or b"").decode("latin-1")
    return wanted if wanted in WEIGHTS else _LANES.get(head.path, "interactive")
