"""One turn that a client asks for, whatever the API it spoke."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from ds4agent.wire.fields import Options
from ds4agent.wire.message import Message
from ds4agent.wire.template import Rendered, ThinkMode

Protocol = Literal["chat", "completions", "responses", "messages", "infill"]


@dataclass(frozen=True, slots=True)
class ToolChoice:
    """`required`: the turn must end in a call; `name`: in a call of this tool."""

    required: bool = False
    name: str | None = None


@dataclass(frozen=True, slots=True)
class OutputFormat:
    """What the answer has to look like. `source`: the schema's JSON text or the pattern, or ""."""

    kind: Literal["json_schema", "json_object", "regex"]
    source: str = ""


@dataclass(frozen=True, slots=True)
class OfferedTool:
    """A tool as the client knows it, where that is more than the name that the model calls it by."""

    name: str
    kind: Literal["function", "custom", "tool_search"] = "function"
    namespace: str = ""


@dataclass(frozen=True, slots=True)
class TurnRequest:
    """`tools_raw` holds the schemas as sent; empty when there are none or the client forbids calls.

    `continues`: ids of calls that the client answers without showing them: the turn can only go on from the
    session that made them. `messages` is then what comes after that turn.
    `answers`: ids of the calls whose results come behind the last turn, where the API's order tells.
    `raw`: a prompt that is no chat; then there are no messages. `seconds`: decoding ends at the first line
    end after that time. `fields`: the members that a reply is to have; empty: all.
    `n_ctx`: the context size, where a reply tells it.
    `offered`: by the name in the prompt, the tools of an API that has more than plain functions.
    `summaries`: reasoning is to be shown, in an API that otherwise keeps it back.
    `logprobs`: None, or how many alternatives each token of the answer is to be shown with.
    """

    messages: tuple[Message, ...] = ()
    tools_raw: tuple[str, ...] = ()
    think: ThinkMode = ThinkMode.HIGH
    options: Options = field(default_factory=Options)
    tool_choice: ToolChoice = ToolChoice()
    output: OutputFormat | None = None
    logprobs: int | None = None
    continues: tuple[str, ...] = ()
    raw: Rendered | None = None
    seconds: float | None = None
    fields: tuple[str, ...] = ()
    n_ctx: int = 0
    answers: tuple[str, ...] = ()
    offered: Mapping[str, OfferedTool] = field(default_factory=dict)
    summaries: bool = False


@dataclass(frozen=True, slots=True)
class ParseContext:
    """What reading depends on beside the body. `is_live`: the last turn made the call of this id."""

    n_ctx: int
    is_live: Callable[[str], bool] = lambda _call_id: False
