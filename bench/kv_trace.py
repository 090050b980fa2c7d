"""A month of prompts as an engine sees them, made from a seed: lengths and shared beginnings, no text.

A text is a path in a tree of segments. Two texts share what their paths share, so a prompt of 60,000 tokens
is a tuple of some fifty numbers, and the beginning that two prompts share is found by bisection.

Where the figures come from (the rest are assumptions, marked so; what the trace yields is printed by
bench.kv_month beside what was measured, which is the check on all of them):
* One user's log of four weeks on one slot: about 3,000 prompts; 548 of them met a slot that held something
  else, and of these 55 % shared less than 1,000 tokens with it; 349 prefills of more than a minute took 90
  % of all prefill time; 54 % of the bytes written were `evict` files and 37 % `continued`.
* First prompts of four coding agents, at 4 bytes a token: 50 KB, 39 KB, 32 KB and 7 KB of system text and
  tools; with a project's text and the task users report 10,000 to 30,000 tokens.
* Side requests without tools: 21 beside 19 continued turns in 13 recorded sessions of one agent (titles);
  other agents send a recap after some turns, or none. Assumed: one title a session and a recap in 2 % of
  the turns.
* What breaks a prefix is taken from reports (retry, edited message, fork, pruned tool results, a date in
  the system text, a dropped reasoning, compaction); how often each happens is assumed.
* A client that gives up and sends the same prompt again: reported, with a limit of 600 s. That it does not
  stream is assumed.
"""

from __future__ import annotations

import itertools
import random
from bisect import bisect_left
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

PROMPTS = 3_000
DAYS = 28
SECONDS_BETWEEN_TURNS = 60.0  # assumed
RESTART_EVERY_DAYS = 7  # assumed
SWITCH_CLIENT = 0.04  # assumed; gives the 55 % above
CONTEXT = 200_000

_nodes = itertools.count(1)


@dataclass(frozen=True, slots=True)
class Text:
    """`nodes[i]` names the path up to its end; this text has `ends[i]` tokens up to there."""

    nodes: tuple[int, ...] = ()
    ends: tuple[int, ...] = ()

    @property
    def n(self) -> int:
        return self.ends[-1] if self.ends else 0

    def extend(self, tokens: int) -> Text:
        """These tokens and as many that no other text has."""
        return Text((*self.nodes, next(_nodes)), (*self.ends, self.n + tokens))

    def cut(self, n: int) -> Text:
        """The first `n` tokens."""
        whole = bisect_left(self.ends, n)
        return Text(self.nodes[: whole + 1], (*self.ends[:whole], n)) if n else Text()

    @property
    def key(self) -> tuple[int, int]:
        return self.nodes[-1] if self.nodes else 0, self.n


def shared(a: Text, b: Text) -> int:
    """Tokens of the longest common beginning."""
    both = range(min(len(a.nodes), len(b.nodes)))
    count = bisect_left(both, True, key=lambda i: a.nodes[i] != b.nodes[i])
    return min(a.ends[count - 1], b.ends[count - 1]) if count else 0


@dataclass(frozen=True, slots=True)
class Request:
    """One prompt. The model answers with `reply` tokens, of which the last `call` are a tool call.

    `anchor`: where the last user message before the first assistant message begins. `text`: prompt and
    reply, as the next turn sends them back. A client that waits longer than `patience` seconds sends the
    prompt again.
    """

    at: float
    client: str
    kind: str
    prompt: Text
    text: Text
    anchor: int
    call: int = 0
    streams: bool = True
    patience: float = float("inf")

    @property
    def reply(self) -> int:
        return self.text.n - self.prompt.n


@dataclass(frozen=True, slots=True)
class Restart:
    """The engine is stopped cleanly and started again."""

    at: float


@dataclass(frozen=True, slots=True)
class _Client:
    name: str
    system: int
    streams: bool = True
    patience: float = float("inf")


_CLIENTS = (
    _Client("claude-code", 12_500),
    _Client("codex", 9_650),
    _Client("opencode", 7_900),
    # That the client with the small opening does not stream, and waits for 300 s, is assumed: with the 600 s
    # that were reported hardly a prompt within the context would be given up at 300 tokens/s.
    _Client("pi", 1_725, streams=False, patience=300.0),
)
_PROJECTS = 3  # assumed, a client
_TURNS = (3.6, 0.7)  # of a session, lognormal; mean 47, assumed
_RESULT = (6.6, 0.9)  # tokens of a tool's result; mean 1,100, assumed
_REPLY = (5.3, 0.7)  # tokens; mean 260, assumed
_MESSAGE = (4.6, 0.8)  # tokens of a user's message, assumed
_USER_SPEAKS = 0.15  # of the turns, otherwise a tool's result, assumed


@dataclass(slots=True)
class _Session:
    """One conversation. `turns[i]`: the text before turn i's new message, to which one can go back."""

    client: _Client
    opening: Text
    anchor: int
    left: int
    text: Text
    turns: list[Text] = field(default_factory=list)
    prompt: Text | None = None


