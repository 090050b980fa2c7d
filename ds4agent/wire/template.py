"""Messages to the one text that the model reads.

The rendered text is the identity of a conversation: the cache is looked up by it, so every byte is fixed
here and nowhere else. Order: BOS, the effort prefix (mode max only), tool block, all system texts, then the
turns. Tools come before the client's system text so that a changing system tail leaves a long stable head.

Who may write control tokens: this module, and the model itself for the markup of its own calls. A message
that contains `<｜User｜>` is talking about the marker, not opening a turn; only `control_in_text` makes it
open one, for clients that relied on ds4-server's reading it so. Text is therefore collected as
pieces that are trusted or data; the trusted ones are split at the seven control strings, and neighbouring
ordinary texts are joined, because BPE must see the same stretch between two control tokens that it would
see in the whole rendered text.
"""

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from enum import Enum
from functools import cached_property

from ds4agent.wire.dsml_render import MARK, Piece, block_pieces, call_head
from ds4agent.wire.message import Message, ToolCall

BOS = "<｜begin▁of▁sentence｜>"
EOS = "<｜end▁of▁sentence｜>"
USER = "<｜User｜>"
ASSISTANT = "<｜Assistant｜>"
THINK_OPEN = "<think>"
THINK_CLOSE = "</think>"
FIM_BEGIN = "<｜fim▁begin｜>"
FIM_HOLE = "<｜fim▁hole｜>"
FIM_END = "<｜fim▁end｜>"
FIM = (FIM_BEGIN, FIM_HOLE, FIM_END)
CONTROL = (BOS, EOS, USER, ASSISTANT, THINK_OPEN, THINK_CLOSE, MARK)
RESULT_OPEN = "<tool_result>"
RESULT_CLOSE = "</tool_result>"

_SPLIT = re.compile("(" + "|".join(map(re.escape, CONTROL)) + ")")
# The only control string that the model may have written inside a block that is replayed.
_SPLIT_BLOCK = re.compile(f"({MARK})")


class ThinkMode(Enum):
    """How much the model reasons before it answers."""

    NONE = "none"
    HIGH = "high"
    MAX = "max"


