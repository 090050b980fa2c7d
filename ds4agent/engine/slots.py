"""The resident sessions, and which of them a prompt goes to.

The session of which the prompt is a continuation, the longest first; or, where less is to be read then, the
one with the longest shared prefix, of which a fork is made, so that a side request or a retry does not cost
the conversation its state; else an empty one. A session that is in use can be forked too, and forks share the
memory of what they have in common. Where no empty one is left, a session is cut back if little is lost by
that; else what was used longest ago is given up.

Holes come with every key that somebody types, so they keep to sessions of their own, half of all at most:
no number of them costs a conversation its state, because one for which there is none left waits. Only where
conversations hold all sessions the first hole takes the one that was used longest ago. Text that goes on is
tokenised again there, because a word that was typed letter by letter is not what the model has learnt to go
on from.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from ds4agent.engine.backend import Evaluator
from ds4agent.engine.binding import Ds4Error
from ds4agent.engine.live import Live, Plan
from ds4agent.engine.vocab import Prompt, Vocab
from ds4agent.wire.reply import CacheSource

# Tokens that a retry or an edit may throw away of a session without a copy of it being kept.
LITTLE = 512


@dataclass(frozen=True, slots=True)
class Place:
    """Where a prompt goes: to `live`, as planned. `origin`: the session that it is a fork of; `session`: what
    was loaded from disk, with the tokens `loaded`; neither: the live session itself goes on.
    """

    live: Live
    plan: Plan
    origin: Live | None = None
    session: Evaluator | None = None
    loaded: tuple[int, ...] = ()

    @property
    def source(self) -> CacheSource:
        """Where the cached tokens come from."""
        if self.session is not None:
            return "disk"
        return "resident" if self.origin is not None else "live"

    @property
    def kept(self) -> int:
        """Tokens of what the live session holds now that it will still hold."""
        return 0 if self.origin is not None or self.session is not None else self.plan.cached


class Slots:
    """Up to `n` sessions, made when they are needed. Used by the worker's thread."""

    def __init__(self, vocab: Vocab, make: Callable[[], Evaluator], n: int = 1) -> None:
        self._vocab = vocab
        self._make = make
        self._n = n
        self._holes = max(1, n // 2)
        self._turns = 0
        self.lives: list[Live] = []

    def __iter__(self) -> Iterator[Live]:
        return iter(self.lives)

    @property
    def n_tokens(self) -> int:
        return sum(map(len, self.lives))

    @property
    def free(self) -> bool:
        """Whether a job could be taken on."""
        return len(self.lives) < self._n or any(not live.busy for live in self.lives)

    @property
    def free_for_hole(self) -> bool:
        """Whether a hole could be taken on without what a conversation has."""
        holes = [live for live in self.lives if live.hole]
        if not holes or any(not live.busy for live in holes):
            return self.free
        room = len(self.lives) < self._n or any(not len(live) for live in self._idle())
        return len(holes) < self._holes and room

    def with_calls(self, calls: frozenset[str]) -> Live | None:
        """The session whose last turn made exactly these calls."""
        return next((live for live in self.lives if live.calls == calls and not live.busy), None)

    def place(self, prompt: Prompt, answers: frozenset[str] = frozenset()) -> Place:
        """There must be a free one. Changes nothing but the number of sessions. `answers`: the calls whose
        results the prompt brings along; of sessions that are alike the one that made them is taken.
        """
        ahead, back = self._ahead(prompt, answers), self._back(prompt)
        if ahead is not None and (back is None or len(ahead.plan.suffix) <= len(back[0].suffix)):
            return ahead
        if back is None:
            return Place(self.vacant(), Plan("none", 0, prompt.tokens))
        plan, source = back
        if self._empty() is None and not source.busy and len(source) - plan.cached <= LITTLE:
            return Place(source, plan)
        target = self.vacant()
        return Place(target, plan, None if target is source else source)

    def _ahead(self, prompt: Prompt, answers: frozenset[str]) -> Place | None:
        lives = [live for live in self._idle() if not live.hole]
        found = [(plan, live) for live in lives if (plan := live.ahead(prompt)) is not None]
        if not found:
            return None
        plan, live = max(found, key=lambda at: (at[0].cached, at[1].calls == answers, at[1].used))
        return Place(live, plan)

    def _back(self, prompt: Prompt) -> tuple[Plan, Live] | None:
        lives = [live for live in self.lives if not live.hole]
        found = [(plan, live) for live in lives if (plan := live.back(prompt)) is not None]
        return max(found, key=lambda at: (at[0].cached, not at[1].busy), default=None)

    def place_hole(self, prompt: Prompt) -> Place:
        """As place(), for a prompt that is no conversation."""
        held = [live for live in self.lives if live.hole]
        found = [(plan, live) for live in held if (plan := live.again(prompt)) is not None]
        if not found:
            return Place(self._vacant_hole(), Plan("none", 0, prompt.tokens))
        plan, source = max(found, key=lambda at: (at[0].cached, not at[1].busy))
        little = len(source) - plan.cached <= LITTLE
        target = source if little and not source.busy else self._vacant_hole()
        return Place(target, plan, None if target is source else source)

    def _vacant_hole(self) -> Live:
        own = [live for live in self._idle() if live.hole]
        few = sum(live.hole for live in self.lives) < self._holes
        if few and (empty := self._empty()) is not None:
            return empty
        return min(own, key=lambda live: live.used) if own else self.vacant()

    def take(self, place: Place, hole: bool = False) -> None:
        """The session as it has to be before the plan's suffix is read."""
        live, cached = place.live, place.plan.cached
        self._turns += 1
        live.busy, live.used, live.hole = True, self._turns, hole
        if place.session is not None:
            live.become(place.session, list(place.loaded))
            live.saved = len(live)
        elif place.origin is not None:
            session = place.origin.session.fork()
            session.cut(cached)
            live.become(session, place.origin.tokens[:cached])
            live.saved = min(place.origin.saved, cached)
        elif not cached:
            live.reset()
        elif cached < len(live):
            live.cut(cached)
        live.begin_turn()

    def closest(self, prompt: Prompt) -> Live | None:
        """The session that has most in common with a prompt; None if all are empty."""
        held = [live for live in self.lives if len(live)]
        return max(held, key=lambda live: live.common(prompt), default=None)

    @property
    def n_ctx(self) -> int:
        return self.lives[0].session.n_ctx

    def new_session(self) -> Evaluator:
        return self._make()

    def vacant(self) -> Live:
        """One that is not in use: empty if possible, else the one used longest ago."""
        empty = self._empty()
        return self._oldest() if empty is None else empty

    def close(self) -> None:
        for live in self.lives:
            live.session.close()

    def _idle(self) -> list[Live]:
        return [live for live in self.lives if not live.busy]

    def _empty(self) -> Live | None:
        """An empty one, if there is or may be one. Raises Ds4Error: no memory for it, and all are in use."""
        if len(self.lives) < self._n and all(len(live) or live.busy for live in self.lives):
            try:
                self.lives.append(Live(self._vocab, self._make()))
            except Ds4Error:
                if not self._idle():
                    raise
        return next((live for live in self._idle() if not len(live)), None)

    def _oldest(self) -> Live:
        return min(self._idle(), key=lambda live: live.used)
