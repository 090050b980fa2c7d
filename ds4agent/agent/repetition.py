"""A reply that repeats itself for ever: how it is noticed while it arrives.

A model that has lost its way writes one token, one line or one paragraph again and again until the context
is full, which is minutes of work for nothing and leaves no room for the rest of the session. The guard looks
only at the end of what has arrived: it fires when the tail is one unit, at most LONGEST_UNIT characters long,
`repeats` times over and at least `chars` characters in all. A table, a rule or a progress bar that comes to
an end before that never sets it off.

Text for files may rightly be much more regular than prose (a matrix of zeros, a page of padding), so what
is written into a file is held to a bound of its own. Reasoning, answer and calls are looked at apart from
one another; calls of one reply are one text, because the same call ten times over is a cycle too.

Firing is an exception that goes through the client: it hangs up, which is what stops an engine.
"""

import re
from dataclasses import dataclass

from ds4agent.client.chat import Enough, Event
from ds4agent.client.reply import CallBegun, CallGrown, Delta

LONGEST_UNIT = 1000
# The end of the text by which an earlier copy is looked for, and how often that is done.
_PROBE = 32
# Behind these the arguments of a call hold the text of a file.
_FILE_TEXT = re.compile(r'"(?:file_text|new_str|old_str)"|<<')
_FILE_TEXT_MARK = len('"file_text"')


@dataclass(frozen=True, slots=True)
class Bound:
    """How much of the same is too much."""

    chars: int
    repeats: int

    def of(self, unit: int) -> int:
        """Characters that have to be copies of a unit of this length."""
        return max(self.chars, self.repeats * unit)


PROSE = Bound(400, 8)
FILE = Bound(6000, 24)


class CycleGuard:
    """Feed it a text piece by piece. Costs a search in a few kilobytes every 32 characters."""

    def __init__(self) -> None:
        self._tail = ""
        self._unseen = 0

    def feed(self, text: str, bound: Bound) -> str | None:
        """The unit that the text has become copies of, None as long as all is well."""
        self._tail = (self._tail + text)[-max(bound.of(LONGEST_UNIT), len(text)) :]
        self._unseen += len(text)
        if self._unseen < _PROBE or len(self._tail) < bound.chars:
            return None
        self._unseen = 0
        return _unit(self._tail, bound)


def _unit(text: str, bound: Bound) -> str | None:
    """What the end of the text consists of, if it is copies of one unit.

    The text ends in the probe; if it is cyclic, the probe is also found one unit earlier.
    """
    probe, at = text[-_PROBE:], len(text) - _PROBE
    while (at := text.rfind(probe, 0, at + _PROBE - 1)) >= 0:
        unit = len(text) - _PROBE - at
        need = bound.of(unit)
        if unit > LONGEST_UNIT or need > len(text):
            return None
        if text[-need:-unit] == text[unit - need :]:
            return text[-unit:]
    return None


class ReplyWatch:
    """Watches one reply through the events of the client; raises Enough when it goes round in circles."""

    def __init__(self) -> None:
        self._guards = {"reasoning": CycleGuard(), "content": CycleGuard(), "calls": CycleGuard()}
        self._bound = PROSE
        self._end = ""

    def tell(self, event: Event) -> None:
        match event:
            case Delta(kind, text):
                self._feed(kind, text, PROSE)
            case CallBegun(name):
                self._bound, self._end = PROSE, ""
                self._feed("calls", name, self._bound)
            case CallGrown(text):
                self._grown(text)

    def _grown(self, text: str) -> None:
        seen = self._end + text
        if self._bound is PROSE and _FILE_TEXT.search(seen):
            self._bound = FILE
        self._end = seen[-_FILE_TEXT_MARK:]
        self._feed("calls", text, self._bound)

    def _feed(self, kind: str, text: str, bound: Bound) -> None:
        if self._guards[kind].feed(text, bound) is not None:
            raise Enough
