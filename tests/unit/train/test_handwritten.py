"""Tasks written by hand: real tools say what every one says; what cannot be read is refused."""

from __future__ import annotations

import random
import re
from pathlib import Path

import pytest

from native.train.ds4train.sessions import build
from native.train.ds4train.sessions.handwritten.form import (
    Entry,
    FormatError,
    choose,
    draw,
    entries,
    fill,
    parse,
)
from native.train.ds4train.sessions.handwritten.proof import lacking, problems
from native.train.ds4train.sessions.replay import replay

SLOT = re.compile("⟪([^⟫]*)⟫")
# Several workers share the entries.
PARTS = 6


def _names(text: str) -> set[str]:
    """The slots in a text; of an expression, all that it names."""
    parts = (
        m[1:] if m.startswith("=") else m.partition(":")[0].partition(".")[0] for m in SLOT.findall(text)
    )
    return {name for part in parts for name in re.findall(r"[a-z_]\w*", part)}


def _sure(wording: str) -> str:
    """A wording without the choices that may leave their slots out."""
    return re.sub(
        r"\[\[.*?\]\]", lambda m: m[0] if all(map(SLOT.search, m[0][2:-2].split("|"))) else "", wording
    )


def _needed(entry: Entry) -> set[str]:
    """The slots that the agent writes before a command's output could have shown them."""
    needed: set[str] = set()
    shown: set[str] = set()
    for action in entry.actions:
        written = [*action.new, action.text if action.verb == "create" else "", action.argument]
        needed |= _names("\n".join(written)) - shown
        if action.verb == "run":
            shown |= _names(action.text)
    return needed


def test_every_wording_says_what_the_agent_cannot_know_otherwise() -> None:
    """A model trained on anything else would learn to invent."""
    for entry in entries():
        constant = {n for n, kind in entry.kinds.items() if kind.startswith("choice:") and "," not in kind}
        known = constant | {"cwd"} | {x for path, text in entry.files for x in _names(path) | _names(text)}
        for wording, _ in entry.asks:
            missing = _needed(entry) & set(entry.kinds) - known - _names(_sure(wording))
            assert not missing, f"{entry.where}: {wording}"


def test_a_sample_of_entries_does_what_real_tools_do() -> None:
    for entry in random.Random(5).sample(entries(), 40):
        assert lacking(entry) or problems(entry, 1) == []


def test_most_entries_need_only_tools_that_are_here() -> None:
    assert sum(not lacking(entry) for entry in entries()) > 0.8 * len(entries())


@pytest.mark.slow
@pytest.mark.parametrize("part", range(PARTS))
def test_every_entry_does_what_real_tools_do(part: int) -> None:
    here = [entry for entry in entries()[part::PARTS] if not lacking(entry)]
    assert [problem for entry in here for problem in problems(entry, 1)] == []


def test_in_a_project_of_other_files_they_still_agree_with_real_tools() -> None:
    for seed in range(12):
        assert replay(build(random.Random(seed), "train", 6000, tasks=2, only="handwritten")) == []


def test_every_answer_given_holds_what_a_right_one_must() -> None:
    for entry in entries():
        slots = draw(entry, random.Random(1), "train") | {"cwd": "/work"}
        for said in entry.says:
            for seed in range(4):
                text = fill(choose(said, random.Random(seed)), slots)
                assert all(fill(x, slots) in text for x in entry.answers), f"{entry.where}: {text}"


def test_no_two_slots_of_an_entry_are_equal() -> None:
    for entry in entries():
        values = draw(entry, random.Random(3), "train")
        assert len(set(values.values())) == len(values), entry.where


@pytest.mark.parametrize(
    ("text", "filled"),
    [
        ("⟪a:small⟫ and ⟪a⟫", "7 and 7"),
        ("⟪w.upper⟫ ⟪w.cap⟫ ⟪w.len⟫", "ODD Odd 3"),
        ("⟪=int(a) * 2⟫", "14"),
        ("    assert ⟪a⟫ == 1\n~~    assert ⟪a⟫", "    assert 7 == 1\n    ^^^^^^^^"),
    ],
)
def test_slots_are_filled(text: str, filled: str) -> None:
    assert fill(text, {"a": "7", "w": "odd"}) == filled


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("=== change\nask: x\nfile a\n1\n", "no `end`"),
        ("=== change\nask: x\ndo dance a\nsay: y\n", "unknown action 'dance'"),
        ("=== change\nask: ⟪b⟫\ndo read a\nsay: y\n", "no kind for b"),
        ("=== change\nask: x\ndo edit a\n- 1\nsay: y\n", "needs - and"),
        ("=== change\nask: x\nhello\ndo read a\nsay: y\n", "one.txt:3: what is 'hello'"),
        ("=== lookup\nask: x\ndo read a\n", "needs ask, do and say"),
    ],
)
def test_a_faulty_entry_is_named(text: str, complaint: str, tmp_path: Path) -> None:
    path = tmp_path / "one.txt"
    path.write_text(text)
    with pytest.raises(FormatError, match=re.escape(complaint)):
        list(parse(path))
