"""The DSML machine: round trips, split invariance, hold-back, malformed and cut-off blocks."""

import json
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ds4agent.wire.dsml import (
    INVALID,
    UNTERMINATED,
    BlockEnd,
    CallArguments,
    CallEnd,
    CallStart,
    Content,
    DsmlMachine,
    Event,
    Reasoning,
    Turn,
)
from ds4agent.wire.dsml_render import render_block
from ds4agent.wire.message import ToolCall

M = "｜DSML｜"


class DsmlRun:
    def __init__(self, machine: DsmlMachine, events: list[Event]) -> None:
        self.machine = machine
        self.events = events
        self.turn = Turn()
        self.turn.add(events)

    @property
    def calls(self) -> list[tuple[str, str]]:
        return [(call.name, call.arguments) for call in self.turn.calls]

    def streamed(self, index: int) -> str:
        return "".join(e.fragment for e in self.events if isinstance(e, CallArguments) and e.index == index)


def run(text: str | bytes, *, thinking: bool = False, cut: bool = False, step: int = 1) -> DsmlRun:
    data = text.encode() if isinstance(text, str) else text
    machine = DsmlMachine(thinking=thinking, tools=True)
    events: list[Event] = []
    for i in range(0, len(data), step):
        events += machine.feed(data[i : i + step])
    events += machine.finish(cut=cut)
    return DsmlRun(machine, events)


def merged(events: list[Event]) -> list[Event]:
    """Neighbouring text events joined: what must not depend on how the bytes were split."""
    out: list[Event] = []
    for event in events:
        last = out[-1] if out else None
        if isinstance(event, Reasoning) and isinstance(last, Reasoning):
            out[-1] = Reasoning(last.text + event.text)
        elif isinstance(event, Content) and isinstance(last, Content):
            out[-1] = Content(last.text + event.text)
        elif (
            isinstance(event, CallArguments) and isinstance(last, CallArguments) and last.index == event.index
        ):
            out[-1] = CallArguments(event.index, last.fragment + event.fragment)
        else:
            out.append(event)
    return out


def block(*invokes: str) -> str:
    return f"<{M}tool_calls>\n" + "".join(invokes) + f"</{M}tool_calls>"


def invoke(name: str, *params: str) -> str:
    return f'<{M}invoke name="{name}">\n' + "".join(params) + f"</{M}invoke>\n"


def param(name: str, value: str, attr: str = ' string="true"') -> str:
    return f'<{M}parameter name="{name}"{attr}>{value}</{M}parameter>\n'


TWO = block(
    invoke("bash", param("command", 'ls -la src && echo "a>b"')),
    invoke("read", param("path", "docs/notes.md"), param("limit", "20", ' string="false"')),
)


@pytest.mark.parametrize("step", [1, 2, 7, 10_000])
def test_reasoning_content_and_two_calls(step: int) -> None:
    r = run(f"I need to look.</think>I will look. One moment.\n\n{TWO}", thinking=True, step=step)
    assert r.turn.reasoning == "I need to look."
    assert r.turn.content == "I will look. One moment."
    assert r.calls == [
        ("bash", '{"command":"ls -la src && echo \\"a>b\\""}'),
        ("read", '{"path":"docs/notes.md","limit":20}'),
    ]
    assert r.machine.done
    assert r.machine.error is None
    assert r.machine.block_text == "\n\n" + TWO
    assert isinstance(r.events[-1], BlockEnd)


def test_fragments_open_and_close_each_value_by_themselves() -> None:
    events = run(TWO, step=10_000).events
    fragments = [e.fragment for e in events if isinstance(e, CallArguments) and e.index == 1]
    assert fragments == ["{", '"path":"', "docs/notes.md", '"', ',"limit":', "20", "}"]
    assert events[0] == CallStart(0, "bash")


@pytest.mark.parametrize("prefix", ["DSML｜", ""])
def test_other_spellings(prefix: str) -> None:
    text = TWO.replace(M, prefix)
    assert run("x\n" + text).calls == run("x\n" + TWO).calls
    assert run("x\n" + text).turn.content == "x"


