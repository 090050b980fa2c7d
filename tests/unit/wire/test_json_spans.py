"""Raw JSON spans against a parser."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ds4agent.wire import json_spans

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=12,
)
STYLES = st.sampled_from([{}, {"indent": 1}, {"separators": (",", ":")}, {"ensure_ascii": False}])


@given(st.dictionaries(st.text(), VALUES, max_size=5), STYLES)
def test_members_are_what_a_parser_sees(value: dict[str, object], style: dict[str, object]) -> None:
    text = json.dumps(value, **style)  # type: ignore[arg-type]
    assert {key: json.loads(raw) for key, raw in json_spans.members(text)} == value
    for _, raw in json_spans.members(text):
        assert raw in text
        assert raw == raw.strip()


@given(st.lists(VALUES, max_size=5), STYLES)
def test_elements_are_what_a_parser_sees(value: list[object], style: dict[str, object]) -> None:
    text = json.dumps(value, **style)  # type: ignore[arg-type]
    assert [json.loads(raw) for raw in json_spans.elements(text)] == value


@given(VALUES, STYLES)
def test_minify_changes_nothing_but_white_space(value: object, style: dict[str, object]) -> None:
    text = json.dumps(value, **style)  # type: ignore[arg-type]
    compact = json.dumps(value, ensure_ascii=style.get("ensure_ascii") is not False, separators=(",", ":"))
    assert json_spans.minify(text) == compact


@given(st.text())
def test_quote_is_json_and_leaves_what_it_can(text: str) -> None:
    quoted = json_spans.quote(text)
    assert json.loads(quoted) == text
    assert json_spans.quote("é中/\b\f\x1f\x7f\n") == '"é中/\\u0008\\u000c\\u001f\x7f\\n"'


def test_spelling_order_and_duplicates_are_kept() -> None:
    text = '{ "b" : 1.00 , "a":1E5,"b": "x\\u0041" , "c" : [ 1, {"d" : 2} ] }'
    assert json_spans.members(text) == [
        ("b", "1.00"), ("a", "1E5"), ("b", '"x\\u0041"'), ("c", '[ 1, {"d" : 2} ]')
    ]  # fmt: skip
    assert json_spans.member(text, "b") == '"x\\u0041"'
    assert json_spans.member(text, "z") is None


@pytest.mark.parametrize("text", ["", "{", "NaN", "[Infinity]", "1 2", "[" * 100_000, "9" * 5000])
def test_what_is_refused(text: str) -> None:
    with pytest.raises(json_spans.InvalidJson):
        json_spans.loads(text)


def test_depth_counts_brackets_outside_strings() -> None:
    assert json_spans.depth('{"a": ["[[[", {}]}') == 3
    assert json_spans.depth("]]]") == 0