@dataclass(frozen=True, slots=True)
class FormatTexts:
    """The fixed texts of the format, from prompts/dsml/."""

    tools_head: str
    tools_tail: str
    max_effort: str
    completion_system: str


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of rendered text: exactly one control string, or ordinary text between two of them."""

    text: str
    control: bool


@dataclass(frozen=True)
class Rendered:
    """A rendered prompt: `text` for humans and caches, `spans` for the tokenizer.

    `cursor`: the span whose last word a cursor may have cut, if that is to be healed.
    """

    spans: tuple[Span, ...]
    cursor: int | None = None

    @cached_property
    def text(self) -> str:
        return "".join(span.text for span in self.spans)


# Given the ids of all calls of one assistant message: the text the model sampled for them, if it is
# remembered.
Replay = Callable[[Sequence[str]], str | None]


def _no_replay(_ids: Sequence[str]) -> str | None:
    return None


def _join(pieces: Iterable[tuple[str, re.Pattern[str] | None]]) -> Rendered:
    spans: list[Span] = []
    pending: list[str] = []

    def flush() -> None:
        if pending:
            spans.append(Span("".join(pending), False))
            pending.clear()

    for text, pattern in pieces:
        for i, part in enumerate(pattern.split(text) if pattern else (text,)):
            if i % 2:
                flush()
                spans.append(Span(part, True))
            elif part:
                pending.append(part)
    flush()
    return Rendered(tuple(spans))


class _Writer:
    """Collects pieces in order, each with the pattern of the control strings it may contain."""

    def __init__(self, control_in_text: bool) -> None:
        self.pieces: list[tuple[str, re.Pattern[str] | None]] = []
        self._data = _SPLIT if control_in_text else None

    def trusted(self, text: str) -> None:
        self.pieces.append((text, _SPLIT))

    def data(self, text: str) -> None:
        self.pieces.append((text, self._data))

    def sampled_block(self, text: str) -> None:
        self.pieces.append((text, _SPLIT_BLOCK))

    def extend(self, pieces: Iterable[Piece]) -> None:
        for text, markup in pieces:
            self.pieces.append((text, _SPLIT if markup else self._data))


def call_opening(name: str | None) -> Rendered:
    """The head of a call that the model is made to make; without a name, up to where the name begins."""
    return _join((text, _SPLIT if markup else None) for text, markup in call_head(name))


def raw_prompt(pieces: Iterable[tuple[str, bool]]) -> Rendered:
    """A prompt that is no chat: control strings (True) and ordinary text, behind the beginning of a text."""
    spans = ((BOS, True), *pieces)
    return Rendered(tuple(Span(text, control) for text, control in spans if text))


def has_tool_context(messages: Sequence[Message], tools_raw: Sequence[str]) -> bool:
    """Whether old reasoning stays in the prompt: tools are offered, or were used."""
    return bool(tools_raw) or any(m.role == "tool" or m.tool_calls for m in messages)


def render_chat(
    messages: Sequence[Message],
    tools_raw: Sequence[str],
    think: ThinkMode,
    texts: FormatTexts,
    replay: Replay = _no_replay,
    *,
    control_in_text: bool = False,
) -> Rendered:
    """The whole prompt, up to and including the think tag that the model continues from.

    `tools_raw`: the JSON text of each function schema exactly as the client sent it; empty: no tool block.
    `control_in_text`: control strings in what the client wrote are control, too.
    """
    out = _Writer(control_in_text)
    out.trusted(BOS)
    if think is ThinkMode.MAX:
        out.trusted(texts.max_effort)
    _write_system(out, messages, tools_raw, texts)
    _write_turns(out, messages, has_tool_context(messages, tools_raw), think, replay)
    return _join(out.pieces)


def render_continuation(
    messages: Sequence[Message],
    think: ThinkMode,
    replay: Replay = _no_replay,
    *,
    control_in_text: bool = False,
) -> Rendered:
    """What follows a turn that is still in the session and ended in calls: its end marker, the results, and
    whatever came with them.
    """
    out = _Writer(control_in_text)
    out.trusted(EOS)
    _write_turns(out, messages, True, think, replay)
    return _join(out.pieces)


def escape_result(content: str) -> str:
    """Only what would end the result early is changed."""
    return content.replace(RESULT_CLOSE, "&lt;" + RESULT_CLOSE[1:])


def _write_system(
    out: _Writer, messages: Sequence[Message], tools_raw: Sequence[str], texts: FormatTexts
) -> None:
    first = not tools_raw
    if tools_raw:
        out.trusted(texts.tools_head)
        out.data("\n".join(tools_raw))
        out.trusted(texts.tools_tail)
    for message in messages:
        if message.role == "system" and message.content:
            if not first:
                out.trusted("\n\n")
            first = False
            out.data(message.content)


def _write_turns(
    out: _Writer, messages: Sequence[Message], tool_context: bool, think: ThinkMode, replay: Replay
) -> None:
    last_input = max((i for i, m in enumerate(messages) if m.role in ("user", "tool")), default=-1)
    pending = False
    previous = ""
    for i, message in enumerate(messages):
        if message.role == "system":
            continue
        if message.role == "assistant":
            if pending:
                keep = think is not ThinkMode.NONE and (tool_context or i > last_input)
                _write_reasoning(out, message.reasoning if keep else None)
            _write_answer(out, message, replay)
        elif message.role == "tool":
            _write_result(out, message.content, first=previous != "tool")
        else:
            out.trusted(USER)
            out.data(message.content)
        pending = message.role != "assistant"
        previous = message.role
    if pending:
        out.trusted(ASSISTANT)
        out.trusted(THINK_CLOSE if think is ThinkMode.NONE else THINK_OPEN)


def _write_reasoning(out: _Writer, reasoning: str | None) -> None:
    out.trusted(ASSISTANT)
    if reasoning is not None:
        out.trusted(THINK_OPEN)
        out.data(reasoning)
    out.trusted(THINK_CLOSE)


def _write_answer(out: _Writer, message: Message, replay: Replay) -> None:
    out.data(message.content)
    if message.tool_calls:
        _write_calls(out, message.tool_calls, replay)
    out.trusted(EOS)


def _write_calls(out: _Writer, calls: Sequence[ToolCall], replay: Replay) -> None:
    block = replay([call.id for call in calls])
    if block is None:
        out.extend(block_pieces(calls))
    else:
        out.sampled_block(block)


def _write_result(out: _Writer, content: str, first: bool) -> None:
    if first:
        out.trusted(USER)
    out.trusted(RESULT_OPEN)
    out.data(escape_result(content))
    out.trusted(RESULT_CLOSE)
