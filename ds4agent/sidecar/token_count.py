"""Counting the tokens of a prompt for an engine that does not: a process of its own does it, and is gone.

The tokenizer of a model takes some tens of megabytes and a fraction of a second to read, too much for a
process that stays for weeks and for its event loop. One count runs at a time and a few wait: a client that
counts takes nothing from those that ask the engine.
"""

import asyncio
import sys

PATH = "/v1/messages/count_tokens"
PROGRAM = "ds4agent.engine.counting"
MOST_WAITING = 16
SECONDS = 60.0


class CannotCount(Exception):
    """`status`: of the refusal."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


class TokenCounter:
    """One for each event loop."""

    def __init__(self) -> None:
        self._turn = asyncio.Lock()
        self._waiting = 0

    async def count(self, model: str, context: int, body: bytes) -> tuple[int, bytes]:
        """The reply for a Messages request: status and body. `model`: path of its GGUF file. Raises
        CannotCount.
        """
        if self._waiting >= MOST_WAITING:
            raise CannotCount(429, "too many requests wait for their tokens to be counted; try again later")
        self._waiting += 1
        try:
            async with self._turn:
                return await _counted(model, context, body)
        finally:
            self._waiting -= 1


async def _counted(model: str, context: int, body: bytes) -> tuple[int, bytes]:
    words = (sys.executable, "-m", PROGRAM, model, str(context))
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
    status, _, reply = out.partition(b"\n")
    if process.returncode or not status.isdigit():
        raise CannotCount(500, f"counting the tokens failed: it ended with {process.returncode}")
    return int(status), reply
