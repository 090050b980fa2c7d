"""The sidecar put together: what becomes of each request, and when the engine is wanted.

Order for a request: is it allowed; do we answer it ourselves; else it takes a place in its lane, the engine
is wanted, and once both say yes it is connected. Its place is free again when its connection ends, for
whatever reason.
"""

import asyncio
import socket
from collections.abc import Callable
from functools import partial

from ds4agent.sidecar.carried import Carried, lane_of
from ds4agent.sidecar.connections import Connections
from ds4agent.sidecar.guard import Denied, Guard
from ds4agent.sidecar.hang import HangWatch
from ds4agent.sidecar.head import Head
from ds4agent.sidecar.lanes import Full
from ds4agent.sidecar.launcher import Launcher, UnknownModel
from ds4agent.sidecar.leave import Leave
from ds4agent.sidecar.lifecycle import State
from ds4agent.sidecar.loading import Loading, TooLarge
from ds4agent.sidecar.measure import Measure
from ds4agent.sidecar.own import Own
from ds4agent.sidecar.relay import Front
from ds4agent.sidecar.settings import SidecarSettings
from ds4agent.sidecar.token_count import Counting


class App:
    """A relay's Handler. `leave` is called when it is time to end, as the settings say."""

    def __init__(
        self,
        settings: SidecarSettings,
        token: str,
        launcher: Launcher,
        measure: Measure,
        leave: Callable[[], None],
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self._keepalive = settings.keepalive
        self._measure = measure
        self._carried: dict[Front, Carried] = {}
        self._connections = Connections(self._loop)
        self._guard = Guard(token, settings.keys, (*settings.hosts, settings.host), settings.origins)
        self._counting = Counting(launcher)
        self._leave = Leave(self._loop, settings.leave, lambda: bool(self._connections), leave)
        self._loading = Loading(settings, launcher, measure, lambda: bool(self._carried), self._broken)
        self._engine = self._loading.engine
        self._own = Own(self._guard, self._loading, launcher, measure, self._connections)
        self._watch: asyncio.Task[None] | None = None
        if settings.engine.hang and not self._loading.attached:
            watch = HangWatch(self._engine, self._last_byte, self._break_off)
            self._watch = self._loop.create_task(watch.run())
        self._loading.start()

    def connection(self, sock: socket.socket) -> None:
        """A client has come."""
        Front(self, self._connections, sock)

    async def close(self) -> None:
        if self._watch is not None:
            self._watch.cancel()
        for front in list(self._connections):
            front.refuse(503, "the sidecar stops")
        await self._loading.stop()

    # -- a request
    # --------------------------------------------------------------------------------------------

    def begin(self, front: Front, head: Head) -> None:
        front.page = self._own.page(head)
        client = self._guard.admit(head)
        if isinstance(client, Denied):
            front.refuse(client.status, client.message)
            return
        self._leave.came(head.path)
        if not self._own.answered(front, head):
            front.client = client

    def ready(self, front: Front, head: Head) -> None:
        if self._counting.takes(front, head, self._measure.context):
            return
        if self._engine.state is State.BROKEN:
            self._engine.want()
        if self._engine.state is State.BROKEN:
            self._refuse_broken(front)
            return
        try:
            lanes = self._loading.lanes(front, head)
        except UnknownModel as unknown:
            front.refuse(404, str(unknown))
            return
        except TooLarge as large:
            front.refuse(400, str(large))
            return
        carried = self._carried[front] = Carried(head, front.client, lane_of(head), self._loop.time(), lanes)
        self._enter(front)
        if not front.over:
            carried.keepalive = self._loop.call_later(self._keepalive, self._keep_alive, front, carried)

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
        self._engine.want()
        self._loading.decide()

    def _granted(self, front: Front) -> None:
        carried = self._carried[front]
        carried.waited = self._loop.time() - carried.since
        front.connect((self._engine.host, self._engine.port), closes=not self._loading.attached)

    def responded(self, front: Front, data: bytes) -> None:
        carried = self._carried.get(front)
        if carried is not None:
            carried.observed.feed(data, self._loop.time())

    def unreached(self, front: Front, error: OSError) -> None:
        """An engine of ours is about to be missed, and the request waits for the next one."""
        carried = self._carried[front]
        if self._loading.attached or carried.ticket is None:
            front.refuse(502, f"the engine does not answer: {error.strerror}")
            return
        carried.waited = None
        self._engine.doubt()
        carried.lanes.put_back(carried.ticket)

    def left(self, front: Front, answered: bool) -> None:
        cut = front.response.is_stream and not self._carried[front].observed.is_whole_stream()
        if (cut or not answered) and not self._loading.attached:
            self._engine.doubt()

    def ended(self, front: Front) -> None:
        self._counting.left(front)
        carried = self._carried.pop(front, None)
        if carried is None:
            return
        self._leave.came(carried.head.path)
        if carried.keepalive is not None:
            carried.keepalive.cancel()
        if carried.ticket is not None:
            carried.lanes.leave(carried.ticket)
        usage = carried.usage(self._loading.model, front.response.status, self._loop.time())
        self._measure.request(usage)
        self._loading.decide()
        if not self._carried:
            self._engine.rest()

    def _keep_alive(self, front: Front, carried: Carried) -> None:
        every, now = self._keepalive, self._loop.time()
        quiet = now - max(carried.since, carried.observed.last)
        if quiet >= every * 0.99:
            front.keep_alive()
            quiet = 0.0
        carried.keepalive = self._loop.call_later(every - quiet, self._keep_alive, front, carried)

    # -- an engine that is no help
    # ----------------------------------------------------------------------------

    def _broken(self) -> None:
        for front in list(self._carried):
            self._refuse_broken(front)

    def _refuse_broken(self, front: Front) -> None:
        last = [line for line in self._engine.last_words if line.strip()]
        words = f"its last words: {last[-1]}" if last else "it said nothing"
        front.refuse(503, f"{self._engine.why}; {words}", ("Retry-After", str(self._engine.retry_after)))

    def _last_byte(self) -> float | None:
        running = (carried for carried in self._carried.values() if carried.waited is not None)
        return max((carried.last_byte for carried in running), default=None)

    def _break_off(self) -> None:
        for front in [front for front, carried in self._carried.items() if carried.waited is not None]:
            front.refuse(504, "the engine hangs; the request was broken off")
