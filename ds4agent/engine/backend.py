"""What the engine needs of a model: a tokenizer, and one sequence that can be evaluated and drawn from.

binding.py has the real ones. They are named here so that scheduling, reuse and replay can be told apart
from arithmetic, also in tests.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol


@dataclass(frozen=True, slots=True)
class DrawSettings:
    """How to draw; the conventions of ds4_sampling. `seed` starts the generator of one request."""

    temperature: float
    top_p: float
    min_p: float
    top_k: int
    seed: int


class Tokenizer(Protocol):
    """Text (any bytes) to ids and back."""

    def find(self, text: str) -> int | None: ...

    def tokenize(self, text: bytes) -> list[int]: ...

    def token_bytes(self, token: int) -> bytes: ...

    @property
    def n_vocab(self) -> int: ...

    def is_control(self, token: int) -> bool: ...

    def last_word(self, line: bytes) -> int:
        """Where the last word begins: what follows may make other tokens of it, of nothing before it."""

    def spelling(self, rest: bytes) -> bytes:
        """The tokens that a text may begin with which begins with `rest`; see Draw. No control tokens."""


class Draw(Protocol):
    """Draws the next token after the last evaluated one; `greedy` overrides the temperature.

    `allowed`: a bit a token, lowest first, in words of 32; None: all.
    """

    def __call__(self, greedy: bool, allowed: bytes | None = None) -> int: ...


class Evaluator(Protocol):
    """Tokens with their KV state. One thread at a time, except for cancel()."""

    @property
    def n_ctx(self) -> int: ...

    @property
    def n_tokens(self) -> int: ...

    def eval(self, tokens: Sequence[int]) -> None: ...

    def eval_with(self, others: Sequence[Any], tokens: Sequence[int]) -> None:
        """One token for this session and each of the others, which are of the same kind."""

    def reset(self) -> None: ...

    def nearest(self, n: int) -> int:
        """The last position up to n to which the session can be cut back."""

    def cut(self, n: int) -> int:
        """Forget all behind that position; returns it."""

    def fork(self) -> "Evaluator":
        """A second session with the same tokens."""

    def close(self) -> None: ...

    @property
    def ready(self) -> bool:
        """Whether the last token's logits are there: not when empty, and not after a cut."""

    @property
    def block_bytes(self) -> int:
        """Of the compressed rows of one block of tokens."""

    @property
    def rest_bytes(self) -> int:
        """Of what save() gives besides the rows of whole blocks."""

    def rows(self, first: int, n: int) -> memoryview:
        """The compressed rows of n whole blocks."""

    def put_rows(self, tokens: Sequence[int], rows: memoryview) -> None:
        """Add the next blocks to a session that ends with one; for load()."""

    def save(self, start: int) -> memoryview:
        """All that is needed besides the rows of the blocks before token `start`."""

    def load(self, data: bytes) -> None:
        """Replace the state. Raises Ds4Error, and then nothing is changed."""

    def cancel(self) -> None: ...

    def clear_cancel(self) -> None: ...

    def sampler(self, settings: DrawSettings) -> Draw: ...

    def logprob(self, token: int, k: int) -> tuple[float, list[tuple[int, float]]]: ...
