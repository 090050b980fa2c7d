"""The rooms of the server, in the order in which they are told about changes."""

from collections.abc import Callable

from ds4agent.lsp.app import App, Room
from ds4agent.lsp.completion.room import Completion

ALL: list[Callable[[App], Room]] = [Completion]
