"""A conversation as its records tell it: turns, and the messages that the model is sent.

A turn is the user's message, the reply, and a record of how it ended. One without a reply (no engine, taken
back too early, a crash) stays on record for the user and is not sent to the model again: the engine never
answered it, so what it holds is still what every next request begins with.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from ds4agent.agent.transcript import Record
from ds4agent.lsp.chat.contract import BlockOut, Status, TurnOut
from ds4agent.lsp.fences import blocks


@dataclass(slots=True)
class Turn:
    """`records`: all that it consists of, as they are on disk."""

    number: int
    text: str
    context: list[Any]
    shown: list[str]
    records: list[Record]
    reply: str | None = None
    reasoning: str = ""
    status: Status | None = None
    messages: list[bytes] = field(default_factory=list)

    def out(self, unfinished: Status) -> TurnOut:
        """`unfinished`: what a turn is that did not end."""
        reply = self.reply or ""
        status = self.status or unfinished
        return TurnOut(self.number, self.text, self.context, self.reasoning, reply, status, numbered(reply))


def turns(records: Sequence[Record]) -> list[Turn]:
    found: list[Turn] = []
    for record in records:
        fields = record.fields
        if record.kind == "messages" and fields["role"] == "user":
            about = (fields["turn"], fields["text"], fields["context"], fields["shown"])
            found.append(Turn(*about, [record], messages=list(record.messages)))
        elif not found:
            continue
        else:
            _add(found[-1], record)
    return found


def _add(turn: Turn, record: Record) -> None:
    turn.records.append(record)
    if record.kind == "messages":
        said = json.loads(record.messages[0])
        turn.reply, turn.reasoning = said["content"], said.get("reasoning_content", "")
        turn.messages += record.messages
    elif record.kind == "turn":
        turn.status = record.fields["status"]


def messages(found: Sequence[Turn]) -> list[bytes]:
    """What the model is sent of them."""
    return [raw for turn in found if turn.reply is not None for raw in turn.messages]


def numbered(text: str) -> tuple[BlockOut, ...]:
    """The blocks of a reply."""
    return tuple(BlockOut(n, block.language, block.text) for n, block in enumerate(blocks(text)))
