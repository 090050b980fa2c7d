"""Server-sent events as bytes."""

DONE = b"data: [DONE]\n\n"
# A comment record; says that a long prefill is still going on.
KEEPALIVE = b": prefill\n\n"


def data(json: str) -> bytes:
    """A record without an event name."""
    return f"data: {json}\n\n".encode()


def error(json: str) -> bytes:
    """The record that ends a stream which failed after its head was sent."""
    return f"event: error\ndata: {json}\n\n".encode()
