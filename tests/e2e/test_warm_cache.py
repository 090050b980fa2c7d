"""Twenty turns on one session: the engine reads every token once, also when the session is resumed.

Each turn is a process of its own, so each one after the first is a resumption: what the agent sends
must extend, byte for byte, what the engine already holds.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.e2e.task_runner import Outcome, make_repository, private_environment, run_agent

FILES = {
    "colors.py": "PRIMARY = \"teal\"\nACCENT = \"coral\"\n",
    "sizes.py": "SMALL = 4\nLARGE = 32\n",
    "notes.txt": "first note\n",
    "hello.py": "print(\"good evening\")\n",
}  # fmt: skip
TURNS = [
    "Set SMALL to 6 in sizes.py.",
    "What is the value of ACCENT in colors.py?",
    "Append the line \"second note\" to notes.txt.",
    "Run python3 hello.py and tell me what it prints.",
    "Thanks!",
    "Create a file todo.txt with the line: paint the fence",
    "Which file contains the word coral?",
    "Change PRIMARY to \"olive\" in colors.py.",
    "How many lines does notes.txt have? Use wc -l.",
    "Add the line \"third note\" at the end of notes.txt.",
    "Rename LARGE to HUGE in sizes.py.",
    "What does sizes.py contain now?",
    "Run git status --short and report what it says.",
    "In hello.py change \"good evening\" to \"good morning\".",
    "Run python3 hello.py again.",
    "Create empty.txt with the word nothing in it.",
    "Which files mention note?",
    "Set HUGE to 64 in sizes.py.",
    "Is there a file called todo.txt? What is in it?",
    "Good, that is all.",
]  # fmt: skip


def _assert_nothing_read_twice(turn: int, outcome: Outcome) -> None:
    caches = outcome.of("cache")
    assert caches, f"turn {turn}: no cache event; {outcome.stderr[-500:]}"
    for event in caches:
        assert event["reread_tokens"] == 0, f"turn {turn}: {event}"
        assert event["cached_tokens"] >= event["predicted_tokens"], f"turn {turn}: {event}"
    if turn:
        assert caches[0]["predicted_tokens"] > 0, f"turn {turn}: {caches[0]}"


@pytest.mark.slow
def test_twenty_turns_read_every_token_once(engine_url: str, tmp_path: Path) -> None:
    folder = tmp_path / "project"
    folder.mkdir()
    make_repository(folder, FILES, "Start")
    env = private_environment(tmp_path / "home")
    prompt_tokens = []
    for turn, text in enumerate(TURNS):
        words = ["--continue", text] if turn else [text]
        outcome = run_agent(folder, engine_url, env, *words)
        assert outcome.events, outcome.stderr
        _assert_nothing_read_twice(turn, outcome)
        prompt_tokens += [event["prompt_tokens"] for event in outcome.of("cache")]
    assert prompt_tokens == sorted(prompt_tokens), "the session only ever grows"


@pytest.mark.slow
def test_an_engine_of_its_own_for_each_turn_reads_every_token_once(tmp_path: Path) -> None:
    """Every run starts the embedded engine and ends it: what was read comes back from disk."""
    folder = tmp_path / "project"
    folder.mkdir()
    make_repository(folder, FILES, "Start")
    env = private_environment(tmp_path / "home")
    for turn, text in enumerate(TURNS[:6]):
        words = ["--continue", text] if turn else [text]
        outcome = run_agent(folder, "embedded", env, *words)
        assert outcome.events, outcome.stderr
        _assert_nothing_read_twice(turn, outcome)
