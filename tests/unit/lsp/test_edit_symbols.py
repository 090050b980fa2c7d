"""What is found by form alone, in several languages, and which lines a model is asked about."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ds4agent.lsp.edits.comments import comment_at, said
from ds4agent.lsp.edits.region import around, chosen, heading, told
from ds4agent.lsp.edits.symbols import enclosing, symbols

PYTHON = '''import os
x = foo(1)
@dec
@dec2(a)
async def f(a,
      b: str = ")"):
    """One.

    Two."""
    if a:
        g(b)

    return a


class A(B):
    # make it so
    x = 1

    def m(self) -> None:
        try:
            pass
        except E:
            pass
    def n(self): return 1

if x:
    y()
'''
OTHERS = {
    "js": """export default async function foo(a) {
  if (a) {
    return 1;
  } else {
    return 2;
  }
}
const bar = (x) => {
  return call(x);
};
class K {
  method(a, b) {
    call(x);
  }
}
""",
    "c": """#include <x.h>
static int
foo(int a)
{
    return bar(a);
}
struct s {
    int a;
};
void f(void);
""",
    "go": """func (s *Server) Serve(ctx context.Context) error {
\tif err := x(); err != nil {
\t\treturn err
\t}
\treturn nil
}
type T struct {
\ta int
}
""",
    "rs": """#[derive(Debug)]
pub struct P {
    a: u8,
}
impl<T> Foo for P<T> {
    pub fn new(a: u8) -> Self {
        P { a }
    }
}
""",
    "lua": """local function a(x)
  if x then
    return 1
  end
end
function M.b() return 1 end
""",
}
FOUND = {
    "js": [("foo", 0, 7), ("bar", 7, 10), ("K", 10, 15), ("method", 11, 14)],
    "c": [("foo", 2, 6), ("s", 6, 9)],
    "go": [("Serve", 0, 6), ("T", 6, 9)],
    "rs": [("P", 0, 4), ("Foo", 4, 9), ("new", 5, 8)],
    "lua": [("a", 0, 5), ("M.b", 5, 6)],
}


def test_python() -> None:
    found = [(s.name, s.first, s.head, s.body, s.last) for s in symbols(PYTHON.split("\n"))]
    assert found == [("f", 2, 4, 6, 13), ("A", 15, 15, 16, 25), ("m", 19, 19, 20, 24), ("n", 24, 24, 25, 25)]


@pytest.mark.parametrize("language", FOUND)
def test_other_languages(language: str) -> None:
    found = [(s.name, s.first, s.last) for s in symbols(OTHERS[language].split("\n"))]
    assert found == FOUND[language]


@pytest.mark.parametrize("text", [PYTHON, *OTHERS.values()])
def test_the_innermost_symbol_of_each_line(text: str) -> None:
    lines = text.split("\n")
    found = list(symbols(lines))
    for n, line in enumerate(lines):
        holding = [s for s in found if s.first <= n < s.last]
        if line.strip():
            assert enclosing(lines, n) == (holding[-1] if holding else None), (n, line)


@given(
    st.lists(st.sampled_from(["def f():", "  x", "{", "}", "", "f(a) {", "@d", "class A:", "    y", "*&* *"]))
)
def test_any_text_has_symbols_within_it(lines: list[str]) -> None:
    for found in symbols(lines):
        assert 0 <= found.first <= found.head < found.body <= found.last <= len(lines)


def test_a_selection_is_taken_as_it_is_and_a_cursor_takes_what_it_is_in() -> None:
    lines = PYTHON.split("\n")
    assert chosen(lines, 9, 11, False) == (9, 11)
    assert chosen(lines, 10, 11, True) == (2, 13)
    assert chosen(lines, 13, 14, True) == (13, 14)
    assert chosen(lines, 1, 2, True) == (0, 7)
    assert chosen(lines, len(lines) + 5, len(lines) + 6, True) == (len(lines) + 5, len(lines))


def test_a_long_function_is_not_taken_whole() -> None:
    lines = ["def f():", *["    x()"] * 300]
    assert around(lines, 150, 151) == (145, 156)
    assert chosen(lines, 150, 151, True)[1] - chosen(lines, 150, 151, True)[0] < len(lines)


def test_a_head_has_its_documentation_with_it() -> None:
    lines = PYTHON.split("\n")
    symbol = enclosing(lines, 4)
    assert symbol
    assert heading(lines, symbol, "python") == (2, 9)
    c = ["/* What.", " * More. */", "int f(int a) {", "  return 1;", "}"]
    symbol = enclosing(c, 3)
    assert symbol
    assert heading(c, symbol, "c") == (0, 3)


@pytest.mark.parametrize(
    ("language", "lines", "wanted"),
    [
        ("python", ["x = 1", "# a", "# b", "y"], "a\nb"),
        ("python", ["x", "#!/bin/sh"], None),
        ("c", ["#include <x>", "#include <y>"], None),
        ("c", ["int a;", "/* make", " * it */"], "make\nit"),
        ("c", ["int *a;", "*a = 1;"], None),
        ("rust", ["x", "/// does"], "does"),
        ("lua", ["x", "-- sort"], "sort"),
        ("html", ["<p>", "<!-- a list -->"], "a list"),
        ("unheard-of", ["x", "# sort it"], "sort it"),
        ("unheard-of", ["x", "#include"], None),
    ],
)
def test_comments(language: str, lines: list[str], wanted: str | None) -> None:
    found = comment_at(lines, 1, language)
    assert (found and said(lines[found[0] : found[1]], language)) == wanted


def test_what_a_comment_is_about() -> None:
    lines = ["# sort it", "def f():", "    a", "", "    b", "c"]
    assert told(lines, (0, 1)) == (0, 5)
    assert told(["# do", "x", "y", "", "z"], (0, 1)) == (0, 3)
    assert told(["# do"], (0, 1)) == (0, 1)
