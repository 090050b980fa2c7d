"""The endpoints: requests to jobs, and the worker's messages to bytes.

Parsing, rendering and tokenising run on a helper thread, because a long prompt would keep the event loop
from the other connections. The loop itself only moves messages from the worker to sockets.
"""

import asyncio
import itertools
import time
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor

from ds4agent.engine.http import Connection, Request
from ds4agent.engine.job import Dropped, Emitted, Failed, Finished, Job, Message, Progress, Started
from ds4agent.engine.replay import ReplayMap
from ds4agent.engine.vocab import Vocab
from ds4agent.engine.worker import Worker
from ds4agent.wire import chat, sse
from ds4agent.wire.errors import UNKNOWN_ENDPOINT, RequestError, context_overflow, error_body
from ds4agent.wire.models import ALIASES, ModelCard
from ds4agent.wire.template import THINK_OPEN, FormatTexts, Span, has_tool_context, render_chat

KEEPALIVE_SECONDS = 5.0
_MODELS = "/v1/models"

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
        self._posts: dict[str, Endpoint] = {"/v1/chat/completions": self._chat}

    def connection(self) -> Connection:
        """The protocol factory of the listening socket."""
        return Connection(self._handle, self._cors, self._connections)

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

    # -- chat
    # ---------------------------------------------------------------------------------------------------

    async def _chat(self, connection: Connection, body: bytes) -> None:
        loop = asyncio.get_running_loop()
        messages: asyncio.Queue[Message] = asyncio.Queue()

        def sink(message: Message) -> None:
            loop.call_soon_threadsafe(messages.put_nowait, message)

        job = await loop.run_in_executor(self._pool, self._chat_job, body, sink)
        connection.when_gone(lambda: self._worker.drop(job))
        self._worker.submit(job)
        reply_id, model = f"chatcmpl-{next(self._ids)}", job.options.model or self._card.id
        if job.options.stream:
            stream = chat.ChatStream(reply_id, model, job.options.include_usage)
            await _stream(connection, messages, stream)
        else:
            await _whole(connection, messages, reply_id, model)

    def _chat_job(self, body: bytes, sink: Callable[[Message], None]) -> Job:
        request = chat.parse_request(body, self._card.n_ctx)
        replay = self._replay.get if self._replay is not None else lambda _ids: None
        rendered = render_chat(request.messages, request.tools_raw, request.think, self._texts, replay)
        prompt = self._vocab.prompt(rendered)
        if len(prompt.tokens) >= self._card.n_ctx:
            raise context_overflow(len(prompt.tokens), self._card.n_ctx, "messages")
        return Job(
            prompt=prompt,
            options=request.options,
            thinking=rendered.spans[-1] == Span(THINK_OPEN, control=True),
            tools=bool(request.tools_raw),
            tool_context=has_tool_context(request.messages, request.tools_raw),
            id_prefix="call_",
            sink=sink,
        )


def _now() -> int:
    return int(time.time())


async def _whole(connection: Connection, messages: asyncio.Queue[Message], reply_id: str, model: str) -> None:
    while True:
        match await messages.get():
            case Finished(reply):
                connection.reply(200, chat.response(reply_id, model, _now(), reply))
                return
            case Failed(message):
                connection.reply(500, error_body(message))
                return
            case Dropped():
                connection.abort()
                return


async def _stream(connection: Connection, messages: asyncio.Queue[Message], stream: chat.ChatStream) -> None:
    """The head is sent with the first sign of life, so that a refusal before it is a plain reply."""
    loop = asyncio.get_running_loop()
    open_since: float | None = None
    while True:
        message = await messages.get()
        if isinstance(message, Failed) and open_since is None:
            connection.reply(500, error_body(message.message))
            return
        if open_since is None and not isinstance(message, Dropped):
            connection.start_stream()
            open_since = loop.time()
        match message:
            case Progress():
                if open_since is not None and loop.time() - open_since >= KEEPALIVE_SECONDS:
                    connection.write(sse.KEEPALIVE)
                    open_since = loop.time()
            case Started():
                connection.write(stream.start(_now()))
            case Emitted(events):
                connection.write(b"".join(stream.event(_now(), event, i) for event, i in events))
            case Finished(reply):
                connection.write(stream.finish(_now(), reply))
                connection.close()
                return
            case Failed(text):
                connection.write(stream.failure(text))
                connection.close()
                return
            case Dropped():
                connection.abort()
                return
