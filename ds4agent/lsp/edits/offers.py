"""Which code actions there are at a place. No engine is asked: an offer costs the look at a few lines."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from lsprotocol import types
from pygls.uris import to_fs_path

from ds4agent.lsp.document import Document
from ds4agent.lsp.edits.comments import comment_at
from ds4agent.lsp.edits.symbols import enclosing
from ds4agent.lsp.edits.testfile import is_test
from ds4agent.lsp.edits.work import KINDS, Work
from ds4agent.lsp.messages import Diagnostic, Position, Range

# Written for people, not run: no tests, and nothing to simplify.
_PROSE = frozenset("markdown plaintext text rst asciidoc latex tex org gitcommit git-commit log csv".split())
_DATA = frozenset("json jsonc yaml toml ini xml csv properties".split())


@dataclass(frozen=True, slots=True)
class Offer:
    """`diagnostic`: the client's own, which the action is about."""

    title: str
    work: Work
    diagnostic: types.Diagnostic | None = None

    @property
    def kind(self) -> str:
        return KINDS[self.work.do]


def offers(document: Document, params: types.CodeActionParams, most_bytes: int) -> Iterator[Offer]:
    """What makes sense at a range of a document."""
    if not _is_text(document, most_bytes):
        return
    place = Work("", document.uri, _range(params.range), document.version)
    only = params.context.only
    for diagnostic in params.context.diagnostics:
        mine = _diagnostic(diagnostic)
        work = replace(place, do="fix", range=mine.range, diagnostics=(mine,))
        found = Offer(f"Fix: {_one_line(mine.message)}", work, diagnostic)
        if _wanted(found.kind, only):
            yield found
    for do, title in _here(document, params.range):
        found = Offer(title, replace(place, do=do))
        if _wanted(found.kind, only):
            yield found


def _here(document: Document, where: types.Range) -> Iterator[tuple[str, str]]:
    first, _ = document.point(where.start)
    selected = where.start != where.end
    language = document.language_id or ""
    lines = document.lines
    symbol = enclosing(lines, first) if language not in _PROSE | _DATA else None
    if symbol is None and not lines[first].strip() and not selected:
        return
    yield "explain", f"Explain {symbol.name}" if symbol and not selected else "Explain this"
    if language not in _PROSE and comment_at(lines, first, language):
        yield "comment", "Do what the comment says"
    if symbol:
        yield "docstring", f"Document {symbol.name}"
        path = to_fs_path(document.uri)
        if path and not is_test(Path(path)):
            yield "test", f"Write tests for {symbol.name}"
    if (symbol or selected) and language not in _PROSE:
        yield "simplify", "Simplify this" if selected or not symbol else f"Simplify {symbol.name}"


def _is_text(document: Document, most_bytes: int) -> bool:
    size = 0
    for line in document.lines:
        size += len(line)
        if size > most_bytes or "\0" in line:
            return False
    return True


def _wanted(kind: str, only: Sequence[types.CodeActionKind | str] | None) -> bool:
    """Kinds are a hierarchy of words with dots."""
    if only is None:
        return True
    asked = [str(getattr(item, "value", item)) for item in only]
    return any(not item or kind == item or kind.startswith(item + ".") for item in asked)


def _range(found: types.Range) -> Range:
    ends = (Position(end.line, end.character) for end in (found.start, found.end))
    return Range(*ends)


def _diagnostic(found: types.Diagnostic) -> Diagnostic:
    severity = int(found.severity) if found.severity else None
    return Diagnostic(_range(found.range), str(found.message), severity)


def _one_line(text: str, most: int = 60) -> str:
    line = " ".join(text.split())
    return line if len(line) <= most else line[: most - 3] + "..."
