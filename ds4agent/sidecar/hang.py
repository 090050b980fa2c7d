"""An engine that hangs: it runs, and nothing comes of it.

That is so if requests are being carried and for `hang` seconds it has written no byte, no line of log, and
done no computing. Then what runs is broken off; if that does not wake it up, which its log or its computing
would show, it is killed, and started again for who still wants it.
"""

import asyncio
from collections.abc import Callable

from ds4agent.sidecar.lifecycle import Engine, State
from ds4agent.sidecar.process import cpu_seconds

# In so short a time a process that does nothing may take so much of a processor.
_NOTHING = 0.02


class HangWatch:
    """`last_byte`: when one last came for a request that is carried, on the loop's clock; None: none is."""

    def __init__(
        self, engine: Engine, last_byte: Callable[[], float | None], break_off: Callable[[], None]
    ) -> None:
        self._engine = engine
        self._last_byte = last_byte
        self._break_off = break_off
        self._loop = asyncio.get_running_loop()

    async def run(self) -> None:
        """Until cancelled."""
        hang = self._engine.times.hang
        while True:
            await asyncio.sleep(hang / 4)
            byte, silent_since = self._last_byte(), self._loop.time() - hang
            if byte is not None and byte <= silent_since and await self._is_dead_since(silent_since):
                await self._wake_or_kill()

    async def _wake_or_kill(self) -> None:
        if self._engine.state is not State.READY:
            return
        broken_off = self._loop.time()
        self._engine.suspend("the engine hangs")
        self._break_off()
        if await self._is_dead_since(broken_off):
            await self._engine.kill("the engine hung")
        self._engine.resume()

    async def _is_dead_since(self, moment: float) -> bool:
        """No line since then, and no computing for a while from now on."""
        process = self._engine.process
        if process is None or process.last_line > moment:
            return False
        before = cpu_seconds(process.pid)
        await asyncio.sleep(max(1.0, self._engine.times.hang / 20))
        after = cpu_seconds(process.pid)
        if process.last_line > moment or before is None or after is None:
            return False
        return after - before < _NOTHING