def test_a_block_keeps_the_spelling_of_its_opening_tag() -> None:
    r = run(f'<{M}tool_calls>\n<invoke name="a">\n</invoke>\n</{M}tool_calls>')
    assert r.machine.error == INVALID
    assert r.turn.content == ""


def test_talking_about_plain_tags_is_content() -> None:
    text = "Write <tool_calls> first, then <tool_calls></tool_calls>."
    for step in (1, 100):
        assert run(text, step=step).turn.content == text
    assert run("end with <tool_calls>").turn.content == "end with <tool_calls>"


def test_talking_about_plain_tags_before_a_real_call() -> None:
    r = run("Use <tool_calls> so:\n\n" + TWO)
    assert r.turn.content == "Use <tool_calls> so:"
    assert len(r.calls) == 2


def test_missing_string_attribute_is_a_string_and_streams() -> None:
    r = run(block(invoke("f", param("a", "12", ""))))
    assert r.calls == [("f", '{"a":"12"}')]
    assert r.streamed(0) == '{"a":"12"}'


@pytest.mark.parametrize("outer_close", [True, False])
def test_nested_parameters_become_an_object(outer_close: bool) -> None:
    value = "\n" + param("x", "1", ' string="false"') + param("y", "two", "")
    outer = f'<{M}parameter name="o">{value}' + (f"</{M}parameter>\n" if outer_close else "")
    for step in (1, 1000):
        r = run(block(invoke("f", param("a", "b"), outer)), step=step)
        assert r.calls == [("f", '{"a":"b","o":{"x":1,"y":"two"}}')]
        assert r.streamed(0) == r.calls[0][1]


def test_entities_are_decoded_in_strings_and_attributes() -> None:
    r = run(block(invoke("f&amp;g", param("a&quot;", "1 &amp;&lt;&gt;&apos; &amp &ampx &", ""))))
    assert r.calls[0][0] == "f&g"
    assert json.loads(r.calls[0][1]) == {'a"': "1 &<>' &amp &ampx &"}


def test_partial_entity_is_held() -> None:
    machine = DsmlMachine(thinking=False, tools=True)
    machine.feed(f'<{M}tool_calls><{M}invoke name="f"><{M}parameter name="a" string="true">x'.encode())
    assert machine.feed(b"&amp") == []
    assert machine.feed(b";") == [CallArguments(0, "&")]


def test_partial_utf8_is_held_and_bad_bytes_are_replaced() -> None:
    machine = DsmlMachine(thinking=False, tools=True)
    assert machine.feed("é".encode()[:1]) == []
    assert machine.feed("é".encode()[1:]) == [Content("é")]
    assert machine.feed(b"\xffa") == [Content("\ufffda")]


def test_bad_bytes_in_a_block_come_back_exactly_in_block_text() -> None:
    data = block(invoke("f", param("a", "@"))).encode().replace(b"@", b"\xfe\x80")
    r = run(data)
    assert json.loads(r.calls[0][1]) == {"a": "\ufffd\ufffd"}
    assert r.machine.block_text.encode("utf-8", "surrogateescape") == data


def test_a_value_is_streamed_while_it_is_written() -> None:
    """What may still be a tag, an entity or a character waits; the rest is shown at once, under one id."""
    machine = DsmlMachine(thinking=False, tools=True)
    opened = machine.feed(f'<{M}tool_calls>\n<{M}invoke name="bash">\n<{M}parameter name="c"'.encode())
    assert [e for e in opened if isinstance(e, CallStart)] == [CallStart(0, "bash")]
    seen: list[Event] = []
    for text, shown in [
        (b' string="true">echo partial', ['"c":"', "echo partial"]),
        (b" done", [" done"]),
        ("é".encode()[:1], []),
        ("é".encode()[1:], ["é"]),
        (f"</{M}para".encode(), []),
        (f"meter>\n<{M}parameter ".encode(), ['"']),
        (b'name="j" string="false">{"n": 1', [',"j":', '{"n": 1']),
        (b"0}", ["0}"]),
        (f"</{M}parameter>\n</{M}invoke>\n</{M}tool_calls>".encode(), ["}"]),
    ]:
        events = machine.feed(text)
        assert [e.fragment for e in events if isinstance(e, CallArguments)] == shown
        seen += events
    assert not any(isinstance(e, CallStart | Content) for e in seen)
    assert [e.arguments for e in seen if isinstance(e, CallEnd)] == [
        '{"c":"echo partial doneé","j":{"n":10}}'
    ]


