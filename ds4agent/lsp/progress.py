"""How far the engine is with what is waited for: on the status board and in the editor's progress bars.

The rooms say what they wait for; the figures come from whoever has them: the log of an engine of our own, or
the status of the sidecar, which is asked a few times a second as long as something is waited for, and not
else. What neither tells (an engine at an address) has a bar without a percent. Work that is over before
anybody could wait for it has no bar. Every bar ends when its work does or has begun to be answered.
"""

import asyncio
import logging
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from lsprotocol import types

from ds4agent.client import aio
from ds4agent.client.engine import Engine
from ds4agent.client.errors import EngineError
from ds4agent.lsp.bars import Bar
from ds4agent.lsp.status import WAITING, Task

if TYPE_CHECKING:
    from ds4agent.lsp.app import App

TICK_SECONDS = 0.25
# Waited for so long, it is worth a bar.
BAR_SECONDS = 0.5
ANSWER_SECONDS = 2.0
STATUS = "/ds4agent/status"
# The lane of the sidecar in which a room's requests wait.
_LANES = {"completion": "completion", "agent": "agent"}
log = logging.getLogger(__name__)


class Progress:
    def __init__(self, app: "App") -> None:
        self._app = app
        self._bars: dict[Task, Bar] = {}
        self._since: dict[Task, float] = {}
        self._ticking: asyncio.Task[Any] | None = None
        self._last = 0.0
        app.board.watch(self._changed)
        app.server.answer(types.WINDOW_WORK_DONE_PROGRESS_CANCEL, self._cancelled)

    async def close(self) -> None:
        if self._ticking:
            self._ticking.cancel()
        for bar in self._bars.values():
            bar.end()

    # -- facts of the engine ---------------------------------------------------------------------------------

    def prefill(self, done: int, total: int, rate: float) -> None:
        """From the log of an engine of our own."""
        now = time.monotonic()
        waiting = self._waiting()
        if not waiting or not total or (done < total and now - self._last < TICK_SECONDS / 2):
            return
        self._last = now
        left = (total - done) / rate if rate else None
        waiting[-1].show(
            "prefill", percent=round(100 * done / total, 1), tokens_per_second=rate, seconds_left=left
        )

    async def learn(self, engine: Engine) -> None:
        """Which model it has, for the status."""
        with suppress(EngineError, TimeoutError):
            async with asyncio.timeout(ANSWER_SECONDS):
                if engine.sidecar:
                    self._model((await aio.get(engine.endpoint, STATUS)).get("model"))
                else:
                    self._first_of((await aio.get(engine.endpoint, "/v1/models")).get("data"))

    def _first_of(self, models: object) -> None:
        first = models[0] if isinstance(models, list) and models else None
        if isinstance(first, dict):
            self._app.board.rest(model=first.get("id"), context=first.get("context_length") or None)

    def _model(self, about: object) -> None:
        if isinstance(about, dict) and about.get("model"):
            self._app.board.rest(model=about["model"], context=about.get("context") or None)

    # -- while something is waited for -----------------------------------------------------------------------

    def _waiting(self) -> list[Task]:
        return [task for task in self._app.board.tasks if task.status.phase in WAITING]

    def _changed(self) -> None:
        waiting = self._waiting()
        for task in [task for task in self._bars if task not in waiting]:
            self._bars.pop(task).end()
        self._since = {task: self._since.get(task, time.monotonic()) for task in waiting}
        if waiting and self._ticking is None:
            self._ticking = self._app.spawn(self._tick())

    async def _tick(self) -> None:
        try:
            while self._waiting():
                await asyncio.sleep(TICK_SECONDS)
                await self._ask_sidecar()
                self._show_bars()
        finally:
            self._ticking = None

    def _show_bars(self) -> None:
        for task, since in self._since.items():
            if task in self._bars:
                self._bars[task].report()
            elif time.monotonic() - since >= BAR_SECONDS and self._can_show():
                self._bars[task] = Bar(self._app.server, task)

    def _can_show(self) -> bool:
        window = self._app.server.client_capabilities.window
        return bool(window and window.work_done_progress)

    async def _ask_sidecar(self) -> None:
        engine = self._app.link.present
        if engine is None or engine.sidecar is None or not self._waiting():
            return
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                status = await aio.get(engine.endpoint, STATUS)
        except (EngineError, TimeoutError):
            return  # whoever waits for the engine will hear of it
        self._model(status.get("model"))
        for task in self._waiting():
            _apply(task, status)

    def _cancelled(self, params: types.WorkDoneProgressCancelParams) -> None:
        for bar in list(self._bars.values()):
            if bar.token == params.token:
                bar.cancelled()


def _apply(task: Task, status: dict[str, Any]) -> None:
    """What the sidecar says, as far as it is about this task's request."""
    lane = _LANES.get(task.status.what or "", "interactive")
    positions = [w["position"] for w in status.get("waiting", ()) if w["lane"] == lane]
    figures = {
        "percent": status.get("percent"),
        "tokens_per_second": status.get("tokens_per_second"),
        "seconds_left": status.get("seconds_left"),
    }
    phase = status.get("phase")
    if phase in ("loading", "stopped", "waiting"):
        task.show("loading", **figures)
    elif positions:
        task.show("queued", queue_position=positions[-1])
    elif phase in ("prefill", "rebuild"):
        task.show("prefill", **figures)
