"""`$/progress`: a bar in the editor for work that waits for the engine.

The client is asked for a token, which takes a moment; a bar is begun only if it is still wanted then, and
whatever was begun is ended, once. Cancelling a bar stops the work that it stands for.
"""

import asyncio
import uuid

from lsprotocol import types
from pygls.exceptions import JsonRpcException

from ds4agent.lsp.protocol import Server
from ds4agent.lsp.status import Status, Task

_TITLES = {"loading": "loading the model", "queued": "waiting for the engine", "prefill": "reading"}


class Bar:
    """One bar, for one task."""

    def __init__(self, server: Server, task: Task) -> None:
        self._server = server
        self._task = task
        self.token = str(uuid.uuid4())
        self._shown: tuple[str, int | None] | None = None
        self._wanted = True
        self._begun = False
        self._making = asyncio.ensure_future(self._make())

    async def _make(self) -> None:
        try:
            await self._server.work_done_progress.create_async(self.token)
        except (JsonRpcException, asyncio.CancelledError):
            return
        if self._wanted:
            status = self._task.status
            title = f"{status.what}: {_TITLES.get(status.phase, status.phase)}"
            self._begun = True
            begin = types.WorkDoneProgressBegin(title=title, cancellable=True, percentage=0)
            self._server.work_done_progress.begin(self.token, begin)
            self.report()

    def report(self) -> None:
        """As the task is now, if that differs from what is shown."""
        status = self._task.status
        shown = _text(status), round(status.percent) if status.percent is not None else None
        if self._begun and shown != self._shown:
            self._shown = shown
            report = types.WorkDoneProgressReport(cancellable=True, message=shown[0], percentage=shown[1])
            self._server.work_done_progress.report(self.token, report)

    def end(self) -> None:
        """More than once does no harm."""
        self._wanted = False
        if self._begun:
            self._begun = False
            self._server.work_done_progress.end(self.token, types.WorkDoneProgressEnd())
        self._server.work_done_progress.tokens.pop(self.token, None)

    def cancelled(self) -> None:
        """By the user."""
        self._task.stop()


def _text(status: Status) -> str:
    parts = [_TITLES.get(status.phase, status.phase)]
    if status.queue_position is not None:
        parts.append(f"{status.queue_position} before it")
    if status.tokens_per_second:
        parts.append(f"{status.tokens_per_second:.0f} tokens/s")
    if status.seconds_left is not None:
        parts.append(f"{status.seconds_left:.0f} s left")
    return ", ".join(parts)