def test_raw_json_streams_as_spelled_and_ends_minified() -> None:
    r = run(block(invoke("f", param("a", '{ "b" : [1, 2.50] }', ' string="false"'))))
    assert r.calls == [("f", '{"a":{"b":[1,2.50]}}')]
    assert json.loads(r.streamed(0)) == {"a": {"b": [1, 2.5]}}
    assert run(block(invoke("f", param("a", " ", ' string="false"')))).calls == [("f", '{"a":null}')]
    assert run(block(invoke("f", param("a", "nope", ' string="false"')))).calls == [("f", "{}")]


def test_order_and_duplicates_are_kept() -> None:
    r = run(block(invoke("f", param("b", "1"), param("a", "2"), param("b", "3"))))
    assert r.calls == [("f", '{"b":"1","a":"2","b":"3"}')]


def test_no_calls_inside_thinking() -> None:
    r = run(f"I could {TWO} but</think>no", thinking=True)
    assert r.turn.reasoning == f"I could {TWO} but"
    assert r.turn.content == "no"
    unclosed = run(f"hmm {TWO}", thinking=True)
    assert unclosed.calls == []
    assert unclosed.turn.content == ""
    assert unclosed.turn.reasoning == f"hmm {TWO}"


def test_echoed_think_tag_is_skipped() -> None:
    assert run("<think>a</think>b", thinking=True).turn.reasoning == "a"
    assert run("<thin", thinking=True).turn.reasoning == "<thin"


def test_white_space_is_content_unless_a_block_follows() -> None:
    assert run("a \n").turn.content == "a \n"
    assert run(f"a \n{TWO}").turn.content == "a"
    assert run(f"a \n{TWO}").machine.block_text == f" \n{TWO}"


def test_without_tools_a_block_is_content() -> None:
    machine = DsmlMachine(thinking=False, tools=False)
    turn = Turn()
    turn.add(machine.feed(("a\n\n" + TWO).encode()))
    turn.add(machine.finish(cut=False))
    assert turn.content == "a\n\n" + TWO


def test_what_follows_the_block_is_kept_for_replay_only() -> None:
    r = run(TWO + "\nmore", step=10_000)
    assert r.turn.content == ""
    assert r.machine.block_text == TWO + "\nmore"


DEPTHS = {
    "value": f'<{M}tool_calls>\n<{M}invoke name="f">\n<{M}parameter name="a" string="true">b',
    "value, closing tag begun": f'<{M}tool_calls>\n<{M}invoke name="f">\n'
    f'<{M}parameter name="a" string="true">b</{M}par',
    "between parameters": f'<{M}tool_calls>\n<{M}invoke name="f">\n{param("a", "b")}',
    "after the invoke": f"<{M}tool_calls>\n{invoke('f', param('a', 'b'))}",
    "closing tag begun": f"<{M}tool_calls>\n{invoke('f', param('a', 'b'))}</{M}tool",
}


@pytest.mark.parametrize("spelling", [M, "DSML｜", ""])
@pytest.mark.parametrize("where", DEPTHS)
def test_a_block_the_model_left_open_is_repaired(where: str, spelling: str) -> None:
    text = DEPTHS[where].replace(M, spelling)
    r = run(text)
    assert r.calls == [("f", '{"a":"b"}')]
    assert r.streamed(0) == '{"a":"b"}'
    assert r.machine.repaired
    assert r.machine.block_text.startswith(text)
    again = run(r.machine.block_text)
    assert again.calls == r.calls
    assert not again.machine.repaired


