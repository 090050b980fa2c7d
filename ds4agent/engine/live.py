"""The resident session: what it holds, and how much of a new prompt it already knows.

The sampled tokens are authoritative. A conversation that comes back as text is not tokenised again where
the session has it: text may have more than one tokenisation, and only the one that was sampled is in the
cache. A prompt that goes on from here is therefore the old tokens plus a separate tokenisation of the rest.

Order of decisions: exact token prefix; then the text prefix; then the remembered visible text of the last
turn. If none holds, nothing can be kept, because a session cannot be cut back: it is reset.

Visible text: what the last turn looks like in the next prompt when that is not what was sampled. Clients
leave old reasoning out, and bytes that were not UTF-8 come back as U+FFFD. The end-of-turn marker is part
of the comparison, so that a longer answer that begins alike is not taken for ours, but not of what is
skipped: the model has to read it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from ds4agent.engine.backend import Evaluator
from ds4agent.engine.vocab import Prompt, Vocab, marked
from ds4agent.wire.template import EOS

_EOS_KEY = marked(EOS)

Source = Literal["none", "memory-token", "thinking-visible", "memory-text"]


@dataclass(frozen=True, slots=True)
class Plan:
    """How a prompt will be reached: `cached` tokens are there, `suffix` has to be read."""

    source: Source
    cached: int
    suffix: list[int]

    @property
    def prompt(self) -> int:
        """Length of the effective prompt; differs from the request's own where text met tokens."""
        return self.cached + len(self.suffix)


def common_prefix(a: Sequence[int], b: Sequence[int]) -> int:
    """Tokens that are the same from the start."""
    n = 0
    for x, y in zip(a, b, strict=False):
        if x != y:
            break
        n += 1
    return n


class Live:
    """One session and the key of its tokens."""

    def __init__(self, vocab: Vocab, session: Evaluator) -> None:
        self._vocab = vocab
        self.session = session
        self.tokens: list[int] = []
        self.key = bytearray()
        self.visible: tuple[bytes, ...] = ()

    def __len__(self) -> int:
        return len(self.tokens)

    def plan(self, prompt: Prompt) -> Plan:
        cold = Plan("none", 0, prompt.tokens)
        if not self.tokens:
            return cold
        for plan in (self._by_tokens(prompt), self._by_text(prompt), self._by_visible(prompt)):
            if plan is not None and plan.prompt < self.session.n_ctx:
                return plan
        return cold

    def _by_tokens(self, prompt: Prompt) -> Plan | None:
        n = len(self.tokens)
        if prompt.tokens[:n] != self.tokens:
            return None
        return Plan("memory-token", n, prompt.tokens[n:])

    def _by_visible(self, prompt: Prompt) -> Plan | None:
        for visible in self.visible:
            if prompt.key.startswith(visible + _EOS_KEY):
                return self._continued("thinking-visible", prompt, len(visible))
        return None

    def _by_text(self, prompt: Prompt) -> Plan | None:
        if not prompt.key.startswith(self.key):
            return None
        return self._continued("memory-text", prompt, len(self.key))

    def _continued(self, source: Source, prompt: Prompt, offset: int) -> Plan | None:
        rest = self._vocab.rest(prompt, offset)
        return None if rest is None else Plan(source, len(self.tokens), self._vocab.tokens(rest))

    def common(self, prompt: Prompt) -> int:
        """Tokens shared with a prompt from the start."""
        return common_prefix(self.tokens, prompt.tokens)

    def reset(self) -> None:
        self.session.reset()
        self.tokens, self.key, self.visible = [], bytearray(), ()

    def append(self, tokens: list[int]) -> None:
        """Evaluate tokens. What a cancelled or failed evaluation got done is kept."""
        try:
            self.session.eval(tokens)
        finally:
            done = tokens[: self.session.n_tokens - len(self.tokens)]
            self.tokens += done
            self.key += self._vocab.key(done)
