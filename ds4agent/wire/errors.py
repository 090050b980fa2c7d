"""Refusals: what a client is told when a request cannot be served."""

from ds4agent.wire.json_spans import quote

INVALID_JSON = "invalid JSON request"
BAD_HTTP = "bad HTTP request"
UNKNOWN_ENDPOINT = "unknown endpoint"
INTERNAL = "internal error"
GENERATION_FAILED = "generation failed"
QUEUE_FULL = "too many requests are waiting; try again later"
# The session to go on from is not there any more; {} takes " for call_id <id>" and the like, or nothing.
CONTINUATION_GONE = {
    "responses": (
        "Responses continuation state is not available{}; retry by replaying the full input history"
    ),
    "messages": (
        "Anthropic continuation state is not available{}; retry by replaying the full messages history"
    ),
}

_ANTHROPIC_TYPES = {
    400: "invalid_request_error",
    401: "authentication_error",
    403: "permission_error",
    404: "not_found_error",
    409: "invalid_request_error",
    413: "request_too_large",
    429: "rate_limit_error",
    503: "overloaded_error",
    529: "overloaded_error",
}
# The type of every other status in Anthropic's shape.
SERVER_FAILED = "api_error"


class RequestError(Exception):
    """A request that is answered with an HTTP error. `body` is complete, newline included; None: each API
    spells the message in its own way.
    """

    def __init__(self, status: int, message: str, body: bytes | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.body = body


def error_body(message: str, kind: str = "invalid_request_error") -> bytes:
    """The shape all endpoints share. ds4-server says invalid_request_error for every status."""
    return f'{{"error":{{"message":{quote(message)},"type":{quote(kind)}}}}}\n'.encode()


def context_overflow(param: str, n_prompt: int, n_ctx: int) -> RequestError:
    """The prompt leaves no room for a single new token. `param` names the field that held it."""
    message = f"Prompt has {n_prompt} tokens, but the configured context size is {n_ctx} tokens"
    body = (
        f'{{"error":{{"message":{quote(message)},"type":"invalid_request_error","param":{quote(param)},'
        f'"code":"context_length_exceeded","n_prompt_tokens":{n_prompt},"n_ctx":{n_ctx}}}}}\n'
    )
    return RequestError(400, message, body.encode())


def anthropic_error(kind: str, message: str, more: str = "") -> str:
    """An error in Anthropic's shape; `more`: members behind the message."""
    return f'{{"type":"error","error":{{"type":"{kind}","message":{quote(message)}{more}}}}}'


def anthropic_error_body(status: int, message: str) -> bytes:
    return f"{anthropic_error(_ANTHROPIC_TYPES.get(status, SERVER_FAILED), message)}\n".encode()
