"""Members found without parsing, whatever surrounds them."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ds4agent.wire.json_peek import peek

NAMES = frozenset((b"model", b"stream"))
SCALARS = st.none() | st.booleans() | st.integers() | st.text()
VALUES = st.recursive(SCALARS, lambda v: st.lists(v) | st.dictionaries(st.text(), v), max_leaves=20)


@given(
    st.dictionaries(st.sampled_from(["model", "stream", "messages", "m"]) | st.text(), VALUES), st.booleans()
)
def test_scalars_of_an_object_are_what_a_parser_finds(value: dict[str, Any], spaced: bool) -> None:
    text = json.dumps(value, indent=1 if spaced else None).encode() + b"\n"
    expected = {
        name.encode(): json.dumps(value[name]).encode()
        for name in ("model", "stream")
        if name in value and not isinstance(value[name], list | dict)
    }
    assert peek(text, NAMES) == expected


@given(st.binary(), st.integers(0, 200))
def test_any_bytes_are_taken(data: bytes, cut: int) -> None:
    peek(data, NAMES)
    peek(b'{"messages":[' + data[:cut], NAMES)


@given(st.integers(0, 80))
def test_what_is_cut_off_is_not_made_up(cut: int) -> None:
    text = b'{"messages":[{"model":"no"}],"stream":true,"model":"a\\"b","n":12345}'
    found = peek(text[:cut], NAMES | {b"n"})
    assert found.items() <= {b"stream": b"true", b"model": b'"a\\"b"', b"n": b"12345"}.items()


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (b'{"a":"\\"model\\":\\"x\\"","model":"y"} ', {b"model": b'"y"'}),
        (b'[{"model":"x"}] ', {}),
        (b'{"b":{"model":"x"},"c":["model","z"]} ', {}),
        (b'{"model":["x"],"stream":false} ', {b"stream": b"false"}),
    ],
)
def test_only_the_top_level_counts(text: bytes, found: dict[bytes, bytes]) -> None:
    assert peek(text, NAMES) == found


INNER = st.dictionaries(st.sampled_from(["effort", "e.f"]) | st.text(), VALUES)


@given(st.dictionaries(st.sampled_from(["reasoning", "reasoning.effort", "x"]), INNER | VALUES))
def test_a_member_of_a_member_is_what_a_parser_finds(value: dict[str, Any]) -> None:
    inner = value.get("reasoning")
    effort = inner.get("effort", []) if isinstance(inner, dict) else []
    expected = {} if isinstance(effort, list | dict) else {b"reasoning.effort": json.dumps(effort).encode()}
    assert peek(json.dumps(value).encode() + b"\n", (b"reasoning.effort",)) == expected
