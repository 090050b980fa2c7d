"""`python -m ds4agent.engine.counting PATH MODEL CTX`: how many tokens the prompt of a request has.

For an engine that does not count itself. The prompt is rendered as the embedded engine renders it and split
by the tokenizer in the model's own file, which is mapped, not read: the weights stay where they are. PATH is
that of the API's endpoint for it. The request comes on standard input; what is answered is an HTTP status, a
line end, and the body.
"""

import sys
from pathlib import Path

from ds4agent.engine.binding import Ds4Error, Model
from ds4agent.engine.vocab import Vocab
from ds4agent.resources import format_texts
from ds4agent.wire import anthropic, responses
from ds4agent.wire.anthropic_writer import token_count
from ds4agent.wire.dialect import Dialect
from ds4agent.wire.errors import RequestError
from ds4agent.wire.request import ParseContext
from ds4agent.wire.responses_writer import input_tokens
from ds4agent.wire.template import render_chat

# Path -> what reads the request, what writes the number.
ENDPOINTS = {
    "/v1/messages/count_tokens": (anthropic.DIALECT, token_count),
    "/v1/responses/input_tokens": (responses.DIALECT, input_tokens),
}


def count(dialect: Dialect, vocab: Vocab, body: bytes, n_ctx: int) -> int:
    """`n_ctx`: tokens of the context, on which the thinking mode depends. Raises RequestError."""
    request = dialect.parse(body, ParseContext(n_ctx))
    rendered = render_chat(request.messages, request.tools_raw, request.think, format_texts())
    return len(vocab.prompt(rendered).tokens)


def answer(path: str, model: Path, n_ctx: int, body: bytes) -> tuple[int, bytes]:
    """HTTP status and body."""
    dialect, written = ENDPOINTS[path]
    try:
        with Model(model, threads=1) as opened:
            return 200, written(count(dialect, Vocab(opened), body, n_ctx))
    except RequestError as error:
        return error.status, error.body or dialect.error(error.status, error.message)
    except Ds4Error as error:
        return 501, dialect.error(501, f"tokens of this model cannot be counted: {error.message}")


if __name__ == "__main__":
    status, reply = answer(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]), sys.stdin.buffer.read())
    sys.stdout.buffer.write(b"%d\n%b" % (status, reply))
