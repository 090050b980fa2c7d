"""What a session does, on the status board."""

from ds4agent.agent import events
from ds4agent.agent.events import Event, Item
from ds4agent.lsp.app import App
from ds4agent.lsp.status import Task

WRITTEN = ("agent_message", "reasoning")
_LONGEST = 60


class Showing:
    def __init__(self, app: App, task: Task) -> None:
        self._app = app
        self._board = app.board
        self._task = task
        task.show("loading")

    def see(self, event: Event) -> None:
        match event:
            case events.TurnStarted():
                self._reads()
            case events.ItemCompleted(item) if item.type not in WRITTEN:
                self._reads()
            case events.Waiting("prefill") if self._task.status.phase != "prefill":
                self._reads()
            case events.ItemStarted(item) if item.type not in WRITTEN:
                # The engine has nothing to do while a tool runs.
                self._task.show("idle", message=_brief(item))
            case events.ItemUpdated() | events.Writing() if self._task.status.phase != "decode":
                self._task.show("decode")
            case events.Cache(cached_tokens=cached, reread_tokens=reread):
                self._board.rest(cached_tokens=cached, reread_tokens=reread)

    def _reads(self) -> None:
        """The next request goes out, or waits for an engine."""
        self._task.show("prefill" if self._app.link.ready else "loading")


def _brief(item: Item) -> str:
    fields = item.fields
    what = fields.get("command") or fields.get("path") or fields.get("arguments", {}).get("path") or item.type
    line = " ".join(str(what).split())
    return line if len(line) <= _LONGEST else line[: _LONGEST - 3] + "..."
