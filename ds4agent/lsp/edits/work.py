"""The kinds of work on code that a user can ask for: what each is called, and what the model is told."""

from collections.abc import Sequence
from dataclasses import dataclass

from lsprotocol import types

from ds4agent.lsp.edits.comments import comment_at, said
from ds4agent.lsp.edits.region import Region, around, chosen, heading, told
from ds4agent.lsp.edits.symbols import Symbol, enclosing
from ds4agent.lsp.excerpt import Excerpt, fill
from ds4agent.lsp.messages import Diagnostic, Range

QUICKFIX = str(types.CodeActionKind.QuickFix.value)
REWRITE = str(types.CodeActionKind.RefactorRewrite.value)
TEST = "source.ds4agent.test"
EXPLAIN = "source.ds4agent.explain"
KINDS = {
    "explain": EXPLAIN,
    "fix": QUICKFIX,
    "docstring": REWRITE,
    "test": TEST,
    "simplify": REWRITE,
    "comment": REWRITE,
}
_SEVERITIES = {1: "error", 2: "warning", 3: "information", 4: "hint"}


@dataclass(frozen=True, slots=True)
class Work:
    """What was asked for, and where; also the `data` of a code action. `version`: of the document."""

    do: str
    uri: str
    range: Range
    version: int | None = None
    diagnostics: tuple[Diagnostic, ...] = ()
    instruction: str = ""


@dataclass(frozen=True, slots=True)
class Plan:
    """Lines [first, last) are rewritten as the instruction says. `label` is what the user is asked about."""

    region: Region
    instruction: str
    label: str


def plan(work: Work, found: Excerpt, first: int, last: int) -> Plan | None:
    """None where the work makes no sense. `first`, `last`: the lines of its range."""
    lines = found.lines
    empty = work.range.start == work.range.end
    match work.do:
        case "fix":
            return _fix(work, found, first, last, empty)
        case "docstring":
            return _docstring(found, symbol_at(lines, first))
        case "simplify":
            return Plan(chosen(lines, first, last, empty), fill("simplify"), "Simplify")
        case "comment":
            return _comment(found, first)
    region = chosen(lines, first, last, empty)
    return Plan(region, work.instruction, _shortened(work.instruction))


def symbol_at(lines: Sequence[str], line: int) -> Symbol | None:
    return enclosing(lines, line) if line < len(lines) else None


def reported(found: Sequence[Diagnostic], lines: Sequence[str]) -> str:
    """Diagnostics, one a line, with the code that each is about."""
    return "\n".join(_reported(item, lines) for item in found)


def _reported(item: Diagnostic, lines: Sequence[str]) -> str:
    at = item.range.start.line
    code = f" (`{lines[at].strip()}`)" if 0 <= at < len(lines) and lines[at].strip() else ""
    return f"- line {at + 1}{code}: {_SEVERITIES.get(item.severity or 1, 'error')}: {item.message}"


def _fix(work: Work, found: Excerpt, first: int, last: int, empty: bool) -> Plan:
    if not work.diagnostics:
        return Plan(chosen(found.lines, first, last, empty), fill("fix_any"), "Fix")
    region = around(found.lines, first, last)
    told = fill("fix", diagnostics=reported(work.diagnostics, found.lines))
    return Plan(region, told, f"Fix: {_shortened(work.diagnostics[0].message)}")


def _docstring(found: Excerpt, symbol: Symbol | None) -> Plan | None:
    if symbol is None:
        return None
    region = heading(found.lines, symbol, found.language)
    return Plan(region, fill("docstring", name=symbol.name), f"Document {symbol.name}")


def _comment(found: Excerpt, line: int) -> Plan | None:
    comment = comment_at(found.lines, line, found.language)
    if comment is None:
        return None
    text = said(found.lines[comment[0] : comment[1]], found.language)
    if not text:
        return None
    region = told(found.lines, comment)
    return Plan(region, fill("comment", line=comment[0] + 1, comment=text), f"Do: {_shortened(text)}")


def _shortened(text: str, most: int = 60) -> str:
    line = text.strip().splitlines()[0].strip() if text.strip() else ""
    return line if len(line) <= most else line[: most - 3] + "..."
