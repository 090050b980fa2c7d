"""One HTTP request over one socket, for engines that answer slowly on purpose.

Connecting must be quick; reading may take as long as it takes, because a long prompt is minutes of silence
(rule R8). What ends a read is the answer, the end of the connection, or the caller's Cancel: then the socket
is closed, which is the only way to tell an engine to stop. Nothing is ever sent twice (R9).
"""

import json
import socket
from collections.abc import Callable, Generator, Iterator
from contextlib import closing
from dataclasses import dataclass
from urllib.parse import urlsplit

import httptools

from ds4agent.client.cancel import Cancel, Cancelled, NotSent
from ds4agent.client.errors import BadRequest, ContextFull, EngineError, EngineFailed, EngineLost

CONNECT_SECONDS = 5.0
MOST_ERROR_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where an engine answers: `http://host:port[/prefix]`, without the `/v1` that many addresses end in.
    `lane`: in which a sidecar puts our requests.
    """

    host: str
    port: int
    prefix: str = ""
    tls: bool = False
    api_key: str | None = None
    lane: str | None = None

    @classmethod
    def parse(cls, url: str, api_key: str | None = None) -> "Endpoint":
        """Raises EngineError when it is not an http address."""
        try:
            parts = urlsplit(url)
            port = parts.port
        except ValueError as error:
            raise EngineError(f"{url} is not an http address: {error}") from error
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise EngineError(f"{url} is not an http address")
        tls = parts.scheme == "https"
        prefix = parts.path.rstrip("/").removesuffix("/v1")
        return cls(parts.hostname, port or (443 if tls else 80), prefix, tls, api_key)

    @property
    def authority(self) -> str:
        """Host and port as a URL and a Host field have them."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"

    @property
    def url(self) -> str:
        return f"{'https' if self.tls else 'http'}://{self.authority}{self.prefix}"


@dataclass(frozen=True, slots=True)
class Patience:
    """How long to wait for bytes: `limit` seconds, or without one for ever. Silence is told every `notice`
    seconds; any byte, also one of a keepalive comment, begins the count anew.
    """

    limit: float | None = None
    notice: float = 30.0
    tell: Callable[[float], None] = lambda seconds: None


class Response:
    """httptools' callbacks: collects the head, queues the body."""

    def __init__(self) -> None:
        self.parser = httptools.HttpResponseParser(self)
        self.head_complete = False
        self.complete = False
        self.body: list[bytes] = []

    def on_headers_complete(self) -> None:
        self.head_complete = True

    def on_body(self, data: bytes) -> None:
        self.body.append(data)

    def on_message_complete(self) -> None:
        self.complete = True

    @property
    def status(self) -> int:
        return int(self.parser.get_status_code())

    def take(self) -> bytes:
        data = b"".join(self.body)
        self.body.clear()
        return data


def exchange(
    endpoint: Endpoint, method: str, path: str, body: bytes, cancel: Cancel, patience: Patience
) -> Generator[bytes]:
    """Send a request and yield the body of a 200 as it arrives. Closing it closes the socket.

    Raises EngineLost, BadRequest, ContextFull, EngineFailed, or after closing the socket Cancelled, which is
    NotSent as long as not the whole request was sent.
    """
    with closing(_connect(endpoint)) as connection:
        # Never in a call that waits by itself: a signal would not end it, nor would silence be told.
        connection.setblocking(False)
        try:
            _send(connection, head(endpoint, method, path, len(body)) + body, cancel, endpoint, patience)
        except Cancelled as error:
            raise NotSent from error
        response = Response()
        refused = b""
        for data in _receive(connection, cancel, endpoint, patience):
            parse(response, data, endpoint)
            piece = response.take()
            if response.head_complete and response.status == 200 and piece:
                yield piece
            elif piece:
                refused = (refused + piece)[:MOST_ERROR_BYTES]
            if response.complete:
                break
        if not response.head_complete:
            raise EngineLost(f"the engine at {endpoint.url} closed the connection without an answer")
        if response.status != 200:
            raise refusal(response.status, refused)


