"""Asking for ghost text as editors do."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

from lsprotocol import types

from tests.lsp_client import Editor

INVOKED = types.InlineCompletionTriggerKind.Invoked
AUTOMATIC = types.InlineCompletionTriggerKind.Automatic
INLINE = types.TEXT_DOCUMENT_INLINE_COMPLETION


def params(uri: str, line: int, column: int, kind: Any = AUTOMATIC, **context: Any) -> Any:
    return types.InlineCompletionParams(
        context=types.InlineCompletionContext(trigger_kind=kind, **context),
        text_document=types.TextDocumentIdentifier(uri),
        position=types.Position(line, column),
    )


def begin(it: Editor, *args: Any, **context: Any) -> asyncio.Future[Any]:
    """A request that is sent now; the arguments are those of params()."""
    sent = it.client.protocol.send_request(INLINE, params(*args, **context))
    return asyncio.wrap_future(sent)


async def ghost(it: Editor, uri: str, line: int, column: int, kind: Any = AUTOMATIC, **context: Any) -> Any:
    """The item; None: there is none."""
    found = await it.ask(INLINE, params(uri, line, column, kind, **context))
    return found and found.items[0]


def place(item: Any) -> tuple[int, int, int, int]:
    start, end = item.range.start, item.range.end
    return start.line, start.character, end.line, end.character


def uri_of(folder: Path, name: str = "a.py") -> str:
    return (folder / name).as_uri()
