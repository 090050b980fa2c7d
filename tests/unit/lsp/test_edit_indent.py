"""Indentation that a model lost comes back, and what it kept stays."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from ds4agent.lsp.edits.indent import common, restored

OLD = ["        if a:", "            return b", "        return c"]


def test_what_is_right_stays() -> None:
    new = ["        if a and d:", "            return b", "        return c"]
    assert restored(OLD, new) == new


def test_all_lines_shifted_to_the_left() -> None:
    assert restored(OLD, ["if a and d:", "    return b", "return c"]) == [
        "        if a and d:",
        "            return b",
        "        return c",
    ]


def test_only_the_first_line_shifted() -> None:
    new = ["if a and d:", "            return b", "        return c"]
    assert restored(OLD, new)[0] == "        if a and d:"
    assert restored(OLD, new)[1:] == OLD[1:]


def test_half_of_the_indentation() -> None:
    new = ["    if a:", "        return d", "    return e"]
    assert restored(OLD, new) == ["        if a:", "            return d", "        return e"]


def test_nothing_alike_is_moved_to_where_the_old_lines_were() -> None:
    assert restored(["    x = 1"], ["for n in y:", "    z(n)"]) == ["    for n in y:", "        z(n)"]


def test_an_empty_line_has_no_indentation_to_give() -> None:
    assert restored([""], ["    x = 1"]) == ["    x = 1"]


def test_spaces_for_tabs() -> None:
    old = ["\tif (a) {", "\t\tb();", "\t}"]
    assert restored(old, ["    if (a) {", "        c();", "    }"]) == ["\tif (a) {", "\t\tc();", "\t}"]
    assert restored(old, ["if (a) {", "  c();", "}"]) == ["\tif (a) {", "\t\tc();", "\t}"]


def test_a_blank_line_stays_empty() -> None:
    assert restored(["    a", "", "    b"], ["a", "", "c"]) == ["    a", "", "    c"]


LINES = st.lists(
    st.tuples(st.sampled_from(["", "  ", "    ", "\t"]), st.sampled_from(["a", "b:", "c()", "日"])).map(
        "".join
    ),
    min_size=1,
    max_size=6,
)


@given(LINES)
def test_an_answer_that_changes_nothing_is_the_old_lines(old: list[str]) -> None:
    assert restored(old, old) == old


@given(LINES)
def test_a_shifted_copy_is_the_old_lines(old: list[str]) -> None:
    shift = len(common(old))
    assert restored(old, [line[shift:] for line in old]) == old


@given(LINES, LINES)
def test_only_white_space_in_front_is_changed(old: list[str], new: list[str]) -> None:
    assert [line.strip() for line in restored(old, new)] == [line.strip() for line in new]
