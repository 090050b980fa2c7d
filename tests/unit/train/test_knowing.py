"""The tables behind plain questions: rows are whole, and a comparison names both things."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from native.train.ds4train.sessions import chatter, knowing

SESSIONS = Path(knowing.__file__).parent


def _rows(name: str, columns: int) -> list[list[str]]:
    lines = (SESSIONS / name).read_text(encoding="utf-8").splitlines()
    return [line.split(" | ", columns - 1) for line in lines if line.strip()]


@pytest.mark.parametrize(("name", "columns"), [("compare.txt", 3), ("know.txt", 2), ("howtos.txt", 2)])
def test_every_row_has_its_columns_and_a_whole_sentence(name: str, columns: int) -> None:
    for row in _rows(name, columns):
        assert len(row) == columns
        assert all(row)
        assert row[-1][-1] in ".!?", row


def test_a_comparison_names_both_things() -> None:
    for a, b, answer in _rows("compare.txt", 3):
        for thing in (a, b):
            core = re.sub("^(an?|the) ", "", thing).split(" in ")[0]
            assert core.lower() in answer.lower(), (thing, answer)


def test_every_line_of_small_talk_is_a_question_and_an_answer() -> None:
    names = ("chatter.txt", "chatter_more.txt", *chatter.FACT_FILES)
    for name in names:
        for line in (SESSIONS / name).read_text(encoding="utf-8").splitlines():
            assert line.count(" => ") == 1, line
    assert len(chatter._table(*names)) > 3000
