"""Values that generated tasks change."""

from __future__ import annotations

import random

import pytest

from native.train.ds4train.sessions.values import Value, other_value


@pytest.mark.parametrize("kind", ["sep", "str", "choice:a,ab,abc"])
def test_an_empty_value_is_changed_too(kind: str) -> None:
    # Every text holds the empty one, so none was other than it: this did not return.
    assert other_value(random.Random(1), "train", Value("", kind)).text != ""
