"""How the next token is chosen.

The model draws, greedily where it writes the syntax of a call: a random tag helps nobody. Behind the
reasoning, two things may stand in its way: text that is not left to it (the head of a call that the client
demands), and an answer whose form is constrained. Where the model would end the turn inside its reasoning
while it owes one of these, the reasoning is closed instead.
"""

from collections.abc import Sequence

from ds4agent.engine.backend import Draw
from ds4agent.engine.constraint import Constraint
from ds4agent.engine.vocab import Vocab
from ds4agent.wire.dsml import DsmlMachine


class Policy:
    """`forced`: the tokens that come first behind the reasoning, then what `constraint` allows.

    `whole`: the constraint holds for the whole answer, and its end is the end of the turn. `dictated`: the
    last token was a forced one.
    """

    def __init__(
        self, draw: Draw, vocab: Vocab, forced: Sequence[int], constraint: Constraint | None, whole: bool
    ) -> None:
        self._draw = draw
        self._vocab = vocab
        self._forced = list(forced)
        self._constraint = constraint
        self._whole = whole
        self.dictated = False

    def next(self, machine: DsmlMachine) -> int:
        """The next token, given what has been read of the turn so far."""
        self.dictated = not machine.in_think and bool(self._forced)
        if machine.in_think:
            token = self._draw(machine.greedy)
            owed = self._forced or self._constraint
            return self._vocab.think_close if owed and token in self._vocab.ends else token
        if self._forced:
            return self._forced.pop(0)
        if self._constraint is None:
            return self._draw(machine.greedy)
        token = self._draw(machine.greedy, self._constraint.allowed())
        self._constraint.accept(token)
        if self._constraint.done and not self._whole:
            self._constraint = None
        return token

    @property
    def answered(self) -> bool:
        """The constrained answer is complete, and nothing may follow."""
        return self._constraint is not None and self._whole and self._constraint.done
