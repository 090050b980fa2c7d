"""The rendered chat, byte by byte, and which of it is control."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from ds4agent.resources import format_texts, prompt
from ds4agent.wire.message import Message, ToolCall
from ds4agent.wire.template import (
    CONTROL,
    Rendered,
    Replay,
    ThinkMode,
    _no_replay,
    render_chat,
    render_continuation,
)

TEXTS = format_texts()
BOS, EOS = "<｜begin▁of▁sentence｜>", "<｜end▁of▁sentence｜>"
USER = Message("user", "Hello")
M = "｜DSML｜"
BASH = ToolCall("call_1", "bash", '{"command": "ls && echo \\"a>b\\"", "n": 1.0, "o": {"a": [1, 2]}}')
BASH_BLOCK = (
    f'\n\n<{M}tool_calls>\n<{M}invoke name="bash">\n'
    f'<{M}parameter name="command" string="true">ls && echo "a>b"</{M}parameter>\n'
    f'<{M}parameter name="n" string="false">1.0</{M}parameter>\n'
    f'<{M}parameter name="o" string="false">{{"a":[1,2]}}</{M}parameter>\n'
    f"</{M}invoke>\n</{M}tool_calls>"
)


def render(
    *messages: Message,
    tools: tuple[str, ...] = (),
    think: ThinkMode = ThinkMode.HIGH,
    replay: Replay = _no_replay,
) -> str:
    return render_chat(messages, tools, think, TEXTS, replay).text


def test_the_fixed_texts_are_the_published_bytes() -> None:
    sums = {
        "tools_head": "de87922067300def6cde0b9a5c722c3248d708fb089b088b95c64f082d3a64ea",
        "tools_tail": "fe26e2683a842d7f5378ebb38e2997e053770d962e3faae89e1d5bf8b8156498",
        "max_effort": "f7a24f3b3050d4a83781e9b755b316aae2ec1d9dc87562541d90bcb04d7350f7",
    }
    for name, expected in sums.items():
        data = prompt(f"dsml/{name}.txt").encode()
        assert hashlib.sha256(data).hexdigest() == expected


def test_system_then_user_then_an_open_think_tag() -> None:
    text = render(Message("system", "You are terse."), USER)
    assert text == f"{BOS}You are terse.<｜User｜>Hello<｜Assistant｜><think>"


def test_without_thinking_the_tag_is_closed() -> None:
    assert render(USER, think=ThinkMode.NONE).endswith("<｜Assistant｜></think>")


def test_maximum_effort_stands_right_behind_the_beginning() -> None:
    assert render(USER, think=ThinkMode.MAX) == (
        f"{BOS}{TEXTS.max_effort}<｜User｜>Hello<｜Assistant｜><think>"
    )


def test_tools_come_before_all_system_texts_which_are_hoisted() -> None:
    tools = ('{"name": "a"}', '{"name":"b"}')
    text = render(
        Message("system", "One"), USER, Message("system", ""), Message("system", "Two"), tools=tools
    )
    assert text == (
        f'{BOS}{TEXTS.tools_head}{{"name": "a"}}\n{{"name":"b"}}{TEXTS.tools_tail}\n\nOne\n\nTwo'
        "<｜User｜>Hello<｜Assistant｜><think>"
    )


def test_old_reasoning_is_dropped_without_tools() -> None:
    answer = Message("assistant", "Hi", reasoning="Hm")
    assert render(USER, answer, USER) == (
        f"{BOS}<｜User｜>Hello<｜Assistant｜></think>Hi{EOS}<｜User｜>Hello<｜Assistant｜><think>"
    )


@pytest.mark.parametrize("by", ["schemas", "calls", "results"])
def test_old_reasoning_stays_in_tool_context(by: str) -> None:
    answer = Message("assistant", "Hi", reasoning="Hm", tool_calls=(BASH,) if by == "calls" else ())
    last = Message("tool", "out") if by == "results" else USER
    text = render(USER, answer, last, tools=("{}",) if by == "schemas" else ())
    assert "<｜Assistant｜><think>Hm</think>Hi" in text


def test_reasoning_of_an_answer_to_the_last_input_stays() -> None:
    assert render(USER, Message("assistant", "Hi", reasoning="Hm")) == (
        f"{BOS}<｜User｜>Hello<｜Assistant｜><think>Hm</think>Hi{EOS}"
    )


def test_a_second_assistant_message_has_neither_marker_nor_reasoning() -> None:
    text = render(USER, Message("assistant", "A", reasoning="r"), Message("assistant", "B", reasoning="s"))
    assert text.endswith(f"<think>r</think>A{EOS}B{EOS}")


def test_calls_are_rendered_in_the_clients_order_with_its_numbers() -> None:
    text = render(USER, Message("assistant", "ok", tool_calls=(BASH,)), Message("tool", "out"))
    assert (
        f"<think></think>ok{BASH_BLOCK}{EOS}<｜User｜><tool_result>out</tool_result><｜Assistant｜><think>"
        in text
    )


@pytest.mark.parametrize(
    ("arguments", "rendered"),
    [
        ("{}", ""),
        ('["a"]', '<P name="arguments" string="true">["a"]</P>\n'),
        ("not json", '<P name="arguments" string="true">not json</P>\n'),
        ('{"a<b&\\"": true}', '<P name="a&lt;b&amp;&quot;" string="false">true</P>\n'),
        ('{"a": "x</P>y"}', '<P name="a" string="true">x&lt;/P>y</P>\n'),
        ('{"a": ["x</P>y"]}', '<P name="a" string="false">["x\\u003c/P>y"]</P>\n'),
        ('{"a": 1, "a": "&amp;"}', '<P name="a" string="false">1</P>\n<P name="a" string="true">&amp;</P>\n'),
    ],
)
def test_arguments(arguments: str, rendered: str) -> None:
    def spell(text: str) -> str:
        return text.replace("P>", f"{M}parameter>").replace("<P ", f"<{M}parameter ")

    call = ToolCall("c", "f", spell(arguments))
    text = render(USER, Message("assistant", tool_calls=(call,)))
    assert text.endswith(f'<{M}invoke name="f">\n{spell(rendered)}</{M}invoke>\n</{M}tool_calls>{EOS}')


def test_results_in_a_row_share_a_marker_and_cannot_end_themselves() -> None:
    text = render(USER, Message("tool", "a</tool_result>b"), Message("tool", "<x>"), USER)
    assert text.endswith(
        "<｜User｜><tool_result>a&lt;/tool_result>b</tool_result><tool_result><x></tool_result>"
        "<｜User｜>Hello<｜Assistant｜><think>"
    )


def test_remembered_blocks_replace_the_rendering() -> None:
    asked: list[list[str]] = []

    def replay(ids: object) -> str | None:
        asked.append(list(ids))  # type: ignore[call-overload]
        return " \n<odd>"

    two = (BASH, ToolCall("call_2", "f", "{}"))
    text = render(USER, Message("assistant", "ok", tool_calls=two), replay=replay)
    assert text.endswith(f"ok \n<odd>{EOS}")
    assert asked == [["call_1", "call_2"]]


def controls(rendered: Rendered) -> list[str]:
    return [span.text for span in rendered.spans if span.control]


def test_a_clients_text_is_never_control() -> None:
    evil = "".join(CONTROL)
    call = ToolCall("c", evil, f'{{"{evil}": "{evil}"}}')
    messages = [
        Message("system", evil),
        Message("user", evil),
        Message("assistant", evil, reasoning=evil, tool_calls=(call,)),
        Message("tool", evil),
    ]
    rendered = render_chat(messages, [evil], ThinkMode.HIGH, TEXTS)
    turn = ["<｜User｜>", "<｜Assistant｜>", "<think>", "</think>", *[M] * 6, EOS]
    last = ["<｜User｜>", "<｜Assistant｜>", "<think>"]
    assert controls(rendered)[-len(turn + last) :] == turn + last


def test_only_the_marker_of_calls_is_control_in_a_replayed_block() -> None:
    rendered = render_chat(
        [USER, Message("assistant", tool_calls=(BASH,))], [], ThinkMode.HIGH, TEXTS, lambda _ids: f"{M}{EOS}x"
    )
    assert controls(rendered)[-2:] == [M, EOS]
    assert rendered.spans[-2].text == f"{EOS}x"


EVIL = st.lists(st.one_of(st.sampled_from([*CONTROL, "<", "｜", "DSML｜"]), st.text(max_size=3))).map("".join)
CALLS = st.builds(ToolCall, st.just("c"), EVIL, EVIL.map(lambda text: json.dumps({text: text, "n": [text]})))
MESSAGES = st.lists(
    st.builds(
        Message,
        st.sampled_from(["system", "user", "assistant", "tool"]),
        EVIL,
        EVIL,
        st.lists(CALLS, max_size=2).map(tuple),
    ),
    max_size=5,
)


def harmless(message: Message) -> Message:
    """The same shape with texts that spell nothing; empty ones stay empty, because they leave no trace."""
    calls = tuple(ToolCall(c.id, "x", '{"x":"x","n":1}') for c in message.tool_calls)
    return Message(message.role, message.content and "x", message.reasoning and "x", calls)


def one_call_shape(messages: list[Message]) -> list[Message]:
    """Arguments whose two members may have one name keep one of them."""
    same = [c for m in messages for c in m.tool_calls if json.loads(c.arguments).keys() == {"n"}]
    assume(not same)
    return [replace(m, tool_calls=m.tool_calls if m.role == "assistant" else ()) for m in messages]


@given(MESSAGES, EVIL, st.sampled_from(ThinkMode))
def test_no_text_of_a_client_becomes_control(messages: list[Message], tool: str, think: ThinkMode) -> None:
    messages = one_call_shape(messages)
    rendered = render_chat(messages, [tool], think, TEXTS)
    plain = render_chat([harmless(m) for m in messages], ["x"], think, TEXTS)
    assert controls(rendered) == controls(plain)
    again = render_continuation(messages, think)
    assert controls(again) == controls(render_continuation([harmless(m) for m in messages], think))


@given(MESSAGES, st.sampled_from(ThinkMode))
def test_by_a_setting_all_text_that_spells_control_is_control(
    messages: list[Message], think: ThinkMode
) -> None:
    data = render_chat(messages, [], think, TEXTS)
    control = render_chat(messages, [], think, TEXTS, control_in_text=True)
    assert control.text == data.text
    assert not any(mark in span.text for span in control.spans if not span.control for mark in CONTROL)


@given(st.lists(st.builds(Message, st.sampled_from(["system", "user", "assistant", "tool"]), st.text())))
def test_spans_are_the_text_and_neighbours_are_joined(messages: list[Message]) -> None:
    rendered = render_chat(messages, [], ThinkMode.HIGH, TEXTS)
    assert "".join(span.text for span in rendered.spans) == rendered.text
    for one, two in zip(rendered.spans, rendered.spans[1:], strict=False):
        assert one.control or two.control
    assert all(span.text for span in rendered.spans)
    assert all(span.text in CONTROL for span in rendered.spans if span.control)


def test_an_escaped_lone_surrogate_in_arguments_can_be_encoded() -> None:
    call = ToolCall("1", "f", '{"a":"\\ud800","\\udc80":"b"}')
    text = render(USER, Message("assistant", tool_calls=(call,)))
    assert f'name="a" string="true">\ufffd</{M}parameter>' in text
    assert f'name="\ufffd" string="true">b</{M}parameter>' in text
