"""How far a turn is, in numbers: the notification `ds4/agent/progress`, as often as they change.

Engines tell how many tokens a reply had when it is over. Until then its pieces are counted, which are tokens
with most engines and never more than those.
"""

import asyncio
import time
from dataclasses import replace

from ds4agent.agent import events
from ds4agent.agent.events import Event
from ds4agent.lsp.agent.contract import ProgressOut
from ds4agent.lsp.app import App
from ds4agent.lsp.status import Task

TELL_SECONDS = 0.25


class Figures:
    """Of one turn, which is on the status board as `task`. Lives in the server's thread."""

    def __init__(self, app: App, session: str, task: Task) -> None:
        self._app = app
        self._task = task
        self._began = time.monotonic()
        self._pieces = 0
        self._now = self._told = ProgressOut(session, "loading", 0.0, 0, 0, 0, 0)
        self._telling = app.spawn(self._tell_again_and_again())

    def see(self, event: Event) -> None:
        now = self._now
        match event:
            case events.ItemUpdated() | events.Writing():
                self._pieces += 1
            case events.Decoded(tokens):
                self._now = replace(now, completion_tokens=now.completion_tokens + tokens)
                self._pieces = 0
            case events.Cache(cached_tokens=cached, prompt_tokens=prompt, reread_tokens=reread):
                self._now = replace(
                    now,
                    prompt_tokens=now.prompt_tokens + prompt,
                    cached_tokens=now.cached_tokens + cached,
                    reread_tokens=now.reread_tokens + reread,
                )

            case events.TurnCompleted(usage) | events.TurnFailed(_, usage):
                # Of an engine that does not tell what it had cached nothing was heard before.
                self._now = replace(now, prompt_tokens=max(now.prompt_tokens, usage["input_tokens"]))

    def close(self) -> None:
        """The last figures are told before anybody hears that the turn is over."""
        self._telling.cancel()
        self._tell()

    async def _tell_again_and_again(self) -> None:
        while True:
            await asyncio.sleep(TELL_SECONDS)
            self._tell()

    def _tell(self) -> None:
        status = self._task.status
        figures = replace(
            self._now,
            phase=status.phase,
            completion_tokens=self._now.completion_tokens + self._pieces,
            percent=status.percent,
            tokens_per_second=status.tokens_per_second,
            seconds_left=status.seconds_left,
        )
        if figures != self._told:
            self._told = figures
            seconds = round(time.monotonic() - self._began, 1)
            self._app.server.tell("ds4/agent/progress", replace(figures, seconds=seconds))
