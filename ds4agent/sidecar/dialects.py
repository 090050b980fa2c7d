"""What the relay knows of the APIs: how each spells an error, a sign of life, and a failure in a stream."""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass

from ds4agent.wire.errors import anthropic_error, anthropic_error_body, error_body
from ds4agent.wire.json_peek import peek

KEEPALIVE_COMMENT = b": keepalive\n\n"
PING = b'event: ping\ndata: {"type":"ping"}\n\n'
EVENT_STREAM_HEAD = (
    b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
    b"Cache-Control: no-cache\r\nConnection: close\r\n\r\n"
)
_REASONS = {
    200: "OK", 204: "No Content", 400: "Bad Request", 401: "Unauthorized", 403: "Forbidden", 404: "Not Found",
    405: "Method Not Allowed", 408: "Request Timeout", 409: "Conflict", 413: "Content Too Large",
    429: "Too Many Requests", 431: "Request Header Fields Too Large", 500: "Internal Server Error",
    501: "Not Implemented", 502: "Bad Gateway", 503: "Service Unavailable", 504: "Gateway Timeout",
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


# Path -> member that sets each thinking mode.
_OPENAI_THINKING = {
    "chat": b'"thinking":{"type":"disabled"}',
    "think": b'"thinking":{"type":"enabled"}',
    "think-max": b'"thinking":{"type":"enabled"},"reasoning_effort":"max"',
}
THINKING = {
    "/v1/chat/completions": _OPENAI_THINKING,
    "/v1/completions": _OPENAI_THINKING,
    "/v1/responses": {
        "chat": b'"reasoning":{"effort":"none"}',
        "think": b'"reasoning":{"effort":"high"}',
        "think-max": b'"reasoning":{"effort":"max"}',
    },
    "/v1/messages": {
        "chat": b'"thinking":{"type":"disabled"}',
        "think": b'"thinking":{"type":"enabled","budget_tokens":1024}',
        "think-max": b'"output_config":{"effort":"max"}',
    },
}


def with_thinking(path: str, body: bytes | bytearray, mode: str) -> bytes:
    """The body with a member more, the last one, which counts. What is no JSON object is left as it is."""
    text = bytes(body).rstrip()
    if not text.endswith(b"}"):
        return bytes(body)
    rest = text[:-1].rstrip()
    return rest + (b"" if rest == b"{" else b",") + THINKING[path][mode] + b"}"


# Path -> members that can ask for the most thinking.
_EFFORTS = {
    "/v1/chat/completions": (b"reasoning_effort",),
    "/v1/completions": (b"reasoning_effort",),
    "/v1/responses": (b"reasoning.effort",),
    "/v1/messages": (b"reasoning_effort", b"output_config.effort"),
}
# Members that turn thinking off, whatever the effort.
_OFF = {b"think": b"false", b"thinking": b"false", b"thinking.type": b'"disabled"'}


def thinks_most(path: str, body: bytes | bytearray) -> bool:
    """Whether the request asks for the effort `max`."""
    if path not in _EFFORTS or b'"max"' not in body:
        return False
    found = peek(body, (*_EFFORTS[path], *_OFF))
    off = any(found.get(name) == value for name, value in _OFF.items())
    return not off and any(found.get(name) == b'"max"' for name in _EFFORTS[path])


_STREAMS = re.compile(rb'"stream"\s*:\s*true')


def asks_for_stream(body: bytearray) -> bool:
    """Looked at closely only where it may be: other objects have members of that name, too."""
    if not _STREAMS.search(body):
        return False
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        return False
    return isinstance(value, dict) and value.get("stream") is True


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


def with_fields(reply: bytes, lines: bytes) -> bytes:
    """A reply of whose head all is here, with these lines more unless it has their first field."""
    head, _, _ = reply.lower().partition(b"\r\n\r\n")
    if not lines or b"\r\n" + lines.partition(b":")[0].lower() + b":" in head:
        return reply
    first, line_end, rest = reply.partition(b"\r\n")
    return first + line_end + lines + rest
