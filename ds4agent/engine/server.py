"""The endpoints: requests to jobs, each with a sink that takes the reply to its client.

Parsing, rendering and tokenising run on a helper thread, because a long prompt would keep the event loop
from the other connections.
"""

import asyncio
import itertools
import json
import math
import re
import secrets
import time
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial

from ds4agent.engine.constraint import Constraint, Grammars
from ds4agent.engine.healing import Spelling, heal
from ds4agent.engine.http import JSON, Connection
from ds4agent.engine.http_reader import Request
from ds4agent.engine.job import Job
from ds4agent.engine.queue import QueueFull
from ds4agent.engine.replay import ReplayMap
from ds4agent.engine.replies import StreamedReply, WholeReply
from ds4agent.engine.vocab import Vocab, encode
from ds4agent.engine.worker import Worker
from ds4agent.resources import openapi
from ds4agent.wire import anthropic, chat, completions, infill, prefetch, responses
from ds4agent.wire.anthropic_writer import token_count
from ds4agent.wire.dialect import Dialect, ReplyIds
from ds4agent.wire.dsml_render import NAME_CLOSE, escape_attr
from ds4agent.wire.errors import QUEUE_FULL, UNKNOWN_ENDPOINT, RequestError, error_body
from ds4agent.wire.message import Message
from ds4agent.wire.models import ALIASES, ModelCard
from ds4agent.wire.prometheus import CONTENT_TYPE
from ds4agent.wire.request import OutputFormat, ParseContext, Protocol, TurnRequest
from ds4agent.wire.template import (
    THINK_OPEN,
    FormatTexts,
    Rendered,
    Span,
    call_opening,
    has_tool_context,
    render_chat,
    render_continuation,
)
from ds4agent.wire.tools import tool_names

_MODELS = "/v1/models"
_MESSAGES = "/v1/messages"
_PREFETCH = "/ds4/prefetch"
_HEALTH = ("/health", "/v1/health")
_METRICS = "/metrics"
_OPENAPI = "/openapi.json"
_PROPS = "/props"
DIALECTS = {
    "/v1/chat/completions": chat.DIALECT,
    "/v1/completions": completions.DIALECT,
    "/v1/responses": responses.DIALECT,
    _MESSAGES: anthropic.DIALECT,
    "/infill": infill.DIALECT,
}

Endpoint = Callable[[Connection, bytes], Awaitable[None]]


