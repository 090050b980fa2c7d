"""One HTTP request out of a stream of bytes, with every size bounded.

The grammar is llhttp's, strict: two lengths that disagree, or a length beside a transfer coding, are an
error, because two readers of such a request would see two different ones. Bounded are the head, the body,
and what a chunked body brings along that is neither (sizes, extensions, trailers). What follows the request
is not looked at.
"""

from dataclasses import dataclass

import httptools

MAX_HEAD = 64 << 10
MAX_BODY = 64 << 20


class BadRequest(Exception):
    """Not HTTP, or too much of it."""


@dataclass(frozen=True, slots=True)
class Request:
    """`path` is without the query."""

    method: str
    path: str
    body: bytes


class RequestReader:
    """Feed it until `request` is there. Raises BadRequest, after which it must not be fed again."""

    def __init__(self) -> None:
        self._parser = httptools.HttpRequestParser(self)
        self._method = self._target = b""
        self._framing = b""
        self._head_bytes = 0
        self._tail_bytes = 0
        self._body = bytearray()
        self.head_done = False
        self.expects_continue = False
        self.request: Request | None = None

    @property
    def path(self) -> str:
        """Without the query; as much of it as has come."""
        return self._target.split(b"?", 1)[0].decode("latin-1")

    def feed(self, data: bytes) -> None:
        if not self.head_done:
            head, data = data[: MAX_HEAD - self._head_bytes], data[MAX_HEAD - self._head_bytes :]
            self._head_bytes += len(head)
            self._parse(head)
            if not self.head_done and self._head_bytes == MAX_HEAD:
                raise BadRequest
        if data and self.request is None:
            self._tail_bytes += len(data)
            self._parse(data)
            if self._tail_bytes - len(self._body) > MAX_BODY and self.request is None:
                raise BadRequest

    def _parse(self, data: bytes) -> None:
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade as offer:
            self._decline(data[offer.args[0] :])
        except httptools.HttpParserError as error:
            if self.request is None:
                raise BadRequest from error

    def _decline(self, rest: bytes) -> None:
        """Go on as if no other protocol had been offered: the parser stops in front of the body."""
        if self.request is None:
            self._parser = httptools.HttpRequestParser(self)
            self._parse(b"POST / HTTP/1.1\r\n" + self._framing + b"\r\n" + rest)

    # -- parser callbacks; what they raise comes out of feed_data as an HttpParserError
    # ------------------------------------------------------------------------------------------

    def on_url(self, url: bytes) -> None:
        if not self.head_done:
            self._target += url

    def on_header(self, name: bytes, value: bytes) -> None:
        name = name.lower()
        if self.head_done:
            return
        if name == b"content-length" and int(value) > MAX_BODY:
            raise BadRequest
        if name == b"expect" and value.lower() == b"100-continue":
            self.expects_continue = True
        if name in (b"content-length", b"transfer-encoding"):
            self._framing += name + b":" + value + b"\r\n"

    def on_headers_complete(self) -> None:
        if not self.head_done:
            self._method = self._parser.get_method()
        self.head_done = True

    def on_body(self, data: bytes) -> None:
        if len(self._body) + len(data) > MAX_BODY:
            raise BadRequest
        self._body += data

    def on_message_complete(self) -> None:
        if self.request is None and not self._parser.should_upgrade():
            self.request = Request(self._method.decode("latin-1"), self.path, bytes(self._body))
            self._body.clear()
