"""Functions, classes and the like, found by how code is written, without knowing its language.

A definition is a line that looks like the head of one; it holds the lines behind it that are indented deeper,
and closing lines (`}`, `)`, `end`) at its own depth. Well-formatted code of nearly every language reads so.
What is not found this way is no symbol here: nothing is offered for it, and nothing is guessed.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ds4agent.lsp.edits.indent import indent

TAB = 8
# Characters of a head; longer lines are data or were written by a machine.
LONGEST = 300
_WORDS = (
    "def|class|function|fn|func|fun|sub|proc|struct|enum|union|trait|interface|impl|module|namespace|record|object"
    "|protocol|extension|macro_rules!|type"
)
# Words such as `public static` or `export default async`, then one that says what is defined, then its name.
_HEAD = re.compile(
    rf"(?:[\w()\[\].<>]+ ){{0,5}}?(?:{_WORDS})(?:\*? +|(?=[<*]))"
    r"(?:\([^)]*\) *|<[^>]*> *)?([A-Za-z_$][\w$.:!?]*)"
)
_ARROW = re.compile(
    r"(?:export )?(?:default )?(?:const|let|var) ([\w$]+)[^=]*= *(?:async *)?(?:function|\(|[\w$]+ *=>)"
)
# Type, name, parameters, and no semicolon: C and its kin; also a method without any word in front of it.
_CALLED = re.compile(r"(?:[\w:<>,\[\]~.?]+[ *&]+)*([A-Za-z_$~][\w$:~]*)\s*\([^;]*\)?[^;={}]*\{?$")
_NOT_NAMES = frozenset(
    "if for while switch return else elif catch with match do try when unless until case foreach lock using "
    "assert print raise throw yield await del not and or in is new sizeof typeof".split()
)
_JOINING = frozenset("in is not and or if for as extends implements".split())
_DECORATOR = re.compile(r"@\w|#\[|\[\w+.*\]$|template *<")
_CLOSING = re.compile(r"[)\]}]|end\b|else\b|elif\b|except\b|finally\b|catch\b|rescue\b|ensure\b")
_GOES_ON = re.compile(r"\{|" + _CLOSING.pattern)
_REOPENS = re.compile(r"(\{|:|->|=>|then|do)\s*$")
_COMMENT = ("#", "//", "--", ";", "%", "/*", "*", '"""', "'''")


@dataclass(frozen=True, slots=True)
class Symbol:
    """Lines [first, last), decorators included; the head is in [head, body)."""

    name: str
    first: int
    head: int
    body: int
    last: int


def symbols(lines: Sequence[str]) -> Iterator[Symbol]:
    """All that are found, outer ones before those inside of them. `lines` may have their ends or not."""
    for n in range(len(lines)):
        if (name := _name(lines, n)) and (found := _symbol(lines, n, name)):
            yield found


def enclosing(lines: Sequence[str], line: int) -> Symbol | None:
    """The innermost symbol that holds a line."""
    depth: int | None = None
    for n in range(min(line, len(lines) - 1), -1, -1):
        if not lines[n].strip():
            continue
        # Nothing that holds the line is indented deeper than what was met on the way up.
        if depth is not None and width(lines[n]) > depth:
            continue
        if (name := _name(lines, n)) and (found := _symbol(lines, n, name)) and line < found.last:
            return found
        if n < line and width(lines[n]) == depth == 0 and not _GOES_ON.match(lines[n]):
            break
        depth = width(lines[n]) if depth is None else min(depth, width(lines[n]))
    return _decorated(lines, line)


def _decorated(lines: Sequence[str], line: int) -> Symbol | None:
    """The symbol whose decorator a line is."""
    n = line
    while n < len(lines) and _DECORATOR.match(lines[n].strip()):
        n += 1
    if n == line or n >= len(lines) or not (name := _name(lines, n)):
        return None
    return _symbol(lines, n, name)


def _name(lines: Sequence[str], n: int) -> str | None:
    """What is defined in a line, if its first words look so."""
    text = lines[n].strip()
    if not text or len(text) > LONGEST or text.startswith(_COMMENT):
        return None
    if re.split(r"\W", text, maxsplit=1)[0] in _NOT_NAMES:
        return None
    for pattern in (_HEAD, _ARROW):
        if (found := pattern.match(text)) and found[1] not in _JOINING:
            return found[1].rstrip(":")
    found = _CALLED.match(text)
    if not found or found[1] in _NOT_NAMES:
        return None
    # A call that stands alone looks like this, too, but for the brace or the type in front of it.
    braced = text.endswith("{") or (n + 1 < len(lines) and lines[n + 1].strip() == "{")
    return found[1] if braced or " " in text.split("(")[0].strip() else None


def _symbol(lines: Sequence[str], head: int, name: str) -> Symbol | None:
    at = width(lines[head])
    body = _body(lines, head)
    last = end = body
    while end < len(lines):
        text = lines[end].strip()
        if text and width(lines[end]) <= at:
            if width(lines[end]) < at or not (_CLOSING.match(text) or (text == "{" and end == body)):
                break
            last = end + 1
            if not _REOPENS.search(text):
                break
        elif text:
            last = end + 1
        end += 1
    if last == head + 1 and not _one_line(lines[head]):
        return None  # a head without anything: a call, a declaration
    first = head
    while first and _DECORATOR.match(lines[first - 1].strip()) and width(lines[first - 1]) == at:
        first -= 1
    return Symbol(name, first, head, body, last)


def _one_line(line: str) -> bool:
    text = line.strip()
    return bool(re.search(r"\{.*\}$|^(?:async )?def .*: *\S|^class .*: *\S|=> *\S| end$", text))


def _body(lines: Sequence[str], head: int) -> int:
    """The line behind a head, which goes on while a parenthesis of it is open."""
    depth = 0
    for n in range(head, min(head + 50, len(lines))):
        bare = re.sub(r"""(["']).*?\1""", "", lines[n])
        depth += sum(map(bare.count, "([")) - sum(map(bare.count, ")]"))
        if depth <= 0:
            return n + 1
    return head + 1


def width(line: str) -> int:
    """Columns of indentation."""
    return len(indent(line).expandtabs(TAB))
