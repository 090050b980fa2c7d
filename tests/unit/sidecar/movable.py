"""An event loop whose clock can be moved on."""

from __future__ import annotations

import asyncio


class MovableLoop(asyncio.SelectorEventLoop):
    ahead = 0.0

    def time(self) -> float:
        return super().time() + self.ahead

    async def move(self, seconds: float) -> None:
        """Time passes, and what is due happens."""
        self.ahead += seconds
        for _ in range(3):
            await asyncio.sleep(0)
