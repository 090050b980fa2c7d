"""The edit that is sent, applied as a client applies it, gives exactly the text that was wanted."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from ds4agent.lsp.document import UNITS, Document, split_lines
from ds4agent.lsp.edits.lines import Change, as_lines, changes, line_end, text_edits
from tests.lsp_edits import applied

ENCODINGS = st.sampled_from(sorted(UNITS))
WORDS = st.sampled_from(["", "a", "b", "  c", "é日🙂", "x\x0cy", "z\u2028"])
TEXT = st.lists(st.tuples(WORDS, st.sampled_from(["\n", "\r\n", "\n", "\r"])), max_size=8)
NEW = st.lists(WORDS, max_size=8)


def document(text: str, encoding: str) -> Document:
    return Document("file:///a.py", text, 3, "python", encoding)


@given(TEXT, st.booleans(), NEW, st.data(), ENCODINGS)
def test_the_wanted_lines_are_there_afterwards(
    rows: list[tuple[str, str]], ended: bool, new: list[str], data: st.DataObject, encoding: str
) -> None:
    text = "".join(word + end for word, end in rows)
    found = document(text if ended else text.rstrip("\r\n"), encoding)
    old = as_lines(found.source)
    first = data.draw(st.integers(0, len(old)))
    last = data.draw(st.integers(first, len(old)))
    edits = text_edits(found, changes(old[first:last], new, first))
    after = applied(found, edits)
    wanted = [*old[:first], *new, *old[last:]]
    has_end = not found.lines[-1] and bool(wanted)
    assert after.replace("\r\n", "\n").replace("\r", "\n") == "\n".join([*wanted, *[""] * has_end])


@given(TEXT, NEW, ENCODINGS)
def test_lines_that_stay_keep_their_ends(rows: list[tuple[str, str]], new: list[str], encoding: str) -> None:
    found = document("".join(word + end for word, end in rows), encoding)
    old = as_lines(found.source)
    change = changes(old, new)
    touched = {n for item in change for n in range(item.first, item.last)}
    edits = text_edits(found, change)
    for edit in edits:
        first, _ = found.point(edit.range.start)
        last, column = found.point(edit.range.end)
        assert set(range(first, last if not column else last + 1)) <= touched | {
            max(0, len(old) - 1),
            len(old),
        }


@given(TEXT, st.lists(WORDS, min_size=1, max_size=3), ENCODINGS)
def test_what_is_put_behind_the_end(rows: list[tuple[str, str]], new: list[str], encoding: str) -> None:
    for text in ("".join(w + e for w, e in rows), "".join(w + e for w, e in rows) + "last"):
        found = document(text, encoding)
        old = as_lines(text)
        edits = text_edits(found, [Change(len(old), len(old), tuple(new))])
        wanted = "\n".join([*old, *new, *[""] * (not found.lines[-1])])
        assert applied(found, edits).replace("\r\n", "\n").replace("\r", "\n") == wanted
        assert applied(found, edits).startswith(text)


def test_only_what_differs_is_touched() -> None:
    found = document("a\r\nb\r\nc\r\nd\r\n", "utf-16")
    edits = text_edits(found, changes(["a", "b", "c", "d"], ["a", "B", "c", "d", "e"]))
    shapes = [(e.range.start.line, e.range.end.line, e.new_text) for e in edits]
    assert shapes == [(1, 2, "B\r\n"), (4, 4, "e\r\n")]


def test_new_lines_get_the_end_that_most_lines_have() -> None:
    assert line_end(document("a\r\nb\r\nc\n", "utf-16")) == "\r\n"
    assert line_end(document("a", "utf-16")) == "\n"


def test_huge_differences_do_not_take_for_ever() -> None:
    old, new = [f"a{n}" for n in range(30_000)], [f"b{n}" for n in range(30_000)]
    assert changes(["same", *old], ["same", *new]) == [Change(1, 30_001, tuple(new))]


@given(st.text(st.sampled_from("ab\r\n\x0c"), max_size=20))
def test_lines_without_ends(text: str) -> None:
    lines = split_lines(text)
    assert as_lines(text) == [line.rstrip("\r\n") for line in (lines if lines[-1] else lines[:-1])]
