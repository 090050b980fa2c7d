"""Suggestions as the protocol has them."""

import re
from dataclasses import dataclass

from lsprotocol import types

from ds4agent.lsp.completion.gap import Gap
from ds4agent.lsp.completion.tally import Tally
from ds4agent.lsp.document import Document, Point

ACCEPTED = "ds4.accepted"
_WORD = re.compile(r"\w*\Z")
LABEL = 60


@dataclass(frozen=True, slots=True)
class Suggestion:
    """`text`, with LF line ends, belongs at `at`, which is the point of the gap."""

    gap: Gap
    at: Point
    text: str


@dataclass(frozen=True, slots=True)
class Chosen:
    """The entry that is selected in the client's list: it would replace all from `start` to the cursor."""

    start: Point
    typed: str
    text: str


def chosen(document: Document, at: Point, info: types.SelectedCompletionInfo | None) -> Chosen | None:
    if info is None:
        return None
    start = min(document.point(info.range.start), at)
    return Chosen(start, document.between(start, at), info.text)


def typed_ahead(document: Document, found: Suggestion) -> Suggestion | None:
    """The same suggestion in a document that has changed, if all that was typed is its beginning."""
    line, column = found.at
    head, tail, now = found.gap.head, found.gap.tail, document.text(line)
    typed = now[column : len(now) - len(tail)]
    if now != head + typed + tail or not found.text.startswith(typed) or typed == found.text:
        return None
    return Suggestion(found.gap.with_text(typed), (line, column + len(typed)), found.text[len(typed) :])


def inline(
    document: Document, found: Suggestion, chosen: Chosen | None, tally: Tally
) -> types.InlineCompletionItem | None:
    """None where it says something else than the entry that is selected."""
    start, text = found.at, found.text
    if chosen is not None:
        start, text = chosen.start, chosen.typed + found.text
        if not text.startswith(chosen.text):
            return None
    return types.InlineCompletionItem(
        insert_text=text.replace("\n", document.line_end),
        range=document.range(start, found.at),
        command=_command(document, text, tally),
    )


def listed(document: Document, found: Suggestion, tally: Tally) -> types.CompletionItem:
    """The word that the cursor is in belongs to the item: clients filter by it."""
    line, column = found.at
    match = _WORD.search(found.gap.head)
    word = match[0] if match else ""
    text = word + found.text
    label = text.strip().partition("\n")[0][:LABEL]
    place = document.range((line, column - len(word)), found.at)
    return types.CompletionItem(
        label=label,
        kind=types.CompletionItemKind.Text,
        detail="ds4agent",
        filter_text=text,
        documentation=text if label != text else None,
        text_edit=types.TextEdit(place, text.replace("\n", document.line_end)),
        command=_command(document, found.text, tally),
    )


def _command(document: Document, text: str, tally: Tally) -> types.Command:
    offer = tally.offer(document.language_id or "", text)
    return types.Command(title="Accepted", command=ACCEPTED, arguments=[offer])
