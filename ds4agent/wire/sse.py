"""Server-sent events as bytes."""

from ds4agent.wire.json_spans import quote

DONE = b"data: [DONE]\n\n"
# A comment record; says that a long prefill is still going on.
KEEPALIVE = b": prefill\n\n"


def data(json: str) -> bytes:
    """A record without an event name."""
    return f"data: {json}\n\n".encode()


def event(name: str, json: str) -> bytes:
    """A record with an event name."""
    return f"event: {name}\ndata: {json}\n\n".encode()


def failure(message: str) -> bytes:
    """The record that ends an OpenAI stream which failed after its head was sent."""
    return event("error", f'{{"error":{{"message":{quote(message)},"type":"server_error"}}}}')
