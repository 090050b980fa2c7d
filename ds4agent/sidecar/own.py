"""What the sidecar answers itself: health, models, counters, and its own endpoints below /ds4agent/.

None of it wakes an engine up or keeps one, but a load by hand. What is below /ds4agent/ needs the token,
which is seen to before.
"""

import asyncio
import json
import os
import time
from collections.abc import Collection

from ds4agent.sidecar.dialects import reply
from ds4agent.sidecar.guard import OPEN, OWN, Guard
from ds4agent.sidecar.head import Head
from ds4agent.sidecar.launcher import Launcher, UnknownModel
from ds4agent.sidecar.lifecycle import State
from ds4agent.sidecar.loading import Loading
from ds4agent.sidecar.measure import RING_LINES, Measure
from ds4agent.sidecar.relay import Front
from ds4agent.sidecar.status import Queue, Waiting
from ds4agent.wire.prometheus import CONTENT_TYPE

LOAD, UNLOAD = f"{OWN}load", f"{OWN}unload"


# What a page may do. A browser takes `*` for every field but this one.
_MAY = (
    ("Access-Control-Allow-Methods", "GET, POST, OPTIONS"),
    ("Access-Control-Allow-Headers", "*, Authorization"),
)


class Own:
    """`connections`: of clients."""

    def __init__(
        self,
        guard: Guard,
        loading: Loading,
        launcher: Launcher,
        measure: Measure,
        connections: Collection[Front],
    ) -> None:
        self._guard = guard
        self._loading = loading
        self._launcher = launcher
        self._measure = measure
        self._connections = connections
        self._loop = asyncio.get_running_loop()
        self._started = time.monotonic()

    def answered(self, front: Front, head: Head) -> bool:
        """Whether it was for us."""
        if head.method == "OPTIONS":
            front.answer(reply(204, b"", fields=_MAY if front.page else ()))
        elif head.path in OPEN and head.method in ("GET", "HEAD"):
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
            unload = head.path == UNLOAD
            problem = self._loading.unload() if unload else self._loading.load(head.path[len(LOAD) + 1 :])
        except UnknownModel as unknown:
            front.refuse(404, str(unknown))
            return
        if problem:
            front.refuse(409, problem)
        else:
            front.answer(reply(200, self._status()))

    def _cards(self) -> bytes | None:
        return self._launcher.cards(self._loading.switch.running, self._measure.context)

    def _health(self) -> bytes:
        engine, switch = self._loading.engine, self._loading.switch
        value = {
            "status": "ok" if engine.state is not State.BROKEN else "broken",
            "engine": engine.state.value,
            "uptime_s": int(time.monotonic() - self._started),
            "queue_depth": switch.waiting,
            "busy": switch.busy > 0,
        }
        return json.dumps(value, separators=(",", ":")).encode() + b"\n"

    def _status(self) -> bytes:
        unix = time.time() - self._loop.time()
        waiting = tuple(
            Waiting(t.client, t.lane, i, unix + t.since, lanes.seconds(i))
            for lanes in self._loading.switch
            for i, t in enumerate(lanes.order())
        )
        self._measure.queue(Queue(waiting, self._loading.switch.busy))
        n_tasks = len(asyncio.all_tasks())
        return self._measure.status(pid=os.getpid(), connections=len(self._connections), tasks=n_tasks)

    def page(self, head: Head) -> bytes:
        """What tells a browser that the page which asks may read the reply."""
        origin = head.field(b"origin")
        if origin is None or not self._guard.allows(origin):
            return b""
        return b"Access-Control-Allow-Origin: %b\r\nVary: Origin\r\n" % origin
