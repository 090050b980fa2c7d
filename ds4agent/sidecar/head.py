"""The head of a request, with every size bounded, as the bytes it came in.

The grammar is llhttp's, strict: what could be read in two ways is refused, because the engine behind us might
read it in the other one. The bytes are kept: an engine gets the head that its client wrote. Only where it
could not understand the framing (a chunked body, an expectation that we have met) the head is written anew,
and an engine that is not known to close its connection after each request is told to.
"""

import re
from dataclasses import dataclass

import httptools

MAX_HEAD = 64 << 10
MAX_BODY = 64 << 20

Fields = tuple[tuple[bytes, bytes], ...]
_CONNECTION = re.compile(rb"\r\nconnection:[^\r\n]*", re.IGNORECASE)


class BadHead(Exception):
    """Not the head of a request that can be carried. `status`: of the refusal."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.message = message


@dataclass(frozen=True, slots=True)
class Head:
    """`raw` is the head with its empty line; `path` has no query; names of `fields` are in lower case.

    `length`: of the body, None where it comes in chunks.
    """

    raw: bytes
    method: str
    target: bytes
    path: str
    fields: Fields
    length: int | None

    def field(self, name: bytes) -> bytes | None:
        """The first of this name."""
        return next((value for found, value in self.fields if found == name), None)

    @property
    def expects_continue(self) -> bool:
        return (self.field(b"expect") or b"").lower() == b"100-continue"

    def rewritten(self, length: int) -> bytes:
        """For a body of so many bytes in one piece, without an expectation."""
        left_out = (b"transfer-encoding", b"content-length", b"expect")
        lines = [name + b": " + value for name, value in self.fields if name not in left_out]
        lines = [self.raw.split(b"\r\n", 1)[0], *lines, b"content-length: %d" % length]
        return b"\r\n".join(lines) + b"\r\n\r\n"


def closing(data: bytes) -> bytes:
    """A request or reply whose head, if it is all there, says that the connection ends with it."""
    head, end, rest = data.partition(b"\r\n\r\n")
    found = _CONNECTION.findall(head)
    if not end:
        return data  # no head at all
    if len(found) == 1 and found[0].partition(b":")[2].strip().lower() == b"close":
        return data
    return _CONNECTION.sub(b"", head) + b"\r\nConnection: close" + end + rest


class _Parser:
    """Callbacks of the parser; what they raise comes out as an HttpParserError."""

    def __init__(self) -> None:
        self.target = b""
        self.fields: list[tuple[bytes, bytes]] = []
        self.done = False

    def on_url(self, url: bytes) -> None:
        self.target += url

    def on_header(self, name: bytes, value: bytes) -> None:
        self.fields.append((name.lower(), value.strip(b" \t")))

    def on_headers_complete(self) -> None:
        self.done = True


def parse_head(raw: bytes) -> Head:
    """`raw` ends with the empty line. Raises BadHead."""
    found = _Parser()
    parser = httptools.HttpRequestParser(found)
    try:
        parser.feed_data(raw)
    except httptools.HttpParserUpgrade:
        pass  # declined by going on as if it had not been offered
    except httptools.HttpParserError as error:
        raise BadHead(400, "bad HTTP request") from error
    # llhttp knows older and newer versions, skips empty lines, and takes what is meant for a proxy.
    method = parser.get_method().decode("latin-1")
    hosts = [value for name, value in found.fields if name == b"host"]
    plain = raw.startswith(parser.get_method()) and parser.get_http_version() in ("1.0", "1.1")
    local = found.target.startswith(b"/") or (found.target, method) == (b"*", "OPTIONS")
    if not (found.done and plain and local and len(hosts) <= 1):
        raise BadHead(400, "bad HTTP request")
    length = _length(found.fields)
    path = found.target.split(b"?", 1)[0].decode("latin-1")
    return Head(raw, method, found.target, path, tuple(found.fields), length)


def _length(fields: list[tuple[bytes, bytes]]) -> int | None:
    """llhttp has refused contradictions. Raises BadHead."""
    codings = [value.lower() for name, value in fields if name == b"transfer-encoding"]
    if codings:
        if codings != [b"chunked"]:
            raise BadHead(501, "only chunked is known as a transfer coding")
        return None
    lengths = [value for name, value in fields if name == b"content-length"]
    return int(lengths[0]) if lengths else 0


class _Chunks:
    """Callbacks of the parser, which holds them: apart from who holds the parser, or a body would stay until
    cycles are looked for.
    """

    def __init__(self) -> None:
        self.body = bytearray()
        self.complete = False

    def on_body(self, data: bytes) -> None:
        self.body += data

    def on_message_complete(self) -> None:
        self.complete = True


class Unchunker:
    """A chunked body, put together. Raises BadHead; what is neither body nor its end is bounded too."""

    def __init__(self) -> None:
        self._found = _Chunks()
        self._parser = httptools.HttpRequestParser(self._found)
        self._parser.feed_data(b"POST / HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n")
        self._fed = 0

    @property
    def body(self) -> bytearray:
        return self._found.body

    @property
    def complete(self) -> bool:
        return self._found.complete

    def feed(self, data: bytes) -> None:
        if self.complete:
            return
        self._fed += len(data)
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError as error:
            if not self.complete:
                raise BadHead(400, "bad HTTP request") from error
        if len(self.body) > MAX_BODY or self._fed > 2 * MAX_BODY:
            raise BadHead(413, f"the body is too large: at most {MAX_BODY} bytes are taken")
