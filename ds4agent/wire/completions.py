"""The legacy completions dialect. As with ds4-server it is a chat in disguise: the prompt becomes the one
user message behind a fixed system text, and the text of the reply is all that the model wrote, reasoning
included.
"""

from functools import partial

from ds4agent.wire import sse
from ds4agent.wire.dialect import Dialect, Emission, OpenAIWriter, ReplyIds
from ds4agent.wire.dsml import Content, Reasoning
from ds4agent.wire.dsml_values import clean
from ds4agent.wire.errors import RequestError, context_overflow, error_body
from ds4agent.wire.fields import parse_body, parse_options, parse_think
from ds4agent.wire.json_spans import quote
from ds4agent.wire.message import Message
from ds4agent.wire.reply import Reply, Usage
from ds4agent.wire.request import ParseContext, TurnRequest
from ds4agent.wire.template import THINK_CLOSE, ThinkMode


def parse_request(body: bytes, context: ParseContext) -> TurnRequest:
    """Raises RequestError for anything that cannot be served."""
    _, value = parse_body(body)
    options = parse_options(value, ("max_tokens",))
    if value.get("prompt") is None:
        raise RequestError(400, "missing prompt")
    return TurnRequest(
        messages=(Message("user", _prompt(value["prompt"])),),
        think=parse_think(value, options.model, context.n_ctx),
        options=options,
    )


def _prompt(value: object) -> str:
    """A string, or the first string of an array; anything else counts as nothing, as it does upstream."""
    first = next((item for item in value if isinstance(item, str)), "") if isinstance(value, list) else value
    return clean(first) if isinstance(first, str) else ""


class CompletionWriter(OpenAIWriter):
    """Spells one reply, whole or streamed."""

    def __init__(self, reply_id: str, model: str, request: TurnRequest) -> None:
        self._head = f'{{"id":{quote(reply_id)},"object":"text_completion","created":'
        self._tail = f',"model":{quote(model)},"choices":'
        self._include_usage = request.options.include_usage
        self._thinking = request.think is not ThinkMode.NONE

    def _choice(self, text: str, finish: str) -> str:
        return f'[{{"text":{quote(text)},"index":0,"finish_reason":{finish}}}]'

    def whole(self, created: int, reply: Reply) -> bytes:
        closed = self._thinking and not reply.thinking_cut
        text = reply.reasoning + (THINK_CLOSE if closed else "") + reply.content
        choice = self._choice(text, f'"{reply.finish}"')
        return f'{self._head}{created}{self._tail}{choice},"usage":{reply.usage.json()}}}\n'.encode()

    def _chunk(self, created: int, text: str, finish: str = "null") -> bytes:
        return sse.data(f"{self._head}{created}{self._tail}{self._choice(text, finish)}}}")

    def start(self, created: int, usage: Usage) -> bytes:
        return b""

    def emit(self, created: int, emission: Emission) -> bytes:
        match emission.event:
            case Reasoning(text):
                return self._chunk(created, text)
            case Content(text):
                return self._chunk(created, self._close_thinking() + text)
            case _:
                return b""

    def _close_thinking(self) -> str:
        closing = THINK_CLOSE if self._thinking else ""
        self._thinking = False
        return closing

    def finish(self, created: int, reply: Reply) -> bytes:
        out = b""
        if self._thinking and not reply.thinking_cut:
            out += self._chunk(created, self._close_thinking())
        out += self._chunk(created, "", f'"{reply.finish}"')
        if self._include_usage:
            out += sse.data(f'{self._head}{created}{self._tail}[],"usage":{reply.usage.json()}}}')
        return out + sse.DONE


def _writer(request: TurnRequest, model: str, ids: ReplyIds) -> CompletionWriter:
    return CompletionWriter(f"cmpl-{ids.number}", model, request)


DIALECT = Dialect(
    name="completions",
    call_prefix="call_",
    parse=parse_request,
    writer=_writer,
    error=lambda _status, message: error_body(message),
    overflow=partial(context_overflow, "prompt"),
)
