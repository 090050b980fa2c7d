"""Counting the tokens of a prompt for an engine that does not: a process of its own does it, and is gone.

The tokenizer of a model takes some tens of megabytes and a fraction of a second to read, too much for a
process that stays for weeks and for its event loop. One count runs at a time and a few wait: a client that
counts takes nothing from those that ask the engine, and wakes no engine up. One that leaves takes its count
with it.
"""

import asyncio
import sys

from ds4agent.sidecar.dialects import error_reply, reply
from ds4agent.sidecar.head import Head
from ds4agent.sidecar.launcher import THINK_MAX_CONTEXT, Launcher
from ds4agent.sidecar.relay import Front
from ds4agent.sidecar.settings import ModelSettings

MESSAGES, RESPONSES = "/v1/messages/count_tokens", "/v1/responses/input_tokens"
PROGRAM = "ds4agent.engine.counting"
MOST_WAITING = 16
SECONDS = 60.0


class CannotCount(Exception):
    """`status`: of the refusal."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


class Counting:
    """One for each event loop."""

    def __init__(self, launcher: Launcher) -> None:
        self._launcher = launcher
        self._turn = asyncio.Lock()
        self._tasks: dict[Front, asyncio.Task[None]] = {}

    def takes(self, front: Front, head: Head, context: int) -> bool:
        """Whether it asks for a count that the engine cannot give; then it is answered here.
        `context`: tokens of the engine that runs, 0: none does.
        """
        if head.method != "POST" or head.path not in (MESSAGES, RESPONSES) or not front.complete:
            return False
        if head.path == MESSAGES and self._launcher.embedded:
            return False
        model = self._launcher.meant(front.model)
        if model is None:
            return False
        if len(self._tasks) >= MOST_WAITING:
            front.refuse(429, "too many requests wait for their tokens to be counted; try again later")
            return True
        context = THINK_MAX_CONTEXT if model.think_max else context or model.most_ctx
        task = asyncio.get_running_loop().create_task(self._answer(front, head.path, model, context))
        self._tasks[front] = task
        return True

    def left(self, front: Front) -> None:
        """Its connection has ended."""
        if (task := self._tasks.pop(front, None)) is not None:
            task.cancel()

    async def _answer(self, front: Front, path: str, model: ModelSettings, context: int) -> None:
        async with self._turn:
            try:
                counted = reply(*await _counted(path, model.path, context, bytes(front.held)))
            except CannotCount as error:
                counted = error_reply(front.shape, error.status, str(error))
        del self._tasks[front]  # its end is not that of the count
        front.answer(counted)


async def _counted(path: str, model: str, context: int, body: bytes) -> tuple[int, bytes]:
    """Status and body of the reply. Raises CannotCount."""
    words = (sys.executable, "-m", PROGRAM, path, model, str(context))
    pipe, nothing = asyncio.subprocess.PIPE, asyncio.subprocess.DEVNULL
    try:
        process = await asyncio.create_subprocess_exec(*words, stdin=pipe, stdout=pipe, stderr=nothing)
    except OSError as error:
        raise CannotCount(503, f"the tokens cannot be counted: {error.strerror}") from error
    try:
        async with asyncio.timeout(SECONDS):
            out, _ = await process.communicate(body)
    except TimeoutError as error:
        raise CannotCount(504, f"counting the tokens took longer than {SECONDS:g} seconds") from error
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    status, _, answer = out.partition(b"\n")
    if process.returncode or not status.isdigit():
        raise CannotCount(500, f"counting the tokens failed: it ended with {process.returncode}")
    return int(status), answer
