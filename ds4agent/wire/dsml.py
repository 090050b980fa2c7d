"""What the model writes, read as it is decoded: reasoning, content, tool calls.

One machine serves the streaming and the whole reply, because two readers of one grammar disagree sooner or
later. It is fed with the bytes of one token at a time and returns events; joined up, they are the same for
every split of the bytes. Text that may still turn out to be markup is held back: the beginning of
`</think>`, white space and the beginning of a block after content, the beginning of a closing tag or an
entity in a value, a cut UTF-8 sequence.

The machine walks think -> content -> block -> call -> value and never back, with one exception:
`<tool_calls>` without the marker is also a thing people write about, so if no invoke follows it, it was
content. A block in the marked spellings that breaks the grammar is reported as an error and never shown as
text; a closing tag of theirs that closes nothing is dropped, with the white space before it.

Bytes that are not UTF-8 are kept as lone surrogates inside, so that `block_text` can be turned back into
exactly the sampled bytes, and become U+FFFD in events.
"""

import codecs
import re
from collections.abc import Callable
from dataclasses import dataclass, field

from ds4agent.wire import json_spans
from ds4agent.wire.dsml_tags import ORPHANS, PLAIN, SPELLINGS, WHITESPACE, Spelling, Wait, read_tag
from ds4agent.wire.dsml_values import JsonValue, StringValue, arguments, clean, join_object, overlap
from ds4agent.wire.template import THINK_CLOSE, THINK_OPEN

# What can be markup in content: the beginning of a block, and ends that nothing has begun.
_TAGS = (*(s.block_open for s in SPELLINGS), *ORPHANS)
_MARKUP = re.compile("|".join(map(re.escape, _TAGS)))

UNTERMINATED = "unterminated tool call"
INVALID = "invalid tool call"


@dataclass(frozen=True, slots=True)
class Reasoning:
    text: str


@dataclass(frozen=True, slots=True)
class Content:
    text: str


@dataclass(frozen=True, slots=True)
class CallStart:
    index: int
    name: str


@dataclass(frozen=True, slots=True)
class CallArguments:
    """A fragment of the JSON text of the arguments."""

    index: int
    fragment: str


@dataclass(frozen=True, slots=True)
class CallEnd:
    """The whole call, its arguments minified in generation order."""

    index: int
    name: str
    arguments: str


@dataclass(frozen=True, slots=True)
class BlockEnd:
    """The block is closed; whatever follows is not looked at."""


Event = Reasoning | Content | CallStart | CallArguments | CallEnd | BlockEnd


@dataclass(slots=True)
class _Call:
    name: str
    members: list[tuple[str, str]] = field(default_factory=list)
    # Set while a value consists of nested parameters: (name of the value, its members).
    nested: tuple[str, list[tuple[str, str]]] | None = None


