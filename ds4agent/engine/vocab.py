"""Rendered prompts to tokens, and the keys by which a resident session is found again.

A key is the rendered text as bytes, with a 0xFF in front of each control token that opens or closes a turn.
0xFF never occurs in UTF-8, so a client's text that merely spells `<｜User｜>` has another key than a real
turn, and a session whose key begins a prompt's key holds exactly the conversation so far, whoever tokenised
it.
"""

from array import array
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from threading import Lock

from ds4agent.engine.backend import Tokenizer
from ds4agent.engine.binding import Ds4Error
from ds4agent.wire.template import ASSISTANT, BOS, CONTROL, EOS, FIM, THINK_CLOSE, USER, Rendered

# Of text whose tokens are remembered.
REMEMBERED_BYTES = 4 << 20
_MARKED = frozenset((BOS, EOS, USER, ASSISTANT))

# (text, the control token's id or None for ordinary text)
Piece = tuple[bytes, int | None]


def encode(text: str) -> bytes:
    """Text of ours as bytes: lone surrogates stand for the raw bytes that a model sampled."""
    return text.encode("utf-8", "surrogateescape")


def marked(control: str) -> bytes:
    """The key of one control token."""
    return (b"\xff" if control in _MARKED else b"") + control.encode()


@dataclass(frozen=True, slots=True)
class Prompt:
    """A prompt in the three forms that lookups need."""

    pieces: tuple[Piece, ...]
    key: bytes
    tokens: list[int]


class _Tokenized:
    """Texts that were tokenised lately: a conversation comes back with every turn, and nearly all of it is
    what it was. Texts of control tokens are never joined, so that each is a matter of its own.
    """

    def __init__(self, model: Tokenizer) -> None:
        self._model = model
        self._texts: OrderedDict[bytes, array[int]] = OrderedDict()
        self._bytes = 0
        self._lock = Lock()

    def tokens(self, text: bytes) -> Sequence[int]:
        with self._lock:
            if (found := self._texts.get(text)) is not None:
                self._texts.move_to_end(text)
                return found
        found = array("i", self._model.tokenize(text))
        with self._lock:
            if len(text) <= REMEMBERED_BYTES and text not in self._texts:
                self._texts[text] = found
                self._bytes += len(text)
            while self._bytes > REMEMBERED_BYTES:
                self._bytes -= len(self._texts.popitem(last=False)[0])
        return found


class Vocab:
    """The model's tokenizer, seen from the chat format."""

    def __init__(self, model: Tokenizer) -> None:
        self.tokenizer = model
        self._known = _Tokenized(model)
        self._control: dict[str, int] = {}
        for text in CONTROL:
            token = model.find(text)
            if token is None:
                raise Ds4Error("UNSUPPORTED", f"required tokenizer token is missing: {text}")
            self._control[text] = token
        fim = {text: token for text in FIM if (token := model.find(text)) is not None}
        self._control |= fim
        self.eos = self._control[EOS]
        self.think_close = self._control[THINK_CLOSE]
        # The marks of a hole end a turn too: a model that writes one has left the hole.
        self.ends = frozenset((self.eos, *fim.values()))
        self._marked = {self._control[text] for text in _MARKED}
        self._controls = frozenset(self._control.values())
        self._bytes: dict[int, bytes] = {}

    def prompt(self, rendered: Rendered) -> Prompt:
        pieces = tuple((encode(s.text), self._control[s.text] if s.control else None) for s in rendered.spans)
        return Prompt(pieces, b"".join(map(self._piece_key, pieces)), self.tokens(pieces))

    def lacks(self, rendered: Rendered) -> str | None:
        """A control string of this prompt for which the model has no token."""
        return next((s.text for s in rendered.spans if s.control and s.text not in self._control), None)

    def tokens(self, pieces: tuple[Piece, ...]) -> list[int]:
        out: list[int] = []
        for text, token in pieces:
            if token is None:
                out += self._known.tokens(text)
            else:
                out.append(token)
        return out

    def text(self, token: int) -> bytes:
        """The bytes a token stands for."""
        found = self._bytes.get(token)
        if found is None:
            found = self._bytes[token] = self.tokenizer.token_bytes(token)
        return found

    def token_key(self, token: int) -> bytes:
        """The part of a key that this token makes."""
        return b"\xff" + self.text(token) if token in self._marked else self.text(token)

    def texts(self, tokens: Sequence[int]) -> bytes:
        return b"".join(map(self.text, tokens))

    def control(self, text: str) -> int:
        """The id of a control token that every model here has."""
        return self._control[text]

    def is_control(self, token: int) -> bool:
        return token in self._controls

    def _piece_key(self, piece: Piece) -> bytes:
        text, token = piece
        return b"\xff" + text if token in self._marked else text

    def rest(self, prompt: Prompt, offset: int) -> tuple[Piece, ...] | None:
        """The pieces of a prompt behind a key offset; None inside a control token or a character."""
        for i, piece in enumerate(prompt.pieces):
            size = len(self._piece_key(piece))
            if offset < size:
                if offset == 0:
                    return prompt.pieces[i:]
                text, token = piece
                if token is not None or text[offset] & 0xC0 == 0x80:
                    return None
                return ((text[offset:], None), *prompt.pieces[i + 1 :])
            offset -= size
        return ()