class ClientGone(Exception):
    """Nobody waits for what the request asks any more."""


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
        *,
        control_in_text: bool = False,
        keep_bodies: bool = False,
    ) -> None:
        self._worker = worker
        self._vocab = vocab
        self._texts = texts
        self._card = card
        self._replay = replay
        self._cors = cors
        self._control_in_text = control_in_text
        self._keep_bodies = keep_bodies
        self._started = time.monotonic()
        self._ids = itertools.count(1)
        self._grammars = Grammars(vocab.tokenizer, vocab.eos)
        self._pool = ThreadPoolExecutor(max_workers=1, thread_name_prefix="prepare")
        self._connections: set[Connection] = set()
        self._posts: dict[str, Endpoint] = {
            path: partial(self._turn, dialect) for path, dialect in DIALECTS.items()
        }
        self._posts[_PREFETCH] = partial(self._turn, prefetch.DIALECT)
        self._posts[f"{_MESSAGES}/count_tokens"] = self._count_tokens
        self._gets: dict[str, Callable[[], bytes]] = {
            _MODELS: card.list_body,
            **dict.fromkeys(_HEALTH, self._health),
            _METRICS: self._metrics,
            _OPENAPI: openapi,
            _PROPS: card.props,
        }

    def connection(self) -> Connection:
        """The protocol factory of the listening socket."""
        return Connection(self._handle, self._cors, self._connections, _spell_error, self._answered)

    def close(self) -> None:
        """After the worker has ended: nothing more will be written."""
        for connection in list(self._connections):
            connection.abort()
        self._pool.shutdown(cancel_futures=True)

    async def _handle(self, connection: Connection, request: Request) -> None:
        endpoint = self._posts.get(request.path) if request.method == "POST" else None
        if endpoint is not None:
            await endpoint(connection, request.body)
        elif request.method == "OPTIONS":
            connection.reply(204, b"")
        elif request.method in ("GET", "HEAD"):
            self._get(connection, request.path)
        else:
            raise RequestError(404, UNKNOWN_ENDPOINT)

    def _get(self, connection: Connection, path: str) -> None:
        page = self._card.one_body if self._names_a_model(path) else self._gets.get(path)
        if page is None:
            raise RequestError(404, UNKNOWN_ENDPOINT)
        connection.reply(200, page(), kind=CONTENT_TYPE if path == _METRICS else JSON)

    def _health(self) -> bytes:
        value = {
            "status": "ok",
            "model": self._card.id,
            "uptime_s": int(time.monotonic() - self._started),
            "queue_depth": self._worker.queue_depth,
            "busy": self._worker.busy,
        }
        return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"

    def _metrics(self) -> bytes:
        worker = self._worker
        gauges = (worker.queue_depth, int(worker.busy), worker.live_tokens, self._card.n_ctx)
        return worker.metrics.render(gauges)

    def _answered(self, path: str, status: int) -> None:
        """Counts by path, if it is one of ours: a client must not make up series."""
        known = path in self._posts or path in self._gets
        model = f"{_MODELS}/ID" if self._names_a_model(path) else "other"
        self._worker.metrics.answered(path if known else model, status)

    def _names_a_model(self, path: str) -> bool:
        return path.removeprefix(f"{_MODELS}/") in (self._card.id, *ALIASES)

    # -- turns
    # --------------------------------------------------------------------------------------------------

    async def _turn(self, dialect: Dialect, connection: Connection, body: bytes) -> None:
        prepare = partial(self.job, dialect, body, lambda: connection.gone)
        try:
            job = await asyncio.get_running_loop().run_in_executor(self._pool, prepare)
        except ClientGone:
            self._worker.metrics.dropped()
            connection.abort()
            return
        options = job.request.options
        ids = ReplyIds(next(self._ids), lambda: secrets.token_hex(12))
        writer = dialect.writer(job.request, options.model or self._card.id, ids)
        job.sink = (StreamedReply if options.stream else WholeReply)(connection, writer, dialect)
        try:
            self._worker.submit(job)
        except QueueFull:
            self._refuse(dialect, connection)
            return
        connection.when_gone(lambda: self._worker.drop(job))

    def _refuse(self, dialect: Dialect, connection: Connection) -> None:
        """A place is free when the running job ends, which takes as long as jobs took lately."""
        metrics = self._worker.metrics
        metrics.rejected()
        seconds = max(1, math.ceil(metrics.average_seconds))
        connection.reply(429, dialect.error(429, QUEUE_FULL), [("Retry-After", str(seconds))])

    async def _count_tokens(self, connection: Connection, body: bytes) -> None:
        n = await asyncio.get_running_loop().run_in_executor(self._pool, self._prompt_tokens, body)
        connection.reply(200, token_count(n))

    def _prompt_tokens(self, body: bytes) -> int:
        """No call counts as live: a prompt that is not all there has no length. Raises RequestError."""
        request = anthropic.DIALECT.parse(body, ParseContext(self._card.n_ctx))
        return len(self._vocab.prompt(self._rendered("messages", request)).tokens)

    def job(self, dialect: Dialect, body: bytes, gone: Callable[[], bool] = lambda: False) -> Job:
        """Raises RequestError, and ClientGone: once it has left, its prompt holds up those of others."""
        request = dialect.parse(body, ParseContext(self._card.n_ctx, self._worker.is_live))
        if gone():
            raise ClientGone
        rendered = self._rendered(dialect.name, request)
        if missing := self._vocab.lacks(rendered):
            raise RequestError(501, f"this model has no {missing} token, which {dialect.name} needs")
        rendered, healed = heal(rendered, self._vocab.tokenizer)
        prompt = self._vocab.prompt(rendered)
        if len(prompt.tokens) >= self._card.n_ctx:
            raise dialect.overflow(len(prompt.tokens), self._card.n_ctx)
        forced, constraint = self._forms(request)
        if healed:
            constraint = Spelling(self._vocab.tokenizer, encode(healed))
        return Job(
            prompt=prompt,
            forced=forced,
            constraint=constraint,
            healed=healed,
            request=request,
            protocol=dialect.name,
            thinking=rendered.spans[-1] == Span(THINK_OPEN, control=True),
            tool_context=bool(request.continues) or has_tool_context(request.messages, request.tools_raw),
            call_prefix=dialect.call_prefix,
            body=body if self._keep_bodies else b"",
            prefetch=dialect is prefetch.DIALECT,
        )

    def _forms(self, request: TurnRequest) -> tuple[tuple[int, ...], Constraint | None]:
        """What the turn must say: the head of a call, and what the text behind that is held to."""
        if request.output is not None:
            if request.tools_raw:
                raise RequestError(
                    400, "an output format and tools exclude each other: set tool_choice to none"
                )
            return (), self._grammars.constraint(request.output)
        if not request.tool_choice.required:
            return (), None
        names = sorted(tool_names(request.tools_raw))
        name = request.tool_choice.name or (names[0] if len(names) == 1 else None)
        forced = tuple(self._vocab.prompt(call_opening(name)).tokens)
        if name is not None:
            return forced, None
        choice = "|".join(re.escape(escape_attr(n)) for n in names)
        return forced, self._grammars.constraint(OutputFormat("regex", f"({choice}){NAME_CLOSE}"))

    def _rendered(self, protocol: Protocol, request: TurnRequest) -> Rendered:
        replay = self._replay.get if self._replay is not None else lambda _ids: None
        if request.raw is not None:
            return request.raw
        if request.continues:
            return render_continuation(
                request.messages, request.think, replay, control_in_text=self._control_in_text
            )
        messages = request.messages
        if protocol == "completions":
            messages = (Message("system", self._texts.completion_system), *messages)
        return render_chat(
            messages,
            request.tools_raw,
            request.think,
            self._texts,
            replay,
            control_in_text=self._control_in_text,
        )


def _spell_error(path: str, status: int, message: str) -> bytes:
    """In the shape that clients of this path, or of what is below it, expect."""
    for root, dialect in DIALECTS.items():
        if path == root or path.startswith(f"{root}/"):
            return dialect.error(status, message)
    return error_body(message)
