"""A resident session: what it holds, and how much of a new prompt it already knows.

The sampled tokens are authoritative. A conversation that comes back as text is not tokenised again where
the session has it: text may have more than one tokenisation, and only the one that was sampled is in the
cache. A prompt that goes on from here is therefore the old tokens plus a separate tokenisation of the rest.

Order of decisions for going on from the end: exact token prefix; then the text prefix; then the remembered
visible text of the last turn. If none holds, the session can still be cut back to a point before the first
difference, and what lies between is read again. The seam is then where the tokens differ first, or, where
only the tokenisation differs and the text goes on alike, at the last control token of what is alike: text
is never joined across those. What the client has shown of earlier turns (shown.py) counts as alike, too.

Visible text: what the last turn looks like in the next prompt when that is not what was sampled. Clients
leave old reasoning out, and bytes that were not UTF-8 come back as U+FFFD. The end-of-turn marker is part
of the comparison, so that a longer answer that begins alike is not taken for ours, but not of what is
skipped: the model has to read it.
"""

from array import array
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from ds4agent.engine.backend import Evaluator
from ds4agent.engine.shown import Shown
from ds4agent.engine.vocab import Prompt, Vocab, marked
from ds4agent.wire.request import Protocol
from ds4agent.wire.template import EOS

_EOS_KEY = marked(EOS)
_STEP = 1024

Source = Literal["none", "memory-token", "thinking-visible", "memory-text", "memory-prefix", "disk-text"]


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
    """How many items are the same from the start."""
    n, most = 0, min(len(a), len(b))
    while n < most and a[n : n + _STEP] == b[n : n + _STEP]:
        n += _STEP
    while n < most and a[n] == b[n]:
        n += 1
    return min(n, most)


