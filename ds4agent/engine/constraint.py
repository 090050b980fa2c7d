"""Constrained decoding: which tokens may come next, so that the answer has the form that was asked for.

llguidance keeps a parser over the bytes of the answer and gives, before each token, a bit for each token of
the vocabulary that some valid answer goes on with. It is loaded with the first request that needs it. The
vocabulary is given to it as bytes, control tokens marked, so that none is ever allowed inside an answer; the
end marker is, where the answer may end.

Grammars are compiled where requests are prepared, not where tokens are drawn, and kept to be copied.
"""

import re
from collections import OrderedDict
from typing import TYPE_CHECKING, Any, Protocol

from ds4agent.engine.backend import Tokenizer
from ds4agent.engine.binding import Ds4Error
from ds4agent.wire.errors import RequestError
from ds4agent.wire.request import OutputFormat

if TYPE_CHECKING:
    from llguidance import LLMatcher

_KEPT = 8
# A model that may add white space anywhere may add it for ever.
_COMPACT: Any = {"whitespace_flexible": False}
_NAMES = {"json_schema": "JSON schema", "json_object": "JSON schema", "regex": "regular expression"}


class Constraint(Protocol):
    """What an answer, or its beginning, is held to. Not shared between requests."""

    def allowed(self) -> bytes:
        """The tokens that may come next; see Draw. Raises Ds4Error: what was asked for cannot be followed."""

    def accept(self, token: int) -> None:
        """One of the allowed ones was drawn. Raises Ds4Error, as allowed() does."""

    @property
    def done(self) -> bool:
        """Nothing more is asked for."""


class Parsed:
    """One answer being built by a grammar. `name`: what the client calls that."""

    def __init__(self, matcher: "LLMatcher", name: str) -> None:
        self._matcher = matcher
        self._name = name

    def allowed(self) -> bytes:
        """See Constraint."""
        mask = self._matcher.compute_bitmask()
        self._check()
        return mask

    def accept(self, token: int) -> None:
        """See Constraint."""
        self._matcher.consume_token(token)
        self._check()

    def _check(self) -> None:
        """A grammar that compiles may still be more than the parser can hold, which stops it like an end."""
        if self._matcher.is_error():
            reason = self._matcher.get_error().split("\n", 1)[0]
            raise Ds4Error("UNSUPPORTED", f"the {self._name} is too much to follow: {reason}")

    @property
    def done(self) -> bool:
        """Nothing may follow but the end."""
        return self._matcher.is_stopped()


class Grammars:
    """Compiles the formats that clients ask for, for one vocabulary. One thread at a time."""

    def __init__(self, tokenizer: Tokenizer, eos: int) -> None:
        self._vocabulary = _Vocabulary(tokenizer, eos)
        self._tokenizer: Any = None
        self._compiled: OrderedDict[OutputFormat, LLMatcher] = OrderedDict()

    def constraint(self, output: OutputFormat) -> Constraint:
        """Raises RequestError for a format that cannot be enforced; the message names what is in the way."""
        matcher = self._compiled.get(output) or self._compile(output)
        self._compiled[output] = matcher
        self._compiled.move_to_end(output)
        if len(self._compiled) > _KEPT:
            self._compiled.popitem(last=False)
        return Parsed(matcher.deep_copy(), _NAMES[output.kind])

    def _compile(self, output: OutputFormat) -> "LLMatcher":
        from llguidance import LLMatcher, LLTokenizer, TokenizerWrapper

        if self._tokenizer is None:
            vocabulary = self._vocabulary
            wrapper = TokenizerWrapper(vocabulary)
            self._tokenizer = LLTokenizer(wrapper, len(vocabulary.tokens), vocabulary.eos_token_id)
        try:
            matcher = LLMatcher(self._tokenizer, _grammar(output), log_level=0)
        except ValueError as error:
            raise _refusal(output, str(error)) from error
        if matcher.is_error():
            raise _refusal(output, matcher.get_error())
        return matcher


def _grammar(output: OutputFormat) -> str:
    from llguidance import LLMatcher

    if output.kind == "regex":
        return LLMatcher.grammar_from_regex(output.source)
    source = output.source if output.kind == "json_schema" else '{"type":"object"}'
    return LLMatcher.grammar_from_json_schema(source, defaults=_COMPACT)


def _refusal(output: OutputFormat, reason: str) -> RequestError:
    # The parser's own picture of where it stood would be of a grammar that the client never saw.
    found = re.search(r"error: (.+)", reason) if output.kind == "regex" else None
    text = (
        found[1] if found else reason.split("\n", 1)[0].replace("Unimplemented keys", "unsupported keywords")
    )
    return RequestError(400, f"unsupported {_NAMES[output.kind]}: {text}")


class _Vocabulary:
    """What llguidance wants to know of a tokenizer."""

    bos_token_id = None

    def __init__(self, tokenizer: Tokenizer, eos: int) -> None:
        self._tokenizer = tokenizer
        self.eos_token_id = eos
        self._tokens: list[bytes] = []

    @property
    def tokens(self) -> list[bytes]:
        if not self._tokens:
            self._tokens = [self._tokenizer.token_bytes(i) for i in range(self._tokenizer.n_vocab)]
        return self._tokens

    @property
    def special_token_ids(self) -> list[int]:
        return [i for i in range(self._tokenizer.n_vocab) if self._tokenizer.is_control(i)]

    def __call__(self, text: bytes) -> list[int]:
        return self._tokenizer.tokenize(text)
