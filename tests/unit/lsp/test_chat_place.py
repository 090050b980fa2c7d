"""Where a block of a reply goes, and when it goes nowhere."""

from __future__ import annotations

import pytest
from lsprotocol import types

from ds4agent.lsp.chat.place import placed
from ds4agent.lsp.document import Document, Files
from ds4agent.lsp.protocol import Failed, Server
from tests.lsp_client import capabilities
from tests.lsp_edits import made

TEXT = """import os


def first(a):
    return a


class Second:
    def third(self):
        x = 1
        y = 2
        return x + y

    def fourth(self):
        return 4
"""


@pytest.fixture
def server() -> Server:
    found = Server()
    found.protocol._workspace = Files(None)
    found.protocol.client_capabilities = capabilities()
    return found


def after(server: Server, block: str, text: str = TEXT, where: types.Range | None = None) -> str:
    document = Document("file:///a.py", text, 7, "python", "utf-16")
    edit = placed(server, document, block, where).edit
    assert edit
    assert edit.change_annotations
    return made(document, edit)


def test_a_function_takes_the_place_of_its_namesake(server: Server) -> None:
    block = "def first(a, b):\n    if b:\n        return b\n    return a\n"
    assert after(server, block) == TEXT.replace("def first(a):\n    return a\n", block)


def test_a_method_gets_its_indentation_back(server: Server) -> None:
    block = "def fourth(self):\n    return 5\n"
    assert after(server, block) == TEXT.replace("return 4", "return 5")


def test_several_definitions_at_once(server: Server) -> None:
    block = "def first(a):\n    return -a\n\n\ndef fourth(self):\n    return 5\n"
    assert after(server, block) == TEXT.replace("return a\n", "return -a\n").replace("return 4", "return 5")


def test_lines_that_are_alike(server: Server) -> None:
    assert after(server, "x = 1\ny = 3\nreturn x + y\n") == TEXT.replace("y = 2", "y = 3")
    assert after(server, "x = 10\ny = 2\nreturn x + y\n") == TEXT.replace("x = 1\n", "x = 10\n")
    assert after(server, "x = 1\ny = 2\nreturn x - y\n") == TEXT.replace("x + y", "x - y")


def test_a_whole_file(server: Server) -> None:
    new = TEXT.replace("import os", "import os\nimport sys").replace("return 4", "return 5")
    assert after(server, new) == new


def test_a_range_is_taken_as_it_is(server: Server) -> None:
    where = types.Range(types.Position(0, 0), types.Position(1, 0))
    assert after(server, "import sys\n", where=where) == TEXT.replace("import os", "import sys")
    cursor = types.Range(types.Position(1, 0), types.Position(1, 0))
    assert after(server, "import sys\n", where=cursor) == TEXT.replace(
        "import os\n", "import os\nimport sys\n"
    )


def test_line_ends_of_the_document_are_kept(server: Server) -> None:
    text = TEXT.replace("\n", "\r\n")
    block = "def first(a):\n    b = a\n    return b\n"
    assert after(server, block, text) == text.replace("    return a\r\n", "    b = a\r\n    return b\r\n")


@pytest.mark.parametrize(
    ("block", "why"),
    [
        ("fn main() {\n    println!();\n}\n", "nothing in a.py resembles"),
        ("x = 1\n# ... existing code ...\nreturn 2\n", "leaves code out"),
        ("class Second:\n    # rest of the class\n", "leaves code out"),
        ("def first(a):\n    return a\n", "has this already"),
        ("  \n", "is empty"),
    ],
)
def test_what_does_not_fit_is_refused(server: Server, block: str, why: str) -> None:
    with pytest.raises(Failed, match=why):
        after(server, block)


def test_a_name_that_is_there_twice_does_not_decide(server: Server) -> None:
    text = "class A:\n    def f(self):\n        return 1\n\n\nclass B:\n    def f(self):\n        return 2\n"
    block = "def f(self):\n    x = 5\n    print(x)\n    return x * 7\n"
    with pytest.raises(Failed, match="resembles"):
        after(server, block, text)


def test_an_empty_document(server: Server) -> None:
    with pytest.raises(Failed, match="resembles"):
        after(server, "x = 1\n", "")
    start = types.Range(types.Position(0, 0), types.Position(0, 0))
    assert after(server, "x = 1\n", "", start) == "x = 1\n"


def test_a_large_document_is_quick_enough_to_look_through(server: Server) -> None:
    text = "".join(f"value_{n} = {n}\n" for n in range(50_000))
    block = "value_4000 = 4000\nvalue_4001 = -1\nvalue_4002 = 4002\n"
    assert after(server, block, text) == text.replace("value_4001 = 4001", "value_4001 = -1")


def test_lines_of_a_minified_file_are_quick_enough_to_compare(server: Server) -> None:
    """Letter by letter these would take minutes."""
    here, there = ("".join(f"{name}{n}(){{}};" for n in range(30_000)) for name in "fg")
    assert after(server, f"x = 1\n{here}\n", f"x = 1\n{there}\ny = 2\n") == f"x = 1\n{here}\ny = 2\n"
    short = "data = load('somewhere', 1)"
    assert after(server, f"x = 1\n{short}\n", f"x = 1\n{there}\n") == f"x = 1\n{short}\n{there}\n"
