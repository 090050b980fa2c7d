"""What of an answer is shown: by example, and what holds for any answer."""

from __future__ import annotations

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from ds4agent.lsp.completion.gap import Gap
from ds4agent.lsp.completion.shape import Shape, shape_of
from ds4agent.lsp.completion.trim import is_over, trim, unfenced


def at(text: str) -> Gap:
    """The place of the bar."""
    before, _, rest = text.partition("|")
    tail, newline, after = rest.partition("\n")
    return Gap(before, tail, newline + after)


SHAPES = [
    ("def f(x):|", Shape(True, 1)),
    ("    if x:|\n    else:", Shape(True, 5)),
    ("def f(x):\n    |\n", Shape(True, 4)),
    ("class A:\n|\n", Shape(True, 1)),
    ("x = 1\n|\n", Shape(False)),
    ("x = |", Shape(False)),
    ("foo(|)", Shape(False)),
    ("x = {|", Shape(True, 1)),
    ("f = (a) =>|", Shape(True, 1)),
    ("print(|, end='')", Shape(False)),
    ("    |return x", Shape(False)),
]


@pytest.mark.parametrize(("text", "shape"), SHAPES)
def test_lines_are_written_where_a_block_begins_or_goes_on(text: str, shape: Shape) -> None:
    assert shape_of(at(text)) == shape


TRIMMED = [
    ("x = |", "1  \ny = 2", "1"),
    ("x = |\ny = 2", "1", "1"),
    ("foo(|)", "a, b)", "a, b"),
    ("foo(|)", "bar(a), b)", "bar(a), b"),
    ("foo([|])", "1, 2])", "1, 2"),
    ('name = "|"', 'value" + x', "value"),
    ("x[|] = 1", "a] = 1", "a"),
    ("foo(|, end=1)", "text, end=1)", "text"),
    ("a = |;", "b;", "b"),
    ("x = 1\n|", "x = 1", ""),
    ("|\nreturn x", "return x", ""),
    ("def f():|\n\nf()", "\n    return 1\n\n\nf()\n", "\n    return 1"),
    ("def f():\n    |\n", "a = 1\n    b = 2\ndef g():\n", "a = 1\n    b = 2"),
    ("def f():\n    |\n    return b", "b = 2\n    return b\n", "b = 2"),
    ("def f():\n    |\n", "a = 1\n    more()\n    more()\n    more()", "a = 1\n    more()"),
    ("x = {|", "\n    1: 2,\n}\ny = 3", "\n    1: 2,\n}"),
    ("x = {|\n}", "\n    1: 2,\n}", "\n    1: 2,"),
    ("d[a|:]", "::]", ":"),
    ("x = |", "caf\ufffd", "caf"),
    ("x = |", "a\x00b", "a"),
    ("x = |", "   ", ""),
    ("def f():|", "\r\n    return 1\r\n", "\n    return 1"),
]


@pytest.mark.parametrize(("text", "answer", "shown"), TRIMMED)
def test_what_is_shown(text: str, answer: str, shown: str) -> None:
    gap = at(text)
    assert trim(answer, gap, shape_of(gap)) == shown


def test_the_fence_around_a_chat_models_answer_is_taken_off() -> None:
    assert unfenced("```python\nx = 1\n```\nThat is it.") == "x = 1"
    assert unfenced("x = 1\n") == "x = 1\n"
    assert unfenced("```\nhalf") == "half"


def test_a_line_is_over_at_its_end_and_a_block_where_it_is_left() -> None:
    line, block = at("x = |"), at("def f():\n    |\n")
    assert not is_over("1", line, shape_of(line))
    assert is_over("1\n", line, shape_of(line))
    assert not is_over("a = 1\n    b", block, shape_of(block))
    assert not is_over("a = 1\n\n", block, shape_of(block))
    assert not is_over("a = 1\ndef", block, shape_of(block))
    assert is_over("a = 1\ndef g():\n", block, shape_of(block))


TEXT = st.text(st.sampled_from("ab (){}[]\"':;,=\n\t\r\ufffd\x00é💡`"), max_size=60)
GAPS = st.builds(
    lambda before, tail, after: Gap(before, tail.replace("\n", " "), after and "\n" + after), TEXT, TEXT, TEXT
)


@given(TEXT, GAPS)
def test_any_answer_comes_out_as_its_own_beginning(answer: str, gap: Gap) -> None:
    shape = shape_of(gap)
    shown = trim(answer, gap, shape)
    assert shown == shown.rstrip()
    assert not any(line != line.rstrip(" \t") for line in shown.split("\n"))
    assert "\ufffd" not in shown
    assert shape.lines or "\n" not in shown
    bare = "".join(answer.replace("\r\n", "\n").split())
    assert bare.startswith("".join(shown.split()))


@given(TEXT, GAPS)
def test_what_was_trimmed_stays_as_it_is(answer: str, gap: Gap) -> None:
    shape = shape_of(gap)
    shown = trim(answer, gap, shape)
    rest = gap.tail.strip()
    # Of "::" before ":" the first is the answer's own; by itself it would be the tail's.
    assume(not any(shown.endswith(rest[:n]) for n in range(1, len(rest) + 1)))
    assert trim(shown, gap, shape) == shown


@given(TEXT, TEXT, GAPS)
def test_nothing_that_comes_after_the_end_is_shown(answer: str, more: str, gap: Gap) -> None:
    shape = shape_of(gap)
    if is_over(answer, gap, shape):
        assert trim(answer + more, gap, shape) == trim(answer, gap, shape)