def parse(response: Response, data: bytes, endpoint: Endpoint) -> None:
    try:
        response.parser.feed_data(data)
    except httptools.HttpParserError as error:
        raise EngineFailed(f"what answers at {endpoint.url} does not speak HTTP: {error}") from error


def _connect(endpoint: Endpoint) -> socket.socket:
    try:
        connection = socket.create_connection((endpoint.host, endpoint.port), CONNECT_SECONDS)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        # A peer that vanished without a word is noticed by the kernel, not by a read timeout.
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        if endpoint.tls:
            import ssl  # a good part of start-up time, and rare: engines are local

            connection = ssl.create_default_context().wrap_socket(connection, server_hostname=endpoint.host)
        return connection
    except OSError as error:
        why = error.strerror or str(error) or "no answer"
        raise EngineLost(f"no engine answers at {endpoint.url}: {why}") from error


def head(endpoint: Endpoint, method: str, path: str, length: int) -> bytes:
    lines = [
        f"{method} {endpoint.prefix}{path} HTTP/1.1",
        f"Host: {endpoint.authority}",
        "Accept: text/event-stream, application/json",
        "Connection: close",
    ]
    if length:
        lines += ["Content-Type: application/json", f"Content-Length: {length}"]
    if endpoint.api_key:
        lines.append(f"Authorization: Bearer {endpoint.api_key}")
    if endpoint.lane:
        lines.append(f"X-Ds4agent-Lane: {endpoint.lane}")
    return "\r\n".join([*lines, "", ""]).encode("latin-1", "replace")


def _send(
    connection: socket.socket, data: bytes, cancel: Cancel, endpoint: Endpoint, patience: Patience
) -> None:
    cancel.check()
    left = memoryview(data)
    try:
        while left:
            try:
                left = left[connection.send(left) :]
            except OSError as error:
                if not _would_wait(error, endpoint):
                    raise
                _wait(cancel.wait_writable, connection, endpoint, patience)
    except OSError as error:
        # An engine may answer and close before it has read everything; its answer is worth more.
        if not isinstance(error, BrokenPipeError | ConnectionResetError):
            raise EngineLost(f"the connection to {endpoint.url} broke: {error.strerror}") from error


def _wait(
    ready: Callable[[int, float], bool], connection: socket.socket, endpoint: Endpoint, patience: Patience
) -> None:
    step, silent = patience.limit or patience.notice, 0.0
    while not ready(connection.fileno(), step):
        silent += step
        if patience.limit is not None:
            raise EngineLost(f"the engine at {endpoint.url} was silent for {silent:g} s")
        patience.tell(silent)


def _would_wait(error: OSError, endpoint: Endpoint) -> bool:
    """Of a socket that does not. TLS has messages of its own, such as the tickets behind a handshake: that
    there is something to read does not mean that there is data.
    """
    if not endpoint.tls:
        return isinstance(error, BlockingIOError)
    import ssl

    return isinstance(error, ssl.SSLWantReadError | ssl.SSLWantWriteError)


def _receive(
    connection: socket.socket, cancel: Cancel, endpoint: Endpoint, patience: Patience
) -> Iterator[bytes]:
    while True:
        cancel.check()
        try:
            # Asked first of all: TLS may hold decrypted bytes that select() does not see.
            data = connection.recv(65536)
        except OSError as error:
            if not _would_wait(error, endpoint):
                raise EngineLost(f"the connection to {endpoint.url} broke: {error.strerror}") from error
            _wait(cancel.wait_readable, connection, endpoint, patience)
            continue
        if not data:
            return
        yield data


def refusal(status: int, body: bytes) -> EngineError:
    message, code = _error_body(body)
    if status == 400 and code == "context_length_exceeded":
        return ContextFull(status, message)
    if status == 503:
        return EngineLost(f"the engine is going away: {message}")
    if status >= 500:
        return EngineFailed(f"the engine failed ({status}): {message}", status)
    return BadRequest(status, message)


def _error_body(body: bytes) -> tuple[str, str]:
    try:
        error = json.loads(body)["error"]
        return str(error["message"]), str(error.get("code", ""))
    except (ValueError, TypeError, KeyError, AttributeError):
        return body[:200].decode("utf-8", "replace").strip() or "no reason given", ""
