"""What a client learns about the model."""

from __future__ import annotations

import json

import pytest

from ds4agent.wire.models import ModelCard


@pytest.mark.parametrize(("n_ctx", "default", "limit"), [(1024, 200, 200), (1024, 393216, 1024)])
def test_a_reply_is_never_longer_than_the_context(n_ctx: int, default: int, limit: int) -> None:
    card = json.loads(ModelCard("Model", n_ctx, default).one_body())
    assert card["context_length"] == card["top_provider"]["context_length"] == n_ctx
    assert card["top_provider"]["max_completion_tokens"] == limit


def test_the_id_is_that_of_the_model_that_is_loaded() -> None:
    (card,) = json.loads(ModelCard('The "Tiny" One', 8, 8).list_body())["data"]
    assert (card["id"], card["name"]) == ('the-"tiny"-one', 'The "Tiny" One')
