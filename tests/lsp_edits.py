"""Edits as an editor makes them."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from lsprotocol import types

from ds4agent.lsp.document import Document


def applied(found: Document, edits: Sequence[types.TextEdit]) -> str:
    """All positions are those of the document before any of the edits."""
    source, spans = found.source, []
    for edit in edits:
        start, end = (offset(found, at) for at in (edit.range.start, edit.range.end))
        spans.append((start, end, edit.new_text))
    for (_, end, _), (start, _, _) in pairwise(spans):
        assert end <= start, "edits overlap"
    for start, end, text in reversed(spans):
        source = source[:start] + text + source[end:]
    return source


def offset(found: Document, at: types.Position) -> int:
    line, column = found.point(at)
    assert found.position((line, column)) == at, "a position that is not there"
    return sum(map(len, found.lines[:line])) + column


def made(found: Document, edit: types.WorkspaceEdit | None) -> str:
    """The text after an edit of this document alone, which must be one of its version."""
    assert edit is not None
    assert edit.document_changes is not None
    (change,) = edit.document_changes
    assert isinstance(change, types.TextDocumentEdit)
    assert change.text_document.uri == found.uri
    assert change.text_document.version == found.version
    edits = [e for e in change.edits if isinstance(e, types.TextEdit | types.AnnotatedTextEdit)]
    return applied(found, [types.TextEdit(e.range, e.new_text) for e in edits])