@pytest.mark.parametrize(
    ("text", "thinking"),
    [
        (TWO, False),
        (f"a</think>b\n\n{TWO}", True),
        ("", False),
        ("", True),
        ("no calls here", False),
        (f"</{M}invoke>\n</{M}tool_calls>", False),
        (f"never closed <{M}tool_calls>\n<{M}invoke", True),
    ],
    ids=["whole", "whole after thinking", "empty", "empty thinking", "text", "ends only", "in thinking"],
)
def test_what_lacks_no_end_is_never_repaired(text: str, thinking: bool) -> None:
    machine = run(text, thinking=thinking).machine
    assert not machine.repaired
    assert machine.error is None
    assert machine.done == (TWO in text)


@pytest.mark.parametrize("where", DEPTHS)
def test_a_call_cut_by_a_limit_is_not_repaired(where: str) -> None:
    r = run(DEPTHS[where], cut=True)
    whole = where in ("after the invoke", "closing tag begun")
    assert r.machine.repaired is whole
    assert r.machine.error == (None if whole else UNTERMINATED)


@pytest.mark.parametrize(
    "text",
    [
        f"<{M}tool_calls>",
        f"<{M}tool_calls></{M}tool_calls>",
        f"<{M}tool_calls>hello</{M}tool_calls>",
        f'<{M}tool_calls><{M}invoke nam="x"></{M}invoke></{M}tool_calls>',
        f'<{M}tool_calls><{M}invoke name="x">loose text</{M}invoke></{M}tool_calls>',
        f'<{M}tool_calls><{M}invoke name="x"><{M}parameter name="y',
    ],
)
def test_malformed_blocks_are_errors_and_never_content(text: str) -> None:
    for step in (1, 1000):
        r = run("before " + text, step=step)
        assert r.turn.content == "before"
        assert r.calls == []
        assert r.machine.error in (INVALID, UNTERMINATED)
        assert not r.machine.done


@pytest.mark.parametrize("step", [1, 3, 10_000])
def test_an_orphan_closing_tag_is_dropped_and_does_not_end_the_turn(step: int) -> None:
    r = run(f"a\n</{M}parameter>\n</{M}invoke>\n</{M}tool_calls> b\n\n{TWO}", step=step)
    assert r.turn.content == "a b"
    assert r.machine.orphans == 3
    assert [name for name, _ in r.calls] == ["bash", "read"]
    assert r.machine.block_text == "\n\n" + TWO


def test_plain_closing_tags_are_content() -> None:
    r = run("the line </tool_calls> ends it")
    assert r.turn.content == "the line </tool_calls> ends it"
    assert r.machine.orphans == 0


def test_greedy_in_syntax_sampled_in_payload() -> None:
    machine = DsmlMachine(thinking=True, tools=True)

    def after(text: str) -> bool:
        machine.feed(text.encode())
        return machine.greedy

    assert not after("think")
    assert not after("</think>text\n\n<")
    assert after("｜DSML｜")
    assert after("tool_calls>\n")
    assert after(f'<{M}invoke name="f">\n<{M}parameter name="a" string="true"')
    assert not after(">")
    assert not after("body <")
    assert not after("b <")
    assert after("/")
    assert after(f"{M}parameter>")
    assert after(f'\n<{M}parameter name="j" string="false">')
    assert after('{"k": ')
    assert not after('"str \\" ing')
    assert after('"')
    assert after(f"}}</{M}parameter>\n</{M}invoke>\n")


NAMES = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=8)
# The parser undoes entities that the renderer, true to the format, does not escape.
STRINGS = st.text(st.characters(exclude_categories=["Cs"]), max_size=30).filter(lambda s: "&" not in s)
VALUES = STRINGS | st.integers() | st.booleans() | st.none() | st.lists(st.integers() | STRINGS, max_size=3)
CALLS = st.lists(
    st.builds(
        lambda name, args: ToolCall("id", name, json.dumps(args, ensure_ascii=False)),
        NAMES,
        st.dictionaries(NAMES, VALUES, max_size=4),
    ),
    min_size=1,
    max_size=3,
)


