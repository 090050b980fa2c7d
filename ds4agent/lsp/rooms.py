"""The rooms of the server, in the order in which they are told about changes."""

from collections.abc import Callable

from ds4agent.lsp.address import Address
from ds4agent.lsp.agent.room import Agent
from ds4agent.lsp.app import App, Room
from ds4agent.lsp.chat.room import Chat
from ds4agent.lsp.completion.room import Completion
from ds4agent.lsp.edits.room import Edits

ALL: list[Callable[[App], Room]] = [Completion, Chat, Edits, Agent, Address]
