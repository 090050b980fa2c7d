"""The binding over the real library, with a model that recites."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from ds4agent.engine import make_abi
from ds4agent.engine.backend import DrawSettings
from ds4agent.engine.binding import Cancelled, Ds4Error, Model
from ds4agent.resources import CHECKOUT
from tests.engine_fixtures import write_reciting_model

GREEDY = DrawSettings(0.0, 1.0, 0.0, 0, 1)


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Model]:
    path = tmp_path_factory.mktemp("binding") / "model.gguf"
    write_reciting_model(path, ["I think"], ["so", " too"])
    with Model(path, threads=1) as opened:
        yield opened


def test_declarations_are_those_of_the_header() -> None:
    header = (CHECKOUT / "native" / "include" / "ds4.h").read_text()
    committed = CHECKOUT / "ds4agent" / "engine" / "_ds4_abi.py"
    assert make_abi.generate(header) == committed.read_text(), (
        "run: python -m ds4agent.engine.make_abi native/include/ds4.h ds4agent/engine/_ds4_abi.py"
    )


def test_info_and_metadata(model: Model) -> None:
    assert model.info.name == "Reciting Model"
    assert model.info.n_layer == 3
    assert model.info.has_tokenizer
    assert model.metadata("general.architecture") == "deepseek4"
    assert model.metadata("deepseek4.attention.sliding_window") == "32"
    assert model.metadata("no.such.key") is None


def test_tokens_there_and_back(model: Model) -> None:
    for text in (b"", b"hello", "é中🙂\0".encode(), b"x" * 10_000):
        tokens = model.tokenize(text)
        assert b"".join(map(model.token_bytes, tokens)) == text
    assert model.tokenize(b"<think>", rendered=True) == [model.find("<think>")]
    assert len(model.tokenize(b"<think>")) > 1
    assert model.find("no such token") is None
    assert model.is_control(0)
    with pytest.raises(Ds4Error):
        model.token_bytes(model.info.n_vocab)


def test_a_session_recites(model: Model) -> None:
    with model.session(100) as session:
        session.eval(model.tokenize(b"<think>", rendered=True))
        draw = session.sampler(GREEDY)
        text = b""
        while (token := draw(greedy=True)) != model.info.eos_id:
            text += model.token_bytes(token)
            session.eval([token])
        assert text == b"I think</think>so too"
        assert len(session.tokens()) == session.n_tokens == 5
        assert len(session.logits()) == model.info.n_vocab
        assert session.memory > 0


def test_saved_loaded_and_continued_equals_never_saved(model: Model) -> None:
    tokens = model.tokenize(b"some text that is long enough to cross a window or two" * 3)
    with model.session(400) as one, model.session(400) as two:
        one.eval(tokens)
        two.load(one.save())
        assert two.tokens() == tokens
        one.eval(tokens[:9])
        two.eval(tokens[:9])
        assert one.logits() == two.logits()
        with pytest.raises(Ds4Error) as error:
            two.load(one.save()[:-1])
        assert error.value.status in ("CHECKSUM", "FORMAT", "ARGUMENT")


def test_errors_carry_status_and_message(model: Model, tmp_path: Path) -> None:
    with pytest.raises(Ds4Error) as missing:
        Model(tmp_path / "absent")
    assert missing.value.status == "IO"
    assert "absent" in missing.value.message
    with model.session(4) as session:
        with pytest.raises(Ds4Error) as full:
            session.eval([0] * 5)
        assert full.value.status == "CONTEXT_FULL"
        with pytest.raises(Ds4Error):
            session.logits()
        with pytest.raises(Ds4Error):
            session.eval([model.info.n_vocab])


def test_a_model_with_sessions_is_not_closed(model: Model) -> None:
    with model.session(10), pytest.raises(Ds4Error):
        model.close()


def test_cancel_keeps_what_was_done(model: Model) -> None:
    tokens = model.tokenize(b"y" * 30_000)
    with model.session(32_000) as session:
        timer = threading.Timer(0.05, session.cancel)
        timer.start()
        with pytest.raises(Cancelled):
            session.eval(tokens)
        timer.join()
        done = session.n_tokens
        assert done < len(tokens)
        assert session.tokens() == tokens[:done]
        session.eval(tokens[done : done + 5])
        assert session.n_tokens == done + 5
