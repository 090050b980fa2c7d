"""The Anthropic dialect: replies and refusals.

A streamed reply is a sequence of blocks, each opened, filled and closed before the next one. Which block an
emission belongs to follows from its kind alone, so the writer only remembers the block that is open.
"""

from ds4agent.wire import sse
from ds4agent.wire.dialect import Emission, ReplyIds
from ds4agent.wire.dsml import CallArguments, CallEnd, CallStart, Content, Reasoning
from ds4agent.wire.errors import (
    GENERATION_FAILED,
    SERVER_FAILED,
    RequestError,
    anthropic_error,
    context_overflow,
)
from ds4agent.wire.json_spans import quote
from ds4agent.wire.message import ToolCall
from ds4agent.wire.reply import Reply, Usage
from ds4agent.wire.request import TurnRequest

_STOP_REASONS = {"stop": "end_turn", "length": "max_tokens", "tool_calls": "tool_use", "error": "end_turn"}


def overflow(n_prompt: int, n_ctx: int) -> RequestError:
    """The prompt leaves no room for a single new token."""
    message = context_overflow("messages", n_prompt, n_ctx).message
    more = f',"n_prompt_tokens":{n_prompt},"n_ctx":{n_ctx}'
    return RequestError(400, message, f"{anthropic_error('invalid_request_error', message, more)}\n".encode())


def token_count(n_tokens: int) -> bytes:
    """The body of a count_tokens reply."""
    return f'{{"input_tokens":{n_tokens}}}\n'.encode()


def _usage(usage: Usage) -> str:
    """Nothing is billed for writing to the cache, so what is not read from it is plain input."""
    return (
        f'{{"input_tokens":{usage.prompt - usage.cached},"output_tokens":{usage.completion},'
        f'"cache_read_input_tokens":{usage.cached},"cache_creation_input_tokens":0,{usage.cache}}}'
    )


def _stop(reply: Reply) -> str:
    if reply.finish == "stop" and reply.stop is not None:
        return f'"stop_reason":"stop_sequence","stop_sequence":{quote(reply.stop)}'
    return f'"stop_reason":"{_STOP_REASONS[reply.finish]}","stop_sequence":null'


def _record(kind: str, members: str = "") -> bytes:
    return sse.event(kind, f'{{"type":"{kind}"{members}}}')


def _tool_use(call_id: str, name: str, arguments: str = "{}") -> str:
    return f'"id":{quote(call_id)},"name":{quote(name)},"input":{arguments}'


class MessagesWriter:
    """Spells one reply, whole or streamed. The signature of its thinking is the reply's id."""

    keepalive = _record("ping")

    def __init__(self, reply_id: str, model: str) -> None:
        self._id = reply_id
        self._model = model
        self._open_kind = ""
        self._index = 0
        self._shown: set[str] = set()

    def whole(self, created: int, reply: Reply) -> bytes:
        blocks = []
        if reply.reasoning:
            thinking = f'"thinking":{quote(reply.reasoning)},"signature":{quote(self._id)}'
            blocks.append(f'{{"type":"thinking",{thinking}}}')
        if reply.content or not reply.calls:
            blocks.append(f'{{"type":"text","text":{quote(reply.content)}}}')
        for call in reply.calls:
            blocks.append(f'{{"type":"tool_use",{_tool_use(call.id, call.name, call.arguments)}}}')
        return f"{self._message(','.join(blocks), _stop(reply), reply.usage)}\n".encode()

    def _message(self, blocks: str, stop: str, usage: Usage) -> str:
        return (
            f'{{"id":{quote(self._id)},"type":"message","role":"assistant","model":{quote(self._model)},'
            f'"content":[{blocks}],{stop},"usage":{_usage(usage)}}}'
        )

    def start(self, created: int, usage: Usage) -> bytes:
        message = self._message("", '"stop_reason":null,"stop_sequence":null', usage)
        return _record("message_start", f',"message":{message}')

    def emit(self, created: int, emission: Emission) -> bytes:
        match emission.event:
            case Reasoning(text):
                opening = self._enter("thinking", '"thinking":"","signature":""')
                return opening + self._delta("thinking_delta", "thinking", text)
            case Content(text):
                return self._enter("text", '"text":""') + self._delta("text_delta", "text", text)
            case CallStart(_, name):
                return self._open("tool_use", _tool_use(emission.call_id, name))
            case CallArguments(_, fragment):
                return self._delta("input_json_delta", "partial_json", fragment)
            case CallEnd():
                return self._close()
        return b""

    def finish(self, created: int, reply: Reply) -> bytes:
        if reply.finish == "error":
            # The open block stays open: a client must not take a cut call for a whole one.
            return self.failure(GENERATION_FAILED)
        out = self._close()
        if reply.calls and "tool_use" not in self._shown:
            out += b"".join(map(self._call, reply.calls))
        if not self._shown & {"text", "tool_use"}:
            out += self._open("text", '"text":""') + self._close()
        usage = f'"usage":{{"output_tokens":{reply.usage.completion}}}'
        out += _record("message_delta", f',"delta":{{{_stop(reply)}}},{usage}')
        return out + _record("message_stop")

    def failure(self, message: str) -> bytes:
        return sse.event("error", anthropic_error(SERVER_FAILED, message))

    # -- blocks
    # ------------------------------------------------------------------------------------------------

    def _enter(self, kind: str, members: str) -> bytes:
        return b"" if self._open_kind == kind else self._open(kind, members)

    def _open(self, kind: str, members: str) -> bytes:
        closing = self._close()
        self._open_kind = kind
        self._shown.add(kind)
        block = f'"content_block":{{"type":"{kind}",{members}}}'
        return closing + _record("content_block_start", f',"index":{self._index},{block}')

    def _delta(self, kind: str, name: str, text: str) -> bytes:
        delta = f'"delta":{{"type":"{kind}","{name}":{quote(text)}}}'
        return _record("content_block_delta", f',"index":{self._index},{delta}')

    def _close(self) -> bytes:
        if not self._open_kind:
            return b""
        signed = self._open_kind == "thinking"
        out = self._delta("signature_delta", "signature", self._id) if signed else b""
        out += _record("content_block_stop", f',"index":{self._index}')
        self._open_kind = ""
        self._index += 1
        return out

    def _call(self, call: ToolCall) -> bytes:
        """A call that the stream has not shown: its tools were not offered."""
        opening = self._open("tool_use", _tool_use(call.id, call.name))
        return opening + self._delta("input_json_delta", "partial_json", call.arguments) + self._close()


def writer(_request: TurnRequest, model: str, ids: ReplyIds) -> MessagesWriter:
    """Ids are random, as Anthropic's are: a counter would begin anew with every process."""
    return MessagesWriter(f"msg_{ids.random()}", model)
