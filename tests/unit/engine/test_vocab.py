"""Keys and tokens of rendered prompts."""

from __future__ import annotations

from ds4agent.engine.vocab import Vocab
from ds4agent.wire.template import Rendered, Span
from tests.unit.engine.scripted import ScriptedModel

VOCAB = Vocab(ScriptedModel())
PROMPT = VOCAB.prompt(
    Rendered((Span("<｜User｜>", True), Span("é<think>", False), Span("<think>", True), Span("x", False)))
)
MARK = "<｜User｜>".encode()


def test_turn_markers_have_a_key_that_no_text_has() -> None:
    assert PROMPT.key == b"\xff" + MARK + "é<think><think>x".encode()
    assert b"".join(map(VOCAB.token_key, PROMPT.tokens)) == PROMPT.key


def test_the_rest_behind_an_offset() -> None:
    text = "é<think>".encode()
    assert VOCAB.rest(PROMPT, 0) == PROMPT.pieces
    assert VOCAB.rest(PROMPT, len(PROMPT.key)) == ()
    behind = 1 + len(MARK)
    assert VOCAB.rest(PROMPT, behind) == PROMPT.pieces[1:]
    assert VOCAB.rest(PROMPT, behind + 2) == ((text[2:], None), *PROMPT.pieces[2:])
    assert VOCAB.rest(PROMPT, behind + len(text)) == PROMPT.pieces[2:]


def test_no_rest_begins_inside_a_control_token_or_a_character() -> None:
    behind = 1 + len(MARK)
    assert VOCAB.rest(PROMPT, 1) is None
    assert VOCAB.rest(PROMPT, behind + 1) is None
    assert VOCAB.rest(PROMPT, behind + len("é<think>".encode()) + 1) is None
