"""Log probabilities of the tokens of an answer, on their way to the client with the text that shows them.

Reasoning and the markup of calls have none. Text may be held back, so tokens wait here for the event that
shows them; what turns out to be markup is forgotten.
"""

from ds4agent.engine.backend import Evaluator
from ds4agent.engine.vocab import Vocab
from ds4agent.wire.dsml import Content, DsmlMachine, Event
from ds4agent.wire.reply import TokenLogprob


class Logprobs:
    """`wanted`: alternatives to each token; None: nothing is asked for, and nothing is computed."""

    def __init__(self, session: Evaluator, vocab: Vocab, wanted: int | None) -> None:
        self._session = session
        self._vocab = vocab
        self._wanted = wanted
        self._waiting: list[TokenLogprob] = []
        self.all: list[TokenLogprob] = []

    def drawn(self, token: int, machine: DsmlMachine) -> None:
        """Before the token is evaluated, and before `machine` has read it."""
        if self._wanted is None:
            return
        if machine.in_block:
            self._waiting.clear()
        elif not machine.in_think:
            own, best = self._session.logprob(token, self._wanted)
            top = tuple((self._vocab.text(other), value) for other, value in best)
            self._waiting.append(TokenLogprob(self._vocab.text(token), own, top))

    def take(self, event: Event) -> tuple[TokenLogprob, ...]:
        """Those that go out with this event."""
        if not isinstance(event, Content) or not self._waiting:
            return ()
        taken, self._waiting = tuple(self._waiting), []
        self.all += taken
        return taken
