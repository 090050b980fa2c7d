"""Engines whose answers are known beforehand, for the tests in VS Code."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from tests.editors.vscode.injections import INJECTIONS
from tests.engine_fixtures import EngineProcess, reciting_engine

# The rest of a line, or two lines of a block.
WRITTEN = ["first", " + sec", "ond *", " thi", "rd\n", "    ret", "urn res", "ult"]
LINE, NEXT = "first + second * third", "    return result"
# What may stand for the first piece of it, in the order in which it is drawn.
INSTEAD = ["fourth", "fifth"]
OTHERS = [LINE.replace("first", other) for other in INSTEAD]
TOTAL = "def total(first, second, third):\n    # é𝔸\n"

GREETER = '''"""Greets."""

NAME = "é𝔸"


def greet(name):
    text = "é𝔸 " + name
    return text
'''
OLD, NEW = 'text = "é𝔸 " + name', 'text = "hello é𝔸 " + name'
THOUGHTS = ["They want", " another", " greeting: é𝔸."]
# A function of a file with one line changed; good for chat, for apply and for edits.
ANSWER = [
    "Say **hello**:\n\n",
    "```python\n",
    "def greet(name):\n",
    f"    {NEW}\n",
    "    return text\n",
    "```\n",
]
# A function with a line between two that change.
COUNTER = '''"""Counts."""

START = 0


def count(words):
    found = len(words)  # é𝔸
    found = max(found, 0)
    return found
'''
COUNTED = "found = len(words)  # é𝔸", "found = len(set(words))  # é𝔸"
RETURNED = "return found\n", "return found + START\n"
RECOUNT = [
    "```python\n",
    "def count(words):\n",
    f"    {COUNTED[1]}\n",
    "    found = max(found, 0)\n",
    f"    {RETURNED[1]}",
    "```\n\n",
]
# So long that a test is through before it ends.
LONG = [f"word{n} " for n in range(30_000)]


def url(engine: EngineProcess) -> str:
    return f"http://127.0.0.1:{engine.port}"


@contextmanager
def reciter(
    folder: Path, reasoning: Sequence[str], answer: Sequence[str], instead: Sequence[str] = ()
) -> Iterator[EngineProcess]:
    folder.mkdir(parents=True, exist_ok=True)
    with reciting_engine(folder, reasoning, answer, "--ctx", "65536", instead=instead) as engine:
        yield engine


def hostile() -> list[str]:
    """All injections, between two words, in pieces that break them in the middle."""
    pieces: list[str] = []
    for number, text in enumerate(INJECTIONS):
        half = len(text) // 2
        # A model has no two pieces that are alike.
        pieces += [f"\n\nbegin{number}\n\n{text[:half]}", f"{text[half:]}\n\nend{number}"]
    return pieces
