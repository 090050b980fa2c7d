"""What of a file a model reads, and how texts for it are filled."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from lsprotocol import types

from ds4agent.lsp.document import Document
from ds4agent.lsp.excerpt import PAGE, SHOWN, Excerpt, fence, fill, whole_lines

ROW = st.sampled_from(["", "x", "y" * 200, "é" * 3000, "z" * (PAGE + 7), "a b c " * 100])


def excerpt(lines: list[str]) -> Excerpt:
    return Excerpt("file:///a.py", "a.py", "python", 1, tuple(lines))


@given(st.lists(ROW, min_size=1, max_size=60), st.data())
def test_a_long_file_is_shown_around_the_place(lines: list[str], data: st.DataObject) -> None:
    line = data.draw(st.integers(0, len(lines) - 1))
    numbered = [f"{n}:{text}" for n, text in enumerate(lines)]
    shown = excerpt(numbered).file(line)
    assert f"\n{line}:" in shown
    assert len(shown.encode()) <= SHOWN + 3 * 60 + 120
    if "lines=" not in shown and "left out]" not in shown:
        assert shown == '<file path="a.py">\n' + "\n".join(numbered) + "\n</file>"


def test_places_near_each_other_see_the_same_pages() -> None:
    found = excerpt([f"row {n} " + "x" * 50 for n in range(20_000)])
    views = [found.file(n) for n in range(0, 20_000, 100)]
    assert len(set(views)) < 100
    assert views[0].startswith('<file path="a.py" lines="1-')
    assert found.file(10**9) == found.file(19_999)


def test_nothing_in_code_is_taken_for_a_hole_or_a_fence() -> None:
    code = "x = f'{path} {nothing}'\n```\n````py"
    shown = excerpt(code.split("\n")).part(0, 3)
    assert code in shown
    assert shown.count("`````") == 2
    assert fence("a ```` b") == "`````"
    assert fill("comment", line=3, comment="{line}") == fill("comment", line=3, comment="L").replace(
        "L", "{line}"
    )


def test_lines_of_a_range() -> None:
    found = Document("file:///a.py", "a\nbb\n", 1, "python", "utf-16")

    def touched(first: int, begin: int, last: int, end: int) -> tuple[int, int]:
        return whole_lines(found, types.Range(types.Position(first, begin), types.Position(last, end)))

    assert touched(0, 0, 0, 0) == (0, 1)
    assert touched(0, 0, 1, 0) == (0, 1)
    assert touched(0, 1, 1, 1) == (0, 2)
    assert touched(1, 1, 0, 0) == (0, 2)
    assert touched(1, 0, 99, 99) == (1, 2)
    assert touched(2, 0, 2, 0) == (2, 3)
