"""Edits and columns against the plainest model: one string, and counting in its encoded form."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from lsprotocol import types

from ds4agent.lsp.document import UNITS, Document, column, split_lines, units

ENCODINGS = st.sampled_from(sorted(UNITS))
TEXT = st.text(st.sampled_from("ab \t\r\n\x0c\u2028é日🙂"), max_size=40)
LINE = st.text(st.sampled_from("ab\x0c\u2028é日🙂"), max_size=20)


def document(text: str, encoding: str = "utf-16") -> Document:
    return Document("file:///a.py", text, 1, "python", encoding)


@given(TEXT)
def test_lines_are_the_text(text: str) -> None:
    lines = split_lines(text)
    assert "".join(lines) == text
    assert all(line.endswith(("\r", "\n")) for line in lines[:-1])
    assert not lines[-1].endswith(("\r", "\n"))
    assert not any("\n" in line.rstrip("\r\n") or "\r" in line.rstrip("\r\n") for line in lines)


@given(st.data(), ENCODINGS)
def test_edits_are_those_of_a_string(data: st.DataObject, encoding: str) -> None:
    found = document(data.draw(TEXT), encoding)
    for _ in range(data.draw(st.integers(1, 5))):
        whole = found.source
        ends = sorted((_any_point(data, found), _any_point(data, found)))
        text = data.draw(TEXT)
        wanted = whole[: _offset(found, ends[0])] + text + whole[_offset(found, ends[1]) :]
        change = types.TextDocumentContentChangePartial(range=found.range(*ends), text=text)
        found.apply_change(change)
        assert (found.source, found.size) == (wanted, len(wanted))
        assert found.lines == split_lines(wanted)


@given(LINE, ENCODINGS)
def test_columns_there_and_back(line: str, encoding: str) -> None:
    for at in range(len(line) + 1):
        assert column(line, units(line[:at], encoding), encoding) == at


@given(LINE, ENCODINGS, st.integers(0, 100))
def test_a_column_inside_of_a_character_is_its_beginning(line: str, encoding: str, count: int) -> None:
    at = column(line, count, encoding)
    assert units(line[:at], encoding) <= count or at == 0
    assert at == len(line) or units(line[: at + 1], encoding) > count


def test_positions_that_are_not_there_are_the_nearest() -> None:
    found = document("ab\r\ncd")
    assert found.point(types.Position(0, 99)) == (0, 2)
    assert found.point(types.Position(9, 0)) == (1, 2)
    assert found.text(9) == ""


def test_a_whole_new_text() -> None:
    found = document("old")
    found.apply_change(types.TextDocumentContentChangeWholeDocument(text="new\n"))
    assert found.lines == ["new\n", ""]


def _any_point(data: st.DataObject, found: Document) -> tuple[int, int]:
    line = data.draw(st.integers(0, len(found.lines) - 1))
    return line, data.draw(st.integers(0, len(found.text(line))))


def _offset(found: Document, point: tuple[int, int]) -> int:
    return sum(map(len, found.lines[: point[0]])) + point[1]
