"""The endpoints: requests to jobs, and the worker's messages to bytes.

Parsing, rendering and tokenising run on a helper thread, because a long prompt would keep the event loop
from the other connections. The loop itself only moves messages from the worker to sockets.
"""

import asyncio
import itertools
import secrets
import time
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial

from ds4agent.engine.http import Connection, Request
from ds4agent.engine.job import Dropped, Emitted, Failed, Finished, Job, Message, Progress, Started
from ds4agent.engine.replay import ReplayMap
from ds4agent.engine.vocab import Vocab
from ds4agent.engine.worker import Worker
from ds4agent.wire import anthropic, chat, responses
from ds4agent.wire.anthropic_writer import token_count
from ds4agent.wire.dialect import Dialect, ReplyIds, ReplyWriter
from ds4agent.wire.errors import UNKNOWN_ENDPOINT, RequestError, error_body
from ds4agent.wire.models import ALIASES, ModelCard
from ds4agent.wire.request import ParseContext, TurnRequest
from ds4agent.wire.template import (
    THINK_OPEN,
    FormatTexts,
    Rendered,
    Span,
    has_tool_context,
    render_chat,
    render_continuation,
)

KEEPALIVE_SECONDS = 5.0
_MODELS = "/v1/models"
_MESSAGES = "/v1/messages"
DIALECTS = {
    "/v1/chat/completions": chat.DIALECT,
    "/v1/responses": responses.DIALECT,
    _MESSAGES: anthropic.DIALECT,
}

Endpoint = Callable[[Connection, bytes], Awaitable[None]]


class Server:
    """Answers requests; owns the counter of reply ids and the open connections."""

    def __init__(
        self,
        worker: Worker,
        vocab: Vocab,
        texts: FormatTexts,
        card: ModelCard,
        replay: ReplayMap | None,
        cors: bool,
    ) -> None:
        self._worker = worker
        self._vocab = vocab
        self._texts = texts
        self._card = card
        self._replay = replay
        self._cors = cors
        self._ids = itertools.count(1)
        self._pool = ThreadPoolExecutor(max_workers=1, thread_name_prefix="prepare")
        self._connections: set[Connection] = set()
        self._posts: dict[str, Endpoint] = {
            path: partial(self._turn, dialect) for path, dialect in DIALECTS.items()
        }
        self._posts[f"{_MESSAGES}/count_tokens"] = self._count_tokens

    def connection(self) -> Connection:
        """The protocol factory of the listening socket."""
        return Connection(self._handle, self._cors, self._connections, _spell_error)

    def close(self) -> None:
        """After the worker has ended: nothing more will be written."""
        for connection in list(self._connections):
            connection.abort()
        self._pool.shutdown()

    async def _handle(self, connection: Connection, request: Request) -> None:
        endpoint = self._posts.get(request.path) if request.method == "POST" else None
        if endpoint is not None:
            await endpoint(connection, request.body)
        elif request.method == "OPTIONS":
            connection.reply(204, b"")
        elif request.method == "GET" and request.path == _MODELS:
            connection.reply(200, self._card.list_body())
        elif request.method == "GET" and self._names_a_model(request.path):
            connection.reply(200, self._card.one_body())
        else:
            raise RequestError(404, UNKNOWN_ENDPOINT)

    def _names_a_model(self, path: str) -> bool:
        return path.removeprefix(f"{_MODELS}/") in (self._card.id, *ALIASES)

    # -- turns
    # --------------------------------------------------------------------------------------------------

    async def _turn(self, dialect: Dialect, connection: Connection, body: bytes) -> None:
        loop = asyncio.get_running_loop()
        messages: asyncio.Queue[Message] = asyncio.Queue()

        def sink(message: Message) -> None:
            loop.call_soon_threadsafe(messages.put_nowait, message)

        job = await loop.run_in_executor(self._pool, self.job, dialect, body, sink)
        connection.when_gone(lambda: self._worker.drop(job))
        self._worker.submit(job)
        options = job.request.options
        ids = ReplyIds(next(self._ids), lambda: secrets.token_hex(12))
        writer = dialect.writer(job.request, options.model or self._card.id, ids)
        await (_stream if options.stream else _whole)(connection, messages, writer, dialect)

    async def _count_tokens(self, connection: Connection, body: bytes) -> None:
        n = await asyncio.get_running_loop().run_in_executor(self._pool, self._prompt_tokens, body)
        connection.reply(200, token_count(n))

    def _prompt_tokens(self, body: bytes) -> int:
        """No call counts as live: a prompt that is not all there has no length. Raises RequestError."""
        request = anthropic.DIALECT.parse(body, ParseContext(self._card.n_ctx))
        return len(self._vocab.prompt(self._rendered(request)).tokens)

    def job(self, dialect: Dialect, body: bytes, sink: Callable[[Message], None]) -> Job:
        """Raises RequestError."""
        request = dialect.parse(body, ParseContext(self._card.n_ctx, self._worker.is_live))
        rendered = self._rendered(request)
        prompt = self._vocab.prompt(rendered)
        if len(prompt.tokens) >= self._card.n_ctx:
            raise dialect.overflow(len(prompt.tokens), self._card.n_ctx)
        return Job(
            prompt=prompt,
            request=request,
            protocol=dialect.name,
            thinking=rendered.spans[-1] == Span(THINK_OPEN, control=True),
            tool_context=bool(request.continues) or has_tool_context(request.messages, request.tools_raw),
            call_prefix=dialect.call_prefix,
            sink=sink,
        )

    def _rendered(self, request: TurnRequest) -> Rendered:
        replay = self._replay.get if self._replay is not None else lambda _ids: None
        if request.continues:
            return render_continuation(request.messages, request.think, replay)
        return render_chat(request.messages, request.tools_raw, request.think, self._texts, replay)


def _spell_error(path: str, status: int, message: str) -> bytes:
    """In the shape that clients of this path, or of what is below it, expect."""
    for root, dialect in DIALECTS.items():
        if path == root or path.startswith(f"{root}/"):
            return dialect.error(status, message)
    return error_body(message)


def _now() -> int:
    return int(time.time())


async def _whole(
    connection: Connection, messages: asyncio.Queue[Message], writer: ReplyWriter, dialect: Dialect
) -> None:
    while True:
        match await messages.get():
            case Finished(reply):
                connection.reply(200, writer.whole(_now(), reply))
                return
            case Failed(message, status):
                connection.reply(status, dialect.error(status, message))
                return
            case Dropped():
                connection.abort()
                return


async def _stream(
    connection: Connection, messages: asyncio.Queue[Message], writer: ReplyWriter, dialect: Dialect
) -> None:
    """The head is sent with the first sign of life, so that a refusal before it is a plain reply."""
    loop = asyncio.get_running_loop()
    open_since: float | None = None
    while True:
        message = await messages.get()
        if isinstance(message, Failed) and open_since is None:
            connection.reply(message.status, dialect.error(message.status, message.message))
            return
        if open_since is None and not isinstance(message, Dropped):
            connection.start_stream()
            open_since = loop.time()
        match message:
            case Progress():
                if open_since is not None and loop.time() - open_since >= KEEPALIVE_SECONDS:
                    connection.write(writer.keepalive)
                    open_since = loop.time()
            case Started(usage):
                connection.write(writer.start(_now(), usage))
            case Emitted(emissions):
                connection.write(b"".join(writer.emit(_now(), emission) for emission in emissions))
            case Finished(reply):
                connection.write(writer.finish(_now(), reply))
                connection.close()
                return
            case Failed(text):
                connection.write(writer.failure(text))
                connection.close()
                return
            case Dropped():
                connection.abort()
                return
