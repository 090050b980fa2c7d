"""Token healing: a word that a cursor cut is spelt again by the model, which has never seen it cut.

A tokenizer cuts text into words and words into tokens, so of "width * hei" the last tokens are not those that
"width * height" has: "ght" behind them is a thing that no text ever had. So the last word of the text before
a cursor is taken off the prompt, and the reply has to begin with it: until it is spelt, a token may only be a
prefix of what is left of it, or what is left a prefix of the token. The client gets what comes behind it.

What is taken off is the last word as the pre-tokeniser cuts the line, since what follows may make other
tokens of that word and of nothing before it; of a long word only the last MOST tokens. Of that, what can be
one token only stays in the prompt, by itself: in many vocabularies the space before a word. While letters are
typed the prompt stays what it is, but for that space, and so does a greedy reply that they agree with.

A cut behind anything but a letter, a digit or an underscore is left alone: mostly a token ends there, and
models are trained to fill holes that begin there.
"""

from ds4agent.engine.backend import Tokenizer
from ds4agent.wire.template import Rendered, Span

# Tokens taken off at most: each costs one step of decoding.
MOST = 8


class Spelling:
    """A text that the reply has to begin with; a Constraint."""

    def __init__(self, tokenizer: Tokenizer, text: bytes) -> None:
        self._tokenizer = tokenizer
        self._rest = text

    def allowed(self) -> bytes:
        """See Constraint. A vocabulary has a token for each byte, so that there is always one."""
        return self._tokenizer.spelling(self._rest)

    def accept(self, token: int) -> None:
        """See Constraint."""
        self._rest = self._rest[len(self._tokenizer.token_bytes(token)) :]

    @property
    def done(self) -> bool:
        """The text is spelt; anything may follow."""
        return not self._rest


def heal(rendered: Rendered, tokenizer: Tokenizer) -> tuple[Rendered, str]:
    """The prompt without the word that its cursor cut, and that word: empty if there is none."""
    if rendered.cursor is None:
        return rendered, ""
    text = rendered.spans[rendered.cursor].text
    sure, word = unfinished(text, tokenizer)
    kept = (text[: len(text) - len(sure) - len(word)], sure)
    before, after = rendered.spans[: rendered.cursor], rendered.spans[rendered.cursor + 1 :]
    return Rendered((*before, *(Span(part, False) for part in kept if part), *after)), word


def unfinished(text: str, tokenizer: Tokenizer) -> tuple[str, str]:
    """The last word: what of it stays, since whatever it becomes begins with these tokens, and the rest."""
    if not (text[-1:].isalnum() or text.endswith("_")):
        return "", ""
    line = text[max(text.rfind("\n"), text.rfind("\r")) + 1 :].encode("utf-8", "surrogateescape")
    word = line[tokenizer.last_word(line) :]
    last = b"".join(map(tokenizer.token_bytes, tokenizer.tokenize(word)[-MOST:]))
    # From a character on: what is in front of it is text.
    rest = last.decode("utf-8", "ignore")
    n = 0
    while n < len(rest) and rest[n] < "\x80" and _is_sure(rest[n:].encode(), tokenizer):
        n += 1
    return rest[:n], rest[n:]


def _is_sure(rest: bytes, tokenizer: Tokenizer) -> bool:
    """Whether nothing but the token of the first byte may come next."""
    return int.from_bytes(tokenizer.spelling(rest)).bit_count() == 1
