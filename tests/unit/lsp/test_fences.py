"""Fenced blocks, against an independent reading of CommonMark."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from ds4agent.lsp.fences import Block, blocks

ORACLE = MarkdownIt("commonmark").disable(["blockquote", "html_block", "reference"])
FENCE = st.builds(
    lambda indent, sign, n, info: " " * indent + sign * n + info,
    st.integers(0, 5),
    st.sampled_from("`~"),
    st.integers(2, 5),
    st.sampled_from(["", "", "py", " py x", "  ", "a`b", "\t"]),
)
PROSE = st.sampled_from(
    [
        "",
        "",
        "  ",
        "text",
        "  text",
        "    code",
        "\tx = 1",
        "``",
        "`a`",
        "# head",
        "***",
        "a ```",
        "---",
        "+ ~~~",
    ]
)
ITEM = st.builds(
    lambda indent, mark, gap, rest: " " * indent + mark + " " * gap + rest,
    st.integers(0, 4),
    st.sampled_from(["-", "*", "1.", "10)"]),
    st.integers(1, 3),
    st.one_of(st.sampled_from(["item", "x"]), FENCE.map(str.strip)),
)


def expected(text: str) -> list[tuple[str, str]]:
    return [
        (token.info.split()[0] if token.info.split() else "", token.content)
        for token in ORACLE.parse(text)
        if token.type == "fence"
    ]


def found(text: str) -> list[tuple[str, str]]:
    return [(block.language, block.text) for block in blocks(text)]


@given(st.lists(st.one_of(FENCE, PROSE), max_size=12))
def test_fences_among_prose(lines: list[str]) -> None:
    text = "\n".join([*lines, ""])
    assert found(text) == expected(text)


@given(
    st.lists(
        st.sampled_from(["- a", "- ```py", "  ```", "  ~~~", "x = 1", "  x = 1", "", "```", "1. b", "   ```"])
    )
)
def test_fences_in_lists(lines: list[str]) -> None:
    text = "\n".join([*lines, ""])
    assert found(text) == expected(text)


@given(st.text(st.sampled_from("ab \t\n`~é日"), max_size=60))
def test_any_code_comes_back_from_a_longer_fence(code: str) -> None:
    text = f"Here:\n\n``````py\n{code}\n``````\nand more"
    if "``````" not in code:
        assert blocks(text)[0] == Block("py", code + "\n")


def test_a_fence_in_a_longer_one_is_text() -> None:
    assert found("````md\n```py\nx\n```\n````\n") == [("md", "```py\nx\n```\n")]


def test_an_unclosed_fence_goes_to_the_end() -> None:
    assert blocks("a\n```py\nx = 1\n") == [Block("py", "x = 1\n", closed=False)]
    assert blocks("a\n```py\nx = 1") == [Block("py", "x = 1\n", closed=False)]


def test_tildes_and_backticks_do_not_close_each_other() -> None:
    assert found("~~~\n```\n~~~\n") == [("", "```\n")]


def test_a_fence_that_is_indented_by_four_is_code() -> None:
    assert found("    ```\n    x\n    ```\n") == []


def test_a_fence_of_a_list_item_loses_the_items_indentation() -> None:
    assert found("10. Do this:\n\n    ```py\n    if x:\n        y\n    ```\n") == [("py", "if x:\n    y\n")]


def test_line_ends_of_all_kinds() -> None:
    assert found("```\r\na\r\n```\r\n") == [("", "a\n")]
