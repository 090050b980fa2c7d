"""What the relay knows of the APIs: how each spells an error, a sign of life, and a failure in a stream."""

from collections.abc import Sequence
from dataclasses import dataclass

from ds4agent.wire.errors import anthropic_error, anthropic_error_body, error_body

KEEPALIVE_COMMENT = b": keepalive\n\n"
PING = b'event: ping\ndata: {"type":"ping"}\n\n'
EVENT_STREAM_HEAD = (
    b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
    b"Cache-Control: no-cache\r\nConnection: close\r\n\r\n"
)
_REASONS = {
    200: "OK", 204: "No Content", 400: "Bad Request", 401: "Unauthorized", 403: "Forbidden", 404: "Not Found",
    405: "Method Not Allowed", 408: "Request Timeout", 413: "Content Too Large", 429: "Too Many Requests",
    431: "Request Header Fields Too Large", 500: "Internal Server Error", 501: "Not Implemented",
    502: "Bad Gateway", 503: "Service Unavailable", 504: "Gateway Timeout",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Shape:
    """`keepalive`: a record that means nothing, b"" where there are no streams."""

    anthropic: bool
    keepalive: bytes

    def error(self, status: int, message: str) -> bytes:
        if self.anthropic:
            return anthropic_error_body(status, message)
        kind = "invalid_request_error" if status < 500 else "server_error"
        return error_body(message, kind)

    def failure(self, status: int, message: str = "the engine refused the request") -> bytes:
        """As the last record of a stream that has begun."""
        if self.anthropic:
            kind = "overloaded_error" if status in (429, 503) else "api_error"
            return f"event: error\ndata: {anthropic_error(kind, message)}\n\n".encode()
        return b"data: " + self.error(status, message).rstrip() + b"\n\n"


_NO_STREAM = Shape(anthropic=False, keepalive=b"")
_SHAPES = {
    "/v1/chat/completions": Shape(False, KEEPALIVE_COMMENT),
    "/v1/completions": Shape(False, KEEPALIVE_COMMENT),
    "/v1/responses": Shape(False, KEEPALIVE_COMMENT),
    "/infill": Shape(False, KEEPALIVE_COMMENT),
    "/v1/messages": Shape(True, PING),
    "/v1/messages/count_tokens": Shape(True, b""),
}


def shape_of(path: str) -> Shape:
    return _SHAPES.get(path, _NO_STREAM)


def reply(
    status: int, body: bytes, kind: str = "application/json", fields: Sequence[tuple[str, str]] = ()
) -> bytes:
    """A whole reply in ds4-server's manner."""
    lines = [f"{name}: {value}\r\n" for name, value in fields]
    if body:
        lines.insert(0, f"Content-Type: {kind}\r\n")
    head = f"HTTP/1.1 {status} {_REASONS.get(status, 'Error')}\r\nContent-Length: {len(body)}\r\n"
    return f"{head}{''.join(lines)}Connection: close\r\n\r\n".encode() + body


def error_reply(shape: Shape, status: int, message: str, fields: Sequence[tuple[str, str]] = ()) -> bytes:
    return reply(status, shape.error(status, message), fields=fields)