@given(CALLS)
def test_rendered_calls_parse_back(calls: list[ToolCall]) -> None:
    r = run(render_block(calls), step=10_000)
    assert [(c.name, json.loads(c.arguments)) for c in calls] == [
        (name, json.loads(args)) for name, args in r.calls
    ]
    for i, call in enumerate(r.calls):
        assert r.streamed(i) == call[1]


PIECES = [
    "a", " ", "\n\n", "<", "</", ">", '"', "&", "&amp;", "é", "中", "\\",
    "<think>", "</think>", "tool_calls>", "<tool_calls>", "<invoke name=\"f\">", "</invoke>", "</tool_calls>",
    f"<{M}tool_calls>", f"</{M}tool_calls>", f'<{M}invoke name="f">', f"</{M}invoke>",
    f'<{M}parameter name="p" string="true">', f'<{M}parameter name="p" string="false">',
    f'<{M}parameter name="p">', f"</{M}parameter>", M, "{", "}", "1",
]  # fmt: skip
TEXTS = st.lists(st.sampled_from(PIECES), max_size=25).map("".join)


@given(TEXTS, st.booleans(), st.booleans(), st.data())
def test_any_split_gives_the_same_events(text: str, thinking: bool, cut: bool, data: st.DataObject) -> None:
    raw = text.encode()
    cuts = sorted(data.draw(st.lists(st.integers(0, len(raw)), max_size=8)))
    whole = run(raw, thinking=thinking, cut=cut, step=len(raw) or 1)
    machine = DsmlMachine(thinking=thinking, tools=True)
    events: list[Event] = []
    for start, end in zip([0, *cuts], [*cuts, len(raw)], strict=True):
        events += machine.feed(raw[start:end])
    events += machine.finish(cut=cut)
    assert merged(events) == merged(whole.events)
    assert machine.error == whole.machine.error
    assert machine.block_text == whole.machine.block_text


@given(TEXTS, st.booleans())
def test_nothing_of_a_block_is_shown_as_content(text: str, thinking: bool) -> None:
    r = run(text, thinking=thinking)
    assert f"<{M}tool_calls>" not in r.turn.content
    tags_added = r.machine.repaired or r.machine.error == UNTERMINATED
    if r.machine.in_block and not tags_added and not r.machine.orphans:
        assert r.turn.content + r.machine.block_text in text
    for call in (e for e in r.events if isinstance(e, CallEnd)):
        assert isinstance(json.loads(call.arguments), dict)


@given(TEXTS, st.booleans(), st.data())
def test_where_syntax_is_does_not_depend_on_the_split(text: str, thinking: bool, data: st.DataObject) -> None:
    """What is known after each token is what one look at the whole text so far would find."""
    raw = text.encode()
    cuts = sorted(data.draw(st.lists(st.integers(0, len(raw)), max_size=8)))
    machine = DsmlMachine(thinking=thinking, tools=True)
    for start, end in zip([0, *cuts], [*cuts, len(raw)], strict=True):
        machine.feed(raw[start:end])
        reference = DsmlMachine(thinking=thinking, tools=True)
        reference.feed(raw[:end])
        assert (machine.greedy, machine.in_think, machine.in_block, machine.done) == (
            reference.greedy,
            reference.in_think,
            reference.in_block,
            reference.done,
        )


def test_a_tag_that_does_not_end_costs_no_more_than_its_tokens() -> None:
    """A model that loops inside a name goes on until the context is full, and other turns wait for it."""
    machine = DsmlMachine(thinking=False, tools=True)
    machine.feed(f'\n\n<{M}tool_calls>\n<{M}invoke name="'.encode())
    began = time.process_time()
    for _ in range(10_000):
        machine.feed(b"abcd")
    assert time.process_time() - began < 3
    machine.finish(cut=True)
    assert machine.error == UNTERMINATED
