"""What an agent's session told an editor."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tests.lsp_client import Editor


class Watch:
    def __init__(self, editor: Editor) -> None:
        self._editor = editor

    def events(self, session: str) -> list[dict[str, Any]]:
        said = self._editor.said
        return [p["event"] for m, p in said if m == "ds4/agent/event" and p["session"] == session]

    def types(self, session: str) -> list[str]:
        return [event["type"] for event in self.events(session)]

    def figures(self, session: str) -> list[dict[str, Any]]:
        """What was told of its progress before the last turn was over."""
        found: list[dict[str, Any]] = []
        for method, params in self._editor.said:
            if not isinstance(params, dict) or params.get("session") != session:
                continue
            if method == "ds4/agent/progress":
                found.append(params)
            elif params["event"]["type"] == "session.started":
                found.clear()
            elif params["event"]["type"] == "session.completed":
                break
        return found

    async def until(self, session: str, true: Callable[[list[dict[str, Any]]], Any]) -> Any:
        return await self._editor.until(lambda _: true(self.events(session)), 120.0)

    async def ended(self, session: str, turns: int = 1) -> dict[str, Any]:
        """The last event of this many turns."""

        def found(events: list[dict[str, Any]]) -> dict[str, Any] | None:
            ends = [event for event in events if event["type"] == "session.completed"]
            return ends[turns - 1] if len(ends) >= turns else None

        ended: dict[str, Any] = await self.until(session, found)
        return ended

    async def item(self, session: str, kind: str, item: str) -> dict[str, Any]:
        """The first event of this kind about an item of this type."""

        def found(events: list[dict[str, Any]]) -> dict[str, Any] | None:
            return next((e for e in events if e["type"] == kind and e["item"]["type"] == item), None)

        event: dict[str, Any] = await self.until(session, found)
        return event
