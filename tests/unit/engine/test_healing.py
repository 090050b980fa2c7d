"""Words that a cursor cut: what is taken off, what may come next, and what the client gets."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from typing import Any
from unicodedata import category

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ds4agent.engine.binding import Model
from ds4agent.engine.healing import MOST, Spelling, heal
from ds4agent.engine.job import Emitted, Finished, Job, Message
from ds4agent.engine.vocab import Vocab
from ds4agent.resources import bundled_model
from ds4agent.wire import infill
from ds4agent.wire.reply import Reply
from ds4agent.wire.template import Rendered, Span, raw_prompt
from tests.unit.engine.cache_parts import Engine, raw

CODE = [
    "return width * hei",
    "self._",
    "getUserNa",
    "x = 12",
    "ünïcö",
    "漢字かな",
    "🙂🙂",
    "zqxjkv",
    "  ",
    "('",
    "\t",
]
texts = st.lists(st.sampled_from(CODE) | st.text(max_size=8), max_size=6).map("".join)
lines = texts.map(lambda text: re.sub("[\r\n]", "", text))


@cache
def real() -> Model:
    return Model(bundled_model(), threads=2)


@cache
def vocabulary() -> list[bytes]:
    return [real().token_bytes(i) for i in range(real().n_vocab)]


def members(allowed: bytes) -> set[int]:
    return {i for i in range(real().n_vocab) if allowed[i // 8] >> i % 8 & 1}


def cut(text: str) -> tuple[Rendered, str]:
    return heal(replace(raw_prompt([(text, False)]), cursor=1 if text else None), real())


# Behind spaces, a character that is in no class is a word without one of them: of such text the spaces are
# other tokens where nothing follows.
@given(lines.filter(lambda line: not any(category(char)[0] == "C" for char in line)), texts)
def test_what_follows_makes_no_other_tokens_of_what_is_before_the_last_word(line: str, more: str) -> None:
    at = real().last_word(line.encode())
    if not re.match(r"\s*[\r\n]", line.encode()[at:].decode() + more):
        known = real().tokenize(line.encode()[:at])
        assert real().tokenize((line + more).encode())[: len(known)] == known


@given(lines)
def test_what_may_come_next_is_what_a_look_at_every_token_finds(rest: str) -> None:
    data = rest.encode()
    found = {i for i, t in enumerate(vocabulary()) if t.startswith(data) or data.startswith(t)}
    assert members(real().spelling(data)) == {i for i in found if not real().is_control(i)}


@given(texts, st.data())
def test_any_text_cut_anywhere_is_spelt_again(text: str, data: st.DataObject) -> None:
    rendered, word = cut(text)
    assert rendered.text.removeprefix("<｜begin▁of▁sentence｜>") + word == text
    assert len(real().tokenize(word.encode())) <= MOST
    spelt, spelling = b"", Spelling(real(), word.encode())
    while not spelling.done:
        token = data.draw(st.sampled_from(sorted(members(spelling.allowed()))))
        assert not real().is_control(token)
        spelling.accept(token)
        spelt += real().token_bytes(token)
    assert spelt.startswith(word.encode())


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("", ""), ("x\n", ""), ("x\r\n", ""), ("a\n    ", ""), ("f(", ""), ("x = ", ""), ("x = 12", ""),
        ("width * hei", "hei"), ("a.bc", "bc"), ("max_", "_"), ("max_va", "va"), ("漢字", "漢字"),
        ("<｜fim▁hole", "hole"),
    ],
)  # fmt: skip
def test_the_word_is_taken_off(text: str, word: str) -> None:
    assert cut(text)[1] == word


def test_of_a_long_word_only_the_end_is_taken_off() -> None:
    text = "漢字" * 50
    rendered, word = cut(text)
    assert 0 < len(word) <= MOST
    assert rendered.spans[1] == Span(text[: -len(word)], control=False)


def test_the_prompt_is_the_same_while_letters_are_typed() -> None:
    def tokens(text: str) -> list[int]:
        return Vocab(real()).prompt(cut(text)[0]).tokens

    text = "def area(width, height):\n    return  width *"
    kept = [*tokens(text[:0]), *real().tokenize(text.encode()), *real().tokenize(b" ")]
    for typed in ("hei", "heig", "heigh", "height"):
        assert tokens(f"{text} {typed}") == kept


def test_text_that_was_no_unicode_is_left_alone() -> None:
    assert cut("caf\udce9")[1] == ""


# -- turns
# ----------------------------------------------------------------------------------------------------


def parts(engine: Engine, job: Job) -> tuple[Reply, list[int], str]:
    """The reply, all tokens that were evaluated for it, and its text as it was streamed."""
    turn, seen = engine.turn(job)
    tokens = []
    while (token := next(turn.steps, -1)) != -1:
        if token is not None:
            tokens.append(token)
            assert turn.live is not None
            turn.live.append([token])
    place = turn.live
    assert place is not None
    place.busy = False
    assert isinstance(seen[-1], Finished)
    return seen[-1].reply, tokens, streamed(seen)


def streamed(seen: Sequence[Message]) -> str:
    emissions = [e for m in seen if isinstance(m, Emitted) for e in m.emissions]
    return "".join(getattr(e.event, "text", "") for e in emissions)


def words(written: str, word: str, room: int = 1000, **options: Any) -> tuple[Reply, list[int]]:
    """A model that would write this where a word was taken off its prompt."""
    engine, prompt = Engine(replies=[written] * 9), raw("width * ")
    job = engine.raw_job(prompt, options.pop("most", 100))
    engine.first.n_ctx = len(prompt.tokens) + room
    request = replace(job.request, options=replace(job.request.options, **options))
    constraint = Spelling(engine.first.model, word.encode())
    job = replace(job, request=request, protocol="infill", healed=word, constraint=constraint)
    reply, tokens, text = parts(engine, job)
    assert text == reply.content
    return reply, tokens


def test_the_client_gets_what_it_has_not() -> None:
    reply, tokens = words("height.", "hei")
    assert (reply.content, reply.finish, reply.usage.completion) == ("ght.", "stop", 4)
    assert len(tokens) == 7


def test_a_word_that_the_model_would_not_write_is_spelt_all_the_same() -> None:
    reply, tokens = words("width", "hei")
    assert bytes(token - 16 for token in tokens).startswith(b"hei")
    assert reply.content == "width"


def test_a_limit_counts_what_is_new() -> None:
    reply, _ = words("height", "hei", most=2)
    assert (reply.content, reply.finish, reply.usage.completion) == ("gh", "length", 2)


def test_stops_are_looked_for_in_what_is_new() -> None:
    assert words("heights", "hei", stops=("ei", "ig", "ts"))[0].content == "gh"


def test_nothing_follows_a_word_that_is_complete() -> None:
    reply, _ = words("height", "height")
    assert (reply.content, reply.finish, reply.usage.completion) == ("", "stop", 0)


@pytest.mark.parametrize("room", [1, 2, 3, 4])
def test_a_context_that_is_full_ends_the_reply(room: int) -> None:
    reply, tokens = words("height", "hei", room=room)
    assert (reply.content, reply.finish, len(tokens)) == ("ght"[: max(0, room - 3)], "length", room)


@pytest.fixture(scope="module")
def engine() -> Engine:
    return Engine(n=2, real=real(), n_ctx=2048)


BEFORE = "def label(größe, 名前, width):\n    "
TYPED = ["return wid", "return 名", "return grö", "zqxjkv", "x = '🙂e", "return f(wi", "re", "x = '\\u"]


@pytest.mark.parametrize("order", ["psm", "spm"])
@pytest.mark.parametrize("temperature", [0, 1.5])
def test_a_hole_goes_on_from_the_word_before_it(engine: Engine, order: str, temperature: float) -> None:
    for seed, typed in enumerate(TYPED, 1):
        body = {"input_prefix": BEFORE, "prompt": typed, "input_suffix": "\n", "infill_order": order}
        job = engine.job(infill.DIALECT, **body, temperature=temperature, seed=seed, n_predict=6)
        word = job.healed.encode()
        assert word
        reply, tokens, text = parts(engine, job)
        written = b"".join(map(real().token_bytes, tokens))
        assert written.startswith(word)
        assert reply.content == text == written[len(word) :].decode("utf-8", "replace")
        sizes = [len(b"".join(map(real().token_bytes, tokens[: n + 1]))) for n in range(len(tokens))]
        assert reply.usage.completion == sum(size > len(word) for size in sizes) <= 6


def test_healing_can_be_switched_off(engine: Engine) -> None:
    body = {"input_prefix": "width * hei", "input_suffix": "\n"}
    healed, off = (engine.job(infill.DIALECT, **body, heal=heal) for heal in (None, False))
    assert (healed.healed, off.healed, off.constraint) == ("hei", "", None)
    assert len(off.prompt.tokens) > len(healed.prompt.tokens)
    assert not engine.job(infill.DIALECT, input_suffix="x", infill_order="spm").healed