class DsmlMachine:
    """Feed it the decoded bytes of a turn, then finish it.

    `thinking`: the prompt ended with an open think tag. `tools`: calls are looked for; without, a block is
    content.
    """

    def __init__(self, *, thinking: bool, tools: bool) -> None:
        self._tools = tools
        self._decoder = codecs.getincrementaldecoder("utf-8")("surrogateescape")
        self._buf = ""
        self._out: list[Event] = []
        self._step: Callable[[], bool] = self._think if thinking else self._content
        self._began = False
        self._spelling: Spelling = PLAIN
        self._raw: list[str] = []
        self._call = _Call("")
        self._key = ""
        self._value: StringValue | JsonValue | None = None
        self._n_calls = 0
        self.in_think = thinking
        self.in_block = False
        self.done = False
        self.error: str | None = None
        self.repaired = False
        self.orphans = 0

    # -- what the caller may ask
    # ------------------------------------------------------------------------------

    @property
    def block_text(self) -> str:
        """The block as sampled, from the white space before it to the last byte fed, closing tags added if
        repaired.
        """
        return "".join(self._raw) + (self._buf if self.done else "")

    @property
    def greedy(self) -> bool:
        """Whether the next token is syntax, where a random choice can only do harm."""
        if not self.in_block or self.done:
            return not self.in_think and "DSML｜" in self._buf
        return self._value is None or len(self._buf) >= 2 or not self._value.in_payload

    def feed(self, data: bytes) -> list[Event]:
        """Events that have become certain with these bytes."""
        self._buf += self._decoder.decode(data)
        self._run()
        return self._take_events()

    def finish(self, *, cut: bool) -> list[Event]:
        """Flush what was held back, and repair a block that was left open.

        `cut`: the turn was ended by a limit, not by the model. Then only a block whose calls are all closed
        is repaired: a call that lacks its end might run as something that the model never meant.
        """
        self._buf += self._decoder.decode(b"", True)
        self._run()
        while self._step == self._block and self._spelling is PLAIN and not self._n_calls:
            self._not_a_block()
            self._run()
        if not self.in_block:
            self._emit_text(len(self._buf))
        elif not self.done and self.error is None:
            self._repair(cut)
        return self._take_events()

    # -- machinery
    # --------------------------------------------------------------------------------------------

    def _run(self) -> None:
        while not self.done and self.error is None and self._step():
            pass

    def _take_events(self) -> list[Event]:
        events, self._out = self._out, []
        return events

    def _take(self, n: int) -> str:
        text, self._buf = self._buf[:n], self._buf[n:]
        if self.in_block:
            self._raw.append(text)
        return text

    def _emit_text(self, n: int) -> None:
        text = self._take(n)
        if text:
            self._out.append((Reasoning if self.in_think else Content)(clean(text)))

    def _fail(self, error: str) -> bool:
        self.error = error
        return False

    def _skip_space(self) -> None:
        self._take(len(self._buf) - len(self._buf.lstrip(WHITESPACE)))

    def _fragment(self, text: str) -> None:
        if text and self._call.nested is None:
            self._out.append(CallArguments(self._n_calls, text))

    # -- states: each consumes from the front of the buffer and says whether it got anywhere
    # -------------------

    def _think(self) -> bool:
        if not self._began:
            if self._buf.startswith(THINK_OPEN):
                self._take(len(THINK_OPEN))
            elif THINK_OPEN.startswith(self._buf):
                return False
            self._began = True
        end = self._buf.find(THINK_CLOSE)
        if end < 0:
            self._emit_text(len(self._buf) - overlap(self._buf, THINK_CLOSE))
            return False
        self._emit_text(end)
        self._take(len(THINK_CLOSE))
        self.in_think = False
        self._step = self._content
        return True

    def _content(self) -> bool:
        match = _MARKUP.search(self._buf) if self._tools else None
        end = match.start() if match else len(self._buf)
        if self._tools:
            if not match:
                end -= max(overlap(self._buf, tag) for tag in _TAGS)
            end = len(self._buf[:end].rstrip(WHITESPACE))
        self._emit_text(end)
        if match is None:
            return False
        if match.group() in ORPHANS:
            self._take(match.end() - end)
            self.orphans += 1
            return True
        self._spelling = next(s for s in SPELLINGS if s.block_open == match.group())
        self.in_block = True
        self._take(match.end() - end)
        self._step = self._block
        return True

    def _block(self) -> bool:
        self._skip_space()
        tag = read_tag(self._spelling, self._buf, "invoke", "tool_calls")
        if isinstance(tag, Wait):
            return tag is Wait.NEVER and self._not_a_block()
        self._take(tag.length)
        if tag.attributes is None:
            return self._end_block()
        self._call = _Call(tag.attributes["name"])
        self._out.append(CallStart(self._n_calls, self._call.name))
        self._fragment("{")
        self._step = self._params
        return True

    def _not_a_block(self) -> bool:
        if self._spelling is not PLAIN or self._n_calls:
            return self._fail(INVALID)
        self._out.append(Content(clean("".join(self._raw))))
        self._raw.clear()
        self.in_block = False
        self._step = self._content
        return True

    def _end_block(self) -> bool:
        if not self._n_calls:
            return self._not_a_block()
        self._out.append(BlockEnd())
        self.done = True
        return False

    def _params(self) -> bool:
        self._skip_space()
        closes = ("invoke", "parameter") if self._call.nested else ("invoke",)
        tag = read_tag(self._spelling, self._buf, "parameter", *closes)
        if isinstance(tag, Wait):
            return tag is Wait.NEVER and self._fail(INVALID)
        self._take(tag.length)
        if tag.attributes is not None:
            self._open_value(tag.attributes)
        else:
            self._close_nested()
            if tag.name == "invoke":
                self._end_call()
        return True

    def _open_value(self, attributes: dict[str, str]) -> None:
        self._key = attributes["name"]
        spelled = attributes.get("string")
        if spelled is None and self._call.nested is None:
            self._step = self._guess
            return
        self._begin_value(StringValue() if spelled in (None, "true") else JsonValue())

    def _begin_value(self, value: StringValue | JsonValue) -> None:
        self._value = value
        comma = "," if self._call.members else ""
        self._fragment(f"{comma}{json_spans.quote(self._key)}:{value.opening}")
        self._step = self._value_text

    def _guess(self) -> bool:
        """A value without a `string` attribute is a string, unless it begins with parameters of its own."""
        text = self._buf.lstrip(WHITESPACE)
        opener = self._spelling.opener("parameter")
        if opener.startswith(text) and text != opener:
            return False
        if text.startswith(opener):
            self._call.nested = (self._key, [])
            self._step = self._params
        else:
            self._begin_value(StringValue())
        return True

    def _value_text(self) -> bool:
        assert self._value is not None
        closer = self._spelling.closer("parameter")
        end = self._buf.find(closer)
        if end < 0:
            self._feed_value(len(self._buf) - overlap(self._buf, closer))
            return False
        self._feed_value(end)
        self._take(len(closer))
        self._end_value()
        return True

    def _feed_value(self, n: int) -> None:
        assert self._value is not None
        self._fragment(self._value.feed(self._take(n)))

    def _end_value(self) -> None:
        assert self._value is not None
        self._fragment(self._value.finish())
        self._fragment(self._value.closing)
        members = self._call.nested[1] if self._call.nested else self._call.members
        members.append((self._key, self._value.json()))
        self._value = None
        self._step = self._params

    def _close_nested(self) -> None:
        if self._call.nested is None:
            return
        key, inner = self._call.nested
        self._call.nested = None
        comma = "," if self._call.members else ""
        text = join_object(inner)
        self._fragment(f"{comma}{json_spans.quote(key)}:")
        self._fragment(text)
        self._call.members.append((key, text))

    def _end_call(self) -> None:
        self._fragment("}")
        self._out.append(CallEnd(self._n_calls, self._call.name, arguments(self._call.members)))
        self._n_calls += 1
        self._step = self._block

    # -- repair
    # -----------------------------------------------------------------------------------------------

    def _repair(self, cut: bool) -> None:
        """Append the closing tags that are missing, in the places where the grammar allows nothing else."""
        missing = {
            self._value_text: ("parameter", "invoke", "tool_calls"),
            self._guess: ("parameter", "invoke", "tool_calls"),
            self._params: ("invoke", "tool_calls"),
            self._block: ("tool_calls",),
        }[self._step]
        first = self._spelling.closer(missing[0])
        started = overlap(self._buf, first)
        if (cut and len(missing) > 1) or (missing[0] != "parameter" and started != len(self._buf)):
            self.error = UNTERMINATED
            return
        tail = "\n".join(map(self._spelling.closer, missing))
        self._buf += tail[started:]
        self._run()
        self.repaired = self.done
        if not self.done:
            self.error = UNTERMINATED


@dataclass(slots=True)
class Turn:
    """A whole turn, as a non-streaming reply needs it."""

    reasoning: str = ""
    content: str = ""
    calls: list[CallEnd] = field(default_factory=list)

    def add(self, events: list[Event]) -> None:
        for event in events:
            if isinstance(event, Reasoning):
                self.reasoning += event.text
            elif isinstance(event, Content):
                self.content += event.text
            elif isinstance(event, CallEnd):
                self.calls.append(event)
