"""What a question is about, as text in front of it.

Whole files come first, then parts of them, then what is reported, then the question. What the conversation
has shown already, and is still the same, is not shown again: it is in what the model has read.
"""

import hashlib
from collections.abc import Sequence

from ds4agent.lsp.chat.contract import Context
from ds4agent.lsp.edits.symbols import enclosing
from ds4agent.lsp.edits.work import reported
from ds4agent.lsp.excerpt import excerpt, fill, whole_lines
from ds4agent.lsp.messages import BadParams
from ds4agent.lsp.protocol import Failed, Server

_ORDER = ("file", "symbol", "selection", "diagnostics")


def shown(server: Server, context: Sequence[Context]) -> list[tuple[str, str]]:
    """Each thing's path and text, in the order in which the model reads them. Raises Failed and BadParams."""
    ordered = sorted(enumerate(context), key=lambda item: _ORDER.index(item[1].kind))
    found = dict.fromkeys(_shown(server, item, f"params.context[{n}]") for n, item in ordered)
    return list(found)


def question(text: str, parts: Sequence[tuple[str, str]], before: Sequence[str]) -> tuple[str, list[str]]:
    """The user's message, and the digests of what it shows. `before`: those of earlier messages."""
    blocks, digests = [], []
    for path, part in parts:
        digest = hashlib.sha256(part.encode(errors="surrogatepass")).hexdigest()[:16]
        blocks.append(fill("again", path=path) if digest in before else part)
        digests.append(digest)
    return "\n\n".join([*blocks, text]), digests


def _shown(server: Server, item: Context, where: str) -> tuple[str, str]:
    document = server.document_or_file(item.uri)
    found = excerpt(server, document)
    if item.kind == "diagnostics":
        if not item.diagnostics:
            raise BadParams(f"{where}.diagnostics is missing")
        told = reported(item.diagnostics, found.lines)
        return found.path, fill("diagnostics", path=found.path, diagnostics=told)
    if item.kind == "file":
        return found.path, found.file(item.range.lsp.start.line if item.range else 0)
    if item.range is None:
        raise BadParams(f"{where}.range is missing")
    first, last = whole_lines(document, item.range.lsp)
    if item.kind == "symbol":
        symbol = enclosing(found.lines, first) if first < len(found.lines) else None
        if symbol is None:
            raise Failed(f"there is no function or class at line {first + 1} of {found.path}")
        first, last = symbol.first, symbol.last
    return found.path, found.part(first, min(last, len(found.lines)))
