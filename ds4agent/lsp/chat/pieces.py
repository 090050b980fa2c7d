"""Pieces of a reply on their way to the client.

The first goes at once; those that follow within a moment go together, because each message costs both
processes as much as a thousand letters. A model that writes more slowly than that is not held up at all.
"""

import asyncio
from collections.abc import Callable

MOMENT_SECONDS = 0.012


class Pieces:
    """`tell` gets the kind and the text. Only for the thread of the running loop."""

    def __init__(self, tell: Callable[[str, str], None]) -> None:
        self._tell = tell
        self._kind = ""
        self._waiting: list[str] = []
        self._timer: asyncio.TimerHandle | None = None

    def add(self, kind: str, text: str) -> None:
        if kind != self._kind:
            # The answer's first letter does not wait behind the reasoning's last.
            self.flush()
            self._kind = kind
        if self._timer:
            self._waiting.append(text)
        else:
            self._send(text)

    def flush(self) -> None:
        """What waits goes now, and the next piece goes at once."""
        if self._timer:
            self._timer.cancel()
            self._timer = None
        if self._waiting:
            self._tell(self._kind, "".join(self._waiting))
            self._waiting = []

    def _send(self, text: str) -> None:
        self._tell(self._kind, text)
        self._timer = asyncio.get_running_loop().call_later(MOMENT_SECONDS, self._over)

    def _over(self) -> None:
        self._timer = None
        if self._waiting:
            text, self._waiting = "".join(self._waiting), []
            self._send(text)