class _Month:
    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.now = 0.0
        self.systems = {client.name: Text().extend(client.system) for client in _CLIENTS}
        self.projects = {
            name: [system.extend(self._between(1_500, 7_000)) for _ in range(_PROJECTS)]
            for name, system in self.systems.items()
        }
        self.titles = {client.name: Text().extend(350) for client in _CLIENTS}
        self.open: dict[str, _Session] = {}

    def _between(self, low: int, high: int) -> int:
        return self.random.randint(low, high)

    def _draw(self, shape: tuple[float, float], low: int, high: int) -> int:
        return max(low, min(high, round(self.random.lognormvariate(*shape))))

    def start(self, client: _Client) -> Iterator[Request]:
        """A new session. Agents ask for its title beside the first turn."""
        project = self.random.choice(self.projects[client.name])
        opening = project.extend(self._between(1_500, 14_000))
        session = _Session(client, opening, project.n, self._draw(_TURNS, 3, 250), opening)
        self.open[client.name] = session
        yield self.request(session, "turn", opening)
        yield self.side(session, "title")

    def request(self, session: _Session, kind: str, prompt: Text) -> Request:
        reply = self._draw(_REPLY, 20, 4_000)
        session.prompt, session.text = prompt, prompt.extend(reply)
        call = 0 if self.random.random() < _USER_SPEAKS else reply // 2
        client = session.client
        facts = (call, client.streams, client.patience)
        return Request(self.now, client.name, kind, prompt, session.text, session.anchor, *facts)

    def side(self, session: _Session, kind: str) -> Request:
        """Without tools, so that it shares nothing with the session but the first token."""
        prompt = self.titles[session.client.name].extend(self._draw(_MESSAGE, 20, 2_000))
        client = session.client.name
        return Request(self.now, client, kind, prompt, prompt.extend(30), self.titles[client].n)

    def turn(self, session: _Session) -> Iterator[Request]:
        session.left -= 1
        kind = self._kind()
        prompt = _CHANGES[kind](self, session)
        yield self.request(session, kind, prompt)
        if self.random.random() < _RECAP:
            yield self.side(session, "recap")
        if session.text.n > CONTEXT - 20_000:
            yield from self.compact(session)

    def _kind(self) -> str:
        pick = self.random.random()
        for kind, share in _BREAKS.items():
            pick -= share
            if pick < 0:
                return kind
        return "turn"

    def message(self) -> int:
        if self.random.random() < _USER_SPEAKS:
            return self._draw(_MESSAGE, 20, 4_000)
        return self._draw(_RESULT, 30, 12_000)

    def compact(self, session: _Session) -> Iterator[Request]:
        """A summary is asked for at the end, and the session goes on from its opening and that summary."""
        yield self.request(session, "compact", session.text.extend(400))
        session.prompt, session.text, session.turns = None, session.opening.extend(1_500), []

    def run(self) -> Iterator[Request | Restart]:
        client = _CLIENTS[0]
        per_day = PROMPTS // DAYS
        for day in range(DAYS):
            self.now = day * 86_400 + 9 * 3_600
            if day and day % RESTART_EVERY_DAYS == 0:
                yield Restart(self.now)
            sent = 0
            while sent < per_day:
                if self.random.random() < SWITCH_CLIENT:
                    client = self.random.choice(_CLIENTS)
                for request in self._next(client):
                    yield request
                    self.now += self.random.expovariate(1 / SECONDS_BETWEEN_TURNS)
                    sent += 1

    def _next(self, client: _Client) -> Iterator[Request]:
        session = self.open.get(client.name)
        return self.turn(session) if session and session.left > 0 else self.start(client)


def _append(month: _Month, session: _Session) -> Text:
    session.turns.append(session.text)
    return session.text.extend(month.message())


def _retry(month: _Month, session: _Session) -> Text:
    """The same prompt again: the user wants another answer."""
    return session.prompt or _append(month, session)


def _edit(month: _Month, session: _Session) -> Text:
    """The newest message is taken back and another sent."""
    return session.turns[-1].extend(month.message()) if session.turns else _append(month, session)


def _fork(month: _Month, session: _Session) -> Text:
    """On from an earlier turn."""
    if not session.turns:
        return _append(month, session)
    at = month.random.randrange(len(session.turns))
    del session.turns[at + 1 :]
    return session.turns[at].extend(month.message())


def _rewrite(share: float) -> Callable[[_Month, _Session], Text]:
    """Something at this share of the text has changed, so that all behind it is another text."""

    def change(month: _Month, session: _Session) -> Text:
        at = session.opening.n + round((session.text.n - session.opening.n) * share)
        text = session.text.cut(at).extend(max(1, session.text.n - at))
        session.turns = []
        return text.extend(month.message())

    return change


def _redate(month: _Month, session: _Session) -> Text:
    """The date at the end of the system text has changed."""
    system = session.client.system
    text = month.systems[session.client.name].cut(system - 50).extend(session.text.n - system + 50)
    session.opening, session.turns = text.cut(session.opening.n), []
    return text.extend(month.message())


_RECAP = 0.02
# Assumed shares of the turns.
_BREAKS = {"retry": 0.02, "edit": 0.015, "fork": 0.01, "prune": 0.006, "reasoning": 0.01, "date": 0.004}
_CHANGES: dict[str, Callable[[_Month, _Session], Text]] = {
    "turn": _append, "retry": _retry, "edit": _edit, "fork": _fork,
    "prune": _rewrite(0.3), "reasoning": _rewrite(0.95), "date": _redate,
}  # fmt: skip


def month(seed: int = 4) -> list[Request | Restart]:
    """The trace. The same seed gives the same one."""
    return list(_Month(seed).run())
