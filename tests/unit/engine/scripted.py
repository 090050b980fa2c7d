"""A byte-level model that writes what it is told: real tokens, real prefixes, no arithmetic."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Sequence

from ds4agent.engine.backend import Draw, DrawSettings
from ds4agent.engine.binding import BLOCK, Cancelled
from ds4agent.wire.kvrows import pack_ids, unpack_ids
from ds4agent.wire.template import CONTROL, EOS

_FIRST_BYTE = 16
_SPLIT = re.compile("(" + "|".join(map(re.escape, CONTROL)) + ")")


class ScriptedModel:
    """Control tokens are 0..6, bytes follow from 16 on."""

    eos = CONTROL.index(EOS)

    def find(self, text: str) -> int | None:
        return CONTROL.index(text) if text in CONTROL else None

    def tokenize(self, text: bytes) -> list[int]:
        return [_FIRST_BYTE + b for b in text]

    def token_bytes(self, token: int) -> bytes:
        return CONTROL[token].encode() if token < _FIRST_BYTE else bytes([token - _FIRST_BYTE])

    @property
    def n_vocab(self) -> int:
        return _FIRST_BYTE + 256

    def is_control(self, token: int) -> bool:
        return token < _FIRST_BYTE

    def last_word(self, line: bytes) -> int:
        """Nothing becomes of a byte but itself."""
        return len(line)

    def spelling(self, rest: bytes) -> bytes:
        allowed = bytearray((self.n_vocab + 31) // 32 * 4)
        for token in range(_FIRST_BYTE, self.n_vocab):
            text = self.token_bytes(token)
            if text.startswith(rest) or rest.startswith(text):
                allowed[token // 8] |= 1 << token % 8
        return bytes(allowed)

    def rendered(self, text: str) -> list[int]:
        out: list[int] = []
        for i, part in enumerate(_SPLIT.split(text)):
            out += [CONTROL.index(part)] if i % 2 else self.tokenize(part.encode("utf-8", "surrogateescape"))
        return out


class ScriptedSession:
    """Writes `replies` one after the other, each followed by the end marker.

    `before_eval` is called with the tokens of each evaluation, so that a test can cancel or wait in it.
    """

    def __init__(self, model: ScriptedModel, n_ctx: int, replies: Sequence[str] = ()) -> None:
        self.model = model
        self.n_ctx = n_ctx
        self.replies = list(replies)
        self.held: list[int] = []
        self.evaluated = 0
        self.draws: list[bool] = []
        self.before_eval: Callable[[Sequence[int]], None] = lambda _tokens: None
        self.block = 0  # points lie at its multiples; 0: at the beginning only
        self.rest_size = 1000
        self._put: list[int] = []
        self._cut = False
        self._next: list[int] = []
        self._cancel = threading.Event()

    @property
    def n_tokens(self) -> int:
        return len(self.held)

    def eval(self, tokens: Sequence[int]) -> None:
        self.before_eval(tokens)
        if self._cancel.is_set():
            self._cancel.clear()
            raise Cancelled("CANCELLED", "cancelled")
        self.held += tokens
        self._cut = False
        self.evaluated += len(tokens)
        if self._next and list(tokens) == self._next[:1]:
            self._next.pop(0)
        else:
            self._next = []

    def eval_with(self, others: Sequence[ScriptedSession], tokens: Sequence[int]) -> None:
        for session, token in zip((self, *others), tokens, strict=True):
            session.eval([token])

    def reset(self) -> None:
        self.held = []
        self._next = []

    def nearest(self, n: int) -> int:
        if n >= len(self.held):
            return len(self.held)
        return n // self.block * self.block if self.block else 0

    def cut(self, n: int) -> int:
        n = self.nearest(n)
        self._cut = n < len(self.held)
        del self.held[n:]
        self._next = []
        return n

    def fork(self) -> ScriptedSession:
        other = self.empty()
        other.held, other._cut = self.held[:], self._cut
        return other

    def empty(self) -> ScriptedSession:
        """Another one of the same kind, which goes on with the same replies."""
        other = ScriptedSession(self.model, self.n_ctx)
        other.replies, other.block, other.rest_size = self.replies, self.block, self.rest_size
        other.before_eval = self.before_eval
        return other

    def close(self) -> None:
        pass

    # What is saved are the tokens: whole blocks as rows, the others as the rest.

    @property
    def ready(self) -> bool:
        return bool(self.held) and not self._cut

    @property
    def block_bytes(self) -> int:
        return 4 * BLOCK

    @property
    def rest_bytes(self) -> int:
        return self.rest_size

    def rows(self, first: int, n: int) -> memoryview:
        return memoryview(pack_ids(self.held[first * BLOCK : (first + n) * BLOCK]))

    def put_rows(self, tokens: Sequence[int], rows: memoryview) -> None:
        assert unpack_ids(bytes(rows)) == list(tokens)
        self._put = (self._put or self.held[:]) + list(tokens)

    def save(self, start: int) -> memoryview:
        assert start == len(self.held) // BLOCK * BLOCK
        return memoryview(pack_ids(self.held[start:]))

    def load(self, data: bytes) -> None:
        self.held, self._put = (self._put or self.held) + unpack_ids(data), []
        self._cut = False

    def cancel(self) -> None:
        self._cancel.set()

    def clear_cancel(self) -> None:
        self._cancel.clear()

    def sampler(self, settings: DrawSettings) -> Draw:
        self.settings = settings

        def draw(greedy: bool, allowed: bytes | None = None) -> int:
            self.draws.append(greedy)
            if not self._next:
                self._next = [*self.model.rendered(self.replies.pop(0)), self.model.eos]
            token = self._next[0]
            if allowed is None or allowed[token // 8] >> token % 8 & 1:
                return token
            return next(t for t in range(self.model.n_vocab) if allowed[t // 8] >> t % 8 & 1)

        return draw

    def logprob(self, token: int, k: int) -> tuple[float, list[tuple[int, float]]]:
        """Certain of what comes next."""
        return 0.0, [(token, 0.0)][:k]
