"""Ids, names, variants and suffixes."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ds4agent.sidecar import model_names


@pytest.mark.parametrize(
    ("folder", "stem", "alone", "expected"),
    [
        ("", "DeepSeek V4_Flash", True, "deepseek-v4-flash"),
        ("", "..Foo--Bar..", True, "foo-bar"),
        ("", "模型", True, "gguf-model"),
        ("Foo", "模型", True, "foo"),
        ("DeepSeek-V4-Flash-GGUF", "model", True, "deepseek-v4-flash-gguf"),
        ("Foo", "weights", False, "foo"),
        ("Foo", "gguf", True, "foo"),
        ("Foo", "consolidated", True, "foo"),
        ("Foo", "model-q2", True, "foo"),
        ("Foo", "model-q2", False, "foo-q2"),
        ("Foo", "Models", True, "foo-models"),
        ("Foo", "foo", True, "foo"),
        ("Foo", "foo", False, "foo"),
        ("Foo", "Foo-Q2_K", False, "foo-q2-k"),
        ("Foo", "bar", True, "foo-bar"),
        ("", "model", True, "model"),
        ("gemma.3", "x", True, "gemma.3-x"),
    ],
)
def test_ids(folder: str, stem: str, alone: bool, expected: str) -> None:
    assert model_names.model_id(folder, stem, alone) == expected


@given(folder=st.text(max_size=20), stem=st.text(max_size=20), alone=st.booleans())
def test_any_name_makes_an_id_that_is_stable(folder: str, stem: str, alone: bool) -> None:
    found = model_names.model_id(folder, stem, alone)
    assert re.fullmatch(r"[a-z0-9.]+(-[a-z0-9.]+)*", found)
    assert model_names.normalised(found) == found


def test_names_for_people() -> None:
    assert model_names.display_name("Foo", "Bar-Q2", False) == "Foo / Bar-Q2"
    assert model_names.display_name("Foo", "Bar-Q2", True) == "Bar-Q2"
    assert model_names.display_name("Foo", "model", False) == "Foo"
    assert model_names.display_name("", "Bar", True) == "Bar"


@pytest.mark.parametrize(
    ("names", "blocks", "expected"),
    [
        (["DeepSeek-V4-Flash-IQ2XXS"], None, "flash"),
        (["x", "someone/deepseek_v4_pro-GGUF"], None, "pro"),
        (["deepseek-v4-prototype"], None, ""),
        (["Qwen-Flash"], None, ""),
        (["mine"], 43, "flash"),
        (["deepseek-v4-flash"], 61, "pro"),
        (["deepseek-v4"], 8, ""),
    ],
)
def test_variants(names: list[str], blocks: int | None, expected: str) -> None:
    assert model_names.variant(names, blocks) == expected


def test_suffixes() -> None:
    assert model_names.split_thinking("foo-think-max") == ("foo", "think-max")
    assert model_names.split_thinking("Foo-THINK") == ("Foo", "think")
    assert model_names.split_thinking("foo-chat-think") == ("foo-chat", "think")
    for name in ("foo", "-chat", "foo-reasoner", "foochat"):
        assert model_names.split_thinking(name) is None


def test_places_in_a_cache() -> None:
    place = model_names.hub_place("/c/hub/models--a--b--c/snapshots/0f/sub/x.gguf")
    assert place == model_names.HubPlace("/c/hub", "a/b--c", "0f", "sub/x.gguf")
    assert model_names.hub_place("/c/hub/models--a--b/blobs/x.gguf") is None


def test_shards() -> None:
    assert model_names.shard("Foo-00002-of-00010") == model_names.Shard("Foo", 2, 10)
    assert model_names.shard("Foo-2-of-10") is None
