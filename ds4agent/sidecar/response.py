"""The head of the engine's reply, as it goes by."""

import json

from ds4agent.sidecar.head import MAX_HEAD, Unchunker

# Of a refusal that is told as an event.
MOST_REFUSAL = 16 << 10


class ResponseHead:
    """`is_stream`: of events, with nothing else between them, so that something may be put there. `chunks`:
    for events that come in chunks, as from other engines than ds4.
    """

    __slots__ = ("_seen", "chunks", "complete", "is_stream", "status")

    def __init__(self) -> None:
        self._seen = b""
        self.status = 0
        self.complete = False
        self.is_stream = False
        self.chunks: Unchunker | None = None

    def feed(self, data: bytes) -> bytes:
        """Returns what lies behind the head."""
        seen = self._seen + data if self._seen else data
        end = seen.find(b"\r\n\r\n")
        if end < 0:
            self._seen = seen
            if len(seen) > MAX_HEAD:
                self._settle(seen[:MAX_HEAD])
            return b""
        rest = seen[end + 4 :]
        if seen.startswith(b"HTTP/1.1 100"):
            self._seen = b""
            return self.feed(rest)
        self._settle(seen[:end])
        return rest

    def _settle(self, head: bytes) -> None:
        words = head.split(b" ", 2)
        known = len(words) > 1 and words[0].startswith(b"HTTP/1.") and words[1][:3].isdigit()
        self.status = int(words[1][:3]) if known else 502
        fields = head.lower()
        events, framed = b"text/event-stream" in fields, b"\r\ntransfer-encoding:" in fields
        self.is_stream = events and not framed
        if events and framed and self.status == 200:
            self.chunks = Unchunker()
        self.complete = True
        self._seen = b""


def message_of(body: bytes | bytearray) -> str:
    """What an engine's refusal says, in whatever API; "" if that cannot be made out."""
    try:
        message = json.loads(body)["error"]["message"]
    except (ValueError, KeyError, TypeError, RecursionError):
        return ""
    return message if isinstance(message, str) else ""
