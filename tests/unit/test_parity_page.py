"""What docs/parity.md claims is shown by tests that exist."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
HEADS = ("feature", "---")


def _rows() -> list[tuple[str, str, list[str]]]:
    """Feature, what is here, tests."""
    lines = [line for line in (ROOT / "docs" / "parity.md").read_text().splitlines() if line.startswith("|")]
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    return [(c[0], c[1], re.findall(r"`([^`]+)`", c[2])) for c in cells if not c[0].startswith(HEADS)]


def test_a_feature_is_named_once() -> None:
    found = re.split(r"^## ", (ROOT / "docs" / "parity.md").read_text(), flags=re.MULTILINE)
    assert len(found) == 8
    for section in found:
        features = re.findall(r"^\| (.*?) \|", section, flags=re.MULTILINE)
        assert len(features) == len(set(features))


@pytest.mark.parametrize(("feature", "here", "tests"), _rows())
def test_a_claim_is_shown(feature: str, here: str, tests: list[str]) -> None:
    assert re.match(r"yes(: .+)?$|better: .+|no: .+", here), feature
    assert tests or here.startswith("no: "), feature
    for named in tests:
        file, _, name = named.partition("::")
        assert re.search(rf"^(async )?def {name}\(", (ROOT / "tests" / file).read_text(), re.MULTILINE), named
