"""The window around the cursor stands still while somebody types."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from lsprotocol import types

from ds4agent.lsp.completion.gap import LONGEST, Gap, Windows
from ds4agent.lsp.document import Document

URI = "file:///x.py"


def document(lines: int, end: str = "\n") -> Document:
    return Document(URI, "".join(f"line_{n} = {n}{end}" for n in range(lines)), 1, "python", "utf-16")


def typed(doc: Document, line: int, text: str) -> None:
    place = doc.position((line, len(doc.text(line))))
    doc.apply_change(types.TextDocumentContentChangePartial(range=types.Range(place, place), text=text))


def test_lines_around_the_cursor_with_lf_ends() -> None:
    gap = Windows(2, 1).gap(document(9, "\r\n"), (4, 6))
    assert gap == Gap("line_2 = 2\nline_3 = 3\nline_4", " = 4", "\nline_5 = 5\n")
    assert (gap.head, gap.above, gap.below) == ("line_4", "line_3 = 3", ["line_5 = 5", ""])


def test_what_is_in_front_of_the_typed_text_stays_as_it_is() -> None:
    doc, windows = document(400), Windows(64, 16)
    line = 200
    first = windows.gap(doc, (line, len(doc.text(line))))
    for number in range(40):
        typed(doc, line, "\n" if number % 5 == 4 else "x")
        line += number % 5 == 4
        gap = windows.gap(doc, (line, len(doc.text(line))))
        assert gap.after == first.after
        assert gap.before.startswith(first.before)


def test_the_window_moves_when_the_cursor_has_gone_far() -> None:
    doc, windows = document(1000), Windows(64, 16)
    starts = {windows.gap(doc, (line, 0)).before.partition("\n")[0] for line in range(100, 400)}
    assert len(starts) <= 10


def test_lines_that_come_before_the_window_do_not_change_it() -> None:
    doc, windows = document(400), Windows(64, 16)
    before = windows.gap(doc, (200, 0))
    typed(doc, 10, "\nnew\nlines")
    assert windows.gap(doc, (202, 0)) == before


def test_a_line_that_nobody_wrote_is_not_read() -> None:
    data = "x" * (LONGEST + 1)
    doc = Document(URI, f"a\n{data}\nb\nc\nd\n{data}\ne\n", 1, "python", "utf-16")
    windows = Windows(64, 16)
    for line, expected in (
        (3, Gap("b\nc", "", "\nd\n")),
        (2, Gap("b", "", "\nc\nd\n")),
        (4, Gap("b\nc\nd", "", "\n")),
    ):
        gap = windows.gap(doc, (line, 1))
        assert gap == expected
        assert gap.is_text
    assert not windows.gap(doc, (1, 9)).is_text


def test_a_gap_with_text_is_as_if_it_had_been_typed() -> None:
    doc, windows = document(40), Windows(8, 4)
    gap = windows.gap(doc, (20, 4))
    place = doc.position((20, 4))
    doc.apply_change(types.TextDocumentContentChangePartial(range=types.Range(place, place), text="a\nb"))
    assert windows.gap(doc, (21, 1)) == gap.with_text("a\nb")


@given(
    st.integers(1, 60),
    st.lists(st.tuples(st.integers(0, 60), st.integers(0, 12)), min_size=1, max_size=20),
    st.integers(1, 12),
    st.integers(0, 6),
)
def test_any_walk_sees_what_is_there(
    lines: int, walk: list[tuple[int, int]], before: int, after: int
) -> None:
    doc, windows = document(lines), Windows(before, after)
    for line, column in walk:
        line = min(line, lines)
        column = min(column, len(doc.text(line)))
        gap = windows.gap(doc, (line, column))
        whole = doc.source
        at = sum(map(len, doc.lines[:line])) + column
        assert whole[:at].endswith(gap.before)
        assert whole[at:].startswith(gap.tail + gap.after)
        assert gap.before.count("\n") <= max(before * 3 // 2, before)
        assert gap.before.count("\n") >= min(line, before // 2)
        assert len(gap.below) <= after * 2 + 2
