"""How a turn reaches its client: the sinks that the worker tells what happens.

A streamed reply is spelled and written in the worker's own thread: a hop through the event loop would cost
two thread switches a token, on the cores that compute. The loop steps in only when the kernel does not take
the bytes. A whole reply needs it once, at the end.
"""

import time

from ds4agent.engine.http import Connection
from ds4agent.engine.job import Dropped, Emitted, Failed, Finished, Message, Progress, Started
from ds4agent.wire.dialect import Dialect, ReplyWriter
from ds4agent.wire.errors import GENERATION_FAILED

KEEPALIVE_SECONDS = 5.0
# The SDKs' word for it: a second try would decode the same again, minutes long and out of the user's sight.
_NO_RETRY = (("X-Should-Retry", "false"),)


def _now() -> int:
    return int(time.time())


class WholeReply:
    """One body at the end."""

    def __init__(self, connection: Connection, writer: ReplyWriter, dialect: Dialect) -> None:
        self._connection = connection
        self._writer = writer
        self._dialect = dialect

    def __call__(self, message: Message) -> None:
        connection = self._connection
        match message:
            case Finished(reply) if reply.finish == "error" and self._dialect.failed != 200:
                body = self._dialect.error(self._dialect.failed, GENERATION_FAILED)
                connection.from_thread(connection.reply, self._dialect.failed, body, _NO_RETRY)
            case Finished(reply):
                connection.from_thread(connection.reply, 200, self._writer.whole(_now(), reply))
            case Failed(text, status):
                connection.from_thread(connection.reply, status, self._dialect.error(status, text))
            case Dropped():
                connection.from_thread(connection.abort)


class StreamedReply:
    """The head is sent with the first sign of life, so that a refusal before it is a plain reply."""

    def __init__(self, connection: Connection, writer: ReplyWriter, dialect: Dialect) -> None:
        self._connection = connection
        self._writer = writer
        self._dialect = dialect
        self._open_since: float | None = None

    def __call__(self, message: Message) -> None:
        match message:
            case Progress():
                self._keep_alive()
            case Started(usage):
                self._send(self._writer.start(_now(), usage))
            case Emitted(emissions):
                now = _now()
                self._send(b"".join([self._writer.emit(now, emission) for emission in emissions]))
            case Finished(reply):
                self._end(self._writer.finish(_now(), reply))
            case Failed(text, status) if self._open_since is None:
                connection = self._connection
                connection.from_thread(connection.reply, status, self._dialect.error(status, text))
            case Failed(text):
                self._end(self._writer.failure(text))
            case Dropped():
                self._connection.from_thread(self._connection.abort)

    def _send(self, data: bytes) -> None:
        if self._open_since is None:
            self._open_since = time.monotonic()
            data = self._connection.stream_head() + data
        if data:
            self._connection.send(data)

    def _keep_alive(self) -> None:
        if self._open_since is None:
            self._send(b"")
        elif time.monotonic() - self._open_since >= KEEPALIVE_SECONDS:
            self._open_since = time.monotonic()
            self._send(self._writer.keepalive)

    def _end(self, data: bytes) -> None:
        self._send(data)
        self._connection.from_thread(self._connection.close)
