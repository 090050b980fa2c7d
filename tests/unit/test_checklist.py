"""The tables of docs/testing.md name tests and sections that exist."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
GROUPS = [
    "Tools and Responses mapping",
    "HTTP",
    "Streaming",
    "Thinking and rendering",
    "DSML",
    "Replay memory and continuation",
    "Stops and JSON",
    "KV",
]


def _section() -> str:
    text = (ROOT / "docs" / "testing.md").read_text()
    return re.split(r"^## ", text.partition("\n## ds4-server's own checklist\n")[2], flags=re.MULTILINE)[0]


def _rows() -> list[tuple[str, list[str], str]]:
    """Behaviour, tests, title of a difference."""
    lines = [line for line in _section().splitlines() if line.startswith("| ") and "---" not in line]
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    return [(c[0], re.findall(r"`([^`]+)`", c[1]), c[2]) for c in cells if c[0] != "behaviour"]


def test_all_groups_are_there_in_their_order() -> None:
    assert re.findall(r"^### (.*)$", _section(), flags=re.MULTILINE) == GROUPS


@pytest.mark.parametrize(("behaviour", "tests", "title"), _rows())
def test_a_behaviour_is_tested(behaviour: str, tests: list[str], title: str) -> None:
    assert tests, behaviour
    for named in tests:
        file, _, name = named.partition("::")
        assert f"\ndef {name}(" in (ROOT / "tests" / file).read_text(), named
    sections = re.findall(r"^## (.*)$", (ROOT / "docs" / "compat.md").read_text(), flags=re.MULTILINE)
    assert title in ("", *sections)
