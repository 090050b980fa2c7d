"""Asking the user about a step, where the setting `approve` says so and the editor can.

An editor that can says so with the experimental capability `{"ds4agent": {"approve": true}}`; it is then
asked with the request `ds4/agent/approve`. With any other editor nobody is there to ask: the step is denied,
and that is told once in a turn.
"""

from collections.abc import Callable, Coroutine
from typing import Any

from pygls.exceptions import JsonRpcException

from ds4agent.agent.events import Emit, Warned
from ds4agent.lsp.app import App

METHOD = "ds4/agent/approve"
NOBODY = "the setting approve is ask, but this editor cannot ask: steps that need a yes are denied"


class Asking:
    """For one turn of a session; `wait` has the server's thread do something."""

    def __init__(
        self, app: App, session: str, wait: Callable[[Coroutine[Any, Any, Any]], Any], emit: Emit
    ) -> None:
        self._app = app
        self._session = session
        self._wait = wait
        self._emit = emit
        self._told = False

    def ask(self, question: str) -> bool | None:
        """None: nobody is there. Raises Cancelled."""
        if _can(self._app):
            answer: bool | None = self._wait(self._asked(question))
            return answer
        if not self._told:
            self._told = True
            self._emit(Warned(NOBODY))
        return None

    async def _asked(self, question: str) -> bool | None:
        params = {"session": self._session, "question": question}
        try:
            answer = await self._app.server.protocol.send_request_async(METHOD, params)
        except JsonRpcException:
            return None
        return bool(answer.get("allow")) if isinstance(answer, dict) else None


def _can(app: App) -> bool:
    experimental = app.server.client_capabilities.experimental
    ours = experimental.get("ds4agent") if isinstance(experimental, dict) else None
    return isinstance(ours, dict) and bool(ours.get("approve"))
