"""The engine and the model it has: what a request needs, what it is started with, and when it changes.

One engine has one load at a time. Requests for another wait in lanes of their own, until `switch` gives it to
them; a model that is asked for by hand takes the engine from nobody.
"""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from ds4agent.sidecar.adopt import Found, find
from ds4agent.sidecar.dialects import THINKING, thinks_most, with_thinking
from ds4agent.sidecar.head import Head
from ds4agent.sidecar.lanes import Lanes
from ds4agent.sidecar.launcher import Launcher, UnknownModel
from ds4agent.sidecar.lifecycle import Engine, State, Times
from ds4agent.sidecar.measure import Measure
from ds4agent.sidecar.process import Launch
from ds4agent.sidecar.relay import Front
from ds4agent.sidecar.settings import SidecarSettings
from ds4agent.sidecar.status import EngineChanged
from ds4agent.sidecar.switch import Load, Switch


class TooLarge(Exception):
    """A request of which too little is held for what has to be done with it."""


class Loading:
    """`busy`: whether a request is being carried. `broken` is called when the engine will not do. Nothing
    happens before `start`.
    """

    def __init__(
        self,
        settings: SidecarSettings,
        launcher: Launcher,
        measure: Measure,
        busy: Callable[[], bool],
        broken: Callable[[], None],
    ) -> None:
        self._settings = settings.engine
        self._launcher = launcher
        self._measure = measure
        self._busy = busy
        self._broken = broken
        self._loop = asyncio.get_running_loop()
        self._load = launcher.first
        self._asked: Load | None = None  # by hand
        self._again: asyncio.TimerHandle | None = None
        self.switch = Switch(
            lambda: Lanes(settings.engine.width, settings.max_queue, self._loop.time), self._loop.time
        )
        engine = settings.engine
        times = Times(engine.ready, engine.idle, engine.hang, engine.grace)
        self.engine = Engine(self._launch, measure.line, self._changed, times, find=self._find)

    def start(self) -> None:
        if self.attached:
            host, _, port = self._settings.url.rpartition(":")
            self.engine.host, self.engine.port, self.engine.state = host, int(port), State.READY
            self._changed()
        if self._settings.preload:
            self.engine.want()

    async def stop(self) -> None:
        if not self.attached:
            await self.engine.stop()

    @property
    def attached(self) -> bool:
        """Whether it has an engine at an address, of which it knows nothing else."""
        return bool(self._settings.url)

    @property
    def model(self) -> str:
        """The one that was loaded last, or is first."""
        return self._load.model

    # -- what a request needs
    # ---------------------------------------------------------------------------------

    def lanes(self, front: Front, head: Head) -> Lanes:
        """Where it waits; a thinking mode in its model's name is put into it. Raises UnknownModel or
        TooLarge.
        """
        return self.switch.lanes(self._needed(front, head))

    def _needed(self, front: Front, head: Head) -> Load:
        usual = self.switch.running or self._usual
        if not self._settings.models or head.path not in THINKING:
            return usual
        load = self._named(front, head) or usual
        if thinks_most(head.path, front.held):
            same = self.switch.running is not None and self.switch.running.model == load.model
            load = self._launcher.for_most_thinking(load, self._measure.context if same else 0)
        return load

    @property
    def _usual(self) -> Load:
        """The model that was loaded last, with the context that it usually has."""
        return Load(self._load.model)

    def _named(self, front: Front, head: Head) -> Load | None:
        """What the request's model means, None: nothing. Raises UnknownModel, TooLarge."""
        try:
            load, thinking = self._launcher.resolve(front.model)
        except UnknownModel:
            if len(self._settings.models) == 1:
                return None  # clients bring names of other vendors' models along
            raise
        if thinking is not None:
            if not front.complete:
                raise TooLarge("so large a request has to name its thinking mode in a member of its own")
            front.replace_body(with_thinking(head.path, front.held, thinking))
        return load

    # -- by hand
    # ----------------------------------------------------------------------------------------------

    def load(self, name: str) -> str:
        """Have the model of this name, "": the usual one, without taking the engine from anybody; why that
        cannot be, or "". Raises UnknownModel.
        """
        return self._next(self._launcher.resolve(name)[0] or self._usual)

    def unload(self) -> str:
        """Have none; else like `load`."""
        return self._next(None)

    def _next(self, wanted: Load | None) -> str:
        engine, running = self.engine, self.switch.running
        if running is not None and wanted is not None and running.satisfies(wanted):
            return ""
        if self.attached or engine.theirs:
            return "the engine was started by somebody else"
        if self._busy() or engine.state in (State.LOADING, State.STOPPING):
            return "the engine is busy; try again when it is idle"
        self._asked = wanted
        engine.replace("asked for by hand")
        if wanted is not None:
            engine.want(by_hand=True)
        return ""

    # -- what the engine gets
    # ---------------------------------------------------------------------------------

    def _launch(self) -> Launch:
        wanted = self.switch.next_load() or self._asked
        self._asked = None
        if wanted is not None and wanted.model:
            self._load = wanted
        self.engine.times = replace(self.engine.times, idle=self._launcher.idle(self._load))
        return self._launcher(self._load)

    def _find(self) -> Found | None:
        return find(Path(self._settings.adopt)) if self._settings.adopt else None

    def _changed(self) -> None:
        engine, state = self.engine, self.engine.state
        self._measure.engine(
            EngineChanged(
                state.value, engine.why, engine.pid, engine.port, engine.restarts, tuple(engine.last_words)
            )
        )
        load = Load() if engine.theirs else self._load
        self.switch.running = load if state is State.READY else None
        self.switch.open(state is State.READY)
        if state is State.READY:
            self.decide()
            if not self._busy():
                engine.rest()
        elif state is State.BROKEN:
            self._broken()
        elif state is State.STOPPED and (self._busy() or self._asked):
            self._loop.call_soon(engine.want)

    def decide(self) -> None:
        """Whether another model gets the engine now, or when that has to be asked again."""
        if self._again is not None:
            self._again.cancel()
            self._again = None
        if self.engine.state is not State.READY or self.attached:
            return
        load, again = self.switch.decide()
        if load is not None:
            self.engine.replace(f"another model is wanted: {load.model}")
        elif again is not None:
            self._again = self._loop.call_later(again, self.decide)
