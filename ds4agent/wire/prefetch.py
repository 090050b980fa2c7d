"""`POST /ds4/prefetch`: read a prompt ahead of the request that will need it.

The body is that of a chat request. The reply says how much of the prompt is in the cache now; it may be less
than all, because reading ahead gives way to real requests.
"""

from dataclasses import replace

from ds4agent.wire import chat
from ds4agent.wire.dialect import Dialect, Emission, OpenAIWriter, ReplyIds
from ds4agent.wire.reply import Reply, Usage
from ds4agent.wire.request import ParseContext, TurnRequest


class _Writer(OpenAIWriter):
    """Never streams: there is nothing to be seen on the way."""

    def start(self, _created: int, _usage: Usage) -> bytes:
        return b""

    def emit(self, _created: int, _emission: Emission) -> bytes:
        return b""

    def finish(self, created: int, reply: Reply) -> bytes:
        return self.whole(created, reply)

    def whole(self, _created: int, reply: Reply) -> bytes:
        """`usage.completion` of the reply counts the tokens that were read."""
        usage = reply.usage
        complete = "true" if usage.cached + usage.completion == usage.prompt else "false"
        return (
            f'{{"prompt_tokens":{usage.prompt},"cached_tokens":{usage.cached},'
            f'"read_tokens":{usage.completion},"complete":{complete}}}\n'
        ).encode()


def _parse(body: bytes, context: ParseContext) -> TurnRequest:
    request = chat.DIALECT.parse(body, context)
    return replace(request, options=replace(request.options, stream=False))


def _writer(_request: TurnRequest, _model: str, _ids: ReplyIds) -> _Writer:
    return _Writer()


DIALECT: Dialect = replace(chat.DIALECT, parse=_parse, writer=_writer)