class Live:
    """One session, the key of its tokens, and what its last turn left to go on from.

    `calls`: those that results may be sent for; `protocol`: the API of the turn that the session ends with,
    None if that was cut off. `busy`: a turn is going on. `used`: when the last one began, in turns.
    `saved`: tokens of the last checkpoint of this sequence. `call_ids`: of all calls in the conversation.
    `hole`: it holds no conversation but what surrounds a hole.
    """

    def __init__(self, vocab: Vocab, session: Evaluator) -> None:
        self._vocab = vocab
        self.session = session
        self.tokens: list[int] = []
        self.key = bytearray()
        self._ends = array("Q")  # of each token in the key
        self.visible: tuple[bytes, ...] = ()
        self.shown = Shown()
        self.calls: frozenset[str] = frozenset()
        self.protocol: Protocol | None = None
        self.busy = False
        self.used = 0
        self.saved = 0
        self.call_ids: frozenset[str] = frozenset()
        self.hole = False

    def __len__(self) -> int:
        return len(self.tokens)

    # -- what is there
    # ------------------------------------------------------------------------------------------

    def ahead(self, prompt: Prompt) -> Plan | None:
        """How to go on from the end; None if the prompt does not hold all of the session."""
        if not self.tokens:
            return None
        for plan in (self._by_tokens(prompt), self._by_text(prompt), self._by_visible(prompt)):
            if plan is not None and plan.prompt < self.session.n_ctx and (plan.suffix or self.session.ready):
                return plan
        return None

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

    def back(self, prompt: Prompt) -> Plan | None:
        """How to go on from a point before the end; None if there is none behind the beginning."""
        seam = self.common(prompt)
        rest = prompt.tokens[seam:]
        if (at := self._seam(prompt)) > seam:
            pieces = self._vocab.rest(prompt, self._offset(at))
            if pieces is not None:
                seam, rest = at, self._vocab.tokens(pieces)
        offset, at = self.shown.anchor(common_prefix(self.shown.key, prompt.key), len(self.tokens))
        if at > seam and (pieces := self._vocab.rest(prompt, offset)) is not None:
            rest = self._vocab.tokens(pieces)
            alike = common_prefix(self.tokens[at:], rest)
            seam, rest = at + alike, rest[alike:]
        # The logits of a point are not kept: something has to be read.
        point = self.session.nearest(seam if rest else seam - 1)
        plan = Plan("memory-prefix", point, self.tokens[point:seam] + rest)
        return plan if point > 0 and plan.prompt < self.session.n_ctx else None

    def again(self, prompt: Prompt) -> Plan | None:
        """How to go on with the very tokens of the prompt; None if nothing is alike."""
        n = self.common(prompt)
        if n == len(prompt.tokens) and not (n == len(self.tokens) and self.session.ready):
            n -= 1
        point = self.session.nearest(n)
        source: Source = "memory-token" if point == len(self.tokens) else "memory-prefix"
        return Plan(source, point, prompt.tokens[point:]) if point > 0 else None

    def shown_with(self, prompt: Prompt, plan: Plan) -> Shown:
        """What the client will have shown once this prompt is read as planned, from here or from a fork."""
        alike = common_prefix(self.shown.key, prompt.key)
        ends = (len(v) + len(_EOS_KEY) for v in self.visible if prompt.key.startswith(v + _EOS_KEY))
        end = next(ends, 0) if plan.source == "thinking-visible" else 0
        return self.shown.then(prompt, alike, plan.cached, end, plan.prompt)

    def common(self, prompt: Prompt) -> int:
        """Tokens shared with a prompt from the start."""
        return common_prefix(self.tokens, prompt.tokens)

    def _seam(self, prompt: Prompt) -> int:
        """Tokens before the last control token up to which the text is alike, that one included."""
        n = bisect_right(self._ends, common_prefix(bytes(self.key), prompt.key))
        while n and not self._vocab.is_control(self.tokens[n - 1]):
            n -= 1
        return n

    def _offset(self, n: int) -> int:
        """Where the first n tokens end in the key."""
        return self._ends[n - 1] if n else 0

    # -- changes
    # ------------------------------------------------------------------------------------------------

    def begin_turn(self) -> None:
        """What was left to go on from holds no longer."""
        self.visible, self.calls, self.protocol = (), frozenset(), None

    def reset(self) -> None:
        self.session.reset()
        self._hold([])
        self.begin_turn()

    def cut(self, n: int) -> None:
        """Forget all behind a point."""
        self.session.cut(n)
        self.tokens = self.tokens[:n]
        del self.key[self._offset(n) :]
        del self._ends[n:]
        self.saved = min(self.saved, n)
        self.begin_turn()

    def become(self, session: Evaluator, tokens: list[int]) -> None:
        """Hold another session, which has these tokens, in place of this one's."""
        self.session.close()
        self.session = session
        self._hold(tokens)
        self.begin_turn()

    def _hold(self, tokens: list[int]) -> None:
        self.tokens, self.key, self._ends, self.saved = [], bytearray(), array("Q"), 0
        self.shown = Shown()
        self._grow(tokens)

    def _grow(self, tokens: list[int]) -> None:
        self.tokens += tokens
        for token in tokens:
            self.key += self._vocab.token_key(token)
            self._ends.append(len(self.key))

    def fork(self) -> "Live":
        """A second one, to write on and to throw away."""
        made = Live(self._vocab, self.session.fork())
        made.tokens, made.key, made._ends = self.tokens[:], self.key[:], self._ends[:]
        return made

    def append_with(self, others: "Sequence[Live]", tokens: Sequence[int]) -> None:
        """Evaluate one token here and one in each of the others. If that fails, some may have theirs."""
        try:
            self.session.eval_with([other.session for other in others], tokens)
        finally:
            for live, token in zip((self, *others), tokens, strict=True):
                live._grow([token][: live.session.n_tokens - len(live.tokens)])

    def append(self, tokens: list[int]) -> None:
        """Evaluate tokens. What a cancelled or failed evaluation got done is kept."""
        try:
            self.session.eval(tokens)
        finally:
            self._grow(tokens[: self.session.n_tokens - len(self.tokens)])
